"""Serving by uvicorn: a socket of our own, no access log (an address may be a secret), no signal handlers."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from alertbot.errors import Misuse
from alertbot.words import _

if TYPE_CHECKING:
    from fastapi import FastAPI

GOODBYE_SECONDS = 2  # for answers under way when it stops
IDLE_SECONDS = 5  # of a connection that is kept
MOST_CONNECTIONS = 200
LONGEST_HEAD_BYTES = 16_384
BACKLOG = 128


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals stop the worker and this together; see `service.working.stop_signal`."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises `Misuse` naming host and port where it cannot be had."""
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


async def serve(web: "FastAPI", listening: socket.socket, stop: asyncio.Event) -> None:
    """Answer until `stop` is set; answers under way end first. Sets `stop` where it ends by itself, so
    that nobody believes the pages are there."""
    config = uvicorn.Config(
        web,
        lifespan="off",
        log_config=None,
        access_log=False,
        log_level="warning",
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
        h11_max_incomplete_event_size=LONGEST_HEAD_BYTES,
        http="h11",
        ws="none",
    )
    server = _Server(config)
    watching = asyncio.create_task(_leave_at(server, stop))
    try:
        await server.serve(sockets=[listening])
    finally:
        stop.set()
        await watching


async def _leave_at(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
