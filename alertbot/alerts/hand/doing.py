"""What a person says of a post that they were to make by hand: done, with its address or the time; or not done, with
the reason."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from alertbot.alerts import progress
from alertbot.alerts.hand import giving, store_hand
from alertbot.alerts.hand.giving import HandTaskView
from alertbot.core.errors import Misuse, Refused, one_line, safe
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.core.words import _, way_out
from alertbot.db import audit
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.delivery import store_outbox
from alertbot.delivery.store_deliveries import Outcome
from alertbot.people import rules, store_tasks, tasks
from alertbot.people.context import Context
from alertbot.people.store_tasks import Task
from alertbot.people.tasks import BY_HAND
from alertbot.texts.fields import moments

LONGEST_LINK = 2000
Settled = tuple[list[Outcome], list[str]]


@dataclass(frozen=True, slots=True)
class HandAnswer:
    """What was said of the post: the address where it stands, or when it was made, or both; or why not. `way`: how it
    was said, None at the command line. `first`: a check within the transaction."""

    link: str | None = None
    at: str | None = None
    why_not: str | None = None
    way: str | None = None
    first: Callable[[Connection], Awaitable[None]] | None = None


def read(text: str) -> HandAnswer:
    """What one line of a chat means: an address, or a time."""
    said = text.strip()
    return HandAnswer(link=said) if "://" in said else HandAnswer(at=said)


async def require_open(service: Context, actor: Person, task_id: int) -> None:
    """Raises what `answer` would, before a person is asked for the answer."""
    rules.require_role("task", actor)

    async def look(conn: Connection) -> None:
        _require_open(await tasks.get(conn, task_id))

    await service.database.read(look)


async def answer(service: Context, actor: Person, task_id: int, said: HandAnswer) -> HandTaskView:
    """Record what a person did. Raises `Misuse` without an address, a time or a reason, or with one that cannot be;
    `Refused` if it was told before."""
    rules.require_role("task", actor)

    async def work(conn: Connection) -> HandTaskView:
        await take_lock(conn, AUDIT)
        if said.first is not None:
            await said.first(conn)
        task = await tasks.get(conn, task_id)
        _require_open(task)
        await _record(service, conn, actor, task, said)
        return await giving.view_of(service, conn, task_id)

    return await service.database.transact(work)


async def _record(
    service: Context, conn: Connection, actor: Person, task: Task, said: HandAnswer
) -> None:
    now, delivery = service.now, giving.delivery_of(task.key)
    one = await store_hand.handed(conn, delivery)
    held = None if one is None else await giving.stop(conn, one)
    asked = () if one is None else await giving.asked(service, conn, one.channel)
    if said.why_not is not None:
        outcome = _("not posted, says {name}: {reason}").format(
            name=actor.name, reason=one_line(_reason(said.why_not))
        )
        found = await store_outbox.not_posted(conn, delivery, reason=outcome, by=actor.id)
    else:
        outcome, found = await _posted(service, conn, actor, task, said)
    if found is None:
        raise Refused(
            _("Task {id}: its delivery {delivery} is settled already.").format(
                id=task.id, delivery=delivery
            )
        )
    await store_tasks.done(conn, task.key, by=actor.name, outcome=outcome, now=now)
    detail = {
        "key": task.key,
        "outcome": outcome,
        "asked": list(asked),
        "way": said.way,
        "despite": held,
    }
    kept = {name: value for name, value in detail.items() if value}
    await audit.append(conn, actor=actor.name, verb="task-done", at=now, alert=task.alert, detail=kept)
    outcomes, settled = found
    await progress.note_outcomes(service, conn, outcomes, actor=actor.name)
    for alert in settled or filter(None, [task.alert]):
        await progress.advance(service, conn, alert)


async def _posted(
    service: Context, conn: Connection, actor: Person, task: Task, said: HandAnswer
) -> tuple[str, Settled | None]:
    link = _link(said.link) if said.link else None
    if link is None and not said.at:
        command = _(
            "Say where it stands or when it was posted: alertbot task done {id} --link https://… or --at 19:31. If it"
            " was not posted: alertbot task not-done {id} --reason …"
        )
        desk = _(
            "Say where it stands, or when it was posted. If it was not posted, say so below, with the reason."
        )
        raise Misuse(way_out(command, desk).format(id=task.id))
    at = _moment(service, task, said.at) if said.at else service.now
    clock = f"{at.astimezone(service.publisher.zone):%H:%M}"
    note = _("sent by {name} {time}").format(name=actor.name, time=clock)
    found = await store_outbox.posted(
        conn, giving.delivery_of(task.key), at=at.timestamp(), note=note, url=link, by=actor.id
    )
    return ", ".join(filter(None, [note, link])), found


def _link(text: str) -> str:
    """The address, if it is one. Raises `Misuse`."""
    link = text.strip()
    plain = link.isprintable() and " " not in link and len(link) <= LONGEST_LINK
    if not plain or not link.lower().startswith(("https://", "http://")) or link.endswith("://"):
        raise Misuse(_("'{url}' is not a post's address.").format(url=safe(link)))
    return link


def _moment(service: Context, task: Task, text: str) -> datetime:
    """When it was posted. Raises `Misuse` for a time before the words were given out, or ahead."""
    try:
        at = moments.moment(text, now=service.now, zone=service.publisher.zone, past=True)
    except Refused as error:
        raise Misuse(str(error)) from None
    minute = timedelta(minutes=1)
    if at > service.now + minute:
        raise Misuse(_("{time} has not come yet.").format(time=service.clock(at)))
    if at + minute < task.raised_at:
        raise Misuse(
            _("{time} was before the words were given out ({given}).").format(
                time=service.clock(at), given=service.clock(task.raised_at)
            )
        )
    return min(at, service.now)


def _reason(text: str) -> str:
    reason = text.strip()
    if not reason:
        raise Misuse(_("Say why it was not posted: the team has to know."))
    return reason[: tasks.LONGEST_OUTCOME]


def _require_open(task: Task) -> None:
    if task.kind != BY_HAND:
        command = _("Task {id} is not about a post. When it is done: alertbot task done {id}")
        desk = _("Task {id} is not about a post: say what was done.")
        raise Misuse(way_out(command, desk).format(id=task.id))
    if task.done_at is not None:
        raise Refused(tasks.already(task))
