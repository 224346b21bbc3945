"""How many deliveries to hold at a time, how many to have in flight, and waiting for a slot.

The outbox books the slots (one row per account, shared by every worker); here a slot becomes a moment
of this process's own monotonic clock.
"""

import asyncio
import time
from collections import deque
from types import TracebackType

from alertbot.store.claiming import HORIZON

IN_FLIGHT = (
    64  # calls of one account beyond what it makes at once: so many a crash makes uncertain, at most
)
AHEAD = 0.1  # seconds of calls to have written down as begun before their line is free
SHARE = 0.1  # of the last call in the mean of how long one takes


def portion(gap: float, free: int) -> int:
    """How many deliveries to claim at once: about half a second's worth at one call per `gap` seconds,
    never more than can be started at their slot, so that no lease lapses in a queue."""
    if free <= 1 or gap * free <= HORIZON:
        return max(0, free)
    return max(1, int(HORIZON / gap))


def moment(wait: float) -> float:
    """The monotonic moment `wait` seconds from now."""
    return time.monotonic() + wait


class Turns:
    """Keeps calls of one process apart that are late for their slots: after a stall they must not all
    start at once. They may catch up a little, within the hair that paces leave."""

    CATCH_UP = 0.97

    def __init__(self) -> None:
        self._free: dict[str, float] = {}

    async def take(self, channel: str, gap: float, slot: float) -> None:
        """Wait for the slot, and for a turn after it."""
        await until(slot)
        if gap <= 0:
            return
        turn = max(time.monotonic(), self._free.get(channel, 0.0))
        self._free[channel] = turn + gap * self.CATCH_UP
        await until(turn)


async def until(slot: float) -> None:
    """Sleep until a moment of the monotonic clock."""
    wait = slot - time.monotonic()
    if wait > 0:
        await asyncio.sleep(wait)


class Flight:
    """The calls of one account in flight, from before their intents until their outcomes are committed:
    `async with` takes a place.

    No more than `at_once` where what waits for a line could not be called back. An account with many readers
    gets as many more as it makes in `AHEAD` seconds, `IN_FLIGHT` in all, so that many intents and outcomes
    share a commit: a slow one has none waiting, and a halt or something more urgent waits for nothing.
    """

    def __init__(self, at_once: int, *, ahead: bool) -> None:
        self._at_once = at_once
        self._most = max(at_once, IN_FLIGHT) if ahead else at_once
        self._held = 0
        self._mean: float | None = None  # seconds of a call
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def size(self) -> int:
        """How many may be in flight now."""
        if self._mean is None:
            return self._at_once
        soon = self._at_once * AHEAD / max(self._mean, 1e-6)
        return int(min(self._most, max(self._at_once, soon)))

    def took(self, seconds: float) -> None:
        """A call took so long."""
        before = seconds if self._mean is None else self._mean
        self._mean = before + SHARE * (seconds - before)

    async def __aenter__(self) -> None:
        while self._held >= self.size:
            free: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(free)
            await free
        self._held += 1

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._held -= 1
        free = self.size - self._held
        while self._waiting and free > 0:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                free -= 1
