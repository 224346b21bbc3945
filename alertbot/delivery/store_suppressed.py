"""Addresses that are not to be written to any more, and failures of others that may pass.

An address is known by a key: a keyed hash of its mailbox, the same in whatever letters. The key stays when the address
is erased, so that nobody who asked to be left alone is written to again.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import delete, exists, func, insert, literal_column, select, update

from alertbot.channels.email.recipients import mailbox
from alertbot.core.frozen import dataclass
from alertbot.core.model import DeliveryState
from alertbot.core.words import _
from alertbot.db import facts, sql
from alertbot.db.sql import ColumnValues, Connection
from alertbot.db.tables import account, delivery, dispatch, installation
from alertbot.db.tables_lists import bounce, looked, returned, suppression
from alertbot.delivery import store_deliveries
from alertbot.delivery.store_deliveries import Outcome, moved
from alertbot.delivery.views import Suppressed, SuppressedAddress

LISTED = 10_000  # at most, of one list
KEY_DIGITS = 32  # of a key


def sentence(reason: str) -> str:
    """Why a delivery was skipped."""
    words = {
        Suppressed.BOUNCED: _("Not sent: this address does not exist, as its server said."),
        Suppressed.UNSUBSCRIBED: _("Not sent: the recipient has unsubscribed."),
        Suppressed.ERASED: _("Not sent: the recipient asked to be erased."),
        Suppressed.BY_HAND: _("Not sent: the team suppressed this address."),
    }
    return words[Suppressed(reason)]


def key_of(secret: bytes, address: str) -> str:
    """The key of an address. `secret`: the installation's, see `db.facts`."""
    try:
        plain = mailbox(address)
    except ValueError:  # of before domains were checked
        plain = address
    return facts.keyed_hash(secret, plain)


async def reasons(conn: Connection, addresses: Iterable[str]) -> dict[str, str]:
    """Those of the addresses that are not to be written to, each with the reason. Read only."""
    secret = await conn.scalar(
        select(installation.c.pseudonym_key).where(exists().select_from(suppression))
    )
    if secret is None:
        return {}
    keys = {key_of(bytes.fromhex(secret), one): one for one in addresses}
    wanted = select(suppression.c.key, suppression.c.reason).where(suppression.c.key.in_(sorted(keys)))
    return {keys[row.key]: row.reason for row in await conn.execute(wanted)}


async def skip(conn: Connection, why: Mapping[int, str], *, worker: str) -> list[Outcome]:
    """Skip these deliveries, which the worker has claimed, each for its reason."""
    mine = (delivery.c.worker == worker) & (delivery.c.state == literal_column("'claimed'"))
    held = store_deliveries.facts(delivery.c.id.in_(sorted(why)), mine)
    rows = (await conn.execute(held.with_for_update(of=delivery))).all()
    outcomes = []
    for reason in sorted(set(why.values())):
        some = [row for row in rows if why[row.id] == reason]
        told = sentence(reason)
        await store_deliveries.end(conn, [row.id for row in some], DeliveryState.SKIPPED, told)
        outcomes += [moved(row, DeliveryState.SKIPPED, reason=told) for row in some]
    return outcomes + await store_deliveries.skip_followers(conn, [row.id for row in rows])


async def add(
    conn: Connection,
    address: str,
    reason: Suppressed,
    *,
    at: datetime,
    channel: str | None = None,
    note: str | None = None,
) -> str | None:
    """Write to this address no more. Its key; None if it was not written to before either. One to be erased is
    forgotten but for its key."""
    key = key_of(await facts.pseudonym_key(conn), address)
    known = await conn.scalar(select(suppression.c.reason).where(suppression.c.key == key))
    erased = reason is Suppressed.ERASED
    kept = {"address": None if erased else address, "reason": reason.value, "note": note}
    if known is None:
        await conn.execute(insert(suppression).values(key=key, channel=channel, at=at, **kept))
    elif erased and known != reason:
        await conn.execute(update(suppression).where(suppression.c.key == key).values(**kept))
    elif (
        known == Suppressed.BOUNCED and reason is Suppressed.UNSUBSCRIBED
    ):  # it does exist, and wants none
        await conn.execute(update(suppression).where(suppression.c.key == key).values(**kept))
    else:
        return None
    await conn.execute(delete(bounce).where(bounce.c.key == key))
    if erased:
        await look_again(conn)
    return key


async def add_key(conn: Connection, key: str, *, at: datetime) -> None:
    """Write no more to the address with this key, which was erased."""
    given = {"address": None, "reason": Suppressed.ERASED.value, "note": None}
    known = update(suppression).where(suppression.c.key == key).values(**given)
    if not (await conn.execute(known)).rowcount:
        await conn.execute(insert(suppression).values(key=key, at=at, **given))
    await conn.execute(delete(bounce).where(bounce.c.key == key))


async def look_again(conn: Connection) -> None:
    """Somebody asked to be erased: their address may stand in every alert but those that have none left."""
    await conn.execute(delete(looked).where(~looked.c.whole))


async def addressed(conn: Connection, keys: Collection[str]) -> int:
    """How many of these keys are listed with their addresses, as not written to or as failing."""
    named = [select(suppression.c.key).where(suppression.c.address.is_not(None)), select(bounce.c.key)]
    found = [await conn.scalars(one.where(one.selected_columns[0].in_(sorted(keys)))) for one in named]
    return len({key for each in found for key in each})


