"""What is written when a state changes, and how it goes out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from alertbot.incident.log import Action, Reason


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
    Action.OPEN: Transition.OPEN,
    Action.REOPEN: Transition.REOPEN,
    Action.UPDATE: Transition.UPDATE,
    Action.STABILISE: Transition.STABILISE,
    Action.RESOLVE: Transition.RESOLVE,
    Action.REMIND: Transition.REMIND,
}


class How(StrEnum):
    AUTO = "auto"  # by itself, where that was approved ahead
    PROPOSE = "propose"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Rule:
    """When one of `on` happens to one of `services` (none: to any), write `kind`. `after`: how long anybody
    may stop what would go out by itself. `values`: as in the configuration, with {placeholders}."""

    name: str
    on: frozenset[Transition]
    kind: str
    how: How = How.PROPOSE
    services: frozenset[str] = frozenset()
    after: timedelta = timedelta()
    values: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    exercise: bool = False

    def fits(self, service: str, transition: Transition) -> bool:
        means = {transition, Transition.UPDATE} if transition in UPDATES else {transition}
        return bool(self.on & means) and (not self.services or service in self.services)


def transition(action: Action, reason: Reason) -> Transition | None:
    """What rules call this decision; None for one that changes nothing."""
    if reason is Reason.STALE:
        return Transition.HISTORY
    return _BY_REASON.get(reason) or _BY_ACTION.get(action)


def first(rules: Iterable[Rule], service: str, happened: Transition) -> Rule | None:
    """The first rule that fits; those that name the service come before those for all."""
    fitting = [rule for rule in rules if rule.fits(service, happened)]
    return min(fitting, key=lambda rule: not rule.services, default=None)


def placed(value: Any, words: Mapping[str, str]) -> Any:
    """A value with `{service}` and the like put in; any other brace stays as it is."""
    if isinstance(value, str):
        for name, word in words.items():
            value = value.replace("{" + name + "}", word)
        return value
    if isinstance(value, Mapping):
        return {key: placed(one, words) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [placed(one, words) for one in value]
    return value
