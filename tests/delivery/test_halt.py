"""Halt wins: after it has committed no call begins, however many workers there are and however slow the
channel is."""

import asyncio
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from alertbot.core.model import ChannelSpec
from alertbot.db.database import Database
from alertbot.delivery import ledger, store_accounts, store_claim, store_outbox, store_settle
from alertbot.delivery.calls import IN_FLIGHT
from alertbot.delivery.ledger import FRESH, Ledger
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_accounts import Want
from alertbot.delivery.store_outbox import SettleDecision
from tests.delivery.scene import NullAdapter, channel, put, states

WORKERS = 3


class Narrow(NullAdapter):
    """A channel with few lines."""

    at_once = 2


async def _attempts(database: Database) -> int:
    counted = text("SELECT sum(attempts) FROM delivery")
    return int(await database.read(lambda conn: conn.scalar(counted)) or 0)


async def test_no_worker_intends_a_call_after_a_halt(database: Database) -> None:
    await put(database, 1500)
    stop = asyncio.Event()
    others = [await Database.open(database.url, migrate=False) for _number in range(WORKERS)]
    adapters = [NullAdapter(channel(), seconds=0.005) for _other in others]
    running = [
        asyncio.create_task(LocalRunner(other, {"null": adapter}, concurrency=30).run(stop))
        for other, adapter in zip(others, adapters, strict=True)
    ]
    async with asyncio.timeout(30):
        while not all(adapter.posts for adapter in adapters):
            await asyncio.sleep(0.002)
    await database.transact(lambda conn: store_accounts.set_halt(conn, True))
    attempted = await _attempts(database)
    await asyncio.sleep(0.2)
    assert await _attempts(database) == attempted
    assert sum(len(adapter.posts) for adapter in adapters) == attempted < 1500
    stop.set()
    await asyncio.gather(*running)
    assert "sending" not in (await states(database)).values()
    for other in others:
        await other.close()


async def test_a_slow_channel_has_no_queue_of_calls_that_a_halt_cannot_stop(database: Database) -> None:
    await put(database, 100)
    adapter = Narrow(channel(), seconds=0.1)
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run(stop))
    async with asyncio.timeout(10):
        while not adapter.posts:
            await asyncio.sleep(0.002)
    assert list((await states(database)).values()).count("sending") <= Narrow.at_once
    await database.transact(lambda conn: store_accounts.set_halt(conn, True))
    attempted = await _attempts(database)
    await asyncio.sleep(0.3)
    assert len(adapter.posts) == attempted <= Narrow.at_once
    stop.set()
    await running


async def test_what_is_urgent_waits_for_no_more_than_what_is_under_way(database: Database) -> None:
    await put(database, 200, name="ABCD-1", priority=9)
    adapter = Narrow(channel(), seconds=0.01)
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run(stop))
    async with asyncio.timeout(10):
        while len(adapter.posts) < 3:
            await asyncio.sleep(0.002)
    [urgent] = await put(database, 1, name="ABCD-2", priority=1)
    before = len(adapter.posts)
    async with asyncio.timeout(10):
        while urgent not in adapter.sent:
            await asyncio.sleep(0.002)
    assert adapter.sent.index(urgent) <= before + 4 * Narrow.at_once
    stop.set()
    await running


class Letters(NullAdapter):
    """A channel of many readers with few lines."""

    at_once = 2


MANY = ChannelSpec(type="null", limit=None, per_recipient=True, public_post=False)


async def test_what_waits_for_a_line_is_called_back_by_a_halt(database: Database) -> None:
    """A quick channel of many readers has more intents than lines; when it slows down and a halt comes,
    those that wait are pending again, and no attempts."""
    await put(database, 400, on=channel(spec=MANY))
    adapter = Letters(channel(spec=MANY), seconds=0.001)
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run(stop))
    async with asyncio.timeout(30):
        while list((await states(database)).values()).count("sending") <= 2 * Letters.at_once:
            await asyncio.sleep(0.001)
    adapter.seconds = 0.5
    await database.transact(lambda conn: store_accounts.set_halt(conn, True))
    await asyncio.sleep(FRESH)
    begun = len(adapter.posts)
    async with asyncio.timeout(30):
        while {"sending", "claimed"} & set((await states(database)).values()):
            await asyncio.sleep(0.01)
    assert len(adapter.posts) <= begun + Letters.at_once
    assert await _attempts(database) == len(adapter.posts) < 400
    assert set((await states(database)).values()) == {"sent", "pending"}
    stop.set()
    await running


