"""One active guidance per incident (R9): what contradicts it is held until a person decides."""

from typing import Any

import pytest

from alertbot.alerts import approving, showing, writing
from alertbot.alerts.conflicts import CurrentAdvice
from alertbot.alerts.views import AlertView
from alertbot.core.errors import Faulty
from alertbot.core.model import Conflict
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.watch import incidents
from tests.team import Team, gather

LANDLINE = {"what_to_do": {"fr": "appelez d'un fixe.", "en": "call from a landline."}}
NEITHER = {"what_to_do": "appelez le 15.", "what_works": "le 114 par SMS"}
MOBILE = {"what_to_do": {"fr": "prenez un mobile.", "en": "use a mobile."}}


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def out(team: Team, kind: str = "holding", **options: Any) -> AlertView:
    return await team.approved(kind, **options)


def rules(view: AlertView) -> set[str]:
    return {fault.rule for fault in view.faults}


async def test_a_mobile_while_a_landline_is_preferred_is_held_with_both_texts(team: Team) -> None:
    first = await out(team, changes=LANDLINE)
    view = await team.draft("status", incident=first.incident, changes=MOBILE)
    assert rules(view) == {"contradicts"}
    (found,) = view.contradictions
    assert found == Conflict(
        rule="contradicts",
        topic="line",
        alert=first.id,
        said="appelez d'un fixe.",
        says="prenez un mobile.",
        accepted=None,
    )
    with pytest.raises(Faulty) as refused:
        await writing.submit(team.service, team.people["ada"], view.id)
    assert refused.value.contradictions == (found,)
    assert [fault.rule for fault in refused.value.faults] == ["contradicts"]


async def test_a_person_decides_and_the_audit_keeps_both_texts(team: Team) -> None:
    first = await out(team, changes=LANDLINE)
    view = await team.draft("status", incident=first.incident, changes=MOBILE)
    view = await writing.edit(
        team.service, team.people["ada"], view.id, {}, {"contradicts": "The operator asks for it."}
    )
    assert view.faults == ()
    assert view.contradictions[0].accepted == "The operator asks for it."
    await writing.submit(team.service, team.people["ada"], view.id)
    assert (await team.approve(view.id)).state == "approved"
    (row,) = [
        row
        for row in await overview.audit_export(team.service)
        if row["verb"] == "accept-contradiction"
    ]
    assert (row["actor"], row["alert"]) == ("ada", view.id)
    assert "prenez un mobile." in str(row["detail"])
    assert "appelez d'un fixe." in str(row["detail"])


async def test_a_person_changes_it_instead(team: Team) -> None:
    first = await out(team, changes=LANDLINE)
    view = await team.draft("status", incident=first.incident, changes=MOBILE)
    view = await writing.edit(team.service, team.people["ada"], view.id, LANDLINE, {})
    assert (view.faults, view.contradictions) == ((), ())


async def test_a_decision_does_not_count_for_other_words(team: Team) -> None:
    first = await out(team, changes=LANDLINE)
    accepted = {"contradicts": "The operator asks for it."}
    view = await team.draft("status", incident=first.incident, changes=MOBILE, accepted=accepted)
    assert view.faults == ()
    same = await writing.edit(team.service, team.people["ada"], view.id, {"next_update": "+45m"}, {})
    assert same.faults == ()
    other = {"what_to_do": {"fr": "essayez un portable.", "en": "try a cell phone."}}
    view = await writing.edit(team.service, team.people["ada"], view.id, other, {})
    assert rules(view) == {"contradicts"}


async def test_another_that_went_out_meanwhile_stops_the_approval(team: Team) -> None:
    first = await out(team, changes=NEITHER)
    waiting = await team.pending("status", incident=first.incident, changes=NEITHER | MOBILE)
    faster = await out(team, "status", incident=first.incident, changes=LANDLINE)
    with pytest.raises(Faulty, match=rf"{faster.id}.*--accept contradicts=") as refused:
        await team.approve(waiting.id)
    assert refused.value.contradictions[0].alert == faster.id
    assert await team.state(waiting.id) == "pending"
    shown = await showing.show(team.service, waiting.id, None)
    assert shown.contradictions[0].said == "appelez d'un fixe."
    with pytest.raises(Faulty):
        await approving.break_glass(
            team.service, team.people["bo"], waiting.id, shown.digest, "Everything burns."
        )
    await writing.edit(
        team.service, team.people["ada"], waiting.id, {}, {"contradicts": "Mobiles are back."}
    )
    await writing.submit(team.service, team.people["ada"], waiting.id)
    assert (await team.approve(waiting.id)).state == "approved"


async def test_what_ended_meanwhile_stands_in_nobodys_way(team: Team) -> None:
    changes = LANDLINE | {"valid_until": "+20m", "next_update": "+10m"}
    first = await out(team, "status", changes=changes)
    view = await team.draft("status", incident=first.incident, changes=MOBILE | {"next_update": "+2h"})
    assert rules(view) == {"contradicts"}
    team.clock.forward(minutes=30)
    view = await writing.submit(team.service, team.people["ada"], view.id)
    assert (view.state, view.faults, view.contradictions) == ("pending", (), ())
    assert (await team.approve(view.id)).state == "approved"


async def test_an_exercise_is_compared_with_exercises_only(team: Team) -> None:
    drill = await out(team, changes=LANDLINE, exercise=True)
    real = await team.draft("status", incident=drill.incident, changes=MOBILE)
    assert "contradicts" not in rules(real)


async def test_another_incident_has_its_own_guidance(team: Team) -> None:
    await out(team, changes=LANDLINE)
    assert (await team.draft("status", changes=MOBILE)).faults == ()


async def test_what_never_went_out_contradicts_nothing(team: Team) -> None:
    first = await team.pending(changes=LANDLINE)
    assert (await team.draft("status", incident=first.incident, changes=MOBILE)).faults == ()


async def test_accepting_what_is_not_there_is_said(team: Team) -> None:
    view = await team.draft("status", accepted={"contradicts": "Because."})
    assert [one.rule for one in view.warnings if "contradicts" in one.message] == ["nothing_accepted"]
    assert view.accepted == {}


async def test_two_that_contradict_each_other_are_not_both_approved(team: Team) -> None:
    import asyncio

    first = await out(team, changes=NEITHER)
    pair = [
        await team.pending("status", incident=first.incident, changes=changes)
        for changes in (NEITHER | LANDLINE, NEITHER | MOBILE)
    ]
    done = await asyncio.gather(
        *(approving.approve(team.service, team.people["bo"], view.id, view.digest) for view in pair),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, Faulty) for one in done) == [False, True]


async def test_an_incident_tells_what_callers_are_told(team: Team) -> None:
    first = await out(team, changes=LANDLINE)
    second = await out(team, "status", incident=first.incident, changes=NEITHER)
    await team.pending("status", incident=first.incident, changes={"what_to_do": "15 first."})
    shown = await incidents.show(team.service, first.incident)
    assert shown.guidance == (CurrentAdvice("line", first.id, "appelez d'un fixe."),)
    assert second.id in [one.id for one in shown.alerts]
