"""The pace: how much to hold, and the rate that several processes keep together."""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.model import Pace
from alertbot.db.database import Database
from alertbot.delivery.calls import Turns, moment, portion
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


async def test_calls_that_are_late_for_their_slots_do_not_start_at_once() -> None:
    """Five slots have passed in a stall: the calls go out a gap apart, and may catch up by a hair."""
    turns, past, begun = Turns(), moment(-10.0), time.monotonic()
    started: list[float] = []

    async def call() -> None:
        await turns.take("x", 0.02, past)
        started.append(time.monotonic() - begun)

    await asyncio.gather(*(call() for _number in range(5)))
    starts = sorted(started)  # a busy machine wakes a call late, but none before its own gap
    assert all(one >= number * 0.02 * 0.9 for number, one in enumerate(starts))


async def test_each_channel_has_turns_of_its_own_and_nobody_waits_without_a_pace() -> None:
    turns, begun = Turns(), time.monotonic()
    await turns.take("x", 30.0, moment(0.0))
    await turns.take("y", 30.0, moment(-1.0))
    for _number in range(50):
        await turns.take("z", 0.0, moment(-1.0))
    assert time.monotonic() - begun < 5.0


async def test_no_call_starts_before_its_slot() -> None:
    slot = moment(0.05)
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
