"""State changes of deliveries: the `Outcome` of a step, and what follows from it for threads, dispatches
and alerts."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)

from alertbot.core.model import Action, DeliveryState, Purpose
from alertbot.core.words import _
from alertbot.db.sql import AUDIT, NOW, Connection, take_lock
from alertbot.db.tables import PENDING, account, delivery, dispatch
from alertbot.db.tables_lists import expansion

FAR = 1e12  # `retry_at` of a part whose predecessor is not out yet, lease of what a person has: the year 33658
FENCE = 7_205_113  # of PostgreSQL's advisory locks; any number
_ACTING_UPON: list[Any] = [
    literal_column(f"'{one.value}'") for one in (Action.EDIT, Action.DELETE, Action.PIN)
]
FINAL = frozenset(
    {
        DeliveryState.SENT,
        DeliveryState.FAILED,
        DeliveryState.UNCERTAIN,
        DeliveryState.CANCELLED,
        DeliveryState.EXPIRED,
        DeliveryState.SKIPPED,
    }
)
_STATES = {state.value: state for state in DeliveryState}
ENDED_UNSENT = (
    DeliveryState.FAILED,
    DeliveryState.CANCELLED,
    DeliveryState.EXPIRED,
    DeliveryState.SKIPPED,
)


class Outcome(NamedTuple):
    """One delivery that changed from `before` to `state`. `at` is epoch seconds by the database's clock."""

    id: int
    alert: str | None  # none: a notice about no alert
    channel: str
    purpose: str
    digest: str
    dispatch: int
    target: str
    lang: str | None
    part: int
    attempt: int
    before: DeliveryState
    state: DeliveryState
    at: float
    reason: str | None = None
    remote_id: str | None = None
    url: str | None = None
    note: str | None = None
    action: str = Action.PUBLISH.value
    without: str | None = None  # why a post went out without its picture


_EARLIER, _NEXT, _HEAD = (delivery.alias(name) for name in ("earlier", "next", "head"))
# written out with their table: in RETURNING SQLAlchemy leaves it away, and the inner table would answer
_ID: Any = literal_column("delivery.id")
_AFTER: Any = literal_column("delivery.after_id")
_BEFORE = select(_EARLIER.c.remote_id).where(_EARLIER.c.id == _AFTER).scalar_subquery()
REFERS_TO = case(  # the earlier post; what acts upon one may yet wait for another row
    (delivery.c.action.in_(_ACTING_UPON), func.coalesce(delivery.c.remote_ref, _BEFORE)),
    else_=func.coalesce(_BEFORE, delivery.c.remote_ref),
)
_WAITS_IN_TURN = and_(  # see `NewDelivery.in_turn`
    _HEAD.c.state == literal_column("'pending'"),
    _HEAD.c.retry_at >= FAR,
    _HEAD.c.after_id.is_(None),
)
_SAME_PLACE = and_(
    _HEAD.c.dispatch_id == literal_column("delivery.dispatch_id"),
    _HEAD.c.target == literal_column("delivery.target"),
)
FOLLOWED = or_(  # another row waits for this one
    select(_NEXT.c.id).where(_NEXT.c.after_id == _ID).exists(),
    select(_HEAD.c.id).where(_WAITS_IN_TURN, _SAME_PLACE).exists(),
)
_GOES_ON = (
    or_(  # by itself: not what a person has to post, nor a part behind one that a person has to settle
        and_(_EARLIER.c.state.in_(["claimed", "sending"]), _EARLIER.c.lease_until < FAR),
        and_(
            _EARLIER.c.state == "uncertain", _EARLIER.c.lease_until.is_not(None)
        ),  # yet to be asked about
        and_(
            _EARLIER.c.state == "pending",
            or_(_EARLIER.c.retry_at < FAR, _EARLIER.c.after_id.is_(None)),
        ),
    )
)
_EARLIER_POST = (
    select(_EARLIER.c.id)
    .where(_EARLIER.c.dispatch_id == _HEAD.c.dispatch_id, _EARLIER.c.target == _HEAD.c.target)
    .where(_EARLIER.c.id < _HEAD.c.id, _EARLIER.c.action == Action.PUBLISH.value, _GOES_ON)
    .exists()
)
_DUE_SINCE = (  # texts go before the pictures that were released meanwhile
    select(dispatch.c.not_before).where(dispatch.c.id == delivery.c.dispatch_id).scalar_subquery()
)


def facts(*where: ColumnElement[bool]) -> Select[Any]:
    """The columns that make an `Outcome`, ordered by row id (so that locks never cross)."""
    d, p = delivery.c, dispatch.c
    return (
        select(
            d.id,
            p.alert_id,
            account.c.name,
            p.purpose,
            p.digest,
            d.dispatch_id,
            d.target,
            d.lang,
            d.part,
            d.attempts,
            d.state,
            NOW.label("at"),
            d.resent,
            d.reason,
            d.action,
        )
        .join_from(delivery, dispatch, p.id == d.dispatch_id)
        .join(account, account.c.id == p.account_id)
        .where(*where)
        .order_by(d.id)
    )


def moved(row: Any, state: DeliveryState, **more: str | None) -> Outcome:
    """The outcome for a row of `facts`."""
    values: list[Any] = [*row[:10], _STATES[row.state], state, row.at]
    rest: Any = {"action": row.action, **more}  # reason, remote_id, url, note, without
    return Outcome(*values, **rest)


