"""Asking by mail: what the letter says, and that it is the same letter when it is sent again."""

from datetime import timedelta

import pytest

from alertbot.alerts.requests.links import Key
from alertbot.alerts.requests.mail import MailWay
from alertbot.alerts.requests.queue import Way
from alertbot.alerts.requests.text import Ask
from alertbot.channels.memory import MemoryAdapter
from alertbot.core.errors import ChannelDown, ConfigInvalid, Rejected
from alertbot.db.database import Database
from tests.team import Team, channel, gather, memory

BASE = "https://alertbot.example.org"


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


def way(team: Team, adapter: MemoryAdapter) -> Way:
    return MailWay(team.service, adapter, BASE + "/", lambda: Key.of("k" * 40))


async def request(team: Team, **more: object) -> Ask:
    alert = await team.pending()
    given = {
        "call": 7,
        "alert": alert.id,
        "digest": alert.digest,
        "address": "bo@example.org",
        "person_id": team.people["bo"].id,
        "person": "bo",
        "deputy": False,
        "message_ref": None,
        "kind": "status",
        "title": "Status update",
        "audience": "THE PUBLIC",
        "author": "ada",
        "channels": {"public": ("fr", "en")},
        "first_lines": "Panne\nUrgence",
        "until": team.clock.now + timedelta(minutes=30),
        "needed": 1,
    }
    return Ask(**(given | more))  # type: ignore[arg-type]


async def test_the_letter_says_what_a_decision_needs(team: Team) -> None:
    adapter = memory(channel("letters"))
    ask = await request(team)
    await way(team, adapter).ask(ask)
    (post,) = adapter.posts
    assert post.target == "bo@example.org"
    assert ask.alert in str(post.subject)
    for words in (
        "bo",
        ask.alert,
        "Status update",
        "THE PUBLIC",
        "ada",
        ask.digest[:12],
        "> Panne",
        "public",
    ):
        assert words in post.text
    assert f"{BASE}/a/" in post.text
    assert f"{BASE}/a/" not in str(post.subject)
    assert post.html is None


async def test_a_letter_sent_again_is_the_same(team: Team) -> None:
    adapter = memory(channel("letters"))
    ask = await request(team)
    first = await way(team, adapter).ask(ask)
    assert await way(team, adapter).ask(ask) == first
    one, again = adapter.posts
    assert (one.text, one.message_id) == (again.text, again.message_id)


async def test_the_outcome_follows_in_the_thread(team: Team) -> None:
    adapter = memory(channel("letters"))
    ask = await request(team, message_ref="ask.ABCD-1.0123")
    await way(team, adapter).close(ask, "It was returned.")
    (post,) = adapter.posts
    assert "It was returned." in post.text
    assert post.references == ("ask.ABCD-1.0123",)
    assert "/a/" not in post.text


async def test_exercises_and_deputies_are_told(team: Team) -> None:
    adapter = memory(channel("letters"))
    await way(team, adapter).ask(await request(team, exercise=True, deputy=True))
    (post,) = adapter.posts
    assert str(post.subject).startswith("EXERCISE")
    assert "deputy" in post.text


async def test_a_group_gets_no_link(team: Team) -> None:
    adapter = memory(channel("letters"))
    with pytest.raises(Rejected):
        await way(team, adapter).ask(await request(team, person_id=None, person=None))
    assert not adapter.posts


async def test_without_its_secret_the_way_is_down(team: Team) -> None:
    def missing() -> Key:
        raise ConfigInvalid("approvals_by.mail: the secret is missing.")

    adapter = memory(channel("letters"))
    with pytest.raises(ChannelDown, match="the secret is missing"):
        await MailWay(team.service, adapter, BASE, missing).ask(await request(team))
