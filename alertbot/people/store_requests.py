"""Approval requests and links: whom they went to and what became of them. The rows are the queue.

A row is claimed by a conditional update before the call, which also sets when the call may be repeated:
if a worker dies in between, the request is sent once more.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.db.sql import ColumnValues, Connection
from alertbot.db.tables import audit, person
from alertbot.db.tables_register import approval_call, approval_link
from alertbot.people.store_people import person_of


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """One request. `person` None: the whole group. `retry_at`: no call before this time."""

    id: int
    alert: str
    digest: str
    person_id: int | None
    person: str | None
    way: str
    address: str
    message_ref: str | None
    at: datetime
    deputy: bool
    closed_at: datetime | None
    given: int
    attempts: int
    retry_at: datetime | None
    trouble: str | None


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request to be stored."""

    way: str
    address: str
    person_id: int | None = None
    deputy: bool = False


ABOUT_TASK = "task:"  # begins what stands in place of a digest in requests and links about a task


def about_task(task_id: int) -> str:
    """What stands for the digest where a task is to be done, not an alert to be approved."""
    return f"{ABOUT_TASK}{task_id}"


def task_in(digest: str) -> int | None:
    """The task that a request is about; None for one about an approval."""
    return int(digest.removeprefix(ABOUT_TASK)) if digest.startswith(ABOUT_TASK) else None


async def add(
    conn: Connection, alert_id: str, digest: str, fresh: Iterable[NewRequest], *, now: datetime
) -> None:
    """Store requests; those of an earlier round about the same texts are renewed."""
    known = {(one.way, one.address): one for one in await of_alert(conn, alert_id, digest)}
    for one in fresh:
        values = {
            "person_id": one.person_id,
            "deputy": one.deputy,
            "at": now,
            "message_ref": None,
            "closed_at": None,
            "given": 0,
            **_RESTED,
        }
        before = known.get((one.way, one.address))
        if before is not None:
            await conn.execute(
                update(approval_call).where(approval_call.c.id == before.id).values(**values)
            )
        else:
            place = {"alert_id": alert_id, "digest": digest, "way": one.way, "address": one.address}
            await conn.execute(insert(approval_call).values(**place, **values))


async def of_alert(conn: Connection, alert_id: str, digest: str) -> tuple[ApprovalRequest, ...]:
    """Every request about these texts, in the order in which people were asked."""
    return await _select(
        conn, (approval_call.c.alert_id == alert_id) & (approval_call.c.digest == digest)
    )


async def open_calls(conn: Connection, way: str | None = None) -> tuple[ApprovalRequest, ...]:
    """Requests that do not show an outcome yet."""
    still = approval_call.c.closed_at.is_(None)
    return await _select(conn, still if way is None else still & (approval_call.c.way == way))


async def claim(conn: Connection, call: ApprovalRequest, *, now: datetime, until: datetime) -> bool:
    """Whether this worker may make the call now; no other may before `until`. False if another has made
    it since `call` was read."""
    free = or_(approval_call.c.retry_at.is_(None), approval_call.c.retry_at <= now)
    unchanged = (
        approval_call.c.closed_at.is_(None)
        & approval_call.c.message_ref.is_not_distinct_from(call.message_ref)
        & (approval_call.c.given == call.given)
        & (approval_call.c.attempts == call.attempts)
    )
    taken = await conn.execute(
        update(approval_call)
        .where(approval_call.c.id == call.id, free, unchanged)
        .values(retry_at=until, attempts=approval_call.c.attempts + 1)
    )
    return taken.rowcount == 1


async def settle(
    conn: Connection,
    call: ApprovalRequest,
    *,
    given: int,
    message_ref: str | None = None,
    closed_at: datetime | None = None,
) -> None:
    """Record a successful call: the request is sent, shows this many approvals, or shows the outcome."""
    ref = call.message_ref if message_ref is None else message_ref
    changes = {"message_ref": ref, "given": given, "closed_at": closed_at, **_RESTED}
    await conn.execute(update(approval_call).where(approval_call.c.id == call.id).values(**changes))


async def postpone(conn: Connection, ids: Collection[int], *, until: datetime, trouble: str) -> None:
    """The call failed and would fail for these requests too: no call before `until`."""
    mine = approval_call.c.id.in_(list(ids)) & approval_call.c.closed_at.is_(None)
    await conn.execute(update(approval_call).where(mine).values(retry_at=until, trouble=trouble))


async def sent_away_by(conn: Connection, alert_id: str) -> str | None:
    """Who last returned or rejected an alert, from the audit."""
    rows = select(audit.c.actor).where(
        audit.c.alert == alert_id, audit.c.verb.in_(["return", "reject"])
    )
    return await conn.scalar(rows.order_by(audit.c.seq.desc()).limit(1))


_RESTED: ColumnValues = {"attempts": 0, "retry_at": None, "trouble": None}


async def _select(conn: Connection, condition: Any) -> tuple[ApprovalRequest, ...]:
    query = select(approval_call, person.c.name).join_from(approval_call, person, isouter=True)
    rows = await conn.execute(query.where(condition).order_by(approval_call.c.id))
    return tuple(_call(row) for row in rows)


def _call(row: Row[Any]) -> ApprovalRequest:
    values = dict(row._mapping)
    return ApprovalRequest(alert=values.pop("alert_id"), person=values.pop("name"), **values)


@dataclass(frozen=True, slots=True)
class Link:
    """`person` with their current status. `attempts`: how often it was answered with a wrong form. `bond`:
    what the person's token and mail address make together now (see `bond_of`)."""

    token_hash: str
    alert: str
    digest: str
    person: Person
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    attempts: int
    bond: str


def bond(token_hash: str, address: str | None) -> str:
    """64 hexadecimal digits that are others with another token or another mail address."""
    return sha256(f"{token_hash}\0{address or ''}".encode()).hexdigest()


async def bond_of(conn: Connection, person_id: int, address: str | None = None) -> str:
    """The bond of a person's present token with the address that a link is sent to (None: their present one)."""
    row = (await conn.execute(select(person).where(person.c.id == person_id))).one()
    return bond(row.token_hash, address or row.mail)


async def add_link(
    conn: Connection,
    token_hash: str,
    *,
    alert: str,
    digest: str,
    person_id: int,
    made_at: datetime,
    expires_at: datetime,
) -> None:
    """Store a new link."""
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


async def find_link(conn: Connection, token_hash: str, *, now: datetime) -> Link | None:
    """The link with this hash, used or not."""
    query = _links().where(approval_link.c.token_hash == token_hash)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _link(row, now)


async def open_for(
    conn: Connection, alert: str, digest: str, person_id: int, *, now: datetime
) -> Link | None:
    """The last unused link to this person about this text."""
    a = approval_link.c
    query = _links().where(a.alert_id == alert, a.digest == digest, a.person_id == person_id)
    query = query.where(a.used_at.is_(None), a.expires_at > now).order_by(a.made_at.desc()).limit(1)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else _link(row, now)


async def use(conn: Connection, token_hash: str, *, now: datetime) -> bool:
    """Use up the link; of two concurrent callers one gets True."""
    unused = (approval_link.c.token_hash == token_hash) & approval_link.c.used_at.is_(None)
    done = await conn.execute(update(approval_link).where(unused).values(used_at=now))
    return done.rowcount == 1


async def count_wrong(conn: Connection, token_hash: str) -> None:
    """Count an answer with a form that does not belong to this link."""
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
        bond(row.token_hash, row.mail),
    )
