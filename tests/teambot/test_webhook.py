"""The bot that is called instead of asking: only with the secret, only at its address."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from alertbot.config import WebhookSettings
from alertbot.store.database import Database
from tests.teambot.chat import GROUP, Chat, listening


@pytest.fixture
async def database(sqlite_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(sqlite_url, migrate=False)
    yield opened
    await opened.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def settings(port: int, monkeypatch: pytest.MonkeyPatch) -> WebhookSettings:
    monkeypatch.setenv("ALERTBOT_HOOK", "a-secret-of-the-team")
    return WebhookSettings(
        url=f"http://127.0.0.1:{port}/telegram", port=port, secret_env="ALERTBOT_HOOK"
    )


async def ready(chat: Chat) -> None:
    await chat.until(lambda: bool(chat.sandbox.telegram.webhook))


async def test_a_press_comes_by_a_call(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = settings(free_port(), monkeypatch)
    async with listening(database, mode="webhook", webhook=hook) as chat:
        await ready(chat)
        view = await chat.team.pending()
        await chat.ask()
        await chat.told(chat.press("Approve", "bo"))
        assert await chat.team.state(view["id"]) == "approved"
        assert "approved" in await chat.answered(GROUP, chat.say("/status", "bo", GROUP))


async def test_a_call_without_the_secret_is_turned_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = settings(free_port(), monkeypatch)
    header = "x-telegram-bot-api-secret-token"
    good = {header: "a-secret-of-the-team"}
    update = {"update_id": 1}
    async with listening(database, mode="webhook", webhook=hook) as chat, httpx.AsyncClient() as client:
        await ready(chat)
        calls = [
            client.post(hook.url, json=update),
            client.post(hook.url, json=update, headers={header: "a-guess"}),
            client.post(hook.url.replace("/telegram", "/"), json=update, headers=good),
            client.get(hook.url, headers=good),
            client.post(hook.url, content=b"{", headers=good),
            client.post(hook.url, content=b"x" * 1_000_001, headers=good),
            client.post(hook.url, json=update, headers=good),
        ]
        answers = [answer.status_code for answer in await asyncio.gather(*calls)]
    assert answers == [403, 403, 404, 405, 400, 400, 200]
