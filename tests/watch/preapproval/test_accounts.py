"""What was approved ahead is approved for the accounts that its channels were: another one stops it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from alertbot.core.errors import Refused
from alertbot.db.database import Database
from alertbot.people import tasks
from alertbot.watch.preapproval import validity
from alertbot.watch.rules_signals import Observed
from tests.team import Team, gather
from tests.watch.preapproval.rules import FIRST, signed, standing, with_rules
from tests.watch.test_watching import RULES, alerts, says, watched

CHAT = {"chat": "@alertes_exemple"}
OTHER = {"chat": "@autre_exemple"}
RULE = replace(RULES[0], name="auto", how=FIRST.how)


def on(team: Team, facts: Mapping[str, str]) -> Team:
    """The same team, whose channel is the account with these facts."""
    publisher = replace(team.service.publisher, identities={"public": lambda: facts})
    team.service = replace(team.service, publisher=publisher)
    return team


@pytest.fixture
async def team(database: Database) -> Team:
    return with_rules(await gather(database), FIRST)


async def test_another_account_stops_what_was_approved_ahead(team: Team) -> None:
    team = on(watched(team, RULE), CHAT)
    await signed(team, "bo", "cy", rule=RULE)
    await says(on(team, OTHER), Observed.DOWN)
    assert await alerts(team) == [("holding", "pending")]


@pytest.mark.parametrize(
    ("before", "now", "stops"),
    [
        (CHAT, CHAT, False),
        (CHAT, OTHER, True),
        ({"server": "a", "sender": "b"}, {"server": "a", "sender": "c"}, True),
        (CHAT | {"bot": ""}, CHAT | {"bot": "1400000001"}, False),
        (CHAT | {"bot": "1400000001"}, CHAT | {"bot": ""}, False),
        (CHAT | {"bot": "1400000001"}, CHAT | {"bot": "1400000002"}, True),
    ],
)
async def test_the_reason_names_the_account_and_the_team_is_told(
    team: Team, before: dict[str, str], now: dict[str, str], stops: bool
) -> None:
    await signed(on(team, before), "bo", "cy")
    on(team, now)
    found = await standing(team)
    await validity.look(team.service)
    told = [one for one in await tasks.listing(team.service) if one.kind == "rule-lost"]
    assert (not found.in_force, bool(told)) == (stops, stops)
    if stops:
        fact = next(name for name in before if before[name] != now[name])
        assert f"public: {fact} was {before[fact]} when it was preapproved" in found.sentence
        assert f"and is {now[fact]} here" in told[0].text


async def test_two_people_approve_the_same_account(team: Team) -> None:
    await signed(on(team, CHAT), "bo")
    with pytest.raises(Refused, match="chat was @alertes_exemple"):
        await signed(on(team, OTHER), "cy")
    assert not (await standing(team)).in_force


async def test_what_only_the_worker_knows_is_kept_when_it_first_looks(team: Team) -> None:
    """People at the command line often cannot read the secrets."""
    await signed(on(team, CHAT), "bo", "cy")
    await validity.look(on(team, CHAT | {"bot": "1400000001"}).service)
    assert not await validity.look(team.service)
    found = await standing(on(team, CHAT | {"bot": "1400000002"}))
    assert "public: bot was 1400000001" in found.sentence
    assert (await standing(on(team, CHAT))).in_force
