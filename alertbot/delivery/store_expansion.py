"""Queueing a large list a portion at a time: an approval writes the first deliveries, workers the rest, each portion
in a transaction of its own that also notes how far it came. A worker that dies loses nothing and doubles nothing."""

from sqlalchemy import (
    ColumnElement,
    Insert,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    select,
    update,
)

from alertbot.core.model import Action, DeliveryState, Purpose
from alertbot.db.sql import NOW, Connection
from alertbot.db.tables import account, alert, delivery, dispatch, message, target
from alertbot.db.tables_lists import expansion
from alertbot.delivery.store_deliveries import wake

AT_APPROVAL = 1000  # recipients that are queued at once
PORTION = 5000  # in one transaction of a worker: some 50 ms
LEFT = exists().where(expansion.c.dispatch_id == dispatch.c.id)


async def begin(conn: Connection, dispatch_id: int, recipients: int) -> None:
    """Queue the first of a dispatch's recipients, who are stored as its alert's targets on its channel, each with a
    language in which the alert has one text there; note the rest."""
    first = {"dispatch_id": dispatch_id, "after_id": 0, "waiting": recipients}
    await conn.execute(insert(expansion).values(**first))
    await _portion(conn, dispatch_id, AT_APPROVAL)


async def go_on(conn: Connection, which: ColumnElement[bool], limit: int = PORTION) -> bool:
    """Queue the next portion of the most urgent such dispatch. Returns whether anything was left to queue."""
    found = (
        select(dispatch.c.id)
        .join_from(expansion, dispatch, dispatch.c.id == expansion.c.dispatch_id)
        .where(which)
        .order_by(dispatch.c.priority, dispatch.c.id)
        .limit(1)
    )
    number = await conn.scalar(found.with_for_update(of=expansion, skip_locked=True))
    if number is None:
        return False
    await _portion(conn, number, limit)
    await wake(conn)
    return True


async def any_left(conn: Connection, which: ColumnElement[bool]) -> bool:
    """Whether such a dispatch has recipients that are not queued yet."""
    left = select(expansion.c.dispatch_id).join(dispatch, dispatch.c.id == expansion.c.dispatch_id)
    return await conn.scalar(left.where(which).limit(1)) is not None


def of_account(account_id: int) -> ColumnElement[bool]:
    return dispatch.c.account_id == account_id


async def unqueued(conn: Connection, *which: ColumnElement[bool]) -> dict[tuple[str, str], int]:
    """How many recipients of such dispatches are not queued yet, by alert and channel."""
    left = (
        select(dispatch.c.alert_id, account.c.name, expansion.c.waiting)
        .join_from(expansion, dispatch, dispatch.c.id == expansion.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(*which)
    )
    return {(row[0], row[1]): row[2] for row in await conn.execute(left)}


async def _portion(conn: Connection, dispatch_id: int, limit: int) -> None:
    of = (
        select(dispatch.c.alert_id, account.c.name, expansion.c.after_id, alert.c.revision)
        .join_from(dispatch, account, account.c.id == dispatch.c.account_id)
        .join(alert, alert.c.id == dispatch.c.alert_id)
        .join(expansion, expansion.c.dispatch_id == dispatch.c.id)
        .where(dispatch.c.id == dispatch_id)
    )
    name, channel, after, revision = (await conn.execute(of)).one()
    mine = and_(target.c.alert_id == name, target.c.channel == channel)
    page = select(target.c.id).where(mine, target.c.id > after).order_by(target.c.id).limit(limit)
    ids = page.subquery()
    last, count = (await conn.execute(select(func.max(ids.c.id), func.count()).select_from(ids))).one()
    if last is not None:
        here = and_(mine, target.c.id > after, target.c.id <= last)
        await conn.execute(_insert(dispatch_id, here, revision))
        far = {"after_id": last, "waiting": expansion.c.waiting - count}
        await conn.execute(
            update(expansion).where(expansion.c.dispatch_id == dispatch_id).values(**far)
        )
    if count < limit:
        await conn.execute(delete(expansion).where(expansion.c.dispatch_id == dispatch_id))


def _insert(dispatch_id: int, here: ColumnElement[bool], revision: int) -> Insert:
    text = and_(
        message.c.alert_id == target.c.alert_id,
        message.c.channel == target.c.channel,
        message.c.lang == target.c.lang,
        message.c.revision == revision,
        message.c.purpose == Purpose.PUBLICATION.value,
        message.c.action == Action.PUBLISH.value,
    )
    same = {
        "dispatch_id": literal(dispatch_id),
        "part": literal(1),
        "state": literal(DeliveryState.PENDING.value),
        "retry_at": NOW,
        "attempts": literal(0),
        "resent": literal(False),
        "cost": literal(0.0),
        "action": literal(Action.PUBLISH.value),
    }
    each = {"message_id": message.c.id, "target": target.c.address, "lang": target.c.lang}
    rows = select(*each.values(), *same.values()).join_from(target, message, text).where(here)
    return insert(delivery).from_select([*each, *same], rows.order_by(target.c.id))
