"""Polling: the polled sources (a page of states, a feed, a probe), and when each is polled next. Times
are seconds of a monotonic clock."""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from alertbot.config.sources import FeedSettings, PollSettings, ProbeSettings, SourceSettings
from alertbot.config.watching import WatchSettings
from alertbot.core import loops
from alertbot.core.errors import AlertbotError, safe
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.watch.polling import feed
from alertbot.watch.polling.fetch import CachedAnswer, fetch
from alertbot.watch.polling.network import Network
from alertbot.watch.polling.probe import Clock, Online, WallClock, probe
from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources import base
from alertbot.watch.sources.base import UnknownShape
from alertbot.watch.sources.directory import as_configured, parser

MOST_KEYS = 50
MOST_SERVICES = 5000

_WORSE = (Observed.UP, Observed.UNKNOWN, Observed.MAINTENANCE, Observed.DEGRADED, Observed.DOWN)


@dataclass(frozen=True, slots=True)
class LastReport:
    """The last report about a service. `keys`: the latest keys it had, oldest first."""

    signal: Signal
    keys: tuple[str, ...]


Memory = Mapping[str, LastReport]


def told(before: Memory, signals: Iterable[Signal]) -> Memory:
    """One report per service of the page, keyed so that an unchanged state keeps its key. It has no
    subject: the whole page was read, so it replaces what the page said before.

    If a page has several rows for a service, the worst counts, and an unknown one keeps the service from
    being up. Tests and old entries are ignored.
    """
    return {name: _after_report(before.get(name), signal) for name, signal in _worst(signals).items()}


def kept(before: Memory, now: Memory) -> Memory:
    """The memory after storing `now`. A service missing from the page is remembered: absence says
    nothing. Bounded; the one not seen for longest is dropped first."""
    joined = {**{name: said for name, said in before.items() if name not in now}, **now}
    return dict(list(joined.items())[-MOST_SERVICES:])


def _worst(signals: Iterable[Signal]) -> dict[str, Signal]:
    worst: dict[str, Signal] = {}
    for one in signals:
        if one.is_test or one.history:
            continue
        other = worst.get(one.service)
        if other is None or _rank(one) > _rank(other):
            worst[one.service] = one
    return worst


def _rank(signal: Signal) -> tuple[int, bool, float]:
    return _WORSE.index(signal.observed), signal.critical, signal.at.timestamp()


def _after_report(before: LastReport | None, signal: Signal) -> LastReport:
    signal = replace(signal, still_firing=signal.trouble, subject="", told_at=None)  # it says so now
    if before is None:
        return LastReport(signal, (signal.key,))
    last = before.signal
    if (signal.observed, signal.severity) == (last.observed, last.severity):
        return replace(before, signal=replace(signal, key=last.key, at=last.at))
    key = signal.key
    if key in before.keys:
        key = f"{key}@{signal.known:%Y-%m-%dT%H:%M:%S.%f}"
    changed = replace(signal, key=key, at=max(signal.at, last.at))
    return LastReport(changed, (*before.keys, key)[-MOST_KEYS:])


READ_SECONDS = 20.0  # for a page or a feed of others


