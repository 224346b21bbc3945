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
    worth = max(1, int(HORIZON / gap)) if gap > 0 else free
    return max(0, min(worth, free))


def moment(wait: float) -> float:
    """The monotonic moment `wait` seconds from now."""
    return time.monotonic() + wait


async def until(slot: float) -> None:
    """Sleep until a moment of the monotonic clock."""
    wait = slot - time.monotonic()
    if wait > 0:
        await asyncio.sleep(wait)
