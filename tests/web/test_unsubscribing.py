"""One click (RFC 8058): the link of a mail unsubscribes its recipient, by a mail program's own request and by a person."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest

from alertbot.channels import base
from alertbot.channels.email.adapter import EmailAdapter
from alertbot.channels.email.settings import EmailSettings
from alertbot.channels.email.tokens import RecipientSeal
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Audience, Channel, Post, Target, TeamPost
from alertbot.db.database import Database
from alertbot.people import recipients
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.web.app import build
from tests.team import Team, gather
from tests.web.reader import Page

SECRET = "a-secret-of-the-links-for-the-tests-only"
READER = "Maire+alertes@Commune.example.fr"
SEAL = RecipientSeal("press", SECRET)
ONE_CLICK = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def team(database: Database) -> Team:
    press = Channel("press", base.EMAIL, ("fr", "en"), Audience.LIVE, (Target(READER),))
    return await gather(database, (press,))


@pytest.fixture
async def client(team: Team) -> AsyncIterator[httpx.AsyncClient]:
    web = build(team.service, seals={"press": SEAL})
    way = httpx.ASGITransport(app=web, client=("192.0.2.1", 5000))
    async with httpx.AsyncClient(transport=way, base_url="http://alertbot.example.org") as opened:
        yield opened


async def suppressed(team: Team) -> list[tuple[str | None, str | None]]:
    return [(one.address, one.reason) for one in await recipients.listing(team.service)]


async def test_a_mail_program_unsubscribes_with_one_request(
    team: Team, client: httpx.AsyncClient
) -> None:
    """Without a cookie, without a look at the page, in whatever form its request comes."""
    path = f"/u/{SEAL.token(READER)}"
    answer = await client.post(path, content="List-Unsubscribe=One-Click", headers=ONE_CLICK)
    assert answer.status_code == 200
    assert not answer.headers.get_list("set-cookie")
    assert await suppressed(team) == [(READER, "unsubscribed")]
    again = await client.post(
        path, files={"List-Unsubscribe": (None, "One-Click")}, headers={"sec-fetch-site": "cross-site"}
    )
    assert again.status_code == 200
    assert again.text == answer.text
    assert len(await suppressed(team)) == 1


async def test_opening_the_link_changes_nothing_and_shows_a_button(
    team: Team, client: httpx.AsyncClient
) -> None:
    for lang, button in (("fr", "Se désabonner"), ("en", "Unsubscribe")):
        shown = await client.get(f"/u/{SEAL.token(READER)}", headers={"accept-language": lang})
        page = Page(shown.text)
        assert shown.status_code == 200
        assert page.all("html")[0]["lang"] == lang
        assert [one.get("method") for one in page.all("form")] == ["post"]
        assert len(page.all("h1")) == len(page.all("main")) == len(page.all("button")) == 1
        assert button in page.text
        assert READER.casefold() not in shown.text.casefold()
        assert not page.all("script", "iframe")
    assert await suppressed(team) == []


async def test_nothing_tells_whether_an_address_is_known(team: Team, client: httpx.AsyncClient) -> None:
    """A stranger's address has a link that works as well; what is no link is answered alike."""
    english = {"accept-language": "en"}
    known = await client.post(f"/u/{SEAL.token(READER)}", headers=english)
    other = await client.post(f"/u/{SEAL.token('x@example.org')}", headers=english)
    assert (known.status_code, known.text) == (other.status_code, other.text)
    wrong = [
        SEAL.token(READER)[:-1], "A" * 60, "x", RecipientSeal("other", SECRET).token(READER),
        RecipientSeal("press", "another-secret-of-the-links-for-tests").token(READER),
    ]  # fmt: skip
    answers = [await client.post(f"/u/{one}", headers={"accept-language": "en"}) for one in wrong]
    assert {(one.status_code, one.text) for one in answers} == {(404, answers[0].text)}
    assert len(await suppressed(team)) == 2


async def test_whoever_tries_many_has_to_wait_and_a_right_link_still_works(
    team: Team, client: httpx.AsyncClient
) -> None:
    codes = [(await client.get(f"/u/{'A' * 50}{number:03}")).status_code for number in range(25)]
    assert codes[0] == 404
    assert codes[-1] == 429
    assert (await client.post(f"/u/{SEAL.token(READER)}")).status_code == 200
    assert len(await suppressed(team)) == 1


async def test_a_huge_body_is_not_read(team: Team, client: httpx.AsyncClient) -> None:
    answer = await client.post(f"/u/{SEAL.token(READER)}", content=b"x" * 100_000, headers=ONE_CLICK)
    assert answer.status_code == 413
    assert await suppressed(team) == []


def test_a_token_is_opaque_and_a_short_secret_refused() -> None:
    token = SEAL.token(READER)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert SEAL.address(token) == READER
    assert "commune" not in token.casefold()
    with pytest.raises(ConfigInvalid, match="32 characters"):
        RecipientSeal("press", "short")


def test_a_return_address_names_its_delivery_and_nothing_else_passes() -> None:
    for number in (0, 1, 35, 36, 2**31):
        local = SEAL.returned_to(number, "retours")
        assert local.startswith("retours+")
        assert len(local) <= 64
        assert SEAL.delivery(local.upper()) == number
    local = SEAL.returned_to(7, "retours")
    assert SEAL.delivery(local.replace("+7-", "+8-")) is None
    assert SEAL.delivery("retours") is None
    assert RecipientSeal("other", SECRET).delivery(local) is None


@pytest.mark.parametrize("mailto", [None, "mailto:stop@example.org"])
async def test_each_mail_has_a_link_of_its_own(
    monkeypatch: pytest.MonkeyPatch, mailto: str | None
) -> None:
    monkeypatch.setenv("LINK_SECRET", SECRET)
    async with Sandbox() as sandbox:
        settings = EmailSettings(
            host="127.0.0.1", port=sandbox.smtp_port, security="none", sender="a@example.org",
            recipients=(READER, "team@example.org"), one_click="https://alertes.example.org/",
            link_secret_env="LINK_SECRET", unsubscribe=mailto,
        )  # fmt: skip
        channel = Channel(
            "press", base.EMAIL, ("fr",), Audience.TEAM, tuple(EmailAdapter.targets(settings))
        )
        adapter = EmailAdapter(channel, settings)
        for kind, target in ((Post, READER), (TeamPost, "team@example.org")):
            await adapter.publish(
                kind("ABCD-1", 1, 1, target, "fr", "Bonjour.", subject="Panne", born=datetime.now(UTC))
            )
        await adapter.close()
        mail, notice = (dict(one.headers) for one in sandbox.posts.mails())
    links = re.findall(r"<([^>]*)>", str(mail["List-Unsubscribe"]))
    assert links[1:] == ([mailto] if mailto else [])
    root, _slash, token = links[0].rpartition("/u/")
    assert root == "https://alertes.example.org"
    assert SEAL.address(token) == READER
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "List-Unsubscribe-Post" not in notice


@pytest.mark.parametrize(
    "given",
    [
        {"one_click": "https://a.example.org"},
        {
            "one_click": "https://a.example.org",
            "link_secret_env": "LINK_SECRET",
            "unsubscribe": "https://b.example.org/",
        },
    ],
)
def test_settings_that_cannot_work_are_told(given: dict[str, str]) -> None:
    settings = EmailSettings.model_validate(
        {"host": "127.0.0.1", "sender": "a@example.org", "recipients": ["b@example.org"], **given}
    )
    assert len(list(settings.faults())) == 1
