"""From a report to an alert: what is decided, what is written, and what goes out by itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alertbot.alerts import approving, store_reading
from alertbot.db.database import Database
from alertbot.people import tasks
from alertbot.watch import incidents, store_decisions, store_signals, watching
from alertbot.watch.context import Watch
from alertbot.watch.rules_rule import Confirmation, Policy, Rule, RuleMode, Transition
from alertbot.watch.rules_signals import Observed, Signal, SignalGroup
from tests.team import START, Team, gather

T = Transition
VALUES = {
    "what_fails": {"fr": "{service}", "en": "{service}"},
    "what_works": {"fr": "le 114 par SMS", "en": "114 by text"},
    "where": [69],
    "what_to_do": {"fr": "Appelez d'un fixe.", "en": "Call from a landline."},
}
OVER = {
    **VALUES,
    "what_works": {"fr": "tous les numéros", "en": "all numbers"},
    "confirmed_by": {"fr": "le SAMU", "en": "the SAMU"},
}
RULES = (
    Rule("first", frozenset({T.OPEN, T.REOPEN}), "holding", values=VALUES),
    Rule("next", frozenset({T.UPDATE, T.STABILISE}), "status", values=VALUES),
    Rule("over", frozenset({T.RESOLVE}), "end", values=OVER),
)
TITLES = {"calls": {"fr": "les appels au 15", "en": "calls to 15"}}
POLICY = Policy(remind_every=None)


def watched(team: Team, *rules: Rule, policy: Policy = POLICY, **more: Any) -> Team:
    given = Watch(policy=policy, rules=rules or RULES, titles=TITLES, **more)
    return replace(team, service=replace(team.service, watch=given))


async def says(team: Team, observed: Observed, service: str = "calls", **more: Any) -> None:
    """A source reports, and the watcher looks."""
    now = team.clock.now
    fresh = Signal(
        "am", service, observed, now, key=f"{service}/{observed}/{now}", received=now, confirmed=True
    )
    await watching.take(team.service, [replace(fresh, **more)])
    await watching.look(team.service)


async def _found(team: Team) -> list[dict[str, Any]]:
    """Every alert, the latest first."""
    every = await team.service.database.read(store_reading.listing)
    return [{"id": one.id, "kind": one.kind, "state": str(one.state)} for one in every]


async def alerts(team: Team) -> list[tuple[str, str]]:
    found = await _found(team)
    return [(one["kind"], one["state"]) for one in reversed(found)]


async def publish(team: Team) -> None:
    waiting = [one["id"] for one in await _found(team) if one["state"] == "pending"]
    for name in waiting:
        await team.approve(name)
    await team.work()


def texts(team: Team) -> list[str]:
    return [one.text for one in team.adapters["public"].posts]


async def test_a_report_leads_to_a_proposal_within_one_look(database: Database) -> None:
    team = watched(await gather(database))
    await says(team, Observed.DOWN, title="SECRET host sip-1", summary="SECRET")
    assert await alerts(team) == [("holding", "pending")]
    await publish(team)
    assert any("les appels au 15" in text for text in texts(team))
    assert any("calls to 15" in text for text in texts(team))
    assert not any("SECRET" in text for text in texts(team))


async def test_the_same_news_twice_leads_to_one_alert(database: Database) -> None:
    team = watched(await gather(database))
    await says(team, Observed.DOWN)
    team.clock.forward(minutes=1)
    await says(team, Observed.DOWN)
    await watching.look(team.service)
    assert await alerts(team) == [("holding", "pending")]


async def test_a_program_that_starts_again_posts_what_changed_meanwhile_once(
    database: Database,
) -> None:
    team = watched(await gather(database))
    now = team.clock.now
    report = Signal("am", "calls", Observed.DOWN, now, key="a", received=now, confirmed=True)
    await watching.take(team.service, [report])  # and the process dies
    again = watched(replace(team))
    await watching.look(again.service)
    await watching.look(again.service)
    await watching.take(again.service, [report])
    await watching.look(again.service)
    assert await alerts(team) == [("holding", "pending")]


async def test_what_follows_stands_in_the_same_incident(database: Database) -> None:
    team = watched(await gather(database))
    await says(team, Observed.DEGRADED)
    await publish(team)
    team.clock.forward(minutes=20)
    await says(team, Observed.DOWN)
    assert await alerts(team) == [("holding", "published"), ("status", "pending")]
    found = await incidents.listing(team.service)
    assert [(one.service, one.condition) for one in found] == [("calls", "down")]
    shown = await incidents.show(team.service, found[0].id)
    assert [one.relation for one in shown.alerts] == [None, "update"]


async def test_over_before_anybody_heard_of_it_is_told_to_nobody(database: Database) -> None:
    team = watched(await gather(database))
    await says(team, Observed.DOWN)
    team.clock.forward(minutes=20)
    await says(team, Observed.UP)
    team.clock.forward(minutes=10)
    await watching.look(team.service)
    assert await alerts(team) == [("holding", "discarded")]
    assert [one.closed_at is not None for one in await incidents.listing(team.service)] == [True]


async def test_resolved_needs_a_confirmation_and_a_watch(database: Database) -> None:
    """R11: the operator's word alone makes it stabilised."""
    team = watched(await gather(database))
    await says(team, Observed.DOWN)
    await publish(team)
    team.clock.forward(minutes=20)
    await says(team, Observed.UP)
    team.clock.forward(minutes=6)
    await watching.look(team.service)
    assert (await alerts(team))[-1] == ("status", "pending")
    await publish(team)
    team.clock.forward(hours=9)
    await watching.look(team.service)
    assert [one.condition for one in await incidents.listing(team.service)] == ["stabilised"]
    await says(team, Observed.UP, source="samu", confirms=True)
    assert [one.condition for one in await incidents.listing(team.service)] == ["stabilised"]
    team.clock.forward(hours=2)
    await watching.look(team.service)
    assert (await alerts(team))[-1] == ("end", "pending")
    assert [one.condition for one in await incidents.listing(team.service)] == ["resolved"]
    await publish(team)
    assert [one.closed_at is not None for one in await incidents.listing(team.service)] == [True]


