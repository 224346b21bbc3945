"""Taking deliveries out of the outbox: what is due, claims with slots, intents, leases.

All durations are seconds; all times are epoch seconds by the database's clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    Integer,
    Row,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from alertbot.core.frozen import dataclass
from alertbot.core.model import Purpose
from alertbot.db import sql
from alertbot.db.sql import AUDIT, NOW, Connection, take_lock
from alertbot.db.tables import LEASED, PENDING, UNCERTAIN, account, delivery, dispatch, halt, pace
from alertbot.delivery import store_accounts, store_expansion
from alertbot.delivery.rules_pace import FINEST, CallMoment
from alertbot.delivery.store_accounts import Account, Want
from alertbot.delivery.store_deliveries import FOLLOWED, REFERS_TO, fence, wake
from alertbot.delivery.store_pace import put_back

HORIZON = 0.5  # nobody books further ahead: booked slots outlive their bookers (pitfall 4)

NOT_HALTED = ~exists().where(halt.c.halted)
TURN = func.coalesce(select(halt.c.turn).where(halt.c.id == 1).scalar_subquery(), 0)
URGENT = dispatch.c.priority < 0  # see `store_outbox.URGENT`
RUNNING = or_(~account.c.halted, URGENT)
USABLE = and_(account.c.paused.is_(None), account.c.blocked_until <= NOW)
LIVE = and_(
    ~dispatch.c.closed,
    or_(~dispatch.c.halted, URGENT),
    dispatch.c.cancelled.is_(None),
    dispatch.c.not_before <= NOW,
    dispatch.c.expires_at > NOW,
)
DUE = and_(PENDING, delivery.c.retry_at <= NOW)


class Claimed(NamedTuple):
    """A delivery that this worker holds. `wait`: seconds from the claim until its slot. `slot`: when that is by the
    database's clock; 0 without a pace that calls of several workers have to keep together."""

    id: int
    dispatch: int
    message: int | None
    target: str
    lang: str | None
    part: int
    after: int | None
    attempts: int  # made before this one
    resent: bool
    cost: float
    action: str
    reply_to: str | None  # the platform's id of the earlier post that it answers or acts upon
    followed: bool  # another row waits for it
    born: float  # when its first call began, or now
    age: float  # seconds since then
    wait: float = 0.0
    slot: float = 0.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The result of a claim. Without rows, `retry` says in how many seconds slots are free again (None:
    nothing is due). `turn` counts what was resumed so far: after that, what is sent is judged anew."""

    rows: tuple[Claimed, ...] = ()
    retry: float | None = None
    turn: int = 0


CLAIMED = (
    delivery.c.id,
    delivery.c.dispatch_id,
    delivery.c.message_id,
    delivery.c.target,
    delivery.c.lang,
    delivery.c.part,
    delivery.c.after_id,
    delivery.c.attempts,
    delivery.c.resent,
    delivery.c.cost,
    delivery.c.action,
    REFERS_TO.label("reply_to"),
    FOLLOWED.label("followed"),
    delivery.c.born,
    (NOW - delivery.c.born).label("age"),
)
_FRESH = or_(
    delivery.c.attempts == 0, delivery.c.born.is_(None)
)  # a claim that led to no call does not count


def _lot() -> Any:
    """The dispatch to serve next. Flags and priority are on the few dispatch rows, so a halted or
    expired backlog of a million deliveries costs nothing."""
    waiting = exists().where(delivery.c.dispatch_id == dispatch.c.id, DUE)
    running = exists().where(account.c.id == bindparam("account"), RUNNING)
    return (
        select(dispatch.c.id, TURN.label("turn"))
        .where(dispatch.c.account_id == bindparam("account"), LIVE, running, waiting)
        .order_by(dispatch.c.priority, dispatch.c.id)
        .limit(1)
    )


LOT = _lot()
BOOK = (  # GCRA on one row; refused while the next half second is taken
    update(account)
    .where(account.c.id == bindparam("account"), USABLE, NOT_HALTED)
    .where(account.c.booked_to < NOW + HORIZON)
    .values(
        booked_to=case((account.c.booked_to > NOW, account.c.booked_to), else_=NOW)
        + bindparam("n") * account.c.gap
    )
    .returning(account.c.booked_to, account.c.gap, NOW)
)
UNBOOK = (
    update(account)
    .where(account.c.id == bindparam("account"))
    .values(booked_to=account.c.booked_to - bindparam("n") * account.c.gap)
)
_PICK = (  # a common table expression: a subquery with LIMIT may be run more than once (pitfall 8)
    select(delivery.c.id)
    .where(delivery.c.dispatch_id == bindparam("lot"), DUE)
    .order_by(delivery.c.retry_at, delivery.c.id)
    .limit(bindparam("n"))
    .with_for_update(skip_locked=True)
    .cte("pick")
)
TAKE = (
    update(delivery)
    .where(delivery.c.id.in_(select(_PICK.c.id)))
    .values(
        state="claimed",
        worker=bindparam("holder"),
        lease_until=NOW + bindparam("lease"),
        born=case((_FRESH, NOW), else_=delivery.c.born),
    )
    .returning(*CLAIMED)
)


async def claim(conn: Connection, whose: Account, n: int, *, worker: str, lease: float) -> Claim:
    """Claim up to `n` deliveries of the account's most urgent dispatch and book their slots."""
    found = (await conn.execute(LOT, {"account": whose.id})).one_or_none()
    if found is None:
        return Claim()
    lot, turn = found
    booked = (await conn.execute(BOOK, {"account": whose.id, "n": n})).one_or_none()
    if booked is None:
        return Claim(retry=await _until_free(conn, whose))
    taken = await conn.execute(TAKE, {"lot": lot, "n": n, "holder": worker, "lease": lease})
    rows = sorted((Claimed(*row) for row in taken), key=lambda row: row.id)
    booked_to, gap, now = booked
    together = gap >= FINEST or whose.chat_gap > 0
    slots = _Slots(max(booked_to - n * gap, now), gap, now, together)
    kept = await _spread(conn, whose, rows, slots) if whose.chat_gap else rows
    if len(kept) < n and whose.gap:
        await conn.execute(UNBOOK, {"account": whose.id, "n": n - len(kept)})
    return Claim(tuple(slots.given(row, place) for place, row in enumerate(kept)), turn=turn)


