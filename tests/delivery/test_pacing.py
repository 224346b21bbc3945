"""The pace: how much to hold, and the rate that several processes keep together."""

import asyncio
import random
import selectors
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from alertbot.core.model import Pace
from alertbot.db.database import Database
from alertbot.delivery.calls import Turns, portion, until
from alertbot.delivery.store_claim import HORIZON
from tests.delivery.scene import channel, put, states
from tests.delivery.worker import Nursery

RATE = 29.0


@given(st.floats(0, 100), st.integers(0, 1000))
def test_never_more_than_can_start_within_the_horizon(gap: float, free: int) -> None:
    held = portion(gap, free)
    assert 0 <= held <= free
    assert gap == 0 or held <= max(1, HORIZON / gap)
    assert held > 0 or free == 0


@pytest.mark.parametrize(
    ("gap", "free", "held"),
    [
        (0.0, 0, 0),
        (0.0, 1, 1),
        (0.0, 500, 500),  # no pace: whatever is free
        (0.05, 10, 10),  # half a second's worth exactly
        (0.05, 11, 10),
        (0.2, 100, 2),
        (0.5, 100, 1),
        (60.0, 100, 1),  # one at least, or nothing would ever be sent
        (60.0, 1, 1),
        (60.0, 0, 0),
        (60.0, -3, 0),
    ],
)
def test_half_a_seconds_worth_is_held(gap: float, free: int, held: int) -> None:
    assert portion(gap, free) == held


class HeldClock(selectors.DefaultSelector):
    """What an event loop waits with, on a clock of its own: waiting takes no time but moves the clock."""

    now = 1000.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


def starts_of(gap: float, slots: Sequence[float], stalls: Sequence[tuple[float, float]]) -> list[float]:
    """When calls with these slots start, in seconds. `stalls`: when the program stands still, and how long."""
    clock, started = HeldClock(), []
    begun = clock.now

    async def call(turns: Turns, slot: float) -> None:
        await turns.take("x", gap, begun + slot)
        started.append(clock.now - begun)

    async def stall(at: float, seconds: float) -> None:
        await until(begun + at)
        clock.now += seconds

    async def all_of_them() -> None:
        turns = Turns()
        waiting = (call(turns, slot) for slot in slots)
        await asyncio.gather(*waiting, *(stall(*one) for one in stalls))

    def loop() -> asyncio.SelectorEventLoop:
        made = asyncio.SelectorEventLoop(clock)
        made.time = lambda: clock.now  # type: ignore[method-assign]
        return made

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(all_of_them())
    return started


SECONDS = st.floats(0, 5).map(lambda one: round(one, 3))


@given(
    st.floats(Turns.FINEST, 0.5),
    st.lists(SECONDS, min_size=2, max_size=20),
    st.lists(st.tuples(SECONDS, SECONDS), max_size=4),
)
@example(0.02, [0.0] * 5, [])  # all slots have passed
@example(
    0.02, [0.0, 0.02, 0.04, 0.06], [(0.01, 1.0)]
)  # they pass in a stall, each call waiting for its own
@example(0.02, [0.0] * 5, [(0.01, 1.0)])  # the stall comes while they wait for their turns
def test_calls_that_are_late_for_their_slots_do_not_start_at_once(
    gap: float, slots: list[float], stalls: list[tuple[float, float]]
) -> None:
    starts = starts_of(gap, slots, stalls)
    assert len(starts) == len(slots)
    assert all(later - earlier >= gap * Turns.CATCH_UP - 1e-6 for earlier, later in pairwise(starts))
    assert all(one >= slot - 1e-6 for one, slot in zip(starts, sorted(slots), strict=True))


def test_slots_that_lie_a_gap_apart_are_kept_to_the_moment() -> None:
    """A turn delays nothing that is not late, and what was late catches up by a hair a call."""
    slots = [number * 0.02 for number in range(10)]
    assert starts_of(0.02, slots, []) == pytest.approx(slots)
    assert starts_of(0.02, slots, [(0.01, 0.05)])[-1] == pytest.approx(0.06 + 8 * 0.02 * Turns.CATCH_UP)


@pytest.mark.parametrize("gap", [0.0, 0.0002])
def test_gaps_below_what_a_timer_can_wait_are_left_to_the_slots(gap: float) -> None:
    slots = [number * gap for number in range(100)]
    assert starts_of(gap, slots, []) == pytest.approx(slots)


async def test_each_channel_has_turns_of_its_own_and_nobody_waits_without_a_pace() -> None:
    turns, begun = Turns(), time.monotonic()
    await turns.take("x", 30.0, time.monotonic() + 0.0)
    await turns.take("y", 30.0, time.monotonic() - 1.0)
    for _number in range(50):
        await turns.take("z", 0.0, time.monotonic() - 1.0)
    assert time.monotonic() - begun < 5.0


async def test_no_call_starts_before_its_slot() -> None:
    slot = time.monotonic() + 0.05
    await Turns().take("x", 0.0, slot)
    assert time.monotonic() >= slot


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    opened = Nursery()
    yield opened
    opened.close()


async def test_three_processes_keep_one_pace(
    database: Database, tmp_path: Path, nursery: Nursery
) -> None:
    begun = time.time()
    ids = await put(database, 45, on=channel(pace=Pace(per_second=RATE)))
    path = tmp_path / "calls.log"
    dice = random.Random(1)
    for _number in range(3):
        await asyncio.to_thread(
            nursery.start, database.url, path, 0.001 + dice.random() / 100, RATE, 10.0
        )
    async with asyncio.timeout(30):
        while set((await states(database)).values()) != {"sent"}:
            await asyncio.sleep(0.1)
    lines = [line.split() for line in path.read_text().splitlines()]
    moments = sorted(float(line[2]) for line in lines if line[0] == "before")
    assert len(moments) == len(ids)
    # slots are booked from the database's clock: a slow machine makes calls later, never earlier
    assert moments[-1] - begun >= (len(ids) - 1) / RATE * 0.99
