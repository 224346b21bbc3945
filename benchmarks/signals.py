"""From a webhook to the first publication of what was approved ahead, and how many reports a second are taken:
`alertbot serve` in a process of its own, the sandbox in this one."""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from alertbot.app import build
from alertbot.people import accounts
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.rehearsal.sandbox.x_api import XPlatform
from alertbot.watch.preapproval import sample, signing

SIGNALS = 30
REPORTS, AT_ONCE = 2000, 32
QUIET_SECONDS = 0.5  # without a further part: a post has arrived whole
SECRET = "a-secret-for-the-webhook-of-the-benchmark"
CONFIG = """
organisation: {{name: Bench, languages: [fr], verification_page: "https://www.example.org/", sandbox: true}}
database: sqlite:///bench.db
sources: {{alertmanager: {{type: alertmanager, secret_env: BENCH_SECRET, per_minute: 100000}}}}
watch:
  policy: {{daily_cap: 1000, remind_every: 0s}}
  services: {{{services}}}
rules:
{rules}channels:
  x_main:
    type: x
    api_url: {x}
    consumer_key_env: BENCH_A
    consumer_secret_env: BENCH_B
    access_token_env: BENCH_C
    access_token_secret_env: BENCH_D
    pace: {{per_second: 100, windows: []}}
"""

RULE = """\
  {name}:
    when: [open, reopen]
    services: [{name}]
    kind: holding
    policy: auto
    set: {{what_fails: "{{service}}", what_works: le 114 par SMS, where: [{place}], what_to_do: Appelez d'un fixe.}}
"""  # each in a place of its own: what is open in the same place already is left to people


def measure() -> dict[str, object]:
    """Milliseconds over `SIGNALS` webhooks, one service each; then `REPORTS` reports that change nothing."""
    os.environ["BENCH_SECRET"] = SECRET
    with tempfile.TemporaryDirectory() as folder:
        spent, answers, seconds = asyncio.run(_measure(Path(folder)))
    return {
        "webhook -> first byte of the first post (ms, median)": _ms(statistics.median(spent)),
        "99th percentile (ms)": _ms(_percentile(spent)),
        "webhooks": len(spent),
        "reports taken per second": round(REPORTS / seconds),
        "answered in (ms, median)": _ms(statistics.median(answers)),
        "answered in (ms, 99th percentile)": _ms(_percentile(answers)),
        "reports, senders at once": f"{REPORTS}, {AT_ONCE}",
    }


async def _measure(folder: Path) -> tuple[list[float], list[float], float]:
    arrivals: asyncio.Queue[float] = asyncio.Queue()
    _listen(arrivals)
    names = [f"service_{number}" for number in range(SIGNALS + 1)]
    async with Sandbox(speed=1000) as sandbox:
        config = folder / "config.yaml"
        titles = ", ".join(f"{name}: {{title: le {number}}}" for number, name in enumerate(names))
        rules = "".join(RULE.format(name=name, place=60 + number) for number, name in enumerate(names))
        told = CONFIG.format(services=titles, rules=rules, x=sandbox.x_url)
        config.write_text(told, encoding="utf-8")
        await _approve_ahead(config)
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "alertbot"), "--config", str(config), "serve", "--port", "0",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().split()[2].rstrip(";")
        try:
            async with httpx.AsyncClient(base_url=address, timeout=60) as client:
                await asyncio.sleep(2.0)  # it loads its libraries
                spent = await _signals(client, names, arrivals)
                return spent, *await _reports(client)
        finally:
            process.terminate()
            await process.wait()


async def _approve_ahead(config: Path) -> None:
    app = build(config)
    service = await app.open()
    first = await accounts.add(service, None, "Ada", ["approver"], None)
    second = await accounts.add(service, first.token, "Bo", ["approver"], None)
    for rule in service.watch.rules:
        made = await sample.template(service, rule)
        for token in (first.token, second.token):
            person = await accounts.acting(service, token)
            await signing.preapprove(service, person, rule.name, digest=made.digest)
    await app.close()


async def _signals(
    client: httpx.AsyncClient, names: list[str], arrivals: "asyncio.Queue[float]"
) -> list[float]:
    spent = []
    for number, name in enumerate(names):
        begun = time.perf_counter()
        await _post(client, name, "firing", number)
        arrived = await asyncio.wait_for(arrivals.get(), 30)
        if number:  # the first call pays for the connection
            spent.append(arrived - begun)
        await quiet(arrivals)
    return spent


async def quiet(arrivals: "asyncio.Queue[float]") -> None:
    """Wait until the rest of the thread has arrived too."""
    while True:
        try:
            await asyncio.wait_for(arrivals.get(), QUIET_SECONDS)
        except TimeoutError:
            return


async def _reports(client: httpx.AsyncClient) -> tuple[list[float], float]:
    """News that nothing is wrong: stored and decided about, and nothing follows."""
    answers: list[float] = []
    numbers = iter(range(REPORTS))

    async def send() -> None:
        for number in numbers:
            begun = time.perf_counter()
            await _post(client, "quiet", "resolved", number)
            answers.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(send() for _sender in range(AT_ONCE)))
    return answers, time.perf_counter() - begun


async def _post(client: httpx.AsyncClient, service: str, status: str, number: int) -> None:
    now = datetime.now(UTC).isoformat()
    labels = {"alertname": service, "service": service, "severity": "critical"}
    alert: dict[str, Any] = {
        "status": status, "labels": labels, "annotations": {}, "fingerprint": f"{service}-{number}",
        "startsAt": now, "endsAt": now if status == "resolved" else "0001-01-01T00:00:00Z",
    }  # fmt: skip
    body = {"version": "4", "status": status, "groupKey": "{}", "alerts": [alert]}
    answer = await client.post(
        "/signals/alertmanager",
        content=json.dumps(body),
        headers={"authorization": f"Bearer {SECRET}"},
    )
    assert answer.status_code == 202, answer.text


def _listen(arrivals: "asyncio.Queue[float]") -> None:
    """Note when a request to post reaches the X platform; it has been read, so its first byte is older."""
    handle = XPlatform.handle

    async def noted(self: XPlatform, request: HttpRequest) -> Reply:
        if request.method == "POST":
            arrivals.put_nowait(time.perf_counter())
        return await handle(self, request)

    XPlatform.handle = noted  # type: ignore[method-assign]


def _percentile(values: list[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
