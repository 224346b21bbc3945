"""What X is asked, byte for byte: address, headers and body of every call that posts."""

import json
from typing import Any

import pytest
import tweepy

from alertbot.channels.x.adapter import XAdapter
from alertbot.core.model import Receipt
from tests.channels import raw
from tests.channels.test_x import KEYS, OAUTH1, a_post, adapter_for

POSTED = raw.http_answer(201, b'{"data":{"id":"1000"}}')
NOT_AS_A_REPLY = b'{"detail":"You are not permitted to reply to this post."}'


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OAUTH1.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("X_BEARER", "the-bearer")


async def asked(*answers: bytes, more: dict[str, Any] | None = None, **post: Any) -> list[bytes]:
    """The requests of one publishing, each answered in turn."""
    seen: list[bytes] = []
    left = list(answers or (POSTED,))

    async def handle(reader: Any, writer: Any) -> None:
        seen.append(await raw.read_request(reader))
        writer.write(left.pop(0))
        await writer.drain()

    async with raw.listening(handle) as port:
        adapter: XAdapter = adapter_for(f"http://127.0.0.1:{port}", **(more or {}))
        receipt = await adapter.publish(a_post(**post))
        await adapter.close()
    assert isinstance(receipt, Receipt)
    assert receipt.id == "1000"
    assert left == []
    return seen


def body(request: bytes) -> Any:
    return json.loads(request.partition(b"\r\n\r\n")[2])


def head(request: bytes) -> list[str]:
    return request.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "Panne",
        "15 & 18 <b>",
        'dit « "112" »',
        "ligne 1\nligne 2",
        "É, é en deux signes e\u0301, \u00a0 et \u202f",
        "🚨 SAMU 👩🏽‍🚒",
        "a\u2028b\\n",
        " deux  espaces ",
    ],
)
async def test_a_post_is_its_text_and_nothing_else(text: str) -> None:
    [request] = await asked(text=text)
    assert body(request) == {"text": text}


async def test_how_a_post_is_asked_for() -> None:
    [request] = await asked(text="Panne")
    first, *headers = head(request)
    assert first == "POST /2/tweets HTTP/1.1"
    named = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in headers}
    assert named["content-type"] == "application/json"
    assert f"Tweepy/{tweepy.__version__}" in named["user-agent"]
    signed = dict(part.split("=", 1) for part in named["authorization"][6:].split(", "))
    assert named["authorization"].startswith("OAuth ")
    assert signed["oauth_consumer_key"] == f'"{OAUTH1["X_CONSUMER_KEY"]}"'
    assert signed["oauth_token"] == f'"{OAUTH1["X_ACCESS_TOKEN"]}"'
    assert signed["oauth_signature_method"] == '"HMAC-SHA1"'
    for secret in ("X_CONSUMER_SECRET", "X_ACCESS_TOKEN_SECRET"):
        assert OAUTH1[secret].encode() not in request


async def test_a_bearer_token_travels_in_its_header_alone() -> None:
    more = {**dict.fromkeys(KEYS), "bearer_token_env": "X_BEARER"}
    [request] = await asked(text="Panne", more=more)
    assert "authorization: bearer the-bearer" in [line.lower() for line in head(request)]
    assert request.count(b"the-bearer") == 1


async def test_a_part_answers_the_one_before() -> None:
    [request] = await asked(text="2/2", part=2, parts=2, reply_to="999")
    assert body(request) == {"text": "2/2", "reply": {"in_reply_to_tweet_id": "999"}}


async def test_what_may_not_answer_is_asked_for_once_more_without() -> None:
    refused = raw.http_answer(403, NOT_AS_A_REPLY)
    first, second = await asked(refused, POSTED, text="2/2", part=2, parts=2, reply_to="999")
    assert body(first) == {"text": "2/2", "reply": {"in_reply_to_tweet_id": "999"}}
    assert body(second) == {"text": "2/2"}
    nonce = [line for line in head(first) if "oauth_nonce" in line]
    assert nonce != [line for line in head(second) if "oauth_nonce" in line]  # signed anew
