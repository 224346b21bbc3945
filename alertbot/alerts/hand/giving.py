"""Giving a person what they are to post by hand: the task, whom it is for, and what they see of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from alertbot.alerts import store_following
from alertbot.alerts.chains import OUT
from alertbot.alerts.hand import store_hand
from alertbot.alerts.hand.store_hand import EarlierPost, Handed
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.hands import DUTY
from alertbot.core.model import Action, DeliveryState, Person, Picture, Role
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery import store_outbox
from alertbot.delivery.store_deliveries import Outcome
from alertbot.people import rules, store_contacts, store_people, store_requests, store_tasks, tasks
from alertbot.people.context import Context
from alertbot.people.store_requests import NewRequest
from alertbot.people.store_tasks import Task
from alertbot.people.tasks import BY_HAND, NewTask
from alertbot.people.views import TaskView

KEY = f"{BY_HAND}:"
USUAL = timedelta(minutes=15)  # for a channel that is no longer configured


@dataclass(frozen=True, slots=True, kw_only=True)
class HandTaskView:
    """What a person is to post, and how. `words`: exactly the text, empty for a deletion. `picture`: its SHA-256.
    `stop`: why it must not be posted now. `earlier`: the address of the post that it is about, or who made it and
    when. `asked`: who was asked to."""

    task: TaskView
    delivery: int
    channel: str
    place: str
    lang: str | None
    part: int
    parts: int
    action: Action
    state: DeliveryState
    asked: tuple[str, ...]
    instruction: str
    stop: str | None
    earlier: str | None
    words: str
    picture: str | None
    alt: str | None


def key_of(delivery: int) -> str:
    return f"{KEY}{delivery}"


async def give(service: Context, conn: Connection, outcomes: Sequence[Outcome]) -> None:
    """Raise a task for each delivery that a person has to make, and ask those whom it is for."""
    if not outcomes:
        return
    found = [one for one in [await store_hand.handed(conn, each.id) for each in outcomes] if one]
    fresh = await tasks.raise_all(service, conn, [await _chore(service, conn, one) for one in found])
    keys = {one.key for one in fresh}
    for one in found:
        if key_of(one.id) in keys:
            await _ask(service, conn, one)


async def _chore(service: Context, conn: Connection, one: Handed) -> NewTask:
    channel = service.publisher.channels.get(one.channel)
    within = channel.hand.within if channel and channel.hand else USUAL
    due = service.now + within
    said = {
        Action.EDIT: _(
            "{alert} ({lang}): an earlier post in {place} is to be changed by {who} before {time}."
        ),
        Action.DELETE: _(
            "{alert} ({lang}): an earlier post in {place} is to be deleted by {who} before {time}."
        ),
    }
    text = said.get(
        one.action, _("{alert} ({lang}) is to be posted in {place} by {who} before {time}.")
    ).format(
        alert=one.alert,
        lang=one.lang or "–",
        place=one.place,
        who=", ".join(await asked(service, conn, one.channel)) or _("whoever is on duty"),
        time=service.clock(due),
    )
    return NewTask(key_of(one.id), BY_HAND, text, alert=one.alert, due_at=due)


async def asked(service: Context, conn: Connection, channel: str) -> tuple[str, ...]:
    """The names of those who are to post there now."""
    return tuple(one.name for one in await _people(service, conn, channel))


async def _people(service: Context, conn: Connection, channel: str) -> list[Person]:
    known = service.publisher.channels.get(channel)
    who = known.hand.who if known and known.hand else DUTY
    able = [one for one in await store_people.persons(conn, now=service.now) if _may(one)]
    named = [one for one in able if one.name.casefold() == who.casefold()]
    if who != DUTY:
        return named
    first = rules.first_asked(service.reach.duty, [one.name for one in able], 1, service.now)
    names = {one.name for one in first} if service.reach.duty else set()
    return [one for one in able if one.name in names]


def _may(person: Person) -> bool:
    return person.counts and bool(person.roles & {Role.AUTHOR, Role.APPROVER})


async def _ask(service: Context, conn: Connection, one: Handed) -> None:
    """Queue the requests: to the team's group, and to those whom it is for."""
    reach = service.reach
    task = await store_tasks.with_key(conn, key_of(one.id))
    if task is None or not reach.ways:
        return
    known = await store_contacts.reaches(conn)
    people = await _people(service, conn, one.channel)
    fresh = [NewRequest(way, reach.groups[way]) for way in reach.ways if way in reach.groups]
    fresh += [
        NewRequest(way, address, person.id)
        for person in people
        for way in reach.ways
        if (address := known[person.id].address(way))
    ]
    about = store_requests.about_task(task.id)
    await store_requests.add(conn, one.alert, about, fresh, now=service.now)


