"""Workers shot with SIGKILL at random moments, and then every delivery is accounted for.

Four zeros: no call made twice, none lost, none called and yet neither sent nor known to be uncertain,
none said to be sent that was never called.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from alertbot.db.database import Database
from alertbot.delivery.runners import LocalRunner
from tests.delivery.scene import NullAdapter, channel, put, states
from tests.delivery.worker import Nursery
from tests.effort import examples

KILLS = examples(55)
WORKERS = 2
CALL_SECONDS = 0.02
LEASE_SECONDS = 1.0


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    opened = Nursery()
    yield opened
    opened.close()


def _shoot(url: str, path: Path, nursery: Nursery, dice: random.Random) -> None:
    """Keep some workers at work and shoot the oldest again and again, at random moments."""
    for _number in range(KILLS):
        while len(nursery.alive) < WORKERS:
            nursery.start(url, path, CALL_SECONDS, 0, LEASE_SECONDS)
        while "before" not in path.read_text():  # on a slow machine the first may take long to begin
            time.sleep(0.01)
        time.sleep(dice.random() * 0.4)
        nursery.kill(nursery.alive[0])


async def test_every_delivery_is_accounted_for(
    database: Database, tmp_path: Path, nursery: Nursery
) -> None:
    ids = await put(database, 8_000)
    path = tmp_path / "calls.log"
    path.touch()
    dice = random.Random(20210602)
    await asyncio.to_thread(_shoot, database.url, path, nursery, dice)
    nursery.close()
    clean = NullAdapter(channel())
    tally = await LocalRunner(database, {"null": clean}, lease=LEASE_SECONDS).run_once()
    calls = Counter(clean.sent)
    finished = set(clean.sent)
    for line in path.read_text().splitlines():
        word, *rest = line.split()
        if word == "before":
            calls[int(rest[0])] += 1
        elif word == "after":
            finished.add(int(rest[0]))
    found = await states(database)
    sent = {number for number, state in found.items() if state == "sent"}
    uncertain = {number for number, state in found.items() if state == "uncertain"}
    assert [number for number, times in calls.items() if times > 1] == []  # doubled
    assert set(ids) - sent - uncertain == set()  # lost
    assert calls.keys() - sent - uncertain == set()  # done in the dark
    assert sent - finished == set()  # said to be sent, never called
    assert tally.waiting == 0
    assert len(uncertain) <= 60 * (KILLS + WORKERS)
    assert len(calls) > len(clean.sent)  # the workers that were shot did send
