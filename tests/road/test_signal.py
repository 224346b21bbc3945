"""From a monitoring system's webhook to three platforms, through `alertbot serve`, which is shot in between."""

import asyncio
import json
import os
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from alertbot.delivery.views import DeliveryView
from alertbot.ops import working
from alertbot.watch.preapproval import sample, signing
from tests.road import test_road
from tests.road.test_road import Road, lines

road = test_road.road
SECRET = "a-secret-for-the-webhook-of-this-test"
STARTED_SECONDS = 60.0
WATCH = """
sources: {alertmanager: {type: alertmanager, secret_env: SIGNAL_SECRET}}
watch: {services: {calls: {title: {fr: les appels au 15, en: calls to 15}}}}
rules:
  first_word:
    when: [open, reopen]
    kind: holding
    policy: auto
    set:
      what_fails: "{service}"
      what_works: {fr: le 114 par SMS, en: 114 by text}
      where: [69]
      what_to_do: {fr: Appelez d'un fixe., en: Call from a landline.}
"""


@pytest.fixture(autouse=True)
def watching(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        test_road, "CONFIG", test_road.CONFIG + WATCH.replace("{", "{{").replace("}", "}}")
    )
    monkeypatch.setenv("SIGNAL_SECRET", SECRET)


def firing() -> dict[str, Any]:
    """What Alertmanager sends."""
    begun = datetime.now(UTC).isoformat()
    labels = {"alertname": "CallsLost", "service": "calls", "severity": "critical"}
    one = {
        "status": "firing", "labels": labels, "annotations": {"summary": "SECRET: sip-core-1 is gone"},
        "startsAt": begun, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "a1bc48475b20e73d",
        "generatorURL": "http://prometheus.example.org/graph",
    }  # fmt: skip
    return {
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "alertbot",
        "groupLabels": {}, "commonLabels": labels, "commonAnnotations": {}, "externalURL": "http://am.example.org",
        "alerts": [one],
    }  # fmt: skip


@asynccontextmanager
async def serving(config: Path) -> AsyncIterator[tuple["asyncio.subprocess.Process", str]]:
    """`alertbot serve` in a process of its own, and its address."""
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "alertbot"), "--config", str(config), "serve", "--port", "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"LANGUAGE": "en"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(STARTED_SECONDS):
            said = (await process.stdout.readline()).decode()
        yield process, re.findall(r"http://[^;\s]+", said)[0].rstrip(".")
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def report(address: str, body: dict[str, Any]) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            f"{address}/signals/alertmanager", content=json.dumps(body),
            headers={"authorization": f"Bearer {SECRET}"}, timeout=30,
        )  # fmt: skip
    assert answer.status_code == 202, answer.text


async def approved_ahead(road: Road) -> None:
    service = await road.app.open()
    made = await sample.template(service, service.watch.rules[0])
    for person in road.approvers:
        await signing.preapprove(service, person, "first_word", digest=made.digest)


async def settled(road: Road) -> list[DeliveryView]:
    """Let a worker finish what was begun; the deliveries of the one alert there is."""
    service = await road.app.open()
    lapsed = text("UPDATE delivery SET lease_until = 1 WHERE lease_until > 1")
    await service.database.transact(lambda conn: conn.execute(lapsed))
    await working.run_once(road.app)
    names = await service.database.read(lambda conn: conn.execute(text("SELECT id FROM alert")))
    (alert,) = [row.id for row in names]
    return await road.deliveries(alert)


@pytest.mark.parametrize(
    "after",
    [0.1, pytest.param(0.0, marks=pytest.mark.thorough), pytest.param(0.4, marks=pytest.mark.thorough)],
)
async def test_a_webhook_reaches_three_platforms_though_the_process_is_killed(
    road: Road, tmp_path: Path, after: float
) -> None:
    """Killed so many seconds after the sender has its answer: nothing is lost, nothing is done twice."""
    await approved_ahead(road)
    body = firing()
    async with serving(tmp_path / "config.yaml") as (process, address):
        await report(address, body)
        await asyncio.sleep(after)
        process.kill()
        await process.wait()
    async with serving(tmp_path / "config.yaml") as (process, address):
        await report(address, body)  # the sender repeats itself
        process.terminate()
        await process.wait()
    rows = await settled(road)
    posts = road.sandbox.posts
    shown = Counter(
        [("email", mail.message_id) for mail in posts.mails()]
        + [("x", tuple(lines(post.text))) for post in posts.x()]
        + [("telegram", tuple(lines(post.text))) for post in posts.telegram()]
    )
    assert [key for key, times in shown.items() if times > 1] == []
    in_doubt = {(row.target, row.lang, row.part) for row in rows if row.state == "uncertain"}
    held = {(row.target, row.lang, row.part - 1) for row in rows if row.state == "pending"}
    assert held <= in_doubt  # a thread goes on once a person has said whether its first part is out
    assert {row.state for row in rows} <= {"sent", "uncertain", "pending"}
    assert sum(row.state == "sent" for row in rows) <= len(shown)
    if not after:  # it died before its first call, so nothing can be in doubt
        assert {kind for kind, _what in shown} == {"x", "telegram", "email"}
    assert not any("SECRET" in post.text for post in (*posts.x(), *posts.telegram(), *posts.mails()))
