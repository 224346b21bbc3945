"""The witness, from a configuration to what commands tell: against the sandbox's public pages and a web server in front
of the files of public pages, which can hide, alter or withhold what was accepted."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from alertbot.app import build
from alertbot.ops import overview, working
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.watch.witness import looking
from tests.cli import desk as desks
from tests.cli.desk import Desk

PACE = {"first": "1s", "within": "1s"}
FAULTS = (
    "public:hidden:match=hidden_one:times=always",
    "public:hidden:match=late_one:times=1",
    "public:other_text:match=other_one:times=always",
    "public:down:match=blind_one:times=always",
    "telegram:drop_after_commit:match=doubtful_one",
)
PAGES = ("page_seen", "page_hidden", "page_other", "page_blind")
SHORT: dict[str, Any] = {"languages": ["fr"], "witness": PACE}
LONGEST_SECONDS = 20.0


@dataclass
class Evening:
    """An alert that was sent on every channel, and what was seen of it."""

    desk: Desk
    alert: str
    stopped_after: float

    def delivery(self, channel: str) -> dict[str, Any]:
        rows = self.desk.run("deliveries", self.alert, "--json").json
        return dict(next(one for one in rows if one["channel"] == channel))

    def audit(self, verb: str) -> list[dict[str, Any]]:
        rows = self.desk.run("audit", "export", "--json").json
        return [one for one in rows if one["verb"] == verb]


def telegram(sandbox: Sandbox, name: str, **more: Any) -> dict[str, Any]:
    given = {
        "bot_token_env": "ALERTBOT_BOT",
        "chat": f"@{name}_one",
        "languages": ["fr"],
        "witness": PACE,
    }
    return {"type": "telegram", "api_url": sandbox.telegram_url, **given, **more}


class WebServer(SimpleHTTPRequestHandler):
    """Shows the files of a folder as they are, or with one of the faults that a server or a cache has."""

    def __init__(self, *given: Any, fault: str, **more: Any) -> None:
        self.fault = fault
        super().__init__(*given, **more)

    def do_GET(self) -> None:
        failed = {"page_hidden": 404, "page_blind": 502}.get(self.fault)
        found = Path(self.translate_path(self.path))
        body = found.read_bytes() if found.is_file() else b""
        if self.fault == "page_other":
            body = body.replace(b"114", b"115")
        self.send_response(failed or (200 if body else 404))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.copyfile(BytesIO(body), self.wfile)

    def log_message(self, *_said: object) -> None:
        pass


@contextmanager
def page(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    """A channel of the type `page`, whose witness looks by a server in front of its files."""
    shows = partial(WebServer, directory=str(folder / name / "current"), fault=name)
    with ThreadingHTTPServer(("127.0.0.1", 0), shows) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        public = f"https://{name.replace('_', '-')}.example.org"
        yield SHORT | {
            "type": "page",
            "folder": name,
            "public_url": public,
            "witness": PACE | {"address": address},
        }
        server.shutdown()


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Evening:
    return asyncio.run(_evening(tmp_path_factory.mktemp("witness")))


async def _evening(folder: Path) -> Evening:
    desk = desks.opened(folder)
    with ExitStack() as servers:
        pages = {name: servers.enter_context(page(folder, name)) for name in PAGES}
        return await _published(folder, desk, pages)


async def _published(folder: Path, desk: Desk, pages: dict[str, Any]) -> Evening:
    async with Sandbox(speed=1000, faults=FAULTS) as sandbox:
        names = ("seen", "hidden", "late", "other", "blind", "doubtful")
        keys = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
        secrets = {f"{name}_env": f"ALERTBOT_{name.upper()}" for name in keys}
        x = {"type": "x", "api_url": sandbox.x_url, "languages": ["fr"], "witness": PACE, **secrets}
        desk.configure(
            channels={
                **{name: telegram(sandbox, name) for name in names},
                "x_main": x,
                "bluesky": {
                    "type": "bluesky",
                    "api_url": sandbox.bluesky_url,
                    "account": "alertes.example.org",
                    "app_password_env": "ALERTBOT_BLUESKY",
                    **SHORT,
                },
                "mastodon": {
                    "type": "mastodon",
                    "api_url": sandbox.mastodon_url,
                    "account": "@sandbox",
                    "access_token_env": "ALERTBOT_MASTODON",
                    **SHORT,
                },
                **pages,
                "quiet": telegram(sandbox, "quiet", witness=False),
                "team": {"type": "memory", "audience": "team"},
            }
        )
        alert = await asyncio.to_thread(desk.shown)
        assert (await asyncio.to_thread(desk.run, "approve", alert, by="bo")).code == 0
        stopped_after = await _work(folder, alert)
    return Evening(desk, alert, stopped_after)


async def _work(folder: Path, alert: str) -> float:
    """A worker until everything was looked at; how long it took to stop."""
    app = build(folder / "config.yaml")
    stop = asyncio.Event()
    service = await app.open()
    trials = await looking.trials(app.adapters())
    assert {name for name, why in trials.items() if why} == {"blind", "page_blind"}
    running = asyncio.create_task(working.work_until(app, service, stop))
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            while True:
                await asyncio.sleep(0.2)
                rows = await overview.deliveries(service, alert, None, None)
                looked = [one.witness for one in rows if one.channel not in ("quiet", "team")]
                if looked and not {"looking", None}.intersection(looked):
                    break
    finally:
        begun = time.monotonic()
        stop.set()
        await running
        took = time.monotonic() - begun
        await app.close()
    return took


@pytest.mark.parametrize(
    ("channel", "state", "witness"),
    [
        ("seen", "sent", "seen"),
        ("x_main", "sent", "seen"),
        ("bluesky", "sent", "seen"),
        ("mastodon", "sent", "seen"),
        ("late", "sent", "seen"),
        ("hidden", "sent", "unseen"),
        ("other", "sent", "other"),
        ("blind", "sent", "blind"),
        ("doubtful", "sent", "seen"),
        ("page_seen", "sent", "seen"),
        ("page_hidden", "sent", "unseen"),
        ("page_other", "sent", "other"),
        ("page_blind", "sent", "blind"),
        ("quiet", "sent", None),
    ],
)
def test_what_was_seen(evening: Evening, channel: str, state: str, witness: str | None) -> None:
    row = evening.delivery(channel)
    assert (row["state"], row["witness"]) == (state, witness)
    assert bool(row["visible_since"]) is (witness == "seen")


def test_what_was_in_doubt_and_is_public_is_settled_by_machine(evening: Evening) -> None:
    row = evening.delivery("doubtful")
    assert row["remote_id"]
    assert "witness" in row["note"]
    sent = [one for one in evening.audit("sent") if one["detail"]["delivery"] == row["id"]]
    assert sent[0]["actor"] == "alertbot"
    assert evening.desk.state(evening.alert) == "published"
    assert evening.desk.run("audit", "verify").code == 0


def test_the_team_is_told_once_what_nobody_sees_and_how_to_say_it_elsewhere(evening: Evening) -> None:
    tasks = [one for one in evening.desk.run("task", "list", "--json").json if one["kind"] == "unseen"]
    texts = sorted(one["text"] for one in tasks)
    assert len(texts) == 4  # hidden and other, twice; not those at which nobody could look
    assert any("page_other" in one and "it says “115” where “114”" in one for one in texts), texts
    assert all("--as radio" in one for one in texts)
    assert any("seen (seen)" in one for one in texts)
    status = evening.desk.run("status").out
    assert "nobody can see it there" in status
    assert "it could not be looked at in public" in status
    assert "visible since" in status


def test_the_audit_says_when_the_public_could_read_it(evening: Evening) -> None:
    seen = {one["detail"]["channel"]: one["at"] for one in evening.audit("witness-seen")}
    assert set(seen) == {"seen", "late", "x_main", "bluesky", "mastodon", "doubtful", "page_seen"}
    assert seen["seen"] >= evening.delivery("seen")["settled_at"][:19]
    assert "visible" in evening.desk.run("deliveries", evening.alert).out


def test_it_stops_at_once(evening: Evening) -> None:
    assert evening.stopped_after < 3.0
