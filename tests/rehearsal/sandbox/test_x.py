"""The X API of the sandbox, called by tweepy and by plain HTTP."""

import asyncio
import base64
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import tweepy
from hypothesis import given
from hypothesis import strategies as st

from alertbot.rehearsal.sandbox.accounts import Posts, Quota, XAccount
from alertbot.rehearsal.sandbox.faults import FAULTS, Faults
from alertbot.rehearsal.sandbox.http import HttpRequest
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.rehearsal.sandbox.x_api import XPlatform
from tests.rehearsal.sandbox.clients import bearer, x_client

DESCRIPTION = Path(__file__).parents[4] / "shared" / "peers" / "x-openapi.json"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
ID = {"type": "string", "pattern": "^[0-9]{1,19}$"}
POST = {
    "type": "object",
    "required": ["id", "text", "edit_history_tweet_ids"],
    "properties": {
        "id": ID,
        "text": {"type": "string"},
        "edit_history_tweet_ids": {"type": "array", "items": ID, "minItems": 1},
    },
}
REFUSAL = {
    "type": "object",
    "required": ["title", "detail", "type", "status"],
    "properties": {"status": {"type": "integer"}, "detail": {"type": "string", "minLength": 1}},
}
OWN = {
    ("POST", "/2/tweets"): {"required": ["data"], "properties": {"data": POST}},
    ("DELETE", "/2/tweets/{id}"): {
        "required": ["data"],
        "properties": {
            "data": {"required": ["deleted"], "properties": {"deleted": {"type": "boolean"}}}
        },
    },
    ("GET", "/2/tweets/{id}"): {
        "anyOf": [
            {"required": ["data"], "properties": {"data": POST}},
            {"required": ["errors"], "properties": {"errors": {"type": "array", "minItems": 1}}},
        ]
    },
    ("GET", "/2/users/me"): {
        "required": ["data"],
        "properties": {"data": {"required": ["id", "name", "username"], "properties": {"id": ID}}},
    },
    ("GET", "/2/users/{id}/tweets"): {
        "properties": {
            "data": {"type": "array", "items": POST},
            "meta": {"required": ["result_count"]},
            "errors": {"type": "array", "minItems": 1},
        },
    },
    ("POST", "/2/media/upload"): {
        "required": ["data"],
        "properties": {"data": {"required": ["id"], "properties": {"id": ID}}},
    },
    ("POST", "/2/media/metadata"): {
        "required": ["data"],
        "properties": {"data": {"required": ["id"], "properties": {"id": ID}}},
    },
}


@cache
def description() -> dict[str, Any] | None:
    return json.loads(DESCRIPTION.read_text()) if DESCRIPTION.exists() else None


def pattern_of(path: str) -> str:
    return re.sub(r"(?<=/)\d{2,}", "{id}", path.split("?")[0])


def check(answer: httpx.Response, method: str, path: str) -> None:
    """The answer fits our own schema and, where it is at hand, X's description of itself."""
    schema = OWN[method, pattern_of(path)] if answer.status_code < 300 else REFUSAL
    jsonschema.validate(answer.json(), schema)
    described = description()
    if described is None:
        return
    responses = described["paths"][pattern_of(path)][method.lower()]["responses"]
    response = responses.get(str(answer.status_code), responses["default"])
    found = response["content"][answer.headers["content-type"]]["schema"]
    fits(answer.json(), found)
    if answer.status_code < 300 and answer.request.content:
        body = described["paths"][pattern_of(path)][method.lower()]["requestBody"]
        fits(json.loads(answer.request.content), body["content"]["application/json"]["schema"])


def fits(content: object, schema: dict[str, Any]) -> None:
    """It is what X's description of itself says."""
    described = description()
    assert described is not None
    jsonschema.Draft4Validator({**schema, "components": described["components"]}).validate(content)


