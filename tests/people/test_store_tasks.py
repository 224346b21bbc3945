"""What a person has to do: raised once while it is open, whoever raises it, and again once it is done."""

import asyncio
from datetime import UTC, datetime, timedelta

from alertbot.db.database import Database
from alertbot.people import store_tasks

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


async def raised(database: Database, key: str, **more: object) -> bool:
    chore: dict[str, object] = {"kind": "number-ends", "text": "N12 ends.", "now": NOW} | more
    return await database.transact(lambda conn: store_tasks.raise_(conn, key=key, **chore))  # type: ignore[arg-type]


async def done(database: Database, key: str, outcome: str | None = None) -> bool:
    return await database.transact(
        lambda conn: store_tasks.done(
            conn, key, by="bo", outcome=outcome, now=NOW + timedelta(minutes=3)
        )
    )


async def test_a_task_is_raised_once_while_it_is_open(database: Database) -> None:
    assert await raised(database, "N12", number=12, due_at=NOW)
    assert not await raised(database, "N12", text="Something else.")
    (task,) = await database.read(store_tasks.open_tasks)
    assert (task.text, task.number, task.due_at, task.done_at) == ("N12 ends.", 12, NOW, None)


async def test_of_many_who_raise_it_at_once_one_does(database_url: str) -> None:
    several = [await Database.open(database_url, migrate=False) for _ in range(4)]
    try:
        new = await asyncio.gather(*(raised(one, "N12") for one in several * 3))
        assert sorted(new) == [False] * 11 + [True]
        assert len(await several[0].read(store_tasks.every)) == 1
    finally:
        for one in several:
            await one.close()


async def test_what_is_done_is_closed_and_may_be_raised_again(database: Database) -> None:
    await raised(database, "N12")
    assert await done(database, "N12", "Told everybody.")
    assert not await done(database, "N12")
    assert await database.read(store_tasks.open_tasks) == ()
    (task,) = await database.read(store_tasks.every)
    assert (task.done_by, task.outcome) == ("bo", "Told everybody.")
    assert await raised(database, "N12")
    assert len(await database.read(store_tasks.every)) == 2


async def test_the_most_pressing_comes_first(database: Database) -> None:
    await raised(database, "whenever")
    await raised(database, "later", due_at=NOW + timedelta(hours=2))
    await raised(database, "soon", due_at=NOW + timedelta(minutes=5), kind="update-late")
    assert [one.key for one in await database.read(store_tasks.open_tasks)] == [
        "soon",
        "later",
        "whenever",
    ]
    found = await database.read(lambda conn: store_tasks.open_tasks(conn, ["update-late"]))
    assert [one.key for one in found] == ["soon"]


async def test_whether_it_was_ever_raised(database: Database) -> None:
    await raised(database, "N12")
    await done(database, "N12")
    assert await database.read(lambda conn: store_tasks.ever_raised(conn, ["N12", "N13"])) == {"N12"}
