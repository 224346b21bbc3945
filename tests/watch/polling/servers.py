"""Servers on loopback that say exactly what a test tells them to, and names that lead where it wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from ipaddress import ip_address

from alertbot.watch.polling.network import Address, Network, Unreachable, is_inward

Answer = Callable[["Server", str, asyncio.StreamWriter], Awaitable[None]]


def said(status: str = "200 OK", body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """A whole answer."""
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass
class Server:
    """`answers`: by path, the bytes to send, or what sends them. `heads`: what was asked, in full."""

    port: int = 0
    answers: dict[str, bytes | Answer] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            path = head.split()[1].partition("?")[0]
            answer = self.answers.get(path, said("404 Not Found"))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(self, head, writer)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def server(
    answers: dict[str, bytes | Answer] | None = None, **options: object
) -> AsyncIterator[Server]:
    """A server while the test needs it. `options`: those of `asyncio.start_server`."""
    made = Server(answers=answers or {})
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0, **options)  # type: ignore[arg-type]
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()


def names(known: dict[str, str | list[str]], *, asked: list[str] | None = None) -> Network:
    """A network where these names have these addresses; 127.0.0.1 behind a name counts as outward, so that
    a redirect can be followed to a server of the test."""

    async def resolve(host: str, port: int) -> tuple[Address, ...]:
        if asked is not None:
            asked.append(host)
        with suppress(ValueError):
            return (ip_address(host),)
        if host not in known:
            raise Unreachable(host, "its name cannot be resolved")
        found = known[host]
        return tuple(map(ip_address, [found] if isinstance(found, str) else found))

    return Network(resolve=resolve, is_inward=lambda one: str(one) != "127.0.0.1" and is_inward(one))
