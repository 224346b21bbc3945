"""Tokens of the API: made, shown once and revoked at the desk; what ends them; machines that ask for one."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts, api_tokens
from alertbot.people.rules import Scope
from alertbot.web.api.device_calls import GRANT
from alertbot.web.reading import MOST_WRONG
from tests.web.officer import FORM, DeskScene, Officer, scene
from tests.web.program import ROOT, Program, program, stranger


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


async def refused(caller: Program, kind: str, path: str = "/kinds") -> str:
    answer = await caller.call("GET", path)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:alertbot:problem:{kind}", answer.text
    return str(answer.json()["detail"])


async def audited(desk: DeskScene, verb: str) -> list[dict[str, Any]]:
    rows = await overview.audit_export(desk.team.service)
    return [dict(row["detail"], actor=row["actor"]) for row in rows if row["verb"] == verb]


# --- on the desk ----------------------------------------------------------------------------------


async def test_a_token_is_made_and_revoked_on_the_page_with_ones_name(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/you")
    form = ada.page.form("/you/tokens")
    assert form.fields["scope"] == "read"
    assert form.fields["days"] == "90"
    await ada.send(form, name="statistics")
    token = next(word for word in ada.page.text.split() if word.startswith("abt_"))
    caller = stranger(desk, token)
    assert (await caller.get("/me"))["scopes"] == ["read"]
    await ada.get("/desk/you")
    assert token not in ada.page.text
    assert "statistics · read" in ada.page.text
    assert "last used" in ada.page.text
    await ada.send(ada.page.form("/you/token-revoke"), "1", token="1")
    assert "statistics" not in ada.page.text
    assert "revoked" in await refused(caller, "token-invalid")
    made, gone = await audited(desk, "api-token"), await audited(desk, "api-token-revoked")
    assert [(one["actor"], one["scopes"], one["way"]) for one in made] == [("ada", ["read"], "desk")]
    assert [one["name"] for one in gone] == ["statistics"]
    assert (await overview.audit_verify(desk.team.service, None)).sound


async def test_nobody_gives_a_program_more_than_their_roles(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/you")
    form = ada.page.form("/you/tokens")
    await ada.send(form, name="more", scope="approve")
    assert ada.answer.status_code == 403
    assert "cannot give the scope approve" in ada.page.text
    await ada.send(form, name="  ")
    assert "Give the token a name" in ada.page.text
    assert await audited(desk, "api-token") == []


async def test_another_persons_token_cannot_be_revoked(desk: DeskScene) -> None:
    caller = await program(desk, "ada")
    assert not await api_tokens.revoke(desk.team.service, desk.team.people["bo"], 1)
    assert await caller.get("/me")


# --- what ends it ---------------------------------------------------------------------------------


async def test_it_ends_with_its_time(desk: DeskScene) -> None:
    caller = await program(desk, "ada", days=1)
    desk.team.clock.forward(hours=23)
    assert await caller.get("/kinds")
    desk.team.clock.forward(hours=2)
    assert "expired" in await refused(caller, "token-invalid")


async def test_it_ends_with_the_person_and_with_their_own_token(desk: DeskScene) -> None:
    team = desk.team
    await team.join("dee", "author")
    ada, dee = await program(desk, "ada"), await program(desk, "dee")
    await accounts.revoke(team.service, team.people["bo"], "dee")
    await accounts.rotate(team.service, team.people["ada"], "ada", None)
    for caller in (ada, dee):
        assert "revoked" in await refused(caller, "token-invalid")


async def test_neither_opens_what_the_other_opens(desk: DeskScene) -> None:
    """No cookie of the desk opens the API, no token of the API the desk, and a person's own token neither the API."""
    ada = await desk.officer("ada")
    answer = await ada.client.get(f"{ROOT}/me", headers={"sec-fetch-site": "same-origin"})
    assert answer.status_code == 401
    caller = await program(desk, "ada")
    page = await caller.client.get("/desk", headers={"authorization": f"Bearer {caller.token}"})
    assert page.status_code == 303
    browser = desk.browser()
    await browser.get("/desk/sign-in")
    form = next(one for one in browser.page.forms if "token" in one.fields)
    await browser.send(form, token=caller.token)
    assert browser.answer.status_code == 403
    assert "opens nothing" in await refused(stranger(desk, desk.team.tokens["ada"]), "token-invalid")


async def test_wrong_tokens_are_counted_and_right_ones_work(desk: DeskScene) -> None:
    right, wrong = await program(desk, "ada"), stranger(desk, "abt_wrong")
    for _time in range(MOST_WRONG):
        await refused(wrong, "token-invalid")
    await refused(wrong, "too-many")
    assert int(wrong.answer.headers["retry-after"]) > 0
    assert await right.get("/me")
    await refused(stranger(desk, "abt_wrong", "198.51.100.7"), "token-invalid")


