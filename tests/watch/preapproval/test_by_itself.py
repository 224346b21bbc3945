"""What goes out by itself: only what two people approved ahead, and not when anything stands against it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alertbot.alerts import approving
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.watch import watching
from alertbot.watch.preapproval import sample, signing
from alertbot.watch.rules_rule import Rule, RuleMode, Transition
from alertbot.watch.rules_signals import Observed, SignalGroup
from tests.team import Team, gather
from tests.watch.test_watching import RULES, VALUES, alerts, says, texts, watched

T = Transition
AUTO = replace(RULES[0], name="auto", how=RuleMode.AUTO)
SLOW = replace(AUTO, name="slow", after=timedelta(seconds=90))


async def approved_ahead(team: Team, rule: Rule) -> Team:
    made = await sample.template(team.service, rule)
    for name in ("bo", "cy"):
        await signing.preapprove(team.service, team.people[name], rule.name, digest=made.digest)
    return team


async def ready(database: Database, *rules: Rule, **more: Any) -> Team:
    team = watched(await gather(database), *rules, **more)
    for rule in rules:
        if rule.how is RuleMode.AUTO:
            await approved_ahead(team, rule)
    return team


async def test_what_two_people_approved_ahead_goes_out_by_itself(database: Database) -> None:
    team = await ready(database, AUTO)
    await says(team, Observed.DOWN)
    await team.work()
    assert await alerts(team) == [("holding", "published")]
    assert any("les appels au 15" in one for one in texts(team))
    rows = [row for row in await overview.audit_export(team.service) if row["verb"] == "approve"]
    assert rows[-1]["actor"] == "alertbot"
    assert rows[-1]["detail"]["approved_ahead_by"] == ["bo", "cy"]
    assert await overview.audit_verify(team.service, None)


async def test_what_nobody_approved_ahead_waits_for_people(database: Database) -> None:
    team = watched(await gather(database), AUTO)
    await says(team, Observed.DOWN)
    assert await alerts(team) == [("holding", "pending")]


async def test_a_changed_text_loses_its_approval(database: Database) -> None:
    team = await ready(database, AUTO)
    other = replace(AUTO, values={**VALUES, "what_to_do": {"fr": "Patientez.", "en": "Wait."}})
    await says(watched(team, other), Observed.DOWN)
    assert await alerts(team) == [("holding", "pending")]


async def test_another_incident_in_its_place_is_for_people_to_judge(database: Database) -> None:
    """As it is for a person who drafts; an update of what went out goes on."""
    team = await ready(database, AUTO)
    other = await team.approved("holding", changes={"where": ["69"]})
    await says(team, Observed.DOWN)
    assert ("holding", "pending") in await alerts(team)
    await team.work()
    told = " ".join(post.text for post in team.adapters["team"].posts)
    assert f"Incident {other.incident} is open for" in told


async def test_another_incident_that_opens_during_the_countdown_stops_it(database: Database) -> None:
    team = await ready(database, SLOW)
    await says(team, Observed.DOWN)
    await team.approved("holding", changes={"where": ["69"]})
    team.clock.forward(seconds=91)
    await watching.look(team.service)
    assert ("holding", "pending") in await alerts(team)


async def test_a_name_that_only_a_source_gave_is_not_told_unread(database: Database) -> None:
    team = await ready(database, AUTO)
    await says(team, Observed.DOWN, "sip-core-1")
    assert await alerts(team) == [("holding", "pending")]


async def test_a_countdown_can_be_seen_and_stopped(database: Database) -> None:
    team = await ready(database, SLOW)
    await says(team, Observed.DOWN)
    assert await alerts(team) == [("holding", "pending")]
    (alert,) = await _ids(team)
    shown = await overview.status(team.service, None)
    assert any("rules abort" in one for one in map(str, shown.open))
    await signing.abort(team.service, "ada", alert)
    team.clock.forward(seconds=91)
    await watching.look(team.service)
    assert await alerts(team) == [("holding", "pending")]


async def test_a_countdown_that_nobody_stops_ends_in_public(database: Database) -> None:
    team = await ready(database, SLOW)
    await says(team, Observed.DOWN)
    team.clock.forward(seconds=89)
    again = await watching.look(team.service)
    assert again is not None
    assert (again - team.clock.now).total_seconds() == pytest.approx(1)
    team.clock.forward(seconds=2)
    await watching.look(team.service)
    await watching.look(team.service)
    await team.work()
    assert await alerts(team) == [("holding", "published")]


async def test_what_works_again_before_the_end_of_the_countdown_stays_unsaid(
    database: Database,
) -> None:
    team = await ready(database, replace(SLOW, after=timedelta(minutes=15)))
    await says(team, Observed.DOWN)
    team.clock.forward(minutes=4)
    await says(team, Observed.UP)
    team.clock.forward(minutes=7)
    await watching.look(team.service)
    team.clock.forward(minutes=10)
    await watching.look(team.service)
    await team.work()
    assert await alerts(team) == [("holding", "discarded")]
    assert texts(team) == []


async def test_people_may_be_faster_than_the_countdown(database: Database) -> None:
    team = await ready(database, SLOW)
    await says(team, Observed.DOWN)
    (alert,) = await _ids(team)
    await approving.reject(team.service, team.people["bo"], alert, "a drill of the operator")
    team.clock.forward(seconds=120)
    await watching.look(team.service)
    await team.work()
    assert await alerts(team) == [("holding", "rejected")]


async def test_numbers_that_people_published_are_not_told_again_by_itself(database: Database) -> None:
    """A status by itself would take over the numbers of the alert that it follows: that is for people."""
    follow = Rule(
        "follow", frozenset({T.STABILISE}), "status", RuleMode.AUTO, values={**VALUES, "since": "-1h"}
    )
    team = await ready(database, AUTO, follow)
    await says(team, Observed.DOWN)
    await team.work()
    (first,) = await _ids(team)
    incident = first.partition("-")[0]
    view = await team.approved("provisional_number", incident=incident)
    await team.work()
    assert view.state == "approved"
    team.clock.forward(minutes=20)
    await says(team, Observed.UP)
    team.clock.forward(minutes=6)
    await watching.look(team.service)
    assert (await alerts(team))[-1] == ("status", "pending")


async def test_a_group_is_told_by_its_titles(database: Database) -> None:
    group = SignalGroup("regions", ("calls", "south"))
    team = await ready(database, AUTO, groups={"regions": group})
    titles = {**team.service.watch.titles, "regions": {"": "the regions"}}
    watch = replace(team.service.watch, titles=titles)
    team = await approved_ahead(replace(team, service=replace(team.service, watch=watch)), AUTO)
    await says(team, Observed.DOWN)
    await team.work()
    assert await alerts(team) == [("holding", "published")]


async def _ids(team: Team) -> list[str]:
    from alertbot.alerts import store_reading

    return [one.id for one in await team.service.database.read(store_reading.listing)]
