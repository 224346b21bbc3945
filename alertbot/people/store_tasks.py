"""Stored tasks for people. A task is raised once per key while it is open, even if several workers find
it at the same time; after it is done, the same key may be raised again."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update

from alertbot.core.frozen import dataclass
from alertbot.db.sql import AUDIT, Connection, take_lock, upsert
from alertbot.db.tables_register import OPEN_TASK, task


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. Open until `done_at`; `done_by` is a person's name, or the program's."""

    id: int
    key: str
    kind: str
    text: str
    alert: str | None
    incident: str | None
    number: int | None
    due_at: datetime | None
    raised_at: datetime
    done_at: datetime | None = None
    done_by: str | None = None
    outcome: str | None = None


async def raise_(
    conn: Connection,
    *,
    key: str,
    kind: str,
    text: str,
    now: datetime,
    alert: str | None = None,
    incident: str | None = None,
    number: int | None = None,
    due_at: datetime | None = None,
) -> bool:
    """Raise a task; False if one with this key is already open, which stays as it is."""
    await take_lock(conn, AUDIT)  # before the row, as everywhere (see `reading.get`)
    row = upsert(conn, task).values(
        key=key,
        kind=kind,
        text=text,
        alert_id=alert,
        incident_id=incident,
        number_id=number,
        due_at=due_at,
        raised_at=now,
    )
    once = row.on_conflict_do_nothing(index_elements=[task.c.key], index_where=OPEN_TASK)
    return await conn.scalar(once.returning(task.c.id)) is not None


async def done(conn: Connection, key: str, *, by: str, outcome: str | None, now: datetime) -> bool:
    """Close the open task with this key; False if there is none."""
    await take_lock(conn, AUDIT)
    open_one = update(task).where(task.c.key == key, OPEN_TASK)
    closed = await conn.execute(open_one.values(done_at=now, done_by=by, outcome=outcome))
    return closed.rowcount > 0


async def get(conn: Connection, task_id: int) -> Task | None:
    """The task with this number, open or done."""
    row = (await conn.execute(select(task).where(task.c.id == task_id))).one_or_none()
    return None if row is None else _task(row)


async def with_key(conn: Connection, key: str) -> Task | None:
    """The open task with this key."""
    row = (await conn.execute(select(task).where(task.c.key == key, OPEN_TASK))).one_or_none()
    return None if row is None else _task(row)


async def open_tasks(conn: Connection, kinds: Collection[str] = ()) -> tuple[Task, ...]:
    """Open tasks, the most urgent first: by due time, then by when they were raised."""
    query = select(task).where(OPEN_TASK)
    if kinds:
        query = query.where(task.c.kind.in_(sorted(kinds)))
    pressing = (task.c.due_at.is_(None), task.c.due_at, task.c.raised_at, task.c.id)
    return await _tasks(conn, query.order_by(*pressing))


async def every(conn: Connection) -> tuple[Task, ...]:
    """Open and done tasks, in the order raised."""
    return await _tasks(conn, select(task).order_by(task.c.raised_at, task.c.id))


async def ever_raised(conn: Connection, keys: Collection[str]) -> frozenset[str]:
    """Those of these keys for which a task was ever raised, open or done."""
    found = await conn.scalars(select(task.c.key).where(task.c.key.in_(sorted(keys))))
    return frozenset(map(str, found))


async def _tasks(conn: Connection, query: Select[Any]) -> tuple[Task, ...]:
    return tuple(_task(row) for row in await conn.execute(query))


def _task(row: Any) -> Task:
    return Task(*row)
