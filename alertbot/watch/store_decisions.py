"""Decisions about watched services: the log that `rules_decide.decide` reads, and each service's last
decision."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, literal, or_, select, update

from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, DeliveryState, Purpose
from alertbot.db import sql
from alertbot.db.sql import AUDIT, ColumnValues, Connection, take_lock
from alertbot.db.tables import alert, delivery, dispatch, incident, record
from alertbot.db.tables_watch import decision, signal, watched
from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State

_REACHED = (DeliveryState.SENT, DeliveryState.UNCERTAIN, DeliveryState.SENDING)
_ON_ITS_WAY = (str(AlertState.APPROVED), str(AlertState.PUBLISHING))


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """One decision as people read it."""

    id: int
    service: str
    incident: str
    entry: LogEntry
    before: str | None
    by: str
    note: str | None
    alert: str | None


@dataclass(frozen=True, slots=True)
class Watched:
    """The status of a service. `action` and `reason`: the last decision, including holds and drops."""

    service: str
    incident: str | None
    action: str | None
    reason: str | None
    decided_at: datetime | None
    look_again_at: datetime | None


async def lock_service(conn: Connection, service: str) -> None:
    """Lock a service's decisions until the transaction ends."""
    await take_lock(conn, AUDIT)
    await take_lock(conn, f"service:{service}")


async def log_of(conn: Connection, service: str) -> tuple[LogEntry, ...]:
    """The service's log, oldest first. Decisions in an incident about which the public was told anything
    (exercises excepted) count as announced."""
    query = select(decision).where(decision.c.service == service).order_by(decision.c.id)
    rows = (await conn.execute(query)).all()
    told = await reached_public(conn, {row.incident_id for row in rows})
    return tuple(_entry(row, announced=row.incident_id in told) for row in rows)


async def reached_public(conn: Connection, incidents: Collection[str]) -> frozenset[str]:
    """The incidents with a message that reached the public, perhaps did, was posted by hand, or is approved
    and on its way."""
    if not incidents:
        return frozenset()
    reached = exists().where(  # the first that is found is enough, of a million
        delivery.c.dispatch_id == dispatch.c.id,
        delivery.c.state.in_([state.value for state in _REACHED]),
    )
    public = (
        select(literal(1))
        .join_from(alert, dispatch, dispatch.c.alert_id == alert.c.id)
        .where(alert.c.incident_id == incident.c.id, alert.c.exercise.is_(False))
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value, reached)
    )
    # asked per incident, so that the first alert that reached someone is enough, of thousands; with a limit, since
    # PostgreSQL answers two `EXISTS` beside an `OR` by looking at everything that was ever sent
    by_hand = select(record.c.id).where(record.c.alert_id == alert.c.id).exists()
    on_its_way = (
        select(literal(1))
        .where(alert.c.incident_id == incident.c.id, alert.c.exercise.is_(False))
        .where(or_(alert.c.state.in_(_ON_ITS_WAY), by_hand))
    )
    first = [one.limit(1).scalar_subquery().is_not(None) for one in (public, on_its_way)]
    told = select(incident.c.id).where(incident.c.id.in_(sorted(incidents)), or_(*first))
    return frozenset((await conn.execute(told)).scalars())


async def lines(
    conn: Connection, *, incident_id: str | None = None, limit: int | None = None
) -> tuple[DecisionLine, ...]:
    """Decisions with their reasons, newest first."""
    query = select(decision).order_by(decision.c.id.desc()).limit(limit)
    if incident_id is not None:
        query = query.where(decision.c.incident_id == incident_id)
    return tuple(
        DecisionLine(
            row.id,
            row.service,
            row.incident_id,
            _entry(row),
            row.before,
            row.by,
            row.note,
            row.alert_id,
        )
        for row in await conn.execute(query)
    )


