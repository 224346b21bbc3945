"""Deliveries per second through the whole engine with a channel that does nothing, on both databases.

Every delivery has its intent and its outcome committed. Figures only, nothing is asserted.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass
from typing import Any

DELIVERIES = 20_000
RUNS = 3
BACKLOG = 200_000
CLAIMS = 20


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured. `memory_mb`: the worker's peak."""

    database: str
    deliveries: int
    per_second: float
    memory_mb: float


def sqlite() -> dict[str, object]:
    """The figures on SQLite."""
    return _figures("sqlite")


def postgresql() -> dict[str, object]:
    """The figures on PostgreSQL."""
    return _figures("postgresql")


def _figures(dialect: str) -> dict[str, object]:
    runs = [measure(dialect) for _number in range(RUNS)]
    rates = [run.per_second for run in runs]
    return {
        "deliveries per second (median)": round(statistics.median(rates)),
        "lowest and highest": f"{min(rates):.0f} to {max(rates):.0f}",
        "deliveries": DELIVERIES,
        "runs": RUNS,
        "memory of the worker, peak (MB)": round(max(run.memory_mb for run in runs)),
        f"claim of something urgent behind {BACKLOG} others (ms, median)": round(urgent(dialect), 1),
    }


def measure(dialect: str, deliveries: int = DELIVERIES) -> Figures:
    """Run in a process of its own, so that memory is the worker's. `dialect`: sqlite or postgresql."""
    return Figures(**_apart(dialect, str(deliveries)))


def urgent(dialect: str) -> float:
    """Milliseconds to claim what goes first, with a long queue behind it; in a process of its own."""
    return float(_apart(dialect, "urgent")["claim_ms"])


def _apart(*words: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.engine", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


async def run(url: str, dialect: str, deliveries: int) -> dict[str, Any]:
    """Enqueue, drain, and divide."""
    from alertbot.db.database import Database
    from alertbot.delivery.runners import LocalRunner
    from tests.delivery.scene import NullAdapter, channel, put

    class Silent(NullAdapter):
        async def _send(self, post):  # type: ignore[no-untyped-def]
            from alertbot.core.model import Receipt

            return Receipt(str(post.delivery))

    database = await Database.open(url, migrate=False)
    await put(database, deliveries)
    runner = LocalRunner(database, {"null": Silent(channel())})
    begun = time.perf_counter()
    tally = await runner.run_once()
    seconds = time.perf_counter() - begun
    await database.close()
    assert tally.sent == deliveries, tally
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return asdict(Figures(dialect, deliveries, round(deliveries / seconds, 1), round(memory, 1)))


async def run_urgent(url: str) -> dict[str, Any]:
    """Claim one of a few urgent deliveries behind a long queue, several times."""
    from alertbot.db.database import Database
    from alertbot.delivery import store_accounts, store_claim
    from tests.delivery.scene import put

    database = await Database.open(url, migrate=False)
    await put(database, BACKLOG, name="ABCD-1", priority=9)
    await put(database, CLAIMS, name="ABCD-2", priority=1)
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    spent = []
    for _number in range(CLAIMS):
        begun = time.perf_counter()
        taken = await database.transact(
            lambda conn: store_claim.claim(conn, whose, 1, worker="bench", lease=60.0)
        )
        spent.append(time.perf_counter() - begun)
        assert taken.rows[0].id > BACKLOG
    await database.close()
    return {"claim_ms": statistics.median(spent) * 1000}


def main(dialect: str, what: str) -> dict[str, Any]:
    """One measurement in this process, on a fresh database. `what`: `urgent`, or how many deliveries."""
    return on_a_fresh_database(
        dialect, lambda url: run_urgent(url) if what == "urgent" else run(url, dialect, int(what))
    )


def on_a_fresh_database(
    dialect: str, work: Callable[[str], Coroutine[Any, Any, dict[str, Any]]]
) -> dict[str, Any]:
    """What `work` answers for the address of a migrated, empty database, which is gone afterwards."""
    from tests import postgres

    with tempfile.TemporaryDirectory() as folder:
        if dialect == "sqlite":
            url = f"sqlite:///{folder}/bench.db"
            postgres.build_schema(url)
            return asyncio.run(work(url))
        name = uuid.uuid4().hex
        server = postgres.server_url(name, durable=True)
        url = postgres.clone(server, postgres.template(server, name))
        try:
            return asyncio.run(work(url))
        finally:
            postgres.drop(server, url)


if __name__ == "__main__":
    wanted = sys.argv[1:2] or ["sqlite"]
    print(json.dumps(main(wanted[0], (sys.argv[2:3] or [str(DELIVERIES)])[0])))
