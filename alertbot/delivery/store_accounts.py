"""Accounts: their pace, windows and budget, and whether they are halted, paused or blocked. Also the
workers' heartbeats."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Float,
    Row,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Channel
from alertbot.core.words import _
from alertbot.db import sql
from alertbot.db.sql import NOW, ColumnValues, Connection
from alertbot.db.tables import account, audit, dispatch, halt, pace, spent, worker
from alertbot.delivery.rules_pace import SLACK, CallMoment
from alertbot.delivery.store_deliveries import fence, wake

NOTED_ROWS = 50  # of the audit: rows that a wrong clock wrote must not hide those before


@dataclass(frozen=True, slots=True)
class Account:
    """A channel's row. `gap` and `chat_gap` are the least seconds between two calls (0: no limit)."""

    id: int
    name: str
    gap: float
    chat_gap: float


@dataclass(frozen=True, slots=True)
class Push:
    """No call to this account (or only to this target, if given) for `seconds`."""

    account: str
    seconds: float
    reason: str
    target: str | None = None


def _gap(per_second: float | None) -> float:
    return 1.0 / per_second if per_second else 0.0


def _settings(channel: Channel) -> ColumnValues:
    budget = channel.budget
    return {
        "gap": _gap(channel.pace.per_second),
        "chat_gap": _gap(channel.pace.per_chat_second),
        "shares": {"group_minute": group} if (group := channel.pace.per_group_minute) else None,
        "windows": [[calls, length.total_seconds()] for calls, length in channel.pace.windows],
        "budget": budget.amount if budget else None,
        "budget_seconds": budget.per.total_seconds() if budget else None,
    }


async def sync(conn: Connection, channels: Iterable[Channel]) -> list[Account]:
    """Make the accounts match the configuration (see `agree`), and delete what is past."""
    wanted = list(channels)
    await agree(conn, wanted)
    await _forget_past(conn)
    return await named(conn, [channel.name for channel in wanted])


async def agree(conn: Connection, channels: Iterable[Channel]) -> None:
    """Make the accounts match the configuration; halts, pauses and blocks stay.

    A block ends if windows or budget were changed: a person has made room.
    """
    rows = (await conn.execute(select(account))).all()
    known = {row.name: row for row in rows}
    for channel in sorted(
        channels, key=lambda one: one.name
    ):  # one order, whatever the configuration's
        await _sync_one(conn, channel.name, _settings(channel), known.get(channel.name))


async def _sync_one(conn: Connection, name: str, wanted: ColumnValues, row: Any) -> None:
    if row is None:
        fresh = {"booked_to": 0.0, "halted": False, "blocked_until": 0.0}
        made = sql.upsert(conn, account).values(name=name, **wanted, **fresh)
        await conn.execute(made.on_conflict_do_nothing(index_elements=[account.c.name]))
        return
    changed = {key: value for key, value in wanted.items() if getattr(row, key) != value}
    if changed.keys() & {"windows", "budget", "budget_seconds"}:
        changed |= {"blocked_until": 0.0, "blocked": None}
    if changed:
        await conn.execute(update(account).where(account.c.id == row.id).values(**changed))


async def _forget_past(conn: Connection) -> None:
    """Delete records that no pace, window or budget needs any more."""
    await conn.execute(delete(pace).where(pace.c.next_free < NOW - 3600))
    longest = 0.0
    for windows, budget_seconds in await conn.execute(
        select(account.c.windows, account.c.budget_seconds)
    ):
        longest = max([longest, budget_seconds or 0.0, *(length for _calls, length in windows)])
    await conn.execute(delete(spent).where(spent.c.at < NOW - longest - 60))


async def named(conn: Connection, names: Iterable[str]) -> list[Account]:
    """The accounts of these channels, as far as they exist."""
    wanted = select(account.c.id, account.c.name, account.c.gap, account.c.chat_gap)
    rows = await conn.execute(wanted.where(account.c.name.in_(list(names))).order_by(account.c.id))
    return [Account(*row) for row in rows]


