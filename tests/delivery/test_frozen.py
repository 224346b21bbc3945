"""A worker that stands still for longer than its lease, at any of its steps, and goes on as if nothing had been: everything
is sent once, by it or by another, and nothing stays claimed. Here it stands still because its whole thread does; another
works beside it in a thread of its own."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from alertbot.core.model import DeliveryState, Post, Receipt, WhenUncertain
from alertbot.db.database import Database
from alertbot.db.tables import delivery
from alertbot.delivery import store_claim, store_settle
from alertbot.delivery.lanes import _Lane
from alertbot.delivery.ledger import Ledger
from alertbot.delivery.runners import LocalRunner
from tests.delivery.scene import channel, put
from tests.delivery.test_lanes import MANY, Streaming

LEASE = 1.0
COUNT = 150
QUIET = 3.0 * LEASE  # for which nothing may be open at the end: longer than anybody stands still
LIMIT = 30.0  # seconds, many times what it takes
STEPS: dict[str, tuple[Any, str]] = {
    "taking one": (_Lane, "take"),
    "beginning one": (_Lane, "begin"),
    "ending one": (_Lane, "end"),
    "asking whether it may": (Ledger, "may_begin"),
    "writing a turn": (Ledger, "turn"),
    "calling back": (Ledger, "call_back"),
    "claiming, in the transaction": (store_claim, "claim"),
    "intending, in the transaction": (store_claim, "intend"),
    "settling, in the transaction": (store_settle, "settle"),
    "renewing, in the transaction": (store_claim, "renew"),
}


class Frozen:
    """Stands still once, at the given call of a step in the thread of the first worker. `after`: when it is done."""

    def __init__(self, thread: threading.Thread, nth: int, *, after: bool) -> None:
        self._thread, self._left, self._after = thread, nth, after
        self.done = False

    def put(self, patch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        real = getattr(owner, name)
        if asyncio.iscoroutinefunction(real):

            async def later(*given: Any, **named: Any) -> Any:
                mine = self._mine()
                self._stand(mine and not self._after)
                found = await real(*given, **named)
                self._stand(mine and self._after)
                return found

            patch.setattr(owner, name, later)
            return

        def now(*given: Any, **named: Any) -> Any:
            mine = self._mine()
            self._stand(mine and not self._after)
            found = real(*given, **named)
            self._stand(mine and self._after)
            return found

        patch.setattr(owner, name, now)

    def _mine(self) -> bool:
        if threading.current_thread() is not self._thread or self.done:
            return False
        self._left -= 1
        return self._left == 0

    def _stand(self, still: bool) -> None:
        if still:
            self.done = True
            time.sleep(2.5 * LEASE)


class Worker(threading.Thread):
    """A worker with a loop of its own."""

    def __init__(self, url: str, answer: Callable[[Post], Any]) -> None:
        super().__init__(daemon=True)
        self._url, self._answer = url, answer
        self._over: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        database = await Database.open(self._url, migrate=False)
        runner = LocalRunner(database, {"null": Streaming(self._answer)}, lease=LEASE, poll=0.05)
        await runner.run(self._over)
        await database.close()

    def end(self) -> None:
        if self._loop is not None and self._over is not None:
            self._loop.call_soon_threadsafe(self._over.set)
        self.join(LIMIT)
        assert not self.is_alive(), "it does not end"


@pytest.mark.thorough
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_whoever_stood_still_leaves_nothing_behind(
    postgres_emptied: str, monkeypatch: pytest.MonkeyPatch, step: str, after: bool
) -> None:
    policy = WhenUncertain.RESEND if after else WhenUncertain.ASK
    database = await Database.open(postgres_emptied, migrate=False)
    called: Counter[int] = Counter()

    async def answer(post: Post) -> Receipt:
        await asyncio.sleep(0.02)
        called[post.delivery] += 1
        return Receipt(f"r{post.delivery}")

    ids = await put(database, COUNT, on=channel(spec=MANY), when_uncertain=policy)
    first, second = (Worker(postgres_emptied, answer) for _ in range(2))
    still = Frozen(first, 5, after=after)
    still.put(monkeypatch, *STEPS[step])
    first.start()
    await asyncio.sleep(0.3)
    second.start()
    open_ = select(delivery.c.state, func.count()).where(
        delivery.c.state.in_(["pending", "claimed", "sending"])
    )
    ends, quiet = time.monotonic() + LIMIT, time.monotonic()
    try:
        while (
            time.monotonic() - quiet < QUIET
        ):  # what was taken for lost may be given back, and is sent then
            if left := dict(await _rows(database, open_.group_by(delivery.c.state))):
                quiet = time.monotonic()
            assert time.monotonic() < ends, left
            await asyncio.sleep(0.05)
    finally:
        first.end()
        second.end()
    states = dict(await _rows(database, select(delivery.c.id, delivery.c.state)))
    await database.close()
    assert set(states.values()) <= {DeliveryState.SENT, DeliveryState.UNCERTAIN}
    assert all(called[number] for number in ids if states[number] == DeliveryState.SENT)
    if policy is WhenUncertain.ASK:
        assert [number for number in ids if called[number] > 1] == []
    assert still.done or step in ("calling back", "renewing, in the transaction")


async def _rows(database: Database, query: Any) -> list[Any]:
    async def look(conn: Any) -> list[Any]:
        return [tuple(row) for row in await conn.execute(query)]

    return await database.read(look)
