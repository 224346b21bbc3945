"""From the approval of a correction until the last platform of the sandbox has it: X, Telegram and mail, with
a worker running in a process of its own."""

import asyncio
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from alertbot.alerts import approving, following, showing, writing
from alertbot.alerts.compose import DraftRequest, load_kind
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.views import AlertView
from alertbot.app import build
from alertbot.core.model import Person
from alertbot.people import accounts
from alertbot.rehearsal.sandbox.accounts import TelegramAccount, XAccount
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.watch.context import WatchContext

ALERTS = 5
READERS = 20
GOAL = 60.0  # seconds (R20)
CONFIG = """
organisation: {{name: Bench, languages: [fr, en], verification_page: "https://www.example.org/", sandbox: true}}
database: sqlite:///bench.db
channels:
  x_main:
    type: x
    api_url: {x}
    consumer_key_env: BENCH_A
    consumer_secret_env: BENCH_B
    access_token_env: BENCH_C
    access_token_secret_env: BENCH_D
  telegram: {{type: telegram, api_url: {telegram}, bot_token_env: BENCH_E, chat: "@bench"}}
  mail: {{type: email, host: 127.0.0.1, port: {smtp}, sender: bench@example.org, security: none, recipients: [{readers}]}}
"""
RIGHT = {
    "what_was_wrong": {"fr": "le 112 marche", "en": "112 works"},
    "what_is_right": {"fr": "le 112 est coupé", "en": "112 is cut off"},
}


def measure() -> dict[str, object]:
    """Median and worst in seconds over `ALERTS` corrections, at the platforms' own paces."""
    with tempfile.TemporaryDirectory() as folder:
        spent = asyncio.run(_measure(Path(folder)))
    return {
        "approve -> every channel has the correction (s, median)": round(statistics.median(spent), 2),
        "worst (s)": round(max(spent), 2),
        "corrections": len(spent),
        "channels": f"X, Telegram (post, edits, pins), mail to {READERS}",
    }


async def _measure(folder: Path) -> list[float]:
    account, bot = XAccount(), TelegramAccount()
    os.environ |= {
        "BENCH_A": account.consumer_key,
        "BENCH_B": account.consumer_secret,
        "BENCH_C": account.access_token,
        "BENCH_D": account.access_token_secret,
        "BENCH_E": bot.token,
    }
    async with Sandbox() as sandbox:
        config = folder / "config.yaml"
        readers = ", ".join(f"reader{number}@example.org" for number in range(READERS))
        config.write_text(
            CONFIG.format(
                x=sandbox.x_url,
                telegram=sandbox.telegram_url,
                smtp=sandbox.smtp_port,
                readers=readers,
            ),
            encoding="utf-8",
        )
        worker = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "alertbot"), "--config", str(config), "run",
            stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            return await _correct_all(config)
        finally:
            worker.terminate()
            await worker.wait()


async def _correct_all(config: Path) -> list[float]:
    app = build(config)
    service = await app.open()
    first = await accounts.add(service, None, "Ada", ["author"], None)
    second = await accounts.add(service, first.token, "Bo", ["approver"], None)
    author = await accounts.acting(service, first.token)
    approver = await accounts.acting(service, second.token)
    spent = [await _one(service, author, approver) for _number in range(ALERTS)]
    await app.close()
    return spent


async def _one(service: WatchContext, author: Person, approver: Person) -> float:
    """A status on every channel, then its correction; the seconds that `show` prints."""
    values: dict[str, Any] = dict(load_kind(service.publisher, "status").example)
    view = await writing.draft(service, author, DraftRequest("status", values), new_incident=True)
    await _through(service, author, approver, view)
    view = await following.correct(service, author, view.id, FollowRequest(RIGHT))
    await _through(service, author, approver, view)
    shown = await showing.show(service, view.id, None)
    if shown.state != "published":
        raise RuntimeError(f"{view.id} is {shown.state}")
    assert shown.reached_all_seconds is not None
    return shown.reached_all_seconds


async def _through(service: WatchContext, author: Person, approver: Person, view: AlertView) -> None:
    view = await writing.submit(service, author, view.id)  # which may compose it again
    await approving.approve(service, approver, view.id, view.digest)
    async with asyncio.timeout(GOAL):
        while (await showing.brief(service, view.id)).state in ("approved", "publishing"):
            await asyncio.sleep(0.05)
