"""Several alerts of monitoring about one service: it works again when the last of them is over. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alertbot.incident.signals import Observed, Signal, telling

PEOPLE = "people"  # the source of what people say by hand: it counts over everything before it
_SEVERITY = (Observed.DOWN, Observed.DEGRADED)

Standing = dict[tuple[str, str], Observed]


def joined(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """The reports about one service, each saying how the whole of it did from then on: as bad as the worst
    of what its sources last said of each of their subjects. Reports without a subject follow each other."""
    standing: Standing = {}
    found = []
    for one in telling(signals):
        if one.source == PEOPLE:
            standing.clear()
        standing[_about(one)] = one.observed
        found.append(_as_whole(one, standing))
    return tuple(found)


def _about(one: Signal) -> tuple[str, str]:
    return (one.source, one.subject) if one.subject else ("", "")


def _as_whole(one: Signal, standing: Mapping[tuple[str, str], Observed]) -> Signal:
    worst = next((state for state in _SEVERITY if state in standing.values()), None)
    if worst is None or worst is one.observed:
        return one
    return replace(one, observed=worst, confirms=False, still_firing=True)
