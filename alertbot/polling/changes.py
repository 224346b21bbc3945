"""A page that tells the state as it is, asked again and again: what is new in it. Pure.

The same state must be one report however often it is read, or the store would fill up; a change must be
another report, even where the page has neither an id nor a time for it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from alertbot.incident.signals import Observed, Signal

MOST_KEYS = 50
MOST_SERVICES = 5000

_WORSE = (Observed.UP, Observed.UNKNOWN, Observed.MAINTENANCE, Observed.DEGRADED, Observed.DOWN)


@dataclass(frozen=True, slots=True)
class Said:
    """What was last said about a service. `keys`: the latest it was told under, oldest first."""

    signal: Signal
    keys: tuple[str, ...]


Memory = Mapping[str, Said]


def told(before: Memory, signals: Iterable[Signal]) -> Memory:
    """One report for each service of the page, keyed so that an unchanged state keeps its key.

    Where a page has several rows for a service, the worst counts, and one that is unknown keeps the service
    from being called up. Tests and old news are no state.
    """
    return {name: _told(before.get(name), signal) for name, signal in _worst(signals).items()}


def kept(before: Memory, now: Memory) -> Memory:
    """The memory after `now` was stored. A service that is missing from the page is remembered: absence says
    nothing. Bounded; who was not heard of for longest goes first."""
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


def _told(before: Said | None, signal: Signal) -> Said:
    signal = replace(signal, still_firing=signal.trouble)  # the page says so at this moment
    if before is None:
        return Said(signal, (signal.key,))
    last = before.signal
    if (signal.observed, signal.severity) == (last.observed, last.severity):
        return replace(before, signal=replace(signal, key=last.key, at=last.at))
    key = signal.key
    if key in before.keys:
        key = f"{key}@{signal.known:%Y-%m-%dT%H:%M:%S.%f}"
    changed = replace(signal, key=key, at=max(signal.at, last.at))
    return Said(changed, (*before.keys, key)[-MOST_KEYS:])
