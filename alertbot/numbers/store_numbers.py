"""Reading the register: its entries, their history, which alerts carry them, and what the public was
last told. Writing is in `store_changes`. The one exception is `carry`, which records what an alert
carries."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, exists, insert, or_, select

from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, DeliveryState, Purpose
from alertbot.db.sql import Connection, among
from alertbot.db.tables import alert, delivery, dispatch, person, record
from alertbot.db.tables_register import alert_number, number, number_check, number_version
from alertbot.numbers.rules_entry import Entry, NumberRow, entry_id, entry_name
from alertbot.numbers.rules_rows import kept_row
from alertbot.regions.facts import all_territories, order_of, services
from alertbot.regions.region import Territory

OUT = (
    AlertState.APPROVED,
    AlertState.PUBLISHING,
    AlertState.PUBLISHED,
    AlertState.PARTLY_PUBLISHED,
)


@dataclass(frozen=True, slots=True)
class NumberInAlert:
    """An entry in an alert. `struck`: listed as no longer to be called."""

    entry: int
    version: int
    struck: bool


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an entry. `verb`: import, add or edit."""

    version: int
    row: NumberRow
    verb: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ReadBackCheck:
    """One attempt to read back, with its test call (R3)."""

    version: int
    by: str
    at: datetime
    matched: bool
    call_at: datetime | None
    call_result: str | None
    note: str | None


async def entries(
    conn: Connection,
    *,
    ids: Collection[int] | None = None,
    territories: Collection[str] | None = None,
) -> tuple[Entry, ...]:
    """Entries, including withdrawn ones, in the order that every text uses (`place_in_order`).

    `ids`: only these, as far as they exist; `territories`: only with these codes.
    """
    query = select(number)
    if ids is not None:
        query = query.where(among(conn, sorted(set(ids)), number.c.id))
    if territories is not None:
        query = query.where(number.c.territory.in_(sorted(set(territories))))
    names = await _names(conn)
    found = [_entry(row, names) for row in await conn.execute(query)]
    return tuple(sorted(found, key=lambda entry: place_in_order(entry.row)))


async def by_identity(conn: Connection, rows: Iterable[NumberRow]) -> tuple[Entry, ...]:
    """The entries with the same place, service and number as these rows, and those that the rows name,
    in order."""
    given = tuple(rows)
    wanted = {identity(row) for row in given}
    territories = {row.territory.code for row in given}
    query = select(number.c.id, number.c.identity).where(number.c.territory.in_(sorted(territories)))
    ids = {row.id for row in await conn.execute(query) if row.identity in wanted}
    return await entries(conn, ids=ids | {key for row in given if (key := entry_id(row.entry))})


async def with_numbers(conn: Connection, digits: Collection[str]) -> tuple[Entry, ...]:
    """The entries with one of these numbers, as written in the register, including withdrawn ones."""
    if not digits:
        return ()
    written = number.c.row["number"].as_string()
    names = await _names(conn)
    rows = await conn.execute(select(number).where(written.in_(sorted(digits))))
    found = [_entry(row, names) for row in rows]
    return tuple(sorted(found, key=lambda entry: place_in_order(entry.row)))


async def free_territories(conn: Connection) -> tuple[Territory, ...]:
    """The territories of entries that the directory does not know."""
    codes = set(await conn.scalars(select(number.c.territory).distinct())) - all_territories().keys()
    found = await entries(conn, territories=codes) if codes else ()
    return tuple({one.row.territory.code: one.row.territory for one in found}.values())


async def history(
    conn: Connection, entry: int
) -> tuple[tuple[Version, ...], tuple[ReadBackCheck, ...]]:
    """Every version of the entry and every attempt to read it back, oldest first."""
    names = await _names(conn)
    v, c = number_version.c, number_check.c
    versions = await conn.execute(
        select(number_version).where(v.number_id == entry).order_by(v.version)
    )
    checks = await conn.execute(select(number_check).where(c.number_id == entry).order_by(c.id))
    return (
        tuple(
            Version(row.version, _named(row.row, entry, row.version), row.verb, names[row.by], row.at)
            for row in versions
        ),
        tuple(_check(row, names) for row in checks),
    )


async def checks_of(
    conn: Connection, entry_ids: Collection[int]
) -> dict[tuple[int, int], tuple[ReadBackCheck, ...]]:
    """Every attempt to read these entries back, by entry and version, oldest first."""
    names, c = await _names(conn), number_check.c
    query = select(number_check).where(among(conn, sorted(set(entry_ids)), c.number_id))
    found: dict[tuple[int, int], tuple[ReadBackCheck, ...]] = {}
    for row in await conn.execute(query.order_by(c.id)):
        key = (row.number_id, row.version)
        found[key] = (*found.get(key, ()), _check(row, names))
    return found


