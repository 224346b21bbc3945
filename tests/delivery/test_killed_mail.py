"""Workers that send mail over real connections, shot with SIGKILL in the midst; then every delivery is accounted for
by what the server has taken."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from alertbot.db.database import Database
from alertbot.delivery.calls import IN_FLIGHT
from benchmarks import mailing
from benchmarks.mail import sink
from benchmarks.sink import TAKEN
from tests.delivery.scene import put, states

KILLS = 4
READERS = 3000
MOST_SECONDS = 60.0


async def _shoot(url: str, port: int, record: Path, dice: random.Random) -> None:
    """Let a worker send some, and kill it a moment later."""
    before = len(mailing.seen(record, TAKEN))
    worker = mailing.worker(url, port)
    try:
        async with asyncio.timeout(MOST_SECONDS):
            while len(mailing.seen(record, TAKEN)) == before and worker.poll() is None:
                await asyncio.sleep(0.005)
        await asyncio.sleep(dice.random() * 0.1)
    finally:
        worker.kill()
        await asyncio.to_thread(worker.wait)


@pytest.mark.thorough
async def test_every_mail_is_accounted_for_at_the_server(database: Database, tmp_path: Path) -> None:
    dice, record = random.Random(7), tmp_path / "record"
    record.touch()
    names = [f"reader-{number}@example.org" for number in range(READERS)]
    async with sink(record) as port:
        ids = await put(database, names, on=mailing.adapter(port).channel)
        reader = dict(zip(ids, names, strict=True))
        for _number in range(KILLS):
            before = Counter((await states(database)).values())
            await _shoot(database.url, port, record, dice)
            found = Counter((await states(database)).values())
            # of earlier workers some may still be held, and wait for their leases
            assert found["sending"] <= before["sending"] + IN_FLIGHT
        await mailing.work(database.url, port)
        taken = Counter(name for _moment, name in mailing.seen(record, TAKEN))
    found = await states(database)
    sent = {reader[number] for number, state in found.items() if state == "sent"}
    uncertain = {reader[number] for number, state in found.items() if state == "uncertain"}
    assert [name for name, times in taken.items() if times > 1] == []  # doubled
    assert set(names) - sent - uncertain == set()  # lost
    assert taken.keys() - sent - uncertain == set()  # taken in the dark
    assert sent - taken.keys() == set()  # said to be sent
    assert len(uncertain) <= KILLS * IN_FLIGHT
    assert sent
