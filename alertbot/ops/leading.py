"""Hot standby: of several processes on one database, one has a duty at a time, and another takes it over when that
one ends, stands still, or cannot reach the database any more.

The lease stands in the database and goes by its clock. The leader counts it by its own clock too, from before it
asked, so for it the lease is over before it is for anyone else; and it looks at that clock whenever it asks whether
to go on. So a process that was stopped for an hour notices before it begins anything.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from alertbot.core import loops
from alertbot.core.frozen import dataclass
from alertbot.core.loops import Backoff
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery.leaps import uptime
from alertbot.ops import store_leading
from alertbot.ops.store_leading import Member
from alertbot.ops.views import WatchersView

WATCH, ASK = (
    "watch",
    "ask",
)  # duties: everything a worker does by itself besides sending; polling the sources
LEASE_SECONDS = 12.0
MARGIN = 0.9  # of a lease: after it the leader stops by itself
RENEWALS = 3  # in one lease
RELEASE_SECONDS = 1.0  # else the next leader finds out by itself
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class _Process:
    """A process of a Linux machine: of this boot and this namespace of process ids, or of another."""

    where: str
    pid: int
    started: str  # in ticks since boot: process ids come again


class Term(asyncio.Event):
    """Set when the term is over. Whoever asks `is_set` hears it at once, although nobody came to set it."""

    def __init__(self, number: int, until: float) -> None:
        super().__init__()
        self.number = number
        self.until = until  # by `uptime`

    def is_set(self) -> bool:
        return super().is_set() or uptime() >= self.until


Duties = Callable[[asyncio.Event], Awaitable[None]]
"""What is done during a term; ends soon after the event is set."""


class Leadership:
    """One process and one duty. `idle` is called now and then while it stands by."""

    def __init__(
        self,
        database: Database,
        duty: str,
        name: str,
        *,
        lease: float | None = None,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self._database, self._duty, self._idle = database, duty, idle
        self._lease = lease or LEASE_SECONDS
        self._me = Member(name, socket.gethostname(), process_mark())
        self._backoff = Backoff(longest=self._lease)

    async def keep(self, duties: Duties, stop: asyncio.Event) -> None:
        """Do the `duties` whenever this process leads, until `stop` is set."""
        try:
            while not stop.is_set():
                term = await self._backoff.attempt(f"Standing by to {self._duty}", self._stand, stop)
                if term is not None and not stop.is_set():
                    await self._lead(term, duties, stop)
                elif not stop.is_set():
                    self._idle()
                    await loops.until(stop, self._lease / RENEWALS)
        finally:
            await self._sign_off(lambda conn: store_leading.leave(conn, self._duty, self._me))

    async def _stand(self) -> Term | None:
        """A new term if nobody leads."""
        asked = uptime()
        found = await self._database.read(lambda conn: store_leading.leader(conn, self._duty))
        dead = found.term if found and is_gone(found.mark) else None
        free = found is None or found.left < 0 or found.left > store_leading.LONGEST_LEASE

        async def work(conn: Connection) -> int | None:
            if free or dead:
                return await store_leading.take(conn, self._duty, self._me, self._lease, dead=dead)
            await store_leading.stand_by(conn, self._duty, self._me)
            return None

        number = await self._database.transact(work)
        return None if number is None else Term(number, asked + MARGIN * self._lease)

    async def _lead(self, term: Term, duties: Duties, stop: asyncio.Event) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._renew(term))
                group.create_task(_end_at(term, stop))
                group.create_task(_end_in_time(term))
                group.create_task(_until_done(duties, term))
        finally:
            term.set()
            release = partial(store_leading.release, duty=self._duty, term=term.number)
            await self._sign_off(release)

    async def _renew(self, term: Term) -> None:
        """Renew the term until it ends or is lost. While the database cannot be reached, it is tried again."""
        name = f"Going on to {self._duty}"
        again = partial(store_leading.renew, duty=self._duty, term=term.number, seconds=self._lease)
        while True:
            await loops.until(term, self._lease / RENEWALS)
            if term.is_set():
                return
            asked = uptime()
            renewed = await self._backoff.attempt(name, lambda: self._database.transact(again))
            if renewed:
                term.until = max(term.until, asked + MARGIN * self._lease)
            elif renewed is False:
                term.set()

    async def _sign_off(self, work: Callable[[Connection], Awaitable[None]]) -> None:
        async def go() -> None:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._database.transact(work)

        await self._backoff.attempt(f"Leaving the {self._duty} to others", go)


async def _until_done(duties: Duties, term: Term) -> None:
    await duties(term)
    term.set()


async def _end_at(term: Term, stop: asyncio.Event) -> None:
    """End the term when the process stops."""
    stopping = asyncio.ensure_future(stop.wait())
    ending = asyncio.ensure_future(term.wait())
    await asyncio.wait({stopping, ending}, return_when=asyncio.FIRST_COMPLETED)
    term.set()
    for one in (stopping, ending):
        one.cancel()


async def _end_in_time(term: Term) -> None:
    """Wake everyone who waits for the end of the term when its time is over."""
    while not term.is_set():
        await loops.until(term, term.until - uptime())
    term.set()


def process_mark() -> str:
    """This process, told from every other on every machine; empty where the system does not say."""
    found = _process(os.getpid())
    return "" if found is None else f"{found.where} {found.pid} {found.started}"


def is_gone(mark: str) -> bool:
    """Whether the process with this mark belongs to this machine and has ended. False if nobody can know."""
    where, _blank, rest = mark.rpartition(" ")[0].rpartition(" ")
    here = _place()
    if here is None or where != here or not rest.isdigit():
        return False
    found = _process(int(rest))
    return found is None or found.started != mark.rpartition(" ")[2]


def _process(pid: int) -> _Process | None:
    """None if there is no such process, or it is a corpse that nobody has buried."""
    where = _place()
    try:
        state, *fields = (PROC / str(pid) / "stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if where is None or state in "ZX" else _Process(where, pid, fields[18])


def _place() -> str | None:
    """This boot of this machine, and this namespace of process ids."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return None


async def watchers(conn: Connection) -> WatchersView:
    """Who watches, and who stands by."""
    found = await store_leading.leader(conn, WATCH)
    by = _named(found.name) if found and found.left > 0 else None
    waiting = await store_leading.standing_by(conn, WATCH)
    return WatchersView(by=by, standing_by=tuple(map(_named, waiting)))


def _named(worker: str) -> str:
    """Host and process id."""
    return worker.rpartition(":")[0] or worker
