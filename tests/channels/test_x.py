"""X: the contract, every row of the error map, threads, and what is uncertain."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.channels.witnessing import compared_words
from alertbot.channels.x.adapter import XAdapter
from alertbot.channels.x.answers import Answer, as_posted, post_with, refusal
from alertbot.channels.x.client import MOST_BODY_BYTES
from alertbot.channels.x.settings import XSettings
from alertbot.core.errors import (
    ChannelDown,
    ChannelError,
    Rejected,
    Scope,
    Throttled,
    Unavailable,
    Uncertain,
)
from alertbot.core.model import Action, Audience, Channel
from alertbot.delivery.rules_retry import Circumstances, next_step
from alertbot.rehearsal.sandbox.accounts import XAccount
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.channels import raw
from tests.channels.contract import PATIENT, NetworkChannelContract

ACCOUNT = XAccount()
OAUTH1 = {
    "X_CONSUMER_KEY": ACCOUNT.consumer_key,
    "X_CONSUMER_SECRET": ACCOUNT.consumer_secret,
    "X_ACCESS_TOKEN": ACCOUNT.access_token,
    "X_ACCESS_TOKEN_SECRET": ACCOUNT.access_token_secret,
}
SOON = timedelta(seconds=0.3)


class TestContract(NetworkChannelContract):
    adapter_type = XAdapter
    hasty: ClassVar[dict[str, timedelta]] = {"answer_within": SOON}

    def secrets(self) -> dict[str, str]:
        return OAUTH1

    def settings(self, port: int, **more: Any) -> Any:
        names = {f"{variable[2:].lower()}_env": variable for variable in OAUTH1}
        return XSettings(api_url=f"http://127.0.0.1:{port}", **(PATIENT | names | more))

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        async with Sandbox() as sandbox:
            yield int(sandbox.x_url.rsplit(":", 1)[1])


KEYS = {f"{variable[2:].lower()}_env": variable for variable in OAUTH1}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OAUTH1.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("X_BEARER", ACCOUNT.bearer_token)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


def adapter_for(url: str, **more: Any) -> XAdapter:
    settings = XSettings(**({"api_url": url, **KEYS} | more))
    return XAdapter(Channel("x_main", XAdapter.spec, ("fr",), Audience.TEAM), settings)


@pytest.fixture
async def x(sandbox: Sandbox) -> AsyncIterator[XAdapter]:
    adapter = adapter_for(sandbox.x_url)
    yield adapter
    await adapter.close()


def a_post(**changes: Any) -> Any:
    return replace(TestContract().post(), **changes)


async def test_a_post_stands_with_its_address(x: XAdapter, sandbox: Sandbox) -> None:
    receipt = await x.publish(a_post())
    assert receipt.url == f"https://x.com/i/web/status/{receipt.id}"
    assert [post.text for post in sandbox.posts.x()] == [a_post().text]


async def test_a_thread_hangs_together(x: XAdapter, sandbox: Sandbox) -> None:
    first = await x.publish(a_post(text="1/2 Rhône", parts=2))
    await x.publish(a_post(text="2/2 Loire", part=2, parts=2, reply_to=first.id))
    assert [post.reply_to for post in sandbox.posts.x()] == [None, first.id]


async def test_a_bearer_token_alone_is_enough_and_warns_that_it_lapses(sandbox: Sandbox) -> None:
    bare = dict.fromkeys(KEYS)
    adapter = adapter_for(sandbox.x_url, **bare, bearer_token_env="X_BEARER")
    assert (await adapter.publish(a_post())).id
    assert await adapter.identify() == "@sandbox"
    await adapter.close()
    assert [key for key, _sentence in adapter.settings.warnings()] == ["bearer_token_env", "account"]
    assert not list(adapter_for(sandbox.x_url).settings.warnings())


async def test_the_signature_is_for_the_address_that_is_called() -> None:
    seen: list[bytes] = []
    answer = raw.http_answer(201, b'{"data":{"id":"1","text":"x"}}')
    async with raw.listening(raw.http(answer, seen)) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        await adapter.publish(a_post())
        await adapter.close()
    head = seen[0].decode()
    assert head.startswith("POST /2/tweets HTTP/1.1")
    assert f"Host: 127.0.0.1:{port}" in head
    assert 'oauth_signature_method="HMAC-SHA1"' in head


async def test_a_redirect_is_not_followed() -> None:
    reached: list[bytes] = []
    async with raw.listening(raw.http(b"", reached)) as other:
        moved = raw.http_answer(307, b"", Location=f"http://127.0.0.1:{other}/2/tweets")
        async with raw.listening(raw.http(moved)) as port:
            adapter = adapter_for(f"http://127.0.0.1:{port}")
            with pytest.raises(ChannelDown):
                await adapter.publish(a_post())
            await adapter.close()
    assert reached == []


async def test_a_redirect_to_nowhere_is_an_answer_too() -> None:
    moved = raw.http_answer(302, b"", Location="http://[not an address")
    async with raw.listening(raw.http(moved)) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        with pytest.raises(ChannelDown) as caught:
            await adapter.publish(a_post())
        await adapter.close()
    assert caught.value.code == "302"


async def test_an_answer_without_end_is_read_up_to_a_limit() -> None:
    body = b'{"data":{"id":"1","text":"' + b"x" * MOST_BODY_BYTES + b'"}}'
    async with raw.listening(raw.http(raw.http_answer(201, body))) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        with pytest.raises(Uncertain) as caught:
            await adapter.publish(a_post())
        await adapter.close()
    assert "gave no id" in str(caught.value)


async def test_a_closed_port_is_told_as_one() -> None:
    adapter = adapter_for(f"http://127.0.0.1:{await raw.free_port()}")
    with pytest.raises(Unavailable, match="it refused the connection"):
        await adapter.publish(a_post())
    await adapter.close()


async def test_a_certificate_that_nobody_vouches_for_is_surely_not_sent(
    certificate: tuple[Path, Path],
) -> None:
    encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    encryption.load_cert_chain(*certificate)
    async with raw.listening(raw.http_silence, encryption) as port:
        adapter = adapter_for(f"https://127.0.0.1:{port}")
        with pytest.raises(Unavailable, match="its certificate is not accepted"):
            await adapter.publish(a_post())
        await adapter.close()


async def test_a_call_that_hangs_holds_up_neither_the_next_nor_the_end() -> None:
    calls = 0

    async def first_hangs(reader: Any, writer: Any) -> None:
        nonlocal calls
        calls += 1
        await raw.read_request(reader)
        if calls == 1:
            await asyncio.sleep(5)
        writer.write(raw.http_answer(201, b'{"data":{"id":"7"}}'))
        await writer.drain()

    async with raw.listening(first_hangs) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}", answer_within=timedelta(seconds=5))
        hanging = asyncio.create_task(adapter.publish(a_post()))
        await asyncio.sleep(0.2)
        hanging.cancel()
        started = time.monotonic()
        assert (await adapter.publish(a_post())).id == "7"
        await adapter.close()
        assert time.monotonic() - started < 2


async def test_calls_side_by_side_share_no_client(x: XAdapter, sandbox: Sandbox) -> None:
    """A picture is handed over while another post is under way."""
    texts = [f"Panne {number}" for number in range(8)]
    sent = await asyncio.gather(*(x.publish(a_post(text=text)) for text in texts))
    stand = {post.id: post.text for post in sandbox.posts.x()}
    assert [stand[receipt.id] for receipt in sent] == texts


async def test_the_proxies_of_the_environment_are_not_used(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[bytes] = []
    async with raw.listening(raw.http(b"", reached)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("NO_PROXY", "")
        adapter = adapter_for(sandbox.x_url)
        await adapter.publish(a_post())
        await adapter.close()
    assert reached == []


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("x:unauthorized", ChannelDown, "401"),
        ("x:credits", ChannelDown, "402"),
        ("x:usage_capped", ChannelDown, "usage_capped"),
        ("x:duplicate", Rejected, "duplicate"),
        ("x:reply_refused", Rejected, "403"),
        ("x:server_error_json", Uncertain, "503"),
        ("x:server_error_html", Uncertain, "502"),
        ("x:server_error_empty", Uncertain, "500"),
        ("x:html_200", Uncertain, "200"),
        ("x:drop_before", Uncertain, "ConnectionError"),
        ("x:drop_after_commit", Uncertain, "ConnectionError"),
    ],
)
async def test_error_map(
    x: XAdapter, sandbox: Sandbox, fault: str, error: type[ChannelError], code: str
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(error) as caught:
        await x.publish(a_post())
    assert caught.value.code == code


async def test_too_fast_says_until_when(x: XAdapter, sandbox: Sandbox) -> None:
    sandbox.faults.add("x:rate_limited:reset=90")
    with pytest.raises(Throttled) as caught:
        await x.publish(a_post())
    assert 60 < caught.value.wait <= 91
    assert caught.value.whole_account


async def test_an_uncertain_post_is_found_in_the_timeline(x: XAdapter, sandbox: Sandbox) -> None:
    text = "Numéros & <zones> : https://example.org/numeros/ (liste) voir www.example.org"
    sandbox.faults.add("x:drop_after_commit")
    with pytest.raises(Uncertain):
        await x.publish(a_post(text=text))
    found = await x.find(a_post(text=text))
    assert found is not None
    assert found.id == sandbox.posts.x()[0].id
    assert await x.find(a_post(text="something else")) is None


async def test_a_timeline_that_cannot_be_read_does_not_say_that_nothing_was_posted(
    x: XAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("x:html_200:on=read")
    with pytest.raises(Unavailable):
        await x.find(a_post())


async def test_a_late_answer_is_uncertain_and_the_post_is_found(sandbox: Sandbox) -> None:
    sandbox.faults.add("x:slow:delay=1")
    hasty = adapter_for(sandbox.x_url, answer_within=SOON)
    with pytest.raises(Uncertain):
        await hasty.publish(a_post())
    await hasty.close()
    await asyncio.sleep(1)
    patient = adapter_for(sandbox.x_url)
    assert await patient.find(a_post()) is not None
    await patient.close()


async def test_a_duplicate_after_an_uncertain_attempt_is_that_attempt(
    x: XAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("x:drop_after_commit")
    with pytest.raises(Uncertain):
        await x.publish(a_post())
    receipt = await x.publish(a_post(attempt=2, uncertain_before=True))
    assert receipt.id == sandbox.posts.x()[0].id
    assert receipt.note
    assert len(sandbox.posts.x()) == 1


async def test_a_duplicate_that_is_not_found_stays_uncertain(x: XAdapter, sandbox: Sandbox) -> None:
    sandbox.faults.add("x:duplicate")
    with pytest.raises(Uncertain) as caught:
        await x.publish(a_post(uncertain_before=True))
    assert caught.value.code == "duplicate"


async def test_a_duplicate_stays_uncertain_when_the_timeline_cannot_be_read(
    x: XAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("x:duplicate")
    sandbox.faults.add("x:server_error_json:on=read")
    with pytest.raises(Uncertain):
        await x.publish(a_post(uncertain_before=True))


async def test_a_reply_that_comes_too_soon_waits_a_moment_then_stands_alone(
    x: XAdapter, sandbox: Sandbox
) -> None:
    first = await x.publish(a_post(text="1/2", parts=2))
    part = a_post(text="2/2", part=2, parts=2, reply_to=first.id)
    sandbox.faults.add("x:reply_race:times=4")
    for attempt in (1, 2, 3):
        with pytest.raises(Throttled) as caught:
            await x.publish(replace(part, attempt=attempt))
        assert 2 <= caught.value.wait <= 5
        assert not caught.value.whole_account
    receipt = await x.publish(replace(part, attempt=4))
    assert receipt.note
    assert sandbox.posts.x()[-1].reply_to is None


async def test_where_replies_are_not_allowed_the_identical_text_stands_alone() -> None:
    async with Sandbox(x=XAccount(self_replies=False)) as sandbox:
        x = adapter_for(sandbox.x_url)
        first = await x.publish(a_post(text="1/2", parts=2))
        second = await x.publish(a_post(text="2/2", part=2, parts=2, reply_to=first.id))
        await x.close()
        assert second.note
        assert [(post.text, post.reply_to) for post in sandbox.posts.x()] == [
            ("1/2", None),
            ("2/2", None),
        ]


async def test_other_refusals_of_a_reply_are_no_reason_to_post_it_alone(
    x: XAdapter, sandbox: Sandbox
) -> None:
    first = await x.publish(a_post(text="1/2"))
    sandbox.faults.add("x:duplicate")
    with pytest.raises(Rejected):
        await x.publish(a_post(text="2/2", reply_to=first.id))
    assert len(sandbox.posts.x()) == 1


async def test_delete_and_what_is_gone_already(x: XAdapter, sandbox: Sandbox) -> None:
    receipt = await x.publish(a_post())
    away = a_post(action=Action.DELETE, reply_to=receipt.id)
    assert not (await x.publish(away)).note
    assert (await x.publish(away)).note
    assert sandbox.posts.x()[0].deleted_at is not None


async def test_delete_with_refused_keys(x: XAdapter, sandbox: Sandbox) -> None:
    sandbox.faults.add("x:unauthorized:on=delete")
    with pytest.raises(ChannelDown):
        await x.publish(a_post(action=Action.DELETE, reply_to="1"))


@pytest.mark.parametrize("gone", [b'{"data":{"deleted":false}}'])
async def test_x_may_say_in_another_way_that_it_is_gone(gone: bytes) -> None:
    async with raw.listening(raw.http(raw.http_answer(200, gone))) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        assert (await adapter.publish(a_post(action=Action.DELETE, reply_to="1"))).note
        await adapter.close()


async def test_a_server_that_is_not_x_has_deleted_nothing() -> None:
    async with raw.listening(raw.http(raw.http_answer(404, b"<html>nginx</html>"))) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        with pytest.raises(Rejected):  # a post would find out by itself that the address is wrong
            await adapter.publish(a_post(action=Action.DELETE, reply_to="1"))
        await adapter.close()


async def test_what_has_no_number_cannot_be_deleted(x: XAdapter) -> None:
    with pytest.raises(Rejected):
        await x.publish(a_post(action=Action.DELETE, reply_to=None))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("x:unauthorized:on=identify", ChannelDown),
        ("x:drop_before:on=identify", Unavailable),
        ("x:server_error_html:on=identify", Unavailable),
        ("x:html_200:on=identify", Unavailable),
    ],
)
async def test_a_failed_identification_is_never_uncertain(
    x: XAdapter, sandbox: Sandbox, fault: str, error: type[ChannelError]
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(error):
        await x.identify()


async def test_a_secret_of_strange_characters_is_refused_before_it_travels(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_ACCESS_TOKEN", "clé secrète")
    adapter = adapter_for(sandbox.x_url)
    with pytest.raises(ChannelDown) as caught:
        await adapter.publish(a_post())
    assert "access_token" in str(caught.value)
    assert "clé" not in str(caught.value)


async def test_a_server_that_drips_bytes_ends_some_time() -> None:
    async def drip(reader: Any, writer: Any) -> None:
        await raw.read_request(reader)
        writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(30):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.05)

    soon = timedelta(seconds=0.2)
    async with raw.listening(drip) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}", connect_within=soon, answer_within=soon)
        with pytest.raises(Uncertain):
            await adapter.publish(a_post())
        await adapter.close()


def an_answer(status: int, detail: str = "", problem: str = "", **headers: str) -> Answer:
    return Answer(status, headers, {"detail": detail, "type": problem})


@pytest.mark.parametrize(
    ("answer", "error", "scope"),
    [
        (an_answer(400, "Invalid Request"), Rejected, Scope.MESSAGE),
        (an_answer(413), Rejected, Scope.MESSAGE),
        (an_answer(403, "Your Tweet text is too long."), Rejected, Scope.MESSAGE),
        (an_answer(403, "You are not permitted to perform this action."), Rejected, Scope.CHANNEL),
        (an_answer(403, "Your account is suspended."), ChannelDown, None),
        (an_answer(403, "", "https://api.x.com/2/problems/client-forbidden"), ChannelDown, None),
        (an_answer(403, "oauth1 app permissions are read-only"), ChannelDown, None),
        (an_answer(404), ChannelDown, None),
        (an_answer(405), ChannelDown, None),
        (an_answer(302), ChannelDown, None),
        (an_answer(303), Uncertain, None),
        (an_answer(408), Uncertain, None),
        (an_answer(204), Uncertain, None),
    ],
)
def test_what_other_answers_mean(
    answer: Answer, error: type[ChannelError], scope: Scope | None
) -> None:
    found = refusal(answer, "BKRT-1", time.time())
    assert type(found) is error
    assert getattr(found, "scope", None) == scope


DUPLICATE = "You are not allowed to create a Tweet with duplicate content."


@pytest.mark.parametrize(
    ("answer", "duplicate"),
    [
        (an_answer(403, DUPLICATE), True),
        (an_answer(403, DUPLICATE.upper()), True),
        (an_answer(403, "Forbidden", "https://api.x.com/2/problems/duplicate-content"), True),
        (Answer(403, {}, {"errors": [{"message": DUPLICATE}]}), True),
        (Answer(403, {}, {"title": "Duplicate"}), True),
        (an_answer(403, "You are not permitted to perform this action."), False),
        (an_answer(403), False),
        (Answer(403, {}, {"status": DUPLICATE}), False),
        (an_answer(400, DUPLICATE), False),
        (an_answer(401, DUPLICATE), False),
        (an_answer(409, DUPLICATE), False),
        (an_answer(422, DUPLICATE), False),
        (an_answer(429, DUPLICATE), False),
        (an_answer(503, DUPLICATE), False),
    ],
)
def test_only_xs_own_status_and_words_mean_duplicate(answer: Answer, duplicate: bool) -> None:
    """Whatever is taken for a duplicate counts as posted after an uncertain attempt."""
    assert answer.is_duplicate() is duplicate
    found = refusal(answer, "BKRT-1", time.time())
    assert (found.code == "duplicate") is duplicate


@pytest.mark.parametrize("status", [400, 409, 422])
async def test_another_status_with_the_words_of_a_duplicate_is_no_earlier_post(status: int) -> None:
    body = json.dumps({"detail": DUPLICATE}).encode()
    async with raw.listening(raw.http(raw.http_answer(status, body))) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        with pytest.raises((Rejected, Uncertain)) as caught:
            await adapter.publish(a_post(attempt=2, uncertain_before=True))
        await adapter.close()
    assert caught.value.code != "duplicate"


NOW = 1_796_500_000.0  # 5 December 2026, 19:46:40 UTC
DAY_SPENT = {
    "x-rate-limit-limit": "1080000",
    "x-rate-limit-remaining": "1079999",
    "x-rate-limit-reset": str(int(NOW) + 900),
    "x-user-limit-24hour-remaining": "0",
    "x-user-limit-24hour-reset": str(int(NOW) + 72_000),
}


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"x-rate-limit-reset": f"{NOW + 60:.0f}"}, 60.0),
        ({"x-rate-limit-reset": f"{NOW + 60.5}"}, 60.5),
        ({"x-rate-limit-reset": f"{NOW - 100:.0f}"}, 30.0),  # past: neither now nor a thousand times
        ({"x-rate-limit-reset": f"{(NOW + 60) * 1000:.0f}"}, 60.0),  # milliseconds
        ({"x-rate-limit-reset": "900"}, 900.0),  # seconds from now
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.2"}, 1.0),
        ({"retry-after": "1e999"}, 1e9),
        ({"retry-after": "-5"}, 30.0),
        ({"retry-after": "0"}, 30.0),
        ({"retry-after": "Sat, 05 Dec 2026 19:48:20 GMT"}, 100.0),
        ({"retry-after": "Saturday, 05-Dec-26 19:48:20 GMT"}, 100.0),
        ({"retry-after": "Sat Dec  5 19:48:20 2026"}, 100.0),
        ({"retry-after": "2026-12-05T20:48:20+01:00"}, 100.0),
        ({"retry-after": "Sat, 05 Dec 2020 19:48:20 GMT"}, 30.0),
        ({"x-rate-limit-reset": "soon", "retry-after": "8"}, 8.0),
        ({"x-rate-limit-reset": f"{NOW + 900:.0f}", "retry-after": "72000"}, 72_000.0),
        (DAY_SPENT, 72_000.0),
        (DAY_SPENT | {"x-app-limit-24hour-remaining": "0", "x-app-limit-24hour-reset": "80000"}, 80_000.0),
        (DAY_SPENT | {"x-user-limit-24hour-remaining": "-1"}, 72_000.0),
        (DAY_SPENT | {"x-user-limit-24hour-remaining": "3", "x-rate-limit-remaining": "0"}, 900.0),
    ],
)  # fmt: skip
def test_how_long_too_fast_lasts(headers: dict[str, str], wait: float) -> None:
    found = refusal(Answer(429, headers, {}), "BKRT-1", NOW)
    assert isinstance(found, Throttled)
    assert found.wait == pytest.approx(wait, abs=0.01)
    assert ("by hand" in found.reason) is (wait >= 3600)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-rate-limit-reset": "soon"},
        {"retry-after": ""},
        DAY_SPENT | {"x-user-limit-24hour-remaining": "7"},  # more calls left under all that it names
        {name: value for name, value in DAY_SPENT.items() if "24hour" not in name},
        DAY_SPENT | {"x-user-limit-24hour-reset": "never"},
    ],
)
def test_a_limit_whose_end_is_not_said_calls_a_person(headers: dict[str, str]) -> None:
    assert isinstance(refusal(Answer(429, headers, {}), "BKRT-1", NOW), ChannelDown)


@pytest.mark.parametrize("name", ["x-rate-limit-reset", "retry-after", "x-user-limit-24hour-reset"])
@given(
    st.text(max_size=40)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.datetimes().map(lambda at: format_datetime(at))
    | st.datetimes().map(lambda at: at.isoformat())
    | st.datetimes().map(lambda at: at.ctime())
)
def test_no_form_of_a_time_to_wait_crashes_or_spins(name: str, value: str) -> None:
    headers = {name: value, "x-user-limit-24hour-remaining": "0"}
    found = refusal(Answer(429, headers, {}), "BKRT-1", NOW)
    assert isinstance(found, (Throttled, ChannelDown))
    if isinstance(found, Throttled):
        step = next_step(found, Circumstances(1))
        assert 1.0 <= step.delay <= 86_400.0


async def test_a_day_that_is_used_up_is_no_quarter_of_an_hour(x: XAdapter, sandbox: Sandbox) -> None:
    sandbox.faults.add("x:daily_limit:reset=72000")
    with pytest.raises(Throttled, match="20 h") as caught:
        await x.publish(a_post())
    assert 71_000 < caught.value.wait <= 72_000


@pytest.mark.parametrize("names", ["region", "copy", "section", "note", "lt", "amp", "para", "reg"])
async def test_an_address_with_the_name_of_a_sign_is_read_back_as_it_was_posted(
    x: XAdapter, sandbox: Sandbox, names: str
) -> None:
    text = f"Numéros & zones <Rhône> : https://example.org/?dep=69&{names}=84 à suivre"
    shown = await x.read_back(a_post(text=text), await x.publish(a_post(text=text)))
    assert shown is not None
    assert compared_words(shown) == compared_words(text)
    sandbox.faults.add("x:drop_after_commit")
    lost = a_post(text=f"Suite. {text}", delivery=8)
    with pytest.raises(Uncertain):
        await x.publish(lost)
    assert await x.find(lost) is not None


def test_an_error_never_repeats_a_secret_that_the_server_repeats() -> None:
    answer = replace(an_answer(400, "bad token s3cr3t-token"), secrets=("s3cr3t-token",))
    assert "s3cr3t" not in repr(answer.headers) + str(refusal(answer, "BKRT-1", 0.0))


def test_a_post_is_compared_as_it_was_written() -> None:
    entry = json.loads(
        '{"text": "A &amp; B https://t.co/abc", "entities": {"urls": '
        '[{"url": "https://t.co/abc", "expanded_url": "http://example.org/"}]}}'
    )
    assert compared_words(as_posted(entry)) == compared_words("A & B  example.org")


@pytest.mark.parametrize(
    "timeline", [None, {}, [1, {}, {"text": "a", "id": 3}, {"text": "a", "id": "x"}]]
)
def test_a_timeline_of_another_shape_holds_no_post(timeline: object) -> None:
    assert post_with("a", timeline) is None


@pytest.mark.parametrize("entry", [{}, {"text": 3}, {"text": "a", "entities": {"urls": [1, {}]}}])
def test_a_strange_timeline_is_no_accident(entry: dict[str, Any]) -> None:
    assert isinstance(as_posted(entry), str)
