"""Requests to approve: whom they went to, what became of them. The rows are the queue.

A row is claimed by a conditional update before the call is made, which also sets the moment after which
it may be made again: a worker that dies in between leaves a request that is made once more.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.store.tables import audit, person
from alertbot.store.tables_register import approval_call as calls


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `person` None: the whole group. `retry_at`: no call before it."""

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
class Fresh:
    """A request to be written down."""

    way: str
    address: str
    person_id: int | None = None
    deputy: bool = False


async def add(
    conn: AsyncConnection, alert_id: str, digest: str, fresh: Iterable[Fresh], *, now: datetime
) -> None:
    """Write requests down; those of an earlier round about the very same texts are made anew."""
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
            await conn.execute(update(calls).where(calls.c.id == before.id).values(**values))
        else:
            place = {"alert_id": alert_id, "digest": digest, "way": one.way, "address": one.address}
            await conn.execute(insert(calls).values(**place, **values))


async def of_alert(conn: AsyncConnection, alert_id: str, digest: str) -> tuple[Call, ...]:
    """Every request about these texts, in the order in which people were asked."""
    return await _select(conn, (calls.c.alert_id == alert_id) & (calls.c.digest == digest))


async def open_calls(conn: AsyncConnection, way: str | None = None) -> tuple[Call, ...]:
    """Requests that do not show an outcome yet."""
    still = calls.c.closed_at.is_(None)
    return await _select(conn, still if way is None else still & (calls.c.way == way))


async def claim(conn: AsyncConnection, call: Call, *, now: datetime, until: datetime) -> bool:
    """Whether this worker may make the call now; nobody else may before `until`. Not where another has
    made it since `call` was read."""
    free = or_(calls.c.retry_at.is_(None), calls.c.retry_at <= now)
    unchanged = (
        calls.c.closed_at.is_(None)
        & calls.c.message_ref.is_not_distinct_from(call.message_ref)
        & (calls.c.given == call.given)
        & (calls.c.attempts == call.attempts)
    )
    taken = await conn.execute(
        update(calls)
        .where(calls.c.id == call.id, free, unchanged)
        .values(retry_at=until, attempts=calls.c.attempts + 1)
    )
    return taken.rowcount == 1


async def settle(
    conn: AsyncConnection,
    call: Call,
    *,
    given: int,
    message_ref: str | None = None,
    closed_at: datetime | None = None,
) -> None:
    """The call worked: the request stands, shows so many approvals, or shows the outcome."""
    ref = call.message_ref if message_ref is None else message_ref
    changes = {"message_ref": ref, "given": given, "closed_at": closed_at, **_RESTED}
    await conn.execute(update(calls).where(calls.c.id == call.id).values(**changes))


async def postpone(
    conn: AsyncConnection, ids: Collection[int], *, until: datetime, trouble: str
) -> None:
    """The call failed, and would for these requests too: not before `until`."""
    mine = calls.c.id.in_(list(ids)) & calls.c.closed_at.is_(None)
    await conn.execute(update(calls).where(mine).values(retry_at=until, trouble=trouble))


async def sent_away_by(conn: AsyncConnection, alert_id: str) -> str | None:
    """Who returned or rejected an alert last, as the audit has it."""
    rows = select(audit.c.actor).where(
        audit.c.alert == alert_id, audit.c.verb.in_(["return", "reject"])
    )
    return await conn.scalar(rows.order_by(audit.c.seq.desc()).limit(1))


_RESTED: dict[str, Any] = {"attempts": 0, "retry_at": None, "trouble": None}


async def _select(conn: AsyncConnection, condition: Any) -> tuple[Call, ...]:
    query = select(calls, person.c.name).join_from(calls, person, isouter=True)
    rows = await conn.execute(query.where(condition).order_by(calls.c.id))
    return tuple(_call(row) for row in rows)


def _call(row: Row[Any]) -> Call:
    values = dict(row._mapping)
    return Call(alert=values.pop("alert_id"), person=values.pop("name"), **values)
