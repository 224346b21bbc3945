"""What people say about a service takes the road of a source's report."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alertbot.alerts import following
from alertbot.alerts.following import FollowRequest
from alertbot.core.errors import Refused
from alertbot.db.database import Database
from alertbot.watch import incidents, watching
from alertbot.watch.incidents import StateReport
from alertbot.watch.rules_log import State
from alertbot.watch.rules_signals import Observed
from tests.team import Team, gather
from tests.watch.test_watching import POLICY, alerts, publish, says, watched


async def opened(team: Team, state: State = State.DOWN) -> str:
    found = await incidents.open_(team.service, team.people["ada"], None, watched="calls", state=state)
    return str(found.id)


async def test_a_person_opens_and_the_rules_act(database: Database) -> None:
    team = watched(await gather(database))
    name = await opened(team)
    assert await alerts(team) == [("holding", "pending")]
    with pytest.raises(Refused, match=name):
        await opened(team)


async def test_resolved_is_not_one_sides_word(database: Database) -> None:
    """R11: refused without a confirmation, and watched after it."""
    team = watched(await gather(database), policy=replace(POLICY, watch=timedelta(hours=2)))
    name = await opened(team)
    await publish(team)
    ada = team.people["ada"]
    with pytest.raises(Refused, match="--confirmed-by"):
        await incidents.set_(team.service, ada, name, StateReport(State.RESOLVED))
    with pytest.raises(Refused, match="can only end once it is resolved"):
        await following.end(team.service, ada, name, FollowRequest())
    word = StateReport(State.RESOLVED, confirmed_by="SAMU 69")
    shown = await incidents.set_(team.service, ada, name, word)
    assert (shown.condition, shown.waiting.reason) == ("stabilised", "watching")
    team.clock.forward(hours=2)
    await watching.look(team.service)
    shown = await incidents.show(team.service, name)
    assert (shown.condition, shown.confirmed_by) == ("resolved", "SAMU 69")
    assert (await alerts(team))[-1] == ("end", "pending")


async def test_trouble_under_watch_wins_over_a_confirmation(database: Database) -> None:
    team = watched(await gather(database))
    name = await opened(team)
    await publish(team)
    word = StateReport(State.RESOLVED, confirmed_by="SAMU 69")
    await incidents.set_(team.service, team.people["ada"], name, word)
    team.clock.forward(minutes=30)
    await says(team, Observed.DOWN)
    team.clock.forward(hours=3)
    await watching.look(team.service)
    shown = await incidents.show(team.service, name)
    assert shown.condition == "down"
    assert shown.decisions[-1].reason == "relapse_under_watch"


async def test_what_nobody_was_told_needs_no_end(database: Database) -> None:
    team = watched(await gather(database))
    name = await opened(team)
    shown = await incidents.set_(team.service, team.people["ada"], name, StateReport(State.RESOLVED))
    assert (shown.state, shown.condition) == ("closed", "resolved")
    assert await alerts(team) == [("holding", "discarded")]


async def test_the_same_state_twice_is_refused(database: Database) -> None:
    team = watched(await gather(database))
    name = await opened(team)
    with pytest.raises(Refused, match="already"):
        await incidents.set_(team.service, team.people["ada"], name, StateReport(State.DOWN))


async def test_an_incident_without_a_service_is_written_about_by_people(database: Database) -> None:
    team = watched(await gather(database))
    ada = team.people["ada"]
    name = (await incidents.open_(team.service, ada, "calls fail")).id
    shown = await incidents.set_(team.service, ada, name, StateReport(State.DOWN, note="seen in Lyon"))
    assert shown.condition == "down"
    assert shown.decisions[0].note == "seen in Lyon"
    assert await alerts(team) == []
