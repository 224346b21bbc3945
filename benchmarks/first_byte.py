"""From approval to the first byte at the sandbox, with a worker running in a process of its own; and until a witness has
seen the post where the public would."""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from alertbot.alerts import approving, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.app import build
from alertbot.core.model import DeliveryState
from alertbot.ops import overview
from alertbot.people import accounts
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.rehearsal.sandbox.x_api import XPlatform
from benchmarks.signals import quiet

ALERTS = 40
CONFIG = """
organisation: {{name: Bench, languages: [fr], verification_page: "https://www.example.org/", sandbox: true}}
database: {database}
channels:
  x_main:
    type: x
    api_url: {x}
    consumer_key_env: BENCH_A
    consumer_secret_env: BENCH_B
    access_token_env: BENCH_C
    access_token_secret_env: BENCH_D
    pace: {{per_second: 100, windows: []}}
"""
WITNESS = "    witness: {{first: 1s, within: 1m}}\n"
SEEN = 8  # alerts that are waited for until they were seen


def measure(database: str = "sqlite:///bench.db") -> dict[str, object]:
    """Median and worst in milliseconds over `ALERTS` approvals."""
    with tempfile.TemporaryDirectory() as folder:
        spent = asyncio.run(_measure(Path(folder), database, CONFIG))
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(_measure(Path(folder), database, CONFIG + WITNESS, until_seen=True))
    return {
        "approve -> first byte (ms, median)": round(statistics.median(spent) * 1000, 1),
        "worst (ms)": round(max(spent) * 1000, 1),
        "alerts": len(spent),
        "approve -> seen by the witness, which looks after 1 s at first (ms, median)": round(
            statistics.median(seen) * 1000
        ),
        "worst of those (ms)": round(max(seen) * 1000),
    }


async def _measure(
    folder: Path, database: str, settings: str, *, until_seen: bool = False
) -> list[float]:
    arrivals: asyncio.Queue[float] = asyncio.Queue()
    _listen(arrivals)
    async with Sandbox(speed=1000) as sandbox:
        config = folder / "config.yaml"
        config.write_text(settings.format(database=database, x=sandbox.x_url), encoding="utf-8")
        worker = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "alertbot"), "--config", str(config), "run",
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return await _approve_all(config, arrivals, until_seen=until_seen)
        finally:
            worker.terminate()
            await worker.wait()


def _listen(arrivals: "asyncio.Queue[float]") -> None:
    """Note when a request to post reaches the X platform; it has been read, so its first byte is older."""
    handle = XPlatform.handle

    async def noted(self: XPlatform, request: HttpRequest) -> Reply:
        if request.method == "POST":
            arrivals.put_nowait(time.perf_counter())
        return await handle(self, request)

    XPlatform.handle = noted  # type: ignore[method-assign]


async def _approve_all(
    config: Path, arrivals: "asyncio.Queue[float]", *, until_seen: bool
) -> list[float]:
    app = build(config)
    service = await app.open()
    first = await accounts.add(service, None, "Ada", ["author"], None)
    second = await accounts.add(service, first.token, "Bo", ["approver"], None)
    author = await accounts.acting(service, first.token)
    approver = await accounts.acting(service, second.token)
    while not (await overview.status(service, None)).worker.alive:
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)  # the worker loads its libraries
    spent = []
    for number in range((SEEN if until_seen else ALERTS) + 1):
        values = {"what_fails": f"le 15, relevé {'i' * (number + 1)}"}
        wishes = DraftRequest("holding", _example(app, values))
        view = await writing.draft(service, author, wishes, new_incident=True)
        view = await writing.submit(service, author, view.id)
        begun = time.perf_counter()
        await approving.approve(service, approver, view.id, view.digest)
        arrived = await asyncio.wait_for(arrivals.get(), 10)
        if until_seen:
            arrived = await _seen(service, view.id)
        if number:  # the first call pays for the connection
            spent.append(arrived - begun)
        await quiet(arrivals)
    await app.close()
    return spent


async def _seen(service: Any, alert: str) -> float:
    """When the witness had seen all of the alert that the platform took."""
    while True:
        rows = await overview.deliveries(service, alert, None, None)
        sent = [row for row in rows if row.state is DeliveryState.SENT]
        if sent and all(row.visible_since for row in sent):
            return time.perf_counter()
        await asyncio.sleep(0.02)


def _example(app: Any, values: dict[str, Any]) -> dict[str, Any]:
    from alertbot.alerts.compose import load_kind

    return dict(load_kind(app.publisher, "holding").example) | values
