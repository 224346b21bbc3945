"""Being called by Telegram: one address, and a secret that every call must show."""

import asyncio
import hmac
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import uvicorn

from alertbot.errors import ChannelDown, ConfigInvalid
from alertbot.teambot.way import TelegramWay
from alertbot.words import _

if TYPE_CHECKING:
    from telegram.ext import Application

log = logging.getLogger(__name__)

LARGEST_BYTES = 1_000_000
HEADER = b"x-telegram-bot-api-secret-token"
GOODBYE_SECONDS = 1
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The worker's own signals stop it."""
        yield


class Door:
    """Lets in what shows the secret, at one path; everything else gets an empty answer."""

    def __init__(
        self, application: "Application[Any, Any, Any, Any, Any, Any]", path: str, secret: str
    ) -> None:
        self._application, self._path = application, path
        self._secret = secret.encode()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        status = await self._answer(scope, receive)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def _answer(self, scope: dict[str, Any], receive: Receive) -> int:
        if scope["type"] != "http" or scope["path"] != self._path:
            return 404
        if scope["method"] != "POST":
            return 405
        shown = dict(scope["headers"]).get(HEADER, b"")
        if not hmac.compare_digest(shown, self._secret):
            return 403
        content = _object(await _body(receive))
        if content is None:
            return 400
        await self._take(content)
        return 200

    async def _take(self, content: dict[str, Any]) -> None:
        from telegram import Update

        update = Update.de_json(content, self._application.bot)
        await self._application.process_update(update)


async def serve(
    way: TelegramWay, application: "Application[Any, Any, Any, Any, Any, Any]", stop: asyncio.Event
) -> None:
    """Tell Telegram the address, then answer its calls until `stop` is set."""
    settings = way.settings.webhook
    assert settings is not None  # the configuration was checked
    try:
        secret = settings.secret("secret")
    except ConfigInvalid as fault:
        raise ChannelDown(str(fault), code="secret") from None
    listening = _listen(settings.host, settings.port)
    door = Door(application, urlsplit(settings.url).path or "/", secret)
    server = _Server(_config(door))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await application.bot.set_webhook(
            settings.url, secret_token=secret, allowed_updates=("message", "callback_query")
        )
        stopped = asyncio.ensure_future(stop.wait())
        await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
    finally:
        server.should_exit = True
        await serving


def _config(door: Door) -> uvicorn.Config:
    return uvicorn.Config(
        door,
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
        http="h11",
        ws="none",
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        raise ChannelDown(
            _("The bot cannot listen on {host}, port {port}: {why}. Choose another port.").format(
                host=host, port=port, why=getattr(error, "strerror", None) or error
            )
        ) from None


async def _body(receive: Receive) -> bytes:
    body = b""
    while len(body) <= LARGEST_BYTES:
        part = await receive()
        body += part.get("body", b"")
        if not part.get("more_body"):
            break
    return body[: LARGEST_BYTES + 1]


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(body) if len(body) <= LARGEST_BYTES else None
    except ValueError:
        return None
    return content if isinstance(content, dict) and "update_id" in content else None
