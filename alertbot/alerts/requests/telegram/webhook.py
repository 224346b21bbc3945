"""Telegram's webhook: calls arrive at a route of the web application and must carry the secret."""

import asyncio
import hmac
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from alertbot.core.errors import ChannelDown, ConfigInvalid
from alertbot.core.words import _

if TYPE_CHECKING:
    from telegram.ext import Application

    from alertbot.config.approvers import WebhookSettings


log = logging.getLogger(__name__)

HEADER = "x-telegram-bot-api-secret-token"


class Hook:
    """Connects the web application, which receives Telegram's calls, to the bot. `served`: whether this
    process has a web application."""

    def __init__(self, settings: "WebhookSettings") -> None:
        self._settings = settings
        self._secret = b""
        self._application: Application[Any, Any, Any, Any, Any, Any] | None = None
        self.path = urlsplit(settings.url).path or "/"
        self.served = False

    @property
    def open(self) -> bool:
        """Whether the bot is listening; Telegram repeats earlier calls."""
        return self._application is not None

    def knows(self, shown: str) -> bool:
        """Whether a call carries the right secret."""
        return self.open and hmac.compare_digest(shown.encode("utf-8", "replace"), self._secret)

    async def take(self, update: dict[str, Any]) -> None:
        """Handle one update in Telegram's JSON. Only while `open`."""
        from telegram import Update

        assert self._application is not None
        await self._application.process_update(Update.de_json(update, self._application.bot))

    async def listen(
        self, application: "Application[Any, Any, Any, Any, Any, Any]", stop: asyncio.Event
    ) -> None:
        """Register the address with Telegram, then handle its calls until `stop` is set. Raises
        `ChannelDown` if the secret is missing."""
        try:
            secret = self._settings.secret("secret")
        except ConfigInvalid as fault:
            raise ChannelDown(str(fault), code="secret") from None
        self._secret, self._application = secret.encode(), application
        try:
            await application.bot.set_webhook(
                self._settings.url, secret_token=secret, allowed_updates=("message", "callback_query")
            )
            await stop.wait()
        finally:
            self._application = None


async def leave_to_others(stop: asyncio.Event) -> None:
    """For a worker without a web application: log who receives the bot's messages, and wait until `stop`
    is set."""
    log.warning(
        _(
            "This worker does not receive messages for the bot: with `mode: webhook`, Telegram calls"
            " `alertbot serve`. Start `alertbot serve`, or set `mode: polling`."
        )
    )
    await stop.wait()
