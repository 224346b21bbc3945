"""Who gets into the desk, and how: invitations, tokens, passkeys, recovery codes; and who does not."""

import hashlib
import json
import struct
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor

from alertbot.core.errors import Refused
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts, store_people
from alertbot.web.app import build
from alertbot.web.reading import MOST_WRONG
from tests.web.officer import URL, DeskScene, Officer, posted, scene

HOST = "desk.example.org"


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


async def invitation(desk: DeskScene, name: str, by: str = "") -> str:
    found = await accounts.invite(desk.team.service, desk.team.people[by or name], name)
    return found.url.removeprefix(URL)


async def verbs(desk: DeskScene) -> list[str]:
    return await desk.team.verbs()


@pytest.mark.parametrize("path", ["/", "/desk/"])
async def test_addresses_that_people_type_lead_to_the_desk(desk: DeskScene, path: str) -> None:
    browser = desk.browser()
    await browser.get(path)
    assert browser.answer.url.path == "/desk/sign-in"


# --- invitations ----------------------------------------------------------------------------------


async def test_an_invitation_signs_in_once_and_only_by_its_button(desk: DeskScene) -> None:
    place = await invitation(desk, "ada", by="bo")
    browser = desk.browser()
    for _time in range(2):
        await browser.get(place)
        assert "Welcome, ada" in browser.page.text
    await browser.send(browser.page.forms[0])
    assert browser.answer.url.path == "/desk/you"
    assert "set up your own way in" in browser.page.text
    other = desk.browser()
    await other.get(place)
    assert other.answer.status_code == 403
    assert {"people-invite", "sign-in"} <= set(await verbs(desk))


async def test_whoever_issued_an_invitation_is_one_hand_with_the_invited(desk: DeskScene) -> None:
    team = desk.team
    await invitation(desk, "ada", by="bo")
    team.people = await everybody(desk)
    alert = await team.pending()
    with pytest.raises(Refused, match="one hand"):
        await team.approve(alert.id, "bo")
    await team.approve(alert.id, "cy")
    with pytest.raises(Refused, match="still has the token"):
        await accounts.confirm(team.service, team.people["cy"], "ada", own_token=True)


async def test_a_renewed_token_makes_the_account_ones_own_again(desk: DeskScene) -> None:
    team = desk.team
    place = await invitation(desk, "ada", by="bo")
    thief, ada = desk.browser(), await desk.officer("ada")
    await thief.get(place)
    await thief.send(thief.page.forms[0])
    await ada.get("/desk/you")
    await ada.press("/you/renew")
    assert "shown only this once" in ada.page.text
    assert (await ada.get("/desk")).status_code == 200
    assert "sign-in" in str((await thief.get("/desk")).url)
    await accounts.confirm(team.service, team.people["cy"], "ada", own_token=True)
    team.people = await everybody(desk)
    alert = await team.pending()
    assert (await team.approve(alert.id, "bo")).state == "approved"


async def everybody(desk: DeskScene) -> dict[str, Any]:
    found = await desk.team.service.database.read(
        lambda conn: store_people.persons(conn, now=desk.team.clock.now)
    )
    return {one.name: one for one in found}


async def test_an_invitation_is_over_after_a_day_or_with_the_next(desk: DeskScene) -> None:
    first = await invitation(desk, "ada")
    second = await invitation(desk, "ada")
    browser = desk.browser()
    assert (await browser.get(first)).status_code == 403
    assert (await browser.get(second)).status_code == 200
    desk.team.clock.forward(hours=25)
    assert (await browser.get(second)).status_code == 403


async def test_only_an_admin_invites_somebody_else(desk: DeskScene) -> None:
    with pytest.raises(Refused):
        await invitation(desk, "bo", by="ada")


# --- sessions -------------------------------------------------------------------------------------


