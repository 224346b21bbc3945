"""What is about to end or has ended without a task yet, and open tasks that are no longer needed. Read
only, in a few small statements, because a worker asks every few seconds."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, cast, exists, literal, select

from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState
from alertbot.db.sql import Connection
from alertbot.db.tables import alert, incident
from alertbot.db.tables_register import OPEN_TASK, alert_number, number, task

ENDS, ENDED, LATE = "number-ends", "number-ended", "update-late"  # kinds of tasks
AFTERWARDS = "closed-numbers"
OUT = (
    AlertState.APPROVED,
    AlertState.PUBLISHING,
    AlertState.PUBLISHED,
    AlertState.PARTLY_PUBLISHED,
)
REMEMBERED = timedelta(days=7)  # a promise older than this is history


@dataclass(frozen=True, slots=True)
class Ending:
    """A verified register entry that ends soon or has ended, without a task."""

    entry: int
    version: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class OpenNumberTask:
    """An open task about an entry, and the entry's current version."""

    key: str
    kind: str
    entry: int
    version: int
    ends_at: datetime | None
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class AlertPromise:
    """A published alert with what it promises. `closed`: its incident is closed."""

    alert: str
    incident: str
    exercise: bool
    kind: str
    relation: str | None
    closed: bool
    next_update: str


def number_key(kind: str, entry: int, version: int) -> str:
    """The task key of one version of an entry: an edited entry has a different end."""
    return f"{kind}:{entry}:{version}"


async def endings(conn: Connection, *, after: datetime | None, until: datetime) -> list[Ending]:
    """Verified entries, not withdrawn, that end at or before `until` (with `after`: later than that) and
    never had a task. Without `after`, those that have ended."""
    n = number.c
    kind = ENDED if after is None else ENDS
    query = (
        select(n.id, n.version, n.ends_at)
        .where(n.verified_at.is_not(None), n.withdrawn_at.is_(None), n.ends_at <= until)
        .where(~exists().where(task.c.key == _key(kind)))
        .order_by(n.ends_at, n.id)
    )
    if after is not None:
        query = query.where(n.ends_at > after)
    return [Ending(row.id, row.version, row.ends_at) for row in await conn.execute(query)]


async def in_closed(conn: Connection, *, now: datetime) -> dict[Ending, frozenset[str]]:
    """Verified entries in force that alerts of closed incidents give, with those incidents, where the entry
    never had a task about that."""
    n = number.c
    query = (
        select(n.id, n.version, n.ends_at, incident.c.id.label("incident"))
        .join_from(alert_number, number, n.id == alert_number.c.number_id)
        .join(alert, alert.c.id == alert_number.c.alert_id)
        .join(incident, incident.c.id == alert.c.incident_id)
        .where(incident.c.closed_at.is_not(None), alert.c.exercise.is_(False))
        .where(alert.c.state.in_([str(state) for state in OUT]), alert_number.c.struck.is_(False))
        .where(n.verified_at.is_not(None), n.withdrawn_at.is_(None), n.ends_at > now)
        .where(~exists().where(task.c.key == _key(AFTERWARDS)))
        .distinct()
    )
    found: dict[Ending, set[str]] = {}
    for row in await conn.execute(query):
        found.setdefault(Ending(row.id, row.version, row.ends_at), set()).add(row.incident)
    return {one: frozenset(names) for one, names in found.items()}


async def standing(conn: Connection) -> list[OpenNumberTask]:
    """Every open task about an entry, with the entry's current version."""
    n, t = number.c, task.c
    query = (
        select(t.key, t.kind, n.id, n.version, n.ends_at, n.withdrawn_at)
        .join_from(task, number, n.id == t.number_id)
        .where(OPEN_TASK, t.kind.in_([ENDS, ENDED, AFTERWARDS]))
        .order_by(t.id)
    )
    rows = await conn.execute(query)
    return [OpenNumberTask(*row[:5], withdrawn=row.withdrawn_at is not None) for row in rows]


async def promises(conn: Connection, *, now: datetime) -> list[AlertPromise]:
    """What was published in the last days, in order by incident. An incident may be closed without an end,
    and what it promised still stands."""
    a = alert.c
    query = (
        select(a.id, a.incident_id, a.exercise, a.kind, a.relation, incident.c.closed_at, a.given)
        .join_from(alert, incident, incident.c.id == a.incident_id)
        .where(a.state.in_([str(state) for state in OUT]))
        .where(a.approved_at > now - REMEMBERED)
        .order_by(a.incident_id, a.approved_at, a.number)
    )
    return [
        AlertPromise(
            *row[:5],
            closed=row.closed_at is not None,
            next_update=str(row.given.get("next_update") or ""),
        )
        for row in await conn.execute(query)
    ]


def _key(kind: str) -> ColumnElement[Any]:
    """`number_key` as an SQL expression."""
    entry, version = cast(number.c.id, String), cast(number.c.version, String)
    return literal(f"{kind}:").concat(entry).concat(":").concat(version)
