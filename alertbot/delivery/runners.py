"""A worker around `drain`, and the runner that needs nothing but the database.

Correctness does not depend on a runner. A drain that is missed, repeated or late does no harm.
"""

import asyncio
import gc
import logging
import os
import socket
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from alertbot.channels.base import Adapter
from alertbot.core import loops
from alertbot.core.frozen import dataclass
from alertbot.core.loops import Backoff
from alertbot.core.model import DeliveryState
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.wake import Alarm
from alertbot.delivery import store_accounts, store_claim, store_settle
from alertbot.delivery.drain import Drain
from alertbot.delivery.ledger import NO_HOOKS, Hooks, Ledger
from alertbot.delivery.readback import ReadBack

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0  # behind every wake-up
IDLE_SECONDS = 5.0  # the same while nothing is open, where every commit is heard
LEASE_SECONDS = 10.0
READ_BACK_SECONDS = 1.0
SIGN_OFF_SECONDS = 0.8  # else the next worker finds out by the missing heartbeat
PATIENCE_SECONDS = 15.0
LOOKING = "Looking for what is due"  # in the log


@dataclass(frozen=True, slots=True)
class RunTally:
    """What a run did. `waiting`: deliveries still open."""

    sent: int = 0
    failed: int = 0
    uncertain: int = 0
    expired: int = 0
    cancelled: int = 0
    skipped: int = 0
    waiting: int = 0

    @property
    def fine(self) -> bool:
        """Whether everything it handled was sent and nothing waits."""
        return not (self.failed or self.uncertain or self.expired or self.skipped or self.waiting)


class Chore(NamedTuple):
    """Something besides sending that one worker does every so many seconds."""

    name: str
    every: float
    work: Callable[[], Awaitable[object]]


