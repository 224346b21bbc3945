"""Several at once: workers that start together, people who do the same thing, locks taken in one order."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from alertbot.core.errors import Refused
from alertbot.db import audit
from alertbot.db.database import Database
from alertbot.db.sql import AUDIT, take_lock
from alertbot.delivery import store_accounts, store_claim, store_settle
from alertbot.delivery.ledger import Hooks, Ledger
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_accounts import Want
from alertbot.watch import incidents
from tests import postgres
from tests.delivery.scene import NullAdapter, channel, put
from tests.team import START, gather
from tests.watch.test_watching import watched

TOGETHER = 6


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def fresh_url(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The address of a database in which there is nothing yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'fresh.db'}"
        return
    server = request.getfixturevalue("postgres_server")
    url = postgres.clone(server, "template1")
    yield url
    postgres.drop(server, url)


async def test_workers_that_start_together_on_a_fresh_database(fresh_url: str) -> None:
    channels = [channel(name) for name in ("first", "second", "third")]

    async def start() -> None:
        database = await Database.open(fresh_url)
        try:
            adapters = {one.name: NullAdapter(one) for one in channels}
            await LocalRunner(database, adapters).run_once(0.0)
        finally:
            await database.close()

    results = await asyncio.gather(*(start() for _one in range(TOGETHER)), return_exceptions=True)
    assert results == [None] * TOGETHER


async def test_accounts_that_several_workers_make_at_once(database: Database) -> None:
    others = [await Database.open(database.url, migrate=False) for _one in range(TOGETHER)]
    met = asyncio.Barrier(TOGETHER if database.dialect == "postgresql" else 1)

    async def make(mine: Database) -> None:
        async def work(conn: Any) -> None:
            await conn.exec_driver_sql("SELECT 1")
            await met.wait()  # each has begun before any has written
            await store_accounts.agree(conn, [channel(name) for name in ("first", "second")])

        await mine.transact(work)

    await asyncio.gather(*(make(one) for one in others))
    found = await database.read(lambda conn: store_accounts.named(conn, ["first", "second"]))
    assert len(found) == 2
    await asyncio.gather(*(one.close() for one in others))


async def test_of_two_who_open_one_incident_the_second_is_told_of_the_first_ones(
    database: Database,
) -> None:
    team = watched(await gather(database))
    opening = (
        incidents.open_(team.service, team.people[name], None, watched="calls")
        for name in ("ada", "bo")
    )
    results = await asyncio.gather(*opening, return_exceptions=True)
    made = [one for one in results if not isinstance(one, BaseException)]
    told = [one for one in results if isinstance(one, Refused)]
    assert (len(made), len(told)) == (1, 1), results
    assert made[0].id in str(told[0])


@pytest.mark.postgres
async def test_an_intent_and_a_cancellation_that_meet_do_not_wait_for_each_other(
    postgres_url: str,
) -> None:
    database = await Database.open(postgres_url, migrate=False)
    [number] = await put(database)
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    claim = await database.transact(
        lambda conn: store_claim.claim(conn, whose, 1, worker="w", lease=60.0)
    )
    cancelling, intending, began = [], asyncio.Event(), []

    async def first_intent(conn: Any, alerts: Any) -> None:
        began.append(alerts)
        intending.set()
        await audit.append(conn, actor="alertbot", verb="start", at=START)

    async def cancel(conn: Any) -> None:
        cancelling.append(1)
        await take_lock(conn, AUDIT)
        turn_taken.set()
        try:
            async with asyncio.timeout(0.5):
                await intending.wait()
        except TimeoutError:
            pass  # the intent waits for its turn, as it should
        await store_settle.cancel(conn, "ABCD-1", "Cancelled.")

    turn_taken = asyncio.Event()
    ledger = Ledger(database, "w", hooks=Hooks(first_intent=first_intent))
    stopping = asyncio.create_task(database.transact(cancel))
    await turn_taken.wait()
    want = Want(number, whose.id, 0.0, claim.rows[0].dispatch)
    assert not await ledger.intend(want)  # it comes second, and the cancellation holds
    await stopping
    assert (len(cancelling), began) == (1, [])  # nobody was ended by the database and run again
    await database.close()
