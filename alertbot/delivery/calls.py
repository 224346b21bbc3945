"""Calls to a channel: making them with a time limit, turning every outcome into a receipt or one of the
five errors, and pacing them (slots, turns, moments, calls in flight)."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from math import inf
from typing import Any

from alertbot.channels.base import Adapter
from alertbot.core.errors import ChannelError, StoreFailed, Uncertain, safe
from alertbot.core.loops import GroupCommit
from alertbot.core.model import Action, Post, Receipt
from alertbot.core.words import _
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_content, store_pace
from alertbot.delivery.rules_pace import EARLIEST, EARLY, FINEST, LATE, CallMoment
from alertbot.delivery.rules_retry import Answer
from alertbot.delivery.store_accounts import Want
from alertbot.delivery.store_claim import HORIZON
from alertbot.delivery.store_pace import NOTHING_GIVEN, BegunCall, ClockReading, Given

log = logging.getLogger(__name__)


class Calls:
    """Publishes, and looks up uncertain posts where a channel can. `longest`: the time limit of a call,
    in seconds."""

    def __init__(
        self, adapters: Mapping[str, Adapter[Any]], database: Database, longest: float
    ) -> None:
        self._adapters = adapters
        self._database = database
        self._longest = longest
        self._limits: set[asyncio.Timeout] = set()  # of the calls under way
        self.hung_up = False

    def hang_up(self) -> None:
        """Stop waiting for calls: those in progress count as perhaps sent."""
        self.hung_up = True
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        async with asyncio.timeout(0 if self.hung_up else self._longest) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    async def prepare(self, name: str, post: Post) -> None:
        """Upload a picture before the call is recorded as begun: it is not public yet, so it may take
        its time, and a halt in between still stops the post."""
        if post.picture is None:
            return
        try:
            async with self._in_time():
                await self._adapters[name].prepare(post)
        except Exception as error:  # noqa: BLE001 - the call itself will say what is wrong
            about = {"channel": name, "alert": post.alert}
            log.warning(
                "%s: nothing was prepared for %s: %s", name, post.alert, safe(error), extra=about
            )

    async def publish(self, name: str, post: Post) -> Answer:
        """Make the call. An uncertain outcome is looked up at once. Raises only the five channel errors."""
        adapter = self._adapters[name]
        try:
            async with self._in_time():
                return await adapter.publish(post)
        except ChannelError as error:
            answer: ChannelError = error
        except TimeoutError:
            told = _("May have been sent: the channel did not answer in time.")
            answer = stopped() if self.hung_up else Uncertain(told)
        except Exception as error:  # noqa: BLE001 - the request may have left: uncertain, never a crash
            answer = unexpected(name, post, error)
        asks = adapter.spec.can_reconcile and post.action is Action.PUBLISH and not self.hung_up
        if asks and isinstance(answer, Uncertain):
            return await self.find(name, post) or answer
        return answer

    async def find_late(self, name: str, post: Post) -> Answer:
        """Instead of a repeat that would no longer be harmless: the post if it can be found, else the doubt."""
        found = await self.find(name, post) if self._adapters[name].spec.can_reconcile else None
        told = _(
            "May have been sent: no answer came, and by now a repeat could post {alert} twice. Check whether it is"
            " there, then settle the delivery."
        )
        return found or Uncertain(told.format(alert=post.alert), code="late")

    async def find(self, name: str, post: Post) -> Receipt | None:
        """The post, if it is public after all; never an earlier one with the same words."""
        try:
            async with self._in_time():
                receipt = await self._adapters[name].find(post)
            if receipt is not None and await self._is_known(name, receipt.id, post.delivery):
                receipt = None
        except Exception as error:  # noqa: BLE001 - then it stays uncertain
            log.warning(
                "%s could not say whether delivery %d of %s was sent: %s",
                name,
                post.delivery,
                post.alert,
                safe(error),
                extra={"channel": name, "alert": post.alert},
            )
            return None
        return receipt

    async def _is_known(self, name: str, remote_id: str, delivery: int) -> bool:
        return await self._database.read(
            lambda conn: store_content.is_known(conn, name, remote_id, but=delivery)
        )


def stopped() -> Uncertain:
    """The outcome of a call that a stopping worker no longer waits for."""
    return Uncertain(_("May have been sent: the worker was stopped before the channel answered."))


def unexpected(name: str, post: Post, error: BaseException) -> Uncertain:
    """The outcome of a call in which the channel's code failed; says so in the log."""
    kind = type(error).__name__
    log.error(  # a traceback may hold a secret
        "Delivery %d of %s: %s failed unexpectedly: %s: %s",
        post.delivery,
        post.alert,
        name,
        kind,
        safe(error),
        extra={"channel": name, "alert": post.alert},
    )
    return Uncertain(_("May have been sent: the channel's code failed ({kind}).").format(kind=kind))


