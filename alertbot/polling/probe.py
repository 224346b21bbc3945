"""alertbot's own look: does this address answer, does this port take a connection?"""

import asyncio

import httpx

from alertbot.connecting import reason_of
from alertbot.errors import safe
from alertbot.incident.signals import Observed, Signal
from alertbot.polling.asking import address_of, asked, bearer, host_of
from alertbot.polling.clock import Clock, WallClock
from alertbot.polling.errors import BadAnswer, NotFetched, Unreachable, late
from alertbot.polling.network import Network, both_families
from alertbot.polling.online import Online
from alertbot.settings.sources import ProbeSettings
from alertbot.words import _


async def probe(
    settings: ProbeSettings,
    *,
    source: str,
    online: Online,
    network: Network | None = None,
    clock: Clock | None = None,
    token: str = "",
) -> Signal:
    """One look, one signal: up, down, or unknown where this machine is offline itself.

    Down is: no connection, no TLS, no answer in time, another status than configured. Of HTTP the first
    answer counts; a redirect is an answer. The key holds the moment: each look is a result of its own, which
    confirmations and the flap score count.
    """
    clock, network = clock or WallClock(), network or Network()
    begun = clock.ticks()
    try:
        told, observed = await _look(settings, network, token), Observed.UP
    except NotFetched as error:
        told, observed = str(error), Observed.DOWN
        if not await online.holds(since=begun):
            told, observed = (
                _("This machine is offline itself: {reason}").format(reason=error),
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
    """What is well about it. Raises `NotFetched`: it is not."""
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
        return _("It answers {status}.").format(status=status)
    told = _("{host} answers {status}; {lowest} to {highest} would be right.")
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
        return _("It takes connections.")
    raise Unreachable(f"{host}:{port}", reason_of(failure))
