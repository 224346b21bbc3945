"""The outbox: what has to be sent is written here in the transaction of the approval, with its texts and
pictures.

Here are queueing (`enqueue`) and a person's decision on an uncertain delivery (`decide`). Claiming is in
`store_claim`, outcomes in `store_settle`, flags and paces in `store_accounts`, reading in
`store_listing`.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, delete, insert, select, update

from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import (
    Action,
    Composition,
    DeliveryState,
    Message,
    Picture,
    Purpose,
    Target,
    WhenUncertain,
)
from alertbot.core.words import _
from alertbot.db import sql
from alertbot.db.sql import AUDIT, NOW, ColumnValues, Connection, take_lock
from alertbot.db.tables import account, delivery, dispatch, message, picture, target
from alertbot.delivery import store_expansion
from alertbot.delivery.store_deliveries import (
    FAR,
    Outcome,
    close,
    facts,
    moved,
    release_followers,
    release_turns,
    settled_alerts,
    skip_followers,
    wake,
)


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """One call to make. `after`: the list index of the entry that it waits for; if that one is not sent,
    this one is skipped. `skipped`: why it is never to be sent (it is stored all the same). `cost`
    counts against the budget.

    `remote_ref`: the platform's id of an earlier post that this one replies to (publish, picture) or
    acts on (edit, delete, pin). Without it, that post is the one of the entry in `after`. An edit takes
    its text from its message, a picture its picture; a delete and a pin only name a message for the
    record.

    `in_turn`: the first part of a further language, or an edit of an earlier post; it waits until none of the posts
    before it in the list can go out to this target by itself any more, whether they went out or not.
    """

    target: str
    message_id: int | None
    lang: str | None = None
    part: int = 1
    after: int | None = None
    cost: float = 0.0
    skipped: str | None = None
    action: Action = Action.PUBLISH
    remote_ref: str | None = None
    in_turn: bool = False


@dataclass(frozen=True, slots=True)
class PackedDeliveries:
    """Deliveries as the table takes them, put together before the transaction that writes them: with many
    readers that takes as long as writing them. `closed`: none of them will ever be sent. `later`: so many recipients
    are not among them, whom workers queue by and by (see `store_expansion`)."""

    rows: tuple[tuple[Any, ...], ...]
    closed: bool
    later: int = 0

    @classmethod
    def of(cls, rows: Sequence[NewDelivery], later: int = 0) -> "PackedDeliveries":
        return cls(
            tuple(_packed(place, row) for place, row in enumerate(rows)),
            not later and all(row.skipped is not None for row in rows),
            later,
        )


URGENT = -1
"""The priority of notices that a halt of their channel or alert does not stop: only a halt of everything does.
No kind has a priority below 0."""


async def enqueue(
    conn: Connection,
    alert_id: str | None,
    channel: str,
    *,
    digest: str,
    priority: int,
    ttl_seconds: float,
    rows: Sequence[NewDelivery] | PackedDeliveries,
    purpose: Purpose = Purpose.PUBLICATION,
    delay_seconds: float = 0.0,
    exercise: bool = False,
    when_uncertain: WhenUncertain = WhenUncertain.ASK,
) -> int:
    """Write an alert's deliveries on one channel; returns the dispatch's id. Lower `priority` goes
    first. Only a notice may be without an alert.

    Times count from now by the database's clock: nothing before `delay_seconds`, nothing later than
    `ttl_seconds` after that. The account must exist (`store_accounts.sync`).
    """
    packed = rows if isinstance(rows, PackedDeliveries) else PackedDeliveries.of(rows)
    added = insert(dispatch).values(
        alert_id=alert_id,
        account_id=await _account(conn, channel),
        purpose=purpose.value,
        digest=digest,
        priority=priority,
        not_before=NOW + delay_seconds,
        expires_at=NOW + delay_seconds + ttl_seconds,
        halted=purpose is Purpose.PUBLICATION and await _halted(conn, alert_id),
        started=False,
        closed=packed.closed,
        exercise=exercise,
        when_uncertain=when_uncertain.value,
    )
    number = await conn.scalar(added.returning(dispatch.c.id))
    assert number is not None
    await extend(conn, int(number), packed)
    await wake(conn)
    return int(number)


async def _halted(conn: Connection, alert_id: str | None) -> bool:
    """Whether somebody halted the alert before there was anything to send of it but notices: that counts for what an
    approval releases afterwards."""
    known = select(dispatch.c.id).where(dispatch.c.alert_id == alert_id, dispatch.c.halted)
    return await conn.scalar(known.limit(1)) is not None


async def _account(conn: Connection, channel: str) -> int:
    owner = await conn.scalar(select(account.c.id).where(account.c.name == channel))
    if owner is None:
        raise Refused(_("The channel {name} has not been used yet.").format(name=channel))
    return int(owner)


_COLUMNS = {
    "id": "place",
    "message_id": "value",
    "target": "value",
    "lang": "value",
    "part": "value",
    "after_id": "place",
    "retry_at": "least",
    "state": "value",
    "reason": "value",
    "cost": "value",
    "action": "value",
    "remote_ref": "value",
}


def _packed(place: int, row: NewDelivery) -> tuple[Any, ...]:
    skipped = row.skipped is not None
    waits = (row.after is not None or row.in_turn) and not skipped
    return (
        place,
        row.message_id,
        row.target,
        row.lang,
        row.part,
        row.after,
        FAR if waits else 0.0,
        (DeliveryState.SKIPPED if skipped else DeliveryState.PENDING).value,
        row.skipped,
        row.cost,
        row.action.value,
        row.remote_ref,
    )


async def extend(conn: Connection, dispatch_id: int, rows: PackedDeliveries) -> None:
    """Add deliveries to a dispatch, in their order."""
    now = float(await conn.scalar(select(NOW)) or 0.0)
    same = {"retry_at": now, "dispatch_id": dispatch_id, "attempts": 0, "resent": False}
    await sql.add_linked(conn, delivery, rows.rows, _COLUMNS, **same)
    if rows.later:
        await store_expansion.begin(conn, dispatch_id, rows.later)


class SettleDecision(StrEnum):
    """A person's decision on a delivery that was perhaps sent."""

    SENT = "sent"
    RESEND = "resend"
    DROP = "drop"