async def _in_time(source: str, read: Callable[[], tuple[Signal, ...]]) -> tuple[Signal, ...]:
    """Read foreign bytes in a thread that nobody waits for longer than `READ_SECONDS`. Raises
    `UnknownShape`."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await loops.in_thread(read)
    except TimeoutError:
        why = _("it could not be read within {n} s").format(n=int(READ_SECONDS))
        raise UnknownShape(source, None, why) from None


class Asked(Protocol):
    """A source polled every `every` seconds."""

    every: float

    async def ask(self) -> tuple[Signal, ...]:
        """Its current reports, with the configured names. Raises `AlertbotError` if it could not be
        reached or understood."""

    def taken(self) -> None:
        """Its last reports are stored."""


class PolledPage:
    """A page that gives current states: a Statuspage summary, or any JSON. Reports have the same key as
    long as nothing changes."""

    def __init__(
        self, name: str, settings: SourceSettings, poll: PollSettings, network: Network, clock: Clock
    ) -> None:
        self.every = poll.every.total_seconds()
        self._name, self._settings, self._poll = name, settings, poll
        self._network, self._clock, self._known = network, clock, CachedAnswer()
        self._stored: Memory = {}
        self._said: Memory = {}

    async def ask(self) -> tuple[Signal, ...]:
        body = await fetch(
            self._poll.url,
            timeout=self._poll.timeout,
            token=token_of(self._settings),
            network=self._network,
            known=self._known,
        )
        signals = await _in_time(self._name, partial(self._read, body))
        self._said = told(self._stored, as_configured(signals, self._settings))
        return tuple(said.signal for said in self._said.values())

    def taken(self) -> None:
        self._stored = kept(self._stored, self._said)

    def _read(self, body: bytes) -> tuple[Signal, ...]:
        """Raises `UnknownShape`, also if there are reports and none names a service."""
        page, parse = base.read(self._name, body), parser(self._settings.type)
        options = self._settings.options()
        found = parse(page, source=self._name, now=self._clock.now(), options=options)
        named = tuple(one for one in found if one.service)
        if found and not named:
            raise UnknownShape(self._name, page, _("no report in it names a service"))
        return named


class Feed:
    """An RSS or Atom feed."""

    def __init__(
        self, name: str, settings: SourceSettings, given: FeedSettings, network: Network, clock: Clock
    ) -> None:
        self.every = given.every.total_seconds()
        self._name, self._settings, self._given = name, settings, given
        self._network, self._clock, self._known = network, clock, CachedAnswer()

    async def ask(self) -> tuple[Signal, ...]:
        body = await fetch(
            self._given.url,
            timeout=self._given.timeout,
            token=token_of(self._settings),
            network=self._network,
            known=self._known,
        )
        return as_configured(await _in_time(self._name, partial(self._read, body)), self._settings)

    def taken(self) -> None:
        """Nothing to remember: entries have their own keys."""

    def _read(self, body: bytes) -> tuple[Signal, ...]:
        return feed.parse(body, source=self._name, now=self._clock.now(), settings=self._given)


class Probe:
    """alertbot's own look at a service."""

    def __init__(
        self,
        name: str,
        settings: SourceSettings,
        given: ProbeSettings,
        network: Network,
        clock: Clock,
        online: Online,
    ) -> None:
        self.every = given.every.total_seconds()
        self._name, self._settings, self._given = name, settings, given
        self._network, self._clock, self._online = network, clock, online
        self._failed = 0  # looks in a row

    async def ask(self) -> tuple[Signal, ...]:
        seen = self._waited(await self._look())
        return as_configured([seen], self._settings)

    def _waited(self, seen: Signal) -> Signal:
        """Down only after enough failures in a row; earlier ones say nothing about the service."""
        if seen.observed is Observed.UP:
            self._failed = 0
        self._failed += seen.observed is Observed.DOWN
        if seen.observed is Observed.DOWN and self._failed < self._given.failures:
            return replace(seen, observed=Observed.UNKNOWN)
        return seen

    async def _look(self) -> Signal:
        return await probe(
            self._given,
            source=self._name,
            online=self._online,
            network=self._network,
            clock=self._clock,
            token=token_of(self._settings),
        )

    def taken(self) -> None:
        """Nothing to remember: each probe is a separate result."""


def asked_source(
    name: str, settings: SourceSettings, network: Network, clock: Clock, online: Online
) -> Asked | None:
    """The source as something to poll; None for one that posts its reports."""
    if settings.poll is not None:
        return PolledPage(name, settings, settings.poll, network, clock)
    if settings.feed is not None:
        return Feed(name, settings, settings.feed, network, clock)
    if settings.probe is not None:
        return Probe(name, settings, settings.probe, network, clock, online)
    return None


