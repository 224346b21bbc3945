"""Group commit: what concurrent calls want written goes into one transaction.

A commit per call would allow about a thousand calls a second; shared commits allow many times that,
and leave one writer per process, which is what SQLite likes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

LARGEST = 500  # items per transaction


class GroupCommit(Generic[Item, Answer]):
    """Collects items and gives them to `write`, which answers for each in order.

    `write` must answer for every item or raise; what it raises reaches every caller of that group. Under
    load, where the group before held several, the next waits `linger` seconds for more; items that come
    singly wait for nothing.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        linger: float = 0.0,
    ) -> None:
        self._write = write
        self._linger = linger
        self._several = False  # in the group before: there is load
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Answer:
        """Hand in one item; returns once the transaction that holds it has committed."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await answer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if self._several and self._linger:
                    await asyncio.sleep(self._linger)
                group, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                await self._write_group(group)
                self._several = len(group) > 1
        finally:
            self._writing = None

    async def _write_group(self, group: list[tuple[Item, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._write([item for item, _future in group])
        except Exception as error:  # noqa: BLE001 - belongs to the callers, who hear of it
            for _item, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_item, future), answer in zip(group, answers, strict=True):
            if not future.done():
                future.set_result(answer)
