"""What is asked again and again, in milliseconds, after 10 thousand, 100 thousand and a million deliveries were
sent, on both databases. Figures only, nothing is asserted."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Table, text

from alertbot.core.model import DeliveryState
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.tables import alert, delivery, dispatch
from alertbot.delivery import store_listing
from alertbot.ops import metrics, store_metrics
from alertbot.watch import store_decisions
from benchmarks.engine import on_a_fresh_database

SIZES = (10_000, 100_000, 1_000_000)
EACH = 1000  # deliveries of an alert
RUNS = 5
SHOWN = 20  # alerts that `status` shows


def measure() -> dict[str, object]:
    """A figure for each size, database and question."""
    figures: dict[str, object] = {}
    for dialect in ("sqlite", "postgresql"):
        by_size = [_apart(dialect, size) for size in SIZES]
        for name in by_size[0]:
            row = " / ".join(f"{one[name]:.1f}" for one in by_size)
            figures[f"{name} on {dialect} after 10 k / 100 k / 1 M (ms)"] = row
    return figures


def _apart(dialect: str, size: int) -> dict[str, float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.grown", dialect, str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


async def run(url: str, size: int) -> dict[str, float]:
    """Fill the database, ask each question several times."""
    database = await Database.open(url, migrate=False)
    await fill(database, size)
    shown = [f"ABCD-{number}" for number in range(1, 1 + min(SHOWN, size // EACH))]
    questions: dict[str, Callable[[Connection], Awaitable[Any]]] = {
        "status": lambda conn: store_listing.summary(conn, shown=shown),
        "deliveries --state uncertain": lambda conn: store_listing.deliveries(
            conn, states=(DeliveryState.UNCERTAIN,), limit=100
        ),
        "what /metrics looks at": lambda conn: store_metrics.lots(
            conn, after=size // EACH - metrics.OVERLAP
        ),
        "what a decision looks at": lambda conn: store_decisions.reached_public(conn, ["ABCD"]),
    }
    figures = {name: await _ask(database, question) for name, question in questions.items()}
    await database.close()
    return figures


async def _ask(database: Database, question: Callable[[Connection], Awaitable[Any]]) -> float:
    spent = []
    for _number in range(RUNS):
        begun = time.perf_counter()
        await database.read(question)
        spent.append(time.perf_counter() - begun)
    return statistics.median(spent) * 1000


async def fill(database: Database, size: int, each: int = EACH) -> None:
    """One alert by the engine's own road; its rows are then copied, a statement for each table."""
    from tests.delivery.scene import put

    await put(database, 1)

    async def work(conn: Connection) -> None:
        await conn.execute(text("UPDATE delivery SET state = 'sent', settled_at = 1"))
        await conn.execute(text("UPDATE dispatch SET closed = true"))
        alerts = size // each
        await _copy(conn, alert, alerts, {"id": "'ABCD-' || i", "number": "i"})
        await _copy(conn, dispatch, alerts, {"id": "i", "alert_id": "'ABCD-' || i"})
        rows = {"id": "i", "dispatch_id": f"1 + i / {each + 1}", "target": "'r' || i"}
        await _copy(conn, delivery, alerts * each, rows)

    await database.transact(work)


async def _copy(conn: Connection, table: Table, last: int, changed: dict[str, str]) -> None:
    """The table's only row again as numbers 2 to `last`; `changed`: SQL with the number as `i`."""
    names = [column.name for column in table.columns]
    values = ", ".join(changed.get(name, f'one."{name}"') for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    statement = (
        f"INSERT INTO {table.name} ({columns})"
        " WITH RECURSIVE series(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM series WHERE i < :last),"
        f" one AS (SELECT * FROM {table.name} WHERE id = (SELECT min(id) FROM {table.name}))"
        f" SELECT {values} FROM series, one"
    )
    await conn.execute(text(statement), {"last": last})


if __name__ == "__main__":
    print(json.dumps(on_a_fresh_database(sys.argv[1], lambda url: run(url, int(sys.argv[2])))))
