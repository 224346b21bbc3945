"""Beside an alert at the desk: a post made by hand, a test to the team, and the same values for others."""

from collections.abc import AsyncIterator

import pytest

from alertbot.core.model import Audience
from alertbot.db.database import Database
from tests.team import channel
from tests.web.officer import DeskScene, scene
from tests.web.reader import PLATFORMS

X = PLATFORMS[0]


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database, (X, channel("team", Audience.TEAM)))
    yield made
    await made.close()


async def test_a_post_made_by_hand_is_recorded_and_a_test_goes_to_the_team(desk: DeskScene) -> None:
    view = await desk.team.approved("holding")
    ada = await desk.officer("ada")
    await ada.get(f"/desk/alerts/{view.id}")
    assert f'href="/desk/alerts/{view.id}/elsewhere"' in ada.answer.text
    await ada.get(f"/desk/alerts/{view.id}/elsewhere")
    assert "/record" not in ada.answer.text  # nothing is out yet
    await ada.send(ada.page.form("/test"), channel="team")
    assert "The test is on its way" in ada.page.text
    await desk.team.work()
    assert any("TEST" in post.text for post in desk.team.adapters["team"].posts)
    await ada.get(f"/desk/alerts/{view.id}/elsewhere")
    form = ada.page.form("/record")
    await ada.send(form, channel="x_main", url="x.com/exemple")
    assert ada.answer.status_code >= 400
    assert 'value="x.com/exemple"' in ada.answer.text  # what was typed stays
    await ada.send(form, channel="x_main", url="https://x.com/exemple/status/1234567890123456789")
    assert "updates and corrections will follow that post" in ada.page.text
    verbs = await desk.team.verbs()
    assert (verbs.count("record"), verbs.count("test-send")) == (1, 1)


async def test_the_same_values_for_others_are_read_and_handed_on(desk: DeskScene) -> None:
    view = await desk.team.approved("holding")
    ada = await desk.officer("ada")
    for form in ("press", "radio", "relay", "handover", "poster"):
        await ada.get(f"/desk/alerts/{view.id}/as/{form}")
        assert ada.answer.status_code == 200, ada.page.text
        assert len(ada.answer.content) < 40_000
        found = await ada.get(f"/desk/alerts/{view.id}/as/{form}/file")
        ending = "html" if form == "poster" else "txt"
        assert (
            found.headers["content-disposition"] == f'attachment; filename="{view.id}-{form}.{ending}"'
        )
        assert len(found.text) > 100
    await ada.get(f"/desk/alerts/{view.id}/as/nothing")
    assert ada.answer.status_code == 400
    assert "There is no text “nothing”" in ada.page.text
