"""Stopping a transaction half-way, wherever it runs: on the event loop, or in a thread (SQLite)."""

import asyncio


class Pause:
    """`await here()` inside a transaction sets `reached` and waits for `go_on`."""

    def __init__(self) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()

    async def here(self) -> None:
        self._loop.call_soon_threadsafe(self.reached.set)
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run_coroutine_threadsafe(self.go_on.wait(), self._loop).result()
        else:
            await self.go_on.wait()
