"""Reading the outbox: single deliveries, and the totals that `status` shows. Read only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, literal_column, or_, select

from alertbot.core.frozen import dataclass
from alertbot.core.model import Action, AlertState, DeliveryState, Purpose
from alertbot.db import sql, tables
from alertbot.db.sql import NOW, Connection
from alertbot.db.tables import PENDING, UNCERTAIN, account, delivery, dispatch, message
from alertbot.db.tables_watch import sighting
from alertbot.delivery import store_accounts, store_archive, store_expansion
from alertbot.delivery.store_accounts import Worker, everything_halted
from alertbot.delivery.store_archive import Archived
from alertbot.delivery.store_deliveries import FAR
from alertbot.delivery.views import DeliveryView

BEGUN = (
    AlertState.PUBLISHING,
    AlertState.PUBLISHED,
    AlertState.PARTLY_PUBLISHED,
    AlertState.FAILED,
)


_SHOWN = (
    delivery.c.id,
    dispatch.c.alert_id.label("alert"),
    account.c.name.label("channel"),
    dispatch.c.purpose,
    delivery.c.target,
    delivery.c.lang,
    delivery.c.part,
    message.c.parts,
    delivery.c.state,
    delivery.c.attempts,
    delivery.c.reason,
    delivery.c.remote_id,
    delivery.c.url,
    delivery.c.note,
    delivery.c.retry_at,
    delivery.c.attempted_at,
    delivery.c.settled_at,
    delivery.c.action,
    delivery.c.remote_ref,
    delivery.c.read_back,
    sighting.c.verdict,
    sighting.c.seen_at,
)


async def channel_of(conn: Connection, delivery_id: int) -> str | None:
    """The channel of this delivery; None if there is no such delivery."""
    named = (
        select(account.c.name)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(delivery.c.id == delivery_id)
    )
    found = await conn.scalar(named)
    return None if found is None else str(found)


async def owner_of(conn: Connection, channel: str, remote_id: str, *, but: int = 0) -> str | None:
    """The alert that another delivery than `but` published under this id on the channel; None if none."""
    owner = (
        select(dispatch.c.alert_id)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(account.c.name == channel, delivery.c.remote_id == remote_id, delivery.c.id != but)
    )
    return await conn.scalar(owner.limit(1))


async def deliveries(
    conn: Connection,
    alert: str | None = None,
    *,
    states: Sequence[DeliveryState] = (),
    limit: int | None = None,
    channel: str | None = None,
    before: int | None = None,
) -> list[DeliveryView]:
    """Deliveries in the order written; with `limit` only the newest, of those written before the one `before`."""
    wanted = (
        select(*_SHOWN)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .outerjoin(message, message.c.id == delivery.c.message_id)
        .outerjoin(sighting, sighting.c.delivery_id == delivery.c.id)
    )
    # `+ 0`: else SQLite walks all rows in their order, in search of the few that are uncertain
    rare = tuple(states) == (DeliveryState.UNCERTAIN,)
    wanted = wanted.order_by((delivery.c.id + 0).desc() if rare else delivery.c.id.desc())
    if alert is not None:
        wanted = wanted.where(dispatch.c.alert_id == alert)
    if channel is not None:
        wanted = wanted.where(account.c.name == channel)
    if before is not None:
        wanted = wanted.where(delivery.c.id < before)
    if states:
        wanted = wanted.where(or_(*(_is(state) for state in states)))
    rows = (await conn.execute(wanted.limit(limit))).all()
    return [_view(row) for row in reversed(rows)]


def _is(state: DeliveryState) -> ColumnElement[bool]:
    """A comparison with a literal, so that a state's partial index can be used."""
    return delivery.c.state == literal_column(f"'{state.value}'")


