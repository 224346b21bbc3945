"""The cases of trust again, through the desk: one person, or a desk with another configuration, gets nothing out alone.
Further ones stand with what they are about: invitations and sessions (test_desk_doors), people, audit, links."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace

import pytest

from alertbot.alerts import showing, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.cli.now_page import now_page
from alertbot.core.errors import Uncertain
from alertbot.core.model import Audience, PostAddresses
from alertbot.db.database import Database
from alertbot.ops import now, overview
from alertbot.people import accounts
from alertbot.texts.publisher import Override
from tests.effort import examples
from tests.team import channel, example, memory
from tests.web.officer import URL, DeskScene, Officer, posted, scene
from tests.web.test_desk_road import HOLDING

SMALL = (channel("public", languages=("en",)), channel("team", Audience.TEAM, ("en",)))
TIMES, RACES = 100, 40  # in the full profile


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


async def nothing_went_out(desk: DeskScene) -> None:
    await desk.team.work()
    assert desk.team.adapters["public"].posts == []


async def at(desk: DeskScene, name: str, alert: str) -> Officer:
    officer = await desk.officer(name)
    await officer.get(f"/desk/alerts/{alert}")
    return officer


# --- a team too small for its own rules ----------------------------------------------------------


async def test_an_alert_that_this_team_cannot_approve_is_told_wherever_it_waits(
    database: Database,
) -> None:
    """It was told on the page of the one who wrote it alone; others waited for each other. What to do is told too."""
    desk = await scene(database, overrides={"holding": Override(approvers=2)})
    try:
        bo = await desk.officer("bo")
        await bo.get("/desk/write/holding")
        await bo.press("submit", **HOLDING)
        alert = bo.answer.url.path.rpartition("/")[2]
        cy = await at(desk, "cy", alert)
        for page in ("", f"/alerts/{alert}"):
            await cy.get(f"/desk{page}")
            assert (
                f"Too few people may approve {alert}. Approvals missing: 2; who may give one: cy."
                in cy.page.text
            )
            assert "invites an approver on the page People" in cy.page.text
            assert "alertbot people" not in cy.page.text
        found = await now.now(desk.team.service, None)
        told = now_page(found, None).plain
        assert f"! Too few people may approve {alert}" in told
        assert "alertbot people add NAME --role approver" in told
        await desk.team.join("eve", "approver")
        await cy.get("/desk")
        assert "Too few people" not in cy.page.text
    finally:
        await desk.close()


# --- case 2: a desk with another configuration ---------------------------------------------------


async def test_a_desk_that_asks_for_fewer_approvers_publishes_nothing(desk: DeskScene) -> None:
    ada, bo = await desk.officer("ada"), await desk.officer("bo")  # of the lenient desk
    strict = {"holding": Override(approvers=2)}
    own = replace(desk.team.service, publisher=replace(desk.team.service.publisher, overrides=strict))
    await ada.get("/desk/write/holding")
    await ada.press("submit", **HOLDING)
    alert = ada.answer.url.path.rpartition("/")[2]
    await bo.get(f"/desk/alerts/{alert}")
    await bo.press("approve", read="yes")
    assert await desk.team.state(alert) == "approved"
    desk.team.service = own
    await nothing_went_out(desk)


# --- cases 3 and 8: one hand ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["correction", "false_alert", "withdrawal"])
async def test_what_takes_back_nothing_is_not_approved_by_its_author(
    desk: DeskScene, kind: str
) -> None:
    team = desk.team
    view = await writing.draft(
        team.service,
        team.people["bo"],
        DraftRequest(kind, example(team.service, kind)),
        new_incident=True,
    )
    bo = await at(desk, "bo", view.id)
    await bo.send(bo.page.form("/submit"))
    assert await team.state(view.id) == "pending", bo.page.text
    form = bo.page.form("reject")  # there is none to approve
    forged = form.fields | {"decision": "approve", "read": "yes"}
    assert (await posted(bo.client, form.action, forged)).status_code == 403
    assert await team.state(view.id) == "pending"
    await nothing_went_out(desk)


# --- cases 5 and 23: what counts as read ----------------------------------------------------------------


async def test_a_short_digest_of_what_was_not_shown_approves_nothing(desk: DeskScene) -> None:
    alert = await desk.team.pending()
    bo = await desk.officer("bo")
    for part in ("progress", "texts/0", "numbers"):  # parts of it are not what is signed
        await bo.get(f"/desk/alerts/{alert.id}/{part}")
        assert bo.answer.status_code == 200
    given = {
        "key": "a-key-of-a-form",
        "decision": "approve",
        "read": "yes",
        "digest": alert.digest[:12],
    }
    answer = await posted(bo.client, f"/desk/alerts/{alert.id}/decide", given)
    assert answer.status_code == 403
    assert await desk.team.state(alert.id) == "pending"


# --- case 7: an approver who is one no more -------------------------------------------------------------


async def test_an_approval_at_the_desk_ends_with_its_approver(desk: DeskScene) -> None:
    alert = await desk.team.pending()
    bo = await at(desk, "bo", alert.id)
    await bo.press("approve", read="yes")
    assert await desk.team.state(alert.id) == "approved"
    await accounts.revoke(desk.team.service, desk.team.people["cy"], "bo")
    await nothing_went_out(desk)


# --- cases 9 and 19: addresses are believed within bounds -----------------------------------------------


async def test_an_uncertain_post_is_settled_only_with_an_address_of_its_channel(
    database: Database,
) -> None:
    ours = PostAddresses((r"https://t\.me/ours/(?P<id>\d+)",), "https://t.me/ours/17")
    public = replace(channel("public", languages=("en",)), addresses=ours)
    made = await scene(database, (public, channel("team", Audience.TEAM)))

    async def lost(_post: object) -> None:
        raise Uncertain("the line broke")

    made.team.adapters["public"] = memory(public, lost)
    alert = (await made.team.approved()).id
    await made.team.work()
    bo = await made.officer("bo")
    for url in ("https://t.me/stranger/18", "https://t.me.evil.example/ours/18", "javascript:alert(1)"):
        await bo.get(f"/desk/deliveries?alert={alert}")
        await bo.press("sent", url=url)
        assert bo.answer.status_code == 400, url
    rows = await overview.deliveries(made.team.service, alert, "uncertain", None)
    assert rows
    await made.close()


# --- case 10: loud stays loud -----------------------------------------------------------------------------


async def test_halting_the_teams_channel_does_not_silence_who_publishes_alone(desk: DeskScene) -> None:
    alert = await desk.team.pending()
    bo = await desk.officer("bo")
    await bo.get("/desk/deliveries")
    await bo.press("team")
    assert "team · halted" in bo.page.text
    await bo.get(f"/desk/alerts/{alert.id}")
    await bo.press("break", reason="nobody answers", word=alert.id)
    await desk.team.work()
    rows = await overview.deliveries(desk.team.service, alert.id, None, None)
    assert "sent" in [one.state for one in rows if one.purpose == "notice"]


# --- case 11: what hides in a text ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "call O899 7O17 61",
        "0️⃣8️⃣9️⃣9️⃣ 70 17 61",
        "see www.example.zip",
        "ask @\ufe0falertes",
        "tel:+33899701761",
    ],
)
async def test_what_hides_a_number_or_a_link_is_a_fault_at_its_field(
    desk: DeskScene, text: str
) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/write/holding")
    await ada.press("submit", **HOLDING | {"f__what_to_do__en": text})
    assert "not submitted" in ada.page.text or "That was not done" in ada.page.text
    alert = ada.answer.url.path.rpartition("/")[2]
    if ada.answer.status_code == 200:
        assert await desk.team.state(alert) == "draft"
        faults = (await showing.brief(desk.team.service, alert)).faults
        assert any(one.field == "what_to_do" for one in faults)
    else:
        assert 'id="what_to_do-wrong"' in ada.answer.text


# --- case 18: no page leads elsewhere ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "place", ["/desk/", "/desk/alerts/ABCD-1/", "//evil.example/desk", "/desk/sign-in/"]
)
async def test_no_redirect_follows_the_host_that_was_asked_for(desk: DeskScene, place: str) -> None:
    bo = await desk.officer("bo")
    bo.client.follow_redirects = False
    answer = await bo.client.get(URL + place, headers={"host": "evil.example"})
    assert "evil.example" not in answer.headers.get("location", "")


async def test_an_approval_of_a_text_that_changed_is_refused_each_time_with_what_changed(
    database: Database,
) -> None:
    desk = await scene(database, SMALL)
    alert = (await desk.team.pending()).id
    bo = await at(desk, "bo", alert)
    refused, times = 0, examples(TIMES)
    for turn in range(times):
        await edited(desk, alert, f"exchange{turn}")
        await bo.press("approve", read="yes")
        said = "has changed since you opened this page" in bo.page.text
        refused += bo.answer.status_code == 403 and said and f"[new: exchange{turn}" in bo.page.text
    assert refused == times
    view = await showing.brief(desk.team.service, alert)
    assert (view.state, view.approvals.given) == ("pending", ())
    assert "approve" not in await desk.team.verbs()
    await bo.press("approve", read="yes")
    await desk.team.work()
    (post,) = desk.team.adapters["public"].posts
    assert f"exchange{times - 1}" in post.text
    await desk.close()


async def test_whatever_is_approved_while_somebody_edits_is_what_the_page_showed(
    database: Database,
) -> None:
    desk = await scene(database, SMALL)
    alert = (await desk.team.pending()).id
    bo = await at(desk, "bo", alert)
    shown, accepted, refused = [], 0, 0
    for turn in range(examples(RACES)):
        await bo.get(f"/desk/alerts/{alert}")
        shown.append(bo.page.form("approve").fields["digest"])
        before = (await desk.team.verbs()).count("approve")
        await asyncio.gather(
            later((0, 1, 2, 4, 30)[turn % 5], edited(desk, alert, f"exchange{turn}")),
            later(turn % 3, bo.press("approve", read="yes")),
        )
        came = (await desk.team.verbs()).count("approve") - before
        accepted, refused = accepted + came, refused + (bo.answer.status_code == 403)
        view = await showing.brief(desk.team.service, alert)
        assert (view.state, view.approvals.given) == ("pending", ())
        assert view.digest != shown[-1]
    rows = await overview.audit_export(desk.team.service)
    signed = [row["digest"] for row in rows if row["verb"] == "approve"]
    assert accepted == len(signed) > 0
    assert [one for one in shown if one in signed] == signed
    assert accepted + refused == len(shown), (accepted, refused)
    await desk.close()


async def edited(desk: DeskScene, alert: str, words: str) -> None:
    team, change = desk.team, {"what_fails": {"fr": words, "en": words}}
    await writing.edit(team.service, team.people["ada"], alert, change, {})
    await writing.submit(team.service, team.people["ada"], alert)


async def later(hundredths: int, act: Awaitable[object]) -> None:
    await asyncio.sleep(hundredths / 100)
    await act
