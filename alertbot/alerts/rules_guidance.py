"""The guidance that an alert gives callers, in a form that can be compared (R9), and contradictions as sentences
for the team. Pure.

An incident has one active guidance: for each topic the latest statement of its published alerts. An
alert that contradicts it is held until a person decides; `contradictions` finds where. `guidance_of` reads the
statements from an alert's field values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, TypeAlias

from alertbot.core.frozen import dataclass
from alertbot.core.model import Conflict, Relation
from alertbot.core.words import _
from alertbot.texts.wording import advice

YES, NO = "yes", "no"

Place = tuple[str, str, str, str]  # territory, service, zone, condition


@dataclass(frozen=True, slots=True)
class TopicAdvice:
    """The advice on one topic: `value` for comparison, `text` as published, by which `alert`."""

    value: str
    text: str
    alert: str = ""


@dataclass(frozen=True, slots=True)
class Fallback:
    """A number, or a place to go to (R7), that replaces a service. `until`: ISO 8601, or empty."""

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
        """Whom it is for; two different answers for the same key contradict each other."""
        return (self.territory, self.service, self.zone, self.condition)

    @property
    def answer(self) -> tuple[str, str]:
        """What to call or where to go."""
        return ("number", "".join(self.number.split())) if self.number else ("place", self.place)

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What striking a row removes: this answer, whatever its zone and condition."""
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
    """The latest statement per topic. A later number for the same service and place joins those it
    agrees with and replaces the others; what is struck is removed."""
    return Guidance(
        line=after.line or before.line,
        first=after.first or before.first,
        restored=after.restored or before.restored,
        fallbacks=tuple(_together(_left(before, after), after.fallbacks)),
    )


def alive(said: Guidance, now: datetime) -> Guidance:
    """The guidance without what has ended by `now`. Struck entries stay struck."""
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
    """The fallbacks by whom they are for and whether they are numbers or places."""
    groups: dict[tuple[Place, str], list[Fallback]] = {}
    for one in fallbacks:
        groups.setdefault((one.where, one.answer[0]), []).append(one)
    return groups


def _over(until: str, now: datetime) -> bool:
    ends = moment_of(until)
    return ends is not None and ends <= now


def moment_of(text: object) -> datetime | None:
    """An aware time from ISO 8601; None if it is not one or has no offset."""
    try:
        moment = datetime.fromisoformat(str(text or ""))
    except ValueError:
        return None
    return moment if moment.tzinfo else None


# --- comparing ------------------------------------------------------------------------------------


def contradictions(active: Guidance, fresh: Guidance) -> tuple[Contradiction, ...]:
    """The contradictions between a new alert and what callers are already told. Repeating, saying less,
    or striking what is replaced is none."""
    return (
        *_lines(active.line, fresh.line),
        *_firsts(active.first, fresh.first),
        *_answers(active, fresh),
        *_back(active, fresh),
    )


def _lines(said: TopicAdvice | None, says: TopicAdvice | None) -> Iterator[Contradiction]:
    if said and says and {said.value, says.value} == {advice.LANDLINE, advice.MOBILE}:
        yield Contradiction("line", said.alert, said.text, says.text)


def _firsts(said: TopicAdvice | None, says: TopicAdvice | None) -> Iterator[Contradiction]:
    if said and says and not _agree(set(said.value.split("/")), set(says.value.split("/"))):
        yield Contradiction("first", said.alert, said.text, says.text)


def _agree(some: set[str], others: set[str]) -> bool:
    """Whether they have a number in common; `short` matches any short number."""
    if some & others:
        return True
    numbers = {advice.SHORT, advice.LONG}
    return any(
        advice.SHORT in one and other - numbers for one, other in ((some, others), (others, some))
    )


def _answers(active: Guidance, fresh: Guidance) -> Iterator[Contradiction]:
    left, given = _grouped(_left(active, fresh)), _grouped(fresh.fallbacks)
    for (where, sort), mine in left.items():
        yours = given.get((where, sort), [])
        if yours and not {one.answer for one in mine} & {one.answer for one in yours}:
            yield Contradiction(sort, mine[0].alert, _listed(mine), _listed(yours))


def _back(active: Guidance, fresh: Guidance) -> Iterator[Contradiction]:
    """Contradictions about the end: it is over while numbers are in force, or new numbers come after the
    end. The same words that a person has already accepted are not a new contradiction."""
    says, said = _over_word(fresh), _over_word(active)
    left, new = _beyond(_left(active, fresh), fresh), _beyond(fresh.fallbacks, active)
    if says and left and not (said and said.text == says.text):
        yield Contradiction("restored", left[0].alert, _listed(left), says.text)
    elif said and not says and new:
        yield Contradiction("restored", said.alert, said.text, _listed(new))


def _over_word(one: Guidance) -> TopicAdvice | None:
    return one.restored if one.restored and one.restored.value == YES else None


