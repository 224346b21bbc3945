"""The history of one service: what was decided, when and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class State(StrEnum):
    """Where an incident stands, in the words of public status pages."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    DEGRADED = "degraded"
    DOWN = "down"
    STABILISED = "stabilised"  # seems to work again; numbers stay in force
    RESOLVED = "resolved"
    MAINTENANCE = "maintenance"


class Action(StrEnum):
    OPEN = "open"
    UPDATE = "update"
    STABILISE = "stabilise"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    REMIND = "remind"
    HOLD = "hold"  # wait: it may become one of the above
    DROP = "drop"


class Reason(StrEnum):
    """Why. Stored with the decision and shown; the sentences are in `preview.reasons`."""

    CONFIRMED = "confirmed"  # trouble, confirmed as the policy asks
    RELAPSE = "relapse"  # trouble again, within the time for reopening
    WORSE = "worse"
    BETTER = "better"  # down became degraded
    WIDER = "wider"  # more services of a group fail
    RELAPSE_UNDER_WATCH = "relapse_under_watch"
    RECOVERED = "recovered"  # works again, confirmed as the policy asks
    CONFIRMED_AND_WATCHED = "confirmed_and_watched"  # R11
    NEVER_ANNOUNCED = "never_announced"  # over, and nobody was told that it began
    DUE = "due"  # a reminder
    BY_HAND = "by_hand"
    CONFIRMING_DOWN = "confirming_down"
    CONFIRMING_UP = "confirming_up"
    DWELL = "dwell"
    FLAPPING = "flapping"
    DAILY_CAP = "daily_cap"
    MAINTENANCE = "maintenance"
    AWAITING_CONFIRMATION = "awaiting_confirmation"  # R11: not on the operator's word alone
    WATCHING = "watching"
    UNCHANGED = "unchanged"
    NOTHING_OPEN = "nothing_open"
    NO_SIGNAL = "no_signal"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Entry:
    """One decision that changed something. `state`: the one after it. `announced`: the public was told."""

    at: datetime
    action: Action
    reason: Reason
    state: State
    announced: bool = False
    failing: tuple[str, ...] = ()  # services of a group that fail


def current(log: Sequence[Entry]) -> State | None:
    """Where the open incident stands; None where none is open."""
    if not log or log[-1].state is State.RESOLVED:
        return None
    return log[-1].state


def opened(log: Sequence[Entry]) -> int:
    """The place in the log where the present incident began (or began anew)."""
    for place in range(len(log) - 1, -1, -1):
        if log[place].action in (Action.OPEN, Action.REOPEN):
            return place
    return 0


def announced(log: Sequence[Entry]) -> bool:
    """Whether the public knows of the present incident, also from before it was reopened."""
    begin = opened(log)
    while begin > 0 and log[begin].action is Action.REOPEN:
        begin = opened(log[:begin])
    return any(entry.announced for entry in log[begin:])
