"""What is asked again and again costs no more however much was ever sent: counted in steps of SQLite's machine,
which are the same on every computer."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from alertbot.core.model import DeliveryState
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_listing
from alertbot.ops import store_metrics
from alertbot.watch import store_decisions
from tests.delivery.scene import put

STEP = 10
SETTLED = 20_000
COPY = text(
    "INSERT INTO delivery (dispatch_id, message_id, target, lang, part, state, attempts, resent, retry_at, cost,"
    " settled_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
    " SELECT d.dispatch_id, d.message_id, 'r' || i, d.lang, 1, 'sent', 1, 0, 0, 0, 0 FROM n, delivery d"
    " WHERE d.id = :like"
)
Look = Callable[[Connection], Awaitable[Any]]


async def uncertain(conn: Connection) -> Any:
    return await store_listing.deliveries(conn, states=(DeliveryState.UNCERTAIN,), limit=20)


async def told(conn: Connection) -> Any:
    return await store_decisions.reached_public(conn, ["ABCD"])


LOOKS: dict[str, Look] = {
    "status": store_listing.summary,
    "deliveries": uncertain,
    "metrics": store_metrics.lots,
    "decision": told,
}


async def _steps(database: Database, look: Look) -> int:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    async def work(conn: Connection) -> None:
        raw = (await conn.get_raw_connection()).driver_connection
        assert raw is not None
        await look(conn)  # prepared
        await raw.set_progress_handler(step, STEP)
        await look(conn)
        await raw.set_progress_handler(None, STEP)

    await database.read(work)
    return count * STEP


@pytest.mark.parametrize("name", LOOKS)
async def test_what_was_sent_long_ago_costs_nothing(sqlite_url: str, name: str) -> None:
    database = await Database.open(sqlite_url, migrate=False)
    [like] = await put(database, 1)

    async def settle(conn: Connection, count: int) -> None:
        await conn.execute(COPY, {"count": count, "like": like})
        await conn.execute(text("UPDATE delivery SET state = 'sent'"))
        await conn.execute(text("UPDATE dispatch SET closed = true"))
        newest = "(SELECT max(id) FROM delivery)"  # found last by whoever looks through all
        await conn.execute(text(f"UPDATE delivery SET state = 'uncertain' WHERE id = {newest}"))

    await database.transact(lambda conn: settle(conn, 10))
    before = await _steps(database, LOOKS[name])
    await database.transact(lambda conn: settle(conn, SETTLED))
    after = await _steps(database, LOOKS[name])
    await database.close()
    assert after <= 2 * before + 500
