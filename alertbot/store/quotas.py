"""What an account may still spend: window quotas and budgets, counted in the intent's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.store import accounts
from alertbot.store.clock import NOW
from alertbot.store.tables import account, spent
from alertbot.words import _

Limited = dict[int, Row[Any]]  # accounts with a window or a budget, locked until the transaction ends


class Want(NamedTuple):
    """A delivery that asks for a call. `cost` is in the budget's currency. `dispatch`: its own, 0 where it is
    not told."""

    id: int
    account: int
    cost: float = 0.0
    dispatch: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """How many calls may be made now, and how long until the next otherwise."""

    calls: int
    wait: float
    reason: str


@dataclass(frozen=True, slots=True)
class Block:
    """An account has no room left; to be written after the intents that still had."""

    account: int
    seconds: float
    reason: str


async def limited(conn: AsyncConnection, wants: Sequence[Want]) -> Limited:
    """Those of the accounts asked for that have a window or a budget."""
    ids = sorted({want.account for want in wants})
    rows = await conn.execute(select(account).where(account.c.id.in_(ids)).order_by(account.c.id))
    found = {row.id: row for row in rows if row.windows or row.budget is not None}
    if found:
        lock = select(account.c.id).where(account.c.id.in_(found)).order_by(account.c.id)
        await conn.execute(lock.with_for_update(key_share=True))
    return found


async def allowed(
    conn: AsyncConnection, limits: Limited, wants: Sequence[Want]
) -> tuple[list[Want], list[Block]]:
    """Those that windows and budgets leave room for, in the order given, and what is full now."""
    good = [want for want in wants if want.account not in limits]
    blocks: list[Block] = []
    for number, row in limits.items():
        mine = [want for want in wants if want.account == number]
        room = await _room(conn, row, mine)
        good += mine[: max(0, room.calls)]
        if room.calls < len(mine):
            blocks.append(Block(number, room.wait, room.reason))
    return good, blocks


async def write(conn: AsyncConnection, blocks: Sequence[Block]) -> None:
    """Keep accounts without room back until there is some."""
    for block in blocks:
        await accounts.block(conn, account.c.id == block.account, block.seconds, block.reason)


async def note(conn: AsyncConnection, limits: Limited, wants: Sequence[Want]) -> None:
    """Book the attempts of accounts that have a window or a budget."""
    booked = [
        {"account_id": want.account, "cost": want.cost} for want in wants if want.account in limits
    ]
    if booked:
        await conn.execute(insert(spent).values(at=NOW), booked)


async def _room(conn: AsyncConnection, row: Row[Any], wants: Sequence[Want]) -> Room:
    """The tightest of the account's windows and its budget."""
    wanted = len(wants)
    rooms = [await _window_room(conn, row, calls, length, wanted) for calls, length in row.windows]
    if row.budget is not None:
        rooms.append(await _budget_room(conn, row, [want.cost for want in wants]))
    return min(rooms, key=lambda room: room.calls)


async def _window_room(
    conn: AsyncConnection, row: Row[Any], calls: int, length: float, wanted: int
) -> Room:
    within = (spent.c.account_id == row.id) & (spent.c.at > NOW - length)
    used = int(await conn.scalar(select(func.count()).where(within)) or 0)
    if used + wanted <= calls:  # nobody has to wait: not asked for how long
        return Room(calls - used, length, "")
    # room again once the oldest of the last `calls` attempts has left the window
    oldest = select(spent.c.at + length - NOW).where(within).order_by(spent.c.at)
    wait = await conn.scalar(oldest.limit(1).offset(max(0, used - calls)))
    reason = _("{calls} calls in {minutes} minutes are used up on {channel}.").format(
        calls=calls, minutes=round(length / 60, 1), channel=row.name
    )
    return Room(max(0, calls - used), max(length if wait is None else float(wait), 0.001), reason)


async def _budget_room(conn: AsyncConnection, row: Row[Any], costs: list[float]) -> Room:
    within = (spent.c.account_id == row.id) & (spent.c.at > NOW - row.budget_seconds)
    left = row.budget - float(await conn.scalar(select(func.sum(spent.c.cost)).where(within)) or 0)
    calls = 0
    for cost in costs:
        left -= cost
        if left < -1e-9 and cost > 0:
            break
        calls += 1
    oldest = select(func.min(spent.c.at) + row.budget_seconds - NOW).where(within, spent.c.cost > 0)
    wait = float(await conn.scalar(oldest) or row.budget_seconds)
    reason = _("The budget of {channel} ({amount}) is used up.").format(
        channel=row.name, amount=row.budget
    )
    return Room(calls, max(wait, 0.001), reason)
