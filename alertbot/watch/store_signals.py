"""Stored reports: each report once with its number of repeats, the quarantine, and when each source was
last heard."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.db import sql
from alertbot.db.sql import SIGNALS, ColumnValues, take_lock
from alertbot.db.tables_watch import quarantine, signal, source_seen
from alertbot.watch.rules_signals import Observed, Signal

_MOMENTS = ("at", "started_at", "ended_at", "received")
MOST_LOOKED_AT = 300  # reports of one service, to decide about it; no policy asks for as many
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
class Aside:
    """A quarantined body."""

    id: int
    source: str
    received_at: datetime
    why: str
    keys: tuple[str, ...]
    size: int


async def keep(conn: AsyncConnection, reports: Sequence[Signal], *, now: datetime) -> list[Signal]:
    """Store these reports; returns the new ones, in order. A repeat (same source and key) is counted,
    not stored."""
    await take_lock(conn, SIGNALS)
    left = await _insert(conn, reports, now)
    fresh, again = [], Counter[tuple[str, str]]()
    for one in reports:
        name = (one.source, one.key[:300])
        if name in left:
            left.remove(name)
            fresh.append(one)
        else:
            again[name] += 1
    await _count_again(conn, again, now)
    return fresh


async def _insert(
    conn: AsyncConnection, reports: Sequence[Signal], now: datetime
) -> set[tuple[str, str]]:
    """Insert the reports in a few statements; returns source and key of the new ones."""
    left: set[tuple[str, str]] = set()
    for portion in sql.portions([_columns(one, now) for one in reports], len(signal.c)):
        rows = sql.upsert(conn, signal).values(portion)
        once = rows.on_conflict_do_nothing(index_elements=[signal.c.source, signal.c.key])
        found = await conn.execute(once.returning(signal.c.source, signal.c.key))
        left |= {(row.source, row.key) for row in found}
    return left


async def _count_again(
    conn: AsyncConnection, again: Mapping[tuple[str, str], int], now: datetime
) -> None:
    if not again:
        return
    rows = [(*name, times) for name, times in sorted(again.items())]
    given = sql.table(conn, {"source": str, "key": str, "times": int}, rows).c
    same = (signal.c.source == given.source) & (signal.c.key == given["key"])
    counted = update(signal).where(same)
    await conn.execute(counted.values(repeats=signal.c.repeats + given.times, last_at=now))


async def of_service(conn: AsyncConnection, service: str, *, since: datetime) -> tuple[Signal, ...]:
    """The last `MOST_LOOKED_AT` reports about a service, oldest first."""
    query = select(signal.c.row).where(signal.c.service == service, signal.c.at >= since)
    latest = query.order_by(signal.c.at.desc(), signal.c.id.desc()).limit(MOST_LOOKED_AT)
    rows = (await conn.execute(latest)).all()
    return tuple(_signal(row) for row in reversed(rows))


async def listing(
    conn: AsyncConnection, *, service: str | None = None, limit: int = 100
) -> tuple[StoredSignal, ...]:
    """The latest reports first, with the decision made when they arrived."""
    query = select(signal).order_by(signal.c.id.desc()).limit(limit)
    if service is not None:
        query = query.where(signal.c.service == service)
    return tuple(_stored(row) for row in await conn.execute(query))


async def get(conn: AsyncConnection, number: int) -> StoredSignal | None:
    """One report."""
    row = (await conn.execute(select(signal).where(signal.c.id == number))).one_or_none()
    return None if row is None else _stored(row)


async def note(
    conn: AsyncConnection,
    services: Collection[str],
    *,
    incident: str | None,
    action: str,
    reason: str,
) -> None:
    """Store the decision made when the last reports about these services arrived."""
    fresh = update(signal).where(signal.c.service.in_(sorted(services)), signal.c.action.is_(None))
    await conn.execute(fresh.values(incident_id=incident, action=action, reason=reason))


async def forget(conn: AsyncConnection, *, before: datetime) -> int:
    """Delete old reports that led to nothing; those that led to a decision are kept for ever. Returns
    how many."""
    idle = signal.c.action == "drop"
    gone = await conn.execute(signal.delete().where(signal.c.received_at < before, idle))
    return gone.rowcount


async def put_aside(
    conn: AsyncConnection, source: str, body: bytes, *, why: str, keys: Sequence[str], now: datetime
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


async def aside(conn: AsyncConnection, *, limit: int = 100) -> tuple[Aside, ...]:
    """Quarantined bodies, newest first."""
    query = _asides().order_by(quarantine.c.id.desc()).limit(limit)
    return tuple(_aside(row) for row in await conn.execute(query))


async def aside_with_body(
    conn: AsyncConnection, number: int, *, most: int
) -> tuple[Aside, bytes] | None:
    """One quarantined body with its first `most` bytes."""
    begin = func.substr(quarantine.c.body, 1, most, type_=LargeBinary)
    query = _asides().add_columns(begin.label("begin")).where(quarantine.c.id == number)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else (_aside(row), bytes(row.begin))


async def heard(conn: AsyncConnection, sources: Collection[str], *, now: datetime) -> tuple[str, ...]:
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


async def silent(conn: AsyncConnection) -> dict[str, tuple[datetime, datetime | None]]:
    """By source: when it was last heard, and since when the team knows that it is silent."""
    rows = await conn.execute(select(source_seen))
    return {row.source: (row.seen_at, row.silent_since) for row in rows}


async def note_silence(conn: AsyncConnection, source: str, *, now: datetime) -> None:
    """Record that the team was told about this source's silence."""
    await conn.execute(
        update(source_seen).where(source_seen.c.source == source).values(silent_since=now)
    )


def _asides() -> Select[*tuple[Any, ...]]:
    """Quarantine rows without the bodies, which may be large."""
    q = quarantine.c
    size: ColumnElement[int] = func.length(q.body)
    return select(q.id, q.source, q.received_at, q.why, q["keys"], size.label("size"))


def _aside(row: Any) -> Aside:
    number, source, received_at, why, keys, size = row[:6]
    return Aside(number, source, received_at, why, tuple(keys), size)


def _stored(row: Row[Any]) -> StoredSignal:
    return StoredSignal(
        row.id, _signal(row), row.received_at, row.repeats, row.incident_id, row.action, row.reason
    )


def _columns(one: Signal, now: datetime) -> ColumnValues:
    return {
        "source": one.source,
        "service": one.service[:200],
        "key": one.key[:300],
        "observed": str(one.observed),
        "at": one.at,
        "received_at": now,
        "row": _plain(one),
        "repeats": 0,
        "last_at": now,
    }


def _plain(one: Signal) -> ColumnValues:
    values = asdict(one)
    for name in _MOMENTS:
        values[name] = values[name] and values[name].isoformat()
    return {**values, "observed": str(one.observed)}


def _signal(row: Row[Any]) -> Signal:
    values = dict(row.row)
    for name in _MOMENTS:
        values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
    values["failing"] = tuple(values.get("failing") or ())
    return Signal(**{**values, "observed": Observed(values["observed"])})
