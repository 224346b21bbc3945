"""The bot's small talk: answers to buttons, replies, questions. What cannot be said is logged, never raised:
what was decided stands, whether or not the chat hears of it now."""

import logging
from html import escape
from typing import TYPE_CHECKING, Any

from alertbot.errors import ChannelError
from alertbot.teambot import wording
from alertbot.teambot.way import Call, TelegramWay
from alertbot.words import _

if TYPE_CHECKING:
    from telegram import CallbackQuery, Message

log = logging.getLogger(__name__)


class Speaker:
    """Says things in one bot's chats."""

    def __init__(self, way: TelegramWay) -> None:
        self._way = way

    async def pop(self, query: "CallbackQuery", text: str) -> None:
        """Answer a button in a window; what is too long for it is also written in the chat."""
        shown = wording.cut(text, wording.LONGEST_ANSWER)
        chat = query.message.chat.id if query.message else query.from_user.id
        await self._try(
            chat, lambda bot, _chat: bot.answer_callback_query(query.id, shown, show_alert=True)
        )
        if shown != text:
            await self.say(chat, text)

    async def reply(self, message: "Message", text: str, keyboard: Any = None) -> None:
        await self.say(message.chat.id, text, reply_to=message.message_id, keyboard=keyboard)

    async def say(
        self, chat: int, text: str, *, reply_to: int | None = None, keyboard: Any = None
    ) -> None:
        from telegram import LinkPreviewOptions, ReplyParameters

        reply = (
            None if reply_to is None else ReplyParameters(reply_to, allow_sending_without_reply=True)
        )
        await self._try(
            chat,
            lambda bot, there: bot.send_message(
                there,
                wording.cut(text, wording.LONGEST_TEXT),
                reply_parameters=reply,
                reply_markup=keyboard,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
            ),
        )

    async def ask(self, query: "CallbackQuery", name: str, text: str) -> tuple[int, int] | None:
        """Ask the presser something, to be answered by a reply. `text` holds `{name}`. The chat and number
        of the question, None where it could not be asked."""
        from telegram import ForceReply

        if query.message is None:
            return None
        mention = f'<a href="tg://user?id={query.from_user.id}">{escape(name)}</a>'
        html = escape(text, quote=False).replace("{name}", mention)
        waiting = ForceReply(selective=True, input_field_placeholder=_("The reason"))
        message = await self._try(
            query.message.chat.id,
            lambda bot, there: bot.send_message(there, html, parse_mode="HTML", reply_markup=waiting),
        )
        return None if message is None else (query.message.chat.id, message.message_id)

    async def replace(self, chat: int, number: int, text: str) -> None:
        """Put a text in the place of one of ours, without its buttons."""
        await self._try(
            chat,
            lambda bot, there: bot.edit_message_text(
                wording.cut(text, wording.LONGEST_TEXT), chat_id=there, message_id=number
            ),
        )

    async def settle(self, chat: int, number: int, caption: str) -> None:
        """Show the outcome in a request."""
        await self._try(
            chat,
            lambda bot, there: bot.edit_message_caption(
                there, number, caption=caption, parse_mode="HTML", reply_markup=None
            ),
        )

    async def _try(self, chat: int, call: Call) -> Any:
        try:
            return await self._way.call(str(chat), chat, call)
        except ChannelError as error:
            log.warning("telegram: %s", error)
            return None
