"""What a channel shows otherwise than it was approved: proved, told to the team, shown by status."""

from dataclasses import replace

import pytest

from alertbot.db.database import Database
from alertbot.ops import overview
from tests.team import Team, gather


@pytest.fixture
async def team(database: Database) -> Team:
    team = await gather(database)
    public = team.adapters["public"]
    public.channel = replace(public.channel, read_back=True)
    return team


async def test_what_is_shown_as_approved_says_so_and_raises_nothing(team: Team) -> None:
    view = await team.approved()
    await team.work()
    found = {
        row.channel: row.read_back
        for row in await overview.deliveries(team.service, view.id, None, None)
    }
    assert found["public"] == "same"
    assert found["second"] is None
    assert "differs" not in await team.verbs()


async def test_a_difference_is_told_loudly_and_once(team: Team) -> None:
    team.adapters["public"].shows["memory-1"] = "Tout va bien."
    view = await team.approved()
    for _again in range(2):
        await team.work()
    assert (await team.verbs()).count("differs") == 1
    status = await overview.status(team.service, None)
    (told,) = [one.message for one in status.open if "public does not show what" in one.message]
    assert view.id in told
    assert any("public does not show what" in post.text for post in team.adapters["team"].posts)
    (task,) = [one for one in status.tasks if one.kind == "read-back"]
    assert task.alert == view.id
