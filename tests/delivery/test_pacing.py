"""The pace: how much to hold, and the rate that several processes keep together."""

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.delivery.pacing import portion
from alertbot.model import Pace
from alertbot.store.claiming import HORIZON
from alertbot.store.database import Database
from tests.delivery.scene import channel, put, states
from tests.delivery.worker import Nursery

RATE = 29.0


@given(st.floats(0, 100), st.integers(0, 1000))
def test_never_more_than_can_start_within_the_horizon(gap: float, free: int) -> None:
    held = portion(gap, free)
    assert 0 <= held <= free
    assert gap == 0 or held <= max(1, HORIZON / gap)
    assert held > 0 or free == 0


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