async def test_a_crash_makes_no_more_uncertain_than_may_be_in_flight(database: Database) -> None:
    await put(database, 400, on=channel(spec=MANY))
    adapter = Letters(channel(spec=MANY), seconds=0.0005)
    highest, stop = 0, asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run(stop))
    async with asyncio.timeout(30):
        while len(adapter.posts) < 400:
            highest = max(highest, list((await states(database)).values()).count("sending"))
            await asyncio.sleep(0)
    stop.set()
    await running
    assert Letters.at_once < highest <= IN_FLIGHT


async def test_a_call_does_not_wait_for_a_look_that_is_soon_due(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(ledger, "time", SimpleNamespace(monotonic=lambda: now))
    [number] = await put(database, 1)
    book = Ledger(database, "w")
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    claim = await database.transact(
        lambda conn: store_claim.claim(conn, whose, 1, worker="w", lease=60)
    )
    dispatch = claim.rows[0].dispatch
    assert await book.intend(Want(number, whose.id, 0.0, dispatch, claim.turn))
    now += 0.6 * FRESH
    assert await book.may_begin(dispatch, claim.turn)
    await book.rest()  # the look that it began for the next one
    await database.transact(lambda conn: store_accounts.set_halt(conn, True))
    now += 0.45 * FRESH  # the first look is too old, the second is not
    with monkeypatch.context() as patched:
        patched.setattr(database, "ask", None)  # nobody is asked
        assert await book.may_begin(dispatch, claim.turn)
    now += FRESH
    assert not await book.may_begin(dispatch, claim.turn)


async def test_who_stood_still_does_not_call_what_others_took_for_uncertain(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(ledger, "time", SimpleNamespace(monotonic=lambda: now))
    numbers = await put(database, 3)
    book = Ledger(database, "w", lease=60)
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    claim = await database.transact(
        lambda conn: store_claim.claim(conn, whose, 3, worker="w", lease=-1)
    )
    dispatch = claim.rows[0].dispatch
    for number in numbers:
        assert await book.intend(Want(number, whose.id, 0.0, dispatch, claim.turn))
    now += 40  # it stands still, and its lease is over
    assert await book.may_begin(dispatch, claim.turn, numbers[0])  # nobody has noticed: its own again
    await database.transact(store_settle.reap)
    assert list((await states(database)).values()) == ["sending", "uncertain", "uncertain"]
    again = SettleDecision.RESEND
    await database.transact(lambda conn: store_outbox.decide(conn, numbers[1], again))
    assert not await book.may_begin(dispatch, claim.turn, numbers[1])
    assert not await book.may_begin(dispatch, claim.turn, numbers[2])
    for number in numbers[1:]:
        await book.call_back(number, dispatch)
    assert list((await states(database)).values()) == ["sending", "pending", "pending"]
    assert (await LocalRunner(database, {"null": NullAdapter(channel())}).run_once(0.0)).sent == 2


async def test_a_row_that_is_here_twice_is_called_once(database: Database) -> None:
    [number] = await put(database, 1)
    book = Ledger(database, "w")
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    claim = await database.transact(
        lambda conn: store_claim.claim(conn, whose, 1, worker="w", lease=60)
    )
    want = Want(number, whose.id, 0.0, claim.rows[0].dispatch, claim.turn)
    assert sorted(await asyncio.gather(book.intend(want), book.intend(want))) == [False, True]


async def test_a_lease_from_a_clock_that_was_ahead_keeps_nothing_back(database: Database) -> None:
    await put(database, 1)
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    await database.transact(lambda conn: store_claim.claim(conn, whose, 1, worker="w", lease=50_000))
    assert await database.read(store_settle.lapsed)
    await database.transact(store_settle.reap)
    assert list((await states(database)).values()) == ["pending"]
