"""Incidents and watching at the desk: the story of an incident, its state, what follows; rules, countdowns, sources."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alertbot.alerts import following, showing
from alertbot.alerts.following import FollowRequest
from alertbot.db.database import Database
from alertbot.watch import incidents, timeline
from alertbot.watch.preapproval import signing
from alertbot.watch.rules_log import State
from alertbot.watch.rules_rule import Rule
from alertbot.watch.rules_signals import Observed
from alertbot.web.app import build
from tests.alerts.test_following import ENDED, EXCUSED
from tests.team import START, Team
from tests.watch.preapproval.test_by_itself import SLOW, approved_ahead
from tests.watch.test_watching import RULES, says, watched
from tests.web.officer import URL, DeskScene, scene

NAMED = {"named": frozenset({"calls"}), "sources": ("am", "pager")}
SILENT = {"silent_after": {"pager": timedelta(minutes=10)}}


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = under(await scene(database), *RULES, **NAMED, **SILENT)
    yield made
    await made.close()


def under(made: DeskScene, *rules: Rule, **more: Any) -> DeskScene:
    """The same desk with rules and a watched service."""
    team: Team = watched(made.team, *rules, **more)
    return replace(made, team=team, web=build(team.service, desk=URL))


async def opened(desk: DeskScene) -> str:
    """An incident that a source reported, and whose first word is out."""
    await says(desk.team, Observed.DOWN, title="host sip-1")
    (found,) = await incidents.listing(desk.team.service)
    alert = f"{found.id}-1"
    await desk.team.approve(alert)
    await desk.team.work()
    return str(found.id)


async def test_an_incident_is_told_from_the_first_report_to_its_end(desk: DeskScene) -> None:
    team = desk.team
    name = await opened(desk)
    team.clock.forward(minutes=50)
    later = await team.pending(incident=name, changes={"next_update": "+10m"})
    await team.approve(later.id)
    await team.work()
    team.clock.forward(minutes=20)
    ada = await desk.officer("ada")
    await ada.get(f"/desk/incidents/{name.lower()}")
    assert ada.answer.status_code == 200, ada.page.text
    for words in (
        "calls: out of order · host sip-1",
        "opened: trouble, confirmed",
        f"Drafted: Holding message. {name}-1 · alertbot",
        f"Approved. {name}-1 · bo",
        f"The first delivery arrived: Status update. {later.id}",
        "NOTHING FOLLOWED",
        "Overdue: an update was promised",
    ):
        assert words in ada.page.text, (words, ada.page.text)


@pytest.mark.parametrize(
    ("minutes", "closed", "said", "missed"),
    [
        (-1, None, "Kept by BKRT-2", False),
        (0, None, "Kept by BKRT-2", False),
        (1, None, "BKRT-2 came 1 min late", True),
        (None, None, "NOTHING FOLLOWED", True),
        (None, -5, "closed before", False),
        (None, 5, "NOTHING FOLLOWED", True),
    ],
)
def test_whether_a_promise_was_kept_is_told(
    minutes: int | None, closed: int | None, said: str, missed: bool
) -> None:
    after = [] if minutes is None else [(START + timedelta(minutes=minutes), "BKRT-2")]
    over = None if closed is None else START + timedelta(minutes=closed)
    told = timeline.outcome(START, after, now=START + timedelta(hours=1), closed=over)
    assert said in told[0]
    assert told[1] is missed


async def test_the_state_is_set_with_why_and_refused_with_a_sentence(desk: DeskScene) -> None:
    name = await opened(desk)
    ada = await desk.officer("ada")
    await ada.get(f"/desk/incidents/{name}")
    await ada.press("/set", state="resolved", note="the operator says so")
    assert ada.answer.status_code == 403
    assert "The operator's word alone does not resolve" in ada.page.text
    assert "--confirmed-by" not in ada.page.text
    assert ada.page.form("/set").fields["note"] == "the operator says so"
    await ada.press("/set", state="degraded", note="half of them get through")
    assert "(half of them get through)" in ada.page.text
    found = await incidents.show(desk.team.service, name)
    assert found.condition == State.DEGRADED
    assert found.decisions[-1].note == "half of them get through"


@pytest.mark.parametrize(
    ("what", "kind"), [("status", "status"), ("no_news", "no_news"), ("correct", "correction")]
)
async def test_one_press_writes_what_follows(desk: DeskScene, what: str, kind: str) -> None:
    name = await opened(desk)
    ada = await desk.officer("ada")
    await ada.get(f"/desk/incidents/{name}")
    await ada.press(what)
    draft = ada.answer.url.path.split("/")[3]
    assert draft.startswith(name), ada.page.text
    assert (await showing.brief(desk.team.service, draft)).kind == kind


async def test_a_correction_days_after_the_end_begins_with_the_incident(desk: DeskScene) -> None:
    team = desk.team
    view = await team.approved(new_incident=True)
    await team.work()
    said = FollowRequest(ENDED, EXCUSED, submit=True)
    end = await following.end(team.service, team.people["ada"], view.incident, said)
    await team.approve(end.id)
    await team.work()
    assert (await incidents.show(team.service, view.incident)).closed_at
    team.clock.forward(days=5)
    ada = await desk.officer("ada")
    await ada.get("/desk/incidents")
    assert "closed" in ada.page.text
    await ada.get(f"/desk/incidents/{view.incident}")
    assert not any("/set" in form.action for form in ada.page.forms)
    await ada.press("correct")
    draft = ada.answer.url.path.split("/")[3]
    assert (await showing.brief(team.service, draft)).kind == "correction"


async def test_an_incident_is_opened_by_hand(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/incidents")
    await ada.press("/incidents")
    assert "Say what it is about" in ada.page.text
    await ada.press("/incidents", title="15 in Finistère", service="calls", state="down")
    assert "15 in Finistère" in ada.page.text
    (found,) = await incidents.listing(desk.team.service)
    assert (found.service, found.condition) == ("calls", "down")


# --- rules ----------------------------------------------------------------------------------------


async def test_a_rule_is_approved_ahead_by_two_who_read_its_texts(database: Database) -> None:
    desk = under(await scene(database), SLOW)
    ada, bo, cy = [await desk.officer(name) for name in ("ada", "bo", "cy")]
    await ada.get("/desk/watching")
    await ada.get("/desk/watching/rules/slow")
    assert "Rhône : panne, {service}" in ada.page.text.replace("\u00a0", " ").replace("\u202f", " ")
    assert not any(
        button.get("value") == "approve" for form in ada.page.forms for button in form.buttons
    )
    await bo.get("/desk/watching/rules/slow")
    await bo.press("approve")
    assert "Tick the box" in bo.page.text
    await bo.press("approve", read="yes", lasts="200d")
    assert bo.answer.status_code in (400, 403)
    await bo.press("approve", read="yes", lasts="7d")
    assert "Signed so far by bo" in bo.page.text
    await cy.get("/desk/watching/rules/slow")
    await cy.press("approve", read="yes")
    assert "Its alerts go out by themselves until" in cy.page.text
    (rule,) = await signing.listing(desk.team.service)
    assert rule.automatic
    assert rule.approval is not None
    assert rule.approval.until == desk.team.clock.now + timedelta(days=7)
    await ada.get("/desk/watching/rules/slow")
    await ada.press("revoke", reason="a word is wrong")
    (rule,) = await signing.listing(desk.team.service)
    assert not rule.automatic
    await desk.close()


async def test_a_rule_whose_texts_changed_is_not_signed(database: Database) -> None:
    desk = under(await scene(database), SLOW)
    bo = await desk.officer("bo")
    await bo.get("/desk/watching/rules/slow")
    await bo.press("approve", read="yes", digest="0" * 64)
    assert bo.answer.status_code == 403
    assert (await signing.listing(desk.team.service))[0].proposal is None
    await desk.close()


@pytest.mark.parametrize(
    "place", ["/desk", "/desk/watching", "/desk/incidents/{incident}", "/desk/watching/rules/slow"]
)
async def test_anybody_stops_what_counts_down(database: Database, place: str) -> None:
    desk = under(await scene(database), SLOW, **NAMED)
    await approved_ahead(desk.team, SLOW)
    await says(desk.team, Observed.DOWN)
    (found,) = await incidents.listing(desk.team.service)
    ada = await desk.officer("ada")
    await ada.get(place.format(incident=found.id))
    form = ada.page.form("/watching/stop")
    await ada.send(form, f"{found.id}-1")
    assert "It will not go out by itself" in ada.page.text, ada.page.text
    assert not (await signing.listing(desk.team.service))[0].countdowns
    rows = [row for row in await desk.team.verbs() if row == "abort"]
    assert rows == ["abort"]
    await desk.close()


# --- sources --------------------------------------------------------------------------------------


async def test_silent_sources_come_first_with_what_they_said_last(desk: DeskScene) -> None:
    await says(desk.team, Observed.UP, title="all well", source="pager")
    desk.team.clock.forward(minutes=30)
    await says(desk.team, Observed.DOWN, title="sip-1")
    bo = await desk.officer("bo")
    await bo.get("/desk/watching")
    text = bo.page.text
    assert text.index("pager · ✗ silent · last heard") < text.index("am · last heard")
    assert "calls · works · all well" in text
