"""Four workers of one database, as on four machines: they are shot, stand still past their leases, lose their connections
in the middle of transactions; the server crashes and recovers, or a second one is promoted. Every delivery is accounted
for: no call made twice, none lost, none made in the dark, none said to be made that was not.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from alertbot.db import migrate
from alertbot.db.database import Database
from alertbot.delivery.runners import LocalRunner
from tests.delivery.scene import NullAdapter, channel, put, states
from tests.delivery.worker import Nursery
from tests.servers import Cluster, cluster

pytestmark = [pytest.mark.postgres, pytest.mark.thorough]

WORKERS = 4
CALL_SECONDS = 0.02
LEASE_SECONDS = 1.5
RATE = 150.0
LIMIT = 120.0
PATIENCE = 15.0


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    opened = Nursery()
    yield opened
    opened.close()


@pytest.fixture
def servers() -> Iterator[Cluster]:
    with cluster() as made:
        migrate.upgrade(made.url)
        yield made


class Fleet:
    """The workers, and a log of their calls."""

    def __init__(self, nursery: Nursery, url: str, path: Path) -> None:
        self._nursery, self.url, self.path = nursery, url, path
        self.stopped: set[int] = set()
        path.touch()

    def begin(self) -> None:
        """As many workers as there should be."""
        while len(self._nursery.alive) < WORKERS:
            self._nursery.start(self.url, self.path, CALL_SECONDS, RATE, LEASE_SECONDS, jobs=True)

    def wait_for_calls(self, more: int) -> None:
        """Until so many more were made; not for long, since all may have been made while this process stood still."""
        wanted, until = self.begun + more, time.monotonic() + PATIENCE
        while self.begun < wanted and time.monotonic() < until:
            time.sleep(0.02)

    @property
    def begun(self) -> int:
        return self.path.read_text().count("before")

    def shoot(self) -> None:
        self._nursery.kill(self._nursery.alive[0])
        self.begin()

    def stop_one(self) -> None:
        """One stands still until its leases are long over."""
        pid = self._nursery.alive[-1]
        os.kill(pid, signal.SIGSTOP)
        self.stopped.add(pid)

    def wake(self) -> None:
        for pid in self.stopped:
            os.kill(pid, signal.SIGCONT)
        self.stopped.clear()

    def close(self) -> None:
        self.wake()
        self._nursery.close()


async def _settled(url: str) -> Database:
    """Once nothing is left to send."""
    database = await Database.open(url, migrate=False)
    async with asyncio.timeout(LIMIT):
        while set((await states(database)).values()) & {"pending", "claimed", "sending"}:
            await asyncio.sleep(0.2)
    return database


async def _accounted(database: Database, log: str, ids: list[int]) -> None:
    clean = NullAdapter(channel())
    tally = await LocalRunner(database, {"null": clean}, lease=LEASE_SECONDS).run_once()
    assert tally.waiting == 0
    calls, finished = Counter(clean.sent), set(clean.sent)
    for line in log.splitlines():
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
    assert len(sent) > len(ids) / 2


async def _run(
    servers: Cluster, nursery: Nursery, path: Path, number: int, troubles: Callable[[Fleet], None]
) -> None:
    before = await Database.open(servers.url, migrate=False)
    ids = await put(before, number, on=channel())
    await before.close()
    fleet = Fleet(nursery, servers.url, path)

    def all_of_it() -> None:
        fleet.begin()
        fleet.wait_for_calls(20)
        troubles(fleet)
        fleet.wake()

    await asyncio.to_thread(all_of_it)
    database = await _settled(servers.url)
    await asyncio.to_thread(fleet.close)
    await _accounted(database, await asyncio.to_thread(path.read_text), ids)
    await database.close()


async def test_shot_stopped_cut_off_and_the_server_crashes(
    servers: Cluster, tmp_path: Path, nursery: Nursery
) -> None:
    dice = random.Random(20210602)

    def troubles(fleet: Fleet) -> None:
        for number in range(2):
            fleet.stop_one()
            fleet.wait_for_calls(30)
            fleet.shoot()
            fleet.wait_for_calls(30)
            time.sleep(dice.random() * 0.2)
            servers.cut()
            fleet.wait_for_calls(30)
            if number:
                servers.crash()
                time.sleep(dice.random())
                servers.start()
                fleet.wait_for_calls(30)
            fleet.wake()

    await _run(servers, nursery, tmp_path / "calls.log", 1500, troubles)


async def test_a_second_server_is_promoted(servers: Cluster, tmp_path: Path, nursery: Nursery) -> None:
    servers.follow()

    def troubles(fleet: Fleet) -> None:
        servers.crash()
        time.sleep(0.5)
        servers.promote()
        fleet.wait_for_calls(50)

    await _run(servers, nursery, tmp_path / "calls.log", 600, troubles)
