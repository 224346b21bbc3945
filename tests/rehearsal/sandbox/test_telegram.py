"""The Telegram Bot API of the sandbox, called by python-telegram-bot."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import telegram
from hypothesis import given
from hypothesis import strategies as st
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from alertbot.rehearsal.sandbox.accounts import Chat, Posts, TelegramAccount
from alertbot.rehearsal.sandbox.faults import FAULTS, Faults
from alertbot.rehearsal.sandbox.http import HttpRequest
from alertbot.rehearsal.sandbox.server import Sandbox
from alertbot.rehearsal.sandbox.telegram_api import CALLS, TelegramPlatform
from alertbot.rehearsal.sandbox.telegram_chats import BadMarkup, Chats, Flood, parse
from tests.rehearsal.sandbox.clients import bot

CHANNEL = "@alertes_exemple"


async def test_the_bot_says_who_it_is(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        who = await me.get_me()
        assert (who.is_bot, who.id, who.username) == (True, 1400000001, "sandbox_bot")
        assert who.can_join_groups is True
        assert who.can_read_all_group_messages is False
        assert who.supports_inline_queries is False


async def test_send_edit_reply_pin_and_delete(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        first = await me.send_message(
            CHANNEL, "<b>Panne</b> &amp; <a href='https://example.org'>suite</a>", parse_mode="HTML"
        )
        assert first.text == "Panne & suite"
        assert {entity.type: first.parse_entity(entity) for entity in first.entities} == {
            "bold": "Panne",
            "text_link": "suite",
        }
        assert first.chat.type == "channel"
        reply = await me.send_message(
            first.chat.id, "réponse", reply_parameters=ReplyParameters(first.message_id)
        )
        assert reply.reply_to_message is not None
        assert reply.reply_to_message.message_id == first.message_id
        edited = await me.edit_message_text(
            "corrigé", chat_id=first.chat.id, message_id=first.message_id
        )
        assert isinstance(edited, telegram.Message)
        assert edited.edit_date is not None
        assert await me.pin_chat_message(CHANNEL, first.message_id)
        assert await me.delete_message(CHANNEL, reply.message_id)
    shown, answer = sandbox.posts.telegram()
    assert (shown.text, shown.pinned, shown.edited_at is not None) == ("corrigé", True, True)
    assert (answer.reply_to, answer.deleted_at is not None) == (shown.id, True)


async def test_dates_are_whole_seconds_of_the_sandbox_clock() -> None:
    evening = datetime(2021, 6, 2, 18, 29, 30, 700_000, tzinfo=UTC)
    async with Sandbox(clock=lambda: evening) as sandbox, bot(sandbox) as me:
        assert (await me.send_message(CHANNEL, "un")).date == evening.replace(microsecond=0)


@pytest.mark.parametrize("how", ["form", "json", "multipart"])
async def test_every_way_to_call(sandbox: Sandbox, how: str) -> None:
    fields = {"chat_id": CHANNEL, "text": "Été & <suite>"}
    options: dict[str, Any] = {
        "form": {"data": fields},
        "json": {"json": fields},
        "multipart": {"files": {name: (None, value) for name, value in fields.items()}},
    }[how]
    url = f"{sandbox.telegram_url}/bot{sandbox.telegram_account.token}/sendMessage"
    async with httpx.AsyncClient() as http:
        answer = (await http.post(url, **options)).json()
    assert answer["ok"] is True
    assert sandbox.posts.telegram()[0].text == "Été & <suite>"
    assert sandbox.posts.telegram()[0].html == "Été &amp; &lt;suite&gt;"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<b>open", "Can't find end tag"),
        ("<b", "Unclosed start tag"),
        ("<b>a</b", "Unclosed end tag"),
        ("</b>", "Unexpected end tag"),
        ("é</b>", "byte offset 2"),
        ("<b><i>a</b></i>", "Unmatched end tag"),
        ("<p>a</p>", 'Unsupported start tag "p"'),
        ("<br>", "Unsupported start tag"),
        ("a < b", "Unclosed start tag"),
        ("<span>a</span>", "Unsupported start tag"),
        ("<script>a</script>", "Unsupported start tag"),
    ],
)
async def test_markup_is_really_read(sandbox: Sandbox, text: str, said: str) -> None:
    async with bot(sandbox) as me:
        with pytest.raises(BadRequest, match=r"(?i)can't parse entities") as raised:
            await me.send_message(CHANNEL, text, parse_mode="HTML")
        assert said.lower() in str(raised.value).lower()
        await me.send_message(CHANNEL, text)  # without a parse mode it is only text


def test_entities_count_in_utf16_and_blanks_at_the_ends_go() -> None:
    read = parse("  🚨 <b>Appelez le <i>15</i></b>\n<blockquote expandable>suite</blockquote> ")
    assert read.text == "🚨 Appelez le 15\nsuite"
    assert [(item["type"], item["offset"], item["length"]) for item in read.entities] == [
        ("bold", 3, 13),
        ("italic", 14, 2),
        ("expandable_blockquote", 17, 5),
    ]
    assert read.html == "🚨 <b>Appelez le <i>15</i></b>\n<blockquote>suite</blockquote>"


@given(st.text(max_size=60))
def test_escaped_text_comes_out_as_it_went_in(text: str) -> None:
    from html import escape

    read = parse(f"<b>{escape(text)}</b>")
    assert read.text == text.strip()
    assert "<b>" in read.html


@given(st.text(alphabet="<>/&;\"'= abipreuhf#x15é🚨", max_size=40))
def test_whatever_is_sent_the_page_stays_safe(text: str) -> None:
    try:
        shown = parse(text).html
    except BadMarkup:
        return
    for tag in ("b", "i", "u", "s", "code", "pre", "blockquote"):
        shown = shown.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
    import re

    assert "<" not in re.sub(r'<span class="link" title="[^"<>]*">|</span>', "", shown)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("a" * 4096, True),
        ("a" * 4097, False),
        ("<b>" + "a" * 4096 + "</b>", True),
        ("&amp;" * 4096, True),
        ("🚨" * 2048, True),
        ("🚨" * 2048 + "a", False),
        ("", False),
        ("  \n ", False),
        ("<b> </b>", False),
    ],
)
async def test_4096_units_after_entities(sandbox: Sandbox, text: str, accepted: bool) -> None:
    url = f"{sandbox.telegram_url}/bot{sandbox.telegram_account.token}/sendMessage"
    fields = {"chat_id": CHANNEL, "text": text, "parse_mode": "HTML"}
    async with httpx.AsyncClient() as http:
        answer = (await http.post(url, data=fields)).json()
    assert answer["ok"] is accepted
    words = "message is too long" if text.strip(" \n<b>/") else "message text is empty"
    assert accepted or words in answer["description"]


async def test_a_photo_with_its_caption(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        sent = await me.send_photo(CHANNEL, b"\x89PNG", caption="<b>Carte</b>", parse_mode="HTML")
        assert sent.caption == "Carte"
        assert sent.photo
        with pytest.raises(BadRequest, match="caption is too long"):
            await me.send_photo(CHANNEL, b"\x89PNG", caption="a" * 1025)
        with pytest.raises(BadRequest, match="no text in the message"):
            await me.edit_message_text("x", chat_id=CHANNEL, message_id=sent.message_id)
    assert len(sandbox.posts.telegram()[0].pictures) == 1


async def test_an_edit_that_changes_nothing_or_finds_nothing(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        sent = await me.send_message(CHANNEL, "un")
        with pytest.raises(BadRequest, match=r"(?i)message is not modified"):
            await me.edit_message_text("un", chat_id=CHANNEL, message_id=sent.message_id)
        for act in (
            me.edit_message_text("deux", chat_id=CHANNEL, message_id=99),
            me.delete_message(CHANNEL, 99),
            me.pin_chat_message(CHANNEL, 99),
            me.send_message(CHANNEL, "deux", reply_parameters=ReplyParameters(99)),
        ):
            with pytest.raises(BadRequest, match="not found"):
                await act
        lenient = ReplyParameters(99, allow_sending_without_reply=True)
        assert await me.send_message(CHANNEL, "trois", reply_parameters=lenient)


@pytest.mark.parametrize("chat", ["@ab", "nobody", "0", "", "@", "12 34"])
async def test_an_address_that_is_none(sandbox: Sandbox, chat: str) -> None:
    async with bot(sandbox) as me:
        with pytest.raises(BadRequest, match=r"(?i)chat"):
            await me.send_message(chat, "un")


async def test_with_a_list_of_chats_only_those_exist() -> None:
    group = Chat(-4200, "group", "Équipe")
    account = TelegramAccount(chats=(group, Chat(-1001400000002, "channel", "Public", "alertes")))
    async with Sandbox(telegram=account) as sandbox, bot(sandbox) as me:
        assert (await me.get_chat("@Alertes")).title == "Public"
        assert (await me.send_message(-4200, "un")).from_user is not None
        with pytest.raises(BadRequest, match=r"(?i)chat not found"):
            await me.send_message(CHANNEL, "un")


@pytest.mark.parametrize("token", ["1400000001:wrong", "1:a"])
async def test_a_wrong_token(sandbox: Sandbox, token: str) -> None:
    with pytest.raises(InvalidToken):
        await bot(sandbox, token).get_me()


async def test_buttons_and_who_presses_them(sandbox: Sandbox) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Approuver", callback_data="a1")]])
    async with bot(sandbox) as me:
        sent = await me.send_message(4242, "À approuver", reply_markup=keyboard)
        assert sent.reply_markup == keyboard
        sandbox.telegram.press(4242, sent.message_id, "a1", person=77)
        (update,) = await me.get_updates(timeout=1)
        query = update.callback_query
        assert query is not None
        assert (query.data, query.from_user.id) == ("a1", 77)
        assert await me.answer_callback_query(query.id, "fait")
        assert await me.get_updates(offset=update.update_id + 1) == ()
        with pytest.raises(BadRequest, match=r"(?i)query is too old"):
            await me.answer_callback_query("1")
        too_much = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="é" * 33)]])
        with pytest.raises(BadRequest, match=r"(?i)BUTTON_DATA_INVALID"):
            await me.send_message(4242, "deux", reply_markup=too_much)
    assert sandbox.posts.telegram()[0].buttons == (("Approuver",),)


async def test_a_flood_is_refused_with_a_time_to_wait(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        burst = asyncio.gather(*(me.send_message(CHANNEL, f"message {number}") for number in range(20)))
        with pytest.raises(RetryAfter) as raised:
            await burst
    assert raised.value.retry_after == 1
    assert len(sandbox.posts) < 20


def flooded(chats: list[Chat], seconds: float, speed: float = 1.0) -> int:
    """How many calls get through when every chat is written to every hundredth of a second."""
    now = [1000.0]
    flood = Flood(lambda: now[0], speed)
    through = 0
    for step in range(int(seconds * 100)):
        now[0] = 1000.0 + step / 100
        through += sum(flood.wait(chat) == 0 for chat in chats)
    return through


def test_the_three_limits() -> None:
    chats = Chats(TelegramAccount())
    channel, group = chats.find(CHANNEL), chats.find("-42")
    people = [found for number in range(1, 200) if (found := chats.find(str(number)))]
    assert channel is not None
    assert group is not None
    assert flooded([channel], 10) in range(14, 16)
    assert flooded([group], 120) in range(59, 62)
    assert flooded(people, 3) in range(118, 122)
    assert flooded([channel], 1, speed=10) in range(14, 16)


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.just(CHANNEL)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["message_id", "inline_keyboard", "text", "callback_data"]),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)
NAMES = ["text", "parse_mode", "message_id", "reply_parameters", "reply_markup", "photo", "caption"]
NAMES += ["offset", "limit", "callback_query_id", "reply_to_message_id"]


@given(
    st.sampled_from(sorted(CALLS)),
    st.dictionaries(st.sampled_from(NAMES), anything, max_size=5),
    st.one_of(st.just(CHANNEL), anything),
)
async def test_no_call_breaks_the_sandbox(method: str, fields: dict[str, Any], chat: object) -> None:
    account = TelegramAccount()
    platform = TelegramPlatform(account, Posts(), Faults(), lambda: datetime.now(UTC))
    for content in ({"chat_id": CHANNEL, "text": "un"}, {**fields, "chat_id": chat}):
        path = f"/bot{account.token}/{method if content.get('text') != 'un' else 'sendMessage'}"
        body = json.dumps(content).encode()
        reply = await platform.handle(
            HttpRequest("POST", path, "", {"content-type": "application/json"}, body)
        )
        answer = json.loads(reply.body)
        assert answer["ok"] is (reply.status == 200)


REFUSED: dict[str, type[TelegramError]] = {
    "flood": RetryAfter,
    "bad_entities": BadRequest,
    "chat_not_found": BadRequest,
    "topic_closed": BadRequest,
    "no_rights:on=send": BadRequest,
    "kicked": Forbidden,
    "migrated": ChatMigrated,
    "unauthorized": InvalidToken,
    "server_error": NetworkError,
    "html": NetworkError,
    "html_200": TelegramError,
    "drop_before": NetworkError,
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_fault_raises_what_the_real_one_would(sandbox: Sandbox, name: str) -> None:
    async with bot(sandbox) as me:
        sandbox.faults.add(f"telegram:{name}:match=urgence")
        await me.send_message(CHANNEL, "autre chose")
        with pytest.raises(REFUSED[name]) as raised:
            await me.send_message(CHANNEL, "urgence")
    assert type(raised.value) is REFUSED[name]
    assert len(sandbox.posts) == 1
    assert not sandbox.faults.standing


async def test_what_faults_carry(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        sandbox.faults.add("telegram:429:retry_after=7")
        sandbox.faults.add("telegram:migrated:to=-1001400000099")
        with pytest.raises(RetryAfter) as flood:
            await me.send_message(CHANNEL, "un")
        with pytest.raises(ChatMigrated) as moved:
            await me.send_message(CHANNEL, "un")
    assert flood.value.retry_after == 7
    assert moved.value.new_chat_id == -1001400000099


async def test_hanging_up_after_the_message_went_out(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        sandbox.faults.add("telegram:drop_after_commit")
        with pytest.raises(NetworkError) as raised:
            await me.send_message(CHANNEL, "un")
        sandbox.faults.add("telegram:slow:delay=0.01")
        await me.send_message(CHANNEL, "deux")
    assert isinstance(raised.value.__cause__, httpx.RemoteProtocolError)
    assert [post.text for post in sandbox.posts.telegram()] == ["un", "deux"]


def test_every_fault_of_telegram_is_tried_here() -> None:
    tried = {*(name.partition(":")[0] for name in REFUSED), "drop_after_commit", "slow"}
    assert tried == {kind.name for kind in FAULTS if kind.platform == "telegram"}
