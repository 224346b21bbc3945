"""Recording what became of deliveries: outcomes of calls, expired leases, expiry, cancellation."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    literal_column,
    or_,
    select,
    update,
)

from alertbot.core.frozen import dataclass
from alertbot.core.model import OPEN_STATES, Action, DeliveryState, Purpose
from alertbot.core.words import _
from alertbot.db import sql
from alertbot.db.sql import NOW, Connection
from alertbot.db.tables import PENDING, account, delivery, dispatch
from alertbot.delivery import store_expansion
from alertbot.delivery.store_deliveries import (
    ENDED_UNSENT,
    FAR,
    FOLLOWED,
    REFERS_TO,
    Outcome,
    end,
    facts,
    fence,
    moved,
    open_rows,
    release_followers,
    release_turns,
    skip_followers,
)

LONGEST_LEASE = 3600.0  # one that ends later was written while the clock was ahead
OVERDUE = or_(
    delivery.c.lease_until < NOW,
    and_(delivery.c.lease_until > NOW + LONGEST_LEASE, delivery.c.lease_until < FAR),
)
CHUNK = 1000  # rows that the reaper and the sweep move per transaction


class Settlement(NamedTuple):
    """The outcome of a call. `delay`: seconds until the next attempt, for a row that stays pending."""

    id: int
    attempt: int
    state: DeliveryState
    reason: str | None = None
    remote_id: str | None = None
    url: str | None = None
    note: str | None = None
    delay: float = 0.0
    resent: bool = False
    without: str | None = None  # why the post has no picture
    followed: bool = False  # another part waits for this one

    @property
    def handed(self) -> bool:
        """Whether a person has it from here on."""
        return self.state is DeliveryState.SENDING


async def settle(
    conn: Connection, settlements: Sequence[Settlement], *, worker: str | None
) -> list[Outcome]:
    """Record outcomes of calls of `worker`; returns those that still counted, with what follows from
    them.

    A late outcome from the same worker still settles a row that the reaper marked uncertain. `worker`
    None: for uncertain rows that have now been looked up.
    """
    ours = {one.id: one for one in settlements}
    dialect = conn.dialect.name
    whose = {"holder": worker} if worker else {}
    found = await conn.execute(
        _settling(dialect, by_worker=worker is not None),
        {"ids": sql.ids_for(dialect, sorted(ours)), **whose},
    )
    rows = [row for row in found if row.attempts == ours[row.id].attempt]
    await _write(conn, [ours[row.id] for row in rows])
    outcomes = [_outcome(row, ours[row.id]) for row in rows]
    return outcomes + await _follow(conn, [ours[row.id] for row in rows if ours[row.id].followed])


@cache
def _settling(dialect: str, *, by_worker: bool) -> Select[Any]:
    """Built once, as `_finishing`: that took longer than running it."""
    states: list[Any] = [literal_column(f"'{name}'") for name in ("sending", "uncertain", "pending")]
    mine = delivery.c.worker == bindparam("holder") if by_worker else delivery.c.state == "uncertain"
    ours = sql.one_of(dialect, delivery.c.id, "ids")
    return facts(ours, delivery.c.state.in_(states), mine).with_for_update(of=delivery)


def _outcome(row: Any, one: Settlement) -> Outcome:
    said = {"reason": one.reason, "remote_id": one.remote_id, "url": one.url}
    return moved(row, one.state, note=one.note, without=one.without, **said)


async def _write(conn: Connection, settlements: Sequence[Settlement]) -> None:
    final = [one for one in settlements if one.state not in OPEN_STATES]
    again = [one for one in settlements if one.state is DeliveryState.PENDING]
    handed = [one for one in settlements if one.handed]
    if final:
        await _finish(conn, final)
    if again:
        await _retry(conn, again)
    for one in handed:
        await _hand_over(conn, one)


async def _hand_over(conn: Connection, one: Settlement) -> None:
    """A person has it from here on: no lease ends it, and no worker's answer counts any more. Its id is ours, so that
    what follows can name the post before anybody has said that it stands."""
    handed = update(delivery).where(delivery.c.id == one.id)
    own = {"state": "sending", "reason": one.reason, "remote_id": one.remote_id}
    await conn.execute(handed.values(**own, lease_until=FAR, worker=None))


_FINISHED = {"row": int, "state": str, "reason": str, "remote_id": str, "url": str, "note": str}


@cache
def _finishing(dialect: str) -> Update:
    given = sql.given(dialect, _FINISHED).c
    told = {name: given[name] for name in _FINISHED if name != "row"}
    return (
        update(delivery)
        .where(delivery.c.id == given.row)
        .values(**told, settled_at=NOW, lease_until=literal_column("NULL"))
    )


async def _finish(conn: Connection, settlements: Sequence[Settlement]) -> None:
    rows = [
        (one.id, one.state.value, one.reason, one.remote_id, one.url, one.note) for one in settlements
    ]
    dialect = conn.dialect.name
    await conn.execute(_finishing(dialect), sql.rows_for(dialect, _FINISHED, rows))


async def _retry(conn: Connection, settlements: Sequence[Settlement]) -> None:
    given = sql.table(
        conn,
        {"row": int, "reason": str, "delay": float, "resent": bool},
        [(one.id, one.reason, one.delay, one.resent) for one in settlements],
    ).c
    await conn.execute(
        update(delivery)
        .where(delivery.c.id == given.row)
        .values(
            state="pending",
            reason=given.reason,
            retry_at=NOW + given.delay,
            resent=given.resent,
            lease_until=None,  # the worker stays: its late answer still settles what is to be resent
        )
    )


async def _follow(conn: Connection, settled: Sequence[Settlement]) -> list[Outcome]:
    await release_followers(conn, [one.id for one in settled if one.state is DeliveryState.SENT])
    skipped = await skip_followers(conn, [one.id for one in settled if one.state in ENDED_UNSENT])
    await release_turns(conn, [one.id for one in settled if one.state is not DeliveryState.PENDING])
    return skipped


async def lapsed(conn: Connection) -> bool:
    """Whether the reaper or the sweep has work. Read only."""
    overdue = select(delivery.c.id).where(OVERDUE).limit(1)
    over = select(dispatch.c.id).where(~dispatch.c.closed, _past() | ~open_rows()).limit(1)
    return (await conn.scalar(overdue)) is not None or (await conn.scalar(over)) is not None


def _past() -> ColumnElement[bool]:
    return (dispatch.c.expires_at <= NOW) | dispatch.c.cancelled.is_not(None)


async def reap(conn: Connection) -> list[Outcome]:
    """Handle expired leases: `claimed` was never attempted and becomes pending; `sending` was attempted
    with unknown result and becomes uncertain. SKIP LOCKED, so that it never waits for an outcome
    being written."""
    found = await conn.scalars(_lapsed_rows("claimed"))
    ids = sorted(found)
    if ids:
        await conn.execute(
            update(delivery)
            .where(delivery.c.id.in_(ids))
            .values(state="pending", worker=None, lease_until=None)
        )
    doubtful = sorted(await conn.scalars(_lapsed_rows("sending")))
    if not doubtful:
        return []
    reason = _("May have been sent: the worker stopped during the call.")
    rows = (await conn.execute(facts(delivery.c.id.in_(doubtful)))).all()
    await conn.execute(
        update(delivery)
        .where(delivery.c.id.in_(doubtful))
        # the lease, already over, marks it as not yet asked about
        .values(state="uncertain", reason=reason, settled_at=NOW, lease_until=NOW)
    )
    return [moved(row, DeliveryState.UNCERTAIN, reason=reason) for row in rows]


def _lapsed_rows(state: str) -> Any:
    return (
        select(delivery.c.id)
        .where(OVERDUE, delivery.c.state == literal_column(f"'{state}'"))
        .order_by(delivery.c.lease_until)
        .limit(CHUNK)
        .with_for_update(skip_locked=True)
    )


@dataclass(frozen=True, slots=True)
class Doubt:
    """An uncertain delivery that has not been looked up yet."""

    id: int
    dispatch: int
    message: int | None
    target: str
    lang: str | None
    part: int
    after: int | None
    attempts: int
    resent: bool
    channel: str
    action: str
    reply_to: str | None
    followed: bool
    born: float | None = None  # when its first call began; None: before that was kept
    age: float | None = None  # seconds since then


async def take_doubts(
    conn: Connection, names: Sequence[str], *, lease: float, limit: int
) -> list[Doubt]:
    """Take uncertain deliveries of these channels to look them up within `lease` seconds; after that
    another worker may."""
    d = delivery.c
    wanted = (
        select(
            d.id,
            d.dispatch_id,
            d.message_id,
            d.target,
            d.lang,
            d.part,
            d.after_id,
            d.attempts,
            d.resent,
            account.c.name,
            d.action,
            REFERS_TO,
            FOLLOWED,
            d.born,
            NOW - d.born,
        )
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(d.lease_until < NOW, d.state == literal_column("'uncertain'"))
        .where(account.c.name.in_(names), ~account.c.halted, account.c.paused.is_(None))
        .limit(limit)
        .with_for_update(of=delivery, skip_locked=True)
    )
    doubts = [Doubt(*tuple[Any, ...](row)) for row in await conn.execute(wanted)]
    ids = sorted(doubt.id for doubt in doubts)
    if ids:
        await conn.execute(update(delivery).where(d.id.in_(ids)).values(lease_until=NOW + lease))
    return doubts


async def leave_doubts(conn: Connection, ids: Sequence[int]) -> None:
    """Leave these uncertain: a person settles them."""
    uncertain = delivery.c.state == "uncertain"
    await conn.execute(
        update(delivery).where(delivery.c.id.in_(sorted(ids)), uncertain).values(lease_until=None)
    )
    await release_turns(conn, ids)


async def sweep(conn: Connection) -> list[Outcome]:
    """Put pending rows of expired or cancelled dispatches into their final state."""
    past = select(
        dispatch.c.id,
        dispatch.c.cancelled,
        dispatch.c.halted,
        account.c.paused,
        account.c.blocked,
        account.c.halted.label("stopped"),
    )
    past = past.join_from(dispatch, account, account.c.id == dispatch.c.account_id)
    await store_expansion.go_on(conn, and_(~dispatch.c.closed, _past()), CHUNK)
    outcomes: list[Outcome] = []
    for row in (await conn.execute(past.where(~dispatch.c.closed, _past()))).all():
        state = DeliveryState.EXPIRED if row.cancelled is None else DeliveryState.CANCELLED
        reason = row.cancelled or _why_expired(row)
        outcomes += await end_pending(conn, row.id, state, reason)
    return outcomes


def _why_expired(row: Any) -> str:
    late = _("Not sent before it expired.")
    if row.halted or row.stopped:
        return late + " " + _("It was halted.")
    if row.paused:
        return late + " " + _("The channel was paused: {reason}").format(reason=row.paused)
    if row.blocked:
        return late + " " + str(row.blocked)
    return late


async def end_pending(
    conn: Connection, dispatch_id: int, state: DeliveryState, reason: str
) -> list[Outcome]:
    """Put up to `CHUNK` pending rows of a dispatch into a final state; call again until none is left. What waited to
    be repeated after a lost answer becomes uncertain: it was perhaps sent."""
    pending = facts(delivery.c.dispatch_id == dispatch_id, PENDING).limit(CHUNK)
    rows = (await conn.execute(pending.with_for_update(of=delivery, skip_locked=True))).all()
    ended: dict[tuple[DeliveryState, str], list[int]] = {}
    outcomes = []
    for row in rows:
        full = f"{reason} {row.reason}" if row.reason else reason
        doubt = row.resent and row.reason and row.action == Action.PUBLISH.value
        found = (DeliveryState.UNCERTAIN, _perhaps(row.reason)) if doubt else (state, full)
        ended.setdefault(found, []).append(row.id)
        outcomes.append(moved(row, found[0], reason=found[1]))
    for (became, why), ids in ended.items():
        await end(conn, ids, became, why)
    return outcomes


def _perhaps(last: str) -> str:
    """Why a repeat that was never made leaves its first call in doubt."""
    return _("May have been sent; the repeat that would have told did not go out. {last}").format(
        last=last
    )


async def fail_dispatch(conn: Connection, dispatch_id: int, reason: str) -> list[Outcome]:
    """Fail the unsent rows of this dispatch, one chunk per call (see `end_pending`)."""
    return await end_pending(conn, dispatch_id, DeliveryState.FAILED, reason)


async def cancel(conn: Connection, alert: str, reason: str) -> list[Outcome]:
    """Cancel everything of an alert that has not been sent; notices to the team about it stay. The flag
    takes effect at once; rows beyond the first chunk follow with the sweep. Calls in progress finish."""
    await fence(conn, exclusive=True)
    running = update(dispatch).where(
        dispatch.c.alert_id == alert,
        dispatch.c.purpose != Purpose.NOTICE.value,
        ~dispatch.c.closed,
        dispatch.c.cancelled.is_(None),
    )
    found = await conn.scalars(running.values(cancelled=reason).returning(dispatch.c.id))
    outcomes: list[Outcome] = []
    for number in sorted(found):
        outcomes += await end_pending(conn, number, DeliveryState.CANCELLED, reason)
    return outcomes
