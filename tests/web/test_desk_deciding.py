"""Deciding at the desk: exactly what was shown, once, by whoever may; what is loud stays loud; and stopping."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from alertbot.alerts import showing, writing
from alertbot.alerts.requests import text
from alertbot.core.errors import Uncertain
from alertbot.core.model import Audience, Target
from alertbot.core.words import spoken
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people.store_requests import ApprovalRequest
from alertbot.web.app import build
from tests.team import channel, memory
from tests.web.officer import URL, DeskScene, Officer, posted, scene


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


async def opened(desk: DeskScene, name: str, alert: str) -> Officer:
    officer = await desk.officer(name)
    await officer.get(f"/desk/alerts/{alert}")
    assert officer.answer.status_code == 200, officer.page.text
    return officer


async def edited(desk: DeskScene, alert: str, words: str) -> None:
    team = desk.team
    change = {"what_fails": {"fr": words, "en": words}}
    await writing.edit(team.service, team.people["ada"], alert, change, {})
    await writing.submit(team.service, team.people["ada"], alert)


@pytest.mark.parametrize("decision", ["approve", "return", "reject"])
async def test_what_changed_since_the_page_was_opened_is_refused_and_shown(
    desk: DeskScene, decision: str
) -> None:
    alert = (await desk.team.pending()).id
    bo = await opened(desk, "bo", alert)
    form = bo.page.form(decision)
    for words in ("every call", "half of them", "nothing else"):
        await edited(desk, alert, words)
        await bo.send(form, decision, read="yes", reason="no")
        assert bo.answer.status_code == 403
        assert "has changed since you opened this page" in bo.page.text
        assert f"[new: {words}" in bo.page.text
        assert await desk.team.state(alert) == "pending"
        form = bo.page.form(decision)
    await bo.send(form, decision, read="yes", reason="no")
    assert bo.answer.status_code == 200
    assert await desk.team.state(alert) == {"approve": "approved"}.get(decision, decision + "ed")


async def test_whoever_decides_reads_that_an_assistant_worded_it(desk: DeskScene) -> None:
    view = await desk.team.pending(assistant="Scribe 4\n")
    said = "ada; worded by an assistant (Scribe 4)"
    bo = await opened(desk, "bo", view.id)
    assert said in bo.page.text
    sent = (view.digest, None, None, "mail", "bo@example.org", None, view.drafted_at)
    call = ApprovalRequest(1, view.id, *sent, False, None, 0, 0, None, None)
    ask = await text.compose(desk.team.service, call)
    assert ask is not None
    assert said in ask.author


async def test_what_changed_since_it_was_last_seen_is_marked(desk: DeskScene) -> None:
    alert = (await desk.team.pending()).id
    bo = await opened(desk, "bo", alert)
    assert "Changed since you last saw it" not in bo.page.text
    await edited(desk, alert, "every call")
    await bo.get(f"/desk/alerts/{alert}")
    assert "Changed since you last saw it" in bo.page.text
    assert "[new: every call" in bo.page.text


async def test_a_form_that_is_sent_twice_decides_once(desk: DeskScene) -> None:
    alert = (await desk.team.pending("provisional_number")).id
    bo = await opened(desk, "bo", alert)
    form = bo.page.form("approve")
    given = form.fields | {"read": "yes", "decision": "approve"}
    answers = await asyncio.gather(*(posted(bo.client, form.action, given) for _time in range(4)))
    assert {one.status_code for one in answers} == {200}
    view = await showing.brief(desk.team.service, alert)
    assert [one.person for one in view.approvals.given] == ["bo"]
    drafted = len(await overview.audit_export(desk.team.service))
    assert (await posted(bo.client, form.action, given)).status_code == 200
    assert len(await overview.audit_export(desk.team.service)) == drafted


async def test_the_audit_names_the_desk_and_the_worker_counts_its_own(desk: DeskScene) -> None:
    alert = (await desk.team.pending()).id
    bo = await opened(desk, "bo", alert)
    await bo.press("approve", read="yes")
    rows = await overview.audit_export(desk.team.service)
    (row,) = [one for one in rows if one["verb"] == "approve"]
    assert (row["actor"], row["detail"]["way"]) == ("bo", "desk")
    await desk.team.work()
    assert await desk.team.state(alert) == "published"


@pytest.mark.parametrize("desks", [{}, {"desk": lambda: "https://other.example.org"}])
async def test_an_approval_at_another_desk_than_the_workers_does_not_count(
    desk: DeskScene, desks: dict[str, object]
) -> None:
    team = desk.team
    alert = (await team.pending()).id
    bo = await opened(desk, "bo", alert)
    await bo.press("approve", read="yes")
    own = replace(team.service.reach, secrets=desks)  # type: ignore[arg-type]
    team.service = replace(team.service, reach=own)
    await team.work()
    assert team.adapters["public"].posts == []
    assert "at a desk that is not in it" in str((await overview.status(team.service, alert)).tasks)


async def test_approving_takes_the_tick_and_another_hand(desk: DeskScene) -> None:
    alert = (await desk.team.pending()).id
    bo = await opened(desk, "bo", alert)
    await bo.press("approve")
    assert bo.answer.status_code == 400
    assert "Tick the box" in bo.page.text
    form = bo.page.form("approve")
    await edited_by(desk, alert, "bo")
    await bo.get(f"/desk/alerts/{alert}")
    assert "You cannot approve it" in bo.page.text
    pressed = [button.get("value") for one in bo.page.forms for button in one.buttons]
    assert "return" in pressed
    assert "approve" not in pressed
    await bo.send(form, "approve", read="yes")
    assert bo.answer.status_code == 403
    assert await desk.team.state(alert) == "pending"


async def test_an_account_that_posts_in_two_languages_is_one_recipient(database: Database) -> None:
    twice = (Target("@alerts", "fr"), Target("@alerts", "en"))
    desk = await scene(database, (replace(channel("public"), targets=twice),))
    bo = await opened(desk, "bo", (await desk.team.pending()).id)
    assert "public: 1 recipient " in bo.page.text
    await desk.close()


async def test_warnings_are_in_the_readers_language_not_the_writers(desk: DeskScene) -> None:
    with spoken("fr"):
        alert = (await desk.team.pending("holding", changes={"where": "FR"})).id
    bo = await opened(desk, "bo", alert)
    assert "“the whole of France” claims" not in bo.page.text  # what was filled in stays as it was
    assert "claims the whole country. Say where it fails" in bo.page.text
    assert "désigne tout le pays" not in bo.page.text
    await bo.press("fr")
    await bo.get(f"/desk/alerts/{alert}")
    assert "désigne tout le pays" in bo.page.text


async def edited_by(desk: DeskScene, alert: str, name: str) -> None:
    team = desk.team
    await writing.edit(team.service, team.people[name], alert, {"next_update": "+50m"}, {})
    await writing.submit(team.service, team.people["ada"], alert)


async def test_publishing_alone_takes_a_typed_word_and_stays_loud(desk: DeskScene) -> None:
    alert = (await desk.team.pending()).id
    bo, cy = await opened(desk, "bo", alert), await desk.officer("cy")
    await bo.press("break", reason="nobody answers", word="yes")
    assert bo.answer.status_code == 400
    assert await desk.team.state(alert) == "pending"
    await bo.press("break", reason="nobody answers", word=alert.lower())
    assert "You published it alone" in bo.page.text
    await cy.get("/desk")
    assert "Published by one person" in cy.page.text
    await bo.press("countersign")
    assert bo.answer.status_code == 403
    await cy.get(f"/desk/alerts/{alert}")
    assert "nobody answers" in cy.page.text
    await cy.press("countersign")
    assert "You countersigned it" in cy.page.text


async def test_what_waits_stands_on_every_page(desk: DeskScene) -> None:
    alert = (await desk.team.pending()).id
    desk.team.clock.forward(minutes=12)
    bo, ada = await desk.officer("bo"), await desk.officer("ada")
    for place in ("/desk", "/desk/you", "/desk/write", "/desk/deliveries", "/desk/write/holding"):
        await bo.get(place)
        assert f"{alert} Status update: waiting for 12 min, lapses at" in bo.page.text
        assert "for you to approve" in bo.page.text
    await ada.get("/desk")
    assert "for you to approve" not in ada.page.text


async def test_news_are_sent_only_when_something_changed(desk: DeskScene) -> None:
    bo = await desk.officer("bo")
    first = await bo.client.get("/desk/news")
    same = await bo.client.get("/desk/news", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, same.status_code, same.content) == (200, 304, b"")
    await desk.team.pending()
    await asyncio.sleep(0.6)
    other = await bo.client.get("/desk/news", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200
    assert other.headers["etag"] != first.headers["etag"]


async def test_anybody_stops_and_an_approver_resumes(desk: DeskScene) -> None:
    ada, bo = await desk.officer("ada"), await desk.officer("bo")
    await ada.get("/desk/deliveries")
    await ada.send(ada.page.form("/desk/halt"))
    assert "Everything is halted" in ada.page.text
    await ada.send(ada.page.form("/desk/resume"))
    assert ada.answer.status_code == 403
    await bo.get("/desk/deliveries")
    await bo.send(bo.page.form("/desk/resume"))
    assert "Everything is halted" not in bo.page.text
    await ada.get("/desk/deliveries")
    await ada.press("public")
    assert "public · halted" in ada.page.text
    rows = await overview.audit_export(desk.team.service)
    assert [row["actor"] for row in rows if row["verb"] in ("halt", "resume")] == ["ada", "bo", "ada"]


@pytest.mark.parametrize(("word", "state"), [("sent", "sent"), ("drop", "failed")])
async def test_a_person_says_what_became_of_an_uncertain_delivery(
    database: Database, word: str, state: str
) -> None:
    made = await scene(database, (channel("public", languages=("en",)), channel("team", Audience.TEAM)))

    async def lost(post: object) -> None:
        raise Uncertain("the line broke")

    made.team.adapters["public"] = memory(channel("public", languages=("en",)), lost)
    alert = (await made.team.approved()).id
    await made.team.work()
    bo = await made.officer("bo")
    await bo.get("/desk")
    assert "1 may have been sent" in bo.page.text
    await bo.get(f"/desk/deliveries?alert={alert}")
    await bo.press(word)
    assert bo.answer.status_code == 200, bo.page.text
    (row,) = [
        one
        for one in await overview.deliveries(made.team.service, alert, None, None)
        if one.purpose == "publication"
    ]
    assert row.state == state
    await made.close()


async def test_an_exercise_is_marked_in_words_and_form(desk: DeskScene) -> None:
    drill, real = await desk.team.pending(exercise=True), await desk.team.pending()
    bo = await opened(desk, "bo", drill.id)
    assert "EXERCISE: not for the public" in bo.page.text
    assert 'class="drill"' in bo.answer.text
    bo = await opened(desk, "bo", real.id)
    assert "REAL: this is for the public" in bo.page.text
    assert "THE PUBLIC" in bo.page.text


async def test_an_open_incident_of_an_exercise_is_marked(desk: DeskScene) -> None:
    drill, real = await desk.team.pending(exercise=True), await desk.team.pending()
    assert drill.incident != real.incident
    bo = await desk.officer("bo")
    await bo.get("/desk")
    headings = bo.answer.text.split("<h3 ")[1:]
    marked = [one.partition("</h3>")[0] for one in headings if "◆" in one.partition("</h3>")[0]]
    assert [drill.incident in one for one in marked] == [True]


async def test_real_and_exercise_side_by_side_take_a_typed_word(desk: DeskScene) -> None:
    drill, real = await desk.team.pending(exercise=True), await desk.team.pending()
    for alert, wrong, right in ((drill.id, "real", "exercise"), (real.id, "", "réel")):
        bo = await opened(desk, "bo", alert)
        assert "An exercise and real alerts are under way together." in bo.page.text
        await bo.press("approve", read="yes", meant=wrong)
        assert bo.answer.status_code == 400
        assert await desk.team.state(alert) == "pending"
        await bo.press("approve", read="yes", meant=right)
        assert await desk.team.state(alert) == "approved"


async def test_a_fault_is_told_by_the_name_of_its_field_with_a_link_to_it(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/write/holding")
    for pressed, promised in (("look", "+30m"), ("save", "someday")):
        await ada.press(pressed, f__where="29", f__next_update=promised)
        assert '<a href="#f-what_fails-fr">What fails</a>: This value is missing.' in ada.answer.text
        assert "f-what_fails-fr" in ada.page.ids
        assert not any(one in ada.page.text for one in ("what_fails", "next_update")), ada.page.text
        assert 'class="rule"' not in ada.answer.text
    assert '<a href="#f-next_update">Next update</a>: “someday” is not a time' in ada.answer.text


async def test_what_reaches_the_team_only_is_not_called_real_for_the_public(desk: DeskScene) -> None:
    alert = await desk.team.pending(channels=("team",))
    bo = await opened(desk, "bo", alert.id)
    assert '<p class="live">● the team only</p>' in bo.answer.text
    await bo.press("fr")
    await bo.get(f"/desk/alerts/{alert.id}")
    assert '<p class="live">● l’équipe seulement</p>' in bo.answer.text


async def test_a_real_alert_alone_takes_no_word(desk: DeskScene) -> None:
    bo = await opened(desk, "bo", (await desk.team.pending()).id)
    assert "under way together" not in bo.page.text


async def test_a_rehearsal_links_to_what_the_public_would_see(desk: DeskScene) -> None:
    service = desk.team.service
    seen = replace(service.reach, wall="http://127.0.0.1:8100")
    web = build(replace(service, reach=seen), desk=URL)
    bo = await DeskScene(desk.team, web, desk.officers).officer("bo")
    for place in ("/desk", "/desk/write", "/desk/deliveries"):
        await bo.get(place)
        assert 'href="http://127.0.0.1:8100"' in bo.answer.text
        assert "REHEARSAL: nothing on this desk reaches the public" in bo.page.text


async def test_the_language_is_the_persons_choice(desk: DeskScene) -> None:
    bo = await desk.officer("bo")
    await bo.get("/desk")
    await bo.press("fr")
    assert "Incidents ouverts" in bo.page.text
    again = await desk.officer("bo")
    await again.get("/desk")
    assert "Incidents ouverts" in again.page.text


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ("update", "status"),
        ("no_news", "no_news"),
        ("correct", "correction"),
        ("withdraw", "withdrawal"),
    ],
)
async def test_one_press_begins_what_follows(desk: DeskScene, what: str, kind: str) -> None:
    view = await desk.team.approved("provisional_number" if what == "withdraw" else "status")
    await desk.team.work()
    ada = await opened(desk, "ada", view.id)
    await ada.press(what)
    assert ada.answer.url.path.endswith("/edit"), ada.page.text
    draft = ada.answer.url.path.split("/")[3]
    assert (await showing.brief(desk.team.service, draft)).kind == kind


async def test_what_is_out_is_taken_back_by_the_prepared_words_or_called_false(desk: DeskScene) -> None:
    view = await desk.team.approved()
    await desk.team.work()
    ada = await opened(desk, "ada", view.id)
    await ada.press("false_alert")
    assert "say what is true" in ada.page.text
    assert "--text" not in ada.page.text
    await ada.press("false_alert", text__en="15 works.", text__fr="Le 15 marche.")
    draft = await showing.opened(desk.team.service, ada.answer.url.path.split("/")[3])
    assert (draft.kind.name, draft.values["no_danger"]) == (
        "false_alert",
        {"fr": "Le 15 marche.", "en": "15 works."},
    )
    await writing.discard(desk.team.service, desk.team.people["ada"], draft.id)
    await ada.get(f"/desk/alerts/{view.id}")
    await ada.press("retract")
    assert "was submitted" in ada.page.text
    back = await showing.brief(desk.team.service, ada.answer.url.path.rpartition("/")[2])
    assert (back.state, back.relation, back.original) == ("pending", "retraction", view.id)


async def test_what_was_rejected_is_written_again(desk: DeskScene) -> None:
    alert = (await desk.team.pending()).id
    bo, ada = await opened(desk, "bo", alert), await desk.officer("ada")
    await bo.press("reject", reason="not now")
    assert "To write a new one with its values: “Write it again”" in bo.page.text
    await ada.get(f"/desk/alerts/{alert}")
    await ada.press("again")
    assert ada.answer.url.path.endswith("/edit"), ada.page.text
    assert ada.page.form("submit").fields["f.what_fails.en"]


async def test_an_edit_keeps_what_the_form_does_not_have(desk: DeskScene) -> None:
    view = await desk.team.draft("provisional_number")
    before = await showing.opened(desk.team.service, view.id)
    ada = await desk.officer("ada")
    await ada.get(f"/desk/alerts/{view.id}/edit")
    await ada.press("save")
    assert (await showing.opened(desk.team.service, view.id)).revision == before.revision
    await ada.get(f"/desk/alerts/{view.id}/edit")
    await ada.press("save", f__next_update="+55m")
    after = await showing.opened(desk.team.service, view.id)
    assert after.revision == before.revision + 1
    assert after.values["numbers"] == before.values["numbers"]
    changed = {name for name in after.values if after.values[name] != before.values.get(name)}
    assert changed == {"next_update"}


async def test_a_number_is_never_typed_and_no_file_is_read(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/write/provisional_number")
    await ada.press("save", f__numbers="/etc/hostname", f__where="69")
    alert = ada.answer.url.path.rpartition("/")[2]
    view = await showing.show(desk.team.service, alert, None)
    assert "numbers" not in view.values
    assert URL not in view.plain


async def test_an_incident_ends_at_the_desk(desk: DeskScene) -> None:
    view = await desk.team.approved()
    await desk.team.work()
    ada = await desk.officer("ada")
    await ada.get("/desk")
    form = ada.page.form("/state")
    await ada.send(form, state="resolved")
    assert ada.answer.status_code == 403
    assert "The operator's word alone does not resolve" in ada.page.text
    await ada.send(form, state="stabilised")
    assert "seems to work again" in ada.page.text
    await ada.press("end")
    draft = ada.answer.url.path.split("/")[3]
    assert (await showing.brief(desk.team.service, draft)).kind == "end"
    assert draft.startswith(view.incident)


async def test_a_task_is_closed_with_what_was_done(desk: DeskScene) -> None:
    await desk.team.approved(changes={"next_update": "+5m"})
    await desk.team.work()
    desk.team.clock.forward(minutes=20)
    ada = await desk.officer("ada")
    await ada.get("/desk")
    assert "Overdue: an update was promised" in ada.page.text
    before = (await overview.status(desk.team.service, None)).tasks
    await ada.send(ada.page.form("/done"), outcome="said on the radio")
    after = (await overview.status(desk.team.service, None)).tasks
    assert len(after) == len(before) - 1
