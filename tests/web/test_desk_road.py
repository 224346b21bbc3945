"""The desk without a script: from a first word to its end, by two people."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from alertbot.alerts import showing
from alertbot.channels.base import Adapter
from alertbot.channels.email.adapter import EmailAdapter
from alertbot.channels.email.settings import EmailSettings
from alertbot.channels.telegram.adapter import TelegramAdapter, TelegramSettings
from alertbot.channels.x.adapter import XAdapter
from alertbot.channels.x.settings import XSettings
from alertbot.core.model import Audience, Target
from alertbot.db.database import Database
from alertbot.delivery.runners import LocalRunner
from alertbot.ops import working
from alertbot.rehearsal.sandbox.accounts import Mail
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.channels.test_x import OAUTH1
from tests.team import channel
from tests.web.officer import DeskScene, posted, scene
from tests.web.reader import PLATFORMS


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


HOLDING = {
    "f__what_fails__fr": "15, 17 et 18 sur mobile",
    "f__what_fails__en": "15, 17 and 18 on mobiles",
    "f__what_works__fr": "fixes",
    "f__what_works__en": "landlines",
    "f__where": "69, 42",
    "f__what_to_do__fr": "Appelez d’un fixe.",
    "f__what_to_do__en": "Call from a landline.",
    "f__next_update": "+30m",
}


async def test_an_evening_at_the_desk(desk: DeskScene) -> None:
    ada, bo = await desk.officer("ada"), await desk.officer("bo")
    await ada.get("/desk")
    assert "None." in ada.page.text
    await ada.get("/desk/write/holding")
    await ada.press("submit", **HOLDING)
    assert ada.answer.status_code == 200, ada.page.text
    assert "was submitted" in ada.page.text
    alert = str(ada.answer.url.path).rpartition("/")[2]
    await bo.get("/desk")
    assert f"{alert}" in bo.page.text
    assert "for you to approve" in bo.page.text
    await bo.get(f"/desk/alerts/{alert}")
    assert "15, 17 et 18 sur mobile" in bo.page.text
    await bo.press("approve", read="yes")
    assert bo.answer.status_code == 200, bo.page.text
    assert "Your approval is recorded" in bo.page.text
    await desk.team.work()
    assert await desk.team.state(alert) == "published"
    await ada.get("/desk")
    await ada.press("no_news")
    assert ada.answer.status_code == 200, ada.page.text
    assert ada.answer.url.path.endswith("/edit"), ada.page.text


async def test_what_is_typed_is_shown_at_once_and_kept(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/write/holding")
    form = ada.page.form("submit")
    typed = form.fields | {name.replace("__", "."): text for name, text in HOLDING.items()}
    live = await posted(ada.client, "/desk/write/holding/live", typed)
    assert live.status_code == 200, live.text
    assert "15, 17 et 18 sur mobile" in live.text
    assert "Next update" in live.text
    await ada.get("/desk/write/holding")
    assert "is back" in ada.page.text
    assert ada.page.form("submit").fields["f.where"] == "69, 42"
    await ada.press("save")
    alert = ada.answer.url.path.rpartition("/")[2]
    assert await desk.team.state(alert) == "draft"
    await ada.get(f"/desk/alerts/{alert}/edit")
    assert ada.page.form("submit").fields["f.where"] == "Rhône, Loire"
    await ada.get("/desk/write/holding")
    assert "is back" not in ada.page.text


async def test_what_is_typed_outlives_the_session_and_nothing_else_is_done(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/write/holding")
    form = ada.page.form("submit")
    desk.team.clock.forward(minutes=40)
    await ada.send(form, "submit", **HOLDING)
    assert ada.answer.status_code == 401
    assert "what you were typing is kept" in ada.page.text
    assert await desk.team.verbs() == [verb for verb in await desk.team.verbs() if verb != "draft"]
    await ada.sign_in("ada")
    await ada.get("/desk/write/holding")
    assert "is back" in ada.page.text
    assert ada.page.form("submit").fields["f.what_fails.en"] == "15, 17 and 18 on mobiles"
    await ada.send(ada.page.form("sign-out"))
    await ada.send(form, "submit", f__what_fails__en="planted")
    assert "is kept" not in ada.page.text
    assert "Sign in on another page" in ada.page.text
    await ada.sign_in("ada")
    await ada.get("/desk/write/holding")
    assert ada.page.form("submit").fields["f.what_fails.en"] == "15, 17 and 18 on mobiles"


async def test_places_and_times_are_typed_as_people_write_them(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/write/holding")
    await ada.press("look", **HOLDING | {"f__where": "rhone, morb", "f__next_update": "dans 2 heures"})
    assert "did you mean “Morbihan”?" in ada.page.text
    assert "“rhone" not in ada.page.text
    await ada.press("save", f__where="Rhône, morbihan")
    alert = ada.answer.url.path.rpartition("/")[2]
    given = (await showing.opened(desk.team.service, alert)).values
    assert given["where"] == ["69", "56"]
    ahead = datetime.fromisoformat(given["next_update"]) - desk.team.clock.now
    assert timedelta(minutes=119) <= ahead <= timedelta(minutes=120)


async def test_stored_times_stand_in_the_form_as_people_type_them_and_are_no_change(
    desk: DeskScene,
) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/write/holding")
    await ada.press(
        "save", **HOLDING | {"f__since": "2 hours ago", "f__next_update": "tomorrow at 8:00"}
    )
    alert = ada.answer.url.path.rpartition("/")[2]
    given = (await showing.opened(desk.team.service, alert)).values
    for language, since, ahead in (
        ("en", "2 March, 13:00", "3 March, 08:00"),
        ("fr", "2 mars, 13:00", "3 mars, 08:00"),
    ):
        await ada.press(language) if language == "fr" else None
        await ada.get(f"/desk/alerts/{alert}/edit")
        fields = ada.page.form("save").fields
        assert (fields["f.since"], fields["f.next_update"]) == (since, ahead)
        await ada.press("save")
        opened = await showing.opened(desk.team.service, alert)
        assert (opened.values, opened.revision) == (given, 1)


async def test_a_french_page_speaks_french_throughout(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.press("fr")
    await ada.get("/desk/write/holding")
    await ada.press("save", **HOLDING | {"f__where": "rhone, morb"})
    assert "Où : Ce territoire n’existe pas" in ada.page.text
    assert "where (" not in ada.page.text
    assert "vouliez-vous dire « Morbihan » ?" in ada.page.text
    assert "Que faire : oui" in ada.page.text
    assert "retract" not in ada.page.text
    await ada.get("/desk/write/provisional_number")
    assert "Numéros provisoires : Cette valeur manque" in ada.page.text
    assert "L’un de ces champs est nécessaire : Valable jusqu'à, Réexaminé à." in ada.page.text


# --- what the platforms receive -------------------------------------------------------------------


X, TELEGRAM, PRESS = PLATFORMS
PRESS = replace(PRESS, targets=(Target("fr@example.org", "fr"), Target("en@example.org", "en")))


class TextsOf(HTMLParser):
    """What a page says will stand on each channel, in order: each text word for word."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._channel, self._depth, self._heading = "", 0, False
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag == "section":
            self._channel = classes[1] if classes[:1] == ["channel"] else ""
        if self._depth:
            self._depth += tag == "div"
        elif tag == "div" and "text" in classes and self._channel:
            self._depth = 1
            self.found.setdefault(self._channel, []).append("")

    def handle_endtag(self, tag: str) -> None:
        self._depth -= bool(self._depth) and tag == "div"

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.found[self._channel][-1] += data


