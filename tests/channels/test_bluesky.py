"""Bluesky: the contract, every row of the error map, keys, threads, and sessions."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.channels.bluesky.adapter import BlueskyAdapter
from alertbot.channels.bluesky.records import KEY, facets, record_key
from alertbot.channels.bluesky.settings import BlueskySettings
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Scope, Throttled, Uncertain
from alertbot.core.model import Action, Audience, Channel, Receipt
from alertbot.rehearsal.sandbox.accounts import BlueskyAccount
from alertbot.rehearsal.sandbox.bluesky_api import TID
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.channels import raw
from tests.channels.contract import CARD, PATIENT, NetworkChannelContract

PASSWORD = {"BLUESKY_PASSWORD": BlueskyAccount().app_password}
SESSION = (
    b'{"did":"did:plc:sandbox2sandbox2sandbox2","handle":"alertes.example.fr","accessJwt":"a",'
    b'"refreshJwt":"r","active":true}'
)


class TestContract(NetworkChannelContract):
    adapter_type = BlueskyAdapter
    hasty: ClassVar[dict[str, timedelta]] = {"answer_within": timedelta(seconds=0.3)}
    logs_in = True

    def secrets(self) -> dict[str, str]:
        return PASSWORD

    def before(self, request: bytes) -> bytes | None:
        return raw.http_answer(200, SESSION) if b"createSession" in request else None

    def settings(self, port: int, **more: Any) -> Any:
        url = f"http://127.0.0.1:{port}"
        known = {"account": "alertes.example.fr", "app_password_env": "BLUESKY_PASSWORD"}
        return BlueskySettings(api_url=url, **(PATIENT | known | more))

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        async with Sandbox() as sandbox:
            yield int(sandbox.bluesky_url.rsplit(":", 1)[1])


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLUESKY_PASSWORD", PASSWORD["BLUESKY_PASSWORD"])


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


def adapter_for(sandbox: Sandbox) -> BlueskyAdapter:
    settings = TestContract().settings(int(sandbox.bluesky_url.rsplit(":", 1)[1]))
    return BlueskyAdapter(Channel("sky", BlueskyAdapter.spec, ("fr",), Audience.TEAM), settings)


@pytest.fixture
async def bluesky(sandbox: Sandbox) -> AsyncIterator[BlueskyAdapter]:
    adapter = adapter_for(sandbox)
    yield adapter
    await adapter.close()


def a_post(**changes: Any) -> Any:
    return TestContract().post(**changes)


async def refused(bluesky: BlueskyAdapter, **changes: Any) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await bluesky.publish(a_post(**changes))
    return caught.value


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("rate_limited:reset=90", Throttled, "429"),
        ("rate_limited:on=login:reset=90", Throttled, "429"),
        ("invalid", Rejected, "400"),
        ("unauthorized:on=login", ChannelDown, "401"),
        ("takendown:on=post", ChannelDown, "AccountTakedown"),
        ("takendown:on=login", ChannelDown, "AccountTakedown"),
        ("server_error", Uncertain, "500"),
        ("server_error:commit=yes", Uncertain, "500"),
        ("html", Uncertain, "502"),
        ("html_200", Uncertain, "200"),
    ],
)
async def test_every_refusal(
    bluesky: BlueskyAdapter, sandbox: Sandbox, fault: str, error: type[ChannelError], code: str
) -> None:
    sandbox.faults.add(f"bluesky:{fault}")
    found = await refused(bluesky)
    assert (type(found), found.code) == (error, code)
    if isinstance(found, Throttled):
        assert 85 < found.wait <= 91


@pytest.mark.parametrize(
    ("status", "name", "error"),
    [
        (403, "Forbidden", Rejected),
        (404, "", ChannelDown),
        (405, "", ChannelDown),
        (410, "Gone", ChannelDown),
        (413, "PayloadTooLarge", Rejected),
        (422, "Unprocessable", Rejected),
        (501, "MethodNotImplemented", ChannelDown),
        (302, "", ChannelDown),
        (400, "RepoDeactivated", ChannelDown),
        (401, "AuthFactorTokenRequired", ChannelDown),
        (408, "", Uncertain),
        (503, "", Uncertain),
    ],
)
async def test_what_the_sandbox_does_not_answer(
    status: int, name: str, error: type[ChannelError]
) -> None:
    answer = raw.http_answer(status, f'{{"error":"{name}","message":"no"}}'.encode())
    found = await TestContract().error_of(raw.http(answer))
    assert type(found) is error
    assert not isinstance(found, Rejected) or (found.scope is Scope.CHANNEL) is (status == 403)


async def test_fifty_lost_answers_leave_fifty_posts(bluesky: BlueskyAdapter, sandbox: Sandbox) -> None:
    for number in range(50):
        sandbox.faults.add("bluesky:drop_after_commit")
        post = a_post(delivery=number)
        assert isinstance(await refused(bluesky, delivery=number), Uncertain)
        found = await bluesky.find(post)
        again = await bluesky.publish(replace(post, attempt=2, uncertain_before=True))
        assert found is not None
        assert found.id == again.id
    assert len(sandbox.posts.network("bluesky")) == 50


async def test_what_did_not_arrive_is_not_found_and_goes_out_with_the_repeat(
    bluesky: BlueskyAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("bluesky:drop_before")
    assert isinstance(await refused(bluesky), Uncertain)
    assert await bluesky.find(a_post()) is None
    assert (await bluesky.publish(a_post(attempt=2))).id
    assert len(sandbox.posts.network("bluesky")) == 1


async def test_a_thread_keeps_its_root_over_restarts(sandbox: Sandbox) -> None:
    ids: list[str] = []
    for part in (1, 2, 3):
        adapter = adapter_for(sandbox)
        post = a_post(text=f"{part}/3", part=part, parts=3, reply_to=ids[-1] if ids else None)
        ids.append((await adapter.publish(post)).id)
        await adapter.close()
    posts = [one for (kind, _key), one in sandbox.bluesky.records.items() if kind.endswith("post")]
    root = {"uri": posts[0]["uri"], "cid": posts[0]["cid"]}
    parents = [{"uri": one["uri"], "cid": one["cid"]} for one in posts]
    assert [one["value"].get("reply") for one in posts] == [
        None,
        {"root": root, "parent": parents[0]},
        {"root": root, "parent": parents[1]},
    ]
    assert all(len(one) <= 200 for one in ids)


async def test_an_address_that_a_person_gave_is_enough_to_answer(
    bluesky: BlueskyAdapter, sandbox: Sandbox
) -> None:
    first = await bluesky.publish(a_post())
    second = await bluesky.publish(a_post(text="Suite", reply_to=first.id))
    addresses = BlueskyAdapter.addresses(bluesky.settings)
    assert addresses.patterns
    given = re.fullmatch(addresses.patterns[0], second.url or "")
    assert given is not None
    third = await bluesky.publish(a_post(text="Fin", reply_to=given["id"]))
    assert third.id.split(":")[2:] == second.id.split(":")[2:] == first.id.split(":")
    assert not third.note


async def test_a_session_that_lapsed_is_renewed_and_the_post_goes_out(
    bluesky: BlueskyAdapter, sandbox: Sandbox
) -> None:
    await bluesky.publish(a_post())
    sandbox.faults.add("bluesky:expired")
    assert (await bluesky.publish(a_post(text="Suite"))).id
    sandbox.faults.add("bluesky:expired:times=2")
    assert isinstance(await refused(bluesky, text="Fin"), ChannelDown)


async def test_many_posts_need_one_log_in(bluesky: BlueskyAdapter, sandbox: Sandbox) -> None:
    await bluesky.publish(a_post())
    sandbox.faults.add("bluesky:unauthorized:on=login:times=always")
    for number in range(40):
        await bluesky.publish(a_post(text=f"Point {number}"))
    assert len(sandbox.posts.network("bluesky")) == 41


async def test_a_refused_picture_does_not_hold_up_the_text(
    bluesky: BlueskyAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("bluesky:blob_refused")
    receipt = await bluesky.publish(a_post(picture=CARD, alt="Rhône"))
    assert receipt.without
    [post] = sandbox.posts.network("bluesky")
    assert post.pictures == ()
    shown = await bluesky.publish(a_post(text="Avec", picture=CARD, alt="Rhône : 15"))
    assert not shown.note
    assert sandbox.posts.network("bluesky")[1].pictures[0].description == "Rhône : 15"


async def test_a_repeat_without_its_picture_finds_what_stands(
    bluesky: BlueskyAdapter, sandbox: Sandbox
) -> None:
    first = await bluesky.publish(a_post(picture=CARD, alt="Rhône"))
    sandbox.faults.add("bluesky:server_error:on=media")
    again = adapter_for(sandbox)
    found = await again.publish(a_post(picture=CARD, alt="Rhône", attempt=2))
    await again.close()
    assert (found.id, found.without) == (first.id, "")


async def test_another_post_under_our_key_is_never_overwritten(
    bluesky: BlueskyAdapter, sandbox: Sandbox
) -> None:
    await bluesky.publish(a_post())
    other = replace(a_post(), text="Autre chose")
    with pytest.raises(Rejected, match="another post"):
        await bluesky.publish(other)
    assert [post.text for post in sandbox.posts.network("bluesky")] == [a_post().text]


async def test_a_pin_keeps_the_rest_of_the_profile(bluesky: BlueskyAdapter, sandbox: Sandbox) -> None:
    first = await bluesky.publish(a_post())
    key = ("app.bsky.actor.profile", "self")
    await bluesky.publish(a_post(action=Action.PIN, reply_to=first.id))
    sandbox.bluesky.records[key]["value"]["description"] = "Préfecture"
    second = await bluesky.publish(a_post(text="Suite"))
    await bluesky.publish(a_post(action=Action.PIN, reply_to=second.id))
    assert sandbox.bluesky.records[key]["value"]["description"] == "Préfecture"
    assert [post.pinned for post in sandbox.posts.network("bluesky")] == [False, True]


@pytest.mark.parametrize("action", [Action.DELETE, Action.PIN])
@pytest.mark.parametrize("remote_id", [None, "", "42", "https://bsky.app/x", "3lbwqr7kgbs2k/.."])
async def test_an_id_that_is_none_reaches_nothing(action: Action, remote_id: str | None) -> None:
    adapter = TestContract().adapter(await raw.free_port())
    with pytest.raises(Rejected, match="not the key"):
        await adapter.publish(a_post(action=action, reply_to=remote_id))


async def test_what_is_gone_is_read_back_as_gone(bluesky: BlueskyAdapter) -> None:
    receipt = await bluesky.publish(a_post())
    await bluesky.publish(a_post(action=Action.DELETE, reply_to=receipt.id))
    assert await bluesky.read_back(a_post(), receipt) is None
    assert await bluesky.read_back(a_post(), Receipt("7")) is None


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(2024, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
            st.integers(1, 10**6),
        ),
        min_size=2,
        max_size=2,
        unique_by=lambda one: one[1],
    )
)
def test_keys_are_valid_never_meet_and_sort_by_birth(births: list[tuple[datetime, int]]) -> None:
    first, second = (record_key(*one) for one in births)
    assert TID.fullmatch(first)
    assert first != second
    a, b = (int(born.timestamp() * 1000) for born, _delivery in births)
    if a != b:
        assert (first < second) is (a < b)


def test_the_key_of_a_delivery_is_known_by_heart() -> None:
    """Where it changed, the deliveries that are in doubt during an upgrade would go out twice."""
    born = datetime(2026, 6, 2, 19, 31, 7, 250_000, tzinfo=UTC)
    assert record_key(born, 7) == "3mnddh66tek2b"
    assert record_key(born + timedelta(microseconds=400), 7) == "3mnddh66tek2b"


def test_links_and_tags_are_found_by_bytes() -> None:
    text = "Été 🚨 : https://example.org/a?b=1. Aussi (https://example.fr/) #AlerteRhône #42 a#b"
    found = [
        (
            text.encode()[one["index"]["byteStart"] : one["index"]["byteEnd"]].decode(),
            one["features"][0],
        )
        for one in facets(text)
    ]
    assert [said for said, _feature in found] == [
        "https://example.org/a?b=1",
        "https://example.fr/",
        "#AlerteRhône",
    ]
    assert found[2][1] == {"$type": "app.bsky.richtext.facet#tag", "tag": "AlerteRhône"}


def test_the_pattern_of_keys_is_the_sandbox_s() -> None:
    for key in ("3mncnzchexs2b", "jzzzzzzzzzzzz", "2222222222222"):
        assert re.fullmatch(KEY, key)
        assert TID.fullmatch(key)
    for key in ("kaaaaaaaaaaaa", "3mncnzchexs2", "3mncnzchexs21"):
        assert not re.fullmatch(KEY, key)
        assert not TID.fullmatch(key)
