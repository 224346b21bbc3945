"""The desk without a script: from a first word to its end, by two people."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from alertbot.alerts import showing
from alertbot.db.database import Database
from tests.web.officer import DeskScene, posted, scene


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
