"""Running the web application with uvicorn, next to the worker: our own socket, no access log (an
address may be a secret), no signal handlers."""

import asyncio
import ctypes
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from alertbot.core import loops
from alertbot.core.connecting import is_loopback
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.ops import public_page, working
from alertbot.ops.settings_shown import SettingsOf
from alertbot.ops.views import ServedView
from alertbot.watch import reports
from alertbot.watch.context import WatchContext
from alertbot.web.app import build
from alertbot.web.desk.room import DeskRoom
from alertbot.web.public import served
from alertbot.web.reading import household
from alertbot.web.signals import intake_of

if TYPE_CHECKING:
    from fastapi import FastAPI

    from alertbot.app import App


M_ARENA_MAX = -8  # of glibc's mallopt(3)
GOODBYE_SECONDS = 2  # for answers under way when it stops
IDLE_SECONDS = 5  # of a connection that is kept
HEAD_SECONDS = 5.0  # for a request's head, from the connection or from its first byte
MOST_SILENT = 400  # connections on which no request is under way; beyond, the oldest is closed
MOST_SILENT_OF_ONE = 50  # of one address, once they have had time to speak
SPEAK_SECONDS = 1.0  # a proxy opens many at once, and says something on each
LONGEST_HEAD_BYTES = 16_384
BACKLOG = 128


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stop: asyncio.Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: signals stop the worker and the server together; see `ops.working.stop_signal`."""
        yield

    async def main_loop(self) -> None:
        """Renew the date in the answers every second until `stop` is set. uvicorn's own loop looks ten times a
        second whether it should stop."""
        while not self._stop.is_set():
            await self.on_tick(0)
            await loops.until(self._stop, 1.0)


class Silent:
    """The connections of this process on which no request is under way, oldest first. They cost a
    descriptor each and nothing else, and whoever opens many of them loses his own oldest."""

    def __init__(self) -> None:
        self._since: OrderedDict[Connection, tuple[str, float]] = OrderedDict()
        self._of: Counter[str] = Counter()

    def add(self, one: "Connection", address: str) -> None:
        self.drop(one)
        now = time.monotonic()
        self._since[one] = (address, now)
        self._of[address] += 1
        if self._of[address] > MOST_SILENT_OF_ONE:
            oldest = next(each for each, (home, _since) in self._since.items() if home == address)
            if now - self._since[oldest][1] >= SPEAK_SECONDS:
                self._close(oldest)
        if len(self._since) > MOST_SILENT:
            self._close(next(iter(self._since)))

    def drop(self, one: "Connection") -> None:
        address, _since = self._since.pop(one, (None, 0.0))
        if address is not None:
            self._of[address] -= 1
            if not self._of[address]:
                del self._of[address]

    def _close(self, one: "Connection") -> None:
        self.drop(one)
        one.transport.abort()


SILENT = Silent()


class Connection(H11Protocol):
    """A connection that must say what it wants: the head of a request within `HEAD_SECONDS`, however
    slowly its bytes come."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._done_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._done_waiting()
        elif self._deadline is None and not self.transport.is_closing():
            self._wait()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            SILENT.add(self, household(self.client[0]) if self.client else "")

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)
        SILENT.add(self, household(self.client[0]) if self.client else "")

    def _done_waiting(self) -> None:
        SILENT.drop(self)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `Misuse`, naming host and port, if it cannot be opened."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise Misuse(
            _(
                "The pages cannot be served on {host}, port {port}: {why}. Choose another with --host and"
                " --port, or under `serve:`."
            ).format(host=host, port=port, why=why)
        ) from None