class Caller:
    """Calls with a bearer token and checks every answer."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._client = httpx.AsyncClient(base_url=sandbox.x_url, headers=bearer(sandbox))

    async def __call__(self, method: str, path: str, **content: Any) -> httpx.Response:
        options: dict[str, Any] = {"json": content} if content else {}
        answer = await self._client.request(method, path, **options)
        check(answer, method, path)
        return answer

    async def post(self, text: str, **more: Any) -> str:
        answer = await self("POST", "/2/tweets", text=text, **more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])


@pytest.fixture
def call(sandbox: Sandbox) -> Caller:
    return Caller(sandbox)


async def test_tweepy_posts_replies_reads_and_deletes(sandbox: Sandbox) -> None:
    client = x_client(sandbox)
    first = (await asyncio.to_thread(client.create_tweet, text="Panne des numéros d’urgence")).data
    reply = await asyncio.to_thread(client.create_tweet, text="Suite", in_reply_to_tweet_id=first["id"])
    me = (await asyncio.to_thread(client.get_me, user_auth=True)).data
    timeline = await asyncio.to_thread(client.get_users_tweets, me.id, user_auth=True)
    assert [str(tweet.id) for tweet in timeline.data] == [reply.data["id"], first["id"]]
    gone = await asyncio.to_thread(client.delete_tweet, reply.data["id"])
    assert gone.data == {"deleted": True}
    parent, child = sandbox.posts.x()
    assert (child.reply_to, child.conversation) == (parent.id, parent.id)
    assert child.deleted_at is not None


@pytest.mark.parametrize(
    "key", ["consumer_key", "consumer_secret", "access_token", "access_token_secret"]
)
async def test_a_wrong_key_is_refused(sandbox: Sandbox, key: str) -> None:
    client = x_client(sandbox, **{key: "wrong"})
    with pytest.raises(tweepy.Unauthorized):
        await asyncio.to_thread(client.create_tweet, text="nobody")
    assert not sandbox.posts.x()


async def test_a_signature_counts_once_and_only_for_what_it_signed(sandbox: Sandbox) -> None:
    from oauthlib.oauth1 import Client

    account = sandbox.x_account
    signer = Client(
        account.consumer_key, account.consumer_secret, account.access_token, account.access_token_secret
    )
    url = sandbox.x_url + "/2/users/me"
    _url, headers, _body = signer.sign(url)
    async with httpx.AsyncClient(headers=headers) as http:
        assert (await http.get(url)).status_code == 200
        assert (await http.get(url)).status_code == 401  # the nonce again
        other = signer.sign(url)[1]
        assert (await http.get(url + "?user.fields=id", headers=other)).status_code == 401
        assert (await http.get(url, headers={"Authorization": "Bearer wrong"})).status_code == 401
        assert (await http.get(url, headers={"Authorization": ""})).status_code == 401


async def test_the_same_text_is_refused_until_the_first_is_deleted(call: Caller) -> None:
    first = await call.post("Deux fois")
    again = await call("POST", "/2/tweets", text=" Deux fois ")
    assert again.status_code == 403
    assert again.json()["detail"].startswith("You are not allowed to create a Tweet with duplicate")
    await call("DELETE", f"/2/tweets/{first}")
    await call.post("Deux fois")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("é" * 280, 201),
        ("é" * 281, 403),
        ("漢" * 140, 201),
        ("漢" * 141, 403),
        ("a" * 256 + " https://example.org/" + "b" * 200, 201),
        ("mot " * 1500, 403),
        ("", 400),
        ("   ", 400),
    ],
)
async def test_280_weighted_characters(call: Caller, text: str, status: int) -> None:
    assert (await call("POST", "/2/tweets", text=text)).status_code == status


async def test_links_and_signs_come_back_as_x_writes_them(sandbox: Sandbox, call: Caller) -> None:
    text = "Rhône & Loire <15> : https://www.example.org/urgences?a=1&b=2."
    post = await call.post(text)
    answer = (await call("GET", f"/2/tweets/{post}?tweet.fields=entities,created_at,author_id")).json()
    data = answer["data"]
    link = data["entities"]["urls"][0]
    assert data["text"] == f"Rhône &amp; Loire &lt;15&gt; : {link['url']}."
    assert link["expanded_url"] == "https://www.example.org/urgences?a=1&b=2"
    assert link["display_url"] == "example.org/urgences?a=1&b"[:26] + "…"
    assert sandbox.posts.x()[0].text == text


async def test_a_reply_needs_its_parent(call: Caller) -> None:
    parent = await call.post("parent")
    await call("DELETE", f"/2/tweets/{parent}")
    for gone in (parent, "12345"):
        answer = await call("POST", "/2/tweets", text="réponse", reply={"in_reply_to_tweet_id": gone})
        assert answer.status_code == 403
        assert "deleted or not visible" in answer.json()["detail"]


async def test_the_reply_rule_for_accounts_nobody_summoned() -> None:
    async with Sandbox(x=XAccount(self_replies=False)) as sandbox:
        call = Caller(sandbox)
        parent = await call.post("parent")
        answer = await call("POST", "/2/tweets", text="suite", reply={"in_reply_to_tweet_id": parent})
        assert answer.status_code == 403
        quote = await call("POST", "/2/tweets", text="cité", quote_tweet_id=parent)
        assert quote.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"text": 1}',
        b'{"text": "a", "colour": "red"}',
        b'{"text": "a", "reply": {}}',
        b'{"text": "a", "reply": null}',
        b'{"text": "a", "reply": {"in_reply_to_tweet_id": "1", "loud": true}}',
        b'{"text": "a", "media": {"media_ids": []}}',
        b'{"text": "a", "reply": {"in_reply_to_tweet_id": "x"}}',
        b'{"text": "a", "media": {"media_ids": ["1"]}}',
        b'{"text": "a", "media": {"media_ids": "1"}}',
    ],
)
async def test_a_malformed_request_is_refused(sandbox: Sandbox, body: bytes) -> None:
    async with httpx.AsyncClient(base_url=sandbox.x_url, headers=bearer(sandbox)) as http:
        answer = await http.post("/2/tweets", content=body)
    assert answer.status_code == 400
    check(answer, "POST", "/2/tweets")


async def test_what_this_account_may_not_do(call: Caller) -> None:
    answer = await call("POST", "/2/tweets", text="a", nullcast=True)
    assert (answer.status_code, "nullcast" in answer.text) == (403, True)


async def test_what_is_not_there(call: Caller) -> None:
    assert (await call("DELETE", "/2/tweets/12345")).status_code == 404
    assert (await call("GET", "/2/tweets/12345")).json()["errors"]
    assert (await call("GET", "/2/users/12345/tweets")).json()["errors"]


async def test_the_timeline_is_cut_as_asked(sandbox: Sandbox, call: Caller) -> None:
    posts = [await call.post(f"message {number}") for number in range(8)]
    path = f"/2/users/{sandbox.x_account.id}/tweets"
    page = (await call("GET", f"{path}?max_results=5")).json()
    assert [post["id"] for post in page["data"]] == posts[:2:-1]
    rest = (
        await call("GET", f"{path}?max_results=5&pagination_token={page['meta']['next_token']}")
    ).json()
    assert [post["id"] for post in rest["data"]] == posts[2::-1]
    since = (await call("GET", f"{path}?since_id={posts[5]}")).json()
    assert [post["id"] for post in since["data"]] == [posts[7], posts[6]]
    assert (await call("GET", f"{path}?max_results=4")).status_code == 400
    assert (await call("GET", f"{path}?since_id=x")).status_code == 400


async def test_pictures_with_a_description(sandbox: Sandbox, call: Caller) -> None:
    media = base64.b64encode(PNG).decode()
    up = await call("POST", "/2/media/upload", media=media, media_category="tweet_image")
    picture = up.json()["data"]["id"]
    alt = {"alt_text": {"text": "Carte des départements touchés"}}
    await call("POST", "/2/media/metadata", id=picture, metadata=alt)
    await call.post("Carte", media={"media_ids": [picture]})
    assert sandbox.posts.x()[0].pictures[0].description == "Carte des départements touchés"
    too_long = {"alt_text": {"text": "a" * 1001}}
    assert (await call("POST", "/2/media/metadata", id=picture, metadata=too_long)).status_code == 400
    text = base64.b64encode(b"not a picture").decode()
    for content in ({"media": text}, {"media": "?"}, {"media": media, "media_category": "song"}):
        fields = {"media_category": "tweet_image", **content}
        assert (await call("POST", "/2/media/upload", **fields)).status_code == 400


async def test_calls_are_counted_and_the_hundred_and_first_is_refused(call: Caller) -> None:
    first = await call("POST", "/2/tweets", text="message 0")
    assert first.headers["x-rate-limit-limit"] == "100"
    assert first.headers["x-rate-limit-remaining"] == "99"
    for number in range(1, 100):
        await call("POST", "/2/tweets", text=f"message {number}")
    refused = await call("POST", "/2/tweets", text="message 100")
    assert refused.status_code == 429
    assert refused.headers["x-rate-limit-remaining"] == "0"
    assert int(refused.headers["x-rate-limit-reset"]) >= int(first.headers["x-rate-limit-reset"])
    assert (await call("GET", "/2/users/me")).status_code == 200


def test_both_windows_count_and_shrink_with_the_speed() -> None:
    quota = Quota(((100, 900.0), (300, 10_800.0)), speed=10)
    used = 0
    for window in range(4):
        start = window * 90.0
        while not (state := quota.use(start)).refused:
            used += 1
    assert (used, state.reset) == (300, 1080.0)
    assert not quota.use(1080.0).refused


async def test_ids_follow_the_clock_even_where_it_stands_still() -> None:
    evening = datetime(2021, 6, 2, 16, 45, tzinfo=UTC)
    async with Sandbox(clock=lambda: evening) as sandbox:
        call = Caller(sandbox)
        ids = [int(await call.post(f"message {number}")) for number in range(3)]
        assert ids == sorted(set(ids))
        moment = timedelta(milliseconds=(ids[0] >> 22) + 1_288_834_974_657)
        assert datetime(1970, 1, 1, tzinfo=UTC) + moment == evening
        assert sandbox.posts.x()[0].at == evening


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just("12345")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["in_reply_to_tweet_id", "media_ids", "alt_text", "text"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
KEYS = ["text", "reply", "media", "media_category", "id", "metadata"]


@given(
    st.sampled_from(["/2/tweets", "/2/media/upload", "/2/media/metadata"]),
    st.one_of(anything, st.dictionaries(st.sampled_from(KEYS), anything, max_size=5)),
)
async def test_no_call_breaks_the_sandbox(path: str, content: object) -> None:
    account = XAccount()
    platform = XPlatform(account, Posts(), Faults(), lambda: datetime.now(UTC))
    headers = {"authorization": f"Bearer {account.bearer_token}"}
    reply = await platform.handle(HttpRequest("POST", path, "", headers, json.dumps(content).encode()))
    assert reply.status in (201, 400, 403)
    assert json.loads(reply.body)


REFUSED = {
    "duplicate": (403, tweepy.Forbidden),
    "reply_refused": (403, tweepy.Forbidden),
    "reply_race": (403, tweepy.Forbidden),
    "credits": (402, tweepy.HTTPException),
    "rate_limited": (429, tweepy.TooManyRequests),
    "daily_limit": (429, tweepy.TooManyRequests),
    "usage_capped": (429, tweepy.TooManyRequests),
    "unauthorized": (401, tweepy.Unauthorized),
    "server_error_json": (503, tweepy.TwitterServerError),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_fault_answers_as_x_would_and_posts_nothing(sandbox: Sandbox, name: str) -> None:
    status, raised = REFUSED[name]
    sandbox.faults.add(f"x:{name}:times=2")
    answer = await Caller(sandbox)("POST", "/2/tweets", text="un")
    assert answer.status_code == status
    with pytest.raises(raised):
        await asyncio.to_thread(x_client(sandbox).create_tweet, text="un")
    assert not sandbox.posts.x()
    assert not sandbox.faults.standing


async def test_only_the_rate_limit_tells_when_it_ends(sandbox: Sandbox, call: Caller) -> None:
    sandbox.faults.add("x:rate_limited:reset=120")
    sandbox.faults.add("x:usage_capped")
    limited = await call("POST", "/2/tweets", text="un")
    capped = await call("POST", "/2/tweets", text="un")
    assert "x-rate-limit-reset" in limited.headers
    assert "x-rate-limit-reset" not in capped.headers
    assert capped.json()["type"].endswith("usage-capped")


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("server_error_html", 502, b"<!DOCTYPE"),
        ("server_error_empty", 500, b""),
        ("html_200", 200, b"<!D"),
    ],
)
@pytest.mark.parametrize("commit", ["", ":commit=yes"])
async def test_answers_that_are_no_answers(
    sandbox: Sandbox, name: str, status: int, body: bytes, commit: str
) -> None:
    sandbox.faults.add(f"x:{name}{commit}")
    async with httpx.AsyncClient(base_url=sandbox.x_url, headers=bearer(sandbox)) as http:
        answer = await http.post("/2/tweets", json={"text": "un"})
    assert (answer.status_code, answer.content[: len(body)]) == (status, body)
    assert len(sandbox.posts) == bool(commit)


@pytest.mark.parametrize(("name", "posted"), [("drop_before", 0), ("drop_after_commit", 1)])
async def test_hanging_up(sandbox: Sandbox, call: Caller, name: str, posted: int) -> None:
    sandbox.faults.add(f"x:{name}")
    with pytest.raises(httpx.RemoteProtocolError):
        await call("POST", "/2/tweets", text="un")
    assert len(sandbox.posts) == posted
    again = await call("POST", "/2/tweets", text="un")
    assert again.status_code == (403 if posted else 201)


async def test_a_slow_answer_comes(sandbox: Sandbox, call: Caller) -> None:
    sandbox.faults.add("x:slow:delay=0.01")
    await call.post("un")


def test_every_fault_of_x_is_tried_here() -> None:
    tried = {*REFUSED, "server_error_html", "server_error_empty", "html_200", "slow"}
    tried |= {"drop_before", "drop_after_commit"}
    assert tried == {kind.name for kind in FAULTS if kind.platform == "x"}
