"""The sandbox: all platforms and the public view, started and stopped together."""

import ssl
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.rehearsal.sandbox.accounts import (
    BlueskyAccount,
    MastodonAccount,
    Posts,
    SmtpAccount,
    TelegramAccount,
    XAccount,
)
from alertbot.rehearsal.sandbox.bluesky_api import BlueskyPlatform
from alertbot.rehearsal.sandbox.faults import Faults, OrderedFault
from alertbot.rehearsal.sandbox.http import HttpServer
from alertbot.rehearsal.sandbox.mastodon_api import MastodonPlatform
from alertbot.rehearsal.sandbox.public_pages import PublicPages
from alertbot.rehearsal.sandbox.public_view import PublicView
from alertbot.rehearsal.sandbox.smtp import SmtpPlatform
from alertbot.rehearsal.sandbox.telegram_api import TelegramPlatform
from alertbot.rehearsal.sandbox.x_api import XPlatform

SERVED = ("x", "telegram", "bluesky", "mastodon", "smtp", "wall")


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sandbox:
    """An X API, a Telegram Bot API, a Bluesky and a Mastodon server, a mail server and the public view, on loopback,
    with state in memory.

    A port of 0 takes any free one. `speed` shortens the platforms' own limits (60: their minutes become
    seconds). `clock` dates what the public sees; limits and resets run on the real clock. `tls` lets the
    mail server offer STARTTLS with the caller's certificate. The serving libraries are loaded by
    `start`.
    """

    def __init__(
        self,
        *,
        x_port: int = 0,
        telegram_port: int = 0,
        bluesky_port: int = 0,
        mastodon_port: int = 0,
        smtp_port: int = 0,
        wall_port: int = 0,
        host: str = "127.0.0.1",
        speed: float = 1.0,
        clock: Callable[[], datetime] = utc_now,
        faults: Faults | Iterable[str | OrderedFault] = (),
        title: str = "",
        timezone: str = "Europe/Paris",
        x: XAccount | None = None,
        telegram: TelegramAccount | None = None,
        bluesky: BlueskyAccount | None = None,
        mastodon: MastodonAccount | None = None,
        smtp: SmtpAccount | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host = _loopback(host)
        if speed <= 0:
            raise Misuse(_("The speed of a sandbox must be a number above 0."))
        ports = (x_port, telegram_port, bluesky_port, mastodon_port, smtp_port, wall_port)
        self._ports = dict(zip(SERVED, ports, strict=True))
        self.x_account = x or XAccount()
        self.telegram_account = telegram or TelegramAccount()
        self.bluesky_account = bluesky or BlueskyAccount()
        self.mastodon_account = mastodon or MastodonAccount()
        self.smtp_account = smtp or SmtpAccount()
        self._speed, self._clock, self._tls = speed, clock, tls
        self._title, self._timezone = title, timezone
        self.faults = faults if isinstance(faults, Faults) else Faults(faults)
        self.posts = Posts()
        self.x_url = self.telegram_url = self.bluesky_url = self.mastodon_url = self.wall_url = ""
        self.smtp_port = 0
        self._stops: list[Callable[[], Awaitable[None]]] = []

    async def start(
        self,
        x_port: int | None = None,
        telegram_port: int | None = None,
        smtp_port: int | None = None,
        wall_port: int | None = None,
    ) -> Self:
        """Start everything; ports given here override earlier ones.

        Raises `Misuse`, naming the port, if one is not available; then nothing runs.
        """
        given = {"x": x_port, "telegram": telegram_port, "smtp": smtp_port, "wall": wall_port}
        self._ports |= {name: port for name, port in given.items() if port is not None}
        try:
            await self._start_all()
        except BaseException:
            await self.stop()
            raise
        return self

    async def _start_all(self) -> None:
        shared = (self.posts, self.faults, self._clock)
        self.x = XPlatform(self.x_account, *shared, self._speed)
        self.telegram = TelegramPlatform(self.telegram_account, *shared, self._speed)
        self.bluesky = BlueskyPlatform(self.bluesky_account, *shared, self._speed)
        self.mastodon = MastodonPlatform(self.mastodon_account, *shared, self._speed)
        self.smtp = SmtpPlatform(self.smtp_account, *shared, self._tls)
        self.wall = PublicView(self.posts, self.faults, self._title, self._timezone)
        pages = PublicPages(self.posts, self.faults, self.telegram.chats)
        self.x_url = await self._serve("x", pages.before_x(self.x.handle))
        self.telegram_url = await self._serve("telegram", pages.before_telegram(self.telegram.handle))
        self.bluesky_url = await self._serve("bluesky", pages.before_bluesky(self.bluesky.handle))
        self.mastodon_url = await self._serve("mastodon", pages.before_mastodon(self.mastodon.handle))
        self.wall_url = await self._serve("wall", self.wall.handle)
        self._stops.append(self.smtp.stop)
        await self._listen("smtp", self.smtp.start)
        self.smtp_port = self.smtp.port

    async def _serve(self, name: str, handler: "Callable[..., Awaitable[object]]") -> str:
        server = HttpServer(handler, name)  # type: ignore[arg-type]
        self._stops.append(server.stop)
        await self._listen(name, server.start)
        return server.url

    async def _listen(self, name: str, start: Callable[[str, int], Awaitable[None]]) -> None:
        port = self._ports[name]
        try:
            await start(self._host, port)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise Misuse(
                _("The sandbox cannot serve {name} on port {port}: {why}. Choose another port.").format(
                    name=name, port=port, why=why
                )
            ) from error

    async def stop(self) -> None:
        """Stop everything. `posts` stays readable."""
        while self._stops:
            await self._stops.pop()()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


def _loopback(host: str) -> str:
    """The host, if it is this machine. Raises `Misuse` otherwise."""
    try:
        inside = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        inside = False
    if not inside:
        raise Misuse(
            _("The sandbox serves only this machine; {host} is not a loopback address.").format(
                host=host
            )
        )
    return "127.0.0.1" if host == "localhost" else host