async def decide(
    conn: Connection,
    delivery_id: int,
    decision: SettleDecision,
    *,
    remote_id: str | None = None,
    url: str | None = None,
    by: int | None = None,
) -> tuple[list[Outcome], list[str]]:
    """Settle an uncertain delivery on the word of a person (`by`: the id); returns the outcomes, and the alerts that are thereby settled.

    Raises `Refused` if there is no such delivery, it is not uncertain, or it may not be sent again.
    """
    await take_lock(conn, AUDIT)
    row = await _uncertain(conn, delivery_id)
    match decision:
        case SettleDecision.SENT:
            outcome = moved(row, DeliveryState.SENT, remote_id=remote_id, url=url)
            told = {"remote_id": remote_id, "url": url, "settled_by": by}
            await _put(conn, row.id, state="sent", reason=None, **told)
            await release_followers(conn, [row.id])
            rest: list[Outcome] = []
        case SettleDecision.RESEND:
            await _reopen(conn, row)
            outcome, rest = moved(row, DeliveryState.PENDING), []
        case SettleDecision.DROP:
            reason = _("Dropped: may have been sent, and will not be sent again.")
            outcome = moved(row, DeliveryState.FAILED, reason=reason)
            await _put(conn, row.id, state="failed", reason=reason)
            rest = await skip_followers(conn, [row.id])
    return await _settled(conn, row, [outcome, *rest])


async def posted(
    conn: Connection, delivery_id: int, *, at: float, note: str, url: str | None, by: int
) -> tuple[list[Outcome], list[str]] | None:
    """A person says that they have posted what they were given, at `at` (epoch seconds); as `decide`. None: they do
    not have it any more."""
    row = await _in_hand(conn, delivery_id)
    if row is None:
        return None
    outcome = moved(row, DeliveryState.SENT, remote_id=row.remote_id, url=url, note=note)
    told = {"reason": None, "note": note, "url": url, "settled_by": by}
    await _put(conn, row.id, state="sent", **told)
    await conn.execute(update(delivery).where(delivery.c.id == row.id).values(settled_at=at))
    await release_followers(conn, [row.id])
    await release_turns(conn, [row.id])
    return await _settled(conn, row, [outcome])


async def not_posted(
    conn: Connection, delivery_id: int, *, reason: str, by: int
) -> tuple[list[Outcome], list[str]] | None:
    """A person says that they have not posted what they were given, and never will; as `posted`."""
    row = await _in_hand(conn, delivery_id)
    if row is None:
        return None
    await _put(conn, row.id, state="failed", reason=reason, remote_id=None, settled_by=by)
    skipped = await skip_followers(conn, [row.id])
    await release_turns(conn, [row.id])
    return await _settled(conn, row, [moved(row, DeliveryState.FAILED, reason=reason), *skipped])


async def _in_hand(conn: Connection, delivery_id: int) -> Any:
    """The row, locked, if a person has it (see `store_settle`)."""
    await take_lock(conn, AUDIT)
    found = facts(delivery.c.id == delivery_id, delivery.c.state == "sending").add_columns(
        delivery.c.remote_id
    )
    return (await conn.execute(found.where(delivery.c.lease_until == FAR))).one_or_none()


async def _settled(
    conn: Connection, row: Any, outcomes: list[Outcome]
) -> tuple[list[Outcome], list[str]]:
    await wake(conn)
    settled = await close(conn, [row.dispatch_id])
    return outcomes, settled or await _settled_already(conn, row)


