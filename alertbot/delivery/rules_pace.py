"""The pace of calls that several workers make: when each may begin, so that no window of time holds more than it may,
however late some of them are.

A slot booked at the claim is not enough: a call that begins late, since its worker was, falls among the calls of
others. So until when each will have begun is noted with its intent, in one transaction, and put right once it has
begun; the next ones keep their distance from what is noted. All times are epoch seconds by the database's clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import NamedTuple

SHORTEST = 1.0  # seconds of a window: no platform counts in shorter ones
SLACK = 0.012  # seconds by which windows are longer: for what lies between the beginning of a call and its arrival
FINEST = 0.001  # seconds: smaller gaps are below what a timer can wait for; such calls keep to their slots only
EARLY = 0.04  # seconds before its slot that a call is intended: the commit takes time
EARLIEST = 0.3  # the same, where commits take long
NEAR = 0.6  # seconds ahead that a moment may be given; who would have to wait longer asks again
LATE = 0.1  # seconds that a call may begin late


class WindowLimit(NamedTuple):
    """At most `calls` within any `seconds`."""

    calls: int
    seconds: float


class CallMoment(NamedTuple):
    """A call may begin from `earliest` to `latest`."""

    earliest: float
    latest: float


def limit_of(gap: float) -> list[WindowLimit]:
    """What a least distance of `gap` seconds allows; nothing where it is too short for a timer."""
    if gap < FINEST:
        return []
    seconds = max(SHORTEST, gap)
    return [WindowLimit(ceil(seconds / gap - 1e-6), seconds)]


def target_limits(target: str, chat_gap: float, shares: Mapping[str, int] | None) -> list[WindowLimit]:
    """What counts for one target: its pace, and that of a group or channel, as Telegram names them."""
    limits = limit_of(chat_gap)
    if shares and target.startswith(("-", "@")):
        limits.append(WindowLimit(shares["group_minute"], 60.0))
    return limits


def free_from(noted: Sequence[float], limits: Iterable[WindowLimit]) -> float:
    """When the next call may begin at the earliest. `noted`: when those before it have begun at the latest, ascending.

    In any window only the call that was allowed last need be looked at: of those allowed before it, all but
    `calls` - 1 had begun a whole window earlier.
    """
    full = (one for one in limits if len(noted) >= one.calls)
    return max((noted[-one.calls] + one.seconds + SLACK for one in full), default=0.0)


def moment(earliest: float, now: float, late: float) -> CallMoment:
    """The moment of a call that may begin `earliest`, and is allowed to be `late` seconds late."""
    return CallMoment(earliest, ceil((max(earliest, now) + late) * 1e4) / 1e4)


def kept(noted: Iterable[float], limits: Iterable[WindowLimit], now: float) -> list[float]:
    """What is to be noted of these for the next calls. Moments far ahead are from a clock that was wrong."""
    calls, seconds = (max(column) for column in zip(*limits, strict=True))
    sound = sorted(one for one in noted if one <= now + seconds + SHORTEST)
    return sound[-int(calls) :]