class _Slots(NamedTuple):
    """What a claim has booked: the first slot, and how far they lie apart."""

    first: float
    gap: float
    now: float
    together: bool

    def wait(self, place: int) -> float:
        return self.first + place * self.gap - self.now

    def given(self, row: Claimed, place: int) -> Claimed:
        slot = self.first + place * self.gap if self.together else 0.0
        return row._replace(wait=self.wait(place) if self.gap else 0.0, slot=slot)


async def _until_free(conn: Connection, whose: Account) -> float | None:
    """Seconds until slots can be booked again; None if a person has to act first."""
    usable = select(account.c.booked_to - HORIZON - NOW).where(account.c.id == whose.id, USABLE)
    wait = await conn.scalar(usable.where(NOT_HALTED))
    return None if wait is None else max(float(wait), 0.001)


async def _spread(
    conn: Connection, whose: Account, rows: Sequence[Claimed], slots: _Slots
) -> list[Claimed]:
    """One call per target and `chat_gap`, counted from its slot. A delivery that is too early goes back with the time
    it may go: a row must not stay claimed while its chat is busy."""
    keys = sorted({f"{whose.id}:{row.target}" for row in rows})
    found = select(pace.c.key, pace.c.next_free - NOW).where(pace.c.key.in_(keys))
    busy: dict[str, float] = {row[0]: row[1] for row in await conn.execute(found)}
    kept: list[Claimed] = []
    early: dict[int, float] = {}
    for row in rows:
        key = f"{whose.id}:{row.target}"
        wait = slots.wait(len(kept))
        if busy.get(key, 0.0) > wait:
            early[row.id] = busy[key]
            continue
        busy[key] = wait + whose.chat_gap
        kept.append(row)
        await store_accounts.keep_free(conn, key, busy[key])
    await put_back(conn, early)
    return kept


_SENDABLE = (  # asked for all rows at once: it lies on the few rows of dispatch and account
    select(dispatch.c.id)
    .join_from(dispatch, account, account.c.id == dispatch.c.account_id)
    .where(LIVE, RUNNING, USABLE, NOT_HALTED)
)


_MINE = (delivery.c.worker == bindparam("holder")) & (delivery.c.state == literal_column("'claimed'"))


@cache
def _intending(dialect: str, *, judged: bool) -> ReturningUpdate[tuple[int, int]]:
    """Built once: that took longer than running it. `+ 0` keeps the planner away from the index over all rows of
    a dispatch, which may be a million."""
    held = update(delivery).where(sql.one_of(dialect, delivery.c.id, "ids"), _MINE)
    current = (bindparam("turn", type_=Integer()) == TURN,) if judged else ()
    return (
        held.where((delivery.c.dispatch_id + 0).in_(_SENDABLE), *current)
        .values(state=literal_column("'sending'"), attempts=delivery.c.attempts + 1, attempted_at=NOW)
        .returning(delivery.c.id, delivery.c.dispatch_id)
    )


