"""Telegram as a way to reach approvers: the bot's calls, and its replies in chats.

A request is one message, a document with a caption and buttons, so it arrives completely or not at all.
The outcome replaces the caption and removes the buttons.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from telegram import ForceReply, LinkPreviewOptions, ReplyParameters

from alertbot.alerts.hand.giving import HandTaskView
from alertbot.alerts.requests.telegram import wording
from alertbot.alerts.requests.telegram.webhook import Hook
from alertbot.alerts.requests.text import Ask
from alertbot.channels.telegram import client
from alertbot.core.errors import ChannelDown, ChannelError, ConfigInvalid, Unavailable, Uncertain
from alertbot.core.words import _, spoken
from alertbot.people.context import Context
from alertbot.people.store_requests import task_in

if TYPE_CHECKING:
    import telegram
    from telegram import CallbackQuery, Message
    from telegram.request import HTTPXRequest

    from alertbot.config.approvers import TelegramApprovals


log = logging.getLogger(__name__)

CONNECTIONS = 4
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 20.0
LONGEST_CALL_SECONDS = 60.0

Call = Callable[["telegram.Bot", int], Awaitable[Any]]
UpdateListener = Callable[["TelegramWay", asyncio.Event], Awaitable[None]]


class TelegramWay:
    """Asks in the team's group and in private chats. Nothing is loaded before the first call. `hook`:
    where Telegram calls this machine; None for polling. `listen`: handles the answers until its event
    is set."""

    name = "telegram"

    def __init__(self, service: Context, settings: "TelegramApprovals", listen: UpdateListener) -> None:
        self.service, self.settings, self._listen = service, settings, listen
        called = settings.webhook if settings.mode == "webhook" else None
        self.hook = None if called is None else Hook(called)
        self._bot: telegram.Bot | None = None
        self._requests: tuple[HTTPXRequest, ...] = ()
        self._moved: dict[int, int] = {}

    @property
    def is_called(self) -> bool:
        return self.hook is not None

    async def ask(self, ask: Ask) -> str | None:
        if ask.hand is not None:
            return await self._ask_hand(ask, ask.hand)
        page = BytesIO(ask.page.encode("utf-8", "replace"))
        message = await self.call(
            ask.alert,
            int(ask.address),
            lambda bot, chat: bot.send_document(
                chat,
                page,
                filename=f"{ask.alert}-{ask.digest[: wording.SHOWN_DIGEST]}.html",
                caption=wording.request(ask),
                parse_mode="HTML",
                reply_markup=wording.of_request(ask.alert, ask.digest),
                disable_content_type_detection=True,
            ),
            before=lambda: page.seek(0),
        )
        return str(message.message_id)

    async def _ask_hand(self, ask: Ask, view: HandTaskView) -> str:
        """The words alone, to be copied, and the picture; then what to do, with the buttons and the words as a file."""
        chat = int(ask.address)
        if view.words and len(view.words.encode("utf-16-le")) // 2 <= wording.LONGEST_TEXT:
            quiet = LinkPreviewOptions(is_disabled=True)
            await self.call(
                ask.alert,
                chat,
                lambda bot, there: bot.send_message(there, view.words, link_preview_options=quiet),
            )
        alt = wording.cut(view.alt or "", wording.LONGEST_CAPTION)
        for picture in ask.pictures:
            await self.call(ask.alert, chat, partial(_send_photo, picture.content, alt))
        words = BytesIO((view.words or view.instruction).encode("utf-8", "replace"))
        message = await self.call(
            ask.alert,
            chat,
            lambda bot, there: bot.send_document(
                there,
                words,
                filename=f"{ask.alert}-{view.task.id}.txt",
                caption=wording.hand_request(view),
                parse_mode="HTML",
                reply_markup=wording.of_hand(view.task.id),
                disable_content_type_detection=True,
            ),
            before=lambda: words.seek(0),
        )
        return str(message.message_id)

    async def update(self, ask: Ask) -> None:
        if ask.hand is not None:
            await self._change(ask, wording.hand_request(ask.hand), wording.of_hand(ask.hand.task.id))
            return
        await self._change(ask, wording.request(ask), wording.of_request(ask.alert, ask.digest))

    async def close(self, ask: Ask, outcome: str) -> None:
        about_task = task_in(ask.digest) is not None
        said = wording.hand_settled(outcome) if about_task else wording.settled(outcome, ask.digest)
        await self._change(ask, said, None)

    async def listen(self, stop: asyncio.Event) -> None:
        with spoken(self.service.publisher.organisation.languages[0]):
            await self._listen(self, stop)

    async def shut(self) -> None:
        """Close the connections."""
        requests, self._requests, self._bot = self._requests, (), None
        for request in requests:
            await request.shutdown()

    async def _change(self, ask: Ask, caption: str, keyboard: Any) -> None:
        number = int(ask.message_ref or 0)
        await self.call(
            ask.alert,
            int(ask.address),
            lambda bot, chat: bot.edit_message_caption(
                chat, number, caption=caption, parse_mode="HTML", reply_markup=keyboard
            ),
        )

    async def call(
        self, about: str, chat: int, call: Call, *, before: Callable[[], object] | None = None
    ) -> Any:
        """One call to the Bot API, repeated once if the group has a new id. "Not modified" counts as
        success. `before` runs before every try. Raises `ChannelError`."""
        bot = self.ready()

        for _twice in range(2):
            try:
                if before is not None:
                    before()
                return await asyncio.wait_for(
                    call(bot, self._moved.get(chat, chat)), LONGEST_CALL_SECONDS
                )
            except Exception as error:  # noqa: BLE001 - python-telegram-bot leaks what a body made it raise
                if client.nothing_changed(error):
                    return True
                moved = client.new_chat(error)
                if moved is None or chat in self._moved:
                    raise _ours(client.meaning(error, about, self.token()), about) from None
                self._moved[chat] = moved
                log.warning(
                    _("The team's group has a new id, {chat}. Put it in the configuration.").format(
                        chat=moved
                    )
                )
        raise ChannelError(about)  # never reached

    def in_group(self, chat: int) -> bool:
        """Whether this is the team's group, under its old or new id."""
        group = self.settings.chat
        return group is not None and chat in (group, self._moved.get(group))

    def token(self) -> str:
        """The bot token; never log it. Raises `ChannelDown` if it is missing."""
        try:
            return self.settings.secret("bot_token")
        except ConfigInvalid as fault:
            raise ChannelDown(str(fault), code="secret") from None

    def ready(self) -> "telegram.Bot":
        if self._bot is None:
            self._bot, self._requests = self.make()
        return self._bot

    def make(self) -> "tuple[telegram.Bot, tuple[HTTPXRequest, ...]]":
        """A bot of its own, with connections that the caller must close."""
        return client.bot(
            self.token(), self.settings.api_url, CONNECT_SECONDS, ANSWER_SECONDS, CONNECTIONS
        )


