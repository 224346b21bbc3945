"""When an incident may end (R11): what the services concerned say, and the watch period, whoever opened it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alertbot.alerts import following, showing, writing
from alertbot.alerts.following import FollowRequest
from alertbot.core.errors import Faulty, Refused
from alertbot.db.database import Database
from alertbot.people import tasks
from alertbot.watch import incidents, reminders, watching
from alertbot.watch.incidents import StateReport
from alertbot.watch.rules_log import State
from alertbot.watch.rules_signals import Observed
from tests.alerts.test_area import ENDED, EXCUSED, out, texts
from tests.team import Team, gather
from tests.watch.test_watching import POLICY, publish, says, watched

BY = StateReport(State.RESOLVED, confirmed_by="le SAMU du Rhône")


async def by_hand(team: Team) -> str:
    """An incident that no source watches, with a published alert."""
    view = await team.approved()
    await team.work()
    return str(view.incident)


async def set_(team: Team, incident: str, word: StateReport) -> str:
    shown = await incidents.set_(team.service, team.people["ada"], incident, word)
    return f"{shown.state} {shown.condition}"


UNWORDED = {name: value for name, value in ENDED.items() if name != "confirmed_by"}


async def test_an_incident_opened_by_hand_takes_the_services_word_and_time(database: Database) -> None:
    team = await gather(database)
    name = await by_hand(team)
    ada = team.people["ada"]
    view = await following.end(team.service, ada, name, FollowRequest(UNWORDED))
    assert {one.rule for one in view.faults} == {"missing", "unconfirmed"}
    with pytest.raises(Faulty):
        await writing.submit(team.service, ada, view.id)
    with pytest.raises(Refused, match="--confirmed-by"):
        await set_(team, name, StateReport(State.RESOLVED))
    assert await set_(team, name, BY) == "open stabilised"
    with pytest.raises(Faulty):
        await writing.submit(team.service, ada, view.id)
    team.clock.forward(hours=2)
    await watching.look(team.service)
    assert (await incidents.show(team.service, name)).condition == "resolved"
    view = await writing.edit(team.service, ada, view.id, {"what_works": ENDED["what_works"]}, {})
    view = await out(team, view)
    assert len(await texts(team, view.id)) == 4
    assert all("SAMU du Rhône" in text for text in await texts(team, view.id))
    assert (await incidents.show(team.service, name)).state == "closed"


async def test_a_reason_ends_it_and_is_kept(database: Database) -> None:
    team = await gather(database)
    name = await by_hand(team)
    view = await following.end(team.service, team.people["ada"], name, FollowRequest(ENDED, EXCUSED))
    shown = await showing.show(team.service, view.id, None)
    assert shown.accepted == EXCUSED
    assert all("confirm" in text.casefold() for text in await texts(team, view.id))  # not yet, it says
    await out(team, view)
    assert (await incidents.show(team.service, name)).state == "closed"


async def test_resolved_never_closes_what_the_public_knows(database: Database) -> None:
    team = await gather(database)
    view = await team.approved()  # approved, and on its way: nothing has reached anyone yet
    with pytest.raises(Refused, match="--confirmed-by"):
        await set_(team, view.incident, StateReport(State.RESOLVED))
    await team.work()
    assert await set_(team, view.incident, BY) == "open stabilised"
    team.clock.forward(hours=2)
    await watching.look(team.service)
    shown = await incidents.show(team.service, view.incident)
    assert (shown.state, shown.condition) == ("open", "resolved")


async def test_a_relapse_takes_the_confirmation_back(database: Database) -> None:
    """Three days: confirmed, down again while the end waits, and over only when it is confirmed anew."""
    team = watched(await gather(database), policy=replace(POLICY, watch=timedelta(hours=2)))
    found = await incidents.open_(
        team.service, team.people["ada"], None, watched="calls", state=State.DOWN
    )
    await publish(team)
    assert await set_(team, found.id, BY) == "open stabilised"
    said = FollowRequest(ENDED, EXCUSED)
    view = await following.end(team.service, team.people["ada"], found.id, said)
    view = await writing.submit(team.service, team.people["ada"], view.id)
    team.clock.forward(minutes=20)
    await says(team, Observed.DOWN)
    shown = await incidents.show(team.service, found.id)
    assert (shown.condition, shown.confirmed_by) == ("down", None)
    with pytest.raises(Refused, match="is down"):
        await team.approve(view.id, "bo")
    await writing.discard(team.service, team.people["ada"], view.id)
    team.clock.forward(days=2)
    with pytest.raises(Refused, match="can only end once it is resolved"):
        await following.end(team.service, team.people["ada"], found.id, said)
    with pytest.raises(Refused, match="--confirmed-by"):
        await set_(team, found.id, StateReport(State.RESOLVED))


async def test_new_trouble_before_the_end_is_out_stays_in_the_incident(database: Database) -> None:
    team = watched(await gather(database), policy=replace(POLICY, watch=timedelta(hours=2)))
    found = await incidents.open_(
        team.service, team.people["ada"], None, watched="calls", state=State.DOWN
    )
    await publish(team)
    await set_(team, found.id, BY)
    team.clock.forward(hours=2)
    await watching.look(team.service)
    assert (await incidents.show(team.service, found.id)).condition == "resolved"
    team.clock.forward(days=3)
    await says(team, Observed.DOWN)
    shown = await incidents.show(team.service, found.id)
    assert (shown.state, shown.condition) == ("open", "down")


@pytest.mark.parametrize("by", ["le ministre de l'Intérieur", "Orange", "SAMUT 69"])
async def test_who_counts_is_configured(database: Database, by: str) -> None:
    team = watched(await gather(database))
    listed = {"": ("SAMU", "préfecture du Rhône")}
    team.service = replace(team.service, watch=replace(team.service.watch, confirmers=listed))
    name = await by_hand(team)
    with pytest.raises(Refused, match="SAMU, préfecture du Rhône"):
        await set_(team, name, StateReport(State.RESOLVED, confirmed_by=by))
    word = StateReport(State.RESOLVED, confirmed_by="la Prefecture du Rhone, par téléphone")
    assert await set_(team, name, word) == "open stabilised"


async def test_numbers_and_promises_of_a_closed_incident_are_tasks(database: Database) -> None:
    team = await gather(database)
    view = await team.approved("provisional_number")
    await team.work()
    kept = (await showing.show(team.service, view.id, None)).values["numbers"]
    said = FollowRequest(
        {
            **ENDED,
            "numbers": [{"entry": row["entry"]} for row in kept],
            "which_stay": {"fr": "tous", "en": "all"},
            "which_stop": {"fr": "aucun", "en": "none"},
            "no_longer_valid": None,
        },
        EXCUSED,
    )
    ada = team.people["ada"]
    end = await following.end(team.service, ada, view.incident, said)
    await out(team, end)
    assert (await incidents.show(team.service, view.incident)).state == "closed"
    await reminders.look(team.service)
    open_ones = await tasks.listing(team.service)
    about = [one.text for one in open_ones if one.kind == "closed-numbers"]
    assert len(about) == len(kept)
    assert all(view.incident in text for text in about)
