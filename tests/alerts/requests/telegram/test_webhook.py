"""The bot that is called instead of asking: only with the secret, only at its address, by the pages."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from alertbot.config.approvers import WebhookSettings
from alertbot.db.database import Database
from alertbot.web import serving
from alertbot.web.app import build
from tests.alerts.requests.telegram.chat import GROUP, Chat, listening

HEADER = "x-telegram-bot-api-secret-token"
SECRET = "a-secret-of-the-team"


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(sqlite_url, migrate=False)
    yield opened
    await opened.close()


@asynccontextmanager
async def called(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Chat, str]]:
    """A bot that hears by the pages, and the address that it is called at."""
    monkeypatch.setenv("ALERTBOT_HOOK", SECRET)
    place = serving.listen("127.0.0.1", 0)
    url = f"{serving.address_of(place)}/telegram"
    hook = WebhookSettings(url=url, secret_env="ALERTBOT_HOOK")

    async def pages(chat: Chat) -> None:
        await serving.serve_app(build(chat.team.service, hook=chat.way.hook), place, chat.stop)

    async with listening(database, mode="webhook", webhook=hook, beside=pages) as chat:
        await chat.until(lambda: bool(chat.sandbox.telegram.webhook))
        yield chat, url


async def test_a_press_comes_by_a_call(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with called(database, monkeypatch) as (chat, _url):
        view = await chat.team.pending()
        await chat.ask()
        await chat.told(chat.press("Approve", "bo"))
        assert await chat.team.state(view.id) == "approved"
        assert "approved" in await chat.answered(GROUP, chat.say("/status", "bo", GROUP))


async def test_a_call_without_the_secret_is_turned_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, update = {HEADER: SECRET}, {"update_id": 1}
    async with called(database, monkeypatch) as (_chat, url), httpx.AsyncClient() as client:
        calls = [
            client.post(url, json=update),
            client.post(url, json=update, headers={HEADER: "a-guess"}),
            client.post(url, json=update, headers={HEADER: "é".encode()}),
            client.post(url.replace("/telegram", "/"), json=update, headers=good),
            client.get(url, headers=good),
            client.post(url, content=b"{", headers=good),
            client.post(url, content=b"[" * 5000, headers=good),
            client.post(url, content=b"x" * 1_000_001, headers=good),
            client.post(url, json=update, headers=good),
        ]
        answers = [answer.status_code for answer in await asyncio.gather(*calls)]
    assert answers == [403, 403, 403, 404, 405, 400, 400, 413, 200]


async def test_while_the_bot_does_not_hear_yet_telegram_is_to_call_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with called(database, monkeypatch) as (chat, _url):
        asked = httpx.ASGITransport(build(chat.team.service, hook=chat.way.hook))
        chat.stop.set()
        await chat.until(lambda: chat.way.hook is not None and not chat.way.hook.open)
        async with httpx.AsyncClient(transport=asked, base_url="http://pages") as client:
            late = await client.post("/telegram", json={"update_id": 1}, headers={HEADER: SECRET})
    assert late.status_code == 503


async def test_a_worker_without_pages_leaves_the_bot_to_others_and_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ALERTBOT_HOOK", SECRET)
    hook = WebhookSettings(url="http://127.0.0.1:8470/telegram", secret_env="ALERTBOT_HOOK")
    async with listening(database, mode="webhook", webhook=hook) as chat:
        await chat.until(lambda: "does not receive messages for the bot" in caplog.text)
        assert not chat.sandbox.telegram.webhook