async def names(conn: Connection) -> list[str]:
    """Every channel that a worker has ever set up."""
    return list(await conn.scalars(select(account.c.name).order_by(account.c.name)))


async def push(conn: Connection, pushes: Iterable[Push]) -> None:
    """Delay accounts or targets. Never shortens an earlier delay."""
    for one in sorted(pushes, key=lambda one: (one.account, one.target or "")):
        if one.target is None:
            await block_account(conn, account.c.name == one.account, one.seconds, one.reason)
        else:
            key = select(account.c.id).where(account.c.name == one.account)
            await keep_free(conn, f"{await conn.scalar(key)}:{one.target}", one.seconds)


async def block_account(
    conn: Connection, which: ColumnElement[bool], seconds: float, reason: str
) -> None:
    """No call to the account for `seconds`; `reason` says why."""
    later = account.c.blocked_until < NOW + seconds
    await conn.execute(
        update(account).where(which, later).values(blocked_until=NOW + seconds, blocked=reason)
    )


async def keep_free(conn: Connection, key: str, seconds: float) -> None:
    """No call to the target for `seconds`."""
    later = case((pace.c.next_free > NOW + seconds, pace.c.next_free), else_=NOW + seconds)
    first = sql.upsert(conn, pace).values(key=key, next_free=NOW + seconds)
    await conn.execute(
        first.on_conflict_do_update(index_elements=[pace.c.key], set_={"next_free": later})
    )


async def pause(conn: Connection, name: str, reason: str) -> bool:
    """Stop using an account until a person has fixed it. False if it was paused already."""
    await fence(conn, exclusive=True)
    running = update(account).where(account.c.name == name, account.c.paused.is_(None))
    return (await conn.execute(running.values(paused=reason))).rowcount > 0