async def fence(conn: Connection, *, exclusive: bool) -> None:
    """Intents pass it shared; halt, pause and cancel exclusively. A PostgreSQL statement sees what was
    committed when it began: without the fence an intent could commit just after a halt. SQLite has
    only one writer at a time. Whoever takes it exclusively writes to the audit and takes that lock
    first (see `db.locks`)."""
    if conn.dialect.name != "postgresql":
        return
    if exclusive:
        await take_lock(conn, AUDIT)
    lock = func.pg_advisory_xact_lock if exclusive else func.pg_advisory_xact_lock_shared
    await conn.execute(select(lock(FENCE)))


async def wake(conn: Connection) -> None:
    """Wake waiting workers once this transaction has committed. SQLite's workers watch the file instead."""
    if conn.dialect.name == "postgresql":
        await conn.execute(text("SELECT pg_notify('alertbot', '')"))


async def release_followers(conn: Connection, sent: Sequence[int]) -> None:
    """Release the next part of a thread once the part before it is out."""
    if sent:
        followers = update(delivery).where(delivery.c.after_id.in_(sent), PENDING)
        text_first = case((delivery.c.action == Action.PUBLISH.value, _DUE_SINCE), else_=NOW)
        await conn.execute(followers.values(retry_at=text_first))


async def release_turns(conn: Connection, settled: Sequence[int]) -> None:
    """Release what waits for its turn at the targets of these rows, where none of the posts before it can go out by
    itself any more. After `release_followers`, in the same transaction."""
    if settled:
        here = and_(_HEAD.c.dispatch_id == _NEXT.c.dispatch_id, _HEAD.c.target == _NEXT.c.target)
        heads = (
            select(_HEAD.c.id)
            .join_from(_NEXT, _HEAD, here)
            .where(_NEXT.c.id.in_(sorted(settled)), _WAITS_IN_TURN, ~_EARLIER_POST)
        )
        released = update(delivery).where(delivery.c.id.in_(heads))
        await conn.execute(released.values(retry_at=_DUE_SINCE))


async def skip_followers(conn: Connection, unsent: Sequence[int]) -> list[Outcome]:
    """Skip the rest of a thread after a part that was not sent."""
    reason = _("Not sent: the previous part was not sent.")
    skipped: list[Outcome] = []
    while unsent:
        follows = facts(delivery.c.after_id.in_(unsent), PENDING)
        rows = (await conn.execute(follows.with_for_update(of=delivery))).all()
        unsent = [row.id for row in rows]
        await end(conn, unsent, DeliveryState.SKIPPED, reason)
        skipped += [moved(row, DeliveryState.SKIPPED, reason=reason) for row in rows]
    return skipped


async def end(conn: Connection, ids: Sequence[int], state: DeliveryState, reason: str) -> None:
    """Put rows that the caller has locked into a final state."""
    if ids:
        await conn.execute(
            update(delivery)
            .where(delivery.c.id.in_(ids))
            .values(state=state.value, reason=reason, settled_at=NOW, lease_until=None)
        )


def open_rows() -> ColumnElement[bool]:
    """Whether the dispatch has an open row, or recipients that have none yet. Two small partial indexes answer this; `+ 0` keeps the
    planner away from the index over all rows of a dispatch, which may be a million."""
    held = and_(
        delivery.c.dispatch_id + 0 == dispatch.c.id,
        delivery.c.lease_until > 0,
        delivery.c.state.in_([literal_column("'claimed'"), literal_column("'sending'")]),
    )
    waiting = and_(delivery.c.dispatch_id == dispatch.c.id, PENDING)
    unqueued = exists().where(expansion.c.dispatch_id == dispatch.c.id)
    return exists().where(waiting) | exists().where(held) | unqueued


async def close(conn: Connection, dispatches: Iterable[int] | None = None) -> list[str]:
    """Close dispatches (all, or these) without open rows. Returns the alerts whose publication is
    thereby settled on every channel.

    On PostgreSQL two transactions that settle the last two rows do not see each other; neither closes
    the dispatch, and the sweep, which calls this every second, does.
    """
    over = and_(~dispatch.c.closed, ~open_rows())
    if dispatches is not None:
        over = and_(dispatch.c.id.in_(sorted(set(dispatches))), over)
    found = (await conn.scalars(select(dispatch.c.id).where(over))).all()
    if not found:
        return []
    await take_lock(conn, AUDIT)
    closing = update(dispatch).where(dispatch.c.id.in_(found), over).values(closed=True)
    closed = await conn.execute(closing.returning(dispatch.c.alert_id, dispatch.c.purpose))
    return await settled_alerts(
        conn, {row.alert_id for row in closed if row.purpose == Purpose.PUBLICATION}
    )


async def reopen(conn: Connection, outcomes: Iterable[Outcome]) -> None:
    """Reopen the dispatch of an uncertain delivery that is to be sent after all: nothing is claimed from
    a closed one."""
    again = {one.dispatch for one in outcomes if _comes_back(one)}
    if again:
        await take_lock(conn, AUDIT)
        closed = update(dispatch).where(dispatch.c.id.in_(sorted(again)), dispatch.c.closed)
        await conn.execute(closed.values(closed=False))


def _comes_back(outcome: Outcome) -> bool:
    return outcome.state is DeliveryState.PENDING and outcome.before is DeliveryState.UNCERTAIN


async def settled_alerts(conn: Connection, alerts: Iterable[str]) -> list[str]:
    """Those of these alerts whose publication has no open delivery on any channel."""
    wanted = sorted(set(alerts))
    if not wanted:
        return []
    still = select(dispatch.c.alert_id).where(
        dispatch.c.alert_id.in_(wanted),
        dispatch.c.purpose == Purpose.PUBLICATION.value,
        ~dispatch.c.closed,
    )
    unsettled = set((await conn.scalars(still)).all())
    return [alert for alert in wanted if alert not in unsettled]