# --- a machine asks -------------------------------------------------------------------------------


async def asks(desk: DeskScene, scope: str = "read draft", machine: str = "laptop") -> Any:
    return await sent(desk, "/device", {"scope": scope, "machine": machine})


async def sent(desk: DeskScene, path: str, form: dict[str, str], status: int = 200) -> Any:
    client = stranger(desk).client
    answer = await client.post(ROOT + path, data=form, headers=FORM)
    assert answer.status_code == status, answer.text
    return answer.json()


async def polls(desk: DeskScene, asked: Any, status: int = 200) -> Any:
    form = {"grant_type": GRANT, "device_code": asked["device_code"]}
    return await sent(desk, "/token", form, status)


async def typed(officer: Officer, code: str) -> httpx.Response:
    await officer.get("/desk/device")
    form = next(one for one in officer.page.forms if "code" in one.fields)
    return await officer.send(form, code=code)


async def test_a_machine_is_signed_in_by_its_code(desk: DeskScene) -> None:
    asked = await asks(desk)
    assert asked["verification_uri"].endswith("/desk/device")
    assert (await polls(desk, asked, 400))["error"] == "authorization_pending"
    assert (await polls(desk, asked, 400))["error"] == "slow_down"
    ada = await desk.officer("ada")
    await typed(ada, asked["user_code"].lower().replace("-", " "))
    for word in ("laptop", "203.0.113.9", asked["user_code"], "draft: write"):
        assert word in ada.page.text
    await ada.press("yes", scope="draft")
    assert "laptop may act for you now" in ada.page.text
    got = await polls(desk, asked)
    assert (got["token_type"], got["scope"]) == ("Bearer", "draft")
    assert (await stranger(desk, got["access_token"]).get("/me"))["token"] == "laptop"
    assert (await polls(desk, asked, 400))["error"] == "expired_token"
    (row,) = await audited(desk, "api-token")
    assert (row["actor"], row["way"], row["scopes"]) == ("ada", "device", ["draft"])


async def test_a_machine_that_is_refused_gets_nothing(desk: DeskScene) -> None:
    asked = await asks(desk, "approve")
    ada = await desk.officer("ada")
    await ada.get(f"/desk/device?code={asked['user_code']}")
    assert "what your roles do not allow" in ada.page.text
    await ada.press("no")
    assert (await polls(desk, asked, 400))["error"] == "access_denied"
    assert await audited(desk, "api-token") == []


async def test_nobody_allows_more_than_was_asked_or_than_their_roles(desk: DeskScene) -> None:
    asked = await asks(desk, "read approve")
    ada = await desk.officer("ada")
    await typed(ada, asked["user_code"])
    for scope in ("approve", "submit"):
        await ada.send(ada.page.form("yes"), "yes", scope=scope)
        assert ada.answer.status_code == 403
    assert (await polls(desk, asked, 400))["error"] == "authorization_pending"
    assert await audited(desk, "api-token") == []


async def test_a_code_is_over_after_ten_minutes_and_guesses_are_counted(desk: DeskScene) -> None:
    asked = await asks(desk)
    ada = await desk.officer("ada")
    desk.team.clock.forward(minutes=11)
    await typed(ada, asked["user_code"])
    assert "No machine waits with this code" in ada.page.text
    assert (await polls(desk, asked, 400))["error"] == "expired_token"
    for _time in range(MOST_WRONG):
        answer = await typed(ada, "BBBB-BBBB")
    assert answer.status_code == 429


async def test_a_machine_that_asks_wrongly_is_told(desk: DeskScene) -> None:
    hidden = {"machine": "lap\N{ZERO WIDTH SPACE}top"}
    for form in (hidden, {"machine": "x" * 101}):
        assert (await sent(desk, "/device", form, 400))["error"] == "invalid_request"
    assert (await sent(desk, "/device", {"scope": "everything"}, 400))["error"] == "invalid_scope"


async def test_a_network_asks_for_few_machines(desk: DeskScene) -> None:
    for _time in range(MOST_WRONG):
        await asks(desk)
    assert (await sent(desk, "/device", {}, 429))["error"] == "slow_down"


async def test_a_machine_whose_person_is_gone_gets_nothing(desk: DeskScene) -> None:
    asked, who = await asks(desk), desk.team.people["ada"]
    code = asked["user_code"]
    await api_tokens.answer(desk.team.service, who, code, [Scope.READ], allowed=True)
    await accounts.revoke(desk.team.service, desk.team.people["bo"], "ada")
    assert (await polls(desk, asked, 400))["error"] == "access_denied"