def _check(row: Row[Any], names: Mapping[int | None, str]) -> ReadBackCheck:
    called = (row.call_at, row.call_result)
    return ReadBackCheck(row.version, names[row.by], row.at, row.matched, *called, row.note)


async def forms(
    conn: Connection, wanted: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], NumberRow]:
    """The rows of these (entry, version), as they were."""
    pairs = set(wanted)
    v = number_version.c
    query = select(v.number_id, v.version, v.row)
    rows = await conn.execute(query.where(among(conn, sorted({one for one, _v in pairs}), v.number_id)))
    return {
        (row.number_id, row.version): _named(row.row, row.number_id, row.version)
        for row in rows
        if (row.number_id, row.version) in pairs
    }


# --- which alerts carry what ----------------------------------------------------------------------


async def carry(conn: Connection, alert_id: str, rows: Iterable[NumberRow], *, struck: bool) -> None:
    """Record which versions of which entries an alert carries (R34), replacing what was recorded for
    `struck`. Rows not from the register are skipped, and so are entries that the alert already
    carries with the other `struck`."""
    a = alert_number.c
    await conn.execute(delete(alert_number).where(a.alert_id == alert_id, a.struck.is_(struck)))
    taken = set(await conn.scalars(select(a.number_id).where(a.alert_id == alert_id)))
    fresh = {key: row.version for row in rows if (key := entry_id(row.entry)) and key not in taken}
    if fresh:
        await conn.execute(
            insert(alert_number),
            [
                {"alert_id": alert_id, "number_id": key, "version": version, "struck": struck}
                for key, version in fresh.items()
            ],
        )


async def carried(conn: Connection, alert_ids: Sequence[str]) -> dict[str, tuple[NumberInAlert, ...]]:
    """What each of these alerts carries, by entry; empty if it carries no number."""
    a = alert_number.c
    query = select(alert_number).where(a.alert_id.in_(list(alert_ids))).order_by(a.number_id)
    found: dict[str, list[NumberInAlert]] = {one: [] for one in alert_ids}
    for row in await conn.execute(query):
        found[row.alert_id].append(NumberInAlert(row.number_id, row.version, row.struck))
    return {one: tuple(rows) for one, rows in found.items()}


async def published_in(
    conn: Connection, entry_ids: Collection[int], *, still: bool = False
) -> dict[int, tuple[str, ...]]:
    """The alerts that were published, are on their way or were posted by hand, and give each entry,
    oldest first. `still`: only those whose incident has not taken the entry back since; what was cut short
    on its way has not.

    Exercises are left out: the public never saw them.
    """
    if not entry_ids:
        return {}
    query = _out(select(alert_number, alert.c.incident_id, alert.c.number))
    query = query.where(among(conn, sorted(set(entry_ids)), alert_number.c.number_id))
    rows = list(await conn.execute(query.order_by(alert.c.drafted_at, alert.c.number)))
    cut = await cut_short(conn, {row.alert_id for row in rows if row.struck}) if still else frozenset()
    told: dict[tuple[str, int], int] = {}  # the last alert of an incident that struck an entry
    for row in rows:
        if row.struck and row.alert_id not in cut:
            told[row.incident_id, row.number_id] = row.number
    found: dict[int, list[str]] = {one: [] for one in entry_ids}
    for row in rows:
        over = still and told.get((row.incident_id, row.number_id), 0) > row.number
        if not row.struck and not over:
            found[row.number_id].append(row.alert_id)
    return {one: tuple(ids) for one, ids in found.items()}


async def states_of(conn: Connection, alert_ids: Collection[str]) -> dict[str, AlertState]:
    """The states of these alerts, by id."""
    rows = await conn.execute(select(alert.c.id, alert.c.state).where(alert.c.id.in_(set(alert_ids))))
    return {row.id: AlertState(row.state) for row in rows}


async def last_of_incident(
    conn: Connection, incident: str, *, exercise: bool, but: str = ""
) -> tuple[NumberInAlert, ...]:
    """What the incident's alerts, without the alert `but`, last told the public about each entry."""
    query = _out(select(alert_number), exercise=exercise)
    query = query.where(alert.c.incident_id == incident, alert.c.id != but).order_by(alert.c.number)
    last = {
        row.number_id: NumberInAlert(row.number_id, row.version, row.struck)
        for row in await conn.execute(query)
    }
    return tuple(last[key] for key in sorted(last))