async def test_the_cookie_is_bound_to_the_host_and_hidden_from_scripts(desk: DeskScene) -> None:
    browser = desk.browser()
    await browser.get("/desk/sign-in")
    form = next(one for one in browser.page.forms if "token" in one.fields)
    browser.client.follow_redirects = False
    answer = await browser.send(form, token=desk.team.tokens["bo"])
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-desk=")
    assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


async def test_a_session_that_was_planted_is_not_taken_over(desk: DeskScene) -> None:
    browser = desk.browser()
    browser.client.cookies.set("__Host-desk", "planted", domain=HOST)
    await browser.sign_in("bo")
    assert [one.value for one in browser.client.cookies.jar] != ["planted"]
    before = browser.client.cookies.get("__Host-desk")
    await browser.send(next(one for one in browser.page.forms if one.action.endswith("sign-out")))
    browser.client.cookies.set("__Host-desk", before or "", domain=HOST)
    assert "sign-in" in str((await browser.get("/desk")).url)


async def test_a_session_ends_when_idle_and_not_by_looking_for_news(desk: DeskScene) -> None:
    bo = await desk.officer("bo")
    desk.team.clock.forward(minutes=20)
    assert (await bo.get("/desk")).url.path == "/desk"
    for _time in range(3):
        desk.team.clock.forward(minutes=12)
        answer = await bo.get("/desk/news", **{"x-desk-script": "1"})
    assert answer.status_code == 401
    assert "sign-in" in str((await bo.get("/desk")).url)


async def test_staying_prolongs_a_session_and_asking_how_long_it_lasts_does_not(
    desk: DeskScene,
) -> None:
    bo = await desk.officer("bo")
    desk.team.clock.forward(minutes=26)
    for _time in range(2):
        left = (await bo.get("/desk/left", **{"x-desk-script": "1"})).json()["left"]
        assert left == pytest.approx(240, abs=31)
    answer = await posted(bo.client, "/desk/stay", {"fetch": "1"})
    assert answer.json()["left"] == 1800
    desk.team.clock.forward(minutes=26)
    await bo.get("/desk")
    assert "Signed in as bo" in bo.page.text


async def test_a_session_ends_after_sixteen_hours_however_busy(desk: DeskScene) -> None:
    bo = await desk.officer("bo")
    for _half_hour in range(34):
        desk.team.clock.forward(minutes=29)
        await bo.get("/desk")
    assert "sign-in" in str(bo.answer.url)
    await bo.sign_in("bo")


@pytest.mark.parametrize("how", ["revoked", "renewed"])
async def test_a_session_ends_with_the_person_or_the_token(desk: DeskScene, how: str) -> None:
    ada = await desk.officer("ada")
    team = desk.team
    if how == "revoked":
        await accounts.revoke(team.service, team.people["bo"], "ada")
    else:
        await accounts.rotate(team.service, team.people["bo"], "ada", None)
    assert "sign-in" in str((await ada.get("/desk")).url)


async def test_a_person_ends_their_other_sessions_and_nobody_elses(desk: DeskScene) -> None:
    phone, office, bo = await desk.officer("ada"), await desk.officer("ada"), await desk.officer("bo")
    await office.get("/desk/you")
    form = office.page.form("/you/end")
    mine = [
        button["value"]
        for one in office.page.forms
        for button in one.buttons
        if button.get("name") == "session"
    ]
    assert len(mine) == 2
    await bo.get("/desk/you")
    await bo.send(bo.page.form("/you/end"), session=mine[-1])
    assert (await phone.get("/desk")).url.path == "/desk"
    await office.send(form, session=mine[-1])
    assert "sign-in" in str((await phone.get("/desk")).url)
    assert (await office.get("/desk")).url.path == "/desk"


