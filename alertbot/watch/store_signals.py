"""Stored reports: each report once with its number of repeats, the quarantine, and when each source was
last heard."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Row, Select, func, insert, select, update

from alertbot.core.frozen import dataclass
from alertbot.db import sql
from alertbot.db.sql import SIGNALS, ColumnValues, Connection, take_lock
from alertbot.db.tables_watch import quarantine, signal, source_seen
from alertbot.watch.rules_signals import TROUBLE, Observed, Signal

_MOMENTS = ("at", "started_at", "ended_at", "received", "told_at")
LONGEST_KEY = 300  # characters
_ROOM_FOR_KEY = 280  # where something is added
MOST_LOOKED_AT = 300  # newest reports of one service, to decide about it; no policy asks for as many
MOST_QUARANTINED = 1000  # bodies kept per source; the oldest go first


@dataclass(frozen=True, slots=True)
class StoredSignal:
    """A stored report. `repeats`: how often it was repeated."""

    id: int
    signal: Signal
    received_at: datetime
    repeats: int
    incident: str | None
    action: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class QuarantinedBody:
    """A quarantined body."""

    id: int
    source: str
    received_at: datetime
    why: str
    keys: tuple[str, ...]
    size: int


async def keep(conn: Connection, reports: Sequence[Signal], *, now: datetime) -> list[Signal]:
    """Store these reports; returns the new ones, in order. A repeat is counted, not stored: a report equal
    to the last one of its thread, whatever came before that. What is no news in any case (a test, what is
    told afterwards) is a repeat wherever its key is known."""
    await take_lock(conn, SIGNALS)
    highest = int(await conn.scalar(select(func.max(signal.c.id))) or 0)
    found = _Known(await _lasts(conn, reports), await _stored_as(conn, reports), highest)
    for one in reports:
        found.add(one, now)
    for portion in sql.portions(found.rows, len(signal.c)):
        await conn.execute(insert(signal).values(portion))
    await _count_again(conn, found.again, now)
    return found.fresh


Thread = tuple[str, str, str]  # source, thread, service


@dataclass(frozen=True, slots=True)
class _Last:
    """The last report of a thread. `id`: None while it is not stored yet; then `row` is what will be."""

    key: str
    observed: str
    id: int | None = None
    row: ColumnValues | None = None


class _Known:
    """Sorts reports into new ones and repeats. `ids`: of each (source, key) that is stored. `highest`: the
    highest id so far, which makes the key of a report unique that is news again."""

    def __init__(
        self, lasts: dict[Thread, _Last], ids: dict[tuple[str, str], int | None], highest: int
    ) -> None:
        self._lasts, self._ids, self._highest = lasts, ids, highest
        self.rows: list[ColumnValues] = []
        self.fresh: list[Signal] = []
        self.again: Counter[int] = Counter()

    def add(self, one: Signal, now: datetime) -> None:
        last, name = self._lasts.get(_thread(one)), (one.source, one.key[:LONGEST_KEY])
        if last is not None and _repeats(one, last):
            self._count(last)
        elif (one.is_test or one.history) and name in self._ids:
            self._count(_Last(one.key, str(one.observed), self._ids[name]))
        else:
            self._keep(one, name, now)

    def _count(self, last: _Last) -> None:
        if last.row is not None:
            last.row["repeats"] += 1
        elif last.id is not None:
            self.again[last.id] += 1

    def _keep(self, one: Signal, name: tuple[str, str], now: datetime) -> None:
        row = _columns(one, now)
        if name in self._ids:
            row["key"] = f"{one.key[:_ROOM_FOR_KEY]}#{self._highest + len(self.rows) + 1}"
        self._ids[name] = None
        self._lasts[_thread(one)] = _Last(one.key, str(one.observed), row=row)
        self.rows.append(row)
        self.fresh.append(one)


def _repeats(one: Signal, last: _Last) -> bool:
    return last.key == one.key or (one.is_repeat and last.observed == str(one.observed))


def _thread(one: Signal) -> Thread:
    return one.source, one.thread[:300], one.service[:200]


async def _lasts(conn: Connection, reports: Sequence[Signal]) -> dict[Thread, _Last]:
    """The last report of each of these threads."""
    names = sorted({_thread(one) for one in reports})
    if not names:
        return {}
    given = sql.table(conn, {"source": str, "thread": str, "service": str}, names).c
    same = (
        (signal.c.source == given.source)
        & (signal.c.thread == given.thread)
        & (signal.c.service == given.service)
    )
    newest = select(func.max(signal.c.id)).where(same).group_by(*_OF_THREAD).correlate(None)
    rows = await conn.execute(
        select(signal.c.id, *_OF_THREAD, signal.c.observed, signal.c.row).where(signal.c.id.in_(newest))
    )
    return {
        (row.source, row.thread, row.service): _Last(row.row.get("key", ""), row.observed, row.id)
        for row in rows
    }


_OF_THREAD = (signal.c.source, signal.c.thread, signal.c.service)


async def _stored_as(conn: Connection, reports: Sequence[Signal]) -> dict[tuple[str, str], int | None]:
    """The id of each (source, key) of these reports that is stored."""
    names = sorted({(one.source, one.key[:LONGEST_KEY]) for one in reports})
    if not names:
        return {}
    given = sql.table(conn, {"source": str, "key": str}, names).c
    same = (signal.c.source == given.source) & (signal.c["key"] == given["key"])
    rows = await conn.execute(select(signal.c.id, signal.c.source, signal.c["key"]).where(same))
    return {(row.source, row.key): row.id for row in rows}


async def _count_again(conn: Connection, again: Mapping[int, int], now: datetime) -> None:
    if not again:
        return
    given = sql.table(conn, {"id": int, "times": int}, sorted(again.items())).c
    counted = update(signal).where(signal.c.id == given.id)
    await conn.execute(counted.values(repeats=signal.c.repeats + given.times, last_at=now))


async def of_service(conn: Connection, service: str, *, since: datetime) -> tuple[Signal, ...]:
    """The last `MOST_LOOKED_AT` reports about a service, and before them the last that each source told
    about each subject, however long ago after `since`. In the order of arrival."""
    mine = (signal.c.service == service) & (signal.c.received_at >= since)
    latest = (
        select(signal.c.id, signal.c.row)
        .where(mine)
        .order_by(signal.c.received_at.desc(), signal.c.id.desc())
        .limit(MOST_LOOKED_AT)
    )
    found: dict[int, Any] = {row.id: row for row in await conn.execute(latest)}
    if len(found) == MOST_LOOKED_AT:
        tells = mine & signal.c.tells.is_not(False)
        last = (
            select(func.max(signal.c.id))
            .where(tells)
            .group_by(signal.c.source, signal.c.subject)
            .correlate(None)
        )
        standing = select(signal.c.id, signal.c.row).where(signal.c.id.in_(last))
        found |= {row.id: row for row in await conn.execute(standing)}
    return tuple(_signal(found[number]) for number in sorted(found))


async def listing(
    conn: Connection, *, service: str | None = None, limit: int = 100
) -> tuple[StoredSignal, ...]:
    """The latest reports first, with the decision made when they arrived."""
    query = select(signal).order_by(signal.c.id.desc()).limit(limit)
    if service is not None:
        query = query.where(signal.c.service == service)
    return tuple(_stored(row) for row in await conn.execute(query))


async def of_incident(conn: Connection, incident_id: str, *, limit: int) -> tuple[StoredSignal, ...]:
    """The latest reports that a decision put into this incident, oldest first."""
    query = select(signal).where(signal.c.incident_id == incident_id).order_by(signal.c.id.desc())
    rows = (await conn.execute(query.limit(limit))).all()
    return tuple(_stored(row) for row in reversed(rows))


async def last_of_each(conn: Connection) -> dict[str, StoredSignal]:
    """The last report of each source."""
    newest = select(func.max(signal.c.id)).group_by(signal.c.source).correlate(None)
    rows = await conn.execute(select(signal).where(signal.c.id.in_(newest)))
    return {row.source: _stored(row) for row in rows}


async def get(conn: Connection, number: int) -> StoredSignal | None:
    """One report."""
    row = (await conn.execute(select(signal).where(signal.c.id == number))).one_or_none()
    return None if row is None else _stored(row)


async def note(
    conn: Connection,
    services: Collection[str],
    *,
    incident: str | None,
    action: str,
    reason: str,
) -> None:
    """Store the decision made when the last reports about these services arrived."""
    decided = update(signal).values(incident_id=incident, action=action, reason=reason)
    for names in sql.portions(sorted(services), 2):  # two, so that the three values have room besides
        fresh = signal.c.service.in_(names) & signal.c.action.is_(None)
        await conn.execute(decided.where(fresh))


async def forget(conn: Connection, *, before: datetime) -> int:
    """Delete old reports that led to nothing; those that led to a decision are kept for ever. Returns
    how many."""
    idle = signal.c.action == "drop"
    gone = await conn.execute(signal.delete().where(signal.c.received_at < before, idle))
    return gone.rowcount


async def in_trouble(conn: Connection, source: str, *, since: datetime) -> tuple[str, ...]:
    """The services that this source called out of order since then."""
    bad = signal.c.observed.in_([str(one) for one in TROUBLE]) & signal.c.tells.is_not(False)
    query = select(signal.c.service).where(
        signal.c.source == source, signal.c.received_at >= since, bad
    )
    return tuple((await conn.execute(query.distinct())).scalars())


async def put_aside(
    conn: Connection, source: str, body: bytes, *, why: str, keys: Sequence[str], now: datetime
) -> int:
    """Quarantine a body."""
    row = insert(quarantine).values(source=source, received_at=now, why=why, keys=list(keys), body=body)
    number = int((await conn.execute(row.returning(quarantine.c.id))).scalar_one())
    newest = (
        select(quarantine.c.id)
        .where(quarantine.c.source == source)
        .order_by(quarantine.c.id.desc())
        .offset(MOST_QUARANTINED)
        .limit(1)
        .scalar_subquery()
    )
    await conn.execute(
        quarantine.delete().where(quarantine.c.source == source, quarantine.c.id <= newest)
    )
    return number


async def aside(conn: Connection, *, limit: int = 100) -> tuple[QuarantinedBody, ...]:
    """Quarantined bodies, newest first."""
    query = _asides().order_by(quarantine.c.id.desc()).limit(limit)
    return tuple(_aside(row) for row in await conn.execute(query))


async def aside_with_body(
    conn: Connection, number: int, *, most: int
) -> tuple[QuarantinedBody, bytes] | None:
    """One quarantined body with its first `most` bytes."""
    begin = func.substr(quarantine.c.body, 1, most, type_=LargeBinary)
    query = _asides().add_columns(begin.label("begin")).where(quarantine.c.id == number)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else (_aside(row), bytes(row.begin))


async def heard(conn: Connection, sources: Collection[str], *, now: datetime) -> tuple[str, ...]:
    """Record that these sources have reported; returns those whose silence the team had been told about."""
    names = sorted(set(sources))
    if not names:
        return ()
    quiet = source_seen.c.source.in_(names) & source_seen.c.silent_since.is_not(None)
    told = tuple((await conn.execute(select(source_seen.c.source).where(quiet))).scalars())
    rows = sql.upsert(conn, source_seen).values([{"source": name, "seen_at": now} for name in names])
    known = {"seen_at": now, "silent_since": None}
    await conn.execute(rows.on_conflict_do_update(index_elements=[source_seen.c.source], set_=known))
    return told


async def silent(conn: Connection) -> dict[str, tuple[datetime, datetime | None]]:
    """By source: when it was last heard, and since when the team knows that it is silent."""
    rows = await conn.execute(select(source_seen))
    return {row.source: (row.seen_at, row.silent_since) for row in rows}


async def note_silence(conn: Connection, source: str, *, now: datetime) -> None:
    """Record that the team was told about this source's silence."""
    await conn.execute(
        update(source_seen).where(source_seen.c.source == source).values(silent_since=now)
    )


