"""What went out and was not yet compared with what the platform shows, and what came of comparing."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.model import Action, Purpose
from alertbot.store.clock import NOW
from alertbot.store.tables import account, delivery, dispatch

SHOWN = (Action.PUBLISH, Action.EDIT, Action.PICTURE)  # what leaves something to be seen
PUBLIC = (Purpose.PUBLICATION.value, Purpose.RETRACTION.value)
CHANGED = (Action.EDIT, Action.DELETE)
ON_ITS_WAY = ("sending", "sent", "uncertain")
AT_MOST = 50

_SPAN = 86_400.0  # a dispatch older than this is not looked at: it bounds the search
_LATER, _OTHER = delivery.alias("later"), dispatch.alias("other")


class Sent(NamedTuple):
    """A delivery that stands, as far as its worker knows. `age`: seconds since it was settled."""

    id: int
    dispatch: int
    message: int | None
    target: str
    lang: str | None
    part: int
    attempts: int
    resent: bool
    action: str
    alert: str
    channel: str
    remote_id: str
    age: float
    reply_to: str | None = None


class Verdict(NamedTuple):
    """What came of it. `words`: "same", "unknown", or how it differs. `alert`, `channel`: for the record."""

    id: int
    alert: str
    channel: str
    remote_id: str
    words: str
    differs: bool


async def unread(
    conn: AsyncConnection, names: Collection[str], *, worker: str, others_after: float, within: float
) -> list[Sent]:
    """What `worker` published on these channels and nobody compared yet; of other workers only what is
    older than `others_after` seconds. Nothing older than `within`, and nothing that a later edit or
    deletion has changed since."""
    d = delivery.c
    wanted = (
        select(
            d.id,
            d.dispatch_id,
            d.message_id,
            d.target,
            d.lang,
            d.part,
            d.attempts,
            d.resent,
            d.action,
            dispatch.c.alert_id,
            account.c.name,
            d.remote_id,
            NOW - d.settled_at,
        )
        .join_from(dispatch, account, account.c.id == dispatch.c.account_id)
        .join(delivery, d.dispatch_id == dispatch.c.id)
        .where(account.c.name.in_(sorted(names)), account.c.paused.is_(None))
        .where(dispatch.c.purpose.in_(PUBLIC), dispatch.c.not_before > NOW - _SPAN)
        .where(d.state == "sent", d.read_back.is_(None), d.remote_id.is_not(None))
        .where(d.action.in_([one.value for one in SHOWN]), d.settled_at > NOW - within)
        .where(or_(d.worker == worker, d.settled_at < NOW - others_after))
        .where(~changed_since(d.id, d.remote_id, dispatch.c.account_id))
        .order_by(d.id)
        .limit(AT_MOST)
    )
    return [Sent(*tuple[Any, ...](row)) for row in await conn.execute(wanted)]


def changed_since(
    delivery_id: ColumnElement[int], remote_id: ColumnElement[Any], account_id: ColumnElement[int]
) -> ColumnElement[bool]:
    """A later delivery of the account has edited or deleted this post, or is about to."""
    later = _LATER.c
    return (
        exists()
        .where(later.remote_ref == remote_id, later.remote_ref.is_not(None), later.id > delivery_id)
        .where(later.action.in_([one.value for one in CHANGED]), later.state.in_(ON_ITS_WAY))
        .where(_OTHER.c.id == later.dispatch_id, _OTHER.c.account_id == account_id)
    )


async def superseded(conn: AsyncConnection, delivery_id: int) -> bool:
    """Whether what this delivery would edit has been edited or deleted by a later one meanwhile."""
    d = delivery.c
    older = (
        select(d.id)
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .where(d.id == delivery_id, changed_since(d.id, d.remote_ref, dispatch.c.account_id))
    )
    return await conn.scalar(older) is not None


async def write(conn: AsyncConnection, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Write them down; those that nobody had written before."""
    kept = []
    for one in verdicts:
        fresh = update(delivery).where(delivery.c.id == one.id, delivery.c.read_back.is_(None))
        if (await conn.execute(fresh.values(read_back=one.words))).rowcount:
            kept.append(one)
    return kept
