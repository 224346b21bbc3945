"""Calls to a channel: making them with a time limit, turning every outcome into a receipt or one of the
five errors, and pacing them (slots, turns, calls in flight)."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from alertbot.channels.base import Adapter
from alertbot.core.errors import ChannelError, Uncertain, safe
from alertbot.core.model import Action, Post, Receipt
from alertbot.core.words import _
from alertbot.db.database import Database
from alertbot.delivery import store_content
from alertbot.delivery.rules_retry import Answer
from alertbot.delivery.store_claim import HORIZON

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
    their slots only."""

    CATCH_UP = 0.97
    FINEST = 0.001

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
