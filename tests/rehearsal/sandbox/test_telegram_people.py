"""People in the sandbox's chats: what they write and press reaches the bot, by asking or by a call."""

from collections.abc import AsyncIterator

import pytest
from telegram import ForceReply, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import BadRequest, Conflict

from alertbot.rehearsal.sandbox.server import Sandbox
from tests.rehearsal.sandbox.clients import bot

GROUP, PERSON = -42001, 4242


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=1000) as running:
        yield running


KEYBOARD = InlineKeyboardMarkup([[InlineKeyboardButton("Approuver", callback_data="a1")]])


async def test_a_document_with_a_caption_and_buttons_can_be_changed(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        sent = await me.send_document(
            GROUP, b"<p>page</p>", filename="page.html", caption="<b>un</b>", parse_mode="HTML",
            reply_markup=KEYBOARD,
        )  # fmt: skip
        assert sent.document is not None
        assert (sent.document.file_name, sent.caption) == ("page.html", "un")
        found = sandbox.telegram.document(GROUP, sent.message_id)
        assert found is not None
        assert found.content == b"<p>page</p>"
        assert sandbox.telegram.buttons(GROUP, sent.message_id) == {"Approuver": "a1"}
        await me.edit_message_caption(GROUP, sent.message_id, caption="deux")
        with pytest.raises(BadRequest, match="not modified"):
            await me.edit_message_caption(GROUP, sent.message_id, caption="deux")
        with pytest.raises(BadRequest, match="too long"):
            await me.edit_message_caption(GROUP, sent.message_id, caption="x" * 1025)
        text = await me.send_message(GROUP, "texte", reply_markup=KEYBOARD)
        with pytest.raises(BadRequest, match="no caption"):
            await me.edit_message_caption(GROUP, text.message_id, caption="trois")
        await me.edit_message_reply_markup(GROUP, text.message_id)
        with pytest.raises(BadRequest, match="no document"):
            await me.send_document(GROUP, "file-id")
    (post, other) = sandbox.posts.telegram()
    assert (post.text, post.buttons) == ("deux", ())
    assert (other.text, other.buttons) == ("texte", ())


async def test_what_people_write_is_heard_and_can_be_answered(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        question = await me.send_message(GROUP, "Pourquoi ?", reply_markup=ForceReply(selective=True))
        number = sandbox.telegram.say(GROUP, "parce que", PERSON, "Ada", question.message_id)
        sandbox.telegram.say(PERSON, "/link AB CD", PERSON, "Ada")
        first, second = await me.get_updates(timeout=1)
        assert first.message is not None
        assert first.message.reply_to_message is not None
        assert first.message.reply_to_message.message_id == question.message_id
        assert first.message.reply_to_message.from_user == me.bot
        assert second.message is not None
        assert second.message.parse_entities(["bot_command"]) != {}
        assert second.message.chat.type == "private"
        reply = await me.send_message(GROUP, "bien", reply_to_message_id=number)
        assert reply.reply_to_message is not None
    assert [post.text for post in sandbox.posts.telegram()] == ["Pourquoi ?", "bien"]


async def test_what_somebody_was_told_is_kept_and_may_not_be_long(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        sent = await me.send_message(GROUP, "un", reply_markup=KEYBOARD)
        query = sandbox.telegram.press(GROUP, sent.message_id, "a1", PERSON)
        await me.answer_callback_query(query, "fait", show_alert=True)
        with pytest.raises(BadRequest, match=r"(?i)message_too_long"):
            await me.answer_callback_query(query, "x" * 201)
    (answer,) = sandbox.telegram.answers
    assert (answer.query, answer.text, answer.alert) == (query, "fait", True)


async def test_a_webhook_stays_on_this_machine_and_ends_the_asking(sandbox: Sandbox) -> None:
    async with bot(sandbox) as me:
        with pytest.raises(BadRequest, match="the sandbox calls"):
            await me.set_webhook("https://bot.example.org/")
        assert await me.set_webhook("http://127.0.0.1:9/telegram", secret_token="a-secret")
        assert (await me.get_webhook_info()).url == "http://127.0.0.1:9/telegram"
        with pytest.raises(Conflict):
            await me.get_updates()
        assert await me.delete_webhook()
        assert await me.get_updates() == ()