async def _send_photo(content: bytes, alt: str, bot: "telegram.Bot", chat: int) -> Any:
    return await bot.send_photo(chat, content, caption=alt)


def _ours(error: ChannelError, about: str) -> ChannelError:
    """How a failed request is treated, unlike a post: it is sent again, because a duplicate does no
    harm."""
    if not isinstance(error, Uncertain):
        return error
    return Unavailable(
        _("Telegram's answer about {alert} was lost; the message may have been posted.").format(
            alert=about
        ),
        code=error.code,
    )


class BotReplies:
    """Sends the bot's answers in chats."""

    def __init__(self, way: TelegramWay) -> None:
        self._way = way

    async def pop(self, query: "CallbackQuery", text: str) -> None:
        """Answer a button press in a pop-up; a text too long for that is also sent to the chat."""
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

    async def ask(
        self, query: "CallbackQuery", name: str, text: str, hint: str = ""
    ) -> tuple[int, int] | None:
        """Ask the person who pressed a button a question, to be answered by a reply. `text` contains
        `{name}`. Returns the chat and message id of the question, or None if it could not be sent."""
        if query.message is None:
            return None
        mention = f'<a href="tg://user?id={query.from_user.id}">{escape(name)}</a>'
        html = escape(text, quote=False).replace("{name}", mention)
        waiting = ForceReply(selective=True, input_field_placeholder=hint or _("Reason"))
        message = await self._try(
            query.message.chat.id,
            lambda bot, there: bot.send_message(there, html, parse_mode="HTML", reply_markup=waiting),
        )
        return None if message is None else (query.message.chat.id, message.message_id)

    async def replace(self, chat: int, number: int, text: str) -> None:
        """Replace the text of one of the bot's messages and remove its buttons."""
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
