"""The API: an evening by programs alone; what it refuses, and how."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people.rules import Scope
from tests.team import example
from tests.web.officer import DeskScene, scene
from tests.web.program import Program, program


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


async def test_an_evening_by_programs_alone(desk: DeskScene) -> None:
    ada, bo = await program(desk, "ada"), await program(desk, "bo")
    assert "holding" in [one["kind"] for one in await ada.get("/kinds")]
    seen = await ada.does("/preview", {"kind": "holding"})
    assert seen["publishable"]
    made = await ada.does("/alerts", ada.wishes("holding"))
    alert = made["id"]
    assert ada.answer.status_code == 201
    assert ada.answer.headers["location"] == f"/api/v1/alerts/{alert}"
    asked = await ada.does(f"/alerts/{alert}/submit")
    assert asked["state"] == "pending"
    shown = await bo.get(f"/alerts/{alert}?shown=true")
    done = await bo.does(f"/alerts/{alert}/approve", {"digest": shown["digest"]})
    assert done["state"] == "approved"
    await desk.team.work()
    assert (await ada.get(f"/alerts/{alert}"))["state"] == "published"
    assert {one["state"] for one in await ada.get(f"/deliveries?alert={alert}")} == {"sent"}
    update = await ada.does(f"/alerts/{alert}/update", {"submit": False})
    assert update["references"] == [alert]
    assert (await ada.get("/status"))["alerts"]
    assert (await ada.get("/now"))["recent"]
    assert (await ada.get("/me"))["scopes"] == ["draft", "read", "submit"]


# --- approving ------------------------------------------------------------------------------------


async def asked(desk: DeskScene, kind: str = "holding") -> tuple[Program, str]:
    """An alert that waits for approval, and an approver's program."""
    view = await desk.team.pending(kind)
    return await program(desk, "bo"), view.id


async def test_an_approval_signs_what_its_person_was_shown(desk: DeskScene) -> None:
    bo, alert = await asked(desk)
    digest = {"digest": (await bo.get(f"/alerts/{alert}"))["digest"]}
    assert (await bo.post(f"/alerts/{alert}/approve", digest)).status_code == 403
    assert "was not shown" in bo.answer.json()["detail"]
    reader = await program(desk, "bo", Scope.READ)
    assert (await reader.call("GET", f"/alerts/{alert}?shown=true")).status_code == 403
    assert reader.answer.json()["scope"] == "approve"
    assert (await bo.post(f"/alerts/{alert}/approve", digest)).status_code == 403
    await bo.get(f"/alerts/{alert}?shown=true")
    short = {"digest": digest["digest"][:32]}
    assert (await bo.post(f"/alerts/{alert}/approve", short)).status_code == 422
    assert (await bo.does(f"/alerts/{alert}/approve", digest))["state"] == "approved"
    rows = await overview.audit_export(desk.team.service)
    (told,) = [row["detail"] for row in rows if row["verb"] == "approve"]
    assert (told["way"], told["token"]) == ("api", 1)
    assert (await overview.audit_verify(desk.team.service, None)).sound


