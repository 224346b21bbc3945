"""The time that asking goes by, in one place, so that a test can turn it."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Moments for signals, ticks for intervals."""

    def now(self) -> datetime:
        """This moment, aware, in UTC."""

    def ticks(self) -> float:
        """Seconds that only ever grow, whatever becomes of the clock on the wall."""

    async def sleep(self, seconds: float) -> None:
        """Until so many ticks have passed."""


class WallClock:
    """The real one."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def ticks(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def iso(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if value is None else value.isoformat(timespec="seconds")


def utc_now() -> datetime:
    return datetime.now(UTC)
