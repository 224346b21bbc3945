"""PostgreSQL, cut off from a writer in the middle of a transaction: its locks go, and it finds a way back."""

import asyncio

import pytest
from sqlalchemy import text

from alertbot.core.errors import StoreFailed
from alertbot.db import engines
from alertbot.db.database import Database
from alertbot.db.sql import AUDIT, take_lock
from tests.severing import door_to

pytestmark = pytest.mark.postgres


async def test_the_locks_of_a_writer_that_is_cut_off_are_given_up(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "STALLED_SECONDS", 1)
    async with door_to(postgres_url) as door:
        far, near = await Database.open(door.address), await Database.open(postgres_url)

        async def stay(conn) -> None:
            await take_lock(conn, AUDIT)
            door.shut()
            await conn.execute(text("SELECT 1"))

        stuck = asyncio.create_task(far.transact(stay))
        async with asyncio.timeout(60):
            await near.transact(lambda conn: take_lock(conn, AUDIT))
        assert not stuck.done()
        door.cut()
        with pytest.raises(StoreFailed):
            await stuck
        door.unlock()
        await far.transact(lambda conn: take_lock(conn, AUDIT))  # over a new connection
        await far.close()
        await near.close()