async def paused(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    """The reasons of those of these accounts that wait for a person."""
    query = select(account.c.name, account.c.paused).where(account.c.name.in_(list(names)))
    found = await conn.execute(query.where(account.c.paused.is_not(None)))
    return {row.name: row.paused for row in found}


async def unpause(conn: Connection, name: str) -> bool:
    """Use the account again. False where it was not paused."""
    stopped = update(account).where(account.c.name == name, account.c.paused.is_not(None))
    done = await conn.execute(stopped.values(paused=None, blocked_until=0.0, blocked=None))
    await wake(conn)
    return done.rowcount > 0


async def set_halt(
    conn: Connection, halted: bool, *, channel: str | None = None, alert: str | None = None
) -> None:
    """Halt or resume everything, one channel, or one alert. Once this has committed, no further call is
    intended, because every intent checks. Raises `Refused` for an unknown channel or an alert without
    deliveries."""
    await fence(conn, exclusive=True)
    if alert is not None:
        which = dispatch.c.alert_id == alert
        if channel is not None:
            owner = select(account.c.id).where(account.c.name == channel).scalar_subquery()
            which = which & (dispatch.c.account_id == owner)
        changed = await conn.execute(update(dispatch).where(which).values(halted=halted))
        _known(changed.rowcount, _("{name} has no deliveries.").format(name=alert))
    elif channel is not None:
        change = update(account).where(account.c.name == channel).values(halted=halted)
        changed = await conn.execute(change)
        _known(changed.rowcount, _("The channel {name} has not been used yet.").format(name=channel))
    else:
        await _halt_everything(conn, halted)
    if not halted:
        await _next_turn(conn)
    await wake(conn)


def _known(count: int, sentence: str) -> None:
    if count == 0:
        raise Refused(sentence)


async def _halt_everything(conn: Connection, halted: bool) -> None:
    done = await conn.execute(update(halt).where(halt.c.id == 1).values(halted=halted))
    if done.rowcount == 0:
        await conn.execute(insert(halt).values(id=1, halted=halted))


async def _next_turn(conn: Connection) -> None:
    """Something was resumed: before its next call, everything is judged again."""
    done = await conn.execute(update(halt).where(halt.c.id == 1).values(turn=halt.c.turn + 1))
    if done.rowcount == 0:
        await conn.execute(insert(halt).values(id=1, halted=False, turn=1))


async def everything_halted(conn: Connection) -> bool:
    """Whether everything is halted."""
    return bool(await conn.scalar(select(func.count()).select_from(halt).where(halt.c.halted)))


BEAT_SECONDS = 5.0
ALIVE_SECONDS = 15.0
FORGET_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that was seen; `age`: seconds since then."""

    id: str
    host: str
    age: float

    @property
    def alive(self) -> bool:
        return self.age < ALIVE_SECONDS


async def beat(conn: Connection, name: str, host: str) -> None:
    """Record a heartbeat of this worker."""
    done = await conn.execute(update(worker).where(worker.c.id == name).values(seen_at=NOW))
    if done.rowcount == 0:
        await conn.execute(insert(worker).values(id=name, host=host, seen_at=NOW))
        await conn.execute(delete(worker).where(worker.c.seen_at < NOW - FORGET_SECONDS))


async def leave(conn: Connection, name: str) -> None:
    """Record that this worker has stopped cleanly."""
    await conn.execute(delete(worker).where(worker.c.id == name))


async def seen(conn: Connection) -> list[Worker]:
    """Every worker of the last day, the most recent first."""
    age = (NOW - worker.c.seen_at).label("age")
    rows = await conn.execute(select(worker.c.id, worker.c.host, age).order_by(age))
    return [Worker(*row) for row in rows]


async def clock(conn: Connection) -> tuple[float, float | None]:
    """The database's clock, and the latest moment recorded in it, both in epoch seconds: a worker's heartbeat, or
    one of the last rows of the audit since `resume` (which a person runs when the clock is right again)."""
    beat = select(func.max(worker.c.seen_at)).scalar_subquery()
    now, newest = (await conn.execute(select(NOW, beat))).one()
    recorded = [] if newest is None else [float(newest)]
    noted = select(audit.c.at, audit.c.verb).order_by(audit.c.seq.desc()).limit(NOTED_ROWS)
    for row in await conn.execute(noted):
        recorded.append(datetime.fromisoformat(row.at).timestamp())
        if row.verb == "resume":
            break
    return float(now), max(recorded, default=None)


async def forget_ahead(conn: Connection) -> None:
    """Delete heartbeats ahead of the clock: they were written while it was wrong."""
    await conn.execute(delete(worker).where(worker.c.seen_at > NOW + ALIVE_SECONDS))


async def any_alive(conn: Connection) -> bool:
    """Whether a worker is alive to send what is due."""
    return any(one.alive for one in await seen(conn))


Limited = dict[int, Row[Any]]  # accounts with a window or a budget, locked until the transaction ends


class Want(NamedTuple):
    """A delivery that wants to make a call. `cost` is in the budget's currency. `dispatch`: its own, 0
    if not given. `turn`: since which halt it was judged (`store_claim.TURN`); None: it was not. `slot`: when it may
    begin at the earliest, by the database's clock. `target`: where, if targets have paces of their own."""

    id: int
    account: int
    cost: float = 0.0
    dispatch: int = 0
    turn: int | None = None
    slot: float = 0.0
    target: str = ""


@dataclass(frozen=True, slots=True)
class QuotaRoom:
    """How many calls may be made now, and otherwise how long until the next."""

    calls: int
    wait: float
    reason: str


@dataclass(frozen=True, slots=True)
class AccountBlock:
    """An account that has run out of room; to be written after the last intents that still had some."""

    account: int
    seconds: float
    reason: str


_ASKED = (
    select(account).where(account.c.id.in_(bindparam("ids", expanding=True))).order_by(account.c.id)
)


async def limited(conn: Connection, wants: Sequence[Want]) -> Limited:
    """Those of the accounts that have a window or a budget."""
    ids = sorted({want.account for want in wants})
    rows = await conn.execute(_ASKED, {"ids": ids})
    found = {row.id: row for row in rows if row.windows or row.budget is not None}
    if found:
        lock = select(account.c.id).where(account.c.id.in_(found)).order_by(account.c.id)
        await conn.execute(lock.with_for_update(key_share=True))
    return found


async def allowed(
    conn: Connection, limits: Limited, wants: Sequence[Want]
) -> tuple[list[Want], list[AccountBlock]]:
    """The calls that windows and budgets have room for, in the given order, and the accounts that are
    now full."""
    good = [want for want in wants if want.account not in limits]
    blocks: list[AccountBlock] = []
    for number, row in limits.items():
        mine = [want for want in wants if want.account == number]
        room = await _room(conn, row, mine)
        good += mine[: max(0, room.calls)]
        if room.calls < len(mine):
            blocks.append(AccountBlock(number, room.wait, room.reason))
    return good, blocks


async def write(conn: Connection, blocks: Sequence[AccountBlock]) -> None:
    """Block accounts without room until there is some."""
    for block in blocks:
        await block_account(conn, account.c.id == block.account, block.seconds, block.reason)


async def note(
    conn: Connection,
    limits: Limited,
    wants: Sequence[Want],
    moments: Mapping[int, CallMoment] = MappingProxyType({}),
) -> None:
    """Count the attempts of accounts with a window or a budget, each at its moment, or now."""
    at = {number: given.latest for number, given in moments.items()}
    booked = [
        {"account_id": want.account, "cost": want.cost, "moment": at.get(want.id)}
        for want in wants
        if want.account in limits
    ]
    if booked:
        await conn.execute(
            insert(spent).values(at=func.coalesce(bindparam("moment", type_=Float(53)), NOW)), booked
        )


async def _room(conn: Connection, row: Row[Any], wants: Sequence[Want]) -> QuotaRoom:
    """The tightest limit of the account's windows and budget."""
    wanted = len(wants)
    rooms = [await _window_room(conn, row, calls, length, wanted) for calls, length in row.windows]
    if row.budget is not None:
        rooms.append(await _budget_room(conn, row, [want.cost for want in wants]))
    return min(rooms, key=lambda room: room.calls)


async def _window_room(
    conn: Connection, row: Row[Any], calls: int, length: float, wanted: int
) -> QuotaRoom:
    """Room again once the oldest of the last `calls` attempts has left the window; if there is none, once those
    that are made now have."""
    last = select(spent.c.at).order_by(spent.c.at.desc()).limit(1).offset(calls - 1)
    used, last_at, oldest, now = await _within(
        conn, row, length + SLACK, select(func.count()), last, select(func.min(spent.c.at))
    )
    if used + wanted <= calls:
        return QuotaRoom(calls - used, length, "")
    reason = _("{channel} has used its {calls} calls in {minutes} minutes.").format(
        calls=calls, minutes=round(length / 60, 1), channel=row.name
    )
    leaves = oldest if last_at is None else last_at
    wait = length if leaves is None else leaves + length + SLACK - now
    return QuotaRoom(max(0, calls - used), max(wait, 0.001), reason)


async def _within(
    conn: Connection, row: Row[Any], length: float, *questions: Select[Any]
) -> tuple[Any, ...]:
    """What each question answers about the account's attempts within the last `length` seconds, and the moment
    they are asked. One statement with one moment: if the oldest attempt left between two, an account without
    room would wait for the whole length."""
    now = select(NOW.label("now")).cte("now")
    within = (spent.c.account_id == row.id) & (spent.c.at > now.c.now - length)
    answers = [one.where(within).correlate(now).scalar_subquery() for one in questions]
    return tuple((await conn.execute(select(*answers, now.c.now).select_from(now))).one())


async def _budget_room(conn: Connection, row: Row[Any], costs: list[float]) -> QuotaRoom:
    length = float(row.budget_seconds)
    paid = select(func.min(spent.c.at)).where(spent.c.cost > 0)
    used, oldest, now = await _within(conn, row, length, select(func.sum(spent.c.cost)), paid)
    left = row.budget - float(used or 0)
    calls = 0
    for cost in costs:
        left -= cost
        if left < -1e-9 and cost > 0:
            break
        calls += 1
    wait = length if oldest is None else oldest + length - now
    reason = _("{channel} has used up its budget ({amount}).").format(
        channel=row.name, amount=row.budget
    )
    return QuotaRoom(calls, max(wait, 0.001), reason)
