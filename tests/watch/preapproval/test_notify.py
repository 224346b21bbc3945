"""The team hears in time that a rule will stop acting by itself, and at once when it has."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alertbot.db.database import Database
from alertbot.people import accounts, tasks
from alertbot.texts.publisher import Publisher
from alertbot.watch.preapproval import signing, validity
from tests.team import Team, gather
from tests.watch.preapproval.rules import FIRST, VALUES, signed, with_rules


@pytest.fixture
async def team(database: Database) -> Team:
    return with_rules(await gather(database), FIRST)


async def kinds(team: Team, *, every: bool = False) -> list[str]:
    return [one.kind for one in await tasks.listing(team.service, every=every)]


async def test_three_days_before_its_end_and_once(team: Team) -> None:
    await signed(team, "bo", "cy")
    team.clock.forward(days=27, seconds=-1)
    assert not await validity.look(team.service)
    team.clock.forward(seconds=1)
    assert await validity.look(team.service)
    assert not await validity.look(team.service)
    (task,) = await tasks.listing(team.service)
    assert (task.kind, task.due_at) == ("rule-ends", datetime(2026, 4, 1, 14, tzinfo=UTC))
    assert "alertbot rules preapprove first_word" in task.text
    await team.work()
    assert any("first_word" in post.text for post in team.adapters["team"].posts)


async def test_it_stays_until_it_is_renewed(team: Team) -> None:
    await signed(team, "bo", "cy")
    team.clock.forward(days=29)
    await validity.look(team.service)
    team.clock.forward(days=5)
    assert not await validity.look(team.service)
    assert await kinds(team) == ["rule-ends"]
    await signed(team, "bo", "cy")
    await validity.look(team.service)
    assert await kinds(team) == []


async def test_done_by_a_person_it_is_not_raised_again(team: Team) -> None:
    await signed(team, "bo", "cy")
    team.clock.forward(days=29)
    await validity.look(team.service)
    (task,) = await tasks.listing(team.service)
    await tasks.done(team.service, team.people["ada"], task.id, "Let it end.")
    team.clock.forward(days=5)
    assert not await validity.look(team.service)


async def test_a_change_that_loses_it_is_told_at_once(team: Team) -> None:
    await signed(team, "bo", "cy")
    assert not await validity.look(team.service)
    with_rules(team, replace(FIRST, values=VALUES | {"where": [69]}))
    await validity.look(team.service)
    (task,) = await tasks.listing(team.service)
    assert task.kind == "rule-lost"
    assert "has changed" in task.text
    with_rules(team, FIRST)  # as it was
    await validity.look(team.service)
    assert await kinds(team) == []


@pytest.mark.parametrize("kind", ["holdin", "end"])
async def test_a_rule_that_can_no_longer_go_out_is_lost_too(team: Team, kind: str) -> None:
    await signed(team, "bo", "cy")
    with_rules(team, replace(FIRST, kind=kind))
    await validity.look(team.service)
    assert await kinds(team) == ["rule-lost"]


async def test_who_leaves_takes_it_along(team: Team) -> None:
    await signed(team, "bo", "cy")
    await accounts.revoke(team.service, team.people["cy"], "bo")
    await validity.look(team.service)
    (task,) = await tasks.listing(team.service)
    assert task.kind == "rule-lost"
    assert "bo" in task.text


async def test_what_was_revoked_or_is_configured_no_more_needs_nobody(team: Team) -> None:
    await signed(team, "bo", "cy")
    with_rules(team, replace(FIRST, after=timedelta()))
    await validity.look(team.service)
    assert await kinds(team) == ["rule-lost"]
    await signing.revoke(team.service, team.people["bo"], "first_word", "no")
    await validity.look(team.service)
    assert await kinds(team) == []
    with_rules(team)
    assert not await validity.look(team.service)


async def test_a_proposal_that_changed_or_lapsed_waits_for_nobody(team: Team) -> None:
    await signed(team, "bo")
    assert not await validity.look(team.service)
    assert await kinds(team) == ["rule-proposed"]
    team.clock.forward(days=7)
    await validity.look(team.service)
    assert await kinds(team) == []
    await signed(team, "bo")
    changed: Publisher = replace(
        team.service.publisher,
        organisation=replace(team.service.publisher.organisation, hashtag="Essai"),
    )
    team.service = replace(team.service, publisher=changed)
    await validity.look(team.service)
    assert await kinds(team) == []
