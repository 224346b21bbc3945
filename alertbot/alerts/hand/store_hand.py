"""What a person was given to post: its words, what holds it back, and the earlier post that it is about. Read only."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from alertbot.core.frozen import dataclass
from alertbot.core.model import Action, DeliveryState
from alertbot.db.sql import NOW, Connection
from alertbot.db.tables import account, delivery, dispatch, message, record
from alertbot.delivery.store_claim import NOT_HALTED


@dataclass(frozen=True, slots=True)
class Handed:
    """A delivery that was given to a person. `held`: by a halt; `cancelled`: why nothing more of it goes out;
    `late`: its time is over. `text` is empty for a deletion."""

    id: int
    alert: str
    channel: str
    account: int
    place: str
    lang: str | None
    part: int
    parts: int
    action: Action
    state: DeliveryState
    text: str
    picture: str | None
    alt: str | None
    refers_to: str | None
    note: str | None
    reason: str | None
    held: bool
    cancelled: str | None
    late: bool


@dataclass(frozen=True, slots=True)
class EarlierPost:
    """A post of ours at the same place. `url` None: nobody gave an address. `note`: who posted it and when.
    `state` None: it was recorded by a person."""

    alert: str
    state: DeliveryState | None
    url: str | None
    note: str | None
    at: datetime | None


async def handed(conn: Connection, delivery_id: int) -> Handed | None:
    """The delivery; None if there is none."""
    d, m, p = delivery.c, message.c, dispatch.c
    held = ~NOT_HALTED | account.c.halted | p.halted
    query = (
        select(
            d.id, p.alert_id, account.c.name, p.account_id, d.target, d.lang, d.part, m.parts, d.action
        )
        .add_columns(d.state, m.text, m.picture, m.alt, d.remote_ref, d.note, d.reason)
        .add_columns(held.label("held"), p.cancelled, (p.expires_at <= NOW).label("late"))
        .join_from(delivery, dispatch, p.id == d.dispatch_id)
        .join(account, account.c.id == p.account_id)
        .outerjoin(message, m.id == d.message_id)
        .where(d.id == delivery_id)
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _handed(row)


def _handed(row: Any) -> Handed:
    action = Action(row.action)
    return Handed(
        id=row.id,
        alert=row.alert_id,
        channel=row.name,
        account=row.account_id,
        place=row.target,
        lang=row.lang,
        part=row.part,
        parts=row.parts or 1,
        action=action,
        state=DeliveryState(row.state),
        text="" if action is Action.DELETE else row.text or "",
        picture=row.picture if action is Action.PUBLISH else None,
        alt=row.alt,
        refers_to=row.remote_ref,
        note=row.note,
        reason=row.reason,
        held=bool(row.held),
        cancelled=row.cancelled,
        late=bool(row.late),
    )


async def earlier(conn: Connection, one: Handed) -> EarlierPost | None:
    """The post that this delivery answers, changes or deletes; None if it is a post of its own, or was never made."""
    if one.refers_to is None:
        return None
    d, p = delivery.c, dispatch.c
    query = (
        select(p.alert_id, d.state, d.url, d.note, d.settled_at)
        .join_from(delivery, dispatch, p.id == d.dispatch_id)
        .where(p.account_id == one.account, d.remote_id == one.refers_to)
        .where(d.action == Action.PUBLISH.value)
    )
    row = (await conn.execute(query.limit(1))).one_or_none()
    if row is not None:
        at = None if row.settled_at is None else datetime.fromtimestamp(row.settled_at, UTC)
        return EarlierPost(row.alert_id, DeliveryState(row.state), row.url, row.note, at)
    r = record.c
    made = select(r.alert_id, r.url, r.at).where(r.channel == one.channel, r.remote_id == one.refers_to)
    kept = (await conn.execute(made.limit(1))).one_or_none()
    return None if kept is None else EarlierPost(kept.alert_id, None, kept.url, None, kept.at)
