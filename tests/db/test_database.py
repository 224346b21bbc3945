"""The door to the database: how it opens, what it says when it cannot, and that cancelling is safe."""

import asyncio
import logging
import os
import sqlite3
import stat
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, text

from alertbot.core.errors import StoreFailed
from alertbot.db.database import Database
from alertbot.db.sql import NOW
from alertbot.db.tables import pace
from tests.pausing import Pause


async def _add(database: Database, key: str) -> None:
    await database.transact(lambda conn: conn.execute(insert(pace).values(key=key, next_free=0.0)))


async def _count(database: Database) -> int:
    return await database.read(lambda conn: conn.scalar(select(func.count()).select_from(pace)))


async def test_a_transaction_commits_or_leaves_nothing(database: Database) -> None:
    await _add(database, "kept")

    async def fails(conn):
        await conn.execute(insert(pace).values(key="dropped", next_free=0.0))
        raise ValueError

    with pytest.raises(ValueError):
        await database.transact(fails)
    assert await _count(database) == 1


async def test_the_clock_is_the_databases(database: Database) -> None:
    import time

    now = await database.read(lambda conn: conn.scalar(select(NOW)))
    assert abs(now - time.time()) < 5


async def test_a_reader_may_not_write(database: Database) -> None:
    with pytest.raises(StoreFailed, match="read-only"):
        await database.read(lambda conn: conn.execute(insert(pace).values(key="a", next_free=0.0)))


async def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    pause = Pause()

    async def slow(conn):
        await conn.execute(insert(pace).values(key="a", next_free=0.0))
        await pause.here()

    writing = asyncio.ensure_future(database.transact(slow))
    await pause.reached.wait()
    assert await _count(database) == 0
    pause.go_on.set()
    await writing
    assert await _count(database) == 1


async def test_a_storm_of_cancellations_leaves_no_lock(database: Database) -> None:
    """Pitfall 1: a task cancelled inside a transaction kept the write lock for good."""

    async def slow(conn, key):
        await conn.execute(insert(pace).values(key=key, next_free=0.0))
        await conn.execute(text("SELECT 1"))

    for number in range(150):
        task = asyncio.ensure_future(database.transact(lambda conn, n=number: slow(conn, f"k{n}")))
        await asyncio.sleep(0.0003 * (number % 7))
        task.cancel()
        await asyncio.wait({task})
    other = await Database.open(database.url, migrate=False)
    try:
        await asyncio.wait_for(_add(other, "after the storm"), 5)
    finally:
        await other.close()


async def test_a_cancelled_transaction_is_finished_before_the_cancellation_passes(
    database: Database,
) -> None:
    loop, inside = asyncio.get_running_loop(), asyncio.Event()

    async def work(conn):
        loop.call_soon_threadsafe(inside.set)
        await conn.execute(insert(pace).values(key="a", next_free=0.0))

    task = asyncio.ensure_future(database.transact(work))
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _count(database) == 1


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    database = await Database.open(f"sqlite:///{path}", migrate=False)
    await database.transact(lambda conn: conn.execute(text("CREATE TABLE t (a)")))
    files = list(tmp_path.glob("new.db*"))  # noqa: ASYNC240
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in files}
    await database.close()
    assert "new.db-wal" in modes
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://localhost/a", "cannot be read"),
        ("no address", "cannot be read"),
        ("sqlite://", "needs a file"),
        ("postgresql://alertbot:hidden@127.0.0.1:9/alertbot", "cannot be reached"),
    ],
)
async def test_addresses_that_cannot_work(url: str, says: str) -> None:
    with pytest.raises(StoreFailed, match=says) as caught:
        await Database.open(url)
    assert "hidden" not in str(caught.value)


async def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match=r"folder of the database .* does not exist"):
        await Database.open(f"sqlite:///{tmp_path}/nowhere/alertbot.db")


async def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="is a folder"):
        await Database.open(f"sqlite:///{tmp_path}")


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, this is a letter and has no tables.\n" * 50)
    with pytest.raises(StoreFailed, match="not a database"):
        await Database.open(f"sqlite:///{path}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
async def test_a_file_that_may_not_be_written(tmp_path: Path) -> None:
    path = tmp_path / "closed.db"
    sqlite3.connect(path).executescript("CREATE TABLE t (a)")
    path.chmod(0o400)
    with pytest.raises(StoreFailed, match="read-only"):
        await Database.open(f"sqlite:///{path}")


async def test_a_file_that_another_program_locks(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alertbot.db.database.BUSY_SECONDS", 0.1)
    database = await Database.open(sqlite_url, migrate=False)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreFailed, match="locked"):
        await _add(database, "a")
    other.execute("ROLLBACK")
    other.close()
    await _add(database, "b")
    await database.close()


async def test_a_full_disk(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url, migrate=False)

    async def fill(conn):
        pages = await conn.scalar(text("PRAGMA page_count"))
        await conn.execute(text(f"PRAGMA max_page_count = {pages}"))
        await conn.execute(insert(pace), [{"key": f"{n:0400}", "next_free": 0.0} for n in range(500)])

    with pytest.raises(StoreFailed, match="full"):
        await database.transact(fill)
    assert await _count(database) == 0
    await database.close()


@pytest.mark.postgres
async def test_a_database_that_does_not_exist(postgres_url: str) -> None:
    with pytest.raises(StoreFailed, match="does not exist"):
        await Database.open(postgres_url.replace("/test_", "/nosuch_"))


@pytest.mark.postgres
async def test_transactions_that_meet_crosswise_are_run_again(postgres_url: str) -> None:
    database = await Database.open(postgres_url, migrate=False)
    met = asyncio.Barrier(2)
    tries: list[str] = []

    async def two(conn):
        for name in ("a", "b"):
            await conn.execute(
                text("INSERT INTO worker (id, host, seen_at) VALUES (:id, 'x', 0)"), {"id": name}
            )

    await database.transact(two)

    def both(first, second):
        async def work(conn):
            tries.append(first)
            add = text("UPDATE worker SET seen_at = seen_at + 1 WHERE id = :id")
            await conn.execute(add, {"id": first})
            if len(tries) <= 2:
                await met.wait()
            await conn.execute(add, {"id": second})

        return work

    await asyncio.gather(database.transact(both("a", "b")), database.transact(both("b", "a")))
    assert len(tries) == 3
    seen = text("SELECT seen_at FROM worker ORDER BY id")
    assert (await database.read(lambda conn: conn.scalars(seen))).all() == [2, 2]
    await database.close()


def test_a_statement_with_the_clock_is_compiled_once() -> None:
    assert select(NOW)._generate_cache_key() is not None


async def test_no_value_is_printed_whatever_the_log_level(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy.engine", "psycopg"):
        caplog.set_level(logging.DEBUG, name)
    database = await Database.open(database_url, migrate=False)
    await _add(database, "someone@example.org")
    with pytest.raises(StoreFailed) as failed:
        await _add(database, "someone@example.org")
    await database.close()
    assert "INSERT INTO pace" in caplog.text
    assert "someone" not in caplog.text + str(failed.value)
