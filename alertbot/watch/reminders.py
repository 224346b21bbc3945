"""Reminders: numbers near or past their end (R5), promised updates (R19). Checked by the worker and
`status`; each finding is one task, which closes automatically once it is settled. What rules do about an overdue
promise: `reacting.look_at_promises`."""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from alertbot.core.errors import AlertbotError
from alertbot.core.model import Relation
from alertbot.core.words import _
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.numbers import store_numbers
from alertbot.numbers.rules_entry import Entry, Standing, entry_name, standing
from alertbot.people import store_tasks, tasks
from alertbot.people.tasks import NewTask
from alertbot.watch import store_reminders
from alertbot.watch.context import WatchContext
from alertbot.watch.store_reminders import ENDED, ENDS, LATE, AlertPromise, Ending, number_key

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
        *await _about_promises(service, conn, promises),
    ]
    settled = [
        *await _settled_numbers(conn, now),
        *await _settled_promises(conn, promises),
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
    ended = [one.entry for one in open_ones if one.kind == ENDED]
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
    if one.kind == ENDS and one.ends_at is not None and one.ends_at <= now:
        return _("{entry} has expired.").format(entry=entry)
    if one.kind == ENDED and taken_back:
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
            text=_(
                "{alert} promised an update for {time}, and none has followed: alertbot update {alert}"
            ).format(alert=one.alert, time=_clock(service, promised_at(one))),
            alert=one.alert,
            incident=one.incident,
            due_at=promised_at(one),
        )
        for key, one in late.items()
        if key not in known
    ]


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


def _clock(service: WatchContext, moment: datetime) -> str:
    return service.clock(moment)
