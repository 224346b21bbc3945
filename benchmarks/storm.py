"""600 configured services of one source are reported at once; in between, another source reports one more. How long
until the decision about that one, with a rule that writes a draft for each."""

import asyncio
import contextlib
import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from alertbot.db.database import Database
from alertbot.watch import store_decisions, watching
from alertbot.watch.context import Watch, WatchContext
from alertbot.watch.rules_signals import Observed, Signal
from benchmarks.engine import on_a_fresh_database

SERVICES = 600
OTHER = "other"
BEHIND_SECONDS = 1.0  # after the storm has begun
LONGEST_SECONDS = 600.0


def measure() -> dict[str, object]:
    """Seconds, on SQLite."""
    return on_a_fresh_database("sqlite", run)


async def run(url: str) -> dict[str, object]:
    from tests.team import gather
    from tests.watch.test_watching import POLICY, RULES, VALUES

    database = await Database.open(url, migrate=False)
    team = await gather(database)
    names = [f"service_{number}" for number in range(SERVICES)]
    titles = {name: {"fr": f"le {name}", "en": name} for name in [*names, OTHER]}
    rules = (replace(RULES[0], services=frozenset(), values=VALUES),)
    watch = Watch(policy=POLICY, rules=rules, titles=titles, named=frozenset(titles))
    publisher = replace(team.service.publisher, clock=lambda: datetime.now(UTC))
    service = replace(team.service, watch=watch, publisher=publisher)
    stop = asyncio.Event()
    keeping = asyncio.create_task(watching.keep(service, stop))
    begun = time.perf_counter()
    await watching.take(service, [_down(service, "alertmanager", name) for name in names])
    await asyncio.sleep(BEHIND_SECONDS)
    asked = time.perf_counter()
    await watching.take(service, [_down(service, "kuma", OTHER)])
    await _decided(service, [OTHER])
    other = time.perf_counter() - asked
    await _decided(service, names)
    every = time.perf_counter() - begun
    stop.set()
    with contextlib.suppress(asyncio.CancelledError):
        await keeping
    await database.close()
    return {
        "decision about another source's service (s, goal: under 5)": round(other, 2),
        f"decisions about all {SERVICES} services (s)": round(every, 1),
    }


def _down(service: WatchContext, source: str, name: str) -> Signal:
    now = service.now
    return Signal(source, name, Observed.DOWN, now, key=f"{name}/down", received=now, confirmed=True)


async def _decided(service: WatchContext, names: list[str]) -> None:
    async with asyncio.timeout(LONGEST_SECONDS):
        for name in names:
            while not await service.database.read(partial(store_decisions.log_of, service=name)):
                await asyncio.sleep(0.02)


if __name__ == "__main__":
    print(json.dumps(measure()))
