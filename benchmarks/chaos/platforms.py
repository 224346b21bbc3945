"""Every fault of the sandbox, on the adapter it strikes: the sandbox runs in a process of its own, and counts what it
published. `python -m benchmarks.chaos.platforms` prints its addresses; then each line it reads is a fault to order,
`clear`, or `posts`, which it answers with the texts of all that is public, a JSON list a line."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from sqlalchemy import select, update

from alertbot.app import App, build
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.tables import account, delivery, message
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_deliveries import FAR
from alertbot.rehearsal.sandbox.accounts import (
    BlueskyAccount,
    MastodonAccount,
    TelegramAccount,
    XAccount,
)
from alertbot.rehearsal.sandbox.faults import FAULTS
from alertbot.rehearsal.sandbox.server import Sandbox
from benchmarks.chaos.faults import Fault
from benchmarks.chaos.stage import ROOT, Round, Stage, Tally

SPEED = 1000.0
RETRIES = 6
ENDS = ("sent", "uncertain", "failed")
LATE_SECONDS = 1
SECRETS = {
    "CHAOS_A": XAccount().consumer_key,
    "CHAOS_B": XAccount().consumer_secret,
    "CHAOS_C": XAccount().access_token,
    "CHAOS_D": XAccount().access_token_secret,
    "CHAOS_E": TelegramAccount().token,
    "CHAOS_F": BlueskyAccount().app_password,
    "CHAOS_G": MastodonAccount().access_token,
}
TARGETS = {"telegram": "@essai_public", "smtp": "r0@example.org"}
CONFIG = """
organisation: {{name: Essai, languages: [fr], timezone: Europe/Paris, sandbox: true, verification_page: "https://www.example.org/"}}
database: sqlite:///alertbot.db
channels:
  x: {{type: x, api_url: {x}, consumer_key_env: CHAOS_A, consumer_secret_env: CHAOS_B, access_token_env: CHAOS_C, access_token_secret_env: CHAOS_D}}
  telegram: {{type: telegram, api_url: {telegram}, bot_token_env: CHAOS_E, chat: "@essai_public"}}
  bluesky: {{type: bluesky, api_url: {bluesky}, account: alertes.example.fr, app_password_env: CHAOS_F}}
  mastodon: {{type: mastodon, api_url: {mastodon}, account: "@alertes", access_token_env: CHAOS_G}}
  smtp: {{type: email, host: 127.0.0.1, port: {smtp}, security: none, sender: alerte@example.org, recipients: [r0@example.org]}}
"""
ORDERS = [one for one in FAULTS if one.platform != "public"]


async def main() -> None:
    """The sandbox, until nobody speaks to it any more."""
    async with Sandbox(speed=SPEED) as sandbox:
        addresses = {
            "x": sandbox.x_url,
            "telegram": sandbox.telegram_url,
            "bluesky": sandbox.bluesky_url,
            "mastodon": sandbox.mastodon_url,
            "smtp": sandbox.smtp_port,
        }
        print(json.dumps(addresses), flush=True)
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            if line == "clear":
                sandbox.faults.clear()
            elif line != "posts":
                sandbox.faults.add(line)
            print(json.dumps([one.text for one in sandbox.posts]), flush=True)


class Platforms:
    """The sandbox's process, and the program's adapters to it."""

    def __init__(self, stage: Stage) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "benchmarks.chaos.platforms"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self._addresses = json.loads(self._process.stdout.readline())
        os.environ.update(SECRETS)
        self._path = stage.folder / "platforms.yaml"
        self._path.write_text(CONFIG.format(**self._addresses), encoding="utf-8")

    def app(self) -> App:
        return build(self._path)

    def say(self, line: str) -> list[str]:
        """An order; the texts of everything that is public by now."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return list(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


async def platform_fails(one: Round) -> Tally:
    """One fault of one platform, as the sandbox plays it; where the channel is paused for it, a person resumes it."""
    kept = one.stage.kept
    if "platforms" not in kept:
        kept["platforms"] = Platforms(one.stage)
    platforms: Platforms = kept["platforms"]
    fault = ORDERS[one.stage.numbers % len(ORDERS)]
    late = f":delay={LATE_SECONDS}" if fault.name == "slow" else ""
    app = platforms.app()
    try:
        platforms.say(f"{fault.platform}:{fault.name}{late}")
        one.database = await Database.open(one.url, migrate=False)
        runner = LocalRunner(one.database, {fault.platform: app.adapters()[fault.platform]})
        word = await _put(one, app, fault.platform)
        alone = await _driven(one, runner)
        public = sum(word in text for text in platforms.say("clear"))
        [(state, reason)] = await one.ask(_looked)
        one.said.append(f"{fault.platform}, {fault.what}: {reason}" if reason else "")
    finally:
        await app.close()
    return Tally(
        deliveries=1,
        lost=int(state == "sent" and not public) + int(state not in ENDS),
        doubled=max(0, public - 1),
        uncertain=int(state == "uncertain"),
        wrong=int(state == "failed" and public > 0),
        alone=alone,
        message=one.message(),
    )


async def _put(one: Round, app: App, platform: str) -> str:
    """One post; the word by which the public knows it."""
    from tests.delivery.scene import put

    assert one.database is not None
    word = f"essai{one.stage.numbers}x{one.dice.randrange(10**9)}"
    target = TARGETS.get(platform, platform)
    await put(one.database, [target], on=app.adapters()[platform].channel, name=one.alert)
    written = update(message).values(subject=word, text=f"Essai {word}.", length=30)
    await one.ask(lambda conn: conn.execute(written), write=True)
    return word


async def _driven(one: Round, runner: LocalRunner) -> bool:
    """Work until nothing is left; whatever has to be waited for is over at once. Whether nobody had to help."""
    alone = True
    for _try in range(RETRIES):
        await runner.run_once(LATE_SECONDS + 0.5)
        if not await one.left():
            break
        stopped = await one.ask(lambda conn: conn.scalar(select(account.c.paused)))
        alone = alone and stopped is None
        await one.ask(_time_passes, write=True)
    return alone


async def _time_passes(conn: Connection) -> None:
    await conn.execute(
        update(account).values(paused=None, blocked_until=0.0, blocked=None, booked_to=0.0)
    )
    await conn.execute(update(delivery).where(delivery.c.retry_at < FAR).values(retry_at=0.0))


async def _looked(conn: Connection) -> list[Any]:
    return [tuple(row) for row in await conn.execute(select(delivery.c.state, delivery.c.reason))]


PLATFORMS = (Fault(name="every fault of every platform", play=platform_fails, on=("sqlite",)),)

if __name__ == "__main__":
    asyncio.run(main())
