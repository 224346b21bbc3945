"""Bluesky and Mastodon under the engine: what a lost answer leaves in doubt ends by itself, and nothing stands twice."""

import re
from collections.abc import AsyncIterator

import pytest

from alertbot.channels.base import Adapter
from alertbot.channels.bluesky.adapter import BlueskyAdapter
from alertbot.channels.mastodon.adapter import MastodonAdapter
from alertbot.core.model import Audience, Channel, Pace, Target
from alertbot.db.database import Database
from alertbot.delivery.runners import LocalRunner
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.channels import test_bluesky, test_mastodon
from tests.delivery.scene import put, rows, states

CONTRACTS = {"bluesky": test_bluesky.TestContract, "mastodon": test_mastodon.TestContract}
ADAPTERS = {"bluesky": BlueskyAdapter, "mastodon": MastodonAdapter}
TROUBLES = ("drop_before", "drop_after_commit")


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    for contract in CONTRACTS.values():
        for variable, value in contract().secrets().items():
            monkeypatch.setenv(variable, value)
    async with Sandbox() as running:
        yield running


def adapter_for(network: str, sandbox: Sandbox) -> Adapter[object]:
    address = {"bluesky": sandbox.bluesky_url, "mastodon": sandbox.mastodon_url}[network]
    kind = ADAPTERS[network]
    channel = Channel(
        network, kind.spec, ("fr",), Audience.LIVE, targets=(Target(network),), pace=Pace(50.0)
    )
    return kind(channel, CONTRACTS[network]().settings(int(address.rpartition(":")[2])))


@pytest.mark.parametrize("looks", [True, False], ids=["found", "repeated"])
@pytest.mark.parametrize("network", ["bluesky", "mastodon"])
async def test_no_person_is_asked_and_nothing_stands_twice(
    database: Database, sandbox: Sandbox, network: str, looks: bool
) -> None:
    adapter = adapter_for(network, sandbox)
    await put(database, [network], on=adapter.channel, parts=len(TROUBLES))
    for trouble in TROUBLES:
        sandbox.faults.add(f"{network}:{trouble}")
    if not looks:
        sandbox.faults.add(f"{network}:server_error:on=read:times=always")
    tally = await LocalRunner(database, {network: adapter}).run_once(30.0)
    await adapter.close()
    assert (tally.sent, tally.uncertain, tally.waiting) == (len(TROUBLES), 0, 0)
    posts = sandbox.posts.network(network)
    assert len(posts) == len(TROUBLES)
    assert [post.reply_to for post in posts[1:]] == [post.id for post in posts[:-1]]
    known = [re.split("[/:]", str(row.remote_id))[0] for row in await rows(database)]
    assert known == [post.id.rpartition("/")[2] for post in posts]
    assert set((await states(database)).values()) == {"sent"}
