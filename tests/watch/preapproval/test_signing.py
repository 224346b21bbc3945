"""Rules that people approve ahead: two of them, exactly these texts, for a time, until somebody says no."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alertbot.core.errors import Faulty, Misuse, Refused
from alertbot.core.model import Audience, Target
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts, tasks
from alertbot.texts.publisher import Override
from alertbot.watch.preapproval import signing
from alertbot.watch.preapproval.rules_ahead import PreapprovalReason
from alertbot.watch.rules_rule import RuleMode, Transition
from tests.team import CHANNELS, START, Team, channel, gather
from tests.watch.preapproval.rules import FIRST, TITLES, VALUES, signed, standing, with_rules

TWO_MORE = {"holding": Override(approvers=2)}


@pytest.fixture
async def team(database: Database) -> Team:
    return with_rules(await gather(database), FIRST)


async def why(team: Team, **options: Any) -> PreapprovalReason:
    return (await standing(team, **options)).why


async def test_one_proposes_another_signs_and_it_is_in_force(team: Team) -> None:
    assert await why(team) is PreapprovalReason.NEVER
    proposed = await signing.preapprove(team.service, team.people["bo"], "first_word")
    assert proposed.proposed
    assert (proposed.state, proposed.automatic) == ("proposed", False)
    assert await why(team) is PreapprovalReason.PROPOSED
    done = await signed(team, "cy")
    assert (done.state, done.automatic, done.proposal) == ("in_force", True, None)
    assert [one.person for one in done.approval.signed] == ["bo", "cy"]
    assert done.approval.until == START + timedelta(days=30)
    found = await standing(team)
    assert found.in_force
    assert "bo, cy" in found.sentence
    verbs = await team.verbs()
    assert [verb for verb in verbs if verb.startswith("rule-")] == [
        "rule-propose",
        "rule-sign",
        "rule-approve",
    ]


async def test_one_person_is_never_enough(team: Team) -> None:
    await signed(team, "bo")
    with pytest.raises(Refused, match="another approver"):
        await signed(team, "bo")
    assert not (await standing(team)).in_force


async def test_who_signs_was_shown_it_or_gives_the_digest(team: Team) -> None:
    proposed = await signing.preapprove(team.service, team.people["bo"], "first_word")
    cy = team.people["cy"]
    with pytest.raises(Refused, match="has not seen"):
        await signing.preapprove(team.service, cy, "first_word")
    with pytest.raises(Misuse, match="12 characters"):
        await signing.preapprove(team.service, cy, "first_word", digest=proposed.digest[:11])
    with pytest.raises(Refused, match="The digest of"):
        await signing.preapprove(team.service, cy, "first_word", digest="0" * 64)
    assert not (await standing(team)).in_force
    with pytest.raises(Refused, match="has not seen the rule first_word as it is now"):
        await signing.preapprove(team.service, cy, "first_word", digest=proposed.digest[:31])
    await signing.preapprove(team.service, cy, "first_word", digest=proposed.digest[:32].upper())
    assert (await standing(team)).in_force


async def test_what_changed_since_it_was_shown_is_not_signed(team: Team) -> None:
    await signing.show(team.service, "first_word", team.tokens["cy"])
    changed = replace(FIRST, values=VALUES | {"next_update": "+20m"})
    with_rules(team, changed)
    await signing.preapprove(team.service, team.people["bo"], "first_word")
    with pytest.raises(Refused, match="has changed since cy"):
        await signing.preapprove(team.service, team.people["cy"], "first_word")


async def test_only_approvers_sign(team: Team) -> None:
    with pytest.raises(Refused, match="role approver"):
        await signing.preapprove(team.service, team.people["ada"], "first_word")


async def test_a_kind_that_needs_two_approvers_needs_three_people(database: Database) -> None:
    team = with_rules(await gather(database, overrides=TWO_MORE), FIRST)
    await team.join("di", "approver")
    found = await signed(team, "bo", "cy")
    assert (found.state, found.people) == ("proposed", 3)
    assert (await signed(team, "di")).state == "in_force"


async def test_it_ends_by_itself(team: Team) -> None:
    await signed(team, "bo", "cy", lasts=timedelta(days=2))
    team.clock.forward(days=2, seconds=-1)
    assert (await standing(team)).in_force
    team.clock.forward(seconds=1)
    assert await why(team) is PreapprovalReason.EXPIRED


async def test_of_two_lengths_the_shorter_counts_and_none_is_endless(team: Team) -> None:
    await signed(team, "bo", lasts=timedelta(days=3))
    done = await signed(team, "cy", lasts=timedelta(days=90))
    assert done.approval.lasts == timedelta(days=3).total_seconds()
    for wrong in (timedelta(), timedelta(days=-1), timedelta(days=90, seconds=1)):
        with pytest.raises(Misuse, match="90 days"):
            await signed(team, "bo", lasts=wrong)


async def test_a_proposal_that_nobody_signs_lapses(team: Team) -> None:
    await signed(team, "bo")
    team.clock.forward(days=7)
    assert await why(team) is PreapprovalReason.LAPSED
    assert (await signed(team, "cy")).proposed  # a new one
    assert (await signed(team, "bo")).state == "in_force"


async def test_revoked_it_is_over_at_once_and_for_good(team: Team) -> None:
    await signed(team, "bo", "cy")
    with pytest.raises(Misuse, match="--reason"):
        await signing.revoke(team.service, team.people["ada"], "first_word", " ")
    await signing.revoke(team.service, team.people["ada"], "first_word", "the network changes")
    found = await standing(team)
    assert found.why is PreapprovalReason.REVOKED
    assert "ada" in found.sentence
    assert "the network changes" in found.sentence
    with pytest.raises(Refused, match="Nothing"):
        await signing.revoke(team.service, team.people["ada"], "first_word", "again")
    assert "rule-revoke" in await team.verbs()


async def test_an_open_proposal_is_revoked_as_well(team: Team) -> None:
    await signed(team, "bo")
    await signing.revoke(team.service, team.people["cy"], "first_word", "not yet")
    assert await why(team) is PreapprovalReason.REVOKED
    assert await tasks.listing(team.service) == []
    assert (await signed(team, "cy")).proposed


async def test_what_was_configured_once_can_still_be_revoked(team: Team) -> None:
    await signed(team, "bo", "cy")
    with_rules(team)
    await signing.revoke(team.service, team.people["ada"], "first_word", "gone")
    with pytest.raises(Misuse, match="no rule 'second'"):
        await signing.revoke(team.service, team.people["ada"], "second", "gone")


def _named(change: object) -> str:
    """The same in every process: a set has no order."""
    return ",".join(change) if isinstance(change, dict) else str(change)


@pytest.mark.parametrize("name", ["bo", "cy"])
async def test_who_is_an_approver_no_more_does_not_count(team: Team, name: str) -> None:
    await signed(team, "bo", "cy")
    other = "cy" if name == "bo" else "bo"
    await accounts.revoke(team.service, team.people[other], name)
    found = await standing(team)
    assert found.why is PreapprovalReason.HANDS
    assert name in found.sentence


async def test_a_proposer_who_is_gone_leaves_nothing_to_sign(team: Team) -> None:
    await signed(team, "bo")
    await accounts.revoke(team.service, team.people["cy"], "bo")
    assert (await signed(team, "cy")).proposed
    assert not (await standing(team)).in_force


async def test_two_who_come_at_once_are_two(team: Team) -> None:
    for name in ("bo", "cy"):
        await signing.show(team.service, "first_word", team.tokens[name])
    found = await asyncio.gather(
        *(signing.preapprove(team.service, team.people[name], "first_word") for name in ("bo", "cy"))
    )
    assert sorted(one.proposed for one in found) == [False, True]
    assert (await standing(team)).in_force


async def test_it_is_renewed_while_it_is_in_force(team: Team) -> None:
    await signed(team, "bo", "cy", lasts=timedelta(days=2))
    team.clock.forward(days=1)
    again = await signed(team, "cy")
    assert (again.state, len(again.proposal.signed)) == ("in_force", 1)
    team.clock.forward(hours=1)
    await signed(team, "bo", lasts=timedelta(days=20))
    team.clock.forward(days=19)
    assert (await standing(team)).in_force
    team.clock.forward(days=1)
    assert await why(team) is PreapprovalReason.EXPIRED


@pytest.mark.parametrize(
    "change",
    [
        {"values": VALUES | {"where": [69]}},
        {"values": VALUES | {"regret": {"fr": "Nous le regrettons.", "en": "We regret it."}}},
        {"kind": "status"},
        {"after": timedelta(seconds=10)},
        {"after": timedelta()},
        {"on": frozenset({Transition.OPEN})},
        {"services": frozenset({"sms"})},
        {"services": frozenset({"sip", "sms"})},
        {"languages": ("fr",)},
        {"channels": ("public",)},
        {"exercise": True},
        {"name": "first_words"},
    ],
    ids=_named,
)
async def test_any_change_of_the_rule_is_another_rule(team: Team, change: dict[str, Any]) -> None:
    await signed(team, "bo", "cy")
    changed = replace(FIRST, **change)
    wanted = PreapprovalReason.NEVER if "name" in change else PreapprovalReason.CHANGED
    assert await why(team, rule=changed) is wanted
    assert (await standing(team)).in_force  # what was approved still is


async def test_another_recipient_channel_organisation_or_title_is_another_approval(team: Team) -> None:
    await signed(team, "bo", "cy")
    publisher, watch = team.service.publisher, team.service.watch
    public = publisher.channels["public"]
    voices = [
        replace(
            publisher,
            channels=publisher.channels | {"public": replace(public, targets=(Target("else"),))},
        ),
        replace(publisher, channels=publisher.channels | {"third": channel("third")}),
        replace(
            publisher, channels=publisher.channels | {"public": channel("public", languages=("fr",))}
        ),
        replace(publisher, channels={k: v for k, v in publisher.channels.items() if k != "second"}),
        replace(publisher, organisation=replace(publisher.organisation, name="Mairie d'essai")),
        replace(publisher, organisation=replace(publisher.organisation, sandbox=False)),
        replace(publisher, organisation=replace(publisher.organisation, timezone="Europe/London")),
        replace(publisher, overrides=TWO_MORE),
    ]
    before = team.service
    for changed in voices:
        team.service = replace(before, publisher=changed)
        assert await why(team) is PreapprovalReason.CHANGED
    titles = TITLES | {"sip": {"fr": "le 15", "en": "15"}}
    team.service = replace(before, watch=replace(watch, titles=titles))
    assert await why(team) is PreapprovalReason.CHANGED
    titles = TITLES | {"other": {"fr": "autre", "en": "other"}}
    team.service = replace(before, watch=replace(watch, titles=titles))
    assert await why(team) is PreapprovalReason.IN_FORCE  # no text names it


async def test_a_channel_of_another_audience_is_another_approval(team: Team) -> None:
    rule = replace(FIRST, channels=("public", "team"))
    with_rules(team, rule)
    await signed(team, "bo", "cy", rule=rule)
    assert await why(team, rule=rule) is PreapprovalReason.IN_FORCE
    channels = team.service.publisher.channels | {"team": channel("team", Audience.LIVE)}
    team.service = replace(team.service, publisher=replace(team.service.publisher, channels=channels))
    assert await why(team, rule=rule) is PreapprovalReason.CHANGED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "apology"}, "apology never"),
        ({"kind": "end"}, "end never"),
        ({"kind": "provisional_number"}, "never goes out by itself"),
        ({"kind": "correction"}, "never goes out by itself"),
        ({"kind": "status", "values": VALUES | {"territories": "22"}}, "territories"),
        ({"kind": "status", "values": VALUES | {"numbers": [{"entry": "N1"}]}}, "numbers"),
        ({"kind": "status", "values": VALUES | {"no_longer_valid": [{"entry": "N1"}]}}, "no_longer"),
        (
            {"kind": "status", "values": VALUES | {"figures": [{"value": "5", "unit": "morts"}]}},
            "figures never",
        ),
        ({"services": frozenset({"sip", "unknown"})}, "unknown"),
        ({"how": RuleMode.PROPOSE}, "auto_after"),
    ],
    ids=_named,
)
async def test_some_things_nobody_can_approve_ahead(
    team: Team, change: dict[str, Any], words: str
) -> None:
    rule = replace(FIRST, **change)
    with_rules(team, rule)
    with pytest.raises(Refused, match=words):
        await signing.preapprove(team.service, team.people["bo"], rule.name)
    if rule.how is RuleMode.AUTO:
        assert await why(team, rule=rule) is PreapprovalReason.FORBIDDEN


async def test_a_service_without_a_title_is_not_named_unread(team: Team) -> None:
    anyone = replace(FIRST, services=frozenset())
    with_rules(team, anyone)
    await signed(team, "bo", "cy", rule=anyone)
    assert await why(team, rule=anyone, services=frozenset({"sip"})) is PreapprovalReason.IN_FORCE
    assert (
        await why(team, rule=anyone, services=frozenset({"sip-core-1"})) is PreapprovalReason.FORBIDDEN
    )
    plain = replace(anyone, values=VALUES | {"what_fails": {"fr": "le 15", "en": "15"}})
    with_rules(team, plain)
    await signed(team, "bo", "cy", rule=plain)
    assert await why(team, rule=plain, services=frozenset({"sip-core-1"})) is PreapprovalReason.IN_FORCE


async def test_what_could_not_go_out_is_not_approved_ahead(team: Team) -> None:
    rule = replace(FIRST, values=VALUES | {"next_update": None})
    with_rules(team, rule)
    with pytest.raises(Faulty, match="could not go out") as refused:
        await signing.preapprove(team.service, team.people["bo"], rule.name)
    assert {fault.field for fault in refused.value.faults} == {"next_update"}


async def test_a_rule_that_is_not_there_names_the_nearest(team: Team) -> None:
    with pytest.raises(Misuse, match="did you mean first_word"):
        await signing.show(team.service, "first_wrod", None)
    with pytest.raises(Misuse, match="are: first_word"):
        await signing.show(team.service, "zzz", None)


async def test_every_rule_is_listed_with_its_reason(team: Team) -> None:
    rules = (
        FIRST,
        replace(FIRST, name="over", kind="end"),
        replace(FIRST, name="people", how=RuleMode.PROPOSE),
        replace(FIRST, name="quiet", how=RuleMode.OFF),
        replace(FIRST, name="broken", kind="holdin"),
    )
    with_rules(team, *rules)
    await signed(team, "bo", "cy")
    rows = {row.rule: row for row in await signing.listing(team.service)}
    assert list(rows) == [rule.name for rule in rules]
    assert [row.state for row in rows.values()] == ["in_force", "forbidden", None, None, "broken"]
    assert [row.automatic for row in rows.values()] == [True, False, False, False, False]
    assert "holding" in rows["broken"].why
    assert all(row.why for row in rows.values())
    assert rows["first_word"].on == ("open", "reopen")
    assert rows["first_word"].after == 90


async def test_the_team_is_told_of_a_proposal(team: Team) -> None:
    await signed(team, "bo")
    (task,) = await tasks.listing(team.service)
    assert task.kind == "rule-proposed"
    await team.work()
    (post,) = team.adapters["team"].posts
    assert "alertbot rules show first_word" in post.text
    await signed(team, "cy")
    assert await tasks.listing(team.service) == []


async def test_nothing_is_published_by_any_of_it(team: Team) -> None:
    await signed(team, "bo", "cy")
    await team.work()
    assert {name for name in (one.name for one in CHANNELS) if team.adapters[name].posts} == {"team"}
    assert (await overview.status(team.service, None)).alerts == ()