async def test_wrong_tokens_are_limited_and_say_nothing(desk: DeskScene) -> None:
    browser = desk.browser()
    for attempt in range(MOST_WRONG + 1):
        await browser.get("/desk/sign-in")
        form = next(one for one in browser.page.forms if "token" in one.fields)
        answer = await browser.send(form, token=f"wrong {attempt}")
        assert answer.status_code == (403 if attempt < MOST_WRONG else 429)
    await desk.browser().sign_in("bo")
    elsewhere = desk.browser("198.51.100.7")
    await elsewhere.sign_in("bo")
    assert "sign-in" not in str(elsewhere.answer.url)


@pytest.mark.parametrize("place", ["//evil.example", "https://evil.example", "/desk/../x\\y", "/other"])
async def test_signing_in_leads_nowhere_else(desk: DeskScene, place: str) -> None:
    browser = desk.browser()
    await browser.get(
        "/desk/sign-in",
    )
    form = next(one for one in browser.page.forms if "token" in one.fields)
    answer = await browser.send(form, token=desk.team.tokens["bo"], next=place)
    assert str(answer.url) == f"{URL}/desk"


# --- recovery codes -------------------------------------------------------------------------------


async def test_a_recovery_code_works_once(desk: DeskScene) -> None:
    bo = await desk.officer("bo")
    await bo.get("/desk/you")
    await bo.press("/you/codes")
    code = next(word for word in bo.page.text.split() if word.count("-") == 2 and len(word) == 14)
    for expected in (200, 403):
        browser = desk.browser()
        await browser.get("/desk/sign-in")
        form = next(one for one in browser.page.forms if "code" in one.fields)
        await browser.send(form, name="BO", code=code.lower())
        assert browser.answer.status_code == expected, browser.page.text
    await bo.get("/desk/you")
    assert "7 codes left" in bo.page.text


# --- passkeys -------------------------------------------------------------------------------------


def text(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """A security key in software. `count`: what it says of how often it was used."""

    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = b"credential-of-the-test"
    count: int = 0
    verified: bool = True
    origin: str = URL

    def _data(self, *, made: bool = False) -> bytes:
        flags = 0x01 | (0x04 if self.verified else 0) | (0x40 if made else 0)
        head = hashlib.sha256(HOST.encode()).digest() + struct.pack(">BI", flags, self.count)
        if not made:
            return head
        numbers = self.key.public_key().public_numbers()
        cose = {
            1: 2,
            3: -7,
            -1: 1,
            -2: numbers.x.to_bytes(32, "big"),
            -3: numbers.y.to_bytes(32, "big"),
        }
        return head + bytes(16) + struct.pack(">H", len(self.id)) + self.id + encode_cbor(cose)

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def made(self, options: Any) -> str:
        client = self._client("webauthn.create", options["challenge"])
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": self._data(made=True)})
        response = {"clientDataJSON": text(client), "attestationObject": text(attestation)}
        return self._answer(response)

    def signed(self, options: Any) -> str:
        client = self._client("webauthn.get", options["challenge"])
        data = self._data()
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": text(client),
            "authenticatorData": text(data),
            "signature": text(signature),
        }
        return self._answer(response)

    def _answer(self, response: dict[str, str]) -> str:
        name = text(self.id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})


async def asked(browser: Officer, place: str) -> Any:
    answer = await posted(browser.client, place, {})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def added(officer: Officer, key: Authenticator) -> str:
    made = key.made(await asked(officer, "/desk/you/passkey-options"))
    await officer.get("/desk/you")
    await officer.send(officer.page.form("/you/passkey"), answer=made, name="phone")
    return officer.page.text


async def entered(desk: DeskScene, key: Authenticator, answer: str = "") -> Officer:
    browser = desk.browser()
    options = await asked(browser, "/desk/sign-in/options")
    await browser.get("/desk/sign-in")
    form = browser.page.form("/sign-in/passkey")
    await browser.send(form, answer=answer or key.signed(options))
    return browser


async def test_a_passkey_opens_a_session_and_its_answer_counts_once(desk: DeskScene) -> None:
    key, ada = Authenticator(), await desk.officer("ada")
    assert "phone" in await added(ada, key)
    browser = desk.browser()
    signed = key.signed(await asked(browser, "/desk/sign-in/options"))
    first = await entered(desk, key, signed)
    assert first.answer.url.path == "/desk"
    again = await entered(desk, key, signed)
    assert again.answer.status_code == 403


