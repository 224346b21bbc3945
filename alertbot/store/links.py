"""Links by which one person may decide on one text once. Only a link's SHA-256 is kept, never the link.

`made_at` goes into what the link is derived from, so that whoever holds the key can send the same link
again, and nobody else can make one from what stands here.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.model import Person
from alertbot.store.people import person_of
from alertbot.store.tables import person
from alertbot.store.tables_register import approval_link


@dataclass(frozen=True, slots=True)
class Link:
    """`person` as he or she stands now. `attempts`: how often it was answered with a wrong form."""

    token_hash: str
    alert: str
    digest: str
    person: Person
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    attempts: int


async def add(
    conn: AsyncConnection,
    token_hash: str,
    *,
    alert: str,
    digest: str,
    person_id: int,
    made_at: datetime,
    expires_at: datetime,
) -> None:
    """A fresh link."""
    await conn.execute(
        insert(approval_link).values(
            token_hash=token_hash,
            alert_id=alert,
            digest=digest,
            person_id=person_id,
            made_at=made_at,
            expires_at=expires_at,
            attempts=0,
        )
    )


async def find(conn: AsyncConnection, token_hash: str, *, now: datetime) -> Link | None:
    """The link with this hash, used or not."""
    query = _links().where(approval_link.c.token_hash == token_hash)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _link(row, now)


async def open_for(
    conn: AsyncConnection, alert: str, digest: str, person_id: int, *, now: datetime
) -> Link | None:
    """The last link to this person about this text that may still be used."""
    a = approval_link.c
    query = _links().where(a.alert_id == alert, a.digest == digest, a.person_id == person_id)
    query = query.where(a.used_at.is_(None), a.expires_at > now).order_by(a.made_at.desc()).limit(1)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _link(row, now)


async def use(conn: AsyncConnection, token_hash: str, *, now: datetime) -> bool:
    """Use it up; of two at once one gets True."""
    unused = (approval_link.c.token_hash == token_hash) & approval_link.c.used_at.is_(None)
    done = await conn.execute(update(approval_link).where(unused).values(used_at=now))
    return done.rowcount == 1


async def count_wrong(conn: AsyncConnection, token_hash: str) -> None:
    """Somebody answered with a form that does not belong to this link."""
    a = approval_link.c
    await conn.execute(
        update(approval_link).where(a.token_hash == token_hash).values(attempts=a.attempts + 1)
    )


def _links() -> Any:
    a = approval_link.c
    return select(
        person,
        a.token_hash.label("link_hash"),
        a.alert_id,
        a.digest,
        a.made_at,
        a.expires_at,
        a.used_at,
        a.attempts,
    ).join_from(approval_link, person, person.c.id == a.person_id)


def _link(row: Row[Any], now: datetime) -> Link:
    return Link(
        row.link_hash,
        row.alert_id,
        row.digest,
        person_of(row, now),
        row.made_at,
        row.expires_at,
        row.used_at,
        row.attempts,
    )