IN_FLIGHT = 240  # calls of one account from intent to outcome: a crash makes no more uncertain
AHEAD = 0.05  # seconds of calls that may be in flight, if those are fewer
PORTIONS = 2  # in which those places are given, so that the intents of many share a commit
SOON = 0.02  # seconds before its slot a call may be intended, so that several are together
SHARE = 0.1  # of the last call in the mean of how long one takes


def portion(gap: float, free: int) -> int:
    """How many deliveries to claim at once: about half a second's worth at one call per `gap` seconds,
    and never more than can start at their slots, so that no lease expires while queued."""
    if free <= 1 or gap * free <= HORIZON:
        return max(0, free)
    return max(1, int(HORIZON / gap))


class Turns:
    """Spaces out this process's calls that are late for their slots, so that they do not start all at once
    after a stall: each a gap after the one before, in order. They may catch up slightly, within the tolerance
    that paces leave. Gaps shorter than `FINEST` are below what a timer can wait for; those calls keep to
    their slots only. Other processes have turns of their own: see `Moments`."""

    CATCH_UP = 0.97
    FINEST = FINEST

    def __init__(self) -> None:
        self._free: dict[str, float] = {}
        self._queues: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, channel: str, gap: float, slot: float) -> None:
        """Wait for the slot, and for a turn after it."""
        await until(slot)
        if gap < self.FINEST:
            return
        async with self._queues[channel]:  # a turn is not given in advance: a stall would bunch them
            await until(self._free.get(channel, 0.0))
            self._free[channel] = _clock() + gap * self.CATCH_UP


async def until(slot: float) -> None:
    """Sleep until this time of the event loop's clock."""
    wait = slot - _clock()
    if wait > 0:
        await asyncio.sleep(wait)


def _clock() -> float:
    return asyncio.get_running_loop().time()


def intended_early(gap: float) -> float:
    """Seconds before its slot that a call of such an account is intended. Its moment is kept later."""
    return EARLY if gap >= FINEST else 0.0


class DatabaseClock:
    """What the database's clock says, by the monotonic one, as far as it is known: it was read at some time between
    a question and its answer. The closest of what was heard lately counts."""

    KEPT = 15.0  # seconds, and as long again
    RIGHTED = 1.0  # seconds: it was set

    def __init__(self) -> None:
        self._since = -inf
        self._bounds = self._bounds_before = (-inf, inf)  # of what the monotonic clock is ahead

    def hear(self, reading: ClockReading) -> None:
        """Note what time it was."""
        bounds = reading.asked - reading.now, reading.heard - reading.now
        low, high = self._known
        if bounds[0] > high + self.RIGHTED or bounds[1] < low - self.RIGHTED:
            self._since, self._bounds, self._bounds_before = reading.heard, bounds, bounds
        elif reading.heard - self._since > self.KEPT:
            self._since, self._bounds_before, self._bounds = reading.heard, self._bounds, bounds
        else:
            self._bounds = _within(self._bounds, bounds)

    @property
    def _known(self) -> tuple[float, float]:
        return _within(self._bounds, self._bounds_before)

    def local(self, moment: float) -> float:
        """When it is this time, by the monotonic clock: at the latest."""
        return moment + self._known[1]

    def of(self, local: float) -> float:
        """What time it is at this moment of the monotonic clock: at the latest."""
        return local - self._known[0]