async def test_the_platforms_receive_byte_for_byte_what_the_desk_shows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await scene(database, (X, TELEGRAM, PRESS, channel("team", Audience.TEAM)))
    team = desk.team
    async with Sandbox() as sandbox:
        adapters = {**team.adapters, **connected(sandbox, monkeypatch)}
        ada, bo = await desk.officer("ada"), await desk.officer("bo")
        await ada.get("/desk/write/holding")
        await ada.press("save", **HOLDING)
        alert = ada.answer.url.path.rpartition("/")[2]
        await ada.get(f"/desk/alerts/{alert}/edit")
        form = ada.page.form("submit")
        live = await posted(ada.client, f"{form.action}/live", form.fields)
        typed = TextsOf(live.text).found
        await ada.press("submit")
        await bo.get(f"/desk/alerts/{alert}")
        read = TextsOf(bo.answer.text.partition(">Prepared retraction<")[0]).found
        await bo.press("approve", read="yes")
        hooks = working.hooks(team.service)
        await LocalRunner(team.service.database, adapters, hooks=hooks).run_once(5.0)
        for one in adapters.values():
            await one.close()
        seen = sandbox.posts
        received = {
            "x": sorted(one.text for one in seen.x()),
            "telegram": sorted(one.text for one in seen.telegram()),
            "email": sorted(map(unwrapped, seen.mails())),
        }
    assert await team.state(alert) == "published"
    assert {name: sorted(texts) for name, texts in typed.items()} == received
    assert {name: sorted(texts) for name, texts in read.items()} == received
    assert {name: len(texts) for name, texts in received.items()} == {"x": 4, "telegram": 2, "email": 2}
    await desk.close()


def unwrapped(mail: Mail) -> str:
    """The text of a mail, which ends each line its own way, and the last one too."""
    assert mail.text.endswith("\r\n")
    return mail.text.replace("\r\n", "\n").removesuffix("\n")


def connected(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> dict[str, Adapter[Any]]:
    """The program's own adapters, connected to the sandbox."""
    for name, secret in (OAUTH1 | {"TELEGRAM_TOKEN": sandbox.telegram_account.token}).items():
        monkeypatch.setenv(name, secret)
    keys = {f"{name[2:].lower()}_env": name for name in OAUTH1}
    chat = {"bot_token_env": "TELEGRAM_TOKEN", "chat": "@alertes_exemple"}
    mail = {"sender": "alertes@example.org", "recipients": [one.address for one in PRESS.targets]}
    here = {"host": "127.0.0.1", "port": sandbox.smtp_port, "security": "none"}
    x = XSettings.model_validate({"api_url": sandbox.x_url, **keys})
    telegram = TelegramSettings.model_validate({"api_url": sandbox.telegram_url, **chat})
    return {
        X.name: XAdapter(X, x),
        TELEGRAM.name: TelegramAdapter(TELEGRAM, telegram),
        PRESS.name: EmailAdapter(PRESS, EmailSettings.model_validate(here | mail)),
    }
