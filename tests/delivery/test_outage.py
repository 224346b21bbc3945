"""A database that fails for a while: the worker outlives it, and no outcome is lost."""

import asyncio
import re
import sqlite3

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from alertbot.core.model import Post, Receipt
from alertbot.db import database as store
from alertbot.db.database import Database
from alertbot.delivery.runners import LocalRunner
from tests.delivery.scene import NullAdapter, channel, put, states


async def _until_sent(database: Database) -> None:
    async with asyncio.timeout(30):
        while set((await states(database)).values()) != {"sent"}:
            await asyncio.sleep(0.05)


def _cut(server: str, name: str | None, *, allow: bool) -> None:
    """Refuse connections to a database and end those it has, as a server does that is restarted."""
    with psycopg.connect(server, autocommit=True) as conn:
        conn.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS {str(allow).lower()}')
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,)
        )


@pytest.mark.postgres
async def test_a_server_that_restarts_between_intent_and_outcome(
    postgres_url: str, postgres_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(postgres_url, migrate=False)
    ids = await put(database, 40)
    adapter = NullAdapter(channel(), seconds=0.3)
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}, concurrency=10).run(stop))
    async with asyncio.timeout(10):
        while not adapter.posts:
            await asyncio.sleep(0.01)
    name = make_url(postgres_url).database
    await asyncio.to_thread(_cut, postgres_server, name, allow=False)
    await asyncio.sleep(0.6)  # the calls have ended by now and their outcomes wait
    await asyncio.to_thread(_cut, postgres_server, name, allow=True)
    await _until_sent(database)
    assert sorted(adapter.sent) == ids  # each once
    assert re.search(r"The outcomes of \d+ calls wait", caplog.text)
    stop.set()
    await running
    await database.close()


async def test_a_file_that_another_program_keeps_locked(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.1)
    database = await Database.open(sqlite_url, migrate=False)
    ids = await put(database, 40)
    adapter = NullAdapter(channel(), seconds=0.1)
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}, concurrency=10).run(stop))
    async with asyncio.timeout(10):
        while not adapter.posts:
            await asyncio.sleep(0.005)
    blocker = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(0.5)
    blocker.execute("ROLLBACK")
    blocker.close()
    await _until_sent(database)
    assert sorted(adapter.sent) == ids
    assert "locked by another program" in caplog.text
    stop.set()
    await running
    await database.close()


async def _make_room(database: Database, pages: int) -> None:
    room = text(f"PRAGMA max_page_count = {pages}")
    await database.transact(lambda conn: conn.execute(room))


async def test_an_outcome_waits_for_room_on_a_full_disk(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(sqlite_url, migrate=False)
    await put(database, 1)

    async def answer(_post: Post) -> Receipt:
        await _make_room(database, 1)  # SQLite takes the least that it can do with
        return Receipt("r1", note="x" * 100_000)

    adapter = NullAdapter(channel(), answer)
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run_once())
    async with asyncio.timeout(10):
        while "is full" not in caplog.text:
            await asyncio.sleep(0.02)
    await _make_room(database, 1_000_000)
    assert (await running).sent == len(adapter.posts) == 1
    assert set((await states(database)).values()) == {"sent"}
    await database.close()
