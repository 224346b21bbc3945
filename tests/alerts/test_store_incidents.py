"""Ids that can be told over the telephone."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.alerts import store_incidents
from alertbot.core.errors import Misuse
from alertbot.db.database import Database

NOW = datetime(2021, 6, 2, 16, 45, tzinfo=UTC)


async def test_an_incident_is_found_by_its_id(database: Database) -> None:
    opened = await database.transact(lambda conn: store_incidents.start(conn, by=None, now=NOW))
    assert len(opened.id) == 4
    assert set(opened.id) <= set(store_incidents.LETTERS)
    found = await database.read(lambda conn: store_incidents.get(conn, f" {opened.id.lower()} "))
    assert found == opened
    with pytest.raises(Misuse, match="no incident 'AEIO'"):
        await database.read(lambda conn: store_incidents.get(conn, "AEIO"))


async def test_ids_differ_and_are_listed_latest_first(database: Database) -> None:
    async def work(conn: AsyncConnection) -> list[str]:
        moments = (NOW + timedelta(minutes=n) for n in range(30))
        return [(await store_incidents.start(conn, by=None, now=moment)).id for moment in moments]

    ids = await database.transact(work)
    assert len(set(ids)) == 30
    assert [one.id for one in await database.read(store_incidents.listing)] == ids[::-1]


async def test_numbers_begin_at_one(database: Database) -> None:
    async def work(conn: AsyncConnection) -> int:
        opened = await store_incidents.start(conn, by=None, now=NOW)
        return await store_incidents.next_number(conn, opened.id)

    assert await asyncio.gather(database.transact(work), database.transact(work)) == [1, 1]
