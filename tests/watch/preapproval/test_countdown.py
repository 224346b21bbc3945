"""An alert that is about to go out by itself: anybody stops it, and then it waits for people."""

from datetime import timedelta
from typing import Any

import pytest

from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import AlertState
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.watch import store_preapprovals
from alertbot.watch.preapproval import signing
from alertbot.watch.views import CountdownAborted
from tests.team import START, Team, gather
from tests.watch.preapproval.rules import FIRST, signed, with_rules

GOES_AT = START + timedelta(seconds=90)


@pytest.fixture
async def team(database: Database) -> Team:
    return with_rules(await gather(database), FIRST)


async def counting(team: Team) -> str:
    """An alert whose countdown runs."""
    alert = str((await team.pending("holding")).id)
    await team.service.database.transact(
        lambda conn: store_preapprovals.plan(
            conn, alert, service="sip", rule="first_word", goes_at=GOES_AT
        )
    )
    return alert


async def plan_of(team: Team, alert: str) -> Any:
    return await team.service.database.read(lambda conn: store_preapprovals.get_planned(conn, alert))


async def test_stopped_it_waits_for_people_who_may_approve_it(team: Team) -> None:
    alert = await counting(team)
    done = await signing.abort(team.service, "anybody", alert.lower())
    assert done == CountdownAborted(alert, AlertState.PENDING, "first_word", GOES_AT, "anybody")
    plan = await plan_of(team, alert)
    assert (plan.settled_at, plan.outcome) == (START, "Stopped by anybody.")
    assert "abort" in await team.verbs()
    await team.work()
    assert any("stopped the countdown" in post.text for post in team.adapters["team"].posts)
    assert await team.approve(alert)
    await team.work()
    assert team.adapters["public"].posts


async def test_what_has_no_countdown_or_had_one_is_not_stopped(team: Team) -> None:
    alert = await counting(team)
    other = (await team.pending("holding")).id
    with pytest.raises(Refused, match="not going to go out by itself"):
        await signing.abort(team.service, "ada", other)
    await signing.abort(team.service, "ada", alert)
    with pytest.raises(Refused, match=r"already over: Stopped by ada\."):
        await signing.abort(team.service, "ada", alert)
    with pytest.raises(Misuse, match="no alert"):
        await signing.abort(team.service, "ada", "XXXX-9")
    assert (await team.verbs()).count("abort") == 1


async def test_status_shows_it_and_how_to_stop_it(team: Team) -> None:
    alert = await counting(team)
    told = [one.message for one in (await overview.status(team.service, None)).open]
    assert any("15:01:30" in one and f"alertbot rules abort {alert}" in one for one in told)
    (row,) = await signing.listing(team.service)
    assert [one.alert for one in row.countdowns] == [alert]
    await signing.abort(team.service, "ada", alert)
    told = [one.message for one in (await overview.status(team.service, None)).open]
    assert not any("abort" in one for one in told)


async def test_a_revoked_rule_stops_what_it_has_begun(team: Team) -> None:
    await signed(team, "bo", "cy")
    alert = await counting(team)
    done = await signing.revoke(team.service, team.people["ada"], "first_word", "no")
    assert done.stopped == (alert,)
    assert (await plan_of(team, alert)).settled_at is not None
    assert await team.state(alert) == "pending"
