"""When a source is asked next. Pure; seconds of a clock that only grows."""

import math

LONGEST_BACKOFF = 600.0
LONGEST_START = 10.0


def first(now: float, every: float, share: float) -> float:
    """The first turn: somewhere (`share`, from 0 to 1) in the first interval, but soon, so that not all
    are asked at once."""
    return now + share * min(every, LONGEST_START)


def after(due: float, now: float, every: float, failures: int) -> float:
    """The turn after the one that was due at `due` and has just ended.

    Turns stay on the grid of the interval, however long one takes; those that were missed are left out.
    After one failure the wait is the interval; with each further one in a row it doubles, up to ten minutes
    (or the interval where that is longer).
    """
    if failures:
        longest = max(every, LONGEST_BACKOFF)
        return now + min(every * 2.0 ** min(failures - 1, 60), longest)
    return due + every * (max(0, math.floor((now - due) / every)) + 1)