async def test_a_relapse_reopens(database: Database) -> None:
    team = watched(await gather(database), policy=replace(POLICY, watch=timedelta(minutes=30)))
    await says(team, Observed.DOWN)
    await publish(team)
    team.clock.forward(minutes=20)
    await says(team, Observed.UP, confirms=True)
    team.clock.forward(minutes=35)
    await watching.look(team.service)
    await publish(team)
    team.clock.forward(minutes=31)
    await watching.look(team.service)
    await publish(team)
    team.clock.forward(hours=2)
    await says(team, Observed.DOWN)
    found = await incidents.listing(team.service)
    assert [(one.condition, one.closed_at) for one in found] == [("down", None)]
    assert (await alerts(team))[-1] == ("holding", "pending")


async def test_trouble_that_is_back_minutes_after_its_end_is_one_story(
    database: Database,
) -> None:
    """Opened, ended and opened again: the same incident, and what was told goes on as an update."""
    policy = replace(POLICY, watch=timedelta(), confirm_up=Confirmation(), dwell=timedelta())
    team = watched(await gather(database), policy=policy)
    await says(team, Observed.DOWN)
    await publish(team)
    team.clock.forward(minutes=4)
    await says(team, Observed.UP, confirms=True)
    for _round in range(3):
        team.clock.forward(minutes=1)
        await watching.look(team.service)
        await publish(team)
    assert [kind for kind, _state in await alerts(team)][-1] == "end"
    team.clock.forward(minutes=5)
    await says(team, Observed.DOWN)
    (only,) = await incidents.listing(team.service)
    assert (only.condition, only.closed_at) == ("down", None)
    kind, state = (await alerts(team))[-1]
    assert (kind, state) == ("status", "pending")
    newest = (await team.service.database.read(store_reading.listing))[0]
    assert "all numbers" not in str(newest.given)  # nothing of the end is taken over
    assert len(newest.references) == 2


@pytest.mark.parametrize("back", [False, True])
async def test_an_end_does_not_close_an_incident_whose_trouble_came_back(
    database: Database, back: bool
) -> None:
    """The end was approved while it was over, and went out after the trouble had come back."""
    policy = replace(POLICY, watch=timedelta(minutes=30), confirm_up=Confirmation())
    team = watched(await gather(database), policy=policy)
    await says(team, Observed.DOWN)
    await publish(team)
    team.clock.forward(minutes=20)
    await says(team, Observed.UP, confirms=True)
    await publish(team)
    team.clock.forward(minutes=31)
    await watching.look(team.service)
    [end] = [one["id"] for one in await _found(team) if one["state"] == "pending"]
    await team.approve(end)
    if back:
        team.clock.forward(minutes=1)
        await says(team, Observed.DOWN)
    await team.work()
    assert await team.state(end) == "published"
    [found] = await incidents.listing(team.service)
    assert (found.condition, found.state) == (("down", "open") if back else ("resolved", "closed"))
    assert ("incident-closed" in await team.verbs()) is not back


async def test_without_rules_everything_is_proposed(database: Database) -> None:
    """What nobody configured cannot be complete; the team is told what is missing."""
    team = watched(await gather(database))
    team = replace(team, service=replace(team.service, watch=Watch()))
    await says(team, Observed.DOWN, "sip-core")
    assert await alerts(team) == [("holding", "draft")]
    told = [one.text for one in await tasks.listing(team.service)]
    assert any("alertbot edit" in one and "where" in one for one in told)


