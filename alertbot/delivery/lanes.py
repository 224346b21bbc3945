"""Deliveries to many recipients: a few lanes take one after another from what is intended. Outcomes, the next
intents and the next claim are committed together, some fifty times a second at most. A task and a place in
three transactions for each delivery, as for posts, would cost more than sending a mail."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

from alertbot.channels.base import Adapter
from alertbot.core.errors import ChannelError, Rejected, Unavailable, safe
from alertbot.core.model import Post, Receipt
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery import store_claim
from alertbot.delivery.calls import (
    PORTIONS,
    SOON,
    Calls,
    Flight,
    Turns,
    intended_early,
    stopped,
    unexpected,
)
from alertbot.delivery.content import DispatchContent
from alertbot.delivery.ledger import Ledger, Result
from alertbot.delivery.rules_retry import Answer
from alertbot.delivery.store_accounts import Account, Want
from alertbot.delivery.store_claim import Claim, Claimed

log = logging.getLogger(__name__)

TOGETHER = 0.025  # seconds that a first outcome waits for others while calls are under way


class Engine(Protocol):
    """What lanes need of the drain."""

    ledger: Ledger
    calls: Calls
    turns: Turns

    async def call(self, row: Claimed, letter: DispatchContent) -> Answer: ...

    def refusal(self, row: Claimed, letter: DispatchContent) -> Rejected | None: ...

    def result(self, row: Claimed, letter: DispatchContent, answer: Answer) -> Result: ...

    async def told(self, results: Sequence[Result]) -> None: ...

    def let_go(self, rows: Iterable[Claimed]) -> None: ...


class Held(NamedTuple):
    """A claimed delivery. `slot`: when it may go, by the event loop's clock."""

    row: Claimed
    letter: DispatchContent
    slot: float


