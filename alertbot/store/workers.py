"""Who is alive: a row per worker, touched every few seconds by the database's clock."""

from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.store.clock import NOW
from alertbot.store.tables import worker

BEAT_SECONDS = 5.0
ALIVE_SECONDS = 15.0
FORGET_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that has been seen; `age` is the seconds since then."""

    id: str
    host: str
    age: float

    @property
    def alive(self) -> bool:
        return self.age < ALIVE_SECONDS


async def beat(conn: AsyncConnection, name: str, host: str) -> None:
    """This worker is alive now."""
    done = await conn.execute(update(worker).where(worker.c.id == name).values(seen_at=NOW))
    if done.rowcount == 0:
        await conn.execute(insert(worker).values(id=name, host=host, seen_at=NOW))
        await conn.execute(delete(worker).where(worker.c.seen_at < NOW - FORGET_SECONDS))


async def leave(conn: AsyncConnection, name: str) -> None:
    """This worker has ended in good order."""
    await conn.execute(delete(worker).where(worker.c.id == name))


async def seen(conn: AsyncConnection) -> list[Worker]:
    """Every worker of the last day, the liveliest first."""
    age = (NOW - worker.c.seen_at).label("age")
    rows = await conn.execute(select(worker.c.id, worker.c.host, age).order_by(age))
    return [Worker(*row) for row in rows]


async def clock(conn: AsyncConnection) -> tuple[float, float | None]:
    """The database's clock, and the newest beat of any worker by it."""
    row = (await conn.execute(select(NOW, select(func.max(worker.c.seen_at)).scalar_subquery()))).one()
    return float(row[0]), row[1]


async def forget_ahead(conn: AsyncConnection) -> None:
    """Beats that lie ahead of the clock were written while it was wrong."""
    await conn.execute(delete(worker).where(worker.c.seen_at > NOW + ALIVE_SECONDS))


async def any_alive(conn: AsyncConnection) -> bool:
    """Whether somebody would send what is due."""
    return any(one.alive for one in await seen(conn))
