"""Preparing slow work for a transaction outside it, while everyone else can write.

A transaction that needs such a result asks for it with `prepared`, saying what it is computed from. If
it is not there, `Database.transact` rolls the transaction back, computes it, and runs the transaction
again. The result counts only if its inputs are unchanged; otherwise it is computed again.
"""

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

from alertbot.core.errors import AlertbotError, Refused
from alertbot.core.words import _

T = TypeVar("T")

MOST_TRIES = 8  # of making one thing whose grounds change each time; then somebody has to look
MOST_RUNS = 20  # of one transaction, whatever it asks for


class Unprepared(Exception):
    """The transaction is to be taken back, `make` awaited, and the transaction run again."""

    def __init__(self, what: str, grounds: object, make: Callable[[], Awaitable[object]]) -> None:
        super().__init__(what)
        self.what, self.grounds, self.make = what, grounds, make


class Unsteady(Refused):
    """What something is made of changes faster than it can be made."""


@dataclass(frozen=True, slots=True)
class _Made:
    grounds: object
    value: Any = None
    error: AlertbotError | None = None


@dataclass(slots=True)
class Preparation:
    """What was made ready for one transaction, over all its runs."""

    _made: dict[str, _Made] = field(default_factory=dict)
    _tries: Counter[str] = field(default_factory=Counter)
    _drawn: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    _places: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def begin(self) -> None:
        """A run of the transaction begins."""
        self._places.clear()

    async def make(self, wanted: Unprepared) -> None:
        """Make what the transaction asked for. What is refused is refused where it was asked for."""
        self._tries[wanted.what] += 1
        try:
            made = _Made(wanted.grounds, await wanted.make())
        except AlertbotError as error:
            made = _Made(wanted.grounds, error=error)
        self._made[wanted.what] = made

    def find(self, what: str, grounds: object, make: Callable[[], Awaitable[Any]], tries: int) -> Any:
        known = self._made.get(what)
        if known is None or known.grounds != grounds:
            if self._tries[what] >= tries or self._tries.total() >= MOST_RUNS:
                raise Unsteady(
                    _("Others kept changing the data this needs; nothing was done. Try again.")
                )
            raise Unprepared(what, grounds, make)
        if known.error is not None:
            raise known.error.with_traceback(None)
        return known.value

    def draw(self, what: str, fresh: Callable[[], Any]) -> Any:
        drawn, place = self._drawn[what], self._places[what]
        self._places[what] += 1
        if place == len(drawn):
            drawn.append(fresh())
        return drawn[place]


PRESENT: ContextVar[Preparation] = ContextVar("preparation")


def prepared(
    what: str, grounds: object, make: Callable[[], Awaitable[T]], *, tries: int = MOST_TRIES
) -> T:
    """What `make` gave outside the transaction that is under way, from exactly these `grounds`.

    `what` names it within the transaction. `make` may open transactions of its own. Raises what `make`
    raised, `Unsteady` where the grounds are others after so many tries, and else `Unprepared`, which is for
    `Database.transact` alone to catch.
    """
    made: T = PRESENT.get().find(what, grounds, make, tries)
    return made


def drawn(what: str, fresh: Callable[[], T]) -> T:
    """What is new at each call and has to be the same when the transaction is run again: a moment, a
    random name. The n-th call of a run gives what the n-th call of the first run gave."""
    present = PRESENT.get(None)
    value: T = fresh() if present is None else present.draw(what, fresh)
    return value