class Lanes:
    """The deliveries that one account holds. `landed` is called whenever some have their outcomes or are given
    up."""

    def __init__(
        self,
        engine: Engine,
        whose: Account,
        adapter: Adapter[Any],
        flight: Flight,
        landed: Callable[[], None],
    ) -> None:
        self.engine = engine
        self.whose = whose
        self.adapter = adapter
        self.flight = flight
        self.held = 0  # taken, and not landed yet
        self._ids: set[int] = set()  # theirs
        self._landed = landed
        self._claimed: deque[Held] = deque()
        self._ready: deque[Held] = deque()  # their intents are committed
        self._soon = max(SOON, intended_early(whose.gap))  # seconds before its slot
        self._in_flight = 0  # from before their intents until their outcomes are committed
        self._done: list[tuple[Held, Result]] = []  # their outcomes are known
        self._done_since = 0.0
        self._asked: tuple[int, asyncio.Future[Claim]] | None = None  # how many to claim
        self._poked = asyncio.Event()
        self._lanes: set[asyncio.Task[None]] = set()
        self._turning: asyncio.Task[None] | None = None

    async def claim(self, n: int) -> Claim:
        """Claim up to `n` deliveries, with whatever else is to be written."""
        answer: asyncio.Future[Claim] = asyncio.get_running_loop().create_future()
        self._asked = (n, answer)
        self._poke()
        return await answer

    def take(self, rows: Sequence[Claimed], letter: DispatchContent, now: float) -> None:
        """Send these: claimed at `now`."""
        self._drop_older({row.id for row in rows} & self._ids)
        self.held += len(rows)
        self._ids.update(row.id for row in rows)
        self._claimed.extend(Held(row, letter, now + row.wait) for row in rows)
        self._poke()

    def _drop_older(self, again: Collection[int]) -> None:
        """Claimed anew after their leases were over, while the worker stood still: only the new claim counts."""
        if again:
            waiting = [*self._claimed, *self._ready]
            older = [one for one in waiting if one.row.id in again]
            self._in_flight -= sum(one.row.id in again for one in self._ready)
            self._claimed = deque(one for one in self._claimed if one.row.id not in again)
            self._ready = deque(one for one in self._ready if one.row.id not in again)
            self._let_go(older)

    def hang_up(self) -> None:
        """Stop waiting for calls: those in progress count as perhaps sent. What has not begun is called back."""
        self.call_back(list(self._ready))
        for lane in self._lanes if self.adapter.streams else ():
            lane.cancel()
        self._poke()

    def _poke(self) -> None:
        self._poked.set()
        if self._turning is None:
            self._turning = asyncio.create_task(self._take_turns())

    async def _take_turns(self) -> None:
        """Write what is to be written, as long as there is anything."""
        try:
            while self.held or self._asked:
                self._poked.clear()
                seconds = self._until_turn()
                if seconds is None or seconds > 0:
                    await self._wait(seconds)
                    continue
                await self._turn()
        finally:
            self._turning = None

    async def _wait(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._poked.wait()
        except TimeoutError:
            pass

    def _until_turn(self) -> float | None:
        """Seconds until something should be written; None: something has to happen first."""
        now, waits = _clock(), []
        if self.engine.calls.hung_up:
            self._give_up()
        portion = self._portion()
        if self._asked and len(self._claimed) < portion:
            return 0.0
        if self._claimed and self._room() >= min(len(self._claimed), portion):
            waits.append(self._claimed[0].slot - self._soon - now)
        if self._done:
            idle = len(self._done) == self._in_flight
            waits.append(0.0 if idle else self._done_since + TOGETHER - now)
        return min(waits, default=None)

    def _portion(self) -> int:
        """How many intents should share a commit."""
        return max(1, self.flight.size // PORTIONS)

    def _room(self) -> int:
        """How many may be intended with the next commit."""
        return self.flight.size - self._in_flight + len(self._done)

    async def _turn(self) -> None:
        group = self._group()
        done, self._done = self._done, []
        asked, self._asked = self._asked, None
        self._in_flight += len(group)
        try:
            may, claim = await self.engine.ledger.turn(
                [result for _held, result in done],
                [want_of(one.row, one.letter) for one in group],
                None if asked is None else partial(self._claim, asked[0]),
            )
        except Exception as error:  # noqa: BLE001 - what is claimed is pending again when its lease is over
            log.error("Deliveries were interrupted: %s", safe(repr(error)))  # noqa: TRY400
            may, claim = [None] * len(group), Claim()
            if asked is not None:
                asked[1].set_exception(error)
        if asked is not None and not asked[1].done():
            asked[1].set_result(claim or Claim())
        answers = list(zip(group, may, strict=True))
        self._ready.extend(one for one, seconds in answers if seconds == 0.0)
        self._leave([one for one, seconds in answers if seconds is None])
        self._ask_later([(one, seconds) for one, seconds in answers if seconds])
        self._leave([held for held, _result in done])
        if self.engine.calls.hung_up:
            self.call_back(list(self._ready))
        self._start_lanes()
        try:
            await self.engine.told([result for _held, result in done])
        except Exception as error:  # noqa: BLE001 - it concerns no delivery
            log.error("What follows outcomes failed: %s", safe(repr(error)))  # noqa: TRY400

    def _ask_later(self, some: Sequence[tuple[Held, float]]) -> None:
        """These have to wait for so many seconds."""
        if some:
            now = _clock() + self._soon
            self._in_flight -= len(some)
            later = [one._replace(slot=now + seconds) for one, seconds in some]
            self._claimed = deque(sorted([*self._claimed, *later], key=lambda one: one.slot))

    async def _claim(self, n: int, conn: Connection) -> Claim:
        ledger = self.engine.ledger
        return await store_claim.claim(conn, self.whose, n, worker=ledger.worker, lease=ledger.lease)

    def _group(self) -> list[Held]:
        """Claimed deliveries whose slots have come or are near, as many as there is room for."""
        near, room = _clock() + self._soon, self._room()
        group: list[Held] = []
        while self._claimed and len(group) < room and self._claimed[0].slot <= near:
            group.append(self._claimed.popleft())
        return group

    def _give_up(self) -> None:
        given_up, self._claimed = self._claimed, deque()
        self._let_go(given_up)

    def _start_lanes(self) -> None:
        free = min(self.adapter.at_once - len(self._lanes), len(self._ready))
        for _number in range(free):
            lane = asyncio.create_task(_Lane(self).run())
            self._lanes.add(lane)
            lane.add_done_callback(self._lane_ended)

    def next(self) -> Held | None:
        """The next delivery for a lane."""
        while self._ready and not self.engine.calls.hung_up:
            one = self._ready.popleft()
            refused = self.engine.refusal(one.row, one.letter)
            if refused is None:
                return one
            self.end(one, refused)
        return None

    async def may_begin(self, one: Held) -> bool:
        """Whether its call may begin, when its turn has come. If not, it is called back, and with it everything
        that waits for the same reason."""
        await self.engine.turns.take(self.whose.name, self.whose.gap, one.slot)
        if not self.engine.calls.hung_up and await self.engine.ledger.begin(
            want_of(one.row, one.letter)
        ):
            return True
        self.call_back([one, *(held for held in self._ready if held.letter is one.letter)])
        return False

    def call_back(self, some: Sequence[Held]) -> None:
        """These intended calls are not made."""
        gone = {one.row.id for one in some}
        self._ready = deque(one for one in self._ready if one.row.id not in gone)
        for one in some:
            back = self.engine.ledger.call_back(one.row.id, one.row.dispatch)
            back.add_done_callback(partial(self._called_back, one))

    def _called_back(self, one: Held, back: "asyncio.Future[None]") -> None:
        if not back.cancelled() and back.exception() is not None:
            log.error("A call was not given back: %s", safe(repr(back.exception())))
        self._leave([one])
        self._poke()

    def end(self, one: Held, answer: Receipt | ChannelError) -> None:
        """The outcome of a call."""
        if not self._done:
            self._done_since = _clock()
        self._done.append((one, self.engine.result(one.row, one.letter, answer)))
        known = len(self._done)
        if known in (1, self._portion(), self._in_flight):
            self._poke()

    def _leave(self, some: Collection[Held]) -> None:
        """These are no longer in flight."""
        self._in_flight -= len(some)
        self._let_go(some)

    def _let_go(self, some: Collection[Held]) -> None:
        if some:
            self.held -= len(some)
            self._ids.difference_update(one.row.id for one in some)
            self.engine.let_go(one.row for one in some)
            self._landed()

    def _lane_ended(self, lane: "asyncio.Task[None]") -> None:
        self._lanes.discard(lane)
        if not lane.cancelled() and lane.exception() is not None:
            log.error("Deliveries were interrupted: %s", safe(repr(lane.exception())))
        self._start_lanes()  # some became ready when it had just looked for the last time


def want_of(row: Claimed, letter: DispatchContent) -> Want:
    """The call of a claimed delivery."""
    account, target = letter.envelope.account, row.target
    return Want(row.id, account, row.cost, row.dispatch, letter.turn, row.slot, target)


class _Lane:
    """One after another, until none is ready. For an adapter that `streams` it is the supply (`base.PostSupply`)."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self._taken: dict[int, Held] = {}  # by delivery: taken, and neither ended nor called back
        self._begun: dict[int, float] = {}  # when their calls began

    async def run(self) -> None:
        if not self._lanes.adapter.streams:
            await self._one_by_one()
            return
        try:
            await self._lanes.adapter.publish_from(self)
        except asyncio.CancelledError:
            self._end_all(None)
            raise
        except Exception as error:  # noqa: BLE001 - what has begun may have left: uncertain, never a crash
            if not self._taken:
                self.take()
            self._end_all(error)

    async def _one_by_one(self) -> None:
        while (one := self._lanes.next()) is not None:
            if await self._lanes.may_begin(one):
                begun = time.monotonic()
                answer = await self._lanes.engine.call(one.row, one.letter)
                self._lanes.flight.took(time.monotonic() - begun)
                self._lanes.end(one, answer)

    def _end_all(self, error: Exception | None) -> None:
        """The channel gave up what it had taken. None: the worker stops."""
        name = self._lanes.whose.name
        for number, one in list(self._taken.items()):
            post = one.letter.post(one.row)
            if number in self._begun:
                self.end(post, unexpected(name, post, error) if error else stopped())
            elif error is None:
                self._lanes.call_back([self._taken.pop(number)])
            elif isinstance(error, ChannelError):
                self.end(post, error)
            else:
                unexpected(name, post, error)  # in the log
                told = _("Not sent so far: the channel's code failed ({kind}).")
                self.end(post, Unavailable(told.format(kind=type(error).__name__)))

    def take(self) -> Post | None:
        one = self._lanes.next()
        if one is None:
            return None
        self._taken[one.row.id] = one
        return one.letter.post(one.row)

    async def begin(self, post: Post) -> bool:
        may = await self._lanes.may_begin(self._taken[post.delivery])
        if may:
            self._begun[post.delivery] = time.monotonic()
        else:
            del self._taken[post.delivery]
        return may

    def end(self, post: Post, answer: Receipt | ChannelError) -> None:
        begun = self._begun.pop(post.delivery, None)
        if begun is not None:
            self._lanes.flight.took(time.monotonic() - begun)
        self._lanes.end(self._taken.pop(post.delivery), answer)


def _clock() -> float:
    return asyncio.get_running_loop().time()
