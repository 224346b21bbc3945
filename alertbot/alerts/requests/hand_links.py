"""Posting by hand with a link from a mail: the page with the words, and what the person answers on it. Also what a
request about such a task says."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import field, replace
from datetime import timedelta

from alertbot.alerts.hand import doing, giving
from alertbot.alerts.hand.doing import HandAnswer
from alertbot.alerts.hand.giving import HandTaskView
from alertbot.alerts.requests import links
from alertbot.alerts.requests.links import Key, LinkForged, Unanswered
from alertbot.alerts.requests.text import Ask, brief
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person, Picture
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import rules, store_requests, tasks
from alertbot.people.context import Context
from alertbot.people.store_requests import ApprovalRequest, Link, task_in

LASTS = timedelta(days=7)  # a link: what was done late must still be told


@dataclass(frozen=True, slots=True)
class OpenedTask:
    """What the page of a link shows."""

    person: Person
    form: str = field(repr=False)
    view: HandTaskView
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """A form as it was sent. `done`: that it was posted; else that it was not."""

    done: bool
    form: str = field(repr=False)
    link: str = ""
    at: str = ""
    reason: str = ""


async def outcome(conn: Connection, task_id: int) -> str | None:
    """What became of it, as a sentence; None while nobody has said."""
    task = await tasks.get(conn, task_id)
    if task.done_at is None:
        return None
    return _("{alert}: {outcome}").format(alert=task.alert or "–", outcome=task.outcome or "–")


async def stopped(conn: Connection, task_id: int) -> bool:
    """Whether it must not be posted now."""
    return await giving.is_stopped(conn, await tasks.get(conn, task_id))


async def compose(service: Context, call: ApprovalRequest) -> Ask | None:
    """The full request; None if it is answered by now."""
    task_id = task_in(call.digest)
    if task_id is None:
        return None
    view, picture = await giving.shown(service, task_id)
    if view.task.done_at is not None:
        return None
    until = (service.now + LASTS).astimezone(service.publisher.zone)
    return replace(brief(call), hand=view, pictures=(picture,) if picture else (), until=until)


async def open_task(service: Context, key: Key, token: str) -> OpenedTask:
    """What this link's person is to post. Read only. Raises a subclass of `Refused` for a link that does not work, and
    for a person who no longer counts."""
    link, task_id = await _find(service, key, token)
    view, picture = await giving.shown(service, task_id)
    return OpenedTask(link.person, key.form(token), view, picture)


async def answer(service: Context, key: Key, token: str, said: TaskAnswer) -> HandTaskView:
    """Record what the link's person did. Raises as `doing.answer`, `LinkForged` for a form that is not this link's, and
    `Unanswered` for an incomplete one."""
    link, task_id = await _find(service, key, token)
    if not hmac.compare_digest(said.form.encode("utf-8", "replace"), key.form(token).encode()):
        await links.count_wrong(service, link)
        raise LinkForged(
            _("This form does not belong to this link. Open the link from the mail again.")
        )
    if said.done and not (said.link or said.at):
        raise Unanswered(_("Give the address of the post, or the time when you posted it."), "done")
    given = (
        HandAnswer(said.link or None, said.at or None, way=links.WAY, first=_still(service, link))
        if said.done
        else HandAnswer(why_not=said.reason, way=links.WAY, first=_still(service, link))
    )
    try:
        return await doing.answer(service, link.person, task_id, given)
    except Misuse as error:
        raise Unanswered(str(error), "done" if said.done else "not-done") from None


async def _find(service: Context, key: Key, token: str) -> tuple[Link, int]:
    link = await service.database.read(lambda conn: links.find(service, conn, key, token))
    task_id = task_in(link.digest)
    if task_id is None:
        raise links.LinkUnknown(_("This link is not about a post by hand."))
    rules.require_role("task", link.person)
    return link, task_id


def _still(service: Context, link: Link) -> Callable[[Connection], Awaitable[None]]:
    """Whether the link still is the person's, in the transaction of the answer."""

    async def work(conn: Connection) -> None:
        fresh = await store_requests.find_link(conn, link.token_hash, now=service.now) or link
        rules.require_role("task", fresh.person)
        if fresh.bond != link.bond:
            raise links.dead(link)

    return work
