"""The sources that are asked, each as one thing to do again and again: a page of states, a feed, a probe."""

import asyncio
from dataclasses import replace
from typing import Protocol

from alertbot.incident.signals import Observed, Signal
from alertbot.polling import changes, feed
from alertbot.polling.clock import Clock
from alertbot.polling.fetch import Known, fetch
from alertbot.polling.network import Network
from alertbot.polling.online import Online
from alertbot.polling.probe import probe
from alertbot.settings.sources import FeedSettings, PollSettings, ProbeSettings, SourceSettings
from alertbot.sources import bodies
from alertbot.sources.base import UnknownShape
from alertbot.sources.configured import as_configured
from alertbot.sources.directory import parser
from alertbot.words import _


class Asked(Protocol):
    """A source that is asked every so often (`every`, in seconds)."""

    every: float

    async def ask(self) -> tuple[Signal, ...]:
        """What it says now, as configured. Raises `AlertbotError` where it could not be asked or understood."""

    def taken(self) -> None:
        """What it said last is stored."""


class Page:
    """A page that tells the state as it is: a Statuspage's summary, or any JSON. What is read comes with the
    same key as long as nothing changes."""

    def __init__(
        self, name: str, settings: SourceSettings, poll: PollSettings, network: Network, clock: Clock
    ) -> None:
        self.every = poll.every.total_seconds()
        self._name, self._settings, self._poll = name, settings, poll
        self._network, self._clock, self._known = network, clock, Known()
        self._stored: changes.Memory = {}
        self._said: changes.Memory = {}

    async def ask(self) -> tuple[Signal, ...]:
        body = await fetch(
            self._poll.url,
            timeout=self._poll.timeout,
            token=token_of(self._settings),
            network=self._network,
            known=self._known,
        )
        signals = await asyncio.to_thread(self._read, body)
        self._said = changes.told(self._stored, as_configured(signals, self._settings))
        return tuple(said.signal for said in self._said.values())

    def taken(self) -> None:
        self._stored = changes.kept(self._stored, self._said)

    def _read(self, body: bytes) -> tuple[Signal, ...]:
        """Raises `UnknownShape`, also where there are reports and none names a service."""
        page, parse = bodies.read(self._name, body), parser(self._settings.type)
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
        self._network, self._clock, self._known = network, clock, Known()

    async def ask(self) -> tuple[Signal, ...]:
        body = await fetch(
            self._given.url,
            timeout=self._given.timeout,
            token=token_of(self._settings),
            network=self._network,
            known=self._known,
        )
        return as_configured(await asyncio.to_thread(self._read, body), self._settings)

    def taken(self) -> None:
        """Entries have keys of their own: nothing to remember."""

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
        """Down only after so many failures in a row; those before say nothing about the service."""
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
        """Each look is a result of its own: nothing to remember."""


def asked_source(
    name: str, settings: SourceSettings, network: Network, clock: Clock, online: Online
) -> Asked | None:
    """The source as something to ask; None for one that reports by itself."""
    if settings.poll is not None:
        return Page(name, settings, settings.poll, network, clock)
    if settings.feed is not None:
        return Feed(name, settings, settings.feed, network, clock)
    if settings.probe is not None:
        return Probe(name, settings, settings.probe, network, clock, online)
    return None


def token_of(settings: SourceSettings) -> str:
    """The bearer token that the source wants to see, read now; "" for none. Raises `ConfigInvalid`."""
    return settings.secret("secret") if settings.has_secret("secret") else ""
