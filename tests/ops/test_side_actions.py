"""What accompanies a post never stops the road: an edit, deletion, pin or picture that is refused is noted, becomes
one task, and everything else goes out. And a channel that allows nothing for hours calls the team."""

from dataclasses import replace
from typing import Any

import pytest

from alertbot.alerts import approving, following, writing
from alertbot.alerts.following import FollowRequest
from alertbot.channels import base
from alertbot.core.errors import Rejected, Scope, Throttled
from alertbot.core.model import Action, Audience, OnCancel, Post, Receipt
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import tasks
from tests.team import Team, channel, gather

WRONG = {
    "what_was_wrong": {"fr": "le 112 marche", "en": "112 works"},
    "what_is_right": {"fr": "le 112 est coupé", "en": "112 is cut off"},
}
APART = replace(base.MEMORY, picture_apart=True, longest_alt=1024)


class Platform:
    """Takes posts and refuses one kind of action, as if the whole account were refused."""

    def __init__(self, action: Action) -> None:
        self.action, self.taken, self.asked = action, 0, 0

    def __call__(self, post: Post) -> Receipt:
        if post.action is self.action:
            self.asked += 1
            raise Rejected("No right.", scope=Scope.CHANNEL, code="400")
        self.taken += 1
        return Receipt(post.reply_to or f"p{self.taken}")


async def followed(team: Team, action: Action) -> str:
    """An alert that is out, and one after it that does `action`; returns the latter."""
    if action is Action.PICTURE:
        view = await team.approved("provisional_number", changes={"card": "yes"})
        await team.work()
        return view.id
    first = await team.approved()
    await team.work()
    bo = team.people["bo"]
    if action is Action.DELETE:
        view = await following.cancel(team.service, bo, first.id, "Faux : rien.", FollowRequest({}))
    else:
        view = await following.correct(team.service, bo, first.id, FollowRequest(WRONG))
    view = await writing.submit(team.service, bo, view.id)
    await approving.approve(team.service, team.people["cy"], view.id, view.digest)
    await team.work()
    return view.id


@pytest.mark.parametrize("action", [Action.EDIT, Action.PIN, Action.PICTURE, Action.DELETE])
async def test_a_refused_side_action_is_a_task_and_all_else_goes_out(
    database: Database, action: Action
) -> None:
    public = replace(channel("public"), spec=APART, on_cancel=OnCancel.DELETE)
    platform = Platform(action)
    handlers: dict[str, Any] = {"public": platform}
    team = await gather(database, (public, channel("team", Audience.TEAM)), handlers=handlers)
    team.adapters["public"].spec = APART  # type: ignore[misc]
    alert = await followed(team, action)
    assert platform.asked
    rows = await overview.deliveries(team.service, alert, None, None)
    refused = [row for row in rows if row.action == action]
    assert {(row.state, row.reason) for row in refused} == {("failed", "No right.")}
    assert {row.state for row in rows if row.action != action} == {"sent"}
    (chore,) = [one for one in await tasks.listing(team.service) if one.kind == "undone"]
    assert chore.alert == alert
    assert "No right." in chore.text
    assert any("No right." in post.text for post in team.adapters["team"].posts)
    later = await team.approved()
    await team.work()
    assert await team.state(later.id) == "published"
    status = await overview.status(team.service, None)
    assert [one.paused for one in status.channels] == [None, None]


async def test_a_post_that_went_out_without_its_picture_is_a_task(database: Database) -> None:
    """It was a note on the delivery only: nobody was told."""
    why = "Without its picture: the platform refused it."

    def bare(post: Post) -> Receipt:
        return Receipt("p1", note=why if post.picture else "", without=why if post.picture else "")

    team = await gather(database, handlers={"public": bare})
    view = await team.approved("provisional_number", changes={"card": "yes"})
    await team.work()
    assert await team.state(view.id) == "published"
    (chore,) = [one for one in await tasks.listing(team.service) if one.kind == "undone"]
    assert (chore.alert, why in chore.text, "by hand" in chore.text) == (view.id, True, True)
    assert any(why in post.text for post in team.adapters["team"].posts)
    other = await team.approved()
    await team.work()
    assert await team.state(other.id) == "published"
    assert len(await tasks.listing(team.service)) == 1


@pytest.mark.parametrize(("seconds", "told"), [(72_000.0, True), (900.0, False)])
async def test_a_channel_that_allows_nothing_for_hours_calls_the_team(
    database: Database, seconds: float, told: bool
) -> None:
    def full(_post: Post) -> Receipt:
        raise Throttled("The day is used up.", wait=seconds)

    team = await gather(database, handlers={"public": full})
    await team.approved()
    await team.work(patience=0.0)
    found = [one for one in await tasks.listing(team.service) if one.kind == "blocked"]
    assert bool(found) is told
    if told:
        assert "public accepts nothing for 20 h: The day is used up." in found[0].text