async def append(
    conn: Connection,
    service: str,
    incident_id: str,
    entry: LogEntry,
    *,
    before: State | None,
    by: str,
    note: str | None = None,
) -> int:
    """Store a decision that changes something, and the incident's new state. An incident that the public
    was told about stays open until its end is published; only new trouble opens it again. Trouble takes back
    what was confirmed before (R11)."""
    row = insert(decision).values(
        service=service,
        incident_id=incident_id,
        at=entry.at,
        action=str(entry.action),
        reason=str(entry.reason),
        state=str(entry.state),
        before=before and str(before),
        failing=list(entry.failing),
        by=by,
        note=note,
    )
    number = int((await conn.execute(row.returning(decision.c.id))).scalar_one())
    quiet = entry.reason is Reason.NEVER_ANNOUNCED  # nobody has to be told that it is over
    changed: ColumnValues = {"closed_at": entry.at} if quiet else {}
    if entry.action in (IncidentAction.OPEN, IncidentAction.REOPEN):
        changed |= {"closed_at": None}
    if entry.state not in (State.STABILISED, State.RESOLVED):
        changed |= {"confirmed_by": None, "confirmed_at": None}
    if before is not entry.state:
        changed |= {"state": str(entry.state), "state_since": entry.at}
    if changed:
        await conn.execute(update(incident).where(incident.c.id == incident_id).values(**changed))
    return number


async def led_to(conn: Connection, decision_id: int, alert_id: str) -> None:
    """Record the alert that a decision led to."""
    await conn.execute(update(decision).where(decision.c.id == decision_id).values(alert_id=alert_id))


async def remember(
    conn: Connection,
    service: str,
    *,
    incident_id: str | None,
    action: IncidentAction,
    reason: Reason,
    now: datetime,
    look_again_at: datetime | None,
) -> None:
    """Store the last decision about a service."""
    values = {
        "incident_id": incident_id,
        "action": str(action),
        "reason": str(reason),
        "decided_at": now,
        "look_again_at": look_again_at,
    }
    known = update(watched).where(watched.c.service == service).values(**values)
    if not (await conn.execute(known)).rowcount:
        await conn.execute(insert(watched).values(service=service, **values))


async def make_due(conn: Connection, services: Iterable[str], now: datetime) -> None:
    """Mark these services as due for a decision: a report has arrived."""
    due = {"look_again_at": now}
    for names in sql.portions(sorted(set(services)), 2):
        rows = sql.upsert(conn, watched).values([{"service": name, **due} for name in names])
        await conn.execute(rows.on_conflict_do_update(index_elements=[watched.c.service], set_=due))


async def standing(conn: Connection) -> tuple[Watched, ...]:
    """Every service that was ever reported on."""
    rows = await conn.execute(select(watched).order_by(watched.c.service))
    return tuple(Watched(*row) for row in rows)


async def last_word(conn: Connection, service: str) -> Watched | None:
    """The last decision about a service; None if it was never reported on."""
    row = (await conn.execute(select(watched).where(watched.c.service == service))).one_or_none()
    return None if row is None else Watched(*row)


async def with_incident(conn: Connection, services: Collection[str]) -> frozenset[str]:
    """Those of these services that ever had an incident."""
    known = watched.c.incident_id.is_not(None)
    found: set[str] = set()
    for names in sql.portions(sorted(services), 1):
        query = select(watched.c.service).where(watched.c.service.in_(names), known)
        found |= set((await conn.execute(query)).scalars())
    return frozenset(found)


async def to_look_at(conn: Connection, now: datetime) -> tuple[tuple[str, str | None], ...]:
    """Services whose held decision may be due, the one that waited longest first, each with the source
    that reported on it last (None for a group)."""
    last = (
        select(signal.c.source)
        .where(signal.c.service == watched.c.service)
        .order_by(signal.c.received_at.desc(), signal.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    due = select(watched.c.service, last.label("source")).where(watched.c.look_again_at <= now)
    rows = await conn.execute(due.order_by(watched.c.look_again_at, watched.c.service))
    return tuple((row.service, row.source) for row in rows)


async def next_look(conn: Connection, *, without: Collection[str] = ()) -> datetime | None:
    """When the next held decision may be due, without these services."""
    query = select(watched.c.look_again_at).where(watched.c.look_again_at.is_not(None))
    if without:
        query = query.where(watched.c.service.not_in(sorted(without)))
    return await conn.scalar(query.order_by(watched.c.look_again_at).limit(1))


def _entry(row: Any, *, announced: bool = False) -> LogEntry:
    return LogEntry(
        row.at,
        IncidentAction(row.action),
        Reason(row.reason),
        State(row.state),
        announced,
        tuple(row.failing),
    )