@cache
def _giving_back(dialect: str) -> Update:
    held = update(delivery).where(sql.one_of(dialect, delivery.c.id, "ids"), _MINE)
    return held.values(state="pending", worker=None, lease_until=None)


async def intend(
    conn: Connection,
    wants: Sequence[Want],
    *,
    worker: str,
    moments: Mapping[int, CallMoment] = MappingProxyType({}),
) -> list[Row[Any]]:
    """Record that these calls are about to be made; returns (id, dispatch_id) of those that may be.

    Checks halts, pauses, blocks, expiry, cancellation, ownership, windows and budgets again. A row that
    is not returned must not be sent and is pending again. The lease stays the claim's: it has only just
    begun, and long calls renew it. `moments`: when they may begin, where the account has a pace.
    """
    await fence(conn, exclusive=False)
    limits = await store_accounts.limited(conn, wants)
    allowed, full = await store_accounts.allowed(conn, limits, wants)
    turn = max((want.turn for want in wants if want.turn is not None), default=None)
    # who was judged earlier than others in the same transaction comes with the next
    good = [want for want in allowed if want.turn in (None, turn)]
    intended: list[Row[Any]] = []
    if good:
        dialect = conn.dialect.name
        held = {"ids": sql.ids_for(dialect, sorted(want.id for want in good)), "holder": worker}
        current = {} if turn is None else {"turn": turn}
        sending = _intending(dialect, judged=turn is not None)
        intended = list((await conn.execute(sending, held | current)).all())
    ids = {row.id for row in intended}
    if len(ids) < len(wants):
        refused = sorted(want.id for want in wants if want.id not in ids)
        await give_back(conn, refused, worker=worker)
    await store_accounts.note(conn, limits, [want for want in good if want.id in ids], moments)
    await store_accounts.write(conn, full)
    return intended


async def give_back(conn: Connection, ids: Sequence[int], *, worker: str) -> None:
    """Release claimed deliveries without sending them."""
    held = {"ids": sql.ids_for(conn.dialect.name, sorted(ids)), "holder": worker}
    await conn.execute(_giving_back(conn.dialect.name), held)


async def give_back_all(conn: Connection, *, worker: str) -> None:
    """Release everything this worker has claimed and not begun."""
    mine = (delivery.c.worker == worker) & (delivery.c.state == literal_column("'claimed'"))
    held = update(delivery).where(delivery.c.lease_until > 0, mine)  # by the index over what is held
    await conn.execute(held.values(state="pending", worker=None, lease_until=None))


async def sendable(conn: Connection, dispatches: Iterable[int]) -> dict[int, int]:
    """Those of these dispatches whose calls may be made now, each with the current turn. Read only."""
    wanted = _SENDABLE.where(dispatch.c.id.in_(sorted(dispatches))).add_columns(TURN.label("turn"))
    return {row.id: row.turn for row in await conn.execute(wanted)}


async def call_back(conn: Connection, ids: Sequence[int], *, worker: str) -> None:
    """These intended calls of this worker were not made: they are pending again and not counted as
    attempts; also where others took this worker for dead meanwhile, and nobody has decided about them yet. What they
    would have used of a window or budget stays used."""
    ours = sql.among(conn, sorted(ids), delivery.c.id) & (delivery.c.worker == worker)
    doubted = ours & UNCERTAIN
    dispatches = sorted(set(await conn.scalars(select(delivery.c.dispatch_id).where(doubted))))
    again: dict[str, Any] = {"state": "pending", "worker": None, "lease_until": None}
    again |= {"attempts": delivery.c.attempts - 1}
    if dispatches:
        await take_lock(conn, AUDIT)  # before the dispatches
        known = {"settled_at": None, "reason": None}
        await conn.execute(update(delivery).where(doubted).values(**again, **known))
        closed = update(dispatch).where(dispatch.c.id.in_(dispatches), dispatch.c.closed)
        await conn.execute(closed.values(closed=False))
    begun = ours & (delivery.c.state == literal_column("'sending'"))
    await conn.execute(update(delivery).where(begun).values(**again))
    await wake(conn)


