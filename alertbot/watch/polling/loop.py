"""The polling loop, and when each source is polled next. Times are seconds of a monotonic clock."""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from alertbot.config.sources import SourceSettings
from alertbot.config.watching import WatchSettings
from alertbot.core import loops
from alertbot.core.errors import AlertbotError, safe
from alertbot.watch.polling.asked_sources import Asked, asked_source
from alertbot.watch.polling.network import Network
from alertbot.watch.polling.probe import Clock, Online, WallClock
from alertbot.watch.rules_signals import Signal

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
