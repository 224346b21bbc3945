"""Totals for metrics. Read only.

Tables that grow for ever are never counted from the beginning: the caller says up to where it has
counted.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from sqlalchemy import ScalarSelect, func, or_, select

from alertbot.core.frozen import dataclass
from alertbot.core.model import Purpose
from alertbot.db.sql import NOW, Connection
from alertbot.db.tables import OPEN_INCIDENT, UNCERTAIN, account, delivery, dispatch, incident
from alertbot.db.tables_watch import decision, quarantine, signal
from alertbot.delivery import store_archive
from alertbot.delivery.store_claim import DUE, LIVE
from alertbot.watch.rules_log import IncidentAction
from alertbot.watch.rules_signals import TROUBLE

CHUNK = 500  # dispatches counted by one statement
BEGINNINGS = (str(IncidentAction.OPEN), str(IncidentAction.REOPEN))


@dataclass(frozen=True, slots=True)
class AlertDeliveries:
    """An alert's deliveries on one channel. `over`: none of them will change without a person."""

    id: int
    channel: str
    over: bool


@dataclass(frozen=True, slots=True)
class ChannelFigures:
    """The state of one channel. `wait`: seconds until its pace allows the next call; `oldest`: how many
    seconds the oldest ready delivery has waited, None if none waits."""

    channel: str
    halted: bool
    paused: bool
    wait: float
    oldest: float | None


@dataclass(frozen=True, slots=True)
class OpenedIncident:
    """A decision that opened an incident and led to an alert: the times of the first report of the
    trouble and of the first post, in epoch seconds."""

    decision: int
    reported_at: float
    published_at: float


async def signals(conn: Connection, *, after: int) -> tuple[int, Counter[tuple[str, str]]]:
    """Reports by (source, observed) after this number; and the last number."""
    counted = (
        select(
            signal.c.source,
            signal.c.observed,
            func.count().label("number"),
            func.max(signal.c.id).label("last"),
        )
        .where(signal.c.id > after)
        .group_by(signal.c.source, signal.c.observed)
    )
    rows = (await conn.execute(counted)).all()
    last = max((row.last for row in rows), default=after)
    return last, Counter({(row.source, row.observed): row.number for row in rows})


async def last_signal(conn: Connection) -> int:
    """The highest number of a report; 0 if there is none. It falls when the newest are deleted; SQLite
    then reuses their numbers."""
    return int(await conn.scalar(select(func.max(signal.c.id))) or 0)


async def quarantined(conn: Connection) -> Counter[str]:
    """Quarantined bodies, by source."""
    counted = select(quarantine.c.source, func.count()).group_by(quarantine.c.source)
    return Counter({row[0]: row[1] for row in await conn.execute(counted)})


async def decisions(conn: Connection) -> Counter[tuple[str, str]]:
    """Decisions that changed something, by (action, reason)."""
    d = decision.c
    counted = select(d.action, d.reason, func.count()).group_by(d.action, d.reason)
    return Counter({(row[0], row[1]): row[2] for row in await conn.execute(counted)})


async def open_incidents(conn: Connection) -> Counter[str]:
    """Open incidents by state; "" for those that are not watched."""
    state = func.coalesce(incident.c.state, "")
    counted = select(state, func.count()).where(OPEN_INCIDENT).group_by(state)
    return Counter({row[0]: row[1] for row in await conn.execute(counted)})


async def lots(
    conn: Connection, *, after: int = 0, again: Collection[int] = ()
) -> tuple[AlertDeliveries, ...]:
    """Every alert on every channel with a number above `after`, and those of `again`. Uncertain deliveries may
    still be settled by a person."""
    unsure = select(delivery.c.id).where(delivery.c.dispatch_id == dispatch.c.id, UNCERTAIN).exists()
    final = (dispatch.c.closed & ~unsure).label("final")
    found = select(dispatch.c.id, account.c.name, final).join_from(
        dispatch, account, account.c.id == dispatch.c.account_id
    )
    wanted = [dispatch.c.id > after, *(dispatch.c.id.in_(chunk) for chunk in _chunks(again))]
    rows = [row for one in wanted for row in await conn.execute(found.where(one))]
    return tuple(AlertDeliveries(row.id, row.name, bool(row.final)) for row in rows)