async def mark_started(conn: Connection, dispatches: Sequence[int]) -> list[str]:
    """The alerts now being published for the first time on one of these dispatches, which are hereby
    judged since the last halt. A notice to the team about an alert does not count."""
    mine = dispatch.c.id.in_(sorted(dispatches))
    again = dispatch.c.turn.is_(None) | (dispatch.c.turn != TURN)
    await conn.execute(update(dispatch).where(mine, again).values(turn=TURN))
    fresh = update(dispatch).where(dispatch.c.id.in_(sorted(dispatches)), ~dispatch.c.started)
    began = fresh.values(started=True).returning(dispatch.c.alert_id, dispatch.c.purpose)
    rows = (await conn.execute(began)).all()
    return sorted({row.alert_id for row in rows if row.purpose == Purpose.PUBLICATION.value})


async def renew(conn: Connection, ids: Sequence[int], *, worker: str, lease: float) -> set[int]:
    """Extend the leases of long calls; returns those that this worker still holds."""
    holding = delivery.c.state.in_(["claimed", "sending"])
    held = (
        update(delivery)
        .where(delivery.c.id.in_(sorted(ids)), delivery.c.worker == worker, holding)
        .values(lease_until=NOW + lease)
    )
    return set(await conn.scalars(held.returning(delivery.c.id)))


async def due(conn: Connection, names: Sequence[str]) -> list[str]:
    """The channels with something to send now."""
    waiting = exists().where(delivery.c.dispatch_id == dispatch.c.id, DUE) | store_expansion.LEFT
    lot = exists().where(dispatch.c.account_id == account.c.id, LIVE, RUNNING, waiting)
    free = account.c.booked_to < NOW + HORIZON
    found = await conn.scalars(
        select(account.c.name).where(account.c.name.in_(names), NOT_HALTED, USABLE, free, lot)
    )
    return list(found)


async def any_open(conn: Connection) -> bool:
    """Whether any dispatch is open or any delivery held, on whatever channel: if not, time changes nothing."""
    going, held = exists().where(~dispatch.c.closed), exists().where(LEASED)
    return bool(await conn.scalar(select(or_(going, held))))


async def next_due(conn: Connection, names: Sequence[str]) -> float | None:
    """Seconds until something on these channels may be sent or a lease expires; None if everything waits
    for a person or for an earlier part."""
    first = select(func.min(delivery.c.retry_at)).where(
        delivery.c.dispatch_id == dispatch.c.id, PENDING
    )
    unqueued = case((store_expansion.LEFT, NOW), else_=None)
    retry = func.coalesce(first.scalar_subquery(), unqueued)
    waits = (
        select(
            (retry - NOW).label("retry"),
            (dispatch.c.not_before - NOW).label("not_before"),
            (account.c.blocked_until - NOW).label("blocked"),
            (account.c.booked_to - HORIZON - NOW).label("booked"),
            (dispatch.c.expires_at - NOW).label("expires"),
        )
        .join_from(dispatch, account, account.c.id == dispatch.c.account_id)
        .where(account.c.name.in_(names), ~dispatch.c.closed, or_(~dispatch.c.halted, URGENT))
        .where(dispatch.c.cancelled.is_(None), dispatch.c.expires_at > NOW)
        .where(RUNNING, account.c.paused.is_(None), NOT_HALTED, retry.is_not(None))
    )
    moments = [
        min(max(row.retry, row.not_before, row.blocked, row.booked), row.expires)
        for row in await conn.execute(waits)
    ]
    moments += [] if (lease := await _next_lapse(conn, names)) is None else [lease]
    return max(0.0, min(moments)) if moments else None


async def _next_lapse(conn: Connection, names: Sequence[str]) -> float | None:
    states: list[Any] = [literal_column(f"'{name}'") for name in ("claimed", "sending", "uncertain")]
    held = delivery.c.state.in_(states)  # uncertain ones too, while a worker looks them up
    lapse = (
        select(func.min(delivery.c.lease_until) - NOW)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(delivery.c.lease_until > 0, held, account.c.name.in_(names))
    )
    found = await conn.scalar(lapse)
    return None if found is None else float(found)


async def waiting(conn: Connection, names: Sequence[str]) -> int:
    """The number of open deliveries of these channels."""
    open_states: list[Any] = [literal_column(f"'{name}'") for name in ("pending", "claimed", "sending")]
    counted = (
        select(func.count())
        .select_from(dispatch)
        .join(account, account.c.id == dispatch.c.account_id)
        .join(delivery, delivery.c.dispatch_id == dispatch.c.id)
        .where(account.c.name.in_(names), ~dispatch.c.closed, delivery.c.state.in_(open_states))
    )
    mine = select(account.c.id).where(account.c.name.in_(names))
    unqueued = await store_expansion.unqueued(conn, dispatch.c.account_id.in_(mine))
    return int(await conn.scalar(counted) or 0) + sum(unqueued.values())