async def test_a_text_that_changed_is_not_approved_and_the_difference_is_told(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    bo, alert = await asked(desk, "status")
    seen = await bo.get(f"/alerts/{alert}?shown=true")
    was = await ada.get(f"/alerts/{alert}")
    fact = dict.fromkeys(("fr", "en"), "the quite different lines")
    body = {"values": {"what_works": fact}, "revision": was["revision"]}
    assert (await ada.call("PATCH", f"/alerts/{alert}", body)).status_code == 200, ada.answer.text
    assert (await ada.call("PATCH", f"/alerts/{alert}", body)).status_code in (403, 409)
    await ada.does(f"/alerts/{alert}/submit", {})
    for path, sent in (
        ("approve", {"digest": seen["digest"]}),
        ("return", {"digest": seen["digest"], "reason": "wrong place"}),
        ("reject", {"digest": seen["digest"], "reason": "wrong place"}),
    ):
        answer = await bo.post(f"/alerts/{alert}/{path}", sent)
        assert answer.status_code == 409
        told = answer.json()
        assert told["type"] == "urn:alertbot:problem:changed"
        assert told["changes"]["revision"] == was["revision"]
        pieces = [piece for one in told["changes"]["seen"] for piece in one["pieces"]]
        assert any(kind == "new" and "different" in words for kind, words in pieces)
    held = {"if_match": f'"{seen["digest"]}"'}
    now = await bo.get(f"/alerts/{alert}?shown=true")
    new = {"digest": now["digest"]}
    assert (await bo.post(f"/alerts/{alert}/approve", new, **held)).status_code == 409
    assert (await bo.get(f"/alerts/{alert}"))["state"] == "pending"
    assert await bo.does(f"/alerts/{alert}/return", {"reason": "no", "digest": now["digest"]})


async def test_a_rule_of_the_verbs_is_a_rule_here(desk: DeskScene) -> None:
    """Its own author may not approve; the sentence is the verb's, without a command."""
    await desk.team.join("eve", "author", "approver")
    eve = await program(desk, "eve")
    alert = (await eve.does("/alerts", eve.wishes("holding")))["id"]
    await eve.does(f"/alerts/{alert}/submit")
    digest = (await eve.get(f"/alerts/{alert}?shown=true"))["digest"]
    answer = await eve.post(f"/alerts/{alert}/approve", {"digest": digest})
    assert answer.status_code == 403
    assert "eve" in answer.json()["detail"]


async def test_faults_come_with_the_refusal(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    made = await ada.does("/alerts", {"kind": "status", "values": {}, "new_incident": True})
    answer = await ada.post(f"/alerts/{made['id']}/submit")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:alertbot:problem:faulty"
    assert {"missing"} <= {one["rule"] for one in answer.json()["faults"]}


# --- taking back ----------------------------------------------------------------------------------


async def test_what_follows_an_alert(desk: DeskScene) -> None:
    out = await desk.team.approved("provisional_number")
    await desk.team.work()
    ada = await program(desk, "ada")
    asked_for = {
        f"/alerts/{out.id}/update": {},
        f"/alerts/{out.id}/correct": {"values": {}},
        f"/alerts/{out.id}/false-alert": {"text": {"fr": "Tout va bien.", "en": "All is well."}},
        f"/alerts/{out.id}/retract": {},
        "/withdrawals": {"alert": out.id},
        f"/incidents/{out.incident}/end": {},
    }
    for path, body in asked_for.items():
        answer = await ada.post(path, body)
        assert answer.status_code == 201, f"{path}: {answer.text}"
        assert answer.json()["references"] == [out.id]
        assert answer.headers["location"] == f"/api/v1/alerts/{answer.json()['id']}"
    entry = (await ada.get("/numbers"))[0]["entry"]
    assert (await ada.get(f"/numbers/{entry}"))["published"]
    assert (await ada.get(f"/incidents/{out.incident}"))["numbers"]
    assert [one["id"] for one in await ada.get("/incidents")] == [out.incident]


async def test_submitting_at_once_needs_the_scope(desk: DeskScene) -> None:
    out = await desk.team.approved("holding")
    await desk.team.work()
    drafter = await program(desk, "bo", Scope.DRAFT)
    for path, body in (
        ("update", {"submit": True}),
        ("retract", {"submit": True}),
        ("retract", {"now": True}),
    ):
        answer = await drafter.post(f"/alerts/{out.id}/{path}", body)
        assert answer.status_code == 403, path
    writer = await program(desk, "bo", Scope.DRAFT, Scope.SUBMIT)
    assert (await writer.post(f"/alerts/{out.id}/retract", {"now": True})).status_code == 403
    assert (await writer.does(f"/alerts/{out.id}/retract", {"submit": True}))["state"] == "pending"


async def test_stopping_needs_no_right_and_going_on_does(desk: DeskScene) -> None:
    alert = (await desk.team.pending("holding")).id
    reader = await program(desk, "bo", Scope.READ)
    assert (await reader.does("/halt", {"alert": alert}))["halted"]
    assert (await reader.get("/status"))["halted_alerts"] == [alert]
    assert (await reader.post("/resume", {"alert": alert})).status_code == 403
    bo = await program(desk, "bo")
    assert not (await bo.does("/resume", {"alert": alert}))["halted"]


async def test_a_number_is_read_back(desk: DeskScene) -> None:
    team = desk.team
    rows = example(team.service, "provisional_number")["numbers"]
    name = (await team.register(rows, verified=False))[0]
    bo = await program(desk, "bo")
    number = (await bo.get(f"/numbers/{name}"))["number"]
    answer = await bo.post(f"/numbers/{name}/verify", {"digits": "0199001234", "call": "answered"})
    assert answer.status_code == 403
    assert "alertbot" not in answer.json()["detail"]
    done = await bo.does(f"/numbers/{name}/verify", {"digits": number, "call": "answered"})
    assert done["verified_by"] == "bo"


async def test_a_territory_is_read_back_without_its_digits_by_one_at_a_time(desk: DeskScene) -> None:
    team = desk.team
    rows = example(team.service, "provisional_number")["numbers"]
    names = await team.register(rows, verified=False)
    place = rows[0]["territory"]
    bo, cy = await program(desk, "bo"), await program(desk, "cy")
    taken = await bo.does("/numbers/read-back", {"query": place})
    assert names[0] in [one["entry"] for one in taken["waiting"]]
    for one in taken["waiting"]:
        number = (await bo.get(f"/numbers/{one['entry']}"))["number"]
        assert number
        assert number not in str(taken)
    others = await cy.does("/numbers/read-back", {"query": place})
    assert others["waiting"] == []
    assert [one["person"] for one in others["holders"]] == ["bo"]
    first, version = taken["waiting"][0]["entry"], taken["waiting"][0]["version"]
    digits = (await bo.get(f"/numbers/{first}"))["number"]
    said = {"digits": digits, "call": "answered"}
    stale = await bo.post(f"/numbers/{first}/verify", said | {"version": version + 1})
    assert stale.status_code == 403
    assert "has changed since" in stale.json()["detail"]
    await bo.does(f"/numbers/{first}/verify", said | {"version": version})
    left = await bo.does("/numbers/read-back/leave", {"query": place})
    assert (left["done"], left["holders"]) == (taken["done"] + 1, [])
    nothing = await cy.post("/numbers/read-back", {"query": "99999"})
    assert nothing.status_code == 400
    assert "alertbot" not in nothing.json()["detail"]
    own = await (await program(desk, "ada")).does("/numbers/read-back", {"query": place})
    assert own["waiting"] == []
    assert set(own["own"]) <= set(names)


async def test_an_incident_is_opened_once_and_told(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    body, key = {"title": "15 in Rhône"}, {"idempotency_key": "open-1"}
    first = await ada.does("/incidents", body, **key)
    assert ada.answer.status_code == 201
    assert ada.answer.headers["location"] == f"/api/v1/incidents/{first['id']}"
    assert await ada.does("/incidents", body, **key) == first
    assert len(await ada.get("/incidents")) == 1
    await ada.does(f"/incidents/{first['id']}/state", {"state": "down"})
    said = await ada.get(f"/incidents/{first['id']}/timeline")
    assert "decision" in [one["what"] for one in said]
    wrong = await ada.post("/incidents", {"state": "down"})
    assert wrong.status_code == 400
    reader = await program(desk, "bo", Scope.READ, Scope.DRAFT)
    assert (await reader.post("/incidents", body)).status_code == 403


async def test_how_far_an_approved_alert_has_got(desk: DeskScene) -> None:
    alert = (await desk.team.approved("holding")).id
    ada = await program(desk, "ada")
    before = await ada.get(f"/alerts/{alert}/progress")
    assert (before["alert"]["state"], before["over"]) == ("approved", False)
    await desk.team.work()
    after = await ada.get(f"/alerts/{alert}/progress")
    assert (after["over"], after["stuck"]) == (True, [])
    assert {state for one in after["alert"]["delivered"] for state in one["deliveries"]} == {"sent"}


async def test_sentences_name_commands_to_the_command_line_alone(desk: DeskScene) -> None:
    bo, alert = await asked(desk)
    path = f"/alerts/{alert}/retract"
    plain = (await bo.post(path, {})).json()["detail"]
    worded = (await bo.post(path, {}, x_alertbot_reader="command-line")).json()["detail"]
    assert "alertbot" not in plain
    assert worded.startswith(plain.rstrip("."))


async def test_rows_of_numbers_are_no_path_of_the_server(desk: DeskScene, tmp_path: Path) -> None:
    secret = tmp_path / "rows.csv"
    secret.write_text("number\n0199001234\n")
    ada = await program(desk, "ada")
    wishes = ada.wishes("provisional_number")
    wishes["values"] = {**wishes["values"], "numbers": str(secret)}
    for path in ("/alerts", "/preview"):
        body = {
            name: value for name, value in wishes.items() if path == "/alerts" or name != "new_incident"
        }
        answer = await ada.post(path, body)
        assert answer.status_code == 422
        assert "a file cannot be read from here" in answer.json()["detail"]


async def test_deliveries_come_by_pages(desk: DeskScene) -> None:
    for _time in range(3):
        await desk.team.approved("holding")
    ada = await program(desk, "ada")
    whole = [one["id"] for one in await ada.get("/deliveries")]
    assert len(whole) > 4
    found: list[int] = []
    place = "/deliveries?limit=2"
    while place:
        page = [one["id"] for one in await ada.get(place)]
        assert page == sorted(page)
        found = page + found
        link = ada.answer.headers.get("link", "")
        place = link.partition("<")[2].partition(">")[0].removeprefix("/api/v1") if link else ""
    assert found == whole


async def test_the_language_is_the_readers(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    answer = await ada.call("GET", "/alerts/NO-1", accept_language="fr-CH, en;q=0.5")
    assert answer.status_code == 404
    assert "Il n’y a pas d’alerte" in answer.json()["detail"]
    assert answer.headers["content-language"] == "fr"
