"""Telegram: the settings of a chat, and the adapter that posts, edits, deletes, pins and reads back in
it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from html import escape
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from alertbot.channels import base
from alertbot.channels.base import Adapter
from alertbot.channels.outcomes import number_of, without_id
from alertbot.channels.telegram.spans import marked
from alertbot.channels.telegram.witness import PUBLIC, TelegramWitness
from alertbot.config.channel import NetworkSettings
from alertbot.config.secrets import Secret
from alertbot.config.shapes import FilePath, ServerRoot, SomeDuration, Variable
from alertbot.core.errors import ConfigInvalid, Rejected, Unavailable, Uncertain
from alertbot.core.model import Action, Channel, Post, PostAddresses, Receipt, Target
from alertbot.core.words import _

if TYPE_CHECKING:
    import telegram
    from telegram.request import HTTPXRequest


ChatName = Annotated[str, Field(pattern=r"^(@[A-Za-z][A-Za-z0-9_]{3,31}|-?[0-9]{1,19})$")]


class TelegramSettings(NetworkSettings):
    """A bot that writes to one chat, group or channel."""

    secrets: ClassVar[tuple[Secret, ...]] = (
        Secret("bot_token", about=_("The bot token from @BotFather.")),
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
    answer_within: SomeDuration = timedelta(seconds=30)


CONNECTIONS = 16
MOST_REMEMBERED = 200
LIKE_A_TOKEN = r"[0-9]+:[A-Za-z0-9_-]+"  # noqa: S105 - a pattern

Call = Callable[["telegram.Bot", str | int], Awaitable[Any]]


class TelegramAdapter(Adapter[TelegramSettings]):
    """One bot, one chat. Calls may run in parallel."""

    spec = base.TELEGRAM
    settings_type = TelegramSettings

    def __init__(self, channel: Channel, settings: TelegramSettings) -> None:
        super().__init__(channel, settings)
        self._chat = settings.chat
        self._token = ""
        self._shown: dict[str, str] = {}  # by message id, as HTML: what Telegram said stands there
        self._bot: telegram.Bot | None = None
        self._requests: tuple[HTTPXRequest, ...] = ()

    @classmethod
    def targets(cls, settings: TelegramSettings) -> tuple[Target, ...]:
        return (Target(str(settings.chat)),)

    @classmethod
    def identity(cls, settings: TelegramSettings) -> dict[str, str]:
        token = settings.told("bot_token")
        return {
            "server": settings.server,
            "chat": str(settings.chat).lower(),
            "bot": token.partition(":")[0] if re.fullmatch(LIKE_A_TOKEN, token) else "",
        }

    @classmethod
    def addresses(cls, settings: TelegramSettings) -> PostAddresses:
        chat = str(settings.chat)
        place = "c/" + chat.removeprefix("-100") if chat.startswith("-100") else chat.removeprefix("@")
        if chat.lstrip("-").isdigit() and not chat.startswith("-100"):
            return PostAddresses(
                unknown=_("Messages of the chat {chat} have no address.").format(chat=chat)
            )
        pattern = (
            rf"(?i)https://(?:t|telegram)\.me/(?:s/)?{re.escape(place)}/(?:\d+/)?(?P<id>\d+)/?(?:\?.*)?"
        )
        return PostAddresses((pattern,), f"https://t.me/{place}/17")

    @classmethod
    def witness(cls, settings: TelegramSettings) -> TelegramWitness:
        if not str(settings.chat).startswith("@"):
            told = _('only a public chat, `chat: "@name"`, can be seen without an account')
            raise ConfigInvalid(told)
        return TelegramWitness(str(settings.chat), settings.public_root(PUBLIC))

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
        message, note = await self._call(
            post,
            lambda bot, chat: bot.send_message(
                chat, post.html or post.text, **_answers(post), **_looks(post)
            ),
        )
        return self._receipt(post.alert, message, note or _alone(post, message))

    async def add_picture(self, post: Post) -> Receipt:
        """Post a photo as a reply to the text, with its text alternative as caption, which screen
        readers read and people without pictures see. Raises `Rejected` without a picture."""
        if post.picture is None:
            raise Rejected(_("{alert}: there is no picture to send.").format(alert=post.alert))
        photo = post.picture.content
        message, note = await self._call(
            post,
            lambda bot, chat: bot.send_photo(
                chat, photo, caption=post.alt, filename="picture", **_answers(post)
            ),
        )
        return self._receipt(post.alert, message, note or _alone(post, message))

    async def edit(self, post: Post) -> Receipt:
        """Replace the text of a message, or the caption of a photo."""
        number = int(number_of("Telegram", post))
        text = post.html or post.text
        try:
            message, note = await self._call(
                post,
                lambda bot, chat: bot.edit_message_text(
                    text, chat_id=chat, message_id=number, **_looks(post)
                ),
            )
        except Rejected as refused:
            if refused.code != "caption":
                raise
            message, note = await self._call(
                post,
                lambda bot, chat: bot.edit_message_caption(
                    chat, number, caption=text, parse_mode="HTML" if post.html else None
                ),
            )
        if message is True:  # the very text stands there already
            self._remember(str(number), post.html or escape(post.text, quote=False))
            return Receipt(str(number), self._url(None, str(number)), note)
        return self._receipt(post.alert, message, note)

    async def delete(self, post: Post) -> Receipt:
        number = int(number_of("Telegram", post))
        _done, note = await self._call(post, lambda bot, chat: bot.delete_message(chat, number))
        return Receipt(str(number), note=note)

    async def pin(self, post: Post) -> Receipt:
        number = int(number_of("Telegram", post))
        _done, note = await self._call(
            post,
            lambda bot, chat: bot.pin_chat_message(chat, number, disable_notification=True),
        )
        return Receipt(str(number), self._url(None, str(number)), note)

    async def read_back(self, _post: Post, receipt: Receipt) -> str | None:
        """The message's HTML as in Telegram's answer: a bot cannot look at a chat later. Raises
        `Rejected` if there is no answer to read."""
        if receipt.id not in self._shown:
            raise Rejected(
                _(
                    "Telegram shows a bot its messages only in the answer to sending, and that answer was lost."
                ),
                code="not_possible",
            )
        return self._shown[receipt.id]

    def _remember(self, remote_id: str, html: str) -> None:
        self._shown[remote_id] = html
        while len(self._shown) > MOST_REMEMBERED:
            del self._shown[next(iter(self._shown))]

    async def identify(self) -> str:
        try:
            bot, _note = await self._call(None, lambda bot, _chat: bot.get_me())
        except Uncertain as lost:
            raise Unavailable(_("Telegram sent an unexpected answer."), code=lost.code) from None
        return f"@{bot.username}"

    async def _call(self, post: Post | None, call: Call) -> tuple[Any, str]:
        """Make a call for a post (None: about the account), and once more with the new id if the group has become a
        supergroup. Raises the channel errors."""
        bot = self._ready()
        alert = self.channel.name if post is None else post.alert
        action = Action.PUBLISH if post is None else post.action
        from alertbot.channels.telegram import client

        try:
            return await self._in_time(call(bot, self._chat)), ""
        except Exception as error:  # noqa: BLE001 - python-telegram-bot leaks what a body made it raise
            if (note := client.done_already(error)) is not None:
                return True, note
            if (chat := client.new_chat(error)) is None:
                raise client.meaning(error, alert, self._token, action=action) from None
        try:
            found = await self._in_time(call(bot, chat))
        except Exception as error:  # noqa: BLE001 - the same
            raise client.meaning(error, alert, self._token, action=action) from None
        self._chat = chat
        return found, _("The chat has a new id, {chat}. Put it in the configuration.").format(chat=chat)

    async def _in_time(self, call: Awaitable[Any]) -> Any:
        """Limit the whole call: the library's limits are per read, and a server could drip bytes for
        ever."""
        return await asyncio.wait_for(call, self.settings.most_seconds)

    def _receipt(self, alert: str, message: Any, note: str) -> Receipt:
        number = getattr(message, "message_id", None)
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            raise without_id("Telegram", alert, 200)
        self._remember(str(number), shown_html(message))
        return Receipt(str(number), self._url(message, str(number)), note)

    def _url(self, message: Any, remote_id: str) -> str | None:
        """The address of a message; only public chats have one."""
        name = getattr(getattr(message, "chat", None), "username", None)
        if isinstance(self._chat, str) and self._chat.startswith("@"):
            name = self._chat[1:]
        known = isinstance(name, str) and re.fullmatch(r"\w{4,32}", name)
        return f"https://t.me/{name}/{remote_id}" if known else None

    def _ready(self) -> "telegram.Bot":
        if self._bot is None:
            from alertbot.channels.telegram.client import bot

            self._token = self.secret("bot_token", LIKE_A_TOKEN)
            api_url, (connect, answer) = self.settings.api_url, self.settings.within
            self._bot, self._requests = bot(self._token, api_url, connect, answer, CONNECTIONS)
        return self._bot


def _alone(post: Post, message: Any) -> str:
    """The note on a reply that stands alone because the post it replies to is gone."""
    if post.reply_to is None or getattr(message, "reply_to_message", None) is not None:
        return ""
    return _("The message it replies to is gone; it was sent on its own.")


def shown_html(message: Any) -> str:
    """The text or caption of a message as HTML; empty if the answer has none."""
    try:
        text, found = message.text or message.caption, message.entities or message.caption_entities
        marks = [(one.type, one.offset, one.length, one.url) for one in found or ()]
        return marked(str(text or ""), marks)
    except Exception:  # noqa: BLE001 - entities that do not fit their text
        return ""


def _looks(post: Post) -> dict[str, Any]:
    return {"parse_mode": "HTML" if post.html else None, "disable_web_page_preview": True}


def _answers(post: Post) -> dict[str, Any]:
    return {"reply_to_message_id": _number(post.reply_to), "allow_sending_without_reply": True}


def _number(remote_id: str | None) -> int | None:
    return int(remote_id) if remote_id and remote_id.isdecimal() else None
