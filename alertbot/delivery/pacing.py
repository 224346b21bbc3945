"""How many deliveries to hold at a time, and waiting for a slot.

The outbox books the slots (one row per account, shared by every worker); here a slot becomes a moment
of this process's own monotonic clock.
"""

import asyncio
import time

from alertbot.store.claiming import HORIZON


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
