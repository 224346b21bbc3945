"""The pace that several processes keep together, however late some of their calls are: no window holds more than it may."""

import asyncio
import bisect
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from alertbot.core.model import Pace
from alertbot.db.database import Database
from alertbot.db.sql import NOW
from alertbot.db.tables import pace
from alertbot.delivery import store_accounts, store_claim, store_pace
from alertbot.delivery.calls import DatabaseClock
from alertbot.delivery.ledger import Ledger
from alertbot.delivery.rules_pace import (
    FINEST,
    LATE,
    NEAR,
    SLACK,
    WindowLimit,
    free_from,
    kept,
    limit_of,
    moment,
)
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_accounts import Account, Want
from alertbot.delivery.store_pace import ClockReading
from tests.delivery.scene import NullAdapter, channel, put, rows, states
from tests.delivery.worker import Nursery
from tests.effort import examples

RATE = 29.6
WORKERS = 4
STOPPED = 0.05


def most(moments: Sequence[float], seconds: float) -> int:
    """The most that any window holds, which is open at its end."""
    inside = sorted(moments)
    return max(bisect.bisect_left(inside, one + seconds - 1e-9) - n for n, one in enumerate(inside))


@pytest.mark.parametrize(
    ("gap", "limits"),
    [
        (0.0, []),
        (FINEST / 2, []),  # below what a timer can wait for
        (1 / 30, [(30, 1.0)]),
        (1 / 29.6, [(30, 1.0)]),
        (1 / 29, [(29, 1.0)]),
        (1.0, [(1, 1.0)]),
        (1 / 1.5, [(2, 1.0)]),
        (5.0, [(1, 5.0)]),
    ],
)
def test_a_rate_is_a_window(gap: float, limits: list[tuple[int, float]]) -> None:
    assert limit_of(gap) == limits


DELAYS = st.floats(0, 3).map(lambda one: round(one, 3))


@settings(max_examples=examples(300))
@given(
    st.sampled_from([0.5, 1.0, 2.0, 7.5, 29.6]),
    st.lists(
        st.tuples(DELAYS, DELAYS, DELAYS, st.booleans()), min_size=2, max_size=120
    ),  # until the next asks; then until it begins; until that is known; and whether its worker dies
)
@example(30.0, [(0.0, 0.1, 3.0, False)] * 31 + [(0.0, 0.0, 0.0, False)] * 31)  # all late, and on time
def test_no_window_holds_more_however_late_calls_begin(
    rate: float, calls: list[tuple[float, float, float, bool]]
) -> None:
    """Each call begins somewhere from its earliest to its latest moment, and that becomes known some time later."""
    limits = limit_of(1 / rate)
    now, noted, begun = 1000.0, [], []
    corrections: list[tuple[float, float, float]] = []  # when known, what was noted, when it began
    for pause, late, known, dies in calls:
        now += pause / rate
        for one in sorted(corrections):
            if one[0] <= now and one[1] in noted:
                noted.remove(one[1])
                bisect.insort(noted, one[2])
        corrections = [one for one in corrections if one[0] > now]
        now = max(now, free_from(noted, limits) - NEAR)
        given = moment(free_from(noted, limits), now, LATE)
        noted = kept([*noted, given.latest], limits, now)
        if dies:
            continue
        at = min(max(given.earliest, now) + late, given.latest)
        begun.append(at)
        corrections.append((at + known, given.latest, at))
    [limit] = limits
    assert not begun or most(begun, limit.seconds) <= limit.calls


def test_what_is_late_costs_no_more_than_it_is_late() -> None:
    """Thirty of which ten are late: the next thirty wait for these, each for its own."""
    limits = limit_of(1 / 30)
    begun = sorted(1000.0 + n / 30 + (0.05 if n % 3 == 0 else 0.0) for n in range(30))
    later = []
    for _number in range(30):
        later.append(free_from(kept([*begun, *later], limits, 1002.0), limits))
    assert later == pytest.approx([one + 1.0 + SLACK for one in begun])


def test_moments_of_a_clock_that_was_hours_ahead_hold_nothing_back() -> None:
    assert kept([5000.0, 999.0, 998.0], [WindowLimit(2, 1.0)], 1000.0) == [998.0, 999.0]


def test_the_database_is_heard_best_when_it_answers_fastest() -> None:
    clock = DatabaseClock()
    for now, asked, heard in [(1000.0, 49.9, 50.4), (1001.0, 50.8, 51.1), (1002.0, 51.95, 52.9)]:
        clock.hear(ClockReading(now, asked, heard))
    assert clock.local(1003.0) == pytest.approx(53.1)
    assert clock.of(53.0) == pytest.approx(1003.05)
    clock.hear(ClockReading(5000.0, 53.9, 54.0))  # it was set
    assert clock.local(5000.0) == pytest.approx(54.0)
    clock.hear(ClockReading(5020.0, 74.1, 74.3))
    clock.hear(ClockReading(5040.0, 94.1, 94.3))  # what was heard long ago no longer counts
    clock.hear(ClockReading(5060.0, 114.1, 114.3))
    assert clock.local(5060.0) == pytest.approx(114.3)
    assert clock.of(114.2) == pytest.approx(5060.1)


