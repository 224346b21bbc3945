"""Workers shot with SIGKILL at random moments, and then every delivery is accounted for.

Four zeros: no call made twice, none lost, none called and yet neither sent nor known to be uncertain,
none called sent that was never called.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from alertbot.delivery.runners import LocalRunner
from alertbot.store.database import Database
from tests.delivery.scene import NullAdapter, channel, put, states

ROOT = Path(__file__).parents[2]
KILLS = 52
WORKERS = 3
CALL_SECONDS = 0.01
LEASE_SECONDS = 1.0


def start(url: str, path: Path, seconds: float, rate: float, lease: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.delivery.worker", url, str(path)]
    return subprocess.Popen(
        [*command, str(seconds), str(rate), str(lease)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def kill(worker: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    if worker.stdout:
        worker.stdout.close()


@pytest.fixture
def shot() -> Iterator[list[subprocess.Popen[str]]]:
    workers: list[subprocess.Popen[str]] = []
    yield workers
    for worker in workers:
        kill(worker)


def _shoot(url: str, path: Path, workers: list[subprocess.Popen[str]], dice: random.Random) -> None:
    """Keep `WORKERS` at work and shoot one after the other at random moments after its start."""
    import time

    for _number in range(KILLS):
        while len(workers) < WORKERS:
            workers.append(start(url, path, CALL_SECONDS, 0, LEASE_SECONDS))
        victim = workers.pop(0)
        assert victim.stdout is not None
        victim.stdout.readline()  # it is at work
        time.sleep(dice.random() * 0.15)
        kill(victim)


async def test_every_delivery_is_accounted_for(
    database: Database, tmp_path: Path, shot: list[subprocess.Popen[str]]
) -> None:
    ids = await put(database, 20_000)
    path = tmp_path / "calls.log"
    dice = random.Random(20210602)
    await asyncio.to_thread(_shoot, database.url, path, shot, dice)
    for worker in shot:
        kill(worker)
    clean = NullAdapter(channel())
    tally = await LocalRunner(database, {"null": clean}, lease=LEASE_SECONDS).run_once()
    calls = Counter(clean.sent)
    finished = set(clean.sent)
    for line in path.read_text().splitlines():
        word, number, _moment = line.split()
        if word == "before":
            calls[int(number)] += 1
        else:
            finished.add(int(number))
    found = await states(database)
    sent = {number for number, state in found.items() if state == "sent"}
    uncertain = {number for number, state in found.items() if state == "uncertain"}
    assert [number for number, times in calls.items() if times > 1] == []  # doubled
    assert set(ids) - sent - uncertain == set()  # lost
    assert calls.keys() - sent - uncertain == set()  # done in the dark
    assert sent - finished == set()  # claimed to be sent, never called
    assert tally.waiting == 0
    assert 0 < len(uncertain) <= 60 * (KILLS + WORKERS)
