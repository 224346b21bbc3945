"""What a case's entries mean to alertbot: signals, fault and operator, and when rows of numbers are
imported. Pure.

In doubt an actor counts as the operator: a claim mistaken for a confirmation would tell the public too
early that all is well (R11).
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from alertbot.core.frozen import dataclass
from alertbot.numbers.rules_entry import NumberRow
from alertbot.rehearsal.replay.timeline import CaseEntry, Timeline, said
from alertbot.watch.rules_signals import Observed, Signal

_BETWEEN = re.compile(r"[,;/&+]|\b(?:et|and|und|via|with|avec)\b", re.IGNORECASE)
_EMPTY = frozenset({
    "the", "of", "for", "and", "le", "la", "les", "l", "de", "du", "des", "d", "et", "un", "une", "a",
    "al", "der", "die", "das", "sa", "sas", "plc", "inc", "ltd", "gmbh", "ag", "group", "groupe",
    "company", "societe", "operator", "operateur", "national", "nationale", "france",
})  # fmt: skip
# Words that many bodies have in their names: one of them in common makes nobody the same.
_SHARED = frozenset({
    "samu", "sdis", "sis", "pompiers", "police", "gendarmerie", "prefecture", "prefectures", "prefet",
    "prefets", "ministere", "ministre", "ministry", "minister", "ars", "securite", "civile", "service",
    "services", "agence", "agency", "fire", "ambulance", "rescue", "emergency", "government",
    "gouvernement", "centre", "center", "office", "state", "departement", "region", "city", "county",
})  # fmt: skip


def speaks_for(actor: str, operator: str) -> bool:
    """Whether this actor is the operator or speaks for it or with it: `Orange France`, `Orange via RTL`
    and `Stéphane Richard (PDG Orange)` are Orange. So is an entry without an actor. If the operator
    is unknown, nobody is."""
    heard = set(_tokens(actor))
    groups = [words for part in _BETWEEN.split(actor) if (words := _telling(part))]
    return not groups or any(
        _same(name, heard, groups) for name in map(_telling, _BETWEEN.split(operator)) if name
    )


def _same(name: tuple[str, ...], heard: set[str], groups: list[tuple[str, ...]]) -> bool:
    brand = name[0] not in _SHARED and name[0] in heard
    return brand or heard.issuperset(name) or any(set(name).issuperset(group) for group in groups)


def _telling(part: str) -> tuple[str, ...]:
    """The words that distinguish organisations; all of them if none does."""
    words = tuple(_tokens(part))
    return tuple(word for word in words if word not in _EMPTY) or words


def _tokens(text: str) -> Iterator[str]:
    bare = unicodedata.normalize("NFKD", text.casefold())
    yield from re.findall(r"\w+", "".join(sign for sign in bare if not unicodedata.combining(sign)))


# What names of services that answer emergency calls have in them.
_SERVICES = frozenset({
    "samu", "smur", "sdis", "sis", "bspp", "pompiers", "police", "gendarmerie", "gendarmes", "fire", "ambulance",
    "ambulances", "rescue", "paramedics", "coastguard", "brandweer", "politie", "feuerwehr", "polizei", "rettungsdienst",
    "bomberos", "policia", "heddlu", "psap", "112", "114", "911", "999", "000", "15", "17", "18",
})  # fmt: skip

SOURCE = "case"


class EntryRole(StrEnum):
    """What an entry's state means to alertbot."""

    FAULT = "fault"  # it begins, and nobody knows yet
    TROUBLE = "trouble"  # opens or updates
    CALM = "calm"  # works again, it is said; never opens
    CLAIM = "claim"  # "resolved" on the operator's own word (R11)
    CONFIRMATION = "confirmation"  # "resolved", said by another actor
    FALSE_ALERT = "false_alert"  # the public was told what is not so: deny it
    FALSE_NUMBER = "false_number"  # a number goes round that is wrong: deny or correct it
    FEWER_NUMBERS = "fewer_numbers"  # some provisional numbers are taken back
    INQUIRY = "inquiry"  # somebody is to find out why, and says until when
    HISTORY = "history"  # told afterwards, or no news to the watcher
    UNKNOWN = "unknown"  # a state that the format does not have: never means down


