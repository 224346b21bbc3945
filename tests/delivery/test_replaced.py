"""A database file that is replaced under a live worker: no further call starts, and the worker stops and says so."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest

from alertbot.core.errors import StoreReplaced
from alertbot.db.database import Database
from alertbot.delivery import runners
from alertbot.delivery.runners import LocalRunner
from tests.cli.desk import Desk, opened
from tests.delivery.scene import NullAdapter, channel, put


def replace(path: Path) -> None:
    """As somebody does who restores a backup."""
    with sqlite3.connect(path) as source, sqlite3.connect(path.with_suffix(".copy")) as copy:
        source.backup(copy)
    for left in ("-wal", "-shm"):
        Path(f"{path}{left}").unlink(missing_ok=True)
    path.with_suffix(".copy").replace(path)


@pytest.mark.parametrize("way", [replace, Path.unlink])
async def test_no_call_starts_once_the_file_is_another(sqlite_url: str, way) -> None:
    database = await Database.open(sqlite_url)
    await put(database, 500)
    adapter = NullAdapter(channel(), seconds=0.02)
    running = asyncio.create_task(
        LocalRunner(database, {"null": adapter}, concurrency=5).run(asyncio.Event())
    )
    async with asyncio.timeout(20):
        while not adapter.posts:
            await asyncio.sleep(0.002)
    way(Path(sqlite_url.removeprefix("sqlite:///")))
    begun = len(adapter.posts)
    with pytest.raises(StoreReplaced, match="replaced or removed"):
        await asyncio.wait_for(running, 20)
    assert len(adapter.posts) <= begun + 10  # those whose intent was written down before
    await database.close()


async def test_an_idle_worker_notices_at_its_next_beat(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runners.store_accounts, "BEAT_SECONDS", 0.05)
    database = await Database.open(sqlite_url)
    runner = LocalRunner(database, {"null": NullAdapter(channel())}, poll=60.0)
    running = asyncio.create_task(runner.run(asyncio.Event()))
    await asyncio.sleep(0.2)
    assert not running.done()
    Path(sqlite_url.removeprefix("sqlite:///")).unlink()  # noqa: ASYNC240
    with pytest.raises(StoreReplaced):
        await asyncio.wait_for(running, 10)
    await database.close()


async def test_a_file_that_stays_is_no_reason_to_stop(database: Database) -> None:
    assert not database.replaced
    database.require_same_file()


def test_the_command_says_why_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runners.store_accounts, "BEAT_SECONDS", 0.05)
    desk: Desk = opened(tmp_path)
    path = tmp_path / "alertbot.db"

    async def run_and_replace() -> None:
        from alertbot.app import build
        from alertbot.ops import working

        app = build(tmp_path / "config.yaml")
        try:
            worker = asyncio.create_task(working.run_until_stopped(app))
            await asyncio.sleep(0.5)
            shutil.copyfile(path, path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
            await asyncio.wait_for(worker, 20)
        finally:
            await app.close()

    with pytest.raises(StoreReplaced, match="start the worker again"):
        asyncio.run(run_and_replace())
    assert not [one for one in caplog.messages if one.startswith("Publishing") and "Next try" in one]
    assert desk.run("status").code == 0
