"""Bluesky and Mastodon of the sandbox: strict where the real ones are, and in what an alert must not do."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from alertbot.rehearsal.sandbox.accounts import BlueskyAccount, MastodonAccount
from alertbot.rehearsal.sandbox.mastodon_api import length
from alertbot.rehearsal.sandbox.server import Sandbox

KEY = "3mnddh66tek2b"
HANDLE, PASSWORD = "alertes.example.fr", BlueskyAccount().app_password
TEXT = "Été : https://example.org/a #Alerte"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def sky(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{sandbox.bluesky_url}/xrpc/") as client:
        given = {"identifier": HANDLE, "password": PASSWORD}
        session = (await client.post("com.atproto.server.createSession", json=given)).json()
        client.headers["Authorization"] = f"Bearer {session['accessJwt']}"
        yield client


@pytest.fixture
async def toots(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    token = {"Authorization": f"Bearer {MastodonAccount().access_token}"}
    async with httpx.AsyncClient(base_url=f"{sandbox.mastodon_url}/api/v1/", headers=token) as client:
        yield client


def record(**changes: Any) -> dict[str, Any]:
    return {
        "$type": "app.bsky.feed.post",
        "text": "Faites le 15.",
        "createdAt": "2026-06-02T19:31:07.250Z",
        "langs": ["fr"],
        **changes,
    }


def facet(start: int, end: int, uri: str = "https://example.org/a") -> dict[str, Any]:
    feature = {"$type": "app.bsky.richtext.facet#link", "uri": uri}
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


async def put(
    sky: httpx.AsyncClient, key: str = KEY, body: Any = None, **changes: Any
) -> httpx.Response:
    own = {"repo": HANDLE, "collection": "app.bsky.feed.post", "rkey": key, "record": body or record()}
    return await sky.post("com.atproto.repo.putRecord", json={**own, **changes})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"text": "a" * 301}, "grapheme too big"),
        ({"text": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 121}, "string too big"),
        ({"text": None}, "must be a string"),
        ({"createdAt": "today"}, "datetime"),
        ({"title": "x"}, "unknown property title"),
        ({"text": TEXT, "facets": [facet(6, 27)]}, "has not"),  # counted in signs instead of bytes
        ({"text": TEXT, "facets": [facet(1, 30)]}, "within a character"),
        ({"reply": {"root": {"uri": "at://x/y/z", "cid": "c"}}}, "parent"),
        ({"embed": {"images": [{"alt": "", "image": {"ref": {"$link": "c"}, "mimeType": "", "size": 1}}]}}, "blob"),
    ],
)  # fmt: skip
async def test_a_post_that_bluesky_would_refuse(
    sky: httpx.AsyncClient, sandbox: Sandbox, changes: dict[str, Any], why: str
) -> None:
    answer = await put(sky, body=record(**changes))
    assert answer.status_code == 400
    assert why in answer.json()["message"]
    assert sandbox.posts.network("bluesky") == []


async def test_facets_in_bytes_are_taken(sky: httpx.AsyncClient) -> None:
    assert (await put(sky, body=record(text=TEXT, facets=[facet(8, 29 + 2)]))).status_code == 400
    start = len("Été : ".encode())
    right = facet(start, start + len("https://example.org/a"))
    assert (await put(sky, body=record(text=TEXT, facets=[right]))).status_code == 200


async def test_keys_of_bluesky(sky: httpx.AsyncClient, sandbox: Sandbox) -> None:
    assert (await put(sky, key="alert-1")).status_code == 400
    assert (await sky.post("com.atproto.repo.createRecord", json={"rkey": KEY})).status_code == 500
    first = (await put(sky)).json()
    assert (await put(sky, swapRecord=None)).json()["cid"] == first["cid"]
    other = await put(sky, body=record(text="Faites le 18."), swapRecord=None)
    assert (other.status_code, other.json()["error"]) == (400, "InvalidSwap")
    assert len(sandbox.posts.network("bluesky")) == 1


async def test_points_and_log_ins_run_out() -> None:
    async with Sandbox(speed=1.0) as sandbox:
        url = f"{sandbox.bluesky_url}/xrpc/com.atproto.server.createSession"
        given = {"identifier": HANDLE, "password": PASSWORD}
        async with httpx.AsyncClient() as client:
            answers = [(await client.post(url, json=given)) for _time in range(31)]
    assert [one.status_code for one in answers] == [200] * 30 + [429]
    assert int(answers[-1].headers["ratelimit-reset"]) > 0


async def test_what_bluesky_does_not_know(sky: httpx.AsyncClient) -> None:
    assert (await sky.post("com.atproto.repo.makeRecord", json={})).status_code == 501
    assert (await sky.get("com.atproto.repo.getRecord", params={"repo": HANDLE})).json()[
        "error"
    ] == "RecordNotFound"
    sky.headers["Authorization"] = "Bearer another"
    assert (await put(sky)).status_code == 401


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": ""}, 422),
        ({"status": "a" * 501}, 422),
        ({"spoiler_text": "alerte"}, 422),
        ({"language": "français"}, 422),
        ({"in_reply_to_id": "7"}, 404),
        ({"media_ids": ["7"]}, 422),
        ({"status": "https://example.org/" + "a" * 600}, 200),
    ],
)
async def test_a_status_that_mastodon_would_refuse(
    toots: httpx.AsyncClient, changes: dict[str, Any], status: int
) -> None:
    answer = await toots.post("statuses", json={"status": "Faites le 15.", "language": "fr", **changes})
    assert answer.status_code == status


async def test_a_key_of_mastodon_is_good_for_an_hour_only() -> None:
    async with Sandbox(speed=36_000) as sandbox:  # an hour in a tenth of a second
        token = {"Authorization": f"Bearer {MastodonAccount().access_token}", "Idempotency-Key": "k"}
        async with httpx.AsyncClient(base_url=sandbox.mastodon_url, headers=token) as client:
            ids = [
                (await client.post("/api/v1/statuses", json={"status": "15"})).json()["id"]
                for _ in "12"
            ]
            await asyncio.sleep(0.15)
            late = (await client.post("/api/v1/statuses", json={"status": "15"})).json()["id"]
    assert ids[0] == ids[1] != late


async def test_a_wrong_token_opens_nothing(toots: httpx.AsyncClient) -> None:
    toots.headers["Authorization"] = "Bearer another"
    assert (await toots.post("statuses", json={"status": "15"})).status_code == 401
    assert (await toots.get("elsewhere")).status_code == 404


def test_an_address_counts_23_on_mastodon() -> None:
    assert length("Voir https://example.org/" + "a" * 90 + ".") == 5 + 23 + 1


async def test_a_second_log_in_leaves_the_first_session_alive(sky: httpx.AsyncClient) -> None:
    given = {"identifier": HANDLE, "password": PASSWORD}
    second = (await sky.post("com.atproto.server.createSession", json=given)).json()
    assert (await put(sky)).status_code == 200
    old = {"Authorization": f"Bearer {second['refreshJwt']}"}
    assert (await sky.post("com.atproto.server.refreshSession", headers=old)).status_code == 200
    used = await sky.post("com.atproto.server.refreshSession", headers=old)
    assert (used.status_code, used.json()["error"]) == (400, "ExpiredToken")
    assert (await put(sky)).status_code == 200