async def states(conn: Connection, ids: Collection[int]) -> dict[int, Counter[str]]:
    """The deliveries of these lots, by state."""
    counts: dict[int, Counter[str]] = {}
    for chunk in _chunks(ids):
        counted = (
            select(delivery.c.dispatch_id, delivery.c.state, func.count())
            .where(delivery.c.dispatch_id.in_(chunk))
            .group_by(delivery.c.dispatch_id, delivery.c.state)
        )
        for number, state, count in await conn.execute(counted):
            counts.setdefault(number, Counter())[state] = count
        for number, state, count in await store_archive.counts(conn, dispatch.c.id.in_(chunk)):
            counts.setdefault(number, Counter())[state] += count
    return counts


def _chunks(ids: Iterable[int]) -> Iterable[list[int]]:
    left = iter(ids)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


async def lines(conn: Connection) -> tuple[ChannelFigures, ...]:
    """The state of every channel, by the database's clock."""
    a = account.c
    waiting = (
        select(NOW - func.min(func.max(delivery.c.retry_at, dispatch.c.not_before)))
        if conn.dialect.name == "sqlite"
        else select(NOW - func.min(func.greatest(delivery.c.retry_at, dispatch.c.not_before)))
    )
    oldest = (
        waiting.join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(dispatch.c.account_id == a.id, LIVE, DUE)
        .scalar_subquery()
    )
    found = select(
        a.name,
        a.halted,
        a.paused,
        (a.booked_to - NOW).label("booked"),
        (a.blocked_until - NOW).label("blocked"),
        oldest.label("oldest"),
    )
    return tuple(
        ChannelFigures(
            row.name,
            row.halted,
            row.paused is not None,
            max(0.0, row.booked, row.blocked),
            row.oldest,
        )
        for row in await conn.execute(found)
    )


async def beginnings(conn: Connection, known: Collection[int]) -> tuple[OpenedIncident, ...]:
    """Decisions, except the known ones, whose alert has reached the public: the first report of trouble
    since the previous decision, and the first delivery. Exercises do not count."""
    d = decision.c
    wanted = (d.action.in_(BEGINNINGS), d.alert_id.is_not(None))
    unknown = [n for n in await conn.scalars(select(d.id).where(*wanted)) if n not in known]
    found = []
    for chunk in _chunks(unknown):
        query = select(d.id, _reported(), _published()).where(d.id.in_(chunk))
        found += [
            OpenedIncident(number, first.timestamp(), post)
            for number, first, post in await conn.execute(query)
            if first is not None and post is not None
        ]
    return tuple(found)


def _reported() -> ScalarSelect[Any]:
    """When trouble was first reported since the decision before."""
    d, earlier = decision.c, decision.alias("earlier")
    before = (
        select(func.max(earlier.c.at))
        .where(earlier.c.service == d.service, earlier.c.id < d.id)
        .scalar_subquery()
    )
    return (
        select(func.min(signal.c.received_at))
        .where(
            or_(signal.c.service == d.service, signal.c.incident_id == d.incident_id),
            signal.c.observed.in_([str(one) for one in TROUBLE]),
            signal.c.received_at <= d.at,
            or_(before.is_(None), signal.c.received_at > before),
        )
        .scalar_subquery()
    )


def _published() -> ScalarSelect[Any]:
    """When the first delivery of its alert was sent."""
    return (
        select(func.min(delivery.c.settled_at))
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(
            dispatch.c.alert_id == decision.c.alert_id,
            dispatch.c.purpose == Purpose.PUBLICATION.value,
            ~dispatch.c.exercise,
            delivery.c.state == "sent",
        )
        .scalar_subquery()
    )
