"""A clock that a test turns."""

import asyncio
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


class TurnedClock:
    """Stands still until `turn`; who sleeps wakes in order."""

    def __init__(self) -> None:
        self._ticks = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self._ticks)

    def ticks(self) -> float:
        return self._ticks

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._ticks + seconds, woken))
        await woken

    def pass_by(self, seconds: float) -> None:
        """Nobody sleeps, and time passes."""
        self._ticks += seconds

    @property
    def next(self) -> float:
        """When somebody wakes next."""
        return min(at for at, woken in self._sleepers if not woken.done())

    async def settle(self, sleepers: int = 1) -> None:
        """Wait until so many sleep, and nobody does anything else."""
        while True:
            self._sleepers = [one for one in self._sleepers if not one[1].done()]
            if len(self._sleepers) >= sleepers:
                return
            await asyncio.sleep(0.002)

    async def turn(self, seconds: float, sleepers: int = 1) -> None:
        """Let time pass, one wake-up after the other."""
        end = self._ticks + seconds
        await self.settle(sleepers)
        while self.next <= end:
            self._ticks = self.next
            for at, woken in self._sleepers:
                if at <= self._ticks and not woken.done():
                    woken.set_result(None)
            await self.settle(sleepers)
        self._ticks = end
