"""Policies (how patient and sceptical to be with a service) and rules (what alert a state change
causes). Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.core.frozen import dataclass
from alertbot.watch.rules_log import IncidentAction, Reason


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What turns reports into a fact: this many in a row, over at least this long."""

    count: int = 1
    length: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Flapping:
    """Thresholds on the share of changes among the last results (as in Nagios): a service starts
    flapping at `high` and stops below `low`. Results older than `within` do not count: where only
    changes are reported, quiet ends the flapping."""

    results: int = 21
    within: timedelta = timedelta(hours=1)
    high: float = 0.5
    low: float = 0.25


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window: between two times, or weekly between two clock times. The end is exclusive."""

    starts: datetime | None = None
    ends: datetime | None = None
    days: tuple[int, ...] = ()  # 0: Monday; of the evening where the window crosses midnight
    from_: time | None = None
    until: time | None = None

    def holds(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether `now` is in the window; clock times are read in `zone`."""
        if self.starts is not None and self.ends is not None:
            return self.starts <= now < self.ends
        if self.from_ is None or self.until is None:
            return False
        local = now.astimezone(zone)
        if self.from_ < self.until:
            return self._on(local.weekday()) and self.from_ <= local.time() < self.until
        late = self._on(local.weekday()) and local.time() >= self.from_
        early = self._on((local.weekday() - 1) % 7) and local.time() < self.until
        return late or early

    def _on(self, day: int) -> bool:
        return not self.days or day in self.days


@dataclass(frozen=True, slots=True)
class Policy:
    """The default lets one firing signal open an incident at once: its source has already waited."""

    confirm_down: Confirmation = Confirmation()
    confirm_up: Confirmation = Confirmation(1, timedelta(minutes=5))
    dwell: timedelta = timedelta(minutes=10)  # least time that an incident stays in one state
    reopen_within: timedelta = timedelta(hours=24)
    watch: timedelta = timedelta(hours=2)  # after a confirmation, before "resolved" (R11)
    flapping: Flapping = Flapping()
    remind_every: timedelta | None = timedelta(minutes=30)
    daily_cap: int = 10  # openings and reopenings in 24 hours
    stale_after: timedelta = timedelta(minutes=30)
    propose_stale: bool = False  # old news is proposed as history instead of dropped
    maintenance: tuple[Window, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Paris"))
    critical_bypass: bool = True  # a critical signal is held back by nothing but its own confirmation

    def in_maintenance(self, now: datetime) -> bool:
        return any(window.holds(now, self.zone) for window in self.maintenance)


class Transition(StrEnum):
    """What happened, as rules name it."""

    OPEN = "open"
    REOPEN = "reopen"
    WORSE = "worse"
    BETTER = "better"
    WIDER = "wider"  # more services of a group fail
    RELAPSE = "relapse"  # trouble again while it was under watch
    UPDATE = "update"  # by hand
    STABILISE = "stabilise"
    RESOLVE = "resolve"
    REMIND = "remind"  # nothing has changed for a while
    LAPSED = "lapsed"  # a promised update did not come (R19)
    HISTORY = "history"  # old news


UPDATES = frozenset({Transition.WORSE, Transition.BETTER, Transition.WIDER, Transition.RELAPSE})
"""What a rule on `update` means too."""

_BY_REASON = {
    Reason.WORSE: Transition.WORSE,
    Reason.BETTER: Transition.BETTER,
    Reason.WIDER: Transition.WIDER,
    Reason.RELAPSE_UNDER_WATCH: Transition.RELAPSE,
}
_BY_ACTION = {
    IncidentAction.OPEN: Transition.OPEN,
    IncidentAction.REOPEN: Transition.REOPEN,
    IncidentAction.UPDATE: Transition.UPDATE,
    IncidentAction.STABILISE: Transition.STABILISE,
    IncidentAction.RESOLVE: Transition.RESOLVE,
    IncidentAction.REMIND: Transition.REMIND,
}


class RuleMode(StrEnum):
    AUTO = "auto"  # by itself, where that was approved ahead
    PROPOSE = "propose"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Rule:
    """When one of `on` happens to one of `services` (empty: any), draft an alert of `kind`. `after`: how
    long anyone may stop an automatic publication. `values`: as configured, with {placeholders}."""

    name: str
    on: frozenset[Transition]
    kind: str
    how: RuleMode = RuleMode.PROPOSE
    services: frozenset[str] = frozenset()
    after: timedelta = timedelta()
    values: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    exercise: bool = False

    def fits(self, service: str, transition: Transition) -> bool:
        means = {transition, Transition.UPDATE} if transition in UPDATES else {transition}
        return bool(self.on & means) and (not self.services or service in self.services)


def transition(action: IncidentAction, reason: Reason) -> Transition | None:
    """The rules' name for this decision; None for one that changes nothing."""
    if reason is Reason.STALE:
        return Transition.HISTORY
    return _BY_REASON.get(reason) or _BY_ACTION.get(action)


def first(rules: Iterable[Rule], service: str, happened: Transition) -> Rule | None:
    """The first rule that applies; rules that name the service come before general ones."""
    fitting = [rule for rule in rules if rule.fits(service, happened)]
    return min(fitting, key=lambda rule: not rule.services, default=None)


def placed(value: Any, words: Mapping[str, str]) -> Any:
    """A value with `{service}` and the like filled in; any other brace stays."""
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace("{" + name + "}", word)
        return value
    if isinstance(value, Mapping):
        return {key: placed(one, words) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [placed(one, words) for one in value]
    return value
