"""Wake-ups: at once, from whichever process, and for nothing while nothing is written."""

import asyncio
import os
import resource
import sqlite3
import statistics
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from alertbot.db import wake
from alertbot.db.database import Database
from alertbot.db.wake import Alarm
from alertbot.delivery import store_deliveries


async def write(database: Database) -> None:
    async def work(conn) -> None:
        await conn.execute(text("UPDATE worker SET seen_at = seen_at + 1"))
        await conn.execute(
            text("INSERT INTO pace (key, next_free) VALUES (:key, 0)"), {"key": os.urandom(8).hex()}
        )
        await store_deliveries.wake(conn)

    await database.transact(work)


async def test_all_alarms_of_a_process_ring_at_once_for_what_another_wrote(database: Database) -> None:
    other = await Database.open(database.url, migrate=False)
    waits = []
    async with Alarm(database) as first, Alarm(database) as second:
        await asyncio.sleep(0.5)  # until it listens
        await asyncio.gather(first.wait(0.01), second.wait(0.01))
        for _one in range(9):
            await asyncio.sleep(0.3)  # it sleeps again
            await asyncio.gather(first.wait(0.001), second.wait(0.001))
            ringing = asyncio.gather(first.wait(5), second.wait(5))
            await write(other)
            begun = time.monotonic()
            assert await ringing == [True, True]
            waits.append(time.monotonic() - begun)
    assert statistics.median(waits) < 0.1
    await other.close()


async def test_an_idle_process_hardly_wakes_up(sqlite_url: str) -> None:
    """Two alarms used to wake it 400 times a second."""
    database = await Database.open(sqlite_url, migrate=False)
    async with Alarm(database), Alarm(database):
        await asyncio.sleep(0.5)
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        await asyncio.sleep(2.0)
        woken = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw - before
    assert woken < 40
    await database.close()


@pytest.mark.postgres
async def test_alarms_of_one_process_listen_over_one_connection(postgres_url: str) -> None:
    database = await Database.open(postgres_url, migrate=False)
    listening = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN alertbot'"
    )
    async with Alarm(database) as first, Alarm(database), Alarm(database):
        await first.wait(10)  # it rings once it listens
        assert await database.read(lambda conn: conn.scalar(listening)) == 1
    await database.close()


@pytest.mark.parametrize("tells", ["nothing", "never"])
async def test_where_the_system_tells_nothing_it_looks_by_itself(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tells: str
) -> None:
    ends = os.pipe()
    monkeypatch.setattr(wake, "_watch", lambda _folder: None if tells == "nothing" else ends[0])
    database = await Database.open(sqlite_url, migrate=False)
    other = await Database.open(sqlite_url, migrate=False)
    waits = []
    async with Alarm(database) as alarm:
        await asyncio.sleep(0.5)
        for _one in range(wake.MOST_UNTOLD + 9):
            await alarm.wait(0.02)
            await write(other)
            begun = time.monotonic()
            assert await alarm.wait(5)
            waits.append(time.monotonic() - begun)
    assert statistics.median(waits[wake.MOST_UNTOLD :]) < 0.1
    os.close(ends[1])
    await database.close()
    await other.close()


async def test_files_beside_it_do_not_wake_it(tmp_path: Path) -> None:
    notices = wake.FileNotices(tmp_path / "alertbot.db")
    if not notices.possible:
        pytest.skip("this system tells nothing")
    (tmp_path / "alertbot.log").write_text("a line")
    assert not await notices.wait(0.1)
    sqlite3.connect(tmp_path / "alertbot.db").execute("CREATE TABLE one (two)").connection.close()
    assert await notices.wait(5)
    notices.close()
