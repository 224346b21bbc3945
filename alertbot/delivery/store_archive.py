"""Finished deliveries that leave the database for a file: which may, what the file says of them, and how many of
each dispatch are there. The first and the last of each dispatch and state stay, and with them every post: what was
reached, when, and under which id is known without the file."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, or_, select

from alertbot.core.frozen import dataclass
from alertbot.core.json import Json
from alertbot.core.model import OPEN_STATES, Action, AlertState, DeliveryState
from alertbot.db import facts, sql
from alertbot.db.sql import Connection
from alertbot.db.tables import account, alert, delivery, dispatch, incident
from alertbot.db.tables_lists import archived
from alertbot.db.tables_register import OPEN_TASK, task
from alertbot.db.tables_watch import sighting

Archived = tuple[str, str, str, int]
"""Alert, channel, state, and how many."""
OVER = (
    AlertState.PUBLISHED,
    AlertState.PARTLY_PUBLISHED,
    AlertState.FAILED,
    AlertState.EXPIRED,
    AlertState.REJECTED,
    AlertState.DISCARDED,
)
UNSETTLED = (*OPEN_STATES, DeliveryState.UNCERTAIN)
_PAGE = 1000
_KEPT = ("first", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Deliveries of one alert that may leave. `ids`: theirs, ascending; `counts`: by dispatch and state."""

    alert: str
    ids: tuple[int, ...]
    counts: Mapping[tuple[int, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivedView:
    """Deliveries of an alert on a channel that stand in a file, in one state."""

    channel: str
    state: DeliveryState
    number: int
    file: str
    sha256: str
    at: datetime


async def candidates(conn: Connection, before: datetime) -> list[str]:
    """The alerts of incidents that were closed before this moment, oldest first, with deliveries in the tables."""
    has = exists().where(dispatch.c.alert_id == alert.c.id, delivery.c.dispatch_id == dispatch.c.id)
    closed = select(alert.c.id).join(incident, incident.c.id == alert.c.incident_id)
    closed = closed.where(incident.c.closed_at < before, has)
    return list(await conn.scalars(closed.order_by(alert.c.drafted_at, alert.c.id)))


async def held_by(conn: Connection, name: str, before: datetime, now: datetime) -> str | None:
    """Why the deliveries of this alert may not leave: `state`, `open`, `uncertain`, `young`, `promise` or `task`; None
    if they may."""
    row = (await conn.execute(select(alert.c.state, alert.c.promised).where(alert.c.id == name))).one()
    if AlertState(row.state) not in OVER:
        return "state"
    theirs = dispatch.c.alert_id == name
    if await conn.scalar(select(dispatch.c.id).where(theirs, ~dispatch.c.closed).limit(1)):
        return "open"
    of_alert = (
        select(delivery.c.id).join(dispatch, dispatch.c.id == delivery.c.dispatch_id).where(theirs)
    )
    unsettled = delivery.c.state.in_([str(one) for one in UNSETTLED])
    if await conn.scalar(of_alert.where(unsettled).limit(1)):
        return "uncertain"
    if await conn.scalar(of_alert.where(delivery.c.settled_at >= before.timestamp()).limit(1)):
        return "young"
    if any(moment >= now.timestamp() for moment in row.promised):
        return "promise"
    waits = select(task.c.id).where(task.c.alert_id == name, OPEN_TASK)
    return "task" if await conn.scalar(waits.limit(1)) else None


def _leaving(name: str) -> Select[Any]:
    """The deliveries of an alert that may leave, without those that stay for what they tell."""
    d = delivery.c
    part = or_(d.after_id.is_not(None), d.remote_ref.is_not(None), d.action != Action.PUBLISH.value)
    inner = delivery.alias("inner")
    thread = exists().where(inner.c.after_id == d.id)
    place = [d.dispatch_id, d.state]
    ranked = (
        select(
            d.id,
            func.row_number().over(partition_by=place, order_by=(d.settled_at, d.id)).label("first"),
            func.row_number()
            .over(partition_by=place, order_by=(d.settled_at.desc(), d.id.desc()))
            .label("last"),
        )
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .where(dispatch.c.alert_id == name, ~part, ~thread)
        .subquery()
    )
    newest = select(
        func.max(delivery.c.id)
    ).scalar_subquery()  # stays: SQLite would give its number again
    between = and_(*(ranked.c[one] > 1 for one in _KEPT), ranked.c.id != newest)
    return select(ranked.c.id).where(between).order_by(ranked.c.id)


async def finished(conn: Connection, name: str) -> Finished:
    """What may leave of an alert."""
    ids = tuple(await conn.scalars(_leaving(name)))
    counts: dict[tuple[int, str], int] = {}
    for page in _pages(ids):
        counted = select(delivery.c.dispatch_id, delivery.c.state, func.count())
        counted = counted.where(_among(conn, page)).group_by(delivery.c.dispatch_id, delivery.c.state)
        for number, state, count in await conn.execute(counted):
            counts[number, state] = counts.get((number, state), 0) + count
    return Finished(alert=name, ids=ids, counts=counts)


async def told(conn: Connection, ids: Sequence[int], key: bytes) -> list[dict[str, Json]]:
    """What the file says of these deliveries: every column, and where they belong. Addresses are pseudonyms by this
    `key`, as in the audit: whoever is erased need not be looked for in files."""
    more = (
        dispatch.c.purpose,
        dispatch.c.digest,
        dispatch.c.alert_id.label("alert"),
        account.c.name.label("channel"),
    )
    wanted = (
        select(delivery, *more)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(_among(conn, ids))
        .order_by(delivery.c.id)
    )
    found = (await conn.execute(wanted)).mappings()
    return [{**row, "target": facts.pseudonym_of(key, row["target"])} for row in found]


async def remove(conn: Connection, one: Finished, *, file: str, sha256: str, at: datetime) -> bool:
    """Delete these rows and note where they stand. False, with nothing done, if what may leave is no longer this."""
    if await finished(conn, one.alert) != one:
        return False
    for page in _pages(one.ids):
        await conn.execute(delete(sighting).where(sql.among(conn, page, sighting.c.delivery_id)))
        await conn.execute(delete(delivery).where(_among(conn, page)))
    noted = [
        {"dispatch_id": number, "state": state, "number": count}
        for (number, state), count in sorted(one.counts.items())
    ]
    await conn.execute(insert(archived).values(file=file, sha256=sha256, at=at), noted)
    return True


async def of_alert(conn: Connection, name: str) -> tuple[ArchivedView, ...]:
    """What of an alert stands in files."""
    a = archived.c
    wanted = (
        select(account.c.name, a.state, a.number, a.file, a.sha256, a.at)
        .join_from(archived, dispatch, dispatch.c.id == a.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(dispatch.c.alert_id == name)
        .order_by(a.id)
    )
    return tuple(
        ArchivedView(
            channel=row.name,
            state=DeliveryState(row.state),
            number=row.number,
            file=row.file,
            sha256=row.sha256,
            at=row.at,
        )
        for row in await conn.execute(wanted)
    )


async def counts(conn: Connection, *where: ColumnElement[bool]) -> list[tuple[int, str, int]]:
    """Dispatch, state and number of what stands in files, for these dispatches."""
    a = archived.c
    counted = select(a.dispatch_id, a.state, func.sum(a.number))
    counted = counted.join_from(archived, dispatch, dispatch.c.id == a.dispatch_id).where(*where)
    rows = await conn.execute(counted.group_by(a.dispatch_id, a.state))
    return [(row[0], row[1], int(row[2])) for row in rows]


async def by_alert(conn: Connection, names: Collection[str]) -> list[Archived]:
    """What of these alerts stands in files."""
    a = archived.c
    if not names or await conn.scalar(select(a.id).limit(1)) is None:
        return []
    keys = (dispatch.c.alert_id, account.c.name, a.state)
    counted = (
        select(*keys, func.sum(a.number))
        .join_from(archived, dispatch, dispatch.c.id == a.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(dispatch.c.alert_id.in_(sorted(names)))
    )
    rows = await conn.execute(counted.group_by(*keys).order_by(*keys))
    return [(row[0], row[1], row[2], int(row[3])) for row in rows]


async def under_way(conn: Connection) -> bool:
    """Whether anything is being sent or waits to be."""
    return await conn.scalar(select(dispatch.c.id).where(~dispatch.c.closed).limit(1)) is not None


def ranges(ids: Collection[int]) -> list[list[int]]:
    """Ascending numbers as first and last of each run."""
    found: list[list[int]] = []
    for number in ids:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _pages(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _PAGE):
        yield ids[start : start + _PAGE]


def _among(conn: Connection, ids: Sequence[int]) -> ColumnElement[bool]:
    return sql.among(conn, ids, delivery.c.id)
