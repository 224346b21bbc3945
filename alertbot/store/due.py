"""What could be sent now, and when there will be more. Reads only: an idle worker writes nothing, or its
own writes would wake it again and again."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import exists, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.store.claiming import DUE, HORIZON, LIVE, NOT_HALTED, USABLE
from alertbot.store.clock import NOW
from alertbot.store.tables import PENDING, account, delivery, dispatch


async def due(conn: AsyncConnection, names: Sequence[str]) -> list[str]:
    """The channels with something to send now."""
    waiting = exists().where(delivery.c.dispatch_id == dispatch.c.id, DUE)
    lot = exists().where(dispatch.c.account_id == account.c.id, LIVE, waiting)
    free = account.c.booked_to < NOW + HORIZON
    found = await conn.scalars(
        select(account.c.name).where(account.c.name.in_(names), NOT_HALTED, USABLE, free, lot)
    )
    return list(found)


async def next_due(conn: AsyncConnection, names: Sequence[str]) -> float | None:
    """Seconds until something of these channels may be sent or a lease lapses; None: nothing waits
    but for a person, or for the part before it."""
    retry = (
        select(func.min(delivery.c.retry_at))
        .where(delivery.c.dispatch_id == dispatch.c.id, PENDING)
        .scalar_subquery()
    )
    waits = (
        select(
            retry - NOW,
            dispatch.c.not_before - NOW,
            account.c.blocked_until - NOW,
            account.c.booked_to - HORIZON - NOW,
            dispatch.c.expires_at - NOW,
        )
        .join_from(dispatch, account, account.c.id == dispatch.c.account_id)
        .where(account.c.name.in_(names), ~dispatch.c.closed, ~dispatch.c.halted)
        .where(dispatch.c.cancelled.is_(None), dispatch.c.expires_at > NOW)
        .where(~account.c.halted, account.c.paused.is_(None), NOT_HALTED, retry.is_not(None))
    )
    moments = [min(max(row[:4]), row[4]) for row in await conn.execute(waits)]
    moments += [] if (lease := await _next_lapse(conn, names)) is None else [lease]
    return max(0.0, min(moments)) if moments else None


async def _next_lapse(conn: AsyncConnection, names: Sequence[str]) -> float | None:
    held = delivery.c.state.in_([literal_column("'claimed'"), literal_column("'sending'")])
    lapse = (
        select(func.min(delivery.c.lease_until) - NOW)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(delivery.c.lease_until > 0, held, account.c.name.in_(names))
    )
    found = await conn.scalar(lapse)
    return None if found is None else float(found)


async def waiting(conn: AsyncConnection, names: Sequence[str]) -> int:
    """How many deliveries of these channels are still open."""
    open_states: list[Any] = [literal_column(f"'{name}'") for name in ("pending", "claimed", "sending")]
    counted = (
        select(func.count())
        .select_from(dispatch)
        .join(account, account.c.id == dispatch.c.account_id)
        .join(delivery, delivery.c.dispatch_id == dispatch.c.id)
        .where(account.c.name.in_(names), ~dispatch.c.closed, delivery.c.state.in_(open_states))
    )
    return int(await conn.scalar(counted) or 0)
