"""The channel that docs/how-to/add-a-channel.md shows: the contract suite, and what is its own."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from alertbot.channels.directory import types_of
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Throttled, Uncertain
from tests.channels import raw
from tests.channels.contract import NetworkChannelContract

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "alertbot-mastodon"
sys.path.insert(0, str(FOLDER))

from alertbot_mastodon import MastodonAdapter, MastodonSettings  # noqa: E402

POSTED = {"id": "103254962155278888", "url": "https://social.example.org/@alertes/103254962155278888"}
OK = raw.http_answer(200, json.dumps(POSTED).encode())
GONE = raw.http_answer(404, b'{"error":"The status you are trying to reply to does not exist."}')


async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes every status but an answer to one that is gone."""
    request = await raw.read_request(reader)
    writer.write(GONE if b'"999999999"' in request else OK)
    await writer.drain()


class TestContract(NetworkChannelContract):
    adapter_type = MastodonAdapter
    hasty: ClassVar[dict[str, timedelta]] = {"answer_within": timedelta(seconds=0.3)}

    def secrets(self) -> dict[str, str]:
        return {"MASTODON_TOKEN": "s3cr3t-mastodon-token-0123456789"}

    def settings(self, port: int, **more: Any) -> MastodonSettings:
        url = f"http://127.0.0.1:{port}"
        return MastodonSettings(api_url=url, access_token_env="MASTODON_TOKEN", **more)

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        async with raw.listening(server) as port:
            yield port

    async def test_the_text_the_language_and_the_key_go_out(self) -> None:
        seen: list[bytes] = []
        async with raw.listening(raw.http(OK, seen)) as port:
            adapter = self.adapter(port)
            receipt = await adapter.publish(self.post(reply_to="42"))
            await adapter.close()
        head, _blank, body = seen[0].partition(b"\r\n\r\n")
        sent = json.loads(body)
        assert (sent["status"], sent["language"]) == (self.post().text, "fr")
        assert sent["in_reply_to_id"] == "42"
        assert b"idempotency-key: bkrt-1.7" in head.lower()
        assert (receipt.id, receipt.url) == (POSTED["id"], POSTED["url"])

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (302, ChannelDown),
            (403, ChannelDown),
            (422, Rejected),
            (429, Throttled),
            (500, Uncertain),
            (503, Uncertain),
        ],
    )
    async def test_what_the_server_answers(self, status: int, error: type[ChannelError]) -> None:
        answer = raw.http_answer(status, b'{"error":"no"}')
        assert type(await self.error_of(raw.http(answer))) is error

    async def test_it_waits_until_the_server_says(self) -> None:
        reset = (datetime.now(UTC) + timedelta(seconds=90)).isoformat()
        answer = raw.http_answer(429, b"{}", X_RateLimit_Reset=reset)
        error = await self.error_of(raw.http(answer))
        assert isinstance(error, Throttled)
        assert 60 < error.wait <= 90


def test_it_works_as_an_entry_point() -> None:
    point = EntryPoint("mastodon", "alertbot_mastodon:MastodonAdapter", "alertbot.channels")
    assert types_of((point,))["mastodon"] is MastodonAdapter


def test_it_stays_small() -> None:
    assert len((FOLDER / "alertbot_mastodon.py").read_text("utf-8").splitlines()) < 120
