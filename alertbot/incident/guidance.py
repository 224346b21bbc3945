"""What an alert tells callers to do, in a form that can be compared (R9). Pure.

An incident has one active guidance: for each topic the latest word of its alerts that went out. An alert
that contradicts it is held until a person decides; `contradictions` finds where.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from alertbot.incident import wording

YES, NO = "yes", "no"

Place = tuple[str, str, str, str]  # territory, service, zone, condition


@dataclass(frozen=True, slots=True)
class Word:
    """What is said on one topic: `value` to compare, `text` as published, by which `alert`."""

    value: str
    text: str
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Fallback:
    """A number, or a place to go to (R7), that stands in for a service. `until`: ISO 8601, or empty."""

    territory: str
    service: str
    zone: str = ""
    condition: str = ""
    number: str = ""
    place: str = ""
    until: str = ""
    alert: str = ""

    @property
    def where(self) -> Place:
        """Whom it is for: two answers to this are what contradicts."""
        return (self.territory, self.service, self.zone, self.condition)

    @property
    def answer(self) -> tuple[str, str]:
        """What is called, or where one goes: its sort and itself."""
        return ("number", "".join(self.number.split())) if self.number else ("place", self.place)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What a struck row takes away: this answer, whatever zone and condition it had."""
        return (self.territory, self.service, *self.answer)

    def __str__(self) -> str:
        words = (self.territory, self.service, self.zone, self.condition, self.number or self.place)
        return " ".join(filter(None, words))


@dataclass(frozen=True, slots=True)
class Guidance:
    """What callers are told. `line`: landline, mobile or any. `first`: the numbers to try first, joined
    with `/`. `restored`: yes or no, None where the alert says nothing of the fault. `struck`: numbers and
    places named as no longer serving. `until`: the alert's own end, ISO 8601, or empty."""

    line: Word | None = None
    first: Word | None = None
    restored: Word | None = None
    fallbacks: tuple[Fallback, ...] = ()
    struck: tuple[Fallback, ...] = ()
    until: str = ""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A topic on which two alerts say different things, with the words of both. `alert` is the earlier."""

    topic: str  # line, first, number, place, restored
    alert: str
    said: str
    says: str


# --- what is active -------------------------------------------------------------------------------


def laid_over(before: Guidance, after: Guidance) -> Guidance:
    """The latest word per topic. For one service in one place a later number joins those that it shares
    one with and takes the place of the others; what is struck is gone."""
    return Guidance(
        line=after.line or before.line,
        first=after.first or before.first,
        restored=after.restored or before.restored,
        fallbacks=tuple(_together(_left(before, after), after.fallbacks)),
    )


def alive(said: Guidance, now: datetime) -> Guidance:
    """Without what has ended by `now`. What it struck stays struck."""
    if _over(said.until, now):
        return Guidance(struck=said.struck)
    return replace(said, fallbacks=tuple(one for one in said.fallbacks if not _over(one.until, now)))


def _left(before: Guidance, after: Guidance) -> list[Fallback]:
    """The fallbacks of `before` that `after` does not strike."""
    gone = {one.identity for one in after.struck}
    return [one for one in before.fallbacks if one.identity not in gone]


def _together(left: Iterable[Fallback], fresh: Iterable[Fallback]) -> Iterator[Fallback]:
    mine, fresh = _grouped(left), list(fresh)
    yours = _grouped(fresh)
    for key, group in mine.items():
        answers = {one.answer for one in yours.get(key, ())}
        if not answers or answers & {one.answer for one in group}:
            yield from (one for one in group if one.answer not in answers)
    yield from fresh


def _grouped(
    fallbacks: Iterable[Fallback],
) -> dict[tuple[Place, str], list[Fallback]]:
    """By whom they are for and whether they are numbers or places."""
    groups: dict[tuple[Place, str], list[Fallback]] = {}
    for one in fallbacks:
        groups.setdefault((one.where, one.answer[0]), []).append(one)
    return groups


def _over(until: str, now: datetime) -> bool:
    ends = moment_of(until)
    return ends is not None and ends <= now


def moment_of(text: object) -> datetime | None:
    """An aware moment; None for what is none, or was never readable."""
    try:
        moment = datetime.fromisoformat(str(text or ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


# --- comparing ------------------------------------------------------------------------------------


def contradictions(active: Guidance, fresh: Guidance) -> tuple[Contradiction, ...]:
    """Where a new alert contradicts what callers are told already. One that says the same again, says
    less, or strikes what it replaces does not."""
    return (
        *_lines(active.line, fresh.line),
        *_firsts(active.first, fresh.first),
        *_answers(active, fresh),
        *_back(active, fresh),
    )


def _lines(said: Word | None, says: Word | None) -> Iterator[Contradiction]:
    if said and says and {said.value, says.value} == {wording.LANDLINE, wording.MOBILE}:
        yield Contradiction("line", said.alert, said.text, says.text)


def _firsts(said: Word | None, says: Word | None) -> Iterator[Contradiction]:
    if said and says and not _agree(set(said.value.split("/")), set(says.value.split("/"))):
        yield Contradiction("first", said.alert, said.text, says.text)


def _agree(some: set[str], others: set[str]) -> bool:
    """They name one number in common; `short` is any short number."""
    if some & others:
        return True
    numbers = {wording.SHORT, wording.LONG}
    return any(
        wording.SHORT in one and other - numbers for one, other in ((some, others), (others, some))
    )


def _answers(active: Guidance, fresh: Guidance) -> Iterator[Contradiction]:
    left, given = _grouped(_left(active, fresh)), _grouped(fresh.fallbacks)
    for (where, sort), mine in left.items():
        yours = given.get((where, sort), [])
        if yours and not {one.answer for one in mine} & {one.answer for one in yours}:
            yield Contradiction(sort, mine[0].alert, _listed(mine), _listed(yours))


def _back(active: Guidance, fresh: Guidance) -> Iterator[Contradiction]:
    """It is over, and numbers are still in force; or it was over, and there are new numbers. The same
    words again after a person let them pass are no new contradiction."""
    says, said = _over_word(fresh), _over_word(active)
    left, new = _beyond(_left(active, fresh), fresh), _beyond(fresh.fallbacks, active)
    if says and left and not (said and said.text == says.text):
        yield Contradiction("restored", left[0].alert, _listed(left), says.text)
    elif said and not says and new:
        yield Contradiction("restored", said.alert, said.text, _listed(new))


def _over_word(one: Guidance) -> Word | None:
    return one.restored if one.restored and one.restored.value == YES else None


def _beyond(fallbacks: Iterable[Fallback], other: Guidance) -> list[Fallback]:
    """Those that the other does not carry."""
    known = {one.identity for one in other.fallbacks}
    return [one for one in fallbacks if one.identity not in known]


def _listed(fallbacks: Iterable[Fallback]) -> str:
    return "\n".join(dict.fromkeys(map(str, fallbacks)))
