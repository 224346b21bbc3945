"""What is asked again and again costs no more however much was ever sent: counted in steps of SQLite's machine,
which are the same on every computer."""

import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from alertbot.core.model import DeliveryState
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_listing
from alertbot.ops import store_metrics
from alertbot.watch import store_decisions
from benchmarks import grown
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
        assert conn.sync_connection is not None
        raw: Any = conn.sync_connection.connection.driver_connection
        await look(conn)  # prepared
        raw.set_progress_handler(step, STEP)
        await look(conn)
        raw.set_progress_handler(None, STEP)

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


async def scraped(conn: Connection) -> Any:
    """As `/metrics` does, once it has counted what was there."""
    newest = await conn.scalar(text("SELECT max(id) FROM dispatch"))
    return await store_metrics.lots(conn, after=int(newest or 0) - 5)


@pytest.mark.parametrize("look", [told, scraped, uncertain])
async def test_alerts_of_long_ago_cost_nothing(
    sqlite_template: Path, tmp_path: Path, look: Look
) -> None:
    """One incident may have hundreds of them."""
    steps = []
    for alerts in (10, 500):
        path = tmp_path / f"{alerts}.db"
        shutil.copyfile(sqlite_template, path)
        database = await Database.open(f"sqlite:///{path}", migrate=False)
        await grown.fill(database, alerts * 10, each=10)
        steps.append(await _steps(database, look))
        await database.close()
    assert steps[1] <= 2 * steps[0] + 500
