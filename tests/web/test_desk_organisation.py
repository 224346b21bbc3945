"""Signing in by the organisation's own accounts, against a provider on loopback: who gets in, who does not, and that the
other ways in stay when it is down or lies."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts
from alertbot.web.app import build
from alertbot.web.desk import provider as desk_provider
from alertbot.web.desk.provider import Provider
from alertbot.web.desk.room import DeskRoom
from tests.web.identity_provider import CLIENT, SECRET, SmallProvider, key, running
from tests.web.officer import URL, DeskScene, Officer, scene


@dataclass
class Organisation:
    """A desk whose people also have accounts at a provider."""

    desk: DeskScene
    there: SmallProvider

    async def off(self, browser: Officer, form: str = "/sign-in/organisation") -> dict[str, str]:
        """Press the button of the page; what the provider is asked."""
        await browser.send(browser.page.form(form))
        assert browser.answer.status_code == 200, browser.page.text
        address = (
            browser.answer.text.partition('content="0; url=')[2].partition('"')[0].replace("&amp;", "&")
        )
        assert address.startswith(f"{self.there.issuer}/authorize?"), browser.page.text
        return dict(parse_qsl(urlsplit(address).query))

    async def back(self, browser: Officer, address: str) -> Officer:
        await browser.get(address, **{"sec-fetch-site": "cross-site"})
        return browser

    async def sign_in(self, browser: Officer | None = None) -> Officer:
        browser = browser or self.desk.browser()
        await browser.get("/desk/sign-in")
        return await self.back(browser, self.there.authorize(await self.off(browser)))

    async def mail(self, name: str, address: str) -> None:
        team = self.desk.team
        await accounts.set_mail(team.service, team.people[name], name, address)


@pytest.fixture
async def org(database: Database) -> AsyncIterator[Organisation]:
    desk = await scene(database)
    async with running(desk.team.clock) as there:
        made = Provider(there.issuer, CLIENT, "Préfecture", lambda: SECRET)
        desk.web = build(desk.team.service, desk=DeskRoom(desk.team.service, URL, provider=made))
        yield Organisation(desk, there)
        await desk.close()


def entered(browser: Officer, name: str) -> bool:
    return f"Signed in as {name}" in browser.page.text


async def test_a_verified_address_opens_the_account_and_the_subject_stays(org: Organisation) -> None:
    await org.mail("ada", "Ada@example.org")
    browser = await org.sign_in()
    assert entered(browser, "ada"), browser.page.text
    assert browser.answer.url.path == "/desk"
    org.there.account = {"sub": "u-1", "email": "new@example.org", "email_verified": True}
    assert entered(await org.sign_in(), "ada")
    given = org.there.bodies[0]
    assert given["authorization"].startswith("Basic ")
    assert "client_secret" not in given
    rows = await overview.audit_export(org.desk.team.service)
    assert [row["detail"]["way"] for row in rows if row["verb"] == "sign-in"] == ["oidc", "oidc"]
    assert (await overview.audit_verify(org.desk.team.service, None)).sound


async def test_an_account_of_nobody_makes_nobody(org: Organisation) -> None:
    org.there.account = {"sub": "u-9", "email": "ada@example.org", "email_verified": False}
    await org.mail("ada", "ada@example.org")
    before = len(await accounts.everybody(org.desk.team.service))
    browser = await org.sign_in()
    assert browser.answer.status_code == 403
    assert "belongs to nobody here" in browser.page.text
    org.there.account["email_verified"] = "true"  # a word is no verification
    assert (await org.sign_in()).answer.status_code == 403
    org.there.account["email_verified"] = True
    await org.mail("bo", "ada@example.org")  # two people with one address
    assert (await org.sign_in()).answer.status_code == 403
    assert len(await accounts.everybody(org.desk.team.service)) == before


async def test_an_invitation_binds_the_account_at_the_first_sign_in(org: Organisation) -> None:
    team = org.desk.team
    found = await accounts.invite(team.service, team.people["bo"], "ada")
    place = found.url.removeprefix(URL)
    ada = org.desk.browser()
    await ada.get(place)
    address = org.there.authorize(await org.off(ada, "/organisation"))
    await org.back(ada, address)
    assert entered(ada, "ada"), ada.page.text
    assert (await org.desk.browser().get(place)).status_code == 403  # it is used up
    assert entered(await org.sign_in(), "ada")


async def test_a_person_links_and_unlinks_it_under_their_name(org: Organisation) -> None:
    ada, bo = await org.desk.officer("ada"), await org.desk.officer("bo")
    for officer in (ada, bo):
        await officer.get("/desk/you")
        await org.back(officer, org.there.authorize(await org.off(officer, "/you/organisation")))
    assert "Your account there signs you in here" in ada.page.text
    assert bo.answer.status_code == 403
    assert "linked to ada already" in bo.page.text
    assert entered(await org.sign_in(), "ada")
    await ada.get("/desk/you")
    await ada.press("/you/organisation-remove")
    assert (await org.sign_in()).answer.status_code == 403


@pytest.mark.parametrize("how", ["revoked", "renewed"])
async def test_it_ends_with_the_person_and_with_the_token(org: Organisation, how: str) -> None:
    team = org.desk.team
    await org.mail("ada", "ada@example.org")
    browser = await org.sign_in()
    if how == "revoked":
        await accounts.revoke(team.service, team.people["bo"], "ada")
    else:
        await accounts.rotate(team.service, team.people["bo"], "ada", None)
    assert "sign-in" in str((await browser.get("/desk")).url)
    refused = await org.sign_in()
    assert refused.answer.status_code == 403
    assert "Signed in as" not in refused.page.text


async def test_two_tabs_do_not_disturb_each_other(org: Organisation) -> None:
    await org.mail("ada", "ada@example.org")
    browser = org.desk.browser()
    asked = []
    for _tab in range(2):
        await browser.get("/desk/sign-in")
        asked.append(await org.off(browser))
    assert asked[0]["state"] != asked[1]["state"]
    for one in asked:
        await org.back(browser, org.there.authorize(one))
        assert entered(browser, "ada"), browser.page.text


async def test_what_came_back_counts_once_and_in_its_own_browser(org: Organisation) -> None:
    await org.mail("ada", "ada@example.org")
    browser, other = org.desk.browser(), org.desk.browser()
    await browser.get("/desk/sign-in")
    address = org.there.authorize(await org.off(browser))
    await org.back(other, address)  # a link that somebody was sent
    assert other.answer.status_code == 403
    assert "not begun in this browser" in other.page.text
    await org.back(browser, address)
    assert entered(browser, "ada")
    again = org.desk.browser()
    await org.back(again, address)
    assert again.answer.status_code == 403


async def test_a_swapped_state_or_a_code_of_another_sign_in_opens_nothing(org: Organisation) -> None:
    await org.mail("ada", "ada@example.org")
    browser, thief = org.desk.browser(), org.desk.browser()
    for one in (browser, thief):
        await one.get("/desk/sign-in")
    mine, theirs = await org.off(browser), await org.off(thief)
    stolen = dict(parse_qsl(urlsplit(org.there.authorize(mine)).query))["code"]
    await org.back(thief, f"/desk/sign-in/back?code={stolen}&state={mine['state']}")
    assert thief.answer.status_code == 403
    await org.back(thief, f"/desk/sign-in/back?code={stolen}&state={theirs['state']}")
    assert thief.answer.status_code == 403
    assert "used already or took too long" in thief.page.text
    assert not entered(thief, "ada")


async def test_a_replayed_code_is_refused_by_its_provider(org: Organisation) -> None:
    await org.mail("ada", "ada@example.org")
    browser = org.desk.browser()
    await browser.get("/desk/sign-in")
    asked = await org.off(browser)
    address = org.there.authorize(asked)
    org.there.codes.clear()  # somebody was faster
    await org.back(browser, address)
    assert browser.answer.status_code == 403
    assert "used already or took too long" in browser.page.text


LIES: dict[str, Callable[[SmallProvider], None]] = {
    "wrong issuer": lambda there: there.says.update(iss="https://evil.example"),
    "wrong audience": lambda there: there.says.update(aud="another-client"),
    "audience among others without azp": lambda there: there.says.update(aud=[CLIENT, "another"]),
    "expired": lambda there: there.says.update(exp=int(there.clock().timestamp()) - 300),
    "issued tomorrow": lambda there: there.says.update(iat=int(there.clock().timestamp()) + 86_400),
    "another nonce": lambda there: there.says.update(nonce="other"),
    "no nonce": lambda there: there.says.update(nonce=None),
    "no subject": lambda there: there.says.update(sub=None),
    "signed by a stranger": lambda there: setattr(there, "signs_with", key("first")),
    "signed by an unknown key": lambda there: setattr(there, "signs_with", key("strange")),
}


async def test_a_token_that_does_not_hold_opens_nothing(org: Organisation) -> None:
    await org.mail("ada", "ada@example.org")
    for lie, tell in LIES.items():
        org.there.says, org.there.signs_with = {}, None
        tell(org.there)
        browser = await org.sign_in()
        assert browser.answer.status_code == 403, (lie, browser.page.text)
        assert "does not hold" in browser.page.text, lie
        assert "Signed in as" not in browser.page.text, lie
    org.there.says, org.there.signs_with = {}, None
    assert entered(await org.sign_in(), "ada")


async def test_clocks_may_differ_a_little_and_keys_change(
    org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await org.mail("ada", "ada@example.org")
    org.there.says["exp"] = int(org.there.clock().timestamp()) - 60
    assert entered(await org.sign_in(), "ada")
    org.there.says = {"iat": int(org.there.clock().timestamp()) + 60}
    assert entered(await org.sign_in(), "ada")
    org.there.keys = [key("second"), key("third")]
    monkeypatch.setattr(desk_provider, "SOONEST_SECONDS", 0.0)
    assert entered(await org.sign_in(), "ada")


@pytest.mark.parametrize("how", ["slow", "huge", "another issuer", "plain http", "down"])
async def test_a_provider_out_of_order_is_a_sentence_and_the_other_ways_stay(
    org: Organisation, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_provider, "PATIENCE", desk_provider.timedelta(seconds=0.3))
    if how == "slow":
        org.there.delay = 1.0
    elif how == "huge":
        org.there.bulk = 1_000_000
    elif how == "another issuer":
        org.there.about["issuer"] = "https://evil.example"
    elif how == "plain http":
        org.there.about["authorization_endpoint"] = "http://login.example.org/authorize"
    else:
        made = Provider("http://127.0.0.1:9", CLIENT, "Préfecture", lambda: SECRET)
        org.desk.web = build(
            org.desk.team.service, desk=DeskRoom(org.desk.team.service, URL, provider=made)
        )
    browser = org.desk.browser()
    await browser.get("/desk/sign-in")
    since = time.monotonic()
    asked = asyncio.create_task(browser.send(browser.page.form("/sign-in/organisation")))
    await asyncio.sleep(0.05)
    assert (await org.desk.browser().get("/desk/sign-in")).status_code == 200  # nobody waits for it
    await asked
    assert time.monotonic() - since < 4
    assert browser.answer.status_code == 503, browser.page.text
    assert "Préfecture does not answer" in browser.page.text
    assert "passkey, a recovery code or your token" in browser.page.text
    await browser.sign_in("ada")


def way_out(browser: Officer) -> str:
    """The address behind the link to sign out at the provider too; empty without one."""
    found = re.search(r'<a href="([^"]+)"[^>]*>(?:sign out there too)</a>', browser.answer.text)
    return unescape(found[1]) if found else ""


async def test_leaving_offers_to_leave_the_provider_too(org: Organisation) -> None:
    await org.mail("ada", "ada@example.org")
    browser = await org.sign_in()
    assert org.there.knows
    await browser.press("/desk/sign-out")
    assert "Préfecture still knows this browser" in browser.page.text
    place = way_out(browser)
    assert place.startswith(f"{org.there.issuer}/logout?client_id=desk&")
    assert not entered(await org.back(browser, "/desk"), "ada")
    async with httpx.AsyncClient() as outside:
        answer = await outside.get(place)
    assert answer.status_code == 302, answer.text
    assert not org.there.knows
    await browser.get(answer.headers["location"].removeprefix(URL))
    assert browser.answer.status_code == 200
    assert not way_out(browser)
    assert "With your token" in browser.page.text


@pytest.mark.parametrize(
    "end",
    [
        "https://login.example.org/end?realm=a",
        "http://login.example.org/end",
        "javascript:alert(1)",
        None,
    ],
)
async def test_where_a_provider_has_no_way_out_that_holds_nobody_is_sent_there(
    org: Organisation, end: str | None
) -> None:
    org.there.about["end_session_endpoint"] = end
    await org.mail("ada", "ada@example.org")
    browser = await org.sign_in()
    await browser.press("/desk/sign-out")
    assert browser.answer.status_code == 200
    place = way_out(browser)
    if end and end.startswith("https"):
        assert place.startswith(f"{end}&client_id=desk&post_logout_redirect_uri=https%3A%2F%2Fdesk.")
    else:
        assert not place
    assert "sign-in" in str((await browser.get("/desk")).url)


async def test_a_provider_that_is_down_keeps_nobody_signed_in(
    org: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await org.mail("ada", "ada@example.org")
    browser = await org.sign_in()
    monkeypatch.setattr(desk_provider, "FRESH_SECONDS", 0.0)
    monkeypatch.setattr(desk_provider, "PATIENCE", desk_provider.timedelta(seconds=0.2))
    org.there.delay = 1.0
    await browser.press("/desk/sign-out")
    assert browser.answer.status_code == 200
    assert not way_out(browser)
    assert "sign-in" in str((await browser.get("/desk")).url)


async def test_who_came_in_otherwise_is_not_sent_to_the_provider(org: Organisation) -> None:
    ada = await org.desk.officer("ada")
    await ada.press("/desk/sign-out")
    assert ada.answer.url.path == "/desk/sign-in"
    assert not way_out(ada)
    assert "still knows this browser" not in ada.page.text


async def test_who_gives_up_there_is_told_so(org: Organisation) -> None:
    browser = org.desk.browser()
    await browser.get("/desk/sign-in")
    asked: Any = await org.off(browser)
    await org.back(browser, f"/desk/sign-in/back?error=access_denied&state={asked['state']}")
    assert browser.answer.status_code == 403
    assert "You were not signed in at Préfecture" in browser.page.text


async def test_without_a_provider_there_is_no_such_door(database: Database) -> None:
    desk = await scene(database)
    browser = desk.browser()
    await browser.get("/desk/sign-in")
    assert "organisation" not in browser.answer.text
    assert (await browser.get("/desk/sign-in/back?state=x&code=y")).status_code == 404
    await desk.close()
