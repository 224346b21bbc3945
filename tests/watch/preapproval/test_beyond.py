"""What goes out by itself says no more, and to nobody more, than what people approved ahead."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alertbot.alerts import approving, writing
from alertbot.alerts import store_reading as stored
from alertbot.alerts.compose import DraftRequest
from alertbot.core.errors import Refused
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.texts.kinds.layers import shipped
from alertbot.watch import watching
from alertbot.watch.preapproval import sample, signing, validity
from alertbot.watch.rules_rule import Rule, RuleMode, Transition
from alertbot.watch.rules_signals import Observed
from tests.team import Team, gather
from tests.watch.preapproval.rules import signed
from tests.watch.test_watching import VALUES, alerts, says, watched

T = Transition
FIRST = Rule("first", frozenset({T.OPEN}), "holding", RuleMode.AUTO, values=VALUES)
SLOW = replace(FIRST, name="slow", after=timedelta(seconds=90))
WORSE = Rule(
    "worse", frozenset({T.WORSE}), "status", RuleMode.AUTO, values={**VALUES, "next_update": "+20m"}
)
REGRET = {"fr": "Nous en sommes désolés.", "en": "We are sorry."}


async def ready(database: Database, *rules: Rule) -> Team:
    team = watched(await gather(database), *rules)
    for rule in rules:
        if rule.how is RuleMode.AUTO:
            await signed(team, "bo", "cy", rule=rule)
    return team


async def newest(team: Team) -> str:
    (found, *_older) = await team.service.database.read(stored.listing)
    return found.id


async def told(team: Team) -> str:
    await team.work()
    return "\n".join(post.text for post in team.adapters["team"].posts)


async def first_by_a_person(team: Team, **changes: Any) -> None:
    """A proposal that a person published in other words."""
    await says(team, Observed.DEGRADED)
    alert = await newest(team)
    await writing.edit(team.service, team.people["ada"], alert, changes.pop("said", {}), {})
    await writing.submit(team.service, team.people["ada"], alert)
    await team.approve(alert, "bo")
    await team.work()
    team.clock.forward(minutes=20)


async def test_what_follows_goes_out_by_itself_where_it_is_complete(database: Database) -> None:
    team = await ready(database, FIRST, WORSE)
    await says(team, Observed.DEGRADED)
    await team.work()
    team.clock.forward(minutes=20)
    await says(team, Observed.DOWN)
    await team.work()
    assert await alerts(team) == [("holding", "published"), ("status", "published")]


async def test_words_that_it_takes_over_from_a_person_are_for_people(database: Database) -> None:
    team = await ready(database, replace(FIRST, how=RuleMode.PROPOSE), WORSE)
    await first_by_a_person(team, said={"regret": REGRET})
    await says(team, Observed.DOWN)
    assert (await alerts(team))[-1] == ("status", "pending")
    assert "more than was preapproved: regret" in await told(team)


async def test_a_rule_for_one_channel_does_not_reach_another_through_what_it_follows(
    database: Database,
) -> None:
    narrow = replace(WORSE, channels=("second",))
    team = await ready(database, FIRST, narrow)
    await says(team, Observed.DEGRADED)
    await team.work()
    team.clock.forward(minutes=20)
    await says(team, Observed.DOWN)
    assert (await alerts(team))[-1] == ("status", "pending")
    assert "more than was preapproved: public" in await told(team)


async def test_a_rule_for_one_language_does_not_speak_another(database: Database) -> None:
    team = await ready(database, FIRST, replace(WORSE, languages=("fr",)))
    await says(team, Observed.DEGRADED)
    await team.work()
    team.clock.forward(minutes=20)
    await says(team, Observed.DOWN)
    assert (await alerts(team))[-1] == ("status", "pending")


async def test_what_a_person_changed_while_it_counted_down_is_not_let_out(
    database: Database,
) -> None:
    team = await ready(database, SLOW)
    await says(team, Observed.DOWN)
    alert = await newest(team)
    await writing.edit(team.service, team.people["ada"], alert, {"regret": REGRET}, {})
    await writing.submit(team.service, team.people["ada"], alert)
    team.clock.forward(seconds=91)
    await watching.look(team.service)
    assert await team.state(alert) == "pending"


async def test_words_that_broke_while_it_counted_down_leave_it_to_people(
    database: Database, tmp_path: Path
) -> None:
    team = await ready(database, SLOW)
    own = tmp_path / "messages"
    shutil.copytree(shipped() / "holding", own / "holding")
    await says(team, Observed.DOWN)
    (own / "holding" / "kind.yaml").write_text("title: {fr: x}\n", encoding="utf-8")
    publisher = replace(team.service.publisher, folders=(shipped(), own))
    team.service = replace(team.service, publisher=publisher)
    team.clock.forward(seconds=91)
    await watching.look(team.service)
    await watching.look(team.service)
    assert await alerts(team) == [("holding", "pending")]


async def test_a_countdown_that_people_overtook_is_neither_shown_nor_stopped(
    database: Database,
) -> None:
    team = await ready(database, SLOW)
    await says(team, Observed.DOWN)
    alert = await newest(team)
    await approving.reject(team.service, team.people["bo"], alert, "no")
    status = await overview.status(team.service, None)
    assert not any("rules abort" in one.message for one in status.open)
    with pytest.raises(Refused, match="it is rejected"):
        await signing.abort(team.service, "ada", alert)
    revoked = await signing.revoke(team.service, team.people["bo"], "slow", "no")
    assert revoked.stopped == ()


async def test_what_follows_must_say_by_itself_what_fails(database: Database) -> None:
    silent = {name: value for name, value in VALUES.items() if name != "what_fails"}
    team = watched(await gather(database), replace(WORSE, values=silent))
    with pytest.raises(Refused, match="could not go out"):
        await signed(team, "bo", rule=WORSE)


async def test_an_alert_that_a_person_wrote_is_never_let_out(database: Database) -> None:
    team = await ready(database, FIRST)
    made = await sample.template(team.service, FIRST)
    values = dict(made.samples[0].composed.parsed.frozen)
    wishes = DraftRequest("holding", values | {"next_update": "+30m"})
    view = await writing.draft(team.service, team.people["ada"], wishes)
    alert = await team.service.database.read(lambda conn: stored.get(conn, view.id))
    found = await team.service.database.read(
        lambda conn: validity.may_go(team.service, conn, FIRST, alert, frozenset({"calls"}))
    )
    assert not found.in_force
    assert "someone wrote" in found.sentence
