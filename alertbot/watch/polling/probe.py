"""Probes: whether a service answers, and whether this machine is online at all.

With `watch.online_checks`, one of those addresses must give some response before a failure counts; if
none does, the fault is local and says nothing about the service. Without them every failure counts: a
single machine cannot tell its own cable from the network, and silence would be worse.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

import httpx

from alertbot.config.sources import ProbeSettings
from alertbot.core.connecting import reason_of
from alertbot.core.errors import safe
from alertbot.core.words import _
from alertbot.watch.polling.fetch import address_of, asked, bearer, host_of
from alertbot.watch.polling.network import (
    BadAnswer,
    Network,
    NotFetched,
    Unreachable,
    both_families,
    late,
)
from alertbot.watch.rules_signals import Observed, Signal

FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 5.0


class Clock(Protocol):
    """The clock of polling, replaceable in tests: times for signals, ticks for intervals."""

    def now(self) -> datetime:
        """This moment, aware, in UTC."""

    def ticks(self) -> float:
        """Monotonic seconds."""

    async def sleep(self, seconds: float) -> None:
        """Sleep for this many ticks."""


class WallClock:
    """The real clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def ticks(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Online:
    """Asks all checks at once, and shares the answer for a few seconds."""

    def __init__(
        self,
        checks: Sequence[str],
        *,
        network: Network | None = None,
        clock: Clock | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._checks, self._patience = tuple(checks), patience
        self._network, self._clock = network or Network(), clock or WallClock()
        self._asking = asyncio.Lock()
        self._asked_at, self._answer = float("-inf"), True

    async def holds(self, since: float = float("-inf")) -> bool:
        """Whether this machine is online; True if no checks are configured.

        `since` (ticks): an older answer does not count, because the line may have been cut after it.
        """
        if not self._checks:
            return True
        async with self._asking:
            now = self._clock.ticks()
            if self._asked_at < max(since, now - FRESH_SECONDS):
                self._answer, self._asked_at = await self._one_answers(), now
            return self._answer

    async def _one_answers(self) -> bool:
        asking = [asyncio.create_task(self._answers(check)) for check in self._checks]
        try:
            for answer in asyncio.as_completed(asking):
                if await answer:
                    return True
            return False
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _answers(self, check: str) -> bool:
        """Whether an address responds, with any status. A captive portal fails on the certificate."""
        try:
            async with (
                asyncio.timeout(self._patience),
                asked(address_of(check), [], network=self._network, within=self._patience),
            ):
                return True
        except (NotFetched, TimeoutError):
            return False


async def probe(
    settings: ProbeSettings,
    *,
    source: str,
    online: Online,
    network: Network | None = None,
    clock: Clock | None = None,
    token: str = "",
) -> Signal:
    """One probe, one signal: up, down, or unknown if this machine is offline.

    Down means no connection, no TLS, no answer in time, or a status other than configured. For HTTP the
    first response counts, and a redirect is a response. The key holds the time: each probe is a separate
    result for confirmation and flapping.
    """
    clock, network = clock or WallClock(), network or Network()
    begun = clock.ticks()
    try:
        told, observed = await _look(settings, network, token), Observed.UP
    except NotFetched as error:
        told, observed = str(error), Observed.DOWN
        if not await online.holds(since=begun):
            told, observed = (
                _("This machine itself is offline: {reason}").format(reason=error),
                Observed.UNKNOWN,
            )
    return _signal(settings, source, observed, told, clock)


def _signal(
    settings: ProbeSettings, source: str, observed: Observed, told: str, clock: Clock
) -> Signal:
    now = clock.now()
    return Signal(
        source=source,
        service=settings.service,
        observed=observed,
        at=now,
        key=f"{settings.service}/{observed}/{now.isoformat()}",
        title=settings.service,
        summary=safe(told),
        url="" if settings.url is None else settings.url.partition("?")[0].partition("#")[0],
        still_firing=observed is Observed.DOWN,
        received=now,
    )


async def _look(settings: ProbeSettings, network: Network, token: str) -> str:
    """A sentence that says what answered. Raises `NotFetched` if the service counts as down."""
    seconds = settings.timeout.total_seconds()
    host, port = settings.host or "", settings.port or 0
    url = None if settings.url is None else address_of(settings.url)
    try:
        async with asyncio.timeout(seconds):
            if url is not None:
                return await _http(url, settings.status, token, network, seconds)
            return await _tcp(host, port, network, seconds)
    except TimeoutError:
        raise late(f"{host}:{port}" if url is None else host_of(url), seconds) from None


async def _http(
    url: httpx.URL, right: tuple[int, int], token: str, network: Network, seconds: float
) -> str:
    lowest, highest = right
    async with asked(url, bearer(token), network=network, within=seconds) as answer:
        status = answer.status_code
    if lowest <= status <= highest:
        return _("It answered {status}.").format(status=status)
    told = _("{host} answered {status}; expected {lowest} to {highest}.")
    raise BadAnswer(told.format(host=host_of(url), status=status, lowest=lowest, highest=highest))


async def _tcp(host: str, port: int, network: Network, seconds: float) -> str:
    addresses = both_families(await network.resolve(host, port))
    failure: Exception = OSError()
    for address in addresses:
        try:
            async with asyncio.timeout(seconds / len(addresses)):
                _reader, writer = await asyncio.open_connection(str(address), port)
        except (OSError, TimeoutError) as error:
            failure = error
            continue
        writer.close()
        return _("It accepts connections.")
    raise Unreachable(f"{host}:{port}", reason_of(failure))