async def remove(conn: Connection, address: str) -> tuple[str, Suppressed] | None:
    """Write to this address again. Its key and why it was not written to; None if it was."""
    key = key_of(await facts.pseudonym_key(conn), address)
    gone = delete(suppression).where(suppression.c.key == key).returning(suppression.c.reason)
    reason = await conn.scalar(gone)
    await conn.execute(delete(bounce).where(bounce.c.key == key))
    return None if reason is None else (key, Suppressed(reason))


async def known(conn: Connection, address: str) -> Suppressed | None:
    """Why an address is not written to; None if it is."""
    reason = (await reasons(conn, [address])).get(address)
    return None if reason is None else Suppressed(reason)


async def failed_for_now(conn: Connection, address: str, status: str | None, *, at: datetime) -> int:
    """Count a failure that may pass; returns how many there were. None are kept of who was erased."""
    key = key_of(await facts.pseudonym_key(conn), address)
    gone = suppression.c.reason == Suppressed.ERASED.value
    if await conn.scalar(select(suppression.c.key).where(suppression.c.key == key, gone)) is not None:
        return 0
    again = update(bounce).where(bounce.c.key == key)
    count = await conn.scalar(
        again.values(count=bounce.c["count"] + 1, status=status, last_at=at).returning(
            bounce.c["count"]
        )
    )
    if count is None:
        first = {"key": key, "address": address, "count": 1, "status": status, "last_at": at}
        await conn.execute(insert(bounce).values(**first))
    return int(count or 1)


async def is_new(conn: Connection, digest: str, *, at: datetime) -> bool:
    """Whether a mail that came back counts, as from now on: False if the same one was counted before."""
    first = sql.upsert(conn, returned).values(digest=digest, at=at)
    first = first.on_conflict_do_nothing(index_elements=[returned.c.digest])
    return await conn.scalar(first.returning(returned.c.digest)) is not None


async def forget_returned(conn: Connection, *, before: datetime) -> None:
    """Forget which mails were counted until then."""
    await conn.execute(delete(returned).where(returned.c.at < before))


async def target_of(conn: Connection, delivery_id: int, channel: str) -> str | None:
    """To whom this delivery of the channel went; None if it is gone."""
    found = (
        select(delivery.c.target)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(delivery.c.id == delivery_id, account.c.name == channel)
    )
    return await conn.scalar(found)


async def tally(conn: Connection) -> dict[Suppressed | None, int]:
    """How many addresses are not written to, by the reason; with None, those whose mail has failed for now."""
    by_reason = select(suppression.c.reason, func.count()).group_by(suppression.c.reason)
    found: dict[Suppressed | None, int] = {
        Suppressed(reason): number for reason, number in await conn.execute(by_reason)
    }
    passing = await conn.scalar(select(func.count()).select_from(bounce))
    return found | ({None: passing} if passing else {})


async def listing(conn: Connection) -> list[SuppressedAddress]:
    """The addresses that are not written to, the newest first; then those whose mail has failed for now."""
    s, b = suppression.c, bounce.c
    stopped = select(s.key, s.address, s.reason, s.channel, s.note, s.at)
    rows = await conn.execute(stopped.order_by(s.at.desc(), s.key).limit(LISTED))
    found = [
        SuppressedAddress(row.key, row.address, Suppressed(row.reason), row.channel, row.note, row.at)
        for row in rows
    ]
    times = b["count"].label("times")
    passing = (
        select(b.key, b.address, b.status, b.last_at, times)
        .order_by(b.last_at.desc(), b.key)
        .limit(LISTED)
    )
    return found + [
        SuppressedAddress(row.key, row.address, None, None, row.status, row.last_at, row.times)
        for row in await conn.execute(passing)
    ]


# --- beside a restored database -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Carried:
    """Who is not to be written to, as rows of the table, and the installation's key, by which they are known."""

    key: str
    rows: tuple[ColumnValues, ...]


async def carried(conn: Connection) -> Carried | None:
    """Everybody who is not to be written to; None in a database of a version that knows of none."""
    if suppression.name not in await _tables(conn):
        return None
    key = await conn.scalar(select(installation.c.pseudonym_key))
    rows = (await conn.execute(select(suppression))).mappings()
    return Carried(str(key or ""), tuple(dict(row) for row in rows))


async def take_over(conn: Connection, known: Carried) -> list[str] | None:
    """Note them here too, and those who asked to be erased as erased; the keys of those who were not. None if this is
    another installation's database, or of a version that knows of none."""
    mine = await conn.scalar(select(installation.c.pseudonym_key))
    names = await _tables(conn)
    if suppression.name not in names or mine is None or mine != known.key:
        return None
    there = {row.key: row.reason for row in await conn.execute(select(suppression))}
    added = []
    for row in known.rows:
        key, before = str(row["key"]), there.get(str(row["key"]))
        if before == row["reason"] or (before and row["reason"] != Suppressed.ERASED.value):
            continue
        await conn.execute(delete(suppression).where(suppression.c.key == key))
        await conn.execute(insert(suppression).values(**row))
        await conn.execute(delete(bounce).where(bounce.c.key == key))
        added.append(key)
    if added and looked.name in names:
        await look_again(conn)
    return sorted(added)


async def _tables(conn: Connection) -> set[str]:
    listed = await conn.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {str(row[0]) for row in listed}