async def left_told(
    conn: Connection, incident: str, *, exercise: bool, but: str = "", stops: Collection[str] = ()
) -> tuple[NumberInAlert, ...]:
    """What the incident's alerts, without the alert `but`, gave the public that readers somewhere may not have been
    told to stop calling. An alert that was cut short, or that is on its way and the one being written `stops`, has
    reached some readers and not others: what it gives counts, and so does what it strikes."""
    query = _out(select(alert_number), exercise=exercise)
    query = query.where(alert.c.incident_id == incident, alert.c.id != but)
    rows = list(await conn.execute(query.order_by(alert.c.number)))
    part = await cut_short(conn, {row.alert_id for row in rows}) | await _on_their_way(conn, stops)
    told: dict[int, list[NumberInAlert]] = {}
    for row in rows:
        if row.alert_id not in part:
            told[row.number_id] = []
        if not row.struck:
            given = NumberInAlert(row.number_id, row.version, struck=False)
            told.setdefault(row.number_id, []).append(given)
    return tuple(one for key in sorted(told) for one in dict.fromkeys(told[key]))


async def _on_their_way(conn: Connection, alert_ids: Collection[str]) -> frozenset[str]:
    """Those of these alerts that may not have arrived everywhere yet."""
    open_ = [str(state) for state in (AlertState.APPROVED, AlertState.PUBLISHING)]
    query = select(alert.c.id).where(alert.c.id.in_(sorted(alert_ids)), alert.c.state.in_(open_))
    return frozenset(await conn.scalars(query)) if alert_ids else frozenset()


async def cut_short(conn: Connection, alert_ids: Collection[str]) -> frozenset[str]:
    """Those of these alerts of which something was cancelled on its way and not approved anew."""
    if not alert_ids:
        return frozenset()
    later, d = dispatch.alias("later"), delivery.c
    anew = exists().where(
        later.c.alert_id == dispatch.c.alert_id,
        later.c.account_id == dispatch.c.account_id,
        later.c.purpose == dispatch.c.purpose,
        later.c.id > dispatch.c.id,
    )
    missed = exists().where(
        d.dispatch_id == dispatch.c.id, d.state == DeliveryState.CANCELLED.value
    )  # nothing is missed where every call was in progress when it was cancelled
    found = await conn.scalars(
        select(dispatch.c.alert_id)
        .where(dispatch.c.alert_id.in_(sorted(alert_ids)))
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value, dispatch.c.cancelled.is_not(None))
        .where(~anew, or_(~dispatch.c.closed, missed))
    )
    return frozenset(found)


def _out(query: Select[Any], *, exercise: bool = False) -> Select[Any]:
    """Restricts to alerts that were published, are on their way, or were posted by hand."""
    on_its_way = alert.c.state.in_([str(state) for state in OUT])
    by_hand = exists().where(record.c.alert_id == alert.c.id)
    return (
        query.select_from(alert_number)
        .join(alert, alert.c.id == alert_number.c.alert_id)
        .where(alert.c.exercise.is_(exercise), or_(on_its_way, by_hand))
    )


# --- rows -----------------------------------------------------------------------------------------


def identity(row: NumberRow) -> str:
    """The SHA-256 of what makes a row the same entry."""
    plain = json.dumps(row.identity, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def place_in_order(row: NumberRow) -> tuple[object, ...]:
    """The sort key of a row in every list: by territory as in the directory, free codes last, then by
    service, zone and condition, and number."""
    zone, condition = sorted(row.zone.items()), sorted(row.condition.items())
    return (
        order_of(row.territory.code),
        _place_of(row.service),
        zone,
        condition,
        row.number or "~",  # a place after the numbers
        sorted(row.place.items()),
    )


def _place_of(service: str) -> int:
    known = list(services())
    return known.index(service) if service in known else len(known)


async def _names(conn: Connection) -> defaultdict[int | None, str]:
    names: defaultdict[int | None, str] = defaultdict(str)
    names |= {row.id: row.name for row in await conn.execute(select(person.c.id, person.c.name))}
    return names


def _entry(row: Row[Any], names: Mapping[int | None, str]) -> Entry:
    return Entry(
        id=row.id,
        row=kept_row(
            row.row,
            entry=entry_name(row.id),
            version=row.version,
            verified_by=names[row.verified_by],
            verified_at=row.verified_at,
        ),
        entered_by=names[row.entered_by],
        entered_at=row.entered_at,
        withdrawn_at=row.withdrawn_at,
        withdrawn_by=names[row.withdrawn_by] or None,
        withdrawn_reason=row.withdrawn_reason,
    )


def _named(cells: Mapping[str, Any], entry: int, version: int) -> NumberRow:
    return kept_row(cells, entry=entry_name(entry), version=version)