def token_of(settings: SourceSettings) -> str:
    """The bearer token for the source, read now; "" for none. Raises `ConfigInvalid` if it is missing."""
    return settings.secret("secret") if settings.has_secret("secret") else ""


LONGEST_BACKOFF = 600.0
LONGEST_START = 10.0


def first(now: float, every: float, share: float) -> float:
    """The first turn: at `share` (0 to 1) of the first interval, but soon, so that sources are not all
    polled at once. Pure."""
    return now + share * min(every, LONGEST_START)


def after(due: float, now: float, every: float, failures: int) -> float:
    """The turn after the one that was due at `due` and has just ended. Pure.

    Turns stay on the grid of the interval, however long one takes; missed turns are skipped. After one
    failure the wait is the interval; it doubles with each further failure in a row, up to ten minutes
    (or the interval if that is longer).
    """
    if failures:
        longest = max(every, LONGEST_BACKOFF)
        return now + min(every * 2.0 ** min(failures - 1, 60), longest)
    return due + every * (max(0, math.floor((now - due) / every)) + 1)


log = logging.getLogger(__name__)

Take = Callable[[str, Sequence[Signal]], Awaitable[None]]

STOPPING_SECONDS = 0.8  # for storing what was just heard


async def keep(
    sources: Mapping[str, SourceSettings],
    watch: WatchSettings,
    take: Take,
    stop: asyncio.Event,
    *,
    clock: Clock | None = None,
    network: Network | None = None,
    share: Callable[[], float] = random.random,
) -> None:
    """Poll and pass on the reports until `stop` is set; then end within a second.

    `take` gets the source's name and its signals, also an empty list: the source was heard. It is not
    called if the source could not be polled or understood: that is logged in one sentence. One source's
    failure does not affect the others. `share`: how far into its first interval a source begins.
    """
    clock, network = clock or WallClock(), network or Network()
    online = Online(watch.online_checks, network=network, clock=clock)
    made = {name: asked_source(name, one, network, clock, online) for name, one in sources.items()}
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                loops.keep(
                    f"Asking {name}", partial(_ask_again, name, one, take, clock, share()), stop
                ),
                name=f"asking {name}",
            )
            for name, one in made.items()
            if one is not None
        ]
        if tasks:
            await stop.wait()
        for task in tasks:
            task.cancel()


async def _ask_again(name: str, source: Asked, take: Take, clock: Clock, share: float) -> None:
    """Poll one source; a turn ends before the next begins."""
    failures = 0
    due = first(clock.ticks(), source.every, share)
    while True:
        await clock.sleep(max(0.0, due - clock.ticks()))
        failure = await _turn(name, source, take)
        failures = failures + 1 if failure else 0
        due = after(due, clock.ticks(), source.every, failures)
        if failure:
            wait = due - clock.ticks()
            log.warning(
                "The source %s gave nothing: %s It is asked again in %.0f s.", name, failure, wait
            )


async def _turn(name: str, source: Asked, take: Take) -> str:
    """Poll once and pass on the reports. Returns the reason why there were none, or ""."""
    try:
        signals = await source.ask()
    except AlertbotError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the sentence is logged; the next turn tries again
        return f"a fault of ours, {safe(repr(error))}."
    try:
        await _to_its_end(take(name, signals))
        source.taken()
    except AlertbotError as error:
        log.warning("What the source %s said was not stored: %s", name, error)
    except Exception as error:  # noqa: BLE001 - the same; what it said comes again with the next turn
        log.error("What the source %s said was not stored: %s", name, safe(repr(error)))  # noqa: TRY400
    return ""


async def _to_its_end(storing: Awaitable[None]) -> None:
    """Let a turn in progress finish after a stop, if it takes no longer than a moment."""
    task = asyncio.ensure_future(storing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        ended, _open = await asyncio.wait([task], timeout=STOPPING_SECONDS)
        if ended and not task.cancelled() and (error := task.exception()):
            log.warning("What a source said at the end was not stored: %s", safe(error))
        task.cancel()
        raise
