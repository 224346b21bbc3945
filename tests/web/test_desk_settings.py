"""The settings at the desk: every value with its place, what each channel reaches, what a check finds, and no secret."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from alertbot.app import App
from alertbot.app import build as build_app
from alertbot.ops.settings_shown import SettingsOf
from alertbot.web.app import build
from alertbot.web.desk.room import DeskRoom
from tests.cli.desk import opened
from tests.team import Clock, Team
from tests.web.officer import URL, DeskScene

SECRET = "the-secret-that-nobody-reads-0123456789"


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DeskScene]:
    monkeypatch.setenv("BOT_TOKEN", SECRET)
    made = opened(tmp_path)
    path = made.configure(
        desk={"url": URL},
        approvals={"status": {"approvers": 2}},
        approvals_by={"telegram": {"bot_token_env": "BOT_TOKEN", "api_url": "http://127.0.0.1:9"}},
    )
    app: App = build_app(path)
    service = await app.open()
    team = Team(service, Clock(), {}, tokens=made.tokens)
    web = build(service, desk=DeskRoom(service, URL, settings=SettingsOf(app)))
    scene = DeskScene(team, web)
    yield scene
    await scene.close()
    await app.close()


async def test_every_value_says_where_it_comes_from_and_no_secret_is_shown(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/settings")
    words = ada.page.text
    assert ada.answer.status_code == 200, words
    assert "organisation.timezone Europe/Paris (config.yaml, line" in words
    assert "publish_delay 0s (default)" in words
    assert "approvals.status.approvers 2 (config.yaml, line" in words
    assert "bot_token set; not shown (the environment variable BOT_TOKEN)" in words
    assert SECRET not in ada.answer.text
    assert "public (memory) · reaches: nobody: a rehearsal" in words
    assert "drill (memory) · reaches: those who take part in exercises" in words
    assert "(status): 2 approvers" in words
    assert len(ada.answer.content) <= 40_000


async def test_a_check_in_one_press_reads_the_file_as_it_is_now(
    desk: DeskScene, tmp_path: Path
) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/settings")
    await ada.press("/settings/check")
    assert "no faults" in ada.page.text, ada.page.text
    (tmp_path / "config.yaml").write_text("organisation: [", encoding="utf-8")
    await ada.press("/settings/check")
    assert ada.answer.status_code in (400, 500), ada.page.text
    assert "config.yaml" in ada.page.text
    assert "Traceback" not in ada.page.text