async def shown(service: Context, task_id: int) -> tuple[HandTaskView, Picture | None]:
    """What is to be posted, with its picture. Raises `Misuse` for a task that is about nothing of the kind."""

    async def look(conn: Connection) -> tuple[HandTaskView, Picture | None]:
        view = await view_of(service, conn, task_id)
        pictures = await store_outbox.get(conn, [view.picture] if view.picture else [])
        return view, pictures.get(view.picture or "")

    return await service.database.read(look)


async def view_of(service: Context, conn: Connection, task_id: int) -> HandTaskView:
    """As `shown`, without the picture."""
    task = await tasks.get(conn, task_id)
    one = await store_hand.handed(conn, delivery_of(task.key)) if task.kind == BY_HAND else None
    if one is None:
        raise Misuse(_("Task {id} has no text to post: {text}").format(id=task.id, text=task.text))
    before = await store_hand.earlier(conn, one)
    why_not = await stop(conn, one) if one.state is DeliveryState.SENDING else None
    return HandTaskView(
        task=tasks.view(task),
        delivery=one.id,
        channel=one.channel,
        place=one.place,
        lang=one.lang,
        part=one.part,
        parts=one.parts,
        action=one.action,
        state=one.state,
        asked=await asked(service, conn, one.channel),
        instruction="" if why_not and one.text else _instruction(service, one, before),
        stop=why_not,
        earlier=None if before is None else _where(before),
        words=one.text,
        picture=one.picture,
        alt=one.alt if one.picture else None,
    )


async def is_stopped(conn: Connection, task: Task) -> bool:
    """Whether what this task is about must not be posted now."""
    one = await store_hand.handed(conn, delivery_of(task.key))
    return one is not None and await stop(conn, one) is not None


async def as_they_stand(conn: Connection, waiting: Sequence[TaskView]) -> list[TaskView]:
    """These tasks as people have to read them now: of a post that must not be made any more, that comes first."""
    found = []
    for one in waiting:
        if one.kind == BY_HAND and one.done_at is None:
            post = await store_hand.handed(conn, delivery_of((await tasks.get(conn, one.id)).key))
            if post is not None and (why := await stop(conn, post)):
                found.append(replace(one, text=f"{why} {one.text}"))
                continue
        found.append(one)
    return found


def delivery_of(key: str) -> int:
    return int(key.removeprefix(KEY))


def _instruction(service: Context, one: Handed, before: EarlierPost | None) -> str:
    """What to do there, in a sentence or two."""
    found = "" if before is None else _where(before)
    if before is None and one.action is not Action.PUBLISH:
        said = _("The earlier post in {place} was never made: there is nothing to change or delete.")
    elif one.action is Action.EDIT:
        said = _("In {place}, replace the text of the earlier post ({post}) by exactly these words.")
    elif one.action is Action.DELETE:
        said = _("In {place}, delete the earlier post ({post}).")
    elif before is not None:
        said = _(
            "Post exactly these words in {place}, as an answer to the earlier post ({post}) or right after it."
        )
    else:
        said = _("Post exactly these words in {place}.")
    sentences = [said.format(place=one.place, post=found)]
    if before is not None and before.state is DeliveryState.SENDING:
        sentences.append(
            _(
                "Nobody has said yet that the earlier post was made: if it was not, do not make it any more."
            )
        )
    if one.picture:
        sentences.append(_("Add the picture, with its text alternative."))
    if service.publisher.organisation.sandbox:
        sentences.insert(0, _("This is a rehearsal: post nothing, only say that it is done."))
    return " ".join(sentences)


def _where(post: EarlierPost) -> str:
    """`https://… (sent by Camille 19:31)`, as far as it is known."""
    known = [post.url, post.note]
    if not any(known):
        return _("that of {alert}").format(alert=post.alert)
    return ", ".join(filter(None, known))


async def stop(conn: Connection, one: Handed) -> str | None:
    """Why it must not be posted now, as a sentence; None if it may."""
    why = None
    if one.cancelled:
        why = _("{alert} was stopped: {reason}").format(alert=one.alert, reason=one.cancelled)
    elif one.held:
        why = _("it is halted.")
    elif one.late:
        why = _("its time is over.")
    elif (other := await store_following.taken_back_by(conn, one.alert)) and other.state in OUT:
        why = _("{other} takes {alert} back.").format(other=other.id, alert=one.alert)
    if why is None:
        return None
    return _("DO NOT POST IT: {why} If it stands there already, say so all the same.").format(why=why)
