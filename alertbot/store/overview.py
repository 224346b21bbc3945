"""The outbox as people look at it: counts, reasons, accounts, every delivery."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.model import OPEN_STATES, DeliveryState, Purpose
from alertbot.store.clock import NOW
from alertbot.store.tables import account, delivery, dispatch, message

Row = dict[str, Any]
FAR = 1e11  # a retry beyond this waits for the part before it, not for a time
STATES_OPEN = [str(state) for state in OPEN_STATES]


async def counts(
    conn: AsyncConnection, alert: str, purpose: Purpose = Purpose.PUBLICATION
) -> dict[DeliveryState, int]:
    """How many deliveries of an alert are in each state; without those of a cancelled dispatch."""
    query = (
        select(delivery.c.state, func.count())
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(dispatch.c.alert_id == alert, dispatch.c.purpose == str(purpose))
        .where(dispatch.c.cancelled.is_(None))
        .group_by(delivery.c.state)
    )
    return {DeliveryState(state): int(number) for state, number in await conn.execute(query)}


async def reasons(conn: AsyncConnection, alert: str) -> list[Row]:
    """Why something of an alert was not sent, or not yet: each reason with its state and count."""
    query = (
        select(account.c.name, delivery.c.state, delivery.c.reason, func.count())
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(dispatch.c.alert_id == alert, delivery.c.state != str(DeliveryState.SENT))
        .where(delivery.c.reason.is_not(None))
        .group_by(account.c.name, delivery.c.state, delivery.c.reason)
        .order_by(account.c.name, delivery.c.state)
    )
    names = ("channel", "state", "reason", "count")
    return [dict(zip(names, row, strict=True)) for row in await conn.execute(query)]


async def accounts(conn: AsyncConnection) -> list[Row]:
    """Every account with what stops it and how much waits for it."""
    waiting = (
        select(func.count())
        .select_from(delivery)
        .join(dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(dispatch.c.account_id == account.c.id, ~dispatch.c.closed)
        .where(delivery.c.state.in_(STATES_OPEN))
        .scalar_subquery()
    )
    blocked = (account.c.blocked_until > NOW).label("blocked_now")
    query = select(
        account.c.name,
        account.c.halted,
        account.c.paused,
        account.c.blocked,
        blocked,
        waiting.label("waiting"),
    ).order_by(account.c.id)
    return [
        {
            "name": row.name,
            "halted": row.halted,
            "paused": row.paused,
            "blocked": row.blocked if row.blocked_now else None,
            "waiting": int(row.waiting),
        }
        for row in await conn.execute(query)
    ]


async def deliveries(
    conn: AsyncConnection,
    *,
    alert: str | None = None,
    state: DeliveryState | None = None,
    limit: int | None = None,
) -> list[Row]:
    """Deliveries in the order in which they were written. Moments are epoch seconds."""
    query = (
        select(
            delivery,
            dispatch.c.alert_id,
            dispatch.c.purpose,
            account.c.name.label("channel"),
            message.c.parts,
        )
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .outerjoin(message, message.c.id == delivery.c.message_id)
        .order_by(delivery.c.id)
        .limit(limit)
    )
    if alert is not None:
        query = query.where(dispatch.c.alert_id == alert)
    if state is not None:
        query = query.where(delivery.c.state == str(state))
    return [_delivery(row) for row in await conn.execute(query)]


def _delivery(row: Any) -> Row:
    waits = row.state == DeliveryState.PENDING and row.retry_at < FAR and row.attempts > 0
    return {
        "id": row.id,
        "alert": row.alert_id,
        "purpose": row.purpose,
        "channel": row.channel,
        "target": row.target,
        "lang": row.lang,
        "part": row.part,
        "parts": row.parts,
        "state": row.state,
        "attempts": row.attempts,
        "remote_id": row.remote_id,
        "url": row.url,
        "reason": row.reason,
        "note": row.note,
        "retry_at": row.retry_at if waits else None,
        "attempted_at": row.attempted_at,
        "settled_at": row.settled_at,
    }
