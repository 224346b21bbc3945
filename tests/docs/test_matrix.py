"""The channel that docs/how-to/add-a-channel.md shows: the contract suite, and what is its own."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from alertbot.channels.directory import types_of
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Throttled, Uncertain
from tests.channels import raw
from tests.channels.contract import NetworkChannelContract

FOLDER = Path(__file__).parents[2] / "docs" / "examples" / "alertbot-matrix"
sys.path.insert(0, str(FOLDER))

from alertbot_matrix import MatrixAdapter, MatrixSettings  # noqa: E402

POSTED = {"event_id": "$gone4ever"}
OK = raw.http_answer(200, json.dumps(POSTED).encode())


def room() -> raw.Handler:
    """A server with one room, which knows messages by their transaction ids."""
    events: dict[str, str] = {}

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await raw.read_request(reader)).partition(b"\r\n")[0].decode()
        found, status = {"user_id": "@alertes:example.org"}, 200
        if sent := re.search(r"/send/m\.room\.message/(\S+)", head):
            found = {"event_id": events.setdefault(sent[1], f"$event{len(events)}")}
        elif asked := re.search(r"/event/(\S+)", head):
            known = asked[1].replace("%24", "$") in events.values()
            found, status = ({"event_id": asked[1]}, 200) if known else ({"error": "Not found"}, 404)
        writer.write(raw.http_answer(status, json.dumps(found).encode()))
        await writer.drain()

    return handle


class TestContract(NetworkChannelContract):
    adapter_type = MatrixAdapter
    hasty: ClassVar[dict[str, timedelta]] = {"answer_within": timedelta(seconds=0.3)}

    def secrets(self) -> dict[str, str]:
        return {"MATRIX_TOKEN": "s3cr3t-matrix-token-0123456789"}

    def settings(self, port: int, **more: Any) -> MatrixSettings:
        own = {"api_url": f"http://127.0.0.1:{port}", "room": "!abc:example.org"}
        return MatrixSettings(**own, access_token_env="MATRIX_TOKEN", **more)

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        async with raw.listening(room()) as port:
            yield port

    async def test_the_text_and_the_key_go_out(self) -> None:
        seen: list[bytes] = []
        async with raw.listening(raw.http(OK, seen)) as port:
            adapter = self.adapter(port)
            receipt = await adapter.publish(self.post(reply_to="$earlier"))
            await adapter.close()
        head, _blank, body = seen[-1].partition(b"\r\n\r\n")
        sent = json.loads(body)
        assert sent["body"] == self.post().text
        assert sent["m.relates_to"] == {"m.in_reply_to": {"event_id": "$earlier"}}
        assert (
            b"PUT /_matrix/client/v3/rooms/%21abc%3Aexample.org/send/m.room.message/BKRT-1.7." in head
        )
        assert receipt.id == "$gone4ever"

    @pytest.mark.parametrize(
        ("status", "error"),
        [
            (302, Uncertain),
            (403, ChannelDown),
            (413, Rejected),
            (429, Throttled),
            (500, Uncertain),
            (503, Uncertain),
        ],
    )
    async def test_what_the_server_answers(self, status: int, error: type[ChannelError]) -> None:
        answer = raw.http_answer(status, b'{"error":"no","retry_after_ms":2500}')
        found = await self.error_of(raw.http(answer))
        assert type(found) is error
        assert not isinstance(found, Throttled) or found.wait == 2.5


def test_it_works_as_an_entry_point() -> None:
    point = EntryPoint("matrix", "alertbot_matrix:MatrixAdapter", "alertbot.channels")
    assert types_of((point,))["matrix"] is MatrixAdapter


def test_it_stays_small() -> None:
    assert len((FOLDER / "alertbot_matrix.py").read_text("utf-8").splitlines()) <= 120
