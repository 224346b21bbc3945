"""Telegram as a way to reach approvers: the calls that the queue of requests makes.

A request is one message, a document with a caption and buttons, so it stands whole or not at all. What
comes of it replaces the caption and takes the buttons away.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import TYPE_CHECKING, Any

from alertbot.errors import ChannelDown, ChannelError, ConfigInvalid, Unavailable, Uncertain
from alertbot.service.asking import Ask
from alertbot.service.context import Context
from alertbot.teambot import buttons, wording
from alertbot.teambot.webhook import Hook
from alertbot.words import _

if TYPE_CHECKING:
    import telegram
    from telegram.request import HTTPXRequest

    from alertbot.config import TelegramApprovals

log = logging.getLogger(__name__)

CONNECTIONS = 4
CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 20.0
LONGEST_CALL_SECONDS = 60.0

Call = Callable[["telegram.Bot", int], Awaitable[Any]]


class TelegramWay:
    """Asks in the team's group and in private chats. Nothing is loaded before the first call. `hook`: where
    Telegram calls this machine; None where it is asked for news."""

    name = "telegram"

    def __init__(self, service: Context, settings: "TelegramApprovals") -> None:
        self.service, self.settings = service, settings
        called = settings.webhook if settings.mode == "webhook" else None
        self.hook = None if called is None else Hook(called)
        self._bot: telegram.Bot | None = None
        self._requests: tuple[HTTPXRequest, ...] = ()
        self._moved: dict[int, int] = {}

    async def ask(self, ask: Ask) -> str | None:
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
                reply_markup=buttons.of_request(ask.alert, ask.digest),
                disable_content_type_detection=True,
            ),
            before=lambda: page.seek(0),
        )
        return str(message.message_id)

    async def update(self, ask: Ask) -> None:
        await self._change(ask, wording.request(ask), buttons.of_request(ask.alert, ask.digest))

    async def close(self, ask: Ask, outcome: str) -> None:
        await self._change(ask, wording.settled(outcome, ask.digest), None)

    async def listen(self, stop: asyncio.Event) -> None:
        from alertbot.teambot.listening import listen

        await listen(self, stop)

    async def shut(self) -> None:
        """Give the connections back."""
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
        """One call to the Bot API, once more where the group has got a new number. What changes nothing
        is fine. Raises `ChannelError`. `before`: done before every try."""
        bot = self.ready()
        from alertbot.channels import telegram_errors as errors

        for _twice in range(2):
            try:
                if before is not None:
                    before()
                return await asyncio.wait_for(
                    call(bot, self._moved.get(chat, chat)), LONGEST_CALL_SECONDS
                )
            except Exception as error:  # noqa: BLE001 - python-telegram-bot leaks what a body made it raise
                if errors.nothing_changed(error):
                    return True
                moved = errors.new_chat(error)
                if moved is None or chat in self._moved:
                    raise _ours(errors.meaning(error, about, self.token()), about) from None
                self._moved[chat] = moved
                log.warning(
                    _("The team's group has a new number, {chat}: put it in the configuration.").format(
                        chat=moved
                    )
                )
        raise ChannelError(about)  # never reached

    def in_group(self, chat: int) -> bool:
        """Whether this is the team's group, under its old number or its new one."""
        group = self.settings.chat
        return group is not None and chat in (group, self._moved.get(group))

    def token(self) -> str:
        """Raises `ChannelDown` where it is missing. Never to be logged."""
        try:
            return self.settings.secret("bot_token")
        except ConfigInvalid as fault:
            raise ChannelDown(str(fault), code="secret") from None

    def ready(self) -> "telegram.Bot":
        if self._bot is None:
            self._bot, self._requests = self.make()
        return self._bot

    def make(self) -> "tuple[telegram.Bot, tuple[HTTPXRequest, ...]]":
        """A bot of its own, with connections to be shut down after it."""
        from alertbot.channels.telegram_client import bot

        return bot(self.token(), self.settings.api_url, CONNECT_SECONDS, ANSWER_SECONDS, CONNECTIONS)


def _ours(error: ChannelError, about: str) -> ChannelError:
    """What to do is another thing than for a post: the request is made once more, and a copy does no harm."""
    if not isinstance(error, Uncertain):
        return error
    return Unavailable(
        _("Telegram's answer about {alert} was lost; the message may stand already.").format(
            alert=about
        ),
        code=error.code,
    )
