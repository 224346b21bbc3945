"""The runner: it wakes, halts, reaps, stops in good order, and writes nothing while it is idle."""

import asyncio
import os
from collections import Counter

from sqlalchemy import event, text

from alertbot.core.model import Pace
from alertbot.db.database import Database
from alertbot.delivery import store_accounts, store_claim, store_listing, store_settle
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_accounts import Want
from tests.delivery.scene import NullAdapter, channel, put, rows, states


async def _until(condition, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_it_wakes_for_what_another_process_writes_and_stops_in_order(database: Database) -> None:
    adapter = NullAdapter(channel(), seconds=0.05)
    runner = LocalRunner(database, {"null": adapter}, poll=30.0)
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run(stop))
    other = await Database.open(database.url, migrate=False)
    await asyncio.sleep(0.2)  # it is asleep
    await put(other, 3)
    await _until(lambda: len(adapter.posts) == 3)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert set((await states(other)).values()) == {"sent"}  # the calls under way were finished
    assert (await other.read(store_listing.summary)).workers == ()
    await other.close()


async def test_after_a_halt_no_call_is_intended(database: Database) -> None:
    await put(database, 600)
    adapter = NullAdapter(channel(), seconds=0.005)
    runner = LocalRunner(database, {"null": adapter}, concurrency=40)
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run(stop))
    await _until(lambda: len(adapter.posts) > 50)
    await database.transact(lambda conn: store_accounts.set_halt(conn, True))

    async def count(conn):
        return await conn.scalar(text("SELECT sum(attempts) FROM delivery"))

    attempted = await database.read(count)
    await asyncio.sleep(0.1)
    assert await database.read(count) == attempted
    assert attempted < 600
    await database.transact(lambda conn: store_accounts.set_halt(conn, False))
    await _until(lambda: len(adapter.posts) == 600, 60)
    stop.set()
    await running


async def test_an_idle_worker_writes_nothing(database: Database) -> None:
    """But for its heartbeat, every five seconds."""
    await put(database, 1, delay=3600)
    runner = LocalRunner(database, {"null": NullAdapter(channel())}, poll=0.01)
    stop = asyncio.Event()
    running = asyncio.create_task(runner.run(stop))
    await asyncio.sleep(0.3)
    before = await _writes(database)
    await asyncio.sleep(1.5)
    assert await _writes(database) == before
    stop.set()
    await running


async def test_with_nothing_open_it_hardly_asks_and_still_sends_at_once(sqlite_url: str) -> None:
    """Looking twice a second for what no commit had announced was a third of what an idle worker cost."""
    database, other = await Database.open(sqlite_url), await Database.open(sqlite_url)
    adapter, stop = NullAdapter(channel()), asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run(stop))
    await asyncio.sleep(1.5)
    asked: list[str] = []
    event.listen(database._reader.sync_engine, "begin", lambda _conn: asked.append("begin"))
    await asyncio.sleep(2.5)
    assert len(asked) <= 1
    await put(other, 1)
    await _until(lambda: len(adapter.posts) == 1, 0.5)
    stop.set()
    await running
    await other.close()


async def _writes(database: Database) -> tuple[int, ...]:
    """Something that changes with every write: the length of the log, or the rows changed."""
    if database.dialect == "sqlite":
        log = os.stat(database.url.split(":///")[1] + "-wal")  # noqa: PTH116
        return (log.st_size, log.st_mtime_ns)
    changed = text("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables")
    return (int(await database.read(lambda conn: conn.scalar(changed))),)


async def test_once_waits_for_the_leases_of_a_dead_worker(database: Database) -> None:
    ids = await put(database, 2)
    whose = (await database.read(lambda conn: store_accounts.named(conn, ["null"])))[0]

    async def die_in_mid_call(conn):
        await store_claim.claim(conn, whose, 2, worker="dead", lease=0.5)
        await store_claim.intend(conn, [Want(ids[0], whose.id)], worker="dead")

    await database.transact(die_in_mid_call)
    adapter = NullAdapter(channel())
    tally = await LocalRunner(database, {"null": adapter}).run_once()
    assert (tally.sent, tally.uncertain, tally.waiting) == (1, 1, 0)
    assert adapter.sent == [ids[1]]
    assert await states(database) == {ids[0]: "uncertain", ids[1]: "sent"}


async def test_a_slow_call_keeps_its_lease(database: Database) -> None:
    await put(database, 1)
    adapter = NullAdapter(channel(), seconds=1.0)
    runner = LocalRunner(database, {"null": adapter}, lease=0.3)
    tally = await runner.run_once()
    assert (tally.sent, tally.uncertain) == (1, 0)
    assert not await database.read(store_settle.lapsed)


async def test_what_was_not_sent_in_time_expires_with_a_reason(database: Database) -> None:
    await put(database, 3, ttl=0.01)
    await asyncio.sleep(0.05)
    adapter = NullAdapter(channel())
    tally = await LocalRunner(database, {"null": adapter}).run_once()
    assert (tally.expired, adapter.posts) == (3, [])
    assert all(row.reason for row in await rows(database))


async def test_life_safety_goes_before_a_backlog(database: Database) -> None:
    await put(database, 2000, name="ABCD-1", priority=9)
    adapter = NullAdapter(channel(), seconds=0.002)
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}, concurrency=20).run(stop))
    await _until(lambda: len(adapter.posts) > 50)
    before = len(adapter.posts)
    [urgent] = await put(database, 1, name="ABCD-2", priority=1)
    await _until(lambda: urgent in adapter.sent)
    assert adapter.sent.index(urgent) < 2000
    assert before < 2000
    stop.set()
    await running


async def test_two_accounts_do_not_wait_for_each_other(database: Database) -> None:
    slow, quick = channel("slow", pace=Pace(per_second=1)), channel("quick")
    await put(database, 3, on=slow, name="ABCD-1")
    await put(database, 3, on=quick, name="ABCD-2")
    adapters = {"slow": NullAdapter(slow), "quick": NullAdapter(quick)}
    runner = LocalRunner(database, adapters)
    running = asyncio.create_task(runner.run_once())
    await _until(lambda: len(adapters["quick"].posts) == 3)
    assert len(adapters["slow"].posts) < 3
    assert (await running).sent == 6


async def test_who_may_not_wait_leaves_calls_that_hang_with_the_rows_right(database: Database) -> None:
    hanging = channel("hanging")
    await put(database, 40, on=hanging)
    adapter = NullAdapter(hanging, seconds=60.0)
    stop = asyncio.Event()
    runner = LocalRunner(database, {"hanging": adapter}, concurrency=10)
    running = asyncio.create_task(runner.run(stop, grace=0.2))
    await _until(lambda: len(adapter.posts) == 10)
    stop.set()
    await asyncio.wait_for(running, 5)
    found = Counter((await states(database)).values())
    assert found["uncertain"] == len(adapter.posts)  # asked, and not heard from
    assert found["pending"] == 40 - len(adapter.posts)  # never begun, and free for the next worker
    told = [row.reason for row in await rows(database) if row.state == "uncertain"]
    assert set(told) == {"May have been sent: the worker was stopped before the channel answered."}


async def test_a_call_that_ends_in_time_is_waited_for(database: Database) -> None:
    await put(database, 3)
    adapter = NullAdapter(channel(), seconds=0.3)
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run(stop, grace=5.0))
    await _until(lambda: len(adapter.posts) == 3)
    stop.set()
    await asyncio.wait_for(running, 4)
    assert set((await states(database)).values()) == {"sent"}
