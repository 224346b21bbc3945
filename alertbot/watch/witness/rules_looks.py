"""When to look again whether the public can see a post, and what follows from what was seen. Pure.

| found        | meanwhile                                | in the end                          |
|--------------|------------------------------------------|-------------------------------------|
| the text     |                                          | seen                                |
| other text   | looked again: a page may lag             | other, the second time in a row     |
| nothing      | looked again, with growing pauses        | unseen, once its time is over       |
| no answer    | looked again, for twice the time         | blind: nothing is known, nobody is alarmed |

What was unseen or other is looked at for an hour more, slowly: it may turn up.
"""

from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from alertbot.core.frozen import dataclass

GROWTH = 1.7
LONGEST_PAUSE = 120.0  # seconds
SLOW = 300.0
AFTERWARDS = 3600.0


class Found(StrEnum):
    """What one look found."""

    SEEN = "seen"
    OTHER = "other"
    ABSENT = "absent"
    BLIND = "blind"  # the look itself failed


class LookVerdict(StrEnum):
    """What the public sees of a delivery, as far as anybody could look."""

    LOOKING = "looking"
    SEEN = "seen"
    OTHER = "other"
    UNSEEN = "unseen"
    BLIND = "blind"
    CHANGED = "changed"  # a later edit or deletion took its place before it was seen


@dataclass(frozen=True, slots=True)
class WitnessPlan:
    """How patiently is looked: first after `first`, for `within` in all."""

    first: timedelta = timedelta(seconds=5)
    within: timedelta = timedelta(minutes=10)


class Before(NamedTuple):
    """What the looks before found. `age`: seconds since the delivery was settled."""

    looks: int
    age: float
    last: Found | None
    verdict: LookVerdict


class NextLook(NamedTuple):
    """The verdict after a look, and seconds until the next; None: no more."""

    verdict: LookVerdict
    pause: float | None


def after(found: Found, before: Before, plan: WitnessPlan) -> NextLook:
    """What follows from one more look."""
    within = plan.within.total_seconds()
    if found is Found.SEEN:
        return NextLook(LookVerdict.SEEN, None)
    verdict = _verdict(found, before, within)
    if verdict is LookVerdict.BLIND or before.age >= within + AFTERWARDS:
        return NextLook(verdict, None)
    if verdict in (LookVerdict.OTHER, LookVerdict.UNSEEN):
        return NextLook(verdict, SLOW)
    return NextLook(verdict, pause(before.looks, plan))


def _verdict(found: Found, before: Before, within: float) -> LookVerdict:
    if found is Found.OTHER and before.last is Found.OTHER:
        return LookVerdict.OTHER
    if found is Found.ABSENT and before.age >= within:
        return LookVerdict.UNSEEN
    if before.verdict in (LookVerdict.OTHER, LookVerdict.UNSEEN):
        return before.verdict
    if found is Found.BLIND and before.age >= 2 * within:
        return LookVerdict.BLIND
    return LookVerdict.LOOKING


def pause(looks: int, plan: WitnessPlan) -> float:
    """Seconds from one look to the next: growing, never longer than two minutes or half of the time."""
    first, within = plan.first.total_seconds(), plan.within.total_seconds()
    grown = first * GROWTH ** min(looks, 30)
    return max(min(grown, LONGEST_PAUSE, within / 2), 0.05)
