"""Does a service change its mind too often to be believed?"""

import itertools
from collections.abc import Sequence

from alertbot.incident.policy import Flapping


def share(results: Sequence[bool]) -> float:
    """The share of neighbours that differ, between 0 and 1."""
    if len(results) < 2:
        return 0.0
    changes = sum(1 for one, two in itertools.pairwise(results) if one is not two)
    return changes / (len(results) - 1)


def flaps(results: Sequence[bool], marks: Flapping) -> bool:
    """Whether it flaps after the last result. Too few results are no evidence: half of `marks.results` are
    needed."""
    flapping = False
    least = max(3, marks.results // 2)
    for end in range(least, len(results) + 1):
        score = share(results[max(0, end - marks.results) : end])
        flapping = score >= marks.low if flapping else score >= marks.high
    return flapping
