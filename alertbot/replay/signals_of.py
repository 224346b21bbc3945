"""What each entry of a case means to the watcher. Pure; documented in docs/reference/case-format.md."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from alertbot.incident.signals import Observed, Signal
from alertbot.replay.actors import speaks_for
from alertbot.replay.timeline import Entry, Timeline, said

SOURCE = "case"


class Role(StrEnum):
    """What an entry's state is to alertbot."""

    FAULT = "fault"  # it begins, and nobody knows yet
    TROUBLE = "trouble"  # opens or updates
    CALM = "calm"  # works again, it is said; never opens
    CLAIM = "claim"  # "resolved" on the operator's own word (R11)
    CONFIRMATION = "confirmation"  # "resolved", said by another actor
    FALSE_ALERT = "false_alert"  # the public was told what is not so: deny it
    FALSE_NUMBER = "false_number"  # a number goes round that is wrong: deny or correct it
    FEWER_NUMBERS = "fewer_numbers"  # some provisional numbers are taken back
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
FALSE = {"false-alert": Role.FALSE_ALERT, "false-number": Role.FALSE_NUMBER}
FEWER_NUMBERS = "retracted-partial"
HISTORY = (
    "pre-incident", "exercise", "correction", "cancelled-silent", "canceled-silent", "inquiry", "audit",
    "legislation",
)  # fmt: skip
STATES = (*TROUBLE, *CALM, RESOLVED, *FALSE, FEWER_NUMBERS, *HISTORY)
"""Every state that means something; any other is `Role.UNKNOWN`."""

_OF_WHAT_IS_OPEN = ("investigating", "identified")  # say that somebody works at it, not that it fails


@dataclass(frozen=True, slots=True)
class Step:
    """An entry and what it means. `signal`: what the watcher hears of it, if anything."""

    entry: Entry
    role: Role
    signal: Signal | None = None

    @property
    def silent(self) -> bool:
        """Whether it tells alertbot nothing: no news, and no number that comes or goes."""
        if self.role in (Role.HISTORY, Role.UNKNOWN):
            return not self.entry.numbers
        return self.role is Role.FAULT


def steps_of(timeline: Timeline) -> tuple[Step, ...]:
    """Every entry in its order, with its meaning."""
    return tuple(_steps(timeline))


def fault_of(timeline: Timeline) -> Entry | None:
    """When it began: the first `undetected`, else the first report of trouble or of a false message."""
    unseen = (one for one in timeline.entries if one.state == "undetected")
    told = (one for one in timeline.entries if one.state in TROUBLE or one.state in FALSE)
    return next(unseen, None) or next(told, None)


def first_trouble(steps: Iterable[Step]) -> datetime | None:
    """When it could first have been known: from here the delay of the first word counts."""
    roles = (Role.TROUBLE, Role.FALSE_ALERT, Role.FALSE_NUMBER)
    return next((step.entry.at for step in steps if step.role in roles), None)


def operator_of(timeline: Timeline) -> str:
    """Whose word alone confirms nothing: the case's `operator:`, else the actor of the fault."""
    fault = fault_of(timeline)
    return timeline.operator or (fault.actor if fault else "")


def _steps(timeline: Timeline) -> Iterator[Step]:
    fault, operator = fault_of(timeline), operator_of(timeline)
    begun = fails = misled = False
    for place, entry in enumerate(timeline.entries):
        begun = begun or entry is fault
        role = _role(entry, operator)
        if role is Role.TROUBLE and entry is fault and entry.state == "undetected":
            role = Role.FAULT
        elif role is Role.TROUBLE and (not begun or _of_a_false_message(entry, fails, misled)):
            role = Role.HISTORY
        fails = fails or role in (Role.TROUBLE, Role.FAULT)
        misled = misled or entry.state in FALSE
        yield Step(entry, role, _signal(timeline, entry, role, place))


def _of_a_false_message(entry: Entry, fails: bool, misled: bool) -> bool:
    """Whether somebody only works at a false alert: no service is said to fail."""
    return misled and not fails and entry.state in _OF_WHAT_IS_OPEN


def _role(entry: Entry, operator: str) -> Role:
    if entry.state in TROUBLE:
        return Role.TROUBLE
    if entry.state in CALM:
        return Role.CALM
    if entry.state == RESOLVED:
        return Role.CLAIM if speaks_for(entry.actor, operator) else Role.CONFIRMATION
    if entry.state in FALSE:
        return FALSE[entry.state]
    if entry.state == FEWER_NUMBERS:
        return Role.FEWER_NUMBERS
    return Role.HISTORY if entry.state in HISTORY else Role.UNKNOWN


def _signal(timeline: Timeline, entry: Entry, role: Role, place: int) -> Signal | None:
    if role is Role.TROUBLE:
        observed = TROUBLE[entry.state]
    elif role in (Role.CALM, Role.CLAIM, Role.CONFIRMATION):
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
        confirms=role is Role.CONFIRMATION,
        received=at,
    )
