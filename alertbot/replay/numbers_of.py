"""When each number of a case became known: with which entry it comes in. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alertbot.register.entry import NumberRow
from alertbot.replay.signals_of import Role, Step

FILE = "provisional-numbers.csv"
HOLDS = timedelta(days=7)  # a row without an end; a team would look again and prolong it
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Supply:
    """The rows of a file by the entry they come in with; `late`: those that came after the last."""

    by_step: tuple[tuple[Step, tuple[NumberRow, ...]], ...] = ()
    late: tuple[NumberRow, ...] = ()

    def at(self, step: Step) -> tuple[NumberRow, ...]:
        return next((rows for one, rows in self.by_step if one is step), ())


def gate(steps: Iterable[Step]) -> Step | None:
    """The entry from which on numbers exist: the first `workaround`, else the first trouble."""
    trouble = [step for step in steps if step.role is Role.TROUBLE]
    return next(
        (step for step in trouble if step.entry.state == "workaround"), next(iter(trouble), None)
    )


def supply(rows: Sequence[NumberRow], steps: Sequence[Step], zone: ZoneInfo) -> Supply:
    """Each row with the first entry of trouble, from the gate on, that is not before its day."""
    opened = gate(steps)
    if opened is None:
        return Supply((), tuple(rows))
    doors = [step for step in steps[steps.index(opened) :] if step.role is Role.TROUBLE]
    found: dict[int, list[NumberRow]] = {}
    late = []
    for row in rows:
        day = known_from(row.published_at, zone)
        place = next((i for i, step in enumerate(doors) if day is None or step.entry.at >= day), None)
        if place is None:
            late.append(row)
        else:
            found.setdefault(place, []).append(row)
    return Supply(tuple((doors[i], tuple(found[i])) for i in sorted(found)), tuple(late))


def known_from(published_at: str, zone: ZoneInfo) -> datetime | None:
    """The beginning of the day, or the moment, that a source was published; None where it names neither."""
    if not _DAY.match(published_at):
        return None
    try:
        at = datetime.fromisoformat(published_at)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def with_end(row: NumberRow, now: datetime) -> NumberRow:
    """The row, to be looked at again in a week where it names no end itself."""
    return row if row.ends_at else replace(row, review_at=now + HOLDS)
