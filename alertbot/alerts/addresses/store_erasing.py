"""Addresses of recipients of mail in the tables, and pseudonyms in their places. Portions of rows, so that a list of
hundreds of thousands neither fills memory nor keeps others from writing."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from alertbot.core.frozen import dataclass
from alertbot.core.target_list import ERASED
from alertbot.db import facts, sql
from alertbot.db.sql import Connection
from alertbot.db.tables import account, alert, delivery, dispatch, message, pace, target
from alertbot.db.tables_lists import bounce, looked, suppression
from alertbot.delivery.store_archive import OVER, UNSETTLED
from alertbot.delivery.store_suppressed import key_of

PORTION = 2000  # rows of one transaction
_STANDS = f"{ERASED}%"  # what is no address any more
_UNSETTLED = [str(one) for one in UNSETTLED]
_REMOVED = "***"


class Place(NamedTuple):
    """How far a unit's rows were read, and up to which delivery they go. `busy`: the addresses of deliveries of which
    nobody knew the outcome when the reading began."""

    target: int
    delivery: int
    last: int
    busy: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unit:
    """What is erased together. `alert` None: the notices about no alert. `channels`: those whose targets are addresses
    of people. `keys`: of the addresses that are meant; None: all. `settled_before`: only deliveries that were over
    then, where there is no alert that was."""

    alert: str | None
    channels: tuple[str, ...]
    keys: frozenset[str] | None = None
    settled_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class FoundAddresses:
    """Rows in which addresses stand, by id. `next`: where to read on; None: there are no more."""

    targets: Mapping[int, str]
    deliveries: Mapping[int, str]
    next: Place | None

    def __len__(self) -> int:
        return len(self.targets) + len(self.deliveries)


async def channels_of_people(conn: Connection, configured: Collection[str]) -> tuple[str, ...]:
    """The channels whose targets are addresses of people: those so configured, and all that ever sent mail."""
    mailed = await conn.scalars(select(message.c.channel).where(message.c.type == "email").distinct())
    return tuple(sorted({*configured, *mailed}))


async def still_open(conn: Connection, name: str) -> bool:
    """Whether something of this alert may still be sent."""
    mine = select(alert.c.id).where(alert.c.id == name, alert.c.state.in_([str(one) for one in OVER]))
    if await conn.scalar(mine) is None:
        return True
    waits = select(dispatch.c.id).where(dispatch.c.alert_id == name, ~dispatch.c.closed)
    return await conn.scalar(waits.limit(1)) is not None


async def begin(conn: Connection, unit: Unit) -> Place:
    """Where to begin reading."""
    span = select(func.min(delivery.c.id), func.max(delivery.c.id))
    span = span.join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
    span = span.join(account, account.c.id == dispatch.c.account_id).where(_of(unit))
    first, last = (await conn.execute(span)).one()
    return Place(0, (first or 1) - 1, last or 0, await _unsettled(conn, unit))


async def read(conn: Connection, unit: Unit, place: Place) -> FoundAddresses:
    """The next portion of the addresses that are meant, also those that cannot be erased yet."""
    secret = await facts.pseudonym_key(conn, make=False)
    targets: dict[int, str] = {}
    deliveries: dict[int, str] = {}
    at, on, last, busy = place
    while unit.alert is not None and len(targets) < PORTION:
        page = (await conn.execute(_targets(unit, at))).all()
        targets |= _meant(page, unit.keys, secret)
        at = page[-1].id if page else at
        if len(page) < PORTION:
            break
    while len(targets) + len(deliveries) < PORTION and on < last:
        page = (await conn.execute(_deliveries(unit, on, last))).all()
        deliveries |= _meant(page, unit.keys, secret)
        on = page[-1].id if page else on
        if len(page) < PORTION:
            on = last
    over = len(targets) + len(deliveries) < PORTION
    return FoundAddresses(targets, deliveries, None if over else Place(at, on, last, busy))


def _meant(page: Sequence[Any], keys: frozenset[str] | None, secret: bytes) -> dict[int, str]:
    return {row.id: row.address for row in page if keys is None or key_of(secret, row.address) in keys}


def _targets(unit: Unit, after: int) -> Select[Any]:
    mine = (target.c.alert_id == unit.alert, target.c.channel.in_(unit.channels))
    wanted = select(target.c.id, target.c.address).where(*mine, target.c.id > after)
    wanted = wanted.where(target.c.address.not_like(_STANDS))
    return wanted.order_by(target.c.id).limit(PORTION)


def _of(unit: Unit) -> ColumnElement[bool]:
    about = dispatch.c.alert_id.is_(None) if unit.alert is None else dispatch.c.alert_id == unit.alert
    return about & account.c.name.in_(unit.channels)


def _deliveries(unit: Unit, after: int, last: int) -> Select[Any]:
    mine = (
        select(dispatch.c.id)
        .join_from(dispatch, account, account.c.id == dispatch.c.account_id)
        .where(_of(unit))
    )
    d = delivery.c
    # `+ 0`: by their numbers, not by the index of targets, which would be read whole for each portion
    wanted = select(d.id, d.target.label("address")).where((d.dispatch_id + 0).in_(mine))
    wanted = wanted.where(d.id > after, d.id <= last, d.target.not_like(_STANDS))
    if unit.settled_before is not None:
        wanted = wanted.where(d.settled_at < unit.settled_before.timestamp())
    return wanted.order_by(d.id).limit(PORTION)


async def erase(
    conn: Connection, unit: Unit, found: FoundAddresses, busy: frozenset[str]
) -> tuple[int, int]:
    """Put pseudonyms in the places of these addresses, but for those of deliveries that are not settled, whose addresses
    are `busy`. Returns how many targets and deliveries it was."""
    key = await facts.pseudonym_key(conn)
    targets = {number: one for number, one in found.targets.items() if one not in busy}
    deliveries = {
        number: one
        for number, one in found.deliveries.items()
        if one not in busy or await _is_settled(conn, number)
    }
    await _put(conn, target, "address", targets, key)
    await _put(conn, delivery, "target", deliveries, key)
    await _clean(conn, deliveries)
    await _forget_paces(conn, unit, {*targets.values(), *deliveries.values()})
    return len(targets), len(deliveries)


async def _unsettled(conn: Connection, unit: Unit) -> frozenset[str]:
    """The addresses of deliveries of which nobody knows the outcome yet. None can join them while nothing is open."""
    query = (
        select(delivery.c.target)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(_of(unit), delivery.c.state.in_(_UNSETTLED))
    )
    return frozenset(await conn.scalars(query))


async def _is_settled(conn: Connection, number: int) -> bool:
    state = select(delivery.c.state).where(delivery.c.id == number)
    return await conn.scalar(state) not in _UNSETTLED


async def _put(conn: Connection, table: Any, column: str, rows: Mapping[int, str], key: bytes) -> None:
    if not rows:
        return
    there = update(table).where(table.c.id == bindparam("row"), table.c[column] == bindparam("before"))
    names = {one: f"{ERASED}{facts.keyed_hash(key, one)}" for one in set(rows.values())}
    given = [{"row": row, "before": one, "after": names[one]} for row, one in rows.items()]
    await conn.execute(there.values({column: bindparam("after")}), given)


async def _clean(conn: Connection, rows: Mapping[int, str]) -> None:
    """What servers said in words may hold the address."""
    d = delivery.c
    words = (d.reason, d.note, d.url)
    ids = list(rows)
    for start in range(0, len(ids), sql.INSERTED):
        some = sql.among(conn, ids[start : start + sql.INSERTED], d.id)
        named = or_(*(one.like("%@%") for one in words))
        for row in (await conn.execute(select(d.id, *words).where(some, named))).mappings():
            said = {one.name: without(row[one.name], rows[row["id"]]) for one in words}
            await conn.execute(update(delivery).where(d.id == row["id"]).values(**said))


def without(text: str | None, address: str) -> str | None:
    """The text without this address, in whatever letters."""
    return text and re.sub(re.escape(address), _REMOVED, text, flags=re.IGNORECASE)


async def _forget_paces(conn: Connection, unit: Unit, addresses: Collection[str]) -> None:
    if await conn.scalar(select(pace.c.key).limit(1)) is None:
        return
    named = select(account.c.id).where(account.c.name.in_(unit.channels))
    accounts = list(await conn.scalars(named))
    keys = [f"{number}:{one}" for number in accounts for one in addresses]
    for start in range(0, len(keys), sql.INSERTED):
        await conn.execute(delete(pace).where(pace.c.key.in_(keys[start : start + sql.INSERTED])))


# --- where was looked -----------------------------------------------------------------------------


async def erased_keys(conn: Connection) -> frozenset[str]:
    """The keys of those who asked to be erased."""
    asked = select(suppression.c.key).where(suppression.c.reason == "erased")
    return frozenset(await conn.scalars(asked))


async def unlooked(conn: Connection, *, over: bool = False) -> list[str]:
    """The alerts in which something may be left of those who asked to be erased, the oldest first. `over`: only those
    of which nothing may be sent any more."""
    seen = exists().where(looked.c.alert_id == alert.c.id)
    wanted = select(alert.c.id).where(~seen).order_by(alert.c.drafted_at)
    if over:
        waits = exists().where(dispatch.c.alert_id == alert.c.id, ~dispatch.c.closed)
        wanted = wanted.where(alert.c.state.in_([str(one) for one in OVER]), ~waits)
    return list(await conn.scalars(wanted))


async def note_looked(conn: Connection, names: Sequence[str], *, at: datetime, whole: bool) -> None:
    """Nothing is left there of those who asked; `whole`: of anybody."""
    await conn.execute(delete(looked).where(looked.c.alert_id.in_(names)))
    await conn.execute(insert(looked), [{"alert_id": one, "at": at, "whole": whole} for one in names])


# --- what is old ----------------------------------------------------------------------------------


async def old(conn: Connection, before: datetime) -> list[str]:
    """The alerts that were written and over before this moment, with addresses that may be erased, oldest first."""
    whole = exists().where(looked.c.alert_id == alert.c.id, looked.c.whole)
    since = exists().where(
        dispatch.c.alert_id == alert.c.id,
        delivery.c.dispatch_id == dispatch.c.id,
        delivery.c.settled_at >= before.timestamp(),
    )
    wanted = select(alert.c.id).where(alert.c.composed_at < before, ~whole, ~since)
    return list(await conn.scalars(wanted.order_by(alert.c.drafted_at)))


async def forget_suppressed(conn: Connection, before: datetime) -> tuple[int, int]:
    """The addresses of those who were not written to before this moment, whose keys stay, and the failures of before
    that; a portion of each. Returns how many."""
    s = suppression.c
    stopped = select(s.key).where(s.at < before, s.address.is_not(None)).limit(sql.INSERTED)
    keys = list(await conn.scalars(stopped))
    await conn.execute(update(suppression).where(s.key.in_(keys)).values(address=None))
    passing = select(bounce.c.key).where(bounce.c.last_at < before).limit(sql.INSERTED)
    gone = list(await conn.scalars(passing))
    await conn.execute(delete(bounce).where(bounce.c.key.in_(gone)))
    return len(keys), len(gone)


async def count_old_suppressed(conn: Connection, before: datetime) -> tuple[int, int]:
    """How many these are."""
    s = suppression.c
    stopped = select(func.count()).where(s.at < before, s.address.is_not(None))
    passing = select(func.count()).where(bounce.c.last_at < before)
    return int(await conn.scalar(stopped) or 0), int(await conn.scalar(passing) or 0)


async def seal(conn: Connection, name: str, content: str, named: str) -> None:
    """Note what an alert's digest is compared with from now on."""
    await conn.execute(update(alert).where(alert.c.id == name).values(content=content, named=named))


async def sealed(conn: Connection) -> int:
    """Of how many alerts addresses were erased."""
    return int(await conn.scalar(select(func.count()).where(alert.c.content.is_not(None))) or 0)