@pytest.mark.parametrize(
    ("counts", "opens"), [((0, 0), True), ((1, 2), True), ((1, 0), False), ((5, 5), False)]
)
async def test_a_passkey_that_counts_backwards_is_refused(
    desk: DeskScene, counts: tuple[int, int], opens: bool
) -> None:
    key, ada = Authenticator(), await desk.officer("ada")
    await added(ada, key)
    key.count = counts[0]
    assert (await entered(desk, key)).answer.status_code == 200
    key.count = counts[1]
    assert (await entered(desk, key)).answer.status_code == (200 if opens else 403)


@pytest.mark.parametrize("fault", ["verified", "origin", "key"])
async def test_a_passkey_that_does_not_fit_is_refused(desk: DeskScene, fault: str) -> None:
    key, ada = Authenticator(), await desk.officer("ada")
    await added(ada, key)
    if fault == "verified":
        key.verified = False
    elif fault == "origin":
        key.origin = "https://evil.example"
    else:
        key.key = ec.generate_private_key(ec.SECP256R1())
    assert (await entered(desk, key)).answer.status_code == 403


async def test_a_passkey_ends_with_the_token(desk: DeskScene) -> None:
    key, ada = Authenticator(), await desk.officer("ada")
    await added(ada, key)
    await accounts.rotate(desk.team.service, desk.team.people["ada"], "ada", None)
    assert (await entered(desk, key)).answer.status_code == 403


async def test_every_way_in_is_in_the_audit_and_the_tables_agree(desk: DeskScene) -> None:
    key, ada = Authenticator(), await desk.officer("ada")
    await added(ada, key)
    await entered(desk, key)
    await ada.get("/desk/you")
    await ada.press("/you/codes")
    await ada.get("/desk/you")
    await ada.send(ada.page.form("/you/passkey-remove"), "1", passkey="1")
    ways = [
        row["detail"].get("way")
        for row in await overview.audit_export(desk.team.service)
        if row["verb"] == "sign-in"
    ]
    assert ways == ["token", "passkey"]
    assert {"passkey-add", "passkey-remove", "recovery-codes"} <= set(await verbs(desk))
    found = await overview.audit_verify(desk.team.service, None)
    assert found.sound, found.reason


# --- forms ----------------------------------------------------------------------------------------


async def test_without_a_desk_in_the_configuration_there_is_none(desk: DeskScene) -> None:
    web = build(desk.team.service)
    assert not [one for one in web.routes if getattr(one, "path", "").startswith("/desk")]


async def test_roles_hold_at_the_desk(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    alert = await desk.team.pending()
    form = {"key": "k1", "decision": "approve", "digest": alert.digest, "read": "yes"}
    answer = await posted(ada.client, f"/desk/alerts/{alert.id}/decide", form)
    assert answer.status_code == 403
    assert await desk.team.state(alert.id) == "pending"


async def test_who_is_not_confirmed_yet_reads_that_and_not_that_the_token_is_wrong(
    desk: DeskScene,
) -> None:
    team = desk.team
    added = await accounts.add(team.service, team.tokens["bo"], "dana", ["approver"], None)
    browser = desk.browser()
    await browser.get("/desk/sign-in")
    form = next(one for one in browser.page.forms if "token" in one.fields)
    await browser.send(form, token=added.token)
    assert browser.answer.status_code == 403
    assert "dana does not count yet: another admin must confirm" in browser.page.text
    await browser.send(form, token=added.token + "x")
    assert "This token does not work." in browser.page.text
    whole = team.tokens["bo"]
    await browser.send(form, token=f"{whole[:20]}\r\n  {whole[20:]}\r\n")
    assert browser.answer.url.path == "/desk"