def _within(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return max(one[0], other[0]), min(one[1], other[1])


class Moments:
    """When the intended calls of this worker may begin. A call that misses its moment, since the worker stood still or
    a commit took long, is given another one by the database, where the moments of all workers are noted."""

    LATEST = 0.4  # seconds that a call may be late

    def __init__(self, database: Database, worker: str) -> None:
        self._database = database
        self._worker = worker
        self._clock = DatabaseClock()
        self.together = (
            database.dialect == "sqlite"
        )  # moments are given in the transaction of the intents
        self.known: dict[int, CallMoment] = {}  # by delivery
        self._missed: GroupCommit[Want, bool] = GroupCommit(self._give_again)
        self._reserved: GroupCommit[Want, float | None] = GroupCommit(self._reserve)
        self._commit = 0.0  # the mean of how many seconds one takes
        self._late = LATE  # seconds that a call is allowed to be late
        self._begun: list[BegunCall] = []  # what the database does not know yet

    def turns(self, want: Want, gap: float) -> tuple[float, float]:
        """How far apart this worker's calls are intended, and how many seconds before they may begin, so that the
        commit does not make them late. Calls with moments are only kept from starting all at once."""
        if not want.slot:
            return gap, 0.0
        return gap if self.together else gap / 4, min(max(EARLY, 2 * self._commit), EARLIEST)

    def committed(self, seconds: float) -> None:
        """An intent was committed in so many seconds."""
        self._commit += SHARE * (seconds - self._commit)

    async def reserve(self, want: Want, slot: float) -> float | None:
        """When this claimed call may begin, by the monotonic clock: not before `slot`. None: it has been released, since
        its target is busy for long."""
        if self.together or not want.slot:
            return slot
        seconds = await self._reserved.add(want)
        if seconds:
            await asyncio.sleep(seconds)
            return await self.reserve(want, slot)
        given = self.known.get(want.id)
        return None if given is None else max(slot, self._clock.local(given.earliest))

    async def _reserve(self, wants: Sequence[Want]) -> Sequence[float | None]:
        try:
            later = await self.before(wants)
        except StoreFailed as error:
            log.warning("Nothing was sent just now: %s", error)
            return [None] * len(wants)
        return [later.get(want.id) for want in wants]

    async def before(self, wants: Sequence[Want]) -> dict[int, float]:
        """Unless they are given `together` with the intents, give moments to these: where several may write at once, all
        workers of an account would wait for each other's commits. Returns how many seconds later to ask again about
        those without."""
        if self.together or not self._lacking(wants):
            return {}
        given = await self._database.transact(lambda conn: self.within(conn, wants))
        self.note(given)
        return given.later

    async def within(
        self, conn: Connection, wants: Sequence[Want], missed: Sequence[BegunCall] = ()
    ) -> Given:
        """Give moments to those that have to keep a pace and have none yet, or have `missed` theirs. To be noted once
        it is committed."""
        lacking = self._lacking(wants) if not missed else wants
        if not lacking:
            return NOTHING_GIVEN
        accounts = {want.account for want in lacking}
        begun = [one for one in self._begun if one.want.account in accounts]
        given = await store_pace.give(conn, lacking, self._late, [*begun, *missed])
        far = {one: seconds for one, seconds in given.later.items() if seconds > HORIZON}
        await store_pace.put_back(conn, far, worker=self._worker)
        soon = {one: seconds for one, seconds in given.later.items() if one not in far}
        return given._replace(later=soon)

    def _lacking(self, wants: Iterable[Want]) -> list[Want]:
        return [want for want in wants if want.slot and want.id not in self.known]

    def note(self, given: Given) -> None:
        """This is committed."""
        self.known |= given.moments
        if given.begun:
            self._begun = [one for one in self._begun if one not in given.begun]
        if given.clock is not None:
            self._clock.hear(given.clock)

    def forget(self, deliveries: Iterable[int]) -> None:
        """These calls have begun, or will not."""
        for one in deliveries:
            self.known.pop(one, None)

    async def wait(self, delivery: int, before: float) -> None:
        """Until so many seconds before the call may begin."""
        given = self.known.get(delivery)
        if given is not None:
            seconds = self._clock.local(given.earliest) - before - time.monotonic()
            if seconds > 0:
                await asyncio.sleep(seconds)

    def begin(self, want: Want) -> bool:
        """The call begins now. False: it is too late for that."""
        given = self.known.get(want.id)
        if given is None:
            return True
        at = self._clock.of(time.monotonic())
        late = at > given.latest
        self._late = min(2 * self._late, self.LATEST) if late else max(LATE, 0.9 * self._late)
        if not late:
            self._begun.append(BegunCall(want, given, at))
        return not late

    async def again(self, want: Want) -> bool:
        """Another moment for a call that has missed its own. False: there is none soon."""
        return await self._missed.add(want)

    async def _give_again(self, wants: Sequence[Want]) -> Sequence[bool]:
        missed = [BegunCall(want, self.known[want.id]) for want in wants]
        late = [want._replace(slot=0.0) for want in wants]
        try:
            given = await self._database.transact(lambda conn: self.within(conn, late, missed))
        except StoreFailed as error:
            log.warning("Nothing was sent just now: %s", error)
            return [False] * len(wants)
        self.note(given)
        return [want.id in given.moments for want in wants]


class Flight:
    """How many calls of an account with many recipients may be in flight, from before their intents until
    their outcomes are committed: as many as it makes in `AHEAD` seconds, at least one for each of its
    lanes and at most `IN_FLIGHT`. A slow account has none waiting, so a halt or a more urgent alert is not
    delayed."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._mean: float | None = None  # seconds of a call

    @property
    def size(self) -> int:
        """How many may be in flight now."""
        if self._mean is None:
            return self._at_once
        soon = self._at_once * AHEAD / max(self._mean, 1e-6)
        return int(min(max(self._at_once, IN_FLIGHT), max(self._at_once, soon)))

    def took(self, seconds: float) -> None:
        """Note how many seconds a call took."""
        before = seconds if self._mean is None else self._mean
        self._mean = before + SHARE * (seconds - before)
