"""Workers shot between an edit's intent and its outcome: none is lost, none is left to a person, and none
is made more often than a worker died over it."""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import String, cast, update

from alertbot.core.model import Post, Receipt
from alertbot.db.database import Database
from alertbot.db.tables import delivery
from alertbot.delivery.runners import LocalRunner
from tests.delivery.scene import NullAdapter, channel, put, rows
from tests.delivery.worker import Nursery

KILLS = 6
CALL_SECONDS = 0.05
LEASE_SECONDS = 1.0


class Editor(NullAdapter):
    async def edit(self, post: Post) -> Receipt:
        self.posts.append(post)
        return Receipt(post.reply_to or "")


def _shoot(url: str, path: Path, nursery: Nursery, dice: random.Random) -> None:
    for _number in range(KILLS):
        seen = path.read_text().count("before")
        nursery.start(url, path, CALL_SECONDS, 0, LEASE_SECONDS)
        while path.read_text().count("before") == seen:
            time.sleep(0.005)
        time.sleep(dice.random() * CALL_SECONDS)
        nursery.kill(nursery.alive[0])


@pytest.mark.thorough
async def test_every_edit_is_made(database: Database, tmp_path: Path) -> None:
    await put(database, 400)
    ref = "post" + cast(delivery.c.id, String)
    await database.transact(
        lambda conn: conn.execute(update(delivery).values(action="edit", remote_ref=ref))
    )
    path = tmp_path / "calls.log"
    path.touch()
    nursery = Nursery()
    try:
        await asyncio.to_thread(_shoot, database.url, path, nursery, random.Random(20210602))
    finally:
        nursery.close()
    clean = Editor(channel())
    tally = await LocalRunner(database, {"null": clean}, lease=LEASE_SECONDS).run_once()
    assert (tally.uncertain, tally.waiting, tally.failed) == (0, 0, 0)
    calls = Counter(clean.sent)
    for line in path.read_text().splitlines():
        word, *rest = line.split()
        if word == "before":
            calls[int(rest[0])] += 1
    for row in await rows(database):
        assert row.state == "sent"
        assert row.remote_id == row.remote_ref
        assert 1 <= calls[row.id] <= row.attempts <= KILLS + 1
