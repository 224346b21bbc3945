"""Deliveries per second through the whole engine with a channel that does nothing, on both databases.

Every delivery has its intent and its outcome committed. Figures only, nothing is asserted.
"""

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import asdict, dataclass

DELIVERIES = 20_000
CONCURRENCY = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run measured. `memory_mb`: the worker's peak."""

    database: str
    deliveries: int
    per_second: float
    seconds: float
    memory_mb: float


def measure(dialect: str, deliveries: int = DELIVERIES) -> Figures:
    """Run in a process of its own, so that memory is the worker's. `dialect`: sqlite or postgresql."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.engine", dialect, str(deliveries)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


async def run(url: str, dialect: str, deliveries: int) -> Figures:
    """Enqueue, drain, and divide."""
    from alertbot.delivery.runners import LocalRunner
    from alertbot.store.database import Database
    from tests.delivery.scene import NullAdapter, channel, put

    class Silent(NullAdapter):
        async def _send(self, post):  # type: ignore[no-untyped-def]
            from alertbot.model import Receipt

            return Receipt(str(post.delivery))

    database = await Database.open(url, migrate=False)
    await put(database, deliveries)
    runner = LocalRunner(database, {"null": Silent(channel())}, concurrency=CONCURRENCY)
    begun = time.perf_counter()
    tally = await runner.run_once()
    seconds = time.perf_counter() - begun
    await database.close()
    assert tally.sent == deliveries, tally
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return Figures(
        dialect, deliveries, round(deliveries / seconds, 1), round(seconds, 2), round(memory, 1)
    )


def main(dialect: str, deliveries: int) -> Figures:
    """One measurement in this process, on a fresh database."""
    from tests import postgres

    with tempfile.TemporaryDirectory() as folder:
        if dialect == "sqlite":
            url = f"sqlite:///{folder}/bench.db"
            postgres.build_schema(url)
            return asyncio.run(run(url, dialect, deliveries))
        name = uuid.uuid4().hex
        server = postgres.server_url(name, durable=True)
        url = postgres.clone(server, postgres.template(server, name))
        try:
            return asyncio.run(run(url, dialect, deliveries))
        finally:
            postgres.drop(server, url)


if __name__ == "__main__":
    wanted = sys.argv[1:2] or ["sqlite"]
    amount = int(sys.argv[2]) if len(sys.argv) > 2 else DELIVERIES
    print(json.dumps(asdict(main(wanted[0], amount))))
