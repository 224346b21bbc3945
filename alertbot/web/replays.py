"""What signed reports were answered, so that the same one is not taken twice.

A sender whose answer was lost sends the same report again, signature and all: it gets the same answer, not an
error. Whoever caught a report on its way and sends it again gets that too, and changes nothing. In memory: a
restart forgets, and what comes again after it is known by its key in the database.
"""

from collections import OrderedDict
from typing import Generic, TypeVar

MOST_REMEMBERED = 10_000

T = TypeVar("T")


class Answered(Generic[T]):
    """Answers by signature, for as long as the signature would be taken. Moments are Unix seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def recall(self, signature: str, now: float) -> T | None:
        self._forget(now)
        found = self._known.get(signature)
        return None if found is None else found[1]

    def keep(self, signature: str, answer: T, now: float) -> None:
        """A signature may lie ahead of our clock by the window and is good for another one."""
        self._known[signature] = (now + 2 * self._seconds, answer)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    def _forget(self, now: float) -> None:
        while self._known and next(iter(self._known.values()))[0] < now:
            self._known.popitem(last=False)
