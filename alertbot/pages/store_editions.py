"""The record of a page: which of its deliveries went out, and which editions of it there were."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update

from alertbot.core.model import Action, Purpose
from alertbot.db.sql import Connection
from alertbot.db.tables import account, alert, audit, delivery, dispatch, incident, message
from alertbot.db.tables_page import page_edition
from alertbot.delivery import store_claim
from alertbot.delivery.store_accounts import everything_halted
from alertbot.pages.views import Added, EditionRow, PageSite, PublishedText

VERB = "page_edition"  # of the audit


async def editions(conn: Connection, channel: str) -> tuple[EditionRow, ...]:
    """Every edition of the page, the first first."""
    p = page_edition.c
    found = await conn.execute(select(page_edition).where(p.channel == channel).order_by(p.sequence))
    return tuple(map(_edition, found))


async def latest(conn: Connection, channel: str) -> EditionRow | None:
    """The last edition that was seen to stand."""
    p = page_edition.c
    wanted = select(page_edition).where(p.channel == channel, p.stood_at.is_not(None))
    row = (await conn.execute(wanted.order_by(p.sequence.desc()).limit(1))).one_or_none()
    return None if row is None else _edition(row)


async def known(conn: Connection, channel: str, sequence: int, digest: str) -> EditionRow | None:
    """The edition that says so of itself."""
    p = page_edition.c
    wanted = select(page_edition).where(p.channel == channel, p.sequence == sequence, p.hash == digest)
    row = (await conn.execute(wanted)).one_or_none()
    return None if row is None else _edition(row)


async def highest(conn: Connection, channel: str) -> int:
    """The sequence of the last edition that was written down; 0 before the first."""
    wanted = select(func.max(page_edition.c.sequence)).where(page_edition.c.channel == channel)
    return int(await conn.scalar(wanted) or 0)


async def shown(conn: Connection, channel: str, sequence: int | None) -> dict[int, Added]:
    """Everything that an edition shows, by delivery: what it added, and what those it continues had."""
    p, found = page_edition.c, dict[int, Added]()
    wanted = select(p.sequence, p.base, p.added).where(
        p.channel == channel, p.sequence <= (sequence or 0)
    )
    by_sequence = {row.sequence: row for row in await conn.execute(wanted)}
    while sequence is not None and (row := by_sequence.pop(sequence, None)) is not None:
        found |= {one[0]: Added(*one) for one in row.added}
        sequence = row.base
    return found


async def out(conn: Connection, channel: str) -> frozenset[int]:
    """The deliveries of this page that were sent."""
    d = delivery.c
    rows = await conn.scalars(_deliveries(channel).add_columns(d.id).where(d.state == "sent"))
    return frozenset(rows)


def _deliveries(channel: str) -> Select[Any]:
    return (
        select()
        .select_from(delivery)
        .join(dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .join(message, message.c.id == delivery.c.message_id)
        .where(account.c.name == channel, dispatch.c.purpose == Purpose.PUBLICATION.value)
        .where(delivery.c.action == Action.PUBLISH.value, message.c.document.is_not(None))
    )


async def texts(conn: Connection, ids: Collection[int]) -> list[PublishedText]:
    """The texts of these deliveries, as they are stored now."""
    d, m = delivery.c, message.c
    wanted = (
        select(d.id, dispatch.c.alert_id, m.lang, m.document)
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .join(message, m.id == d.message_id)
        .where(d.id.in_(sorted(ids)), m.document.is_not(None))
    )
    return [PublishedText(*row) for row in await conn.execute(wanted)]


async def may_be_shown(conn: Connection, ids: Collection[int]) -> bool:
    """Whether nothing has stopped the dispatches of these deliveries: no halt, expiry or cancellation."""
    wanted = select(delivery.c.dispatch_id).where(delivery.c.id.in_(sorted(ids))).distinct()
    dispatches = set(await conn.scalars(wanted))
    return dispatches <= (await store_claim.sendable(conn, dispatches)).keys()


async def stopped(conn: Connection, channel: str) -> bool:
    """Whether the channel, or everything, is halted."""
    wanted = select(account.c.id).where(account.c.name == channel, account.c.halted)
    return await everything_halted(conn) or await conn.scalar(wanted) is not None


async def told_elsewhere(conn: Connection, *, exercise: bool) -> str | None:
    """An open incident of which something was published; None if there is none."""
    wanted = (
        select(incident.c.id)
        .join_from(incident, alert, alert.c.incident_id == incident.c.id)
        .where(incident.c.closed_at.is_(None), alert.c.exercise.is_(exercise))
        .where(alert.c.state.in_(("publishing", "published", "partly_published")))
    )
    return await conn.scalar(wanted.limit(1))


async def add(conn: Connection, row: EditionRow) -> None:
    """Write an edition down. Fails if another worker has written one with its sequence."""
    await conn.execute(
        insert(page_edition).values(
            channel=row.channel,
            sequence=row.sequence,
            base=row.base,
            at=row.at,
            hash=row.digest,
            holds_until=row.holds_until,
            site={**asdict(row.site), "languages": list(row.site.languages)},
            wording=row.wording,
            added=[[one.delivery, one.shown, one.digest] for one in row.added],
        )
    )


async def note_standing(conn: Connection, channel: str, sequence: int, at: datetime) -> None:
    """The edition was seen to stand."""
    p = page_edition.c
    this = (p.channel == channel) & (p.sequence == sequence) & p.stood_at.is_(None)
    await conn.execute(update(page_edition).where(this).values(stood_at=at))


async def audited(conn: Connection, digest: str) -> bool:
    """Whether the audit knows of an edition with these bytes."""
    wanted = select(audit.c.seq).where(audit.c.verb == VERB, audit.c.digest == digest)
    return await conn.scalar(wanted.limit(1)) is not None


def _edition(row: Row[Any]) -> EditionRow:
    site = {**row.site, "languages": tuple(row.site["languages"])}
    added = tuple(Added(*one) for one in row.added)
    of = (row.channel, row.sequence, row.base, row.at, row.hash, row.holds_until)
    return EditionRow(*of, PageSite(**site), row.wording, added, row.stood_at)


def stands_at(rows: Iterable[EditionRow], moment: datetime) -> EditionRow | None:
    """The edition that stood at a time."""
    before: Sequence[EditionRow] = [one for one in rows if one.stood_at and one.stood_at <= moment]
    return max(before, key=lambda one: one.sequence, default=None)