async def _uncertain(conn: Connection, delivery_id: int) -> Any:
    found = facts(delivery.c.id == delivery_id).with_for_update(of=delivery)
    row = (await conn.execute(found)).one_or_none()
    if row is None:
        raise Refused(_("There is no delivery {id}.").format(id=delivery_id))
    if row.state != DeliveryState.UNCERTAIN:
        raise Refused(
            _("Delivery {id} is {state}, not uncertain; there is nothing to settle.").format(
                id=delivery_id, state=row.state
            )
        )
    return row


async def _put(conn: Connection, delivery_id: int, **values: Any) -> None:
    # without its worker, so that a late answer of that worker no longer counts
    settled = update(delivery).where(delivery.c.id == delivery_id)
    await conn.execute(settled.values(settled_at=NOW, lease_until=None, worker=None, **values))


async def _reopen(conn: Connection, row: Any) -> None:
    alive = (dispatch.c.expires_at > NOW) & dispatch.c.cancelled.is_(None)
    opened = update(dispatch).where(dispatch.c.id == row.dispatch_id, alive).values(closed=False)
    if (await conn.execute(opened)).rowcount == 0:
        raise Refused(
            _(
                "Delivery {id} cannot go out again: {alert} has expired or is cancelled. Say"
                " that it stands there, or leave it (--sent, --drop)."
            ).format(id=row.id, alert=row.alert_id)
        )
    again = {"state": "pending", "reason": None, "resent": True, "retry_at": NOW}
    await _put(conn, row.id, **again, born=NOW)  # whoever says "again" has seen that it is not there


async def _settled_already(conn: Connection, row: Any) -> list[str]:
    """The dispatch was closed before; its alert is settled again if nothing of it is open."""
    if row.purpose != Purpose.PUBLICATION:
        return []
    return await settled_alerts(conn, [row.alert_id])


async def keep(conn: Connection, wanted: Iterable[Picture]) -> None:
    """Store the pictures that are not there yet."""
    by_digest = {one.digest: one for one in wanted}
    if not by_digest:
        return
    there = set((await conn.execute(_known(by_digest))).scalars())
    for digest, one in by_digest.items():
        if digest not in there:
            await conn.execute(insert(picture).values(**_row(one)))


async def get(conn: Connection, digests: Collection[str]) -> dict[str, Picture]:
    """Pictures by digest; those not found are missing from the result."""
    rows = await conn.execute(select(picture).where(picture.c.digest.in_(sorted(digests))))
    return {row.digest: Picture(*row) for row in rows}


def _known(digests: Collection[str]) -> Select[Any]:
    return select(picture.c.digest).where(picture.c.digest.in_(sorted(digests)))


def _row(one: Picture) -> dict[str, object]:
    return {
        "digest": one.digest,
        "mime": one.mime,
        "width": one.width,
        "height": one.height,
        "content": one.content,
    }


async def write(conn: Connection, alert_id: str, revision: int, composition: Composition) -> None:
    """Store the texts of this revision; its targets replace the earlier ones."""
    rows = [
        _message_row(alert_id, revision, text, purpose)
        for purpose, said in (
            (Purpose.PUBLICATION, composition.messages),
            (Purpose.RETRACTION, composition.retraction),
        )
        for text in said
    ]
    await keep(conn, composition.pictures)
    if rows:
        await conn.execute(insert(message), rows)
    await conn.execute(delete(target).where(target.c.alert_id == alert_id))
    for channel, group in composition.targets.items():
        for start in range(0, len(group), sql.INSERTED):  # hundreds of thousands, a portion at a time
            some = group[start : start + sql.INSERTED]
            await sql.add(conn, target, [_target_row(alert_id, channel, one) for one in some])


async def add(
    conn: Connection,
    alert_id: str | None,
    revision: int,
    messages: Iterable[Message],
    purpose: Purpose,
) -> tuple[int, ...]:
    """Store texts other than those of the publication (tests, notices); returns their row ids in order.
    Only a notice may be without an alert."""
    ids = []
    for text in messages:
        row = insert(message).values(**_message_row(alert_id, revision, text, purpose))
        ids.append(int((await conn.execute(row.returning(message.c.id))).scalar_one()))
    return tuple(ids)


def _message_row(alert_id: str | None, revision: int, text: Message, purpose: Purpose) -> ColumnValues:
    own = {"alert_id": alert_id, "revision": revision, "purpose": str(purpose)}
    return {**asdict(text), **own, "measure": str(text.measure), "action": str(text.action)}


def _target_row(alert_id: str, channel: str, one: Target) -> ColumnValues:
    own = {"address": one.address, "lang": one.lang, "topics": list(one.topics)}
    return {"alert_id": alert_id, "channel": channel, **own}
