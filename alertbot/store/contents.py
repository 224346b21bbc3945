"""What a claimed delivery carries: the facts of its dispatch, its text, and what it continues."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.model import Purpose, WhenUncertain
from alertbot.store.tables import account, alert, delivery, dispatch, message

NOTICE = "notice"  # what a notice about no alert is called in sentences and message ids


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the deliveries of one dispatch have in common."""

    dispatch: int
    alert: str
    channel: str
    account: int
    purpose: Purpose
    digest: str
    exercise: bool
    when_uncertain: WhenUncertain
    references: tuple[str, ...]  # earlier alerts that this one continues; it answers the last


async def envelope(conn: AsyncConnection, dispatch_id: int) -> Envelope:
    """The facts of a dispatch."""
    p = dispatch.c
    row = (
        await conn.execute(
            select(
                p.alert_id,
                account.c.name,
                p.account_id,
                p.purpose,
                p.digest,
                p.exercise,
                p.when_uncertain,
                alert.c.references,
                alert.c.original,
            )
            .join_from(dispatch, account, account.c.id == p.account_id)
            .outerjoin(alert, alert.c.id == p.alert_id)
            .where(p.id == dispatch_id)
        )
    ).one()
    purpose, doubt = Purpose(row.purpose), WhenUncertain(row.when_uncertain)
    about, references = row.alert_id or NOTICE, _thread(row.references or (), row.original)
    return Envelope(dispatch_id, about, *row[1:3], purpose, row.digest, row.exercise, doubt, references)


def _thread(references: Sequence[str], original: str | None) -> tuple[str, ...]:
    """The alerts that one continues; what it corrects or takes back stands last, as it answers that."""
    if original is None:
        return tuple(references)
    return (*(name for name in references if name != original), original)


@dataclass(frozen=True, slots=True)
class Words:
    """A message as it is sent."""

    lang: str
    parts: int
    text: str
    html: str | None
    subject: str | None
    picture: str | None = None  # its SHA-256
    alt: str | None = None


async def words(conn: AsyncConnection, ids: Sequence[int]) -> dict[int, Words]:
    """The texts of these messages."""
    m = message.c
    rows = await conn.execute(
        select(m.id, m.lang, m.parts, m.text, m.html, m.subject, m.picture, m.alt).where(
            m.id.in_(sorted(ids))
        )
    )
    return {row.id: Words(*row[1:]) for row in rows}


async def is_known(conn: AsyncConnection, channel: str, remote_id: str, *, but: int) -> bool:
    """Whether another delivery of the channel than `but` has this remote id."""
    known = (
        select(delivery.c.id)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(account.c.name == channel, delivery.c.remote_id == remote_id, delivery.c.id != but)
    )
    return await conn.scalar(known.limit(1)) is not None


async def earlier(
    conn: AsyncConnection, account_id: int, alerts: Sequence[str], targets: Sequence[str]
) -> list[tuple[str, str, int, str | None]]:
    """(target, alert, delivery, remote id) of what these targets got of earlier alerts, oldest first."""
    rows = await conn.execute(
        select(delivery.c.target, dispatch.c.alert_id, delivery.c.id, delivery.c.remote_id)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(dispatch.c.alert_id.in_(alerts), dispatch.c.account_id == account_id)
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value)
        .where(delivery.c.target.in_(sorted(set(targets))), delivery.c.state == "sent")
        .order_by(delivery.c.id)
    )
    return [(row.target, row.alert_id, row.id, row.remote_id) for row in rows]
