"""A door to a PostgreSQL server of this machine that can be shut: what goes through it then goes nowhere, and nobody is
told, as when a cable is pulled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from sqlalchemy.engine import make_url


class Door:
    """`address`: of the same database, through the door."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._open = asyncio.Event()
        self._open.set()
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.address = ""

    async def begin(self) -> None:
        self._server = await asyncio.start_server(self._enter, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        query = {key: value for key, value in self._url.query.items() if key not in ("host", "port")}
        there = self._url.set(host="127.0.0.1", port=port, query=query)
        self.address = there.render_as_string(hide_password=False)

    def shut(self) -> None:
        """Let nothing through any more, in either direction."""
        self._open.clear()

    def unlock(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """End every connection that goes through."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for one in list(self._links):
            one.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        self.cut()

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await self._inside()
        for one in (writer, inner_writer):
            self._writers.add(one)
        for source, drain in ((reader, inner_writer), (inner_reader, writer)):
            link = asyncio.create_task(self._pass_on(source, drain))
            self._links.add(link)
            link.add_done_callback(self._links.discard)

    async def _inside(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = self._url.query.get("host") or self._url.host or "127.0.0.1"
        port = self._url.port or 5432
        assert isinstance(host, str)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(Path(host) / f".s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _pass_on(self, source: asyncio.StreamReader, drain: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError):
                while part := await source.read(65_536):
                    await self._open.wait()
                    drain.write(part)
                    await drain.drain()
        finally:
            self._writers.discard(drain)
            drain.close()


@asynccontextmanager
async def door_to(url: str) -> AsyncIterator[Door]:
    """A door, open at first."""
    door = Door(url)
    await door.begin()
    try:
        yield door
    finally:
        await door.close()
