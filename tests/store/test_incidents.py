"""Ids that can be told over the telephone."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.errors import Misuse
from alertbot.store import incidents
from alertbot.store.database import Database

NOW = datetime(2021, 6, 2, 16, 45, tzinfo=UTC)


async def test_an_incident_is_found_by_its_id(database: Database) -> None:
    opened = await database.transact(lambda conn: incidents.start(conn, by=None, now=NOW))
    assert len(opened.id) == 4
    assert set(opened.id) <= set(incidents.LETTERS)
    found = await database.read(lambda conn: incidents.get(conn, f" {opened.id.lower()} "))
    assert found == opened
    with pytest.raises(Misuse, match="no incident 'AEIO'"):
        await database.read(lambda conn: incidents.get(conn, "AEIO"))


async def test_ids_differ_and_are_listed_latest_first(database: Database) -> None:
    async def work(conn: AsyncConnection) -> list[str]:
        moments = (NOW + timedelta(minutes=n) for n in range(30))
        return [(await incidents.start(conn, by=None, now=moment)).id for moment in moments]

    ids = await database.transact(work)
    assert len(set(ids)) == 30
    assert [one.id for one in await database.read(incidents.listing)] == ids[::-1]


async def test_numbers_begin_at_one(database: Database) -> None:
    async def work(conn: AsyncConnection) -> int:
        opened = await incidents.start(conn, by=None, now=NOW)
        return await incidents.next_number(conn, opened.id)

    assert await asyncio.gather(database.transact(work), database.transact(work)) == [1, 1]