def _view(row: Row[Any]) -> DeliveryView:
    state = DeliveryState(row.state)
    waits = state is DeliveryState.PENDING and row.attempts > 0 and row.retry_at < FAR
    return DeliveryView(
        id=row.id,
        alert=row.alert,
        channel=row.channel,
        purpose=Purpose(row.purpose),
        target=row.target,
        lang=row.lang,
        part=row.part,
        parts=row.parts,
        state=state,
        attempts=row.attempts,
        reason=row.reason,
        remote_id=row.remote_id,
        url=row.url,
        note=row.note,
        retry_at=_moment(row.retry_at) if waits else None,
        attempted_at=_moment(row.attempted_at),
        settled_at=_moment(row.settled_at),
        action=Action(row.action),
        remote_ref=row.remote_ref,
        read_back=row.read_back,
        witness=row.verdict,
        visible_since=_moment(row.seen_at),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


async def publication(conn: Connection, alert: str) -> dict[DeliveryState, int]:
    """The number of deliveries of an alert's publication in each state.

    Deliveries cancelled by an edit before they went out do not count; those cancelled because the alert
    was taken back while it went out do.
    """
    later = dispatch.alias("later")
    anew = exists().where(
        later.c.alert_id == alert,
        later.c.account_id == dispatch.c.account_id,
        later.c.purpose == Purpose.PUBLICATION.value,
        later.c.id > dispatch.c.id,
    )
    begun = exists().where(
        tables.alert.c.id == alert, tables.alert.c.state.in_([str(one) for one in BEGUN])
    )
    which = (
        dispatch.c.alert_id == alert,
        dispatch.c.purpose == Purpose.PUBLICATION.value,
        dispatch.c.cancelled.is_(None) | (begun & ~anew),
    )
    counted = (
        select(delivery.c.state, func.count().label("number"))
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(*which)
        .group_by(delivery.c.state)
    )
    found = Counter({DeliveryState(row.state): row.number for row in await conn.execute(counted)})
    for _dispatch, state, number in await store_archive.counts(conn, *which):
        found[DeliveryState(state)] += number
    return found


@dataclass(frozen=True, slots=True)
class Count:
    """The number of deliveries of an alert on a channel in one state, for one reason."""

    alert: str | None
    channel: str
    state: DeliveryState
    reason: str | None
    number: int


@dataclass(frozen=True, slots=True)
class Flags:
    """What holds an account back. `blocked_for`: seconds, 0 if it is free."""

    channel: str
    halted: bool
    paused: str | None
    blocked_for: float
    blocked: str | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The outbox at a glance. `oldest_pending`: seconds that the oldest due delivery has waited."""

    counts: tuple[Count, ...]
    oldest_pending: float | None
    halted: bool
    halted_alerts: tuple[str, ...]
    accounts: tuple[Flags, ...]
    workers: tuple[Worker, ...]

    @property
    def alive(self) -> bool:
        return any(worker.alive for worker in self.workers)


async def summary(conn: Connection, alert: str | None = None, *, shown: Sequence[str] = ()) -> Summary:
    """Counts with reasons, and everything that holds deliveries back: for one alert, or for those
    `shown` plus everything open or uncertain. Settled deliveries that are not shown are not counted:
    there may be millions."""
    which = [dispatch.c.alert_id == alert] if alert is not None else []
    return Summary(
        counts=await _counts(conn, [alert] if alert is not None else shown, rest=alert is None),
        oldest_pending=await _oldest(conn, which),
        halted=await everything_halted(conn),
        halted_alerts=await _halted_alerts(conn, which),
        accounts=await _flags(conn),
        workers=tuple(await store_accounts.seen(conn)),
    )


async def _counts(conn: Connection, alerts: Sequence[str], *, rest: bool) -> tuple[Count, ...]:
    theirs = dispatch.c.alert_id.in_(sorted(alerts))
    wanted = theirs | ~dispatch.c.closed if rest else theirs
    numbers = sorted(await conn.scalars(select(dispatch.c.id).where(wanted)))
    these = sql.among(conn, numbers, delivery.c.dispatch_id)
    found = await _counted(conn, these) if not rest else await _counted(conn, these, ~UNCERTAIN)
    counts = _with(found, await store_expansion.unqueued(conn, wanted))
    counts = _with_archived(counts, await store_archive.by_alert(conn, alerts))
    return (*counts, *(await _counted(conn, UNCERTAIN) if rest else ()))


def _with(found: list[Count], unqueued: Mapping[tuple[str, str], int]) -> list[Count]:
    """The counts, where recipients that are not queued yet count as pending."""
    left, counts = dict(unqueued), []
    for one in found:
        fresh = one.alert is not None and (one.state, one.reason) == (DeliveryState.PENDING, None)
        more = left.pop((one.alert or "", one.channel), 0) if fresh else 0
        counts.append(replace(one, number=one.number + more))
    rest = [Count(*key, DeliveryState.PENDING, None, number) for key, number in left.items()]
    return counts + rest


def _with_archived(found: list[Count], archived: Sequence[Archived]) -> list[Count]:
    """The counts, with what stands in files, of which no reason is known here."""
    left = {(row[0], row[1], DeliveryState(row[2])): row[3] for row in archived}
    counts = []
    for one in found:
        key = (one.alert or "", one.channel, one.state)
        more = left.pop(key, 0) if one.reason is None else 0
        counts.append(replace(one, number=one.number + more))
    return counts + [Count(*key, None, number) for key, number in left.items()]


async def _counted(conn: Connection, *where: ColumnElement[bool]) -> list[Count]:
    keys = (
        dispatch.c.alert_id.label("alert"),
        account.c.name.label("channel"),
        delivery.c.state,
        delivery.c.reason,
    )
    counted = (
        select(*keys, func.count().label("number"))
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(*where)
        .group_by(*keys)
        .order_by(*keys)
    )
    rows = await conn.execute(counted)
    return [
        Count(row.alert, row.channel, DeliveryState(row.state), row.reason, row.number) for row in rows
    ]


RECENT = 2000  # deliveries by which the rate of a large sending is told


async def rates(conn: Connection, alert: str) -> dict[str, float]:
    """How many deliveries a second go out on each channel where the alert is going out to many, by the last ones
    before the first that waits: deliveries go out in their order. As quick for a million as for some."""
    first = (
        select(delivery.c.id)
        .where(delivery.c.dispatch_id == dispatch.c.id, PENDING)
        .order_by(delivery.c.retry_at, delivery.c.id)
        .limit(1)
        .correlate(dispatch)
        .scalar_subquery()
    )
    going = select(dispatch.c.id, account.c.name, first.label("first")).join_from(dispatch, account)
    mine = going.where(dispatch.c.alert_id == alert, ~dispatch.c.closed)
    found: dict[str, float] = {}
    for number, channel, waiting in (await conn.execute(mine)).all():
        if waiting is None:
            continue
        recent = select(func.count(), func.min(delivery.c.settled_at), func.max(delivery.c.settled_at))
        near = (delivery.c.id < waiting) & (delivery.c.id >= waiting - RECENT)
        sent = near & (delivery.c.dispatch_id + 0 == number) & _is(DeliveryState.SENT)
        count, begun, ended = (await conn.execute(recent.where(sent))).one()
        if count > 1 and ended > begun:
            found[channel] = (count - 1) / (ended - begun)
    return found


async def failing(conn: Connection) -> dict[str, str]:
    """Channels on which everything that waits has already failed at least once, each with one of the
    reasons."""
    mine = (
        select(delivery.c.id)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(dispatch.c.account_id == account.c.id, ~dispatch.c.closed, PENDING)
        .where(delivery.c.retry_at < FAR)  # without the parts that wait for the part before them
    )
    why = mine.with_only_columns(delivery.c.reason).where(delivery.c.reason.is_not(None)).limit(1)
    untried = mine.where(delivery.c.attempts == 0).exists()
    found = select(account.c.name, why.scalar_subquery().label("why")).where(~untried)
    return {row.name: row.why for row in await conn.execute(found) if row.why is not None}


async def _oldest(conn: Connection, which: list[ColumnElement[bool]]) -> float | None:
    since = func.min(delivery.c.retry_at)
    oldest = (
        select(NOW - since)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(*which, ~dispatch.c.closed, PENDING, delivery.c.retry_at <= NOW)
    )
    return await conn.scalar(oldest)


async def _halted_alerts(conn: Connection, which: list[ColumnElement[bool]]) -> tuple[str, ...]:
    halted = select(dispatch.c.alert_id).where(*which, dispatch.c.halted, ~dispatch.c.closed)
    return tuple(await conn.scalars(halted.distinct().order_by(dispatch.c.alert_id)))


async def _flags(conn: Connection) -> tuple[Flags, ...]:
    a = account.c
    left = (a.blocked_until - NOW).label("left")
    rows = await conn.execute(select(a.name, a.halted, a.paused, left, a.blocked).order_by(a.name))
    return tuple(
        Flags(
            channel=row.name,
            halted=row.halted,
            paused=row.paused,
            blocked_for=max(0.0, row.left),
            blocked=row.blocked if row.left > 0 else None,
        )
        for row in rows
    )
