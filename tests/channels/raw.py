"""A server of bytes on loopback, for what no orderly platform would answer."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SMTP_TALK = (
    b"220 ready\r\n",  # greeting
    b"250-mx\r\n250 SIZE 10000000\r\n",  # EHLO
    b"250 ok\r\n",  # MAIL
    b"250 ok\r\n",  # RCPT
    b"354 go\r\n",  # DATA
    b"250 2.0.0 OK queued as Q1\r\n",  # dot
)


@asynccontextmanager
async def listening(handler: Handler, encryption: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve every connection by `handler`; gives the port."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await handler(reader, writer)
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=encryption)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One HTTP request, with its body where it announces one."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _colon, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)


def http(answer: bytes, seen: list[bytes] | None = None) -> Handler:
    """Answer every request with these bytes and hang up."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        if seen is not None:
            seen.append(request)
        writer.write(answer)
        await writer.drain()

    return handle


def http_answer(status: int, body: bytes, media: str = "application/json", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {media}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


async def http_silence(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    await asyncio.sleep(30)


def smtp(replies: Sequence[bytes | None] = SMTP_TALK, seen: list[bytes] | None = None) -> Handler:
    """Speak these replies in turn; None hangs up, b"" says nothing any more."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for step, reply in enumerate(replies):
            if step:
                data = await _next(reader, mail=step == len(SMTP_TALK) - 1)
                if seen is not None:
                    seen.append(data)
            if reply is None:
                return
            writer.write(reply)
            await writer.drain()
            if not reply:
                await asyncio.sleep(30)
        await reader.read()

    return handle


async def _next(reader: asyncio.StreamReader, *, mail: bool) -> bytes:
    return await (reader.readuntil(b"\r\n.\r\n") if mail else reader.readuntil(b"\r\n"))


async def free_port() -> int:
    """A port where nobody listens."""
    async with listening(http(b"")) as port:
        return port