def _asides() -> Select[*tuple[Any, ...]]:
    """Quarantine rows without the bodies, which may be large."""
    q = quarantine.c
    size: ColumnElement[int] = func.length(q.body)
    return select(q.id, q.source, q.received_at, q.why, q["keys"], size.label("size"))


def _aside(row: Any) -> QuarantinedBody:
    number, source, received_at, why, keys, size = row[:6]
    return QuarantinedBody(number, source, received_at, why, tuple(keys), size)


def _stored(row: Row[Any]) -> StoredSignal:
    return StoredSignal(
        row.id, _signal(row), row.received_at, row.repeats, row.incident_id, row.action, row.reason
    )


def _columns(one: Signal, now: datetime) -> ColumnValues:
    return {
        "source": one.source,
        "service": one.service[:200],
        "key": one.key[:LONGEST_KEY],
        "observed": str(one.observed),
        "at": one.at,
        "received_at": now,
        "row": _plain(one),
        "repeats": 0,
        "last_at": now,
        "thread": one.thread[:300],
        "subject": one.subject[:300],
        "tells": not (one.is_test or one.history or one.observed is Observed.UNKNOWN),
    }


def _plain(one: Signal) -> ColumnValues:
    values = asdict(one)
    for name in _MOMENTS:
        values[name] = values[name] and values[name].isoformat()
    return {**values, "observed": str(one.observed)}


def _signal(row: Any) -> Signal:
    values = dict(row.row)
    for name in _MOMENTS:
        values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
    values["failing"] = tuple(values.get("failing") or ())
    return Signal(**{**values, "observed": Observed(values["observed"])})
