"""A clock that leaps: nothing is sent and nothing expires until it is right, and `status` says why."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, text

from alertbot.core.model import DeliveryState
from alertbot.db import audit
from alertbot.db.database import Database
from alertbot.delivery.leaps import TOLERANCE, Reading, leap
from alertbot.delivery.runners import LocalRunner
from alertbot.ops import overview, working
from tests.delivery.scene import NullAdapter, channel, put, states
from tests.team import gather

HOURS = 7200.0
JULIAN_EPOCH = 2440587.5


class Clock:
    """The clock of the machine as SQLite sees it, moved by `ahead` seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def julianday(self, _when: str) -> float:
        return (time.time() + self.ahead) / 86400.0 + JULIAN_EPOCH


async def clocked(url: str) -> tuple[Database, Clock]:
    database, clock = await Database.open(url), Clock()
    await database.close()
    for engine in (database._writer, database._reader):
        event.listen(
            engine.sync_engine,
            "connect",
            lambda connection, _record: connection.create_function("julianday", 1, clock.julianday),
        )
    return database, clock


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("ahead", [HOURS, -HOURS])
async def test_a_clock_that_leaps_stops_sending_and_expiry_until_it_is_right(
    sqlite_url: str, ahead: float
) -> None:
    database, clock = await clocked(sqlite_url)
    adapter = NullAdapter(channel())
    runner = LocalRunner(database, {"null": adapter}, poll=0.05)
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run(stop))
    await asyncio.sleep(0.2)
    assert runner.held is None
    await put(database, 3)
    await until(lambda: len(adapter.posts) == 3)
    clock.ahead = ahead
    await until(lambda: runner.held is not None)
    ids = await put(database, 5, name="ABCD-2")
    late = text("UPDATE dispatch SET expires_at = :at WHERE alert_id = 'ABCD-2'")
    await database.transact(lambda conn: conn.execute(late, {"at": time.time() + 60}))
    await asyncio.sleep(1.5)
    assert len(adapter.posts) == 3
    assert {(await states(database))[one] for one in ids} == {DeliveryState.PENDING}
    clock.ahead = 0.0
    await until(lambda: runner.held is None)
    now = text("UPDATE dispatch SET not_before = 0; ")
    await database.transact(lambda conn: conn.execute(now))
    await database.transact(lambda conn: conn.execute(text("UPDATE delivery SET retry_at = 0")))
    await until(lambda: len(adapter.posts) == 8)
    stop.set()
    await running
    await database.close()


async def test_a_clock_that_leaps_while_nothing_is_open_is_noticed_before_the_first_call(
    sqlite_url: str,
) -> None:
    database, clock = await clocked(sqlite_url)
    adapter, stop = NullAdapter(channel()), asyncio.Event()
    runner = LocalRunner(database, {"null": adapter})
    running = asyncio.create_task(runner.run(stop))
    await asyncio.sleep(1.5)  # it looks at the clock every few seconds now
    clock.ahead = HOURS
    await put(database, 1)
    await until(lambda: runner.held is not None)
    stop.set()
    await running
    assert adapter.posts == []
    await database.close()


async def test_a_worker_that_starts_behind_the_beats_of_another_says_so(sqlite_url: str) -> None:
    database, clock = await clocked(sqlite_url)
    team = await gather(database)
    beat = text("INSERT INTO worker (id, host, seen_at) VALUES ('killed', 'here', :at)")
    await database.transact(lambda conn: conn.execute(beat, {"at": time.time()}))
    clock.ahead = -HOURS
    runner = LocalRunner(database, {"null": NullAdapter(channel())}, hooks=working.hooks(team.service))
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run(stop))
    await until(lambda: runner.held is not None)
    await asyncio.sleep(0.2)
    shown = await overview.status(team.service, None)
    assert [one for one in shown.open if "clock of this machine" in one.message]
    stop.set()
    await running
    await database.close()


async def test_a_worker_that_starts_behind_the_audit_neither_sends_nor_lets_expire(
    sqlite_url: str,
) -> None:
    database, clock = await clocked(sqlite_url)
    ids = await put(database, 3)
    team = await gather(database)
    now = datetime.now(UTC)
    await database.transact(lambda conn: audit.append(conn, actor="bo", verb="halt", at=now))
    clock.ahead = -HOURS
    adapter = NullAdapter(channel())
    runner = LocalRunner(database, {"null": adapter}, hooks=working.hooks(team.service))
    assert not await runner.clock_is_right()
    tally = await runner.run_once(0.2)
    assert (tally.sent, tally.expired, adapter.posts) == (0, 0, [])
    assert {(await states(database))[one] for one in ids} == {DeliveryState.PENDING}
    clock.ahead = 0.0
    assert await runner.clock_is_right()
    await database.close()


def test_small_corrections_and_a_machine_that_slept_are_no_leap() -> None:
    first = Reading(1000.0, 10.0)
    assert leap(first, Reading(1000.0 + HOURS, 10.0 + HOURS), None) is None
    assert leap(first, Reading(1010.0 + TOLERANCE - 1, 20.0), 1010.0) is None
    assert "ahead by 120 min" in str(leap(first, Reading(1000.0 + HOURS, 10.0), None))
    assert "back by 120 min" in str(leap(first, Reading(1000.0 - HOURS, 10.0), None))
    assert "behind what was last recorded" in str(leap(first, first, 1000.0 + HOURS))
