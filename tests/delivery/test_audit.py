"""The audit under load: several workers, one chain without a gap, one row for each outcome."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from alertbot.db import audit
from alertbot.db.database import Database
from alertbot.delivery.ledger import Hooks
from alertbot.delivery.runners import LocalRunner
from tests.delivery.scene import NullAdapter, channel, put

WORKERS = 3
DELIVERIES = 900


async def _note(conn: Any, outcomes: Any) -> None:
    now = datetime.now(UTC)
    entries = [
        audit.AuditEntry(actor="alertbot", verb=str(one.state), at=now, detail={"delivery": one.id})
        for one in outcomes
    ]
    await audit.append_many(conn, entries)


async def _noted(conn: Any) -> list[int]:
    return [row["detail"]["delivery"] async for row in audit.export(conn)]


async def test_the_chain_has_no_gap_and_no_outcome_is_missing(database: Database) -> None:
    ids = await put(database, DELIVERIES)
    others = [await Database.open(database.url, migrate=False) for _number in range(WORKERS)]
    runners = [
        LocalRunner(one, {"null": NullAdapter(channel())}, hooks=Hooks(outcomes=_note), concurrency=40)
        for one in others
    ]
    tallies = await asyncio.gather(*(runner.run_once() for runner in runners))
    assert sum(tally.sent for tally in tallies) == DELIVERIES
    assert (await database.read(audit.verify)).whole
    assert sorted(await database.read(_noted)) == ids
    for one in others:
        await one.close()
