"""People's hands on what is under way: settled, recorded, halted, held back, expired."""

from datetime import timedelta
from typing import Any

import pytest

from alertbot.alerts import approving, halting, publishing, writing
from alertbot.core.errors import ChannelDown, Misuse, Refused, Uncertain
from alertbot.core.model import Receipt
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.texts.publisher import Override
from tests.team import Team, channel, gather


async def lost(*_given: Any) -> Receipt:
    raise Uncertain("The answer was lost.", fingerprint="x")


async def broke(*_given: Any) -> Receipt:
    raise ChannelDown("The credits are used up.")


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def doubtful(database: Database) -> tuple[Team, str, int]:
    """A team with one alert of which one delivery is perhaps sent."""
    team = await gather(database, (channel("public", languages=("fr",)),), handlers={"public": lost})
    alert = (await team.approved()).id
    await team.work()
    rows = await overview.deliveries(team.service, alert, "uncertain", None)
    assert len(rows) == 1
    return team, alert, rows[0].id


async def test_what_is_perhaps_sent_is_never_sent_again_by_itself(database: Database) -> None:
    team, alert, _delivery = await doubtful(database)
    await team.work()
    rows = await overview.deliveries(team.service, alert, None, None)
    assert [(row.state, row.attempts) for row in rows] == [("uncertain", 1)]
    needs = (await overview.status(team.service, None)).open
    assert any(alert in need.message for need in needs)


async def test_settled_as_sent(database: Database) -> None:
    team, alert, delivery = await doubtful(database)
    url = "https://www.example.org/posts/9"
    row = await publishing.settle(team.service, team.people["bo"], delivery, "sent", url)
    assert row.state == "sent"
    assert await team.state(alert) == "published"
    with pytest.raises(Refused):
        await publishing.settle(team.service, team.people["bo"], delivery, "drop", None)


async def test_settled_as_dropped(database: Database) -> None:
    team, alert, delivery = await doubtful(database)
    await publishing.settle(team.service, team.people["bo"], delivery, "drop", None)
    assert await team.state(alert) in ("failed", "partly_published")
    assert "uncertain" not in str((await overview.status(team.service, alert)).alerts)


async def test_settled_to_be_sent_again(database: Database) -> None:
    team, alert, delivery = await doubtful(database)
    await publishing.settle(team.service, team.people["bo"], delivery, "resend", None)
    await team.work()
    rows = await overview.deliveries(team.service, alert, None, None)
    assert [row.attempts for row in rows] == [2]


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://", "https://a b", "http://x\n"])
async def test_settling_takes_only_the_address_of_a_post(database: Database, url: str) -> None:
    team, _alert, delivery = await doubtful(database)
    with pytest.raises(Misuse):
        await publishing.settle(team.service, team.people["bo"], delivery, "sent", url)


async def test_who_only_writes_cannot_settle(database: Database) -> None:
    team, _alert, delivery = await doubtful(database)
    with pytest.raises(Refused):
        await publishing.settle(team.service, team.people["ada"], delivery, "sent", None)


async def test_a_channel_without_credits_pauses_and_says_so(database: Database) -> None:
    team = await gather(database, (channel("public"), channel("second")), handlers={"public": broke})
    alert = (await team.approved()).id
    await team.work()
    status = await overview.status(team.service, None)
    states = {one.name: one.paused for one in status.channels}
    assert "credits" in states["public"]
    assert states["second"] is None
    assert any("resume --channel public" in need.message for need in status.open)
    rows = await overview.deliveries(team.service, alert, None, None)
    assert {row.state for row in rows if row.channel == "public"} == {"pending"}
    assert {row.state for row in rows if row.channel == "second"} == {"sent"}


@pytest.mark.parametrize("late", ["edit", "discard", "return", "reject"])
async def test_what_has_expired_takes_no_more_verbs(database: Database, late: str) -> None:
    team = await gather(database, overrides={"status": Override(1, timedelta(seconds=1))})
    alert = (await team.pending()).id
    team.clock.forward(seconds=2)
    ada, bo, service = team.people["ada"], team.people["bo"], team.service
    acts = {
        "edit": lambda: writing.edit(service, ada, alert, {"next_update": "+40m"}, {}),
        "discard": lambda: writing.discard(service, ada, alert),
        "return": lambda: approving.return_(service, bo, alert, "why"),
        "reject": lambda: approving.reject(service, bo, alert, "why"),
    }
    with pytest.raises(Refused, match="expired"):
        await acts[late]()
    assert await team.state(alert) == "expired"


async def test_a_start_ahead_is_kept_and_shown(team: Team) -> None:
    view = await team.pending(not_before="+20m")
    await team.approve(view.id)
    await team.work()
    line = (await overview.status(team.service, view.id)).alerts[0]
    assert line.state == "approved"
    assert "no earlier than" in line.reason


async def test_a_start_that_has_passed_is_refused(team: Team) -> None:
    with pytest.raises(Misuse, match="--not-before"):
        await team.draft(not_before="-1m")


async def test_what_is_halted_stands_in_the_status(team: Team) -> None:
    alert = (await team.approved()).id
    await halting.halt(team.service, alert, None)
    await halting.halt(team.service, None, "second")
    await halting.halt(team.service, None, None)
    needs = [need.message for need in (await overview.status(team.service, None)).open]
    for word in ("Everything", "second", alert):
        assert any(word in need and "resume" in need for need in needs)
