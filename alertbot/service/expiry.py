"""What ends while nobody looks: numbers near or past their end (R5), and updates that were promised (R19).
The worker and `status` ask; each finding becomes one task, which closes itself once it is settled."""

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from alertbot.errors import AlertbotError
from alertbot.model import Relation
from alertbot.register.entry import Entry, entry_name
from alertbot.register.standing import Standing, standing
from alertbot.service import tasks
from alertbot.service.context import Context
from alertbot.service.tasks import Chore
from alertbot.store import expiring, numbers
from alertbot.store import tasks as kept
from alertbot.store.connection import Connection
from alertbot.store.expiring import ENDED, ENDS, LATE, Ending, Spoken, number_key
from alertbot.store.turns import AUDIT, take_turn
from alertbot.words import _

log = logging.getLogger(__name__)

END_KIND = "end"


@dataclass(frozen=True, slots=True)
class Findings:
    """What is to be raised, and what is settled: keys with their outcomes."""

    chores: tuple[Chore, ...] = ()
    settled: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.chores or self.settled)


async def look(service: Context, *, patience: float | None = None) -> Findings:
    """Raise and close what is to be raised and closed now. Only reads while there is nothing to do.
    `patience`: see `Database.transact`."""

    async def work(conn: Connection) -> Findings:
        await take_turn(
            conn, AUDIT
        )  # of two workers that look at once, the second sees what the first did
        found = await _findings(service, conn)
        for key, outcome in found.settled:
            await tasks.close(service, conn, key, outcome)
        await tasks.raise_all(service, conn, found.chores)
        return found

    if not await service.database.read(lambda conn: _findings(service, conn)):
        return Findings()
    return await service.database.transact(work, patience=patience)


async def look_if_possible(service: Context) -> None:
    """As `look`, for a command that only shows: it waits for nobody who writes, and a database that cannot be
    written to is no reason not to show it."""
    try:
        await look(service, patience=0.0)
    except AlertbotError as error:
        log.warning("%s", error)


async def _findings(service: Context, conn: Connection) -> Findings:
    now = service.now
    soon = await expiring.endings(conn, after=now, until=now + service.warn_before)
    over = await expiring.endings(conn, after=None, until=now)
    promises = list(standing_promises(await expiring.spoken(conn, now=now)))
    chores = [
        *await _about_numbers(service, conn, ENDS, soon),
        *await _about_numbers(service, conn, ENDED, over),
        *await _about_promises(service, conn, promises),
    ]
    settled = [
        *await _settled_numbers(conn, now),
        *await _settled_promises(conn, promises),
    ]
    return Findings(tuple(chores), tuple(settled))


# --- numbers --------------------------------------------------------------------------------------


async def _about_numbers(
    service: Context, conn: Connection, kind: str, found: Sequence[Ending]
) -> list[Chore]:
    ids = [one.entry for one in found]
    if not ids:
        return []
    entries = {entry.id: entry for entry in await numbers.entries(conn, ids=ids)}
    told = await numbers.published_in(conn, ids, still=True)
    wanted = Standing.IN_FORCE if kind == ENDS else Standing.EXPIRED
    return [
        Chore(
            key=number_key(kind, one.entry, one.version),
            kind=kind,
            text=_text(service, kind, entries[one.entry], told[one.entry], one.ends_at),
            number=one.entry,
            due_at=one.ends_at,
        )
        for one in found
        if standing(entries[one.entry], service.now) is wanted
    ]


def _text(service: Context, kind: str, entry: Entry, told: Collection[str], ends_at: datetime) -> str:
    if kind == ENDS:
        said = _(
            "{entry} ({row}) ends at {time}. If it stays, give it a new end: alertbot numbers edit {entry}"
            " --set {field}=+24h, and have it verified again."
        )
    elif told:
        said = _(
            "{entry} ({row}) has ended at {time}, and {alerts} told the public to call it: the next update"
            " will name it as no longer valid. If it stays, give it a new end: alertbot numbers edit"
            " {entry} --set {field}=+24h."
        )
    else:
        said = _(
            "{entry} ({row}) has ended at {time}; no alert carries it. Give it a new end, or withdraw it:"
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
    """Tasks about entries that are no longer what they were raised for."""
    open_ones = await expiring.standing(conn)
    ended = [one.entry for one in open_ones if one.kind == ENDED]
    ever = await numbers.published_in(conn, ended)
    still = await numbers.published_in(conn, ended, still=True)
    taken_back = {entry for entry in ended if ever[entry] and not still[entry]}
    found = ((one.key, _outcome(one, now, one.entry in taken_back)) for one in open_ones)
    return [(key, outcome) for key, outcome in found if outcome]


def _outcome(one: expiring.Standing, now: datetime, taken_back: bool) -> str:
    """Why this task is settled; empty while it is not."""
    entry = entry_name(one.entry)
    if one.withdrawn:
        return _("{entry} was withdrawn.").format(entry=entry)
    if one.key != number_key(one.kind, one.entry, one.version):
        return _("{entry} was changed.").format(entry=entry)
    if one.kind == ENDS and one.ends_at is not None and one.ends_at <= now:
        return _("{entry} has ended.").format(entry=entry)
    if one.kind == ENDED and taken_back:
        return _("The public was told that {entry} is no longer valid.").format(entry=entry)
    return ""


# --- promised updates -----------------------------------------------------------------------------


def standing_promises(spoken: Sequence[Spoken]) -> Iterator[Spoken]:
    """Per incident, and apart for its exercises: the alert whose promise of a next update stands. The end
    of an incident promises none; what promises nothing leaves the promise before it as it is."""
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
    service: Context, conn: Connection, promises: Sequence[Spoken]
) -> list[Chore]:
    late = {_late_key(one): one for one in promises if promised_at(one) <= service.now}
    known = await kept.ever_raised(conn, late) if late else ()
    return [
        Chore(
            key=key,
            kind=LATE,
            text=_(
                "{alert} promised the next update for {time}, and nothing has followed: alertbot update {alert}"
            ).format(alert=one.alert, time=_clock(service, promised_at(one))),
            alert=one.alert,
            incident=one.incident,
            due_at=promised_at(one),
        )
        for key, one in late.items()
        if key not in known
    ]


async def _settled_promises(conn: Connection, promises: Sequence[Spoken]) -> list[tuple[str, str]]:
    """Tasks about promises that stand no more: kept, or the incident is over."""
    standing_ones = {_late_key(one) for one in promises}
    return [
        (one.key, _("It was followed up, or is over."))
        for one in await kept.open_tasks(conn, [LATE])
        if one.key not in standing_ones
    ]


def _late_key(one: Spoken) -> str:
    return f"{LATE}:{one.alert}:{one.next_update}"


def promised_at(one: Spoken) -> datetime:
    return datetime.fromisoformat(one.next_update)


def _clock(service: Context, moment: datetime) -> str:
    return moment.astimezone(service.voice.zone).strftime(_("%H:%M on %d/%m"))
