"""`alertbot run` with the real client libraries, shot with SIGKILL in the midst of a publication; then every
delivery is accounted for by what the platforms show."""

import asyncio
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from alertbot.delivery import store_outbox
from alertbot.delivery.store_outbox import SettleDecision
from alertbot.ops import working
from tests.road import test_road
from tests.road.test_road import Road, lines

KILLS = 2
READERS = 1000  # more than two kills can make uncertain, twice
STARTED_SECONDS = 60.0

road = test_road.road


@pytest.fixture(autouse=True)
def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = "".join(f"reader{n}@example.org,fr,\n" for n in range(READERS))
    monkeypatch.setattr(test_road, "PRESS", f"address,lang,topics\n{readers}")


async def _shoot(config: Path, road: Road, dice: random.Random) -> None:
    """Let a worker start sending, and kill it a moment later."""
    begun = len(road.sandbox.posts)
    worker = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "alertbot"), "--config", str(config), "run",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env=os.environ,
    )  # fmt: skip
    async with asyncio.timeout(STARTED_SECONDS):
        while len(road.sandbox.posts) == begun:
            await asyncio.sleep(0.005)
    await asyncio.sleep(dice.random() * 0.4)
    worker.kill()
    await worker.wait()


async def _leases_lapse(road: Road) -> None:
    service = await road.app.open()
    lapsed = text("UPDATE delivery SET lease_until = 1 WHERE lease_until > 1")
    await service.database.transact(lambda conn: conn.execute(lapsed))


def _shown(road: Road) -> Counter[tuple[str, Any]]:
    """How often each platform shows each thing: mails by their Message-ID, posts by their words."""
    posts = road.sandbox.posts
    return Counter(
        [("email", mail.message_id) for mail in posts.mails()]
        + [("x", tuple(lines(post.text))) for post in posts.x()]
        + [("telegram", tuple(lines(post.text))) for post in posts.telegram()]
    )


async def _expected(road: Road, alert: str) -> dict[int, tuple[str, Any]]:
    """What each delivery of an alert would show."""
    service = await road.app.open()
    query = text(
        "SELECT delivery.id, message.type, message.text FROM delivery"
        " JOIN message ON message.id = delivery.message_id WHERE message.alert_id = :alert"
    )
    found = await service.database.read(lambda conn: conn.execute(query, {"alert": alert}))
    return {
        row.id: ("email", f"{alert}.{row.id}@example.org")
        if row.type == "email"
        else (row.type, tuple(lines(row.text)))
        for row in found
    }


async def _person_settles(road: Road, alert: str) -> None:
    """Somebody looks at the platforms and says of each uncertain post whether it stands there."""
    service, expected, shown = await road.app.open(), await _expected(road, alert), _shown(road)
    for one in await road.deliveries(alert):
        if one.state == "uncertain" and expected[one.id][0] != "email":
            there = expected[one.id] in shown
            word = SettleDecision.SENT if there else SettleDecision.RESEND
            await service.database.transact(
                lambda conn, number=one.id, word=word: store_outbox.decide(conn, number, word)
            )


@pytest.mark.thorough
async def test_every_delivery_is_accounted_for_on_the_platforms(road: Road, tmp_path: Path) -> None:
    dice = random.Random(3)
    view = await road.publish()
    for _number in range(KILLS):
        await _shoot(tmp_path / "config.yaml", road, dice)
        await _leases_lapse(road)
    await working.run_once(road.app)
    await _person_settles(
        road, view.id
    )  # what comes after a post that is perhaps out waits for a person
    tally = await working.run_once(road.app)
    assert tally.waiting == 0
    states = {one.id: one.state for one in await road.deliveries(view.id)}
    expected, shown = await _expected(road, view.id), _shown(road)
    assert set(states) == set(expected)
    assert [key for key, times in shown.items() if times > 1] == []  # doubled
    assert set(states.values()) <= {"sent", "uncertain"}  # lost
    sent = {number for number, state in states.items() if state == "sent"}
    assert [number for number in sent if expected[number] not in shown] == []  # said to be sent
    assert set(shown) <= set(expected.values())  # done in the dark
    assert len(sent) > READERS / 2
