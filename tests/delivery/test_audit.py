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


async def _outcomes(conn: Any) -> list[audit.AuditRow]:
    """Without the rows that only tell what was written in the tables."""
    return [row async for row in audit.export(conn) if row["verb"] != audit.ROWS]


async def _noted(conn: Any) -> list[int]:
    return [row["detail"]["delivery"] for row in await _outcomes(conn)]


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


async def test_where_the_bookkeeping_fails_a_bare_row_says_who_did_what(database: Database) -> None:
    """The outcome is kept whatever a hook does; its row names the machine, the post and that it is bare."""

    async def broken(_conn: Any, _outcomes: Any) -> None:
        raise RuntimeError("audit is broken")

    [number] = await put(database)
    begun = datetime.now(UTC)
    runner = LocalRunner(database, {"null": NullAdapter(channel())}, hooks=Hooks(outcomes=broken))
    await runner.run_once()

    [row] = await database.read(_outcomes)
    assert (row["actor"], row["verb"], row["alert"]) == ("alertbot", "sent", "ABCD-1")
    assert (row["digest"], row["remote_id"]) == ("d", f"r{number}")
    assert row["detail"] == {"delivery": number, "channel": "null", "attempt": 1, "bare": True}
    assert abs((datetime.fromisoformat(row["at"]) - begun).total_seconds()) < 60
    assert (await database.read(audit.verify)).whole