TROUBLE = {
    "undetected": Observed.DEGRADED,
    "investigating": Observed.DEGRADED,
    "identified": Observed.DEGRADED,
    "degraded": Observed.DEGRADED,
    "workaround": Observed.DEGRADED,  # numbers are in force: it still fails
    "partial-outage": Observed.DEGRADED,
    "down": Observed.DOWN,
    "outage": Observed.DOWN,
    "major-outage": Observed.DOWN,
}
CALM = ("stabilised", "stabilized", "monitoring")
RESOLVED = "resolved"
FALSE = {"false-alert": EntryRole.FALSE_ALERT, "false-number": EntryRole.FALSE_NUMBER}
FEWER_NUMBERS, INQUIRY = "retracted-partial", "inquiry"
HISTORY = (
    "pre-incident", "exercise", "correction", "cancelled-silent", "canceled-silent", "audit", "legislation",
)  # fmt: skip
STATES = (*TROUBLE, *CALM, RESOLVED, *FALSE, FEWER_NUMBERS, INQUIRY, *HISTORY)
"""Every state that means something; any other is `Role.UNKNOWN`."""

_OF_WHAT_IS_OPEN = ("investigating", "identified")  # say that somebody works at it, not that it fails


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """An entry and its meaning. `signal`: the watcher's signal, or None."""

    entry: CaseEntry
    role: EntryRole
    signal: Signal | None = None

    @property
    def silent(self) -> bool:
        """Whether it tells alertbot nothing: no signal and no numbers."""
        if self.role in (EntryRole.HISTORY, EntryRole.UNKNOWN, EntryRole.INQUIRY):
            return not self.entry.numbers
        return self.role is EntryRole.FAULT


def steps_of(timeline: Timeline) -> tuple[ReplayStep, ...]:
    """Every entry in order, with its meaning."""
    return tuple(_steps(timeline))


def fault_of(timeline: Timeline) -> CaseEntry | None:
    """The fault: the first `undetected`, else the first report of trouble or of a false message."""
    unseen = (one for one in timeline.entries if one.state == "undetected")
    told = (one for one in timeline.entries if one.state in TROUBLE or one.state in FALSE)
    return next(unseen, None) or next(told, None)


def first_trouble(steps: Iterable[ReplayStep]) -> datetime | None:
    """When the fault could first have been known; the delay of the first word counts from here."""
    roles = (EntryRole.TROUBLE, EntryRole.FALSE_ALERT, EntryRole.FALSE_NUMBER)
    return next((step.entry.at for step in steps if step.role in roles), None)


def operator_of(timeline: Timeline) -> str:
    """The operator, whose word alone confirms nothing: the case's `operator:`, else the actor of the
    fault. Not a service that noticed the fault: it did not cause it, and may confirm the end."""
    fault = fault_of(timeline)
    if timeline.operator or fault is None:
        return timeline.operator
    return "" if is_service(fault.actor) else fault.actor


def is_service(actor: str) -> bool:
    """Whether this is one of the services that answer emergency calls, by the words of its name."""
    return not _SERVICES.isdisjoint(_tokens(actor))


def began_at(timeline: Timeline) -> datetime | None:
    """When the fault itself began, where the case says so: the time of its first `undetected` entry."""
    fault = fault_of(timeline)
    return fault.at if fault and fault.state == "undetected" else None


def witnesses(timeline: Timeline) -> tuple[str, ...]:
    """Who could confirm that it is over: those who saw the trouble, except the operator; services first."""
    operator = operator_of(timeline)
    saw = [one.actor for one in timeline.entries if one.state in TROUBLE and one.actor]
    others = [one for one in dict.fromkeys(saw) if not (operator and speaks_for(one, operator))]
    return tuple(sorted(others, key=lambda one: not is_service(one)))


