"""What the program says by itself as trouble goes on: where it stands, since when, and that there is nothing new."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from alertbot.alerts import following, showing, store_reading
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.rules_inherited import stage_of
from alertbot.db.database import Database
from alertbot.watch import watching
from alertbot.watch.preapproval import sample
from alertbot.watch.rules_rule import Confirmation, Rule, RuleMode, Transition
from alertbot.watch.rules_signals import Observed
from tests.team import Team, gather
from tests.watch.preapproval.rules import signed
from tests.watch.test_watching import POLICY, RULES, VALUES, alerts, publish, says, texts, watched

T = Transition
QUICK = replace(POLICY, confirm_up=Confirmation(), dwell=timedelta())
NEXT = Rule("next", frozenset({T.UPDATE, T.STABILISE, T.RELAPSE}), "status", values=VALUES)
NO_NEWS = Rule(
    "no_news", frozenset({T.LAPSED}), "no_news", RuleMode.AUTO, values={"next_update": "+30m"}
)


async def given(team: Team) -> list[dict[str, Any]]:
    """The values of every alert, the first first."""
    found = await team.service.database.read(store_reading.listing)
    return [dict(one.given) for one in reversed(found)]


def test_the_state_of_the_incident_gives_the_stage() -> None:
    assert stage_of("stabilised", None) == "stabilised"
    assert stage_of("down", "stabilised") == stage_of("degraded", "stabilised") == "back_again"
    assert stage_of("degraded", "restored_partly") == "restored_partly"
    assert stage_of("down", "restored_partly") == "back_again"
    assert stage_of("down", None) is None
    assert stage_of("resolved", "stabilised") == "stabilised"
    assert (
        stage_of(None, "stabilised") == "stabilised"
    )  # an incident that nobody watches: as people said


async def test_stabilised_and_back_again_are_said_by_themselves(database: Database) -> None:
    team = watched(await gather(database), RULES[0], NEXT, policy=QUICK)
    await says(team, Observed.DOWN)
    await publish(team)
    team.clock.forward(minutes=20)
    await says(team, Observed.UP)
    await publish(team)
    team.clock.forward(minutes=20)
    await says(team, Observed.DOWN)
    await publish(team)
    assert [one.get("stage") for one in await given(team)] == [None, "stabilised", "back_again"]
    said = "\n".join(texts(team))
    assert "stable, not yet restored" in said.lower()
    assert "failing again" in said.lower()


async def test_a_person_may_say_another_stage(database: Database) -> None:
    team = watched(await gather(database), RULES[0], NEXT, policy=QUICK)
    await says(team, Observed.DOWN)
    await publish(team)
    team.clock.forward(minutes=20)
    await says(team, Observed.UP)
    await publish(team)
    last = (await team.service.database.read(store_reading.listing))[0]
    soon = {"next_update": "+30m"}
    for changes, stage in (({}, "stabilised"), ({"stage": "restored_partly"}, "restored_partly")):
        view = await following.update(
            team.service, team.people["ada"], last.id, FollowRequest({**soon, **changes})
        )
        shown = await showing.show(team.service, view.id, None)
        assert shown.values["stage"] == stage


async def test_since_is_what_a_source_said_and_else_when_it_was_seen(database: Database) -> None:
    team = watched(await gather(database))
    await says(team, Observed.DOWN)
    (seen,) = await given(team)
    assert "since" not in seen
    assert "noticed_at" in seen
    team.clock.forward(minutes=1)
    began = team.clock.now - timedelta(minutes=15)
    await says(team, Observed.DOWN, service="other", started_at=began)
    said = next(one for one in await given(team) if "since" in one)
    assert "noticed_at" not in said
    assert said["since"].startswith((began + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"))


async def test_a_lapsed_promise_says_nothing_new_once_that_is_approved_ahead(
    database: Database,
) -> None:
    team = watched(await gather(database), RULES[0], NO_NEWS, policy=QUICK)
    await signed(team, "bo", "cy", rule=NO_NEWS)
    await says(team, Observed.DOWN)
    await publish(team)
    first = (await given(team))[0]
    team.clock.forward(minutes=31)
    await watching.look(team.service)
    await team.work()
    assert await alerts(team) == [("holding", "published"), ("no_news", "published")]
    second = (await given(team))[1]
    for name in ("what_fails", "what_to_do", "where"):
        assert second[name] == first[name]
    said = [text for text in texts(team) if "nothing new" in text.lower()]
    assert said
    assert all("Call from a landline." in text for text in said)


async def test_what_follows_no_news_goes_on_from_the_alert_before(database: Database) -> None:
    team = await gather(database)
    first = await team.approved("status", changes={"what_works": {"fr": "le 112", "en": "112"}})
    await team.work()
    soon = {"next_update": "+30m"}
    view = await following.update(
        team.service, team.people["ada"], first.id, FollowRequest(soon, submit=True), kind="no_news"
    )
    await team.approve(view.id)
    await team.work()
    later = await following.update(team.service, team.people["ada"], view.id, FollowRequest(soon))
    shown = await showing.show(team.service, later.id, None)
    assert later.kind == "status"
    assert shown.values["what_works"] == {"fr": "le 112", "en": "112"}
    assert "since" in shown.values


async def test_planned_works_that_go_wrong_become_a_status(database: Database) -> None:
    team = await gather(database)
    works = await team.approved("planned_works")
    await team.work()
    said = FollowRequest({"next_update": "+30m", "since": "-5m"})
    view = await following.update(team.service, team.people["ada"], works.id, said)
    assert (view.kind, view.faults) == ("status", ())


def test_an_approval_ahead_shows_every_stage_that_may_be_said() -> None:
    assert sample.possible_stages(NEXT, T.STABILISE) == ("stabilised",)
    assert sample.possible_stages(NEXT, T.RELAPSE) == ("back_again",)
    assert set(sample.possible_stages(NEXT, T.REMIND)) == {None, "stabilised", "back_again"}