async def _claimed(database: Database, number: int, rate: float) -> tuple[Account, list[Want]]:
    await put(database, number, on=channel(pace=Pace(per_second=rate)))
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    claim = await database.transact(
        lambda conn: store_claim.claim(conn, whose, number, worker="me", lease=10.0)
    )
    return whose, [
        Want(row.id, whose.id, 0.0, row.dispatch, None, row.slot, row.target) for row in claim.rows
    ]


async def test_a_call_that_misses_its_moment_gets_another_and_is_counted_there(
    database: Database,
) -> None:
    _whose, [want] = await _claimed(database, 1, 20.0)
    ledger = Ledger(database, "me")
    assert await ledger.intend(want)
    time.sleep(3 * LATE)  # noqa: ASYNC251 - the whole worker stands still
    assert await ledger.begin(want)
    begun = time.time()
    assert (await states(database))[want.id] == "sending"
    noted = await database.read(lambda conn: conn.scalar(select(pace.c.begun)))
    assert len(noted) == 1
    assert begun - 0.1 < noted[0] < begun + 1.0


async def test_when_the_window_is_full_a_call_is_not_intended_yet(database: Database) -> None:
    whose, wants = await _claimed(database, 3, 2.0)
    late = [want._replace(slot=1.0) for want in wants]  # all of them are late for their slots
    given = await database.transact(lambda conn: store_pace.give(conn, late, LATE))
    assert sorted(given.moments) == [want.id for want in wants[:2]]
    [(third, seconds)] = given.later.items()
    assert third == wants[2].id
    assert 0.3 < seconds <= 1.0 + LATE + SLACK - 0.8 * NEAR + 0.001
    assert whose.gap == 0.5
    assert {row.state for row in await rows(database)} == {"claimed"}


async def test_what_is_known_of_a_call_makes_room_for_the_next(database: Database) -> None:
    _whose, wants = await _claimed(database, 2, 1.0)
    now = float(await database.read(lambda conn: conn.scalar(select(NOW))) or 0.0)
    first, second = (want._replace(slot=1.0) for want in wants)
    given = await database.transact(lambda conn: store_pace.give(conn, [first], 30.0))
    begun = store_pace.BegunCall(first, given.moments[first.id], now - 2.0)
    again = await database.transact(lambda conn: store_pace.give(conn, [second], LATE, [begun]))
    assert second.id in again.moments
    assert again.begun == (begun,)


@pytest.mark.parametrize(("target", "room"), [("-1001234", 3), ("@alertes", 3), ("1234", 5)])
async def test_a_group_has_a_window_of_its_own(database: Database, target: str, room: int) -> None:
    """Three a minute to one group or channel, however many to a person, and nobody else waits for it."""
    pace_ = Pace(per_second=500.0, per_chat_second=500.0, per_group_minute=3)
    await put(database, ["4321", *[target] * 5], on=channel(pace=pace_))
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    wants = [
        Want(row.id, whose.id, 0.0, row.dispatch_id, None, 1.0, row.target)
        for row in await rows(database)
    ]
    given = await database.transact(lambda conn: store_pace.give(conn, wants, LATE))
    assert sorted(given.moments) == [want.id for want in wants[: 1 + room]]
    assert all(55.0 < wait <= 60.0 + LATE + SLACK for wait in given.later.values())
    again = await database.transact(lambda conn: store_pace.give(conn, wants[:1], LATE))
    assert wants[0].id in again.moments


async def test_what_waits_for_its_group_is_released_until_then(database: Database) -> None:
    pace_ = Pace(per_second=500.0, per_chat_second=500.0, per_group_minute=1)
    ids = await put(database, ["-1001", "-1001"], on=channel(pace=pace_))
    adapter = NullAdapter(channel(pace=pace_))
    tally = await LocalRunner(database, {"null": adapter}).run_once(1.0)
    assert (tally.sent, tally.waiting) == (1, 1)
    found = await rows(database)
    assert [(row.state, row.attempts) for row in found] == [("sent", 1), ("pending", 0)]
    assert adapter.sent == ids[:1]
    wait = await database.read(lambda conn: store_claim.next_due(conn, ["null"]))
    assert wait is not None
    assert 50.0 < wait <= 61.0


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    opened = Nursery()
    yield opened
    opened.close()


async def test_four_processes_keep_one_window(
    database: Database, tmp_path: Path, nursery: Nursery
) -> None:
    """Their calls take from nothing to a tenth of a second; what is counted is when they began."""
    path = tmp_path / "calls.log"
    path.touch()
    dice = random.Random(7)
    for _number in range(WORKERS):
        await asyncio.to_thread(nursery.start, database.url, path, dice.random() / 10, RATE, 10.0)
    async with asyncio.timeout(30):
        while path.read_text().count("ready") < WORKERS:
            await asyncio.sleep(0.05)
    ids = await put(database, 100, on=channel(pace=Pace(per_second=RATE)))
    async with asyncio.timeout(60):
        while set((await states(database)).values()) != {"sent"}:
            await asyncio.sleep(0.1)
    lines = [line.split() for line in path.read_text().splitlines()]
    moments = [float(line[2]) for line in lines if line[0] == "before"]
    assert len(moments) == len(ids)
    # a busy machine may stop a process between its last look at the clock and this line of its log
    assert most(moments, 1.0 - STOPPED) <= 30
    assert statistics.median(moments) - min(moments) >= 50 / RATE - 0.2