class Runner(ABC):
    """One worker. What it is made of is the same for every runner; which calls `drain`, and when, is the runner's. Any
    number may run in parallel, of either kind."""

    def __init__(
        self,
        database: Database,
        adapters: Mapping[str, Adapter[Any]],
        *,
        hooks: Hooks = NO_HOOKS,
        lease: float = LEASE_SECONDS,
        poll: float = POLL_SECONDS,
        concurrency: int = 750,
    ) -> None:
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._database = database
        self._names = sorted(adapters)
        self._poll = poll
        self._ledger = Ledger(database, self.worker, hooks=hooks, lease=lease)
        self._read_back = ReadBack(adapters, self._ledger)
        self._drain = Drain(adapters, self._ledger, concurrency=concurrency, sent=self._read_back.wake)
        self._alarm = Alarm(database)
        self._drains: dict[str, asyncio.Task[None]] = {}
        self._backoff = Backoff()
        self._told_held = False
        self._open = True  # whether time alone may make anything due or overdue
        self._looked = 0.0  # monotonic moment of the last look at the clock and at what is overdue

    @property
    def held(self) -> str | None:
        """Why sending and expiry wait for the clock (see `leaps`); None if they do not."""
        return self._ledger.clock.reason

    async def clock_is_right(self) -> bool:
        """Look at the clock before anything goes by it; `held` then says what is wrong with it."""
        await self._database.read(self._ledger.clock.look)
        return self.held is None

    @abstractmethod
    async def prepare(self) -> None:
        """Make what it needs in the database; to be called before `run`. Raises `StoreFailed`."""

    def wake(self) -> None:
        """Look now: something was queued in this process."""
        self._alarm.ring()

    async def run(self, stop: asyncio.Event, grace: float | None = None) -> None:
        """Send what is due until `stop` is set; calls in progress finish first. If the database fails,
        it retries with growing delays. If the database file was replaced, it sets `stop` and raises
        `StoreReplaced`. `grace`: how many seconds calls in progress may still take (None: as long as
        they need); after that they are recorded as perhaps sent."""
        async with self._alive():
            stopping = asyncio.create_task(self._ring_at(stop))
            try:
                await self._run(stop)
            finally:
                stop.set()
                await stopping
            await self._wind_up(grace)
        self._database.require_same_file()

    @abstractmethod
    async def _run(self, stop: asyncio.Event) -> None:
        """Have every account drained that has something due, until `stop` is set or the file is replaced."""

    def _pause(self, seconds: float) -> float:
        """How long to wait for a commit if it is usually so many seconds."""
        return max(seconds, IDLE_SECONDS) if self._alarm.sure and not self._open else seconds

    async def run_once(self, patience: float = PATIENCE_SECONDS) -> RunTally:
        """Send until nothing can be claimed. Waits for leases to expire and for retries, slots and
        starts at most `patience` seconds away. Raises `StoreFailed` if the database cannot be used."""
        self._ledger.tally.clear()
        async with self._alive():
            wait: float | None = 0.0
            while wait is not None and wait <= patience:
                self._database.require_same_file()
                await self._alarm.wait(max(wait, 0.0) + 0.005 if wait else 0.005)
                await self._look_after()
                if self.held is not None:
                    break
                while await self._start_drains():
                    await self._finish_drains()
                wait = await self._database.read(lambda conn: store_claim.next_due(conn, self._names))
            await self._look_after()
            await self._backoff.attempt("Reading back", self._read_back.finish)
        open_rows = await self._database.read(lambda conn: store_claim.waiting(conn, self._names))
        return self._tally(open_rows)

    def _tally(self, waiting: int) -> RunTally:
        counted = self._ledger.tally
        return RunTally(
            sent=counted[DeliveryState.SENT],
            failed=counted[DeliveryState.FAILED],
            uncertain=counted[DeliveryState.UNCERTAIN],
            expired=counted[DeliveryState.EXPIRED],
            cancelled=counted[DeliveryState.CANCELLED],
            skipped=counted[DeliveryState.SKIPPED],
            waiting=waiting,
        )

    @asynccontextmanager
    async def _alive(self) -> AsyncIterator[None]:
        """The background of a working worker: accounts, heartbeat, reaper, wake-ups."""
        channels = [adapter.channel for adapter in self._drain.adapters.values()]
        await self._database.transact(lambda conn: store_accounts.sync(conn, channels))
        await self._database.read(self._ledger.clock.look)
        await self._tell_clock()
        await self._beat()
        gc.freeze()  # what was loaded stays: looking through it again and again takes a tenth of the time
        async with self._alarm:
            chores = [
                asyncio.create_task(self._again(name, seconds, chore))
                for name, seconds, chore in self._chores()
            ]
            try:
                yield
            finally:
                for chore in chores:
                    chore.cancel()
                    with suppress(asyncio.CancelledError):
                        await chore
                gc.unfreeze()
                await self._backoff.attempt("Signing off", self._leave)

    def _chores(self) -> list[tuple[str, float, Callable[[], Awaitable[None]]]]:
        """Background tasks: name for the log, seconds between rounds, function."""
        return [
            ("Saying that the worker is alive", store_accounts.BEAT_SECONDS, self._beat),
            ("Reading back", READ_BACK_SECONDS, self._read_back.round),
            ("Looking after deliveries", min(1.0, self._ledger.lease / 4), self._look_if_due),
        ]

    async def _beat(self) -> None:
        if self._database.replaced:
            self._alarm.ring()  # `run` looks and stops
            return
        host = socket.gethostname()
        await self._database.transact(lambda conn: store_accounts.beat(conn, self.worker, host))

    async def _leave(self) -> None:
        async with asyncio.timeout(SIGN_OFF_SECONDS):
            await self._database.transact(lambda conn: store_accounts.leave(conn, self.worker))

    async def _look_if_due(self) -> None:
        if time.monotonic() - self._looked >= self._pause(0.0):
            await self._look_after()

    async def _look_after(self) -> None:
        """The reaper and the sweep. They only read while there is nothing to do, and wait while the
        clock is wrong."""
        await self._drain.renew()
        overdue = await self._database.read(self._overdue)
        await self._tell_clock()
        if not overdue:
            return
        if await self._ledger.record(store_settle.reap):
            self._alarm.ring()
        while self._ledger.clock.reason is None and await self._ledger.record(store_settle.sweep):
            pass
        while await self._drain.resolve():
            pass

    async def _overdue(self, conn: Connection) -> bool:
        """Whether the reaper or the sweep has work; a single query, because it is asked often."""
        self._looked = time.monotonic()
        await self._ledger.clock.look(conn)
        await self._drain.learn_accounts(conn)
        return await store_settle.lapsed(conn)

    async def _tell_clock(self) -> None:
        """Call the clock hook when sending and expiry stop or resume."""
        held, hook = self.held, self._ledger.hooks.clock
        if (held is not None) == self._told_held:
            return
        log.warning("%s", held or "The clock is right again.")
        if hook:
            await self._database.transact(lambda conn: hook(conn, held))
        self._told_held = held is not None

    async def _start_drains(self) -> bool:
        """Start a drain for every account that has something due and no drain yet."""
        if self._ledger.clock.reason is not None:
            return False
        idle = [
            name
            for name in self._names
            if name not in self._drains and self._backoff.wait(_sending(name)) == 0
        ]
        if not idle:
            return False
        names = await self._database.read(lambda conn: self._due(conn, idle))
        if self._ledger.clock.reason is not None:
            return False
        for name in names:
            self._start(name)
        return bool(names)

    def _start(self, name: str) -> "asyncio.Task[None]":
        """The drain of this account that is under way here, or a new one."""
        if name not in self._drains:
            self._drains[name] = asyncio.create_task(self._drain.drain(name))
            self._drains[name].add_done_callback(partial(self._drained, name))
        return self._drains[name]

    async def _due(self, conn: Connection, idle: Sequence[str]) -> Sequence[str]:
        """The channels with something to send now. After a long pause, the clock is looked at first."""
        names = await store_claim.due(conn, idle)
        if names and not self._open:
            await self._ledger.clock.look(conn)
        self._open = bool(names) or await store_claim.any_open(conn)
        return names

    def _drained(self, name: str, task: "asyncio.Task[None]") -> None:
        del self._drains[name]
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._backoff.worked(_sending(name))
        else:
            self._backoff.failed(_sending(name), error)

    async def _wind_up(self, grace: float | None) -> None:
        if grace is None:
            await self._finish_drains()
            return
        hanging_up = asyncio.get_running_loop().call_later(grace, self._drain.hang_up)
        await self._finish_drains()
        hanging_up.cancel()
        await self._backoff.attempt("Giving back what was not begun", self._give_back)

    async def _give_back(self) -> None:
        await self._database.transact(lambda conn: store_claim.give_back_all(conn, worker=self.worker))

    async def _finish_drains(self) -> None:
        while self._drains:
            await asyncio.wait(list(self._drains.values()))
            await asyncio.sleep(0)  # let the callbacks run that take them off the list

    async def _ring_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._drain.stopping = True
        self._alarm.ring()

    async def _again(self, name: str, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(seconds)
        await loops.keep(name, chore, asyncio.Event(), every=seconds)


class LocalRunner(Runner):
    """Runs in this process, on SQLite or PostgreSQL."""

    async def prepare(self) -> None:
        """It needs nothing but the database."""

    async def _run(self, stop: asyncio.Event) -> None:
        while not stop.is_set() and not self._database.replaced:
            await self._backoff.attempt(LOOKING, self._start_drains)
            held = self._backoff.wait(LOOKING)
            await (loops.until(stop, held) if held else self._alarm.wait(self._pause(self._poll)))


def _sending(channel: str) -> str:
    return f"Sending on {channel}"
