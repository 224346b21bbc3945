"""Incidents, which alerts belong to. An id is four letters that can be read out over the phone."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, update

from alertbot.core.errors import NotThere
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Person
from alertbot.core.words import _
from alertbot.db.database import drawn
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.db.tables import OPEN_INCIDENT, alert, incident, record

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so no words, and none that looks like a digit
ID_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. Open until `closed_at`."""

    id: str
    opened_at: datetime
    opened_by: int | None
    closed_at: datetime | None = None
    title: str | None = None
    service: str | None = None
    state: str | None = None  # see `incident.log.State`
    state_since: datetime | None = None
    confirmed_by: str | None = None  # who vouched that it works again (R11)
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IncidentTally:
    """An incident with its number of alerts in each state."""

    incident: Incident
    alerts: Mapping[str, int]


async def start(
    conn: Connection,
    *,
    by: Person | None,
    now: datetime,
    title: str | None = None,
    service: str | None = None,
) -> Incident:
    """Open a new incident; `by` is None for the program. An open incident of the same `service` is
    closed: there are never two."""
    if service is not None:
        await take_lock(conn, AUDIT)
        await take_lock(conn, f"service:{service}")
        still = (incident.c.service == service) & incident.c.closed_at.is_(None)
        await conn.execute(update(incident).where(still).values(closed_at=now))
    opened = Incident(await _free_id(conn), now, by.id if by else None, title=title, service=service)
    values = {
        "opened_at": now,
        "opened_by": opened.opened_by,
        "title": title,
        "service": service,
    }
    await conn.execute(insert(incident).values(id=opened.id, **values))
    return opened


async def close(conn: Connection, incident_id: str, *, now: datetime) -> bool:
    """Close an incident; False if it was closed already."""
    still = (incident.c.id == incident_id) & incident.c.closed_at.is_(None)
    closed = await conn.execute(update(incident).where(still).values(closed_at=now))
    return closed.rowcount == 1


async def open_again(conn: Connection, incident_id: str) -> None:
    """Open an incident that was closed."""
    mine = update(incident).where(incident.c.id == incident_id)
    await conn.execute(mine.values(closed_at=None))


GivenByAlert = tuple[str, Mapping[str, Any]]
"""The id of an alert, and its values."""

_OUT = tuple(
    str(one)
    for one in (
        AlertState.APPROVED,
        AlertState.PUBLISHING,
        AlertState.PUBLISHED,
        AlertState.PARTLY_PUBLISHED,
    )
)


async def told(
    conn: Connection,
    incident_id: str,
    *,
    exercise: bool,
    but: str = "",
    since: datetime | None = None,
) -> list[GivenByAlert]:
    """The values of the incident's alerts that went out, by the program or by hand, or are on their way;
    oldest first. `since`: those approved after that."""
    a = alert.c
    query = select(a.id, a.given).where(a.incident_id == incident_id, a.exercise.is_(exercise))
    query = query.where(a.id != but, _told(_OUT))
    if since is not None:
        query = query.where(a.approved_at > since)
    rows = await conn.execute(query.order_by(a.drafted_at, a.number))
    return [(row.id, row.given) for row in rows]


async def told_by_open(conn: Connection, *, but: str = "") -> dict[str, list[GivenByAlert]]:
    """The same for every open incident but one, oldest first; here what waits for approval counts as well.
    Exercises do not."""
    a = alert.c
    query = (
        select(a.incident_id, a.id, a.given)
        .join_from(alert, incident, incident.c.id == a.incident_id)
        .where(OPEN_INCIDENT, incident.c.id != but, a.exercise.is_(False))
        .where(_told((*_OUT, str(AlertState.PENDING))))
        .order_by(incident.c.opened_at, incident.c.id, a.drafted_at, a.number)
    )
    found: dict[str, list[GivenByAlert]] = {}
    for row in await conn.execute(query):
        found.setdefault(row.incident_id, []).append((row.id, row.given))
    return found


def _told(states: tuple[str, ...]) -> ColumnElement[bool]:
    by_hand = select(record.c.id).where(record.c.alert_id == alert.c.id).exists()
    return or_(alert.c.state.in_(states), by_hand)


async def of_service(conn: Connection, service: str) -> Incident | None:
    """The service's open incident, else its last one."""
    query = select(incident).where(incident.c.service == service)
    latest = query.order_by(incident.c.closed_at.is_not(None), incident.c.opened_at.desc()).limit(1)
    row = (await conn.execute(latest)).one_or_none()
    return None if row is None else Incident(*row)


async def watch(conn: Connection, incident_id: str, service: str) -> None:
    """From now on, decisions about this service belong to this incident."""
    await conn.execute(update(incident).where(incident.c.id == incident_id).values(service=service))


async def confirm(conn: Connection, incident_id: str, *, by: str, now: datetime) -> None:
    """Record that someone other than the operator confirms that the service works again (R11)."""
    values = {"confirmed_by": by, "confirmed_at": now}
    await conn.execute(update(incident).where(incident.c.id == incident_id).values(**values))


async def tallies(conn: Connection) -> tuple[IncidentTally, ...]:
    """Every incident with its counts, newest first."""
    counted = select(alert.c.incident_id, alert.c.state, func.count()).group_by(
        alert.c.incident_id, alert.c.state
    )
    counts: dict[str, dict[str, int]] = {}
    for name, state, count in await conn.execute(counted):
        counts.setdefault(name, {})[state] = count
    return tuple(IncidentTally(one, counts.get(one.id, {})) for one in await listing(conn))


async def get(conn: Connection, reference: str) -> Incident:
    """The incident with this id, in any case. Raises `Misuse` if there is none."""
    wanted = reference.strip().upper()
    row = (await conn.execute(select(incident).where(incident.c.id == wanted))).one_or_none()
    if row is None:
        raise NotThere(
            _("There is no incident '{id}'; `alertbot incident list` shows them all.").format(
                id=reference.strip()
            )
        )
    return Incident(*row)


async def listing(conn: Connection) -> tuple[Incident, ...]:
    """Every incident, newest first."""
    rows = await conn.execute(select(incident).order_by(incident.c.opened_at.desc(), incident.c.id))
    return tuple(Incident(*row) for row in rows)


async def next_number(conn: Connection, incident_id: str) -> int:
    """The number of the incident's next alert, from 1. Other callers wait until this transaction ends."""
    await take_lock(conn, AUDIT)  # before the row, as everywhere (see `reading.get`)
    await conn.execute(select(incident.c.id).where(incident.c.id == incident_id).with_for_update())
    last = await conn.scalar(select(func.max(alert.c.number)).where(alert.c.incident_id == incident_id))
    return int(last or 0) + 1


async def _free_id(conn: Connection) -> str:
    while True:
        letters = drawn("letters of an incident", _letters)
        taken = await conn.scalar(select(incident.c.id).where(incident.c.id == letters))
        if taken is None:
            return letters


def _letters() -> str:
    return "".join(secrets.choice(LETTERS) for _letter in range(ID_LETTERS))
