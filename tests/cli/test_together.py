"""Many commands at once on SQLite: who looks never waits for who writes, and who writes waits for a turn."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from alertbot.db import database as store
from alertbot.db import engines
from alertbot.db.database import Database
from alertbot.db.tables import pace
from tests.cli.desk import Desk


@contextmanager
def somebody_writing(path: Path) -> Iterator[None]:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def test_looking_takes_no_write_lock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.5)
    alert = desk.draft()
    looking = ("status", "deliveries", "audit head", "people list", "task list", f"show {alert}")
    with somebody_writing(desk.folder / "alertbot.db"):
        for command in (*looking, "numbers list", "incident list"):
            answer = desk.run(*command.split())
            assert answer.code == 0, answer.err
        refused = desk.run("halt")
        assert refused.code == 2
        assert "locked" in refused.err
        assert "systemctl stop alertbot" in refused.err


async def test_a_crowd_of_writers_is_served_one_after_the_other(sqlite_url: str) -> None:
    async def one(number: int) -> None:
        database = await Database.open(sqlite_url)

        async def slowly(conn) -> None:
            await conn.execute(insert(pace).values(key=f"k{number}", next_free=0.0))
            time.sleep(0.02)  # noqa: ASYNC251 - a transaction on SQLite runs in a thread

        await database.transact(slowly)
        await database.close()

    await asyncio.gather(*(one(number) for number in range(40)))
    database = await Database.open_to_read(sqlite_url)
    assert await database.read(lambda conn: conn.scalar(select(func.count()).select_from(pace))) == 40
    await database.close()


async def test_who_waits_asks_more_than_once(sqlite_url: str) -> None:
    """SQLite's own waiting ends after `ASK_SECONDS`; the turn does not."""
    database = await Database.open(sqlite_url)
    with somebody_writing(Path(sqlite_url.removeprefix("sqlite:///"))):
        adding = asyncio.ensure_future(
            database.transact(lambda conn: conn.execute(insert(pace).values(key="a", next_free=0.0)))
        )
        await asyncio.sleep(5 * engines.ASK_SECONDS)
        assert not adding.done()
    await asyncio.wait_for(adding, 5)
    await database.close()
