"""Telegram, by the plain bot of python-telegram-bot."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from alertbot.channels import specs
from alertbot.channels.base import Adapter
from alertbot.config import ChannelSettings, FilePath, Secret, ServerRoot, SomeDuration, Variable
from alertbot.errors import ChannelDown, ConfigInvalid, Rejected, Unavailable, Uncertain
from alertbot.model import Channel, Post, Receipt, Target
from alertbot.words import _

if TYPE_CHECKING:
    import telegram
    from telegram.request import HTTPXRequest

CONNECTIONS = 16
TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")

ChatName = Annotated[str, Field(pattern=r"^(@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,19})$")]
Call = Callable[["telegram.Bot", str | int], Awaitable[Any]]


class TelegramSettings(ChannelSettings):
    """A bot that writes to one chat, group or channel."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("bot_token", about=_("The token that @BotFather gave for the bot.")),
    )

    type: Literal["telegram"] = Field(default="telegram", description="A chat on Telegram.")
    api_url: ServerRoot = Field(
        default="https://api.telegram.org",
        description="The root of the Bot API.",
        examples=["http://127.0.0.1:8102"],
    )
    bot_token_env: Variable | None = None
    bot_token_file: FilePath | None = None
    chat: int | ChatName = Field(
        description="@name of a public channel or group, or the number of a chat.",
        examples=["@alertes_exemple", -1001234567890],
    )
    connect_within: SomeDuration = timedelta(seconds=5)
    answer_within: SomeDuration = timedelta(seconds=30)


class TelegramAdapter(Adapter[TelegramSettings]):
    """One bot, one chat. Calls may run side by side."""

    spec = specs.TELEGRAM
    settings_type = TelegramSettings

    def __init__(self, channel: Channel, settings: TelegramSettings) -> None:
        super().__init__(channel, settings)
        self._chat = settings.chat
        self._token = ""
        self._bot: telegram.Bot | None = None
        self._requests: tuple[HTTPXRequest, ...] = ()

    @classmethod
    def targets(cls, settings: TelegramSettings) -> tuple[Target, ...]:
        return (Target(str(settings.chat)),)

    @property
    def at_once(self) -> int:
        return CONNECTIONS

    async def warm(self) -> None:
        self._ready()

    async def close(self) -> None:
        requests, self._requests, self._bot = self._requests, (), None
        for request in requests:
            await request.shutdown()

    async def _send(self, post: Post) -> Receipt:
        from telegram import ReplyParameters

        number = _number(post.reply_to)
        reply = number and ReplyParameters(number, allow_sending_without_reply=True)
        message, note = await self._call(
            post.alert,
            lambda bot, chat: bot.send_message(
                chat, post.html or post.text, reply_parameters=reply or None, **_looks(post)
            ),
        )
        return self._receipt(post.alert, message, note)

    async def edit(self, post: Post) -> Receipt:
        number = _earlier(post)
        message, note = await self._call(
            post.alert,
            lambda bot, chat: bot.edit_message_text(
                post.html or post.text, chat_id=chat, message_id=number, **_looks(post)
            ),
        )
        if message is True:  # the very text stands there already
            return Receipt(str(number), self._url(None, str(number)), note)
        return self._receipt(post.alert, message, note)

    async def delete(self, post: Post) -> Receipt:
        number = _earlier(post)
        _done, note = await self._call(post.alert, lambda bot, chat: bot.delete_message(chat, number))
        return Receipt(str(number), note=note)

    async def pin(self, post: Post) -> Receipt:
        number = _earlier(post)
        _done, note = await self._call(
            post.alert,
            lambda bot, chat: bot.pin_chat_message(chat, number, disable_notification=True),
        )
        return Receipt(str(number), self._url(None, str(number)), note)

    async def identify(self) -> str:
        try:
            bot, _note = await self._call(self.channel.name, lambda bot, _chat: bot.get_me())
        except Uncertain as lost:
            raise Unavailable(_("Telegram did not answer as it should."), code=lost.code) from None
        return f"@{bot.username}"

    async def _call(self, alert: str, call: Call) -> tuple[Any, str]:
        """Make a call, twice at most: again with the new number where the group has got one."""
        bot = self._ready()
        from alertbot.channels import telegram_errors as errors

        try:
            return await self._in_time(call(bot, self._chat)), ""
        except Exception as error:  # noqa: BLE001 - python-telegram-bot leaks what a body made it raise
            if errors.nothing_changed(error) or errors.already_gone(error):
                return True, ""
            if (chat := errors.new_chat(error)) is None:
                raise errors.meaning(error, alert, self._token) from None
        try:
            found = await self._in_time(call(bot, chat))
        except Exception as error:  # noqa: BLE001 - the same
            raise errors.meaning(error, alert, self._token) from None
        self._chat = chat
        return found, _("The chat has a new number, {chat}: put it in the configuration.").format(
            chat=chat
        )

    async def _in_time(self, call: Awaitable[Any]) -> Any:
        """The library's limits are per read; a server that drips bytes has to end some time too."""
        settings = self.settings
        most = settings.connect_within + 2 * settings.answer_within
        return await asyncio.wait_for(call, most.total_seconds())

    def _receipt(self, alert: str, message: Any, note: str) -> Receipt:
        number = getattr(message, "message_id", None)
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            raise Uncertain(
                _("Telegram took {alert} but gave no id. Look at the chat, then settle it.").format(
                    alert=alert
                ),
                code="200",
            )
        return Receipt(str(number), self._url(message, str(number)), note)

    def _url(self, message: Any, remote_id: str) -> str | None:
        """Where a message stands; only public chats have such an address."""
        name = getattr(getattr(message, "chat", None), "username", None)
        if isinstance(self._chat, str) and self._chat.startswith("@"):
            name = self._chat[1:]
        known = isinstance(name, str) and re.fullmatch(r"\w{4,32}", name)
        return f"https://t.me/{name}/{remote_id}" if known else None

    def _ready(self) -> "telegram.Bot":
        if self._bot is None:
            from alertbot.channels.telegram_client import bot

            self._token = self._read_token()
            settings = self.settings
            self._bot, self._requests = bot(
                self._token,
                settings.api_url,
                settings.connect_within.total_seconds(),
                settings.answer_within.total_seconds(),
                CONNECTIONS,
            )
        return self._bot

    def _read_token(self) -> str:
        try:
            token = self.settings.secret("bot_token")
        except ConfigInvalid as fault:
            raise ChannelDown(str(fault), code="secret") from None
        if not TOKEN.fullmatch(token):
            raise ChannelDown(
                _("{channel}: bot_token is not a bot token; copy it anew from @BotFather.").format(
                    channel=self.channel.name
                ),
                code="secret",
            )
        return token


def _looks(post: Post) -> dict[str, Any]:
    from telegram import LinkPreviewOptions

    return {
        "parse_mode": "HTML" if post.html else None,
        "link_preview_options": LinkPreviewOptions(is_disabled=True),
    }


def _number(remote_id: str | None) -> int | None:
    return int(remote_id) if remote_id and remote_id.isdecimal() else None


def _earlier(post: Post) -> int:
    """The message that it acts upon."""
    number = _number(post.reply_to)
    if number is None:
        raise Rejected(
            _("{alert}: '{id}' is not the number of a message on Telegram.").format(
                alert=post.alert, id=post.reply_to or ""
            ),
            code="no_post",
        )
    return number
