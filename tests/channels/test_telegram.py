"""Telegram: the contract, every row of the error map, editing, pinning, moved groups."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from alertbot.channels.telegram.adapter import TelegramAdapter, TelegramSettings
from alertbot.core.errors import (
    ChannelDown,
    ChannelError,
    Rejected,
    Scope,
    Throttled,
    Unavailable,
    Uncertain,
)
from alertbot.core.model import Action, Audience, Channel, Post, Receipt, Target
from alertbot.delivery.readback import difference
from alertbot.rehearsal.sandbox.accounts import TelegramAccount
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.channels import raw
from tests.channels.contract import CARD, PATIENT, NetworkChannelContract

TOKEN = TelegramAccount().token
HTML = "<b>Panne</b> des numéros d'urgence &amp; &lt;téléphones&gt;"


class TestContract(NetworkChannelContract):
    adapter_type = TelegramAdapter
    target = "@alertes_exemple"
    html = HTML
    hasty: ClassVar[dict[str, timedelta]] = {"answer_within": timedelta(seconds=0.3)}

    def secrets(self) -> dict[str, str]:
        return {"TELEGRAM_TOKEN": TOKEN}

    def settings(self, port: int, **more: Any) -> Any:
        given = {
            "api_url": f"http://127.0.0.1:{port}",
            "bot_token_env": "TELEGRAM_TOKEN",
            "chat": "@alertes_exemple",
        }
        return TelegramSettings(**(PATIENT | given | more))

    @asynccontextmanager
    async def accepting(self) -> AsyncIterator[int]:
        async with Sandbox() as sandbox:
            yield int(sandbox.telegram_url.rsplit(":", 1)[1])


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", TOKEN)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=1000) as running:
        yield running


def adapter_for(url: str, **more: Any) -> TelegramAdapter:
    settings = TestContract().settings(int(url.rsplit(":", 1)[1]), **more)
    return TelegramAdapter(Channel("telegram", TelegramAdapter.spec, ("fr",), Audience.TEAM), settings)


@pytest.fixture
async def telegram(sandbox: Sandbox) -> AsyncIterator[TelegramAdapter]:
    adapter = adapter_for(sandbox.telegram_url)
    yield adapter
    await adapter.close()


def a_post(**changes: Any) -> Post:
    return replace(TestContract().post(), **changes)


def message(**more: Any) -> dict[str, Any]:
    chat = {"id": -100, "type": "channel", "title": "T"} | more.pop("chat", {})
    return {"message_id": 5, "date": 1_700_000_000, "chat": chat, "text": "x"} | more


def api(status: int, content: Any) -> raw.Handler:
    return raw.http(raw.http_answer(status, json.dumps(content).encode()))


async def outcome(handler: raw.Handler, **more: Any) -> Any:
    async with raw.listening(handler) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}", **more)
        try:
            return await adapter.publish(a_post())
        except ChannelError as error:
            return error
        finally:
            await adapter.close()


async def test_a_message_stands_with_its_address(telegram: TelegramAdapter, sandbox: Sandbox) -> None:
    receipt = await telegram.publish(a_post())
    assert receipt.url == f"https://t.me/alertes_exemple/{receipt.id}"
    assert "<b>Panne</b>" in sandbox.posts.telegram()[0].html


async def test_without_html_the_text_goes_out_as_it_is(
    telegram: TelegramAdapter, sandbox: Sandbox
) -> None:
    await telegram.publish(a_post(html=None, text="1 < 2 & *3*"))
    assert sandbox.posts.telegram()[0].text == "1 < 2 & *3*"


async def test_a_reply_answers_and_one_to_a_message_that_is_gone_is_sent_all_the_same(
    telegram: TelegramAdapter, sandbox: Sandbox
) -> None:
    first = await telegram.publish(a_post())
    await telegram.publish(a_post(reply_to=first.id))
    await telegram.publish(a_post(reply_to="999999"))
    assert len(sandbox.posts.telegram()) == 3


async def test_what_is_asked_of_telegram() -> None:
    seen: list[bytes] = []
    answer = raw.http_answer(200, json.dumps({"ok": True, "result": message()}).encode())
    async with raw.listening(raw.http(answer, seen)) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        await adapter.publish(a_post(reply_to="4"))
        await adapter.close()
    assert seen[0].startswith(f"POST /bot{TOKEN}/sendMessage HTTP/1.1".encode())
    for part in (
        b"parse_mode=HTML",
        b"is_disabled",
        b"allow_sending_without_reply",
        b"%22message_id%22%3A+4",
    ):
        assert part in seen[0]


@pytest.mark.parametrize(
    ("fault", "error", "scope"),
    [
        ("telegram:bad_entities", Rejected, Scope.MESSAGE),
        ("telegram:chat_not_found", Rejected, Scope.CHANNEL),
        ("telegram:kicked", Rejected, Scope.CHANNEL),
        ("telegram:topic_closed", Rejected, Scope.CHANNEL),
        ("telegram:no_rights:on=send", Rejected, Scope.CHANNEL),
        ("telegram:unauthorized", ChannelDown, None),
        ("telegram:server_error", Uncertain, None),
        ("telegram:html", Uncertain, None),
        ("telegram:html_200", Uncertain, None),
        ("telegram:drop_before", Uncertain, None),
        ("telegram:drop_after_commit", Uncertain, None),
    ],
)
async def test_error_map(
    telegram: TelegramAdapter,
    sandbox: Sandbox,
    fault: str,
    error: type[ChannelError],
    scope: Scope | None,
) -> None:
    sandbox.faults.add(fault)
    with pytest.raises(error) as caught:
        await telegram.publish(a_post())
    assert getattr(caught.value, "scope", None) == scope


async def test_a_late_answer_is_uncertain(sandbox: Sandbox) -> None:
    sandbox.faults.add("telegram:slow:delay=1")
    hasty = adapter_for(sandbox.telegram_url, **TestContract.hasty)
    with pytest.raises(Uncertain):
        await hasty.publish(a_post())
    await hasty.close()


async def test_too_fast_says_until_when(telegram: TelegramAdapter, sandbox: Sandbox) -> None:
    sandbox.faults.add("telegram:flood:retry_after=3")
    with pytest.raises(Throttled) as caught:
        await telegram.publish(a_post())
    assert caught.value.wait == 3


async def test_too_long_a_message_is_refused_for_good(telegram: TelegramAdapter) -> None:
    with pytest.raises(Rejected) as caught:
        await telegram.publish(a_post(html="x" * 5000))
    assert caught.value.scope is Scope.MESSAGE


async def test_a_group_that_has_moved_is_followed_once(
    telegram: TelegramAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("telegram:migrated:to=-1001234567890")
    receipt = await telegram.publish(a_post())
    assert "-1001234567890" in receipt.note
    again = await telegram.publish(a_post(text="more", html=None))
    assert not again.note


async def test_a_group_that_moves_for_ever_is_a_matter_for_a_person(
    telegram: TelegramAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("telegram:migrated:to=-1001234567890:times=always")
    with pytest.raises(Rejected) as caught:
        await telegram.publish(a_post())
    assert caught.value.scope is Scope.CHANNEL


async def test_edit_and_edit_without_a_change(telegram: TelegramAdapter, sandbox: Sandbox) -> None:
    receipt = await telegram.publish(a_post())
    edit = a_post(html="<b>Fin</b>", action=Action.EDIT, reply_to=receipt.id)
    changed = await telegram.publish(edit)
    same = await telegram.publish(edit)
    assert changed.id == same.id == receipt.id
    assert sandbox.posts.telegram()[0].html == "<b>Fin</b>"


async def test_pin_delete_and_what_is_gone_already(telegram: TelegramAdapter, sandbox: Sandbox) -> None:
    receipt = await telegram.publish(a_post())
    for action in (Action.PIN, Action.PIN, Action.DELETE, Action.DELETE):
        await telegram.publish(a_post(action=action, reply_to=receipt.id))
    assert sandbox.posts.telegram()[0].deleted_at is not None


def a_picture(**changes: Any) -> Post:
    return a_post(
        **{"action": Action.PICTURE, "picture": CARD, "alt": "SAMU : 04 65 71 00 01"} | changes
    )


async def test_a_picture_answers_the_text_with_its_alternative_as_caption(
    telegram: TelegramAdapter, sandbox: Sandbox
) -> None:
    text = await telegram.publish(a_post())
    await telegram.publish(a_picture(reply_to=text.id))
    first, second = sandbox.posts.telegram()
    assert second.reply_to == first.id
    assert [(one.description, one.content) for one in second.pictures] == [
        ("SAMU : 04 65 71 00 01", CARD.content)
    ]


async def test_a_caption_is_edited_too(telegram: TelegramAdapter, sandbox: Sandbox) -> None:
    receipt = await telegram.publish(a_picture())
    edit = a_post(action=Action.EDIT, reply_to=receipt.id, html="<s>faux</s>", text="faux")
    for _again in range(2):
        assert (await telegram.publish(edit)).id == receipt.id
    assert sandbox.posts.telegram()[0].html == "<s>faux</s>"


async def test_an_edit_of_what_is_gone_is_refused_plainly(telegram: TelegramAdapter) -> None:
    for action in (Action.EDIT, Action.PIN):
        with pytest.raises(Rejected) as caught:
            await telegram.publish(a_post(action=action, reply_to="999"))
        assert caught.value.code == "no_post"
        assert caught.value.scope is Scope.MESSAGE


async def test_what_is_two_days_old_is_deleted_by_hand() -> None:
    now = [datetime(2026, 11, 20, tzinfo=UTC)]
    async with Sandbox(speed=1000, clock=lambda: now[0]) as sandbox:
        adapter = adapter_for(sandbox.telegram_url)
        receipt = await adapter.publish(a_post())
        now[0] += timedelta(hours=49)
        with pytest.raises(Rejected) as caught:
            await adapter.publish(a_post(action=Action.DELETE, reply_to=receipt.id))
        await adapter.close()
    assert caught.value.code == "too_old"
    assert "by hand" in str(caught.value)


async def test_an_answer_to_what_is_gone_says_that_it_stands_alone(telegram: TelegramAdapter) -> None:
    first = await telegram.publish(a_post())
    assert not (await telegram.publish(a_post(reply_to=first.id))).note
    assert (await telegram.publish(a_post(reply_to="999999"))).note


@pytest.mark.parametrize("wish", ["message is already pinned", "CHAT_NOT_MODIFIED"])
async def test_what_is_pinned_already_is_pinned(wish: str) -> None:
    refusal = {"ok": False, "error_code": 400, "description": f"Bad Request: {wish}"}
    async with raw.listening(api(400, refusal)) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        assert (await adapter.publish(a_post(action=Action.PIN, reply_to="5"))).id == "5"
        await adapter.close()


async def test_what_telegram_made_of_it_is_read_back(telegram: TelegramAdapter) -> None:
    post = a_post(html="<b>Panne</b> <s>15</s> &amp; <a href='https://example.org/x'>suite</a>")
    shown = await telegram.read_back(post, await telegram.publish(post))
    assert difference(post, shown, telegram.spec.markup) is None
    plain = replace(post, html="<b>Panne</b> 15 &amp; <a href='https://example.org/x'>suite</a>")
    assert difference(plain, shown, telegram.spec.markup)
    with pytest.raises(Rejected):
        await telegram.read_back(post, Receipt("12345"))


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (
            409,
            {"ok": False, "error_code": 409, "description": "Conflict: other getUpdates"},
            Unavailable,
        ),
        (404, {"ok": False, "error_code": 404, "description": "Not Found"}, ChannelDown),
        (400, {"ok": False, "description": "Bad Request: not enough rights to send"}, Rejected),
        (200, {"ok": True}, Uncertain),
        (200, {"ok": True, "result": {}}, Uncertain),
        (200, {"ok": True, "result": [1]}, Uncertain),
        (200, {"ok": True, "result": message(message_id="five")}, Uncertain),
        (302, {"ok": True, "result": message()}, Uncertain),
    ],
)
async def test_other_answers(status: int, content: Any, error: type[ChannelError]) -> None:
    assert type(await outcome(api(status, content))) is error


async def test_only_public_chats_have_an_address() -> None:
    private = await outcome(api(200, {"ok": True, "result": message()}), chat=-100)
    public = await outcome(
        api(200, {"ok": True, "result": message(chat={"username": "alertes_exemple"})}), chat=-100
    )
    assert (private.url, public.url) == (None, "https://t.me/alertes_exemple/5")


async def test_a_token_that_the_server_repeats_is_not_repeated_by_us() -> None:
    answer = {"ok": False, "error_code": 400, "description": f"Bad Request: bot{TOKEN} is bad"}
    assert TOKEN not in repr(await outcome(api(400, answer)))


@pytest.mark.parametrize("token", ["no token", "1:a/../b", "12345"])
async def test_a_malformed_token_does_not_travel(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", token)
    with pytest.raises(ChannelDown) as caught:
        await adapter_for(sandbox.telegram_url).publish(a_post())
    assert token not in str(caught.value)


async def test_neither_redirects_nor_the_proxies_of_the_environment_are_followed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached: list[bytes] = []
    async with raw.listening(raw.http(b"", reached)) as other:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{other}")
        monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
        moved = raw.http_answer(307, b"", Location=f"http://127.0.0.1:{other}/")
        assert isinstance(await outcome(raw.http(moved)), Uncertain)
        adapter = adapter_for(sandbox.telegram_url)
        await adapter.publish(a_post())
        await adapter.close()
    assert reached == []


async def test_identify(telegram: TelegramAdapter, sandbox: Sandbox) -> None:
    assert await telegram.identify() == "@sandbox_bot"
    sandbox.faults.add("telegram:drop_before:on=identify")
    with pytest.raises(Unavailable):
        await telegram.identify()


def test_the_target_is_the_chat() -> None:
    assert TelegramAdapter.targets(TestContract().settings(1)) == (Target("@alertes_exemple"),)


@pytest.mark.parametrize("chat", ["alertes", "@a", "t.me/alertes", "", 1.5])
def test_a_chat_is_a_name_or_a_number(chat: Any) -> None:
    with pytest.raises(ValidationError):
        TestContract().settings(1, chat=chat)


def refused(status: int, why: str, **parameters: Any) -> raw.Handler:
    answer = {"ok": False, "error_code": status, "description": why, "parameters": parameters}
    return api(status, answer if parameters else {k: v for k, v in answer.items() if k != "parameters"})


OF_THE_CHAT = (
    "chat not found",
    "not enough rights to send text messages to the chat",
    "have no rights to send a message",
    "need administrator rights in the channel chat",
    "CHAT_WRITE_FORBIDDEN",
    "CHAT_ADMIN_REQUIRED",
    "CHAT_RESTRICTED",
    "CHAT_SEND_PLAIN_FORBIDDEN",
    "CHANNEL_PRIVATE",
    "PEER_ID_INVALID",
    "TOPIC_CLOSED",
    "TOPIC_DELETED",
    "message thread not found",
    "group chat was deactivated",
    "USER_BANNED_IN_CHANNEL",
)
OF_THE_TEXT = (
    "can't parse entities: Unsupported start tag",
    "message is too long",
    "message text is empty",
    "text must be non-empty",
    "ENTITIES_TOO_LONG",
    "MESSAGE_TOO_LONG",
)
OF_NEITHER = ("BOT_RESPONSE_TIMEOUT", "something that nobody has seen yet")


@pytest.mark.parametrize("why", OF_THE_CHAT)
async def test_a_refusal_that_is_about_the_chat_says_so(why: str) -> None:
    found = await outcome(refused(400, f"Bad Request: {why}"))
    assert isinstance(found, Rejected)
    assert found.scope is Scope.CHANNEL
    assert "`chat`" in found.reason
    assert why.lower() in found.reason.lower()
    assert "submit" not in found.reason
    assert why in found.reason or "_" not in why


@pytest.mark.parametrize("why", OF_THE_TEXT)
async def test_a_refusal_that_is_about_the_text_says_so(why: str) -> None:
    found = await outcome(refused(400, f"Bad Request: {why}"))
    assert (found.scope, "submit it again" in found.reason) == (Scope.MESSAGE, True)


@pytest.mark.parametrize("why", OF_NEITHER)
async def test_an_unknown_refusal_is_told_as_it_is(why: str) -> None:
    found = await outcome(refused(400, f"Bad Request: {why}"))
    assert (found.scope, "text of" in found.reason) == (Scope.MESSAGE, False)


async def test_payment_stops_the_channel() -> None:
    assert isinstance(await outcome(refused(400, "Bad Request: PAYMENT_REQUIRED")), ChannelDown)


@pytest.mark.parametrize("action", [Action.EDIT, Action.DELETE, Action.PIN, Action.PICTURE])
@pytest.mark.parametrize(
    ("status", "why"),
    [
        (400, "Bad Request: not enough rights to manage pinned messages in the chat"),
        (400, "Bad Request: CHAT_ADMIN_REQUIRED"),
        (400, "Bad Request: CHAT_SEND_PHOTOS_FORBIDDEN"),
        (400, "Bad Request: message can't be edited"),
        (400, "Bad Request: message to pin not found"),
        (400, "Bad Request: PAYMENT_REQUIRED"),
        (403, "Forbidden: bot is not a member of the channel chat"),
    ],
)
async def test_a_refusal_of_what_accompanies_a_post_is_about_that_alone(
    action: Action, status: int, why: str
) -> None:
    async with raw.listening(refused(status, why)) as port:
        adapter = adapter_for(f"http://127.0.0.1:{port}")
        with pytest.raises(Rejected) as caught:
            await adapter.publish(a_post(action=action, reply_to="5", picture=CARD, alt="x"))
        await adapter.close()
    assert caught.value.scope is Scope.MESSAGE
    assert "BKRT-1" in str(caught.value)
    assert "submit" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        (3, 3.0),
        (2.4, 3.0),
        ("7", 7.0),
        (0, 30.0),
        (-4, 30.0),
        ("soon", 30.0),
        (None, 30.0),
        ([1], 30.0),
        (1e300, 86_400.0),
        ("1e999", 86_400.0),
        (200_000, 86_400.0),
    ],
)
async def test_a_time_to_wait_of_any_form_is_kept(given: Any, wait: float) -> None:
    found = await outcome(refused(429, "Too Many Requests: retry after 5", retry_after=given))
    assert isinstance(found, Throttled)
    assert found.wait == wait


@pytest.mark.parametrize(
    ("why", "wait"), [("Too Many Requests: retry after 11", 11.0), ("Too Many Requests", 30.0)]
)
async def test_too_many_without_a_time_to_wait_was_not_sent(why: str, wait: float) -> None:
    found = await outcome(refused(429, why))
    assert isinstance(found, Throttled)
    assert found.wait == wait


@pytest.mark.parametrize("name", ["region", "copy", "section", "note", "lt", "amp", "para", "reg"])
async def test_an_address_with_the_name_of_a_sign_is_read_back_as_it_was_posted(
    telegram: TelegramAdapter, name: str
) -> None:
    address = f"https://example.org/?dep=69&amp;{name}=84"
    post = a_post(html=f'<b>Panne</b> &amp; <a href="{address}">la liste</a>, {address} 🚒 <s>15</s>')
    shown = await telegram.read_back(post, await telegram.publish(post))
    assert difference(post, shown, telegram.spec.markup) is None
    other = a_post(html=str(post.html).replace("84", "85", 1))
    assert difference(other, shown, telegram.spec.markup)
