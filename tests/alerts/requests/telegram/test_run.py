"""`alertbot run` with a bot: from the configuration to the press that publishes."""

import asyncio
import json
from pathlib import Path
from typing import Any

from alertbot import app as application
from alertbot.alerts import showing, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.ops import working
from alertbot.people import accounts
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.web.serving import announcement
from tests.alerts.requests.telegram.chat import GROUP, PATIENCE_SECONDS, USERS
from tests.team import example


def config(folder: Path, sandbox: Sandbox, **telegram: Any) -> Path:
    path = folder / "config.yaml"
    content = {
        "organisation": {
            "name": "Essai",
            "sandbox": True,
            "verification_page": "https://www.example.org",
        },
        "channels": {"public": {"type": "memory"}},
        "approvals_by": {
            "telegram": {
                "api_url": sandbox.telegram_url,
                "bot_token_env": "ALERTBOT_BOT",
                "chat": GROUP,
                **telegram,
            }
        },
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


async def test_the_worker_asks_hears_and_publishes(tmp_path: Path) -> None:
    async with Sandbox(speed=1000) as sandbox:
        app = application.build(config(tmp_path, sandbox))
        service = await app.open()
        stop = asyncio.Event()
        working_on = asyncio.create_task(working.work_until(app, service, stop))
        bo = await accounts.add(service, None, "bo", ["approver"], None)
        ada = await accounts.add(service, bo.token, "ada", ["author"], None)
        author, approver = [await accounts.acting(service, one.token) for one in (ada, bo)]
        made = await accounts.link(service, approver, "bo")
        sandbox.telegram.say(USERS["bo"], f"/link {made.code}", USERS["bo"])
        view = await writing.draft(service, author, DraftRequest("status", example(service, "status")))
        await writing.submit(service, author, view.id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(post.chat == GROUP for post in sandbox.posts.telegram()):
                await asyncio.sleep(0.05)
            while await accounts.of_user(service, str(USERS["bo"])) is None:
                await asyncio.sleep(0.05)
            post = next(post for post in sandbox.posts.telegram() if post.chat == GROUP)
            data = sandbox.telegram.buttons(GROUP, post.message)[
                "Approuver"
            ]  # the organisation's first language
            sandbox.telegram.press(GROUP, post.message, data, USERS["bo"])
            while (await showing.brief(service, view.id)).state != "published":
                await asyncio.sleep(0.05)
            while not any("approuvée par bo" in one.text for one in sandbox.posts.telegram()):
                await asyncio.sleep(0.05)
        stop.set()
        await working_on
        await app.close()


async def test_whoever_serves_is_told_where_telegram_s_calls_have_to_come_to(tmp_path: Path) -> None:
    hook = {"url": "https://bot.example.org/hook", "secret_env": "ALERTBOT_HOOK"}
    async with Sandbox() as sandbox:
        app = application.build(config(tmp_path, sandbox, mode="webhook", webhook=hook))
        asked = application.build(config(tmp_path, sandbox))
        service = await app.open()
        taken, way = app.hook(service), app.ways(service)[0]
        assert taken is not None
        assert taken.path == "/hook"
        assert taken is way.hook  # type: ignore[attr-defined]
        assert asked.hook(service) is None
        await app.close()
    line = "Telegram calls https://bot.example.org/hook, which must lead to http://127.0.0.1:8470/hook"
    assert line in announcement(app, "http://127.0.0.1:8470")
    assert line not in announcement(asked, "http://127.0.0.1:8470")
