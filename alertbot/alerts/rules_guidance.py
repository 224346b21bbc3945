"""What an alert tells callers to do, in a form that can be compared (R9). Pure.

An incident has one active guidance: for each topic the latest word of its alerts that went out. An alert
that contradicts it is held until a person decides; `contradictions` finds where.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from alertbot.alerts import rules_wording
from alertbot.core.model import Relation

YES, NO = "yes", "no"

Place = tuple[str, str, str, str]  # territory, service, zone, condition


@dataclass(frozen=True, slots=True)
class TopicAdvice:
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

    line: TopicAdvice | None = None
    first: TopicAdvice | None = None
    restored: TopicAdvice | None = None
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


def _lines(said: TopicAdvice | None, says: TopicAdvice | None) -> Iterator[Contradiction]:
    if said and says and {said.value, says.value} == {rules_wording.LANDLINE, rules_wording.MOBILE}:
        yield Contradiction("line", said.alert, said.text, says.text)


def _firsts(said: TopicAdvice | None, says: TopicAdvice | None) -> Iterator[Contradiction]:
    if said and says and not _agree(set(said.value.split("/")), set(says.value.split("/"))):
        yield Contradiction("first", said.alert, said.text, says.text)


def _agree(some: set[str], others: set[str]) -> bool:
    """They name one number in common; `short` is any short number."""
    if some & others:
        return True
    numbers = {rules_wording.SHORT, rules_wording.LONG}
    return any(
        rules_wording.SHORT in one and other - numbers
        for one, other in ((some, others), (others, some))
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


def _over_word(one: Guidance) -> TopicAdvice | None:
    return one.restored if one.restored and one.restored.value == YES else None


def _beyond(fallbacks: Iterable[Fallback], other: Guidance) -> list[Fallback]:
    """Those that the other does not carry."""
    known = {one.identity for one in other.fallbacks}
    return [one for one in fallbacks if one.identity not in known]


def _listed(fallbacks: Iterable[Fallback]) -> str:
    return "\n".join(dict.fromkeys(map(str, fallbacks)))


REPLACES = frozenset({Relation.CORRECTION, Relation.RETRACTION, Relation.CANCEL})
"""What follows like this stands instead of its original."""


@dataclass(frozen=True, slots=True)
class SentAdvice:
    """An alert that went out, and how it followed an earlier one."""

    alert: str
    guidance: Guidance
    relation: Relation | None = None
    original: str | None = None


def active(
    said: Iterable[SentAdvice],
    now: datetime,
    *,
    relation: Relation | None = None,
    original: str | None = None,
) -> Guidance:
    """What callers are told now. `said`: in the order in which they went out. What has been taken back or
    has ended no longer counts.

    `relation` and `original`: of the alert that is to be compared with it. A correction may say otherwise
    than what it corrects, but a number that it replaces is still being dialled until it is struck; what
    cancels an alert need not agree with it at all.
    """
    told = list(said)
    gone = {one.original for one in told if one.relation in REPLACES}
    whole = Guidance()
    for one in told:
        mine = alive(one.guidance, now)
        if one.alert in gone or (one.alert == original and relation in REPLACES):
            corrected = one.alert not in gone and relation is Relation.CORRECTION
            mine = Guidance(fallbacks=mine.fallbacks if corrected else (), struck=mine.struck)
        whole = laid_over(whole, mine)
    return whole


def to_json(guidance: Guidance) -> dict[str, Any]:
    """Plain values; `from_json` gives the same guidance again."""
    return asdict(guidance)


def from_json(values: Mapping[str, Any] | None, *, alert: str = "") -> Guidance:
    """The guidance of these values, said by `alert`; an empty one where nothing was kept."""
    if not values:
        return Guidance()
    topics = {name: _word(values.get(name), alert) for name in ("line", "first", "restored")}
    return Guidance(
        **topics,
        fallbacks=_fallbacks(values.get("fallbacks"), alert),
        struck=_fallbacks(values.get("struck"), alert),
        until=str(values.get("until") or ""),
    )


def _word(value: Any, alert: str) -> TopicAdvice | None:
    return replace(TopicAdvice(**value), alert=alert) if value else None


def _fallbacks(values: Any, alert: str) -> tuple[Fallback, ...]:
    return tuple(replace(Fallback(**one), alert=alert) for one in values or ())