def address_of(listening: socket.socket) -> str:
    """`http://127.0.0.1:8470`."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve_app(web: "FastAPI", listening: socket.socket, stop: asyncio.Event) -> None:
    """Serve until `stop` is set; responses in progress finish first. Sets `stop` if it ends on its own,
    so that nobody believes the pages are available."""
    web.state.stop = stop
    config = uvicorn.Config(
        web,
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="error",  # a stranger's broken request is no line in our log
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
        h11_max_incomplete_event_size=LONGEST_HEAD_BYTES,
        http=Connection,
        backlog=BACKLOG,
        ws="none",
    )
    try:
        await _Server(config, stop).serve(sockets=[listening])
    finally:
        stop.set()


Tell = Callable[[str], None]
GRACE_SECONDS = 1.2  # of calls under way: whoever stops it waits 3 s before it is killed


async def serve(
    app: "App", host: str | None, port: int | None, tell: Tell, stop: asyncio.Event | None = None
) -> ServedView:
    """Serve and work until SIGTERM or SIGINT, and end within 3 s of it: responses and calls in progress
    finish first, and a call that does not is recorded as perhaps sent. `host` and `port`, if given,
    override the configuration; `stop`: what these signals set already. Raises `Misuse` if they cannot be opened, `ConfigInvalid` for a
    missing secret, `StoreReplaced` if the database file was replaced."""
    stop = stop or working.stop_signal()  # before anybody is told that it runs
    _share_one_heap()
    settings = app.config.serve
    host = host or settings.host
    key, inlets = app.link_key(), reports.inlets(app.config.sources)
    with closing(listen(host, settings.port if port is None else port)) as place:
        service = await app.open()
        pages = served(public_page.keepers(app, service), settings.public) if settings.public else ()
        web = build(
            service,
            key=key,
            seals=app.seals(),
            intake=intake_of(service, inlets),
            metrics=is_loopback(host) if settings.metrics is None else settings.metrics,
            hook=app.hook(service),
            pages=pages,
            desk=_desk(app, service),
        )
        address = address_of(place)
        for line in announcement(app, address):
            tell(line)
        serving = asyncio.create_task(serve_app(web, place, stop))  # where it ends, all ends in order
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(working.work_until(app, service, stop, grace=GRACE_SECONDS))
            tasks.create_task(working.ask_in_turn(service, app.config, stop))
            for page in pages:
                tasks.create_task(page.keep(stop))
        await serving
    service.database.require_same_file()
    return ServedView(address=address)


def _share_one_heap() -> None:
    """Threads of ours take turns anyway; with a heap for each, as glibc has it, a seventh of the memory is lost."""
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _desk(app: "App", service: WatchContext) -> DeskRoom | None:
    """The desk, with the organisation's own sign-in where there is one."""
    settings = app.config.desk
    if settings is None:
        return None
    oidc, provider = settings.oidc, None
    if oidc is not None:
        from alertbot.web.desk.provider import Provider  # its libraries are large

        secret = partial(oidc.secret, "client_secret") if oidc.has_secret("client_secret") else str
        provider = Provider(oidc.issuer, oidc.client_id, oidc.called, secret)
    return DeskRoom(
        service,
        settings.url,
        provider=provider,
        settings=SettingsOf(app),
        seals=app.seals(),
        pages=partial(public_page.show, app, service),
    )


def announcement(app: "App", address: str) -> list[str]:
    """What is served and where, with warnings, as sentences."""
    lines = [
        _("Serving on {address}; monitoring at {address}/healthz and {address}/readyz.").format(
            address=address
        )
    ]
    if not is_loopback(address):
        lines.append(
            _(
                "! This address can be reached from other machines over plain HTTP. Put an https proxy"
                " in front of it."
            )
        )
    if app.config.serve.public:
        lines.append(
            _("The public page stands at {address}{path}").format(
                address=address, path=app.config.serve.public
            )
        )
    mail = app.mail_approvals
    if mail is None:
        lines.append(_("No approvals by mail: `approvals_by: mail:` is not configured."))
    else:
        lines.append(_("Approval links start with {url}/a/").format(url=mail.base_url))
    if app.config.desk:
        lines.append(_("The desk: {url}/desk").format(url=app.config.desk.url))
    lines += [*_called(app, address), _reports(app, address), *_asked(app)]
    return [*lines, _("The worker is running. Stop it with Ctrl-C or SIGTERM.")]


def _called(app: "App", address: str) -> list[str]:
    by = app.config.approvals_by
    called = by and by.telegram and by.telegram.mode == "webhook" and by.telegram.webhook
    if not called:
        return []
    path = urlsplit(called.url).path or "/"
    sentence = _("Telegram calls {url}, which must lead to {address}{path}")
    return [sentence.format(url=called.url, address=address, path=path)]


def _asked(app: "App") -> list[str]:
    asked = [name for name, settings in app.config.sources.items() if not settings.pushes]
    return [_("Polled sources: {names}").format(names=", ".join(asked))] if asked else []


def _reports(app: "App", address: str) -> str:
    names = [name for name, settings in app.config.sources.items() if settings.pushes]
    if not names:
        return _("No source sends reports to this address: there is none under `sources:`.")
    return _("Reports are accepted at {address}/signals/: {names}").format(
        address=address, names=", ".join(names)
    )