def _beyond(fallbacks: Iterable[Fallback], other: Guidance) -> list[Fallback]:
    """The fallbacks that the other guidance does not have."""
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
    """What callers are told now. `said`: the alerts in the order in which they were published. What was
    taken back or has ended no longer counts.

    `relation` and `original` describe the alert to be compared. A correction may differ from what it
    corrects, but must strike the numbers that it replaces; a cancellation need not agree with what it
    cancels.
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


RULE = "contradicts"
Conflicts: TypeAlias = tuple[Conflict, ...]


def stored_contradictions(guidance: Mapping[str, Any] | None) -> Conflicts:
    """The contradictions found when the alert with this stored guidance was last composed or submitted."""
    return tuple(Conflict(**row) for row in (guidance or {}).get(RULE) or ())


def to_json(guidance: Guidance) -> Mapping[str, Any]:
    """Plain JSON values; `from_json` restores the same guidance."""
    return asdict(guidance)


def from_json(values: Mapping[str, Any] | None, *, alert: str = "") -> Guidance:
    """The guidance in these values, given by `alert`; empty if nothing was stored."""
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


LONGEST_QUOTE = 200


def topic_word(topic: str) -> str:
    """The name of a topic on which two alerts disagree; used as the heading above both texts."""
    words = {
        "line": _("Which line to use"),
        "first": _("Which number to try first"),
        "number": _("Which number to call instead"),
        "place": _("Where to go instead"),
        "restored": _("Whether it is over"),
    }
    return words[topic]


def sentence(found: Contradiction) -> str:
    """A contradiction in one line, with the texts of both alerts."""
    return _("{topic}: {alert} says “{said}”, this alert says “{says}”.").format(
        topic=topic_word(found.topic),
        alert=found.alert,
        said=_in_one_line(found.said),
        says=_in_one_line(found.says),
    )


def _in_one_line(text: str) -> str:
    line = " / ".join(filter(None, (part.strip() for part in text.splitlines())))
    return line if len(line) <= LONGEST_QUOTE else line[: LONGEST_QUOTE - 1] + "…"


END_KIND = "end"
SAID_IN = {  # the fields that each topic is read from, the clearest first
    "line": ("what_to_do", "what_works"),
    "first": ("what_to_do",),
    "restored": ("what_is_right", "what_works", "what_to_do"),
}
_PREFERRED = ("fr", "en", "")


def guidance_of(kind: str, given: Mapping[str, Any], *, alert: str = "") -> Guidance:
    """The guidance in an alert's frozen field values. An explicit `line` field overrides the wording."""
    texts = {name: _texts(given.get(name)) for names in SAID_IN.values() for name in names}
    struck = (*_rows(given.get("wrong_numbers"), alert), *_rows(given.get("no_longer_valid"), alert))
    return Guidance(
        line=_line(kind, given.get("line"), texts, alert),
        first=_first(texts, alert),
        restored=_restored(kind, texts, alert),
        fallbacks=tuple(_rows(given.get("numbers"), alert)),
        struck=struck,
        until=str(given.get("valid_until") or ""),
    )


def _texts(value: Any) -> tuple[str, ...]:
    """A text in each language, French and English first."""
    if isinstance(value, Mapping):
        order = sorted(value, key=lambda lang: (lang not in _PREFERRED, str(lang) != "fr"))
        return tuple(str(value[lang]) for lang in order)
    return (value,) if isinstance(value, str) else ()


def _line(
    kind: str, chosen: Any, texts: Mapping[str, tuple[str, ...]], alert: str
) -> TopicAdvice | None:
    if chosen in (advice.LANDLINE, advice.MOBILE, advice.ANY):
        shown = next(iter(texts["what_to_do"]), "")
        return TopicAdvice(
            str(chosen), shown if advice.line_in(shown) == chosen else str(chosen), alert
        )
    for text in _of(texts, "line"):
        if found := advice.line_in(text):
            return TopicAdvice(found, text, alert)
    return (
        TopicAdvice(advice.ANY, "", alert) if kind == END_KIND else None
    )  # advice for the fault is over


def _first(texts: Mapping[str, tuple[str, ...]], alert: str) -> TopicAdvice | None:
    for text in _of(texts, "first"):
        if found := advice.first_in(text):
            return TopicAdvice("/".join(sorted(found)), text, alert)
    return None


def _restored(kind: str, texts: Mapping[str, tuple[str, ...]], alert: str) -> TopicAdvice | None:
    said = list(_of(texts, "restored"))
    for text in said:
        if advice.says_over(text):
            return TopicAdvice(YES, text, alert)
    if kind == END_KIND:
        return TopicAdvice(YES, next(iter(texts["what_works"]), ""), alert)
    return TopicAdvice(NO, said[0], alert) if said else None


def _of(texts: Mapping[str, tuple[str, ...]], topic: str) -> Iterator[str]:
    for name in SAID_IN[topic]:
        yield from texts[name]


def _rows(value: Any, alert: str) -> Iterator[Fallback]:
    """The frozen rows of a numbers field; unreadable rows are skipped."""
    rows = value if isinstance(value, list | tuple) else ()
    for row in rows:
        if isinstance(row, Mapping) and row.get("territory") and row.get("service"):
            ends = [str(row[name]) for name in ("valid_until", "review_at") if moment_of(row.get(name))]
            yield Fallback(
                str(row["territory"]),
                str(row["service"]),
                _worded(row.get("zone")),
                _worded(row.get("condition")),
                str(row.get("number") or ""),
                _worded(row.get("place")),
                min(ends, key=datetime.fromisoformat, default=""),
                alert,
            )


def _worded(value: Any) -> str:
    by_lang = value if isinstance(value, Mapping) else {"": value or ""}
    for lang in _PREFERRED:
        if by_lang.get(lang):
            return str(by_lang[lang]).strip()
    return str(next(iter(by_lang.values()), "")).strip()
