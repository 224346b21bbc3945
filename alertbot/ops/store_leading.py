"""Who has a duty that only one process may have at a time, until when by the database's clock, and who stands by."""

from collections.abc import Sequence

from sqlalchemy import delete, func, insert, or_, select, update

from alertbot.core.frozen import dataclass
from alertbot.db import sql
from alertbot.db.sql import NOW, Connection
from alertbot.db.tables_watch import lead, standby

LONGEST_LEASE = 60.0  # seconds; one that ends later was written by a clock that was ahead
SEEN_SECONDS = 15.0  # since which a stand-by counts as there
FORGET_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Member:
    """A process that may lead. `mark` tells it from every other on every machine (see `leading.process_mark`)."""

    name: str
    host: str
    mark: str


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads, in which term, and how many seconds are left of it (none: nobody leads)."""

    duty: str
    name: str
    mark: str
    term: int
    left: float


async def leader(conn: Connection, duty: str) -> Leader | None:
    """Who led last; None if nobody ever did."""
    found = await leaders(conn, [duty])
    return found[0] if found else None


async def leaders(conn: Connection, duties: Sequence[str]) -> list[Leader]:
    """Who led last, duty by duty."""
    left = (lead.c.until - NOW).label("left")
    query = select(lead.c.duty, lead.c.name, lead.c.mark, lead.c.term, left)
    rows = await conn.execute(query.where(lead.c.duty.in_(list(duties))).order_by(lead.c.duty))
    return [Leader(*row) for row in rows]


async def take(
    conn: Connection, duty: str, who: Member, seconds: float, *, dead: int | None = None
) -> int | None:
    """Begin a term of so many seconds, unless another is under way. `dead`: the term of a leader that is known not
    to run any more. Returns the number of the new term."""
    empty = {"name": "", "host": "", "mark": "", "term": 0, "until": 0.0}
    first = sql.upsert(conn, lead).values(duty=duty, **empty)
    await conn.execute(first.on_conflict_do_nothing(index_elements=[lead.c.duty]))
    over = or_(lead.c.until < NOW, lead.c.until > NOW + LONGEST_LEASE, lead.c.term == (dead or -1))
    begun = update(lead).where(lead.c.duty == duty, over)
    given = {"name": who.name, "host": who.host, "mark": who.mark, "until": NOW + seconds}
    term: int | None = await conn.scalar(
        begun.values(term=lead.c.term + 1, **given).returning(lead.c.term)
    )
    if term is not None:
        await leave(conn, duty, who)
    return term


async def renew(conn: Connection, duty: str, term: int, seconds: float) -> bool:
    """Make the term last so many seconds from now. False: another has begun, or this one was over."""
    mine = update(lead).where(lead.c.duty == duty, lead.c.term == term, lead.c.until > NOW)
    return (await conn.execute(mine.values(until=NOW + seconds))).rowcount > 0


async def release(conn: Connection, duty: str, term: int) -> None:
    """End the term, unless another has begun."""
    mine = update(lead).where(lead.c.duty == duty, lead.c.term == term)
    await conn.execute(mine.values(until=0.0))


async def stand_by(conn: Connection, duty: str, who: Member) -> None:
    """Record that this process waits for its turn."""
    mine = (standby.c.duty == duty) & (standby.c.name == who.name)
    done = await conn.execute(update(standby).where(mine).values(seen_at=NOW))
    if done.rowcount == 0:
        await conn.execute(insert(standby).values(duty=duty, name=who.name, host=who.host, seen_at=NOW))
        await conn.execute(delete(standby).where(func.abs(NOW - standby.c.seen_at) > FORGET_SECONDS))


async def leave(conn: Connection, duty: str, who: Member) -> None:
    """Record that this process does not wait any more."""
    await conn.execute(delete(standby).where(standby.c.duty == duty, standby.c.name == who.name))


async def standing_by(conn: Connection, duty: str) -> list[str]:
    """The names of those who wait."""
    seen = func.abs(NOW - standby.c.seen_at) < SEEN_SECONDS
    query = select(standby.c.name).where(standby.c.duty == duty, seen)
    return list(await conn.scalars(query.order_by(standby.c.name)))
