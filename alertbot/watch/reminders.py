"""Reminders: numbers near or past their end (R5) or still in force after their incident, promised updates
(R19), approvals about to lapse or lapsed. Checked by the worker and
`status`; each finding is one task, which closes automatically once it is settled. What rules do about an overdue
promise: `reacting.look_at_promises`."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from alertbot.alerts import store_reading
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Relation
from alertbot.core.words import _
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.numbers import store_numbers
from alertbot.numbers.rules_entry import Entry, Standing, entry_name, standing
from alertbot.people import store_people, store_tasks, tasks
from alertbot.people.store_tasks import Task
from alertbot.people.tasks import NewTask
from alertbot.watch import store_reminders
from alertbot.watch.context import WatchContext
from alertbot.watch.store_reminders import (
    AFTERWARDS,
    ENDED,
    ENDS,
    LATE,
    AlertPromise,
    Ending,
    number_key,
)

log = logging.getLogger(__name__)

END_KIND = "end"


@dataclass(frozen=True, slots=True)
class ReminderFindings:
    """The tasks to raise, and the settled ones: keys with their outcomes."""

    chores: tuple[NewTask, ...] = ()
    settled: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.chores or self.settled)


async def look(service: WatchContext, *, patience: float | None = None) -> ReminderFindings:
    """Raise and close the tasks that are due. Only reads while there is nothing to do. `patience`:
    seconds to wait for the database, see `Database.transact`."""

    async def work(conn: Connection) -> ReminderFindings:
        await take_lock(
            conn, AUDIT
        )  # of two workers that look at once, the second sees what the first did
        found = await _findings(service, conn)
        for key, outcome in found.settled:
            await tasks.close(service, conn, key, outcome)
        await tasks.raise_all(service, conn, found.chores)
        return found

    if not await service.database.read(lambda conn: _findings(service, conn)):
        return ReminderFindings()
    return await service.database.transact(work, patience=patience)


async def look_if_possible(service: WatchContext) -> None:
    """Raise and close the tasks that are due, for a command that only shows: never waits for a writer,
    and does nothing if the database cannot be written."""
    try:
        await look(service, patience=0.0)
    except AlertbotError as error:
        log.warning("%s", error)


async def _findings(service: WatchContext, conn: Connection) -> ReminderFindings:
    now = service.now
    soon = await store_reminders.endings(conn, after=now, until=now + service.warn_before)
    over = await store_reminders.endings(conn, after=None, until=now)
    promises = list(standing_promises(await store_reminders.promises(conn, now=now)))
    chores = [
        *await _about_numbers(service, conn, ENDS, soon),
        *await _about_numbers(service, conn, ENDED, over),
        *await _about_closed(service, conn),
        *await _about_promises(service, conn, promises),
        *await _about_hands(service, conn),
    ]
    lapsing = await _about_approvals(service, conn)
    known = await store_tasks.ever_raised(conn, lapsing) if lapsing else frozenset()
    chores += [chore for key, chore in lapsing.items() if key not in known]
    settled = [
        *await _settled_numbers(conn, now),
        *await _settled_promises(conn, promises),
        *await _settled_approvals(conn, lapsing),
        *await _settled_hands(conn),
    ]
    return ReminderFindings(tuple(chores), tuple(settled))


# --- numbers --------------------------------------------------------------------------------------


async def _about_numbers(
    service: WatchContext, conn: Connection, kind: str, found: Sequence[Ending]
) -> list[NewTask]:
    ids = [one.entry for one in found]
    if not ids:
        return []
    entries = {entry.id: entry for entry in await store_numbers.entries(conn, ids=ids)}
    told = await store_numbers.published_in(conn, ids, still=True)
    wanted = Standing.IN_FORCE if kind == ENDS else Standing.EXPIRED
    return [
        NewTask(
            key=number_key(kind, one.entry, one.version),
            kind=kind,
            text=_text(service, kind, entries[one.entry], told[one.entry], one.ends_at),
            number=one.entry,
            due_at=one.ends_at,
        )
        for one in found
        if standing(entries[one.entry], service.now) is wanted
    ]


async def _about_closed(service: WatchContext, conn: Connection) -> list[NewTask]:
    """Numbers that only closed incidents give: nobody looks after them any more."""
    found = await store_reminders.in_closed(conn, now=service.now)
    if not found:
        return []
    told = await store_numbers.published_in(conn, [one.entry for one in found], still=True)
    entries = {one.id: one for one in await store_numbers.entries(conn, ids=list(told))}
    sentence = _(
        "{entry} ({row}) is still in force, and incident {incident} is closed: {alerts} told the public to call"
        " it. If it stays in use, close this task (alertbot task done). If not: alertbot withdraw --numbers"
        " {entry}"
    )
    return [
        NewTask(
            key=number_key(AFTERWARDS, one.entry, one.version),
            kind=AFTERWARDS,
            text=sentence.format(
                entry=entry_name(one.entry),
                row=entries[one.entry].row,
                incident=", ".join(sorted(incidents)),
                alerts=", ".join(told[one.entry]),
            ),
            number=one.entry,
            due_at=one.ends_at,
        )
        for one, incidents in found.items()
        if told[one.entry] and {_incident_of(alert) for alert in told[one.entry]} <= incidents
    ]


def _incident_of(alert: str) -> str:
    return alert.rpartition("-")[0]


def _text(
    service: WatchContext, kind: str, entry: Entry, told: Collection[str], ends_at: datetime
) -> str:
    if kind == ENDS:
        said = _(
            "{entry} ({row}) expires at {time}. If it stays in use, set a new time: alertbot numbers"
            " edit {entry} --set {field}=+24h, and have it verified again."
        )
    elif told:
        said = _(
            "{entry} ({row}) expired at {time}, and {alerts} told the public to call it: the next"
            " update will say it is no longer valid. If it stays in use, set a new time: alertbot"
            " numbers edit {entry} --set {field}=+24h."
        )
    else:
        said = _(
            "{entry} ({row}) expired at {time}; no alert gives it. Set a new time, or withdraw it:"
            " alertbot numbers withdraw {entry} --reason …"
        )
    return said.format(
        entry=entry.name,
        row=entry.row,
        time=_clock(service, ends_at),
        alerts=", ".join(told),
        field="valid_until" if entry.row.valid_until == ends_at else "review_at",
    )


async def _settled_numbers(conn: Connection, now: datetime) -> list[tuple[str, str]]:
    """Open tasks about entries that have changed since."""
    open_ones = await store_reminders.standing(conn)
    ended = [one.entry for one in open_ones if one.kind in (ENDED, AFTERWARDS)]
    ever = await store_numbers.published_in(conn, ended)
    still = await store_numbers.published_in(conn, ended, still=True)
    taken_back = {entry for entry in ended if ever[entry] and not still[entry]}
    found = ((one.key, _outcome(one, now, one.entry in taken_back)) for one in open_ones)
    return [(key, outcome) for key, outcome in found if outcome]


def _outcome(one: store_reminders.OpenNumberTask, now: datetime, taken_back: bool) -> str:
    """Why this task is settled; empty if it is not."""
    entry = entry_name(one.entry)
    if one.withdrawn:
        return _("{entry} was withdrawn.").format(entry=entry)
    if one.key != number_key(one.kind, one.entry, one.version):
        return _("{entry} was changed.").format(entry=entry)
    if one.kind in (ENDS, AFTERWARDS) and one.ends_at is not None and one.ends_at <= now:
        return _("{entry} has expired.").format(entry=entry)
    if one.kind in (ENDED, AFTERWARDS) and taken_back:
        return _("The public has been told that {entry} is no longer valid.").format(entry=entry)
    return ""


# --- promised updates -----------------------------------------------------------------------------


def standing_promises(spoken: Sequence[AlertPromise]) -> Iterator[AlertPromise]:
    """The alert whose promise of a next update is current, per incident and separately for its
    exercises. An end promises none; an alert without a promise leaves the one before it in force."""
    parts = sorted(spoken, key=lambda one: (one.incident, one.exercise))
    for _part, said in groupby(parts, key=lambda one: (one.incident, one.exercise)):
        last = None
        for one in said:
            if one.kind == END_KIND or one.relation == Relation.END:
                last = None
            elif one.next_update:
                last = one
        if last is not None:
            yield last


async def _about_promises(
    service: WatchContext, conn: Connection, promises: Sequence[AlertPromise]
) -> list[NewTask]:
    late = {_late_key(one): one for one in promises if promised_at(one) <= service.now}
    known = await store_tasks.ever_raised(conn, late) if late else ()
    return [
        NewTask(
            key=key,
            kind=LATE,
            text=_late(service, one),
            alert=one.alert,
            incident=one.incident,
            due_at=promised_at(one),
        )
        for key, one in late.items()
        if key not in known
    ]


def _late(service: WatchContext, one: AlertPromise) -> str:
    sentence = (
        _(
            "Incident {incident} is closed, but {alert} promised an update for {time}, and none has followed:"
            " alertbot update {alert}"
        )
        if one.closed
        else _("{alert} promised an update for {time}, and none has followed: alertbot update {alert}")
    )
    return sentence.format(
        incident=one.incident, alert=one.alert, time=_clock(service, promised_at(one))
    )


async def _settled_promises(
    conn: Connection, promises: Sequence[AlertPromise]
) -> list[tuple[str, str]]:
    """Open tasks about promises that are kept or whose incident is over."""
    standing_ones = {_late_key(one) for one in promises}
    return [
        (one.key, _("An update followed, or the incident is over."))
        for one in await store_tasks.open_tasks(conn, [LATE])
        if one.key not in standing_ones
    ]


def _late_key(one: AlertPromise) -> str:
    return f"{LATE}:{one.alert}:{one.next_update}"


def promised_at(one: AlertPromise) -> datetime:
    return datetime.fromisoformat(one.next_update)


# --- posts by hand --------------------------------------------------------------------------------

UNPOSTED = "hand-late"  # a kind of task


async def _about_hands(service: WatchContext, conn: Connection) -> list[NewTask]:
    """Posts by hand of which nobody has said in time what became of them."""
    given = await store_tasks.open_tasks(conn, [tasks.BY_HAND])
    late = {_unposted_key(one): one for one in given if one.due_at and one.due_at <= service.now}
    known = await store_tasks.ever_raised(conn, late) if late else ()
    sentence = _(
        "OVERDUE: nobody has said that this was done. {text} See alertbot task show {id}; if it cannot be done, say why:"
        " alertbot task not-done {id} --reason …"
    )
    return [
        NewTask(
            key, UNPOSTED, sentence.format(text=one.text, id=one.id), alert=one.alert, due_at=one.due_at
        )
        for key, one in late.items()
        if key not in known
    ]


async def _settled_hands(conn: Connection) -> list[tuple[str, str]]:
    """Alarms about posts by hand of which somebody has said by now what became of them."""
    given = {_unposted_key(one) for one in await store_tasks.open_tasks(conn, [tasks.BY_HAND])}
    return [
        (one.key, _("Somebody has said what became of it."))
        for one in await store_tasks.open_tasks(conn, [UNPOSTED])
        if one.key not in given
    ]


def _unposted_key(one: Task) -> str:
    return f"{UNPOSTED}:{one.id}"


# --- approvals ------------------------------------------------------------------------------------


LAPSES, LAPSED = "approval-lapses", "approval-lapsed"  # kinds of tasks
LAST_PART = 3  # of the time for approval: the team is told when a third is left, at most `warn_before`


async def _about_approvals(service: WatchContext, conn: Connection) -> dict[str, NewTask]:
    """Tasks about approvals that are about to lapse or have lapsed, by key; those that were raised before too."""
    now = service.now
    found = await store_reading.lapsing(conn, since=now - store_reminders.REMEMBERED)
    ends = {one.id: at for one in found if (at := await _lapse_of(conn, one, now)) is not None}
    due = [one for one in found if one.id in ends and _is_due(service, one, ends[one.id], now)]
    if not due:
        return {}
    names = {one.id: one.name for one in await store_people.persons(conn, now=now)}
    chores = {}
    for one in due:
        if one.state is AlertState.EXPIRED and await _written_since(conn, one):
            continue
        kind = LAPSED if one.state is AlertState.EXPIRED else LAPSES
        text = _lapse_text(service, one, names.get(one.author_id or 0, "alertbot"), ends[one.id])
        key = f"{kind}:{one.id}:{one.digest[:12]}"
        due_at = None if kind == LAPSED else ends[one.id]
        chores[key] = NewTask(key, kind, text, one.id, one.incident, due_at=due_at)
    return chores


async def _lapse_of(conn: Connection, one: Alert, now: datetime) -> datetime | None:
    """When its approval lapses or had to be given; None for what one person published alone."""
    if one.state is not AlertState.APPROVED:
        return one.pending_until
    given = await store_reading.approvals_of(conn, one.id, now=now)
    return min((each.expires_at for each in given if each.digest == one.digest), default=None)


def _is_due(service: WatchContext, one: Alert, ends: datetime, now: datetime) -> bool:
    if one.state is AlertState.EXPIRED:
        return True
    return now < ends <= now + min(service.warn_before, one.approvals.expires_after / LAST_PART)


async def _written_since(conn: Connection, gone: Alert) -> bool:
    """Whether somebody has written a later alert of the same incident since, which takes its place."""
    others = await store_reading.listing(conn, incident=gone.incident)
    return any(
        one.number > gone.number
        and one.exercise is gone.exercise
        and one.state is not AlertState.DISCARDED
        and gone.pending_until is not None
        and one.drafted_at >= gone.pending_until
        for one in others
    )


def _lapse_text(service: WatchContext, one: Alert, author: str, ends: datetime) -> str:
    if one.state is AlertState.PENDING:
        said = _(
            "{alert} ({kind}) by {author} expires at {time} unless it is approved: alertbot show {alert}, then"
            " alertbot approve {alert}"
        )
    elif one.state is AlertState.APPROVED:
        said = _(
            "The approval of {alert} ({kind}) by {author} lapses at {time}, and nothing of it has gone out:"
            " alertbot show {alert} says what holds it back."
        )
    elif one.approved_at is None:
        said = _(
            "{alert} ({kind}) by {author} was not approved before {time} and never went out. If it is still"
            " needed: alertbot draft --like {alert}"
        )
    else:
        said = _(
            "{alert} ({kind}) by {author} was approved, but expired before any of it went out. If it is still"
            " needed: alertbot draft --like {alert}"
        )
    return said.format(alert=one.id, kind=one.kind, author=author, time=_clock(service, ends))


async def _settled_approvals(
    conn: Connection, standing: Mapping[str, NewTask]
) -> list[tuple[str, str]]:
    """Open tasks about approvals that were given, or are of no use any more."""
    return [
        (one.key, _("It was approved, changed or written anew, or it has expired."))
        for one in await store_tasks.open_tasks(conn, [LAPSES, LAPSED])
        if one.key not in standing
    ]


def _clock(service: WatchContext, moment: datetime) -> str:
    return service.clock(moment)