def _steps(timeline: Timeline) -> Iterator[ReplayStep]:
    fault, operator = fault_of(timeline), operator_of(timeline)
    saw = frozenset(witnesses(timeline))
    begun = fails = misled = told = False
    for place, entry in enumerate(timeline.entries):
        begun = begun or entry is fault
        role = _role(entry, operator, saw)
        if role is EntryRole.TROUBLE and entry is fault and entry.state == "undetected":
            role = EntryRole.FAULT
        elif role is EntryRole.TROUBLE and (not begun or _of_a_false_message(entry, fails, misled)):
            role = EntryRole.HISTORY
        fails = fails or role in (EntryRole.TROUBLE, EntryRole.FAULT)
        misled = misled or entry.state in FALSE
        signal = _signal(timeline, entry, role, place)
        if signal and role is EntryRole.TROUBLE and not told:
            signal, told = replace(signal, started_at=began_at(timeline)), True
        yield ReplayStep(entry, role, signal)


def _of_a_false_message(entry: CaseEntry, fails: bool, misled: bool) -> bool:
    """Whether someone is only working on a false alert: no service is reported as failing."""
    return misled and not fails and entry.state in _OF_WHAT_IS_OPEN


def _role(entry: CaseEntry, operator: str, saw: Collection[str]) -> EntryRole:
    if entry.state in TROUBLE:
        return EntryRole.TROUBLE
    if entry.state in CALM:
        return EntryRole.CALM
    if entry.state == RESOLVED:
        return EntryRole.CONFIRMATION if _confirms(entry.actor, operator, saw) else EntryRole.CLAIM
    if entry.state in FALSE:
        return FALSE[entry.state]
    if entry.state == FEWER_NUMBERS:
        return EntryRole.FEWER_NUMBERS
    if entry.state == INQUIRY:
        return EntryRole.INQUIRY
    return EntryRole.HISTORY if entry.state in HISTORY else EntryRole.UNKNOWN


def _confirms(actor: str, operator: str, saw: Collection[str]) -> bool:
    """Whether this actor's "it is over" counts (R11). Where nobody knows who the operator is, only a service or
    one who saw the trouble."""
    if not operator:
        return bool(actor) and (is_service(actor) or actor in saw)
    return not speaks_for(actor, operator)


def _signal(timeline: Timeline, entry: CaseEntry, role: EntryRole, place: int) -> Signal | None:
    if role is EntryRole.TROUBLE:
        observed = TROUBLE[entry.state]
    elif role in (EntryRole.CALM, EntryRole.CLAIM, EntryRole.CONFIRMATION):
        observed = Observed.UP
    else:
        return None
    at = entry.at.astimezone(UTC)
    return Signal(
        source=SOURCE,
        service=timeline.case,
        observed=observed,
        at=at,
        key=f"{place}:{entry.line}",
        title=f"{entry.state}: {entry.actor}".rstrip(": "),
        summary=said(entry.summary, "en"),
        url=entry.source_url,
        confirms=role is EntryRole.CONFIRMATION,
        received=at,
    )


FILE = "provisional-numbers.csv"
HOLDS = timedelta(days=7)  # a row without an end; a team would look again and prolong it
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Supply:
    """The rows of a file by the entry they are imported with; `late`: those after the last entry."""

    by_step: tuple[tuple[ReplayStep, tuple[NumberRow, ...]], ...] = ()
    late: tuple[NumberRow, ...] = ()

    def at(self, step: ReplayStep) -> tuple[NumberRow, ...]:
        return next((rows for one, rows in self.by_step if one is step), ())


def gate(steps: Iterable[ReplayStep]) -> ReplayStep | None:
    """The entry from which on numbers exist: the first `workaround`, else the first trouble."""
    trouble = [step for step in steps if step.role is EntryRole.TROUBLE]
    return next(
        (step for step in trouble if step.entry.state == "workaround"), next(iter(trouble), None)
    )


def supply(rows: Sequence[NumberRow], steps: Sequence[ReplayStep], zone: ZoneInfo) -> Supply:
    """Each row with the first entry of trouble, from the gate on, that is not before its day."""
    opened = gate(steps)
    if opened is None:
        return Supply((), tuple(rows))
    doors = [step for step in steps[steps.index(opened) :] if step.role is EntryRole.TROUBLE]
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
    """When a source was published: the start of the day, or the time; None if it gives neither."""
    if not _DAY.match(published_at):
        return None
    try:
        at = datetime.fromisoformat(published_at)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def with_end(row: NumberRow, now: datetime) -> NumberRow:
    """The row, to be reviewed after a week if it has no end."""
    return row if row.ends_at else replace(row, review_at=now + HOLDS)