async def test_several_services_make_one_incident(database: Database) -> None:
    values = VALUES | {"what_fails": "{services} ({count}/{total})"}
    rules = (replace(RULES[0], values=values), replace(RULES[1], values=values))
    group = SignalGroup("regions", ("north", "south", "east"), parent="core")
    team = watched(await gather(database), *rules, groups={"regions": group})
    await says(team, Observed.DOWN, "north")
    await publish(team)
    team.clock.forward(minutes=20)
    await says(team, Observed.DOWN, "east")
    assert await alerts(team) == [("holding", "published"), ("status", "pending")]
    await publish(team)
    assert any("north (1/3)" in one for one in texts(team))
    assert any("north, east (2/3)" in one for one in texts(team))
    team.clock.forward(minutes=20)
    await says(team, Observed.DOWN, "core")
    await publish(team)
    assert len(await incidents.listing(team.service)) == 1
    assert any("core (3/3)" in one for one in texts(team))


async def test_a_rule_that_cannot_work_leaves_the_decision(database: Database) -> None:
    rule = replace(RULES[0], values={**VALUES, "since": "yesterday-ish"})
    team = watched(await gather(database), rule)
    await says(team, Observed.DOWN)
    assert [one.condition for one in await incidents.listing(team.service)] == ["down"]
    assert any("first" in one.text for one in await tasks.listing(team.service))


async def test_old_news_is_dropped_or_shown_to_the_team(database: Database) -> None:
    team = watched(await gather(database), policy=replace(POLICY, propose_stale=True))
    await says(team, Observed.DOWN, at=START - timedelta(hours=2))
    assert await alerts(team) == []
    assert [one.kind for one in await tasks.listing(team.service)] == ["old-news"]
    lines = await database.read(store_decisions.standing)
    assert [(one.action, one.reason) for one in lines] == [("drop", "stale")]


async def test_a_reminder_without_a_rule_is_one_for_the_team(database: Database) -> None:
    """And what waits for approval goes on waiting."""
    team = watched(await gather(database), policy=replace(POLICY, remind_every=timedelta(minutes=30)))
    await says(team, Observed.DEGRADED)
    await publish(team)
    team.clock.forward(minutes=29)
    await says(team, Observed.DOWN)
    team.clock.forward(minutes=31)
    await watching.look(team.service)
    await watching.look(team.service)
    assert await alerts(team) == [("holding", "published"), ("status", "pending")]
    assert "reminder" in [one.kind for one in await tasks.listing(team.service)]


async def test_what_led_to_nothing_is_forgotten_after_a_month(database: Database) -> None:
    team = watched(await gather(database))
    await says(team, Observed.UP)
    await says(team, Observed.DOWN)
    team.clock.forward(minutes=1)
    await says(team, Observed.DOWN)
    team.clock.forward(days=29)
    assert await watching.tidy(team.service) == 0
    team.clock.forward(days=2)
    assert await watching.tidy(team.service) == 2
    kept = await database.read(lambda conn: store_signals.listing(conn))
    assert [(one.signal.observed, one.action) for one in kept] == [(Observed.DOWN, "open")]


async def test_a_silent_source_is_told_once_and_heard_again(database: Database) -> None:
    team = watched(await gather(database), silent_after={"am": timedelta(minutes=15)})
    await says(team, Observed.UP)
    team.clock.forward(minutes=16)
    await watching.look(team.service)
    await watching.look(team.service)
    assert [one.kind for one in await tasks.listing(team.service)] == ["source-silent"]
    await watching.heard(team.service, "am")
    assert await tasks.listing(team.service) == []


async def test_a_promise_is_reminded_of_before_it_lapses(database: Database) -> None:
    team = watched(await gather(database))
    await says(team, Observed.DOWN)
    await publish(team)
    team.clock.forward(minutes=21)
    await watching.look(team.service)
    assert [one.kind for one in await tasks.listing(team.service)] == ["update-due"]


@pytest.mark.parametrize("after", [0, 90])
async def test_a_lapsed_promise_is_kept_by_the_rule_on_it(database: Database, after: int) -> None:
    """R19: the public is told that there is no news, and when we speak again."""
    no_news = Rule("no_news", frozenset({T.LAPSED}), "holding", RuleMode.PROPOSE, values=VALUES)
    team = watched(await gather(database), *RULES, no_news)
    await says(team, Observed.DOWN)
    await publish(team)
    team.clock.forward(minutes=31)
    await watching.look(team.service)
    await watching.look(team.service)
    assert await alerts(team) == [("holding", "published"), ("no_news", "pending")]


async def test_nothing_that_was_rejected_comes_again_by_itself(database: Database) -> None:
    team = watched(await gather(database))
    await says(team, Observed.DOWN)
    name = (await _found(team))[0]["id"]
    await approving.reject(team.service, team.people["bo"], name, "not true")
    await says(team, Observed.DOWN)
    await watching.look(team.service)
    assert await alerts(team) == [("holding", "rejected")]
