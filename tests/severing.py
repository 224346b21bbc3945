"""Cables that are pulled: a door to a PostgreSQL server of this machine that can be shut, so that what goes through it
goes nowhere and nobody is told; and other machines in network namespaces, with a real wire to this one."""

import asyncio
import os
import subprocess
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

    async def begin(self, host: str = "127.0.0.1") -> None:
        self._server = await asyncio.start_server(self._enter, host, 0)
        port = self._server.sockets[0].getsockname()[1]
        query = {key: value for key, value in self._url.query.items() if key not in ("host", "port")}
        there = self._url.set(host=host, port=port, query=query)
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
async def door_to(url: str, host: str = "127.0.0.1") -> AsyncIterator[Door]:
    """A door, open at first, at this address of the machine."""
    door = Door(url)
    await door.begin(host)
    try:
        yield door
    finally:
        await door.close()


NOBODY = "02:00:00:00:00:99"  # a hardware address that no machine here has


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def why_no_machines() -> str | None:
    """Why other machines cannot be made here; None if they can."""
    name = f"alertbot-{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
    except FileNotFoundError:
        return "needs the program ip"
    except subprocess.CalledProcessError as refused:
        return f"this machine allows no network namespaces: {refused.stderr.strip()}"
    return None


class Machine:
    """A machine of its own, as the network sees it, with a wire to this one. `here`, `there`: the two ends."""

    def __init__(self, number: int) -> None:
        self.name = f"alertbot-{os.getpid()}-{number}"
        net = 8 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) + number
        self.here, self.there = f"10.231.{net}.1", f"10.231.{net}.2"
        self._near, self._far = f"ab{os.getpid()}n{number}"[-15:], "wire"

    def make(self) -> None:
        _ip("netns", "add", self.name)
        _ip("link", "add", self._near, "type", "veth", "peer", "name", self._far, "netns", self.name)
        _ip("addr", "add", f"{self.here}/30", "dev", self._near)
        _ip("link", "set", self._near, "up")
        self._inside("addr", "add", f"{self.there}/30", "dev", self._far)
        self._inside("link", "set", self._far, "up")
        self._inside("link", "set", "lo", "up")

    def command(self, *words: str) -> list[str]:
        """To run this on it."""
        return ["ip", "netns", "exec", self.name, *words]

    def lose_packets(self) -> None:
        """From now on whatever goes either way is lost, and nobody is told: the ends only think they know each other."""
        _ip("neigh", "replace", self.there, "lladdr", NOBODY, "nud", "permanent", "dev", self._near)
        self._inside(
            "neigh", "replace", self.here, "lladdr", NOBODY, "nud", "permanent", "dev", self._far
        )

    def find_packets(self) -> None:
        _ip("neigh", "del", self.there, "dev", self._near)
        self._inside("neigh", "del", self.here, "dev", self._far)

    def pull(self) -> None:
        """Pull the cable."""
        _ip("link", "set", self._near, "down")

    def plug(self) -> None:
        _ip("link", "set", self._near, "up")

    def remove(self) -> None:
        _ip("netns", "del", self.name)  # and with it the wire

    def _inside(self, *words: str) -> None:
        subprocess.run(self.command("ip", *words), check=True, capture_output=True, text=True)
