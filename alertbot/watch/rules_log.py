"""The history of one service, as states, actions and reasons, and these in the reader's language."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from alertbot.core.frozen import dataclass
from alertbot.core.words import _


class State(StrEnum):
    """The state of an incident, in the terms of public status pages."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    DEGRADED = "degraded"
    DOWN = "down"
    STABILISED = "stabilised"  # seems to work again; numbers stay in force
    RESOLVED = "resolved"
    MAINTENANCE = "maintenance"


class IncidentAction(StrEnum):
    OPEN = "open"
    UPDATE = "update"
    STABILISE = "stabilise"
    RESOLVE = "resolve"
    REOPEN = "reopen"
    REMIND = "remind"
    HOLD = "hold"  # wait: it may become one of the above
    DROP = "drop"


class Reason(StrEnum):
    """Why a decision was made. Stored with it; the sentences are in `reason_words`."""

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
    UNNAMED = "unnamed"  # one of many services that no configuration names


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One decision that changed something. `state`: the state after it. `announced`: the public was
    told."""

    at: datetime
    action: IncidentAction
    reason: Reason
    state: State
    announced: bool = False
    failing: tuple[str, ...] = ()  # services of a group that fail


def current(log: Sequence[LogEntry]) -> State | None:
    """The state of the open incident; None if none is open."""
    if not log or log[-1].state is State.RESOLVED:
        return None
    return log[-1].state


def opened(log: Sequence[LogEntry]) -> int:
    """The index in the log where the current incident was opened or reopened."""
    for place in range(len(log) - 1, -1, -1):
        if log[place].action in (IncidentAction.OPEN, IncidentAction.REOPEN):
            return place
    return 0


def announced(log: Sequence[LogEntry]) -> bool:
    """Whether the public knows about the current incident, also from before it was reopened."""
    begin = opened(log)
    while begin > 0 and log[begin].action is IncidentAction.REOPEN:
        begin = opened(log[:begin])
    return any(entry.announced for entry in log[begin:])


def observed_word(observed: str) -> str:
    """The state of a service as a source sees it, in words."""
    words = {
        "up": _("works"),
        "degraded": _("partly out of order"),
        "down": _("out of order"),
        "maintenance": _("planned works"),
        "unknown": _("unknown"),
    }
    return words.get(observed, observed)


def action_word(action: str) -> str:
    """A decision, in words."""
    words = {
        "open": _("opened"),
        "update": _("updated"),
        "stabilise": _("stabilised"),
        "resolve": _("resolved"),
        "reopen": _("reopened"),
        "remind": _("reminder"),
        "hold": _("held back"),
        "drop": _("dropped"),
    }
    return words.get(action, action)


def incident_word(state: str) -> str:
    """The state of an incident, in words."""
    words = {
        "investigating": _("investigating"),
        "identified": _("cause known"),
        "degraded": _("partly out of order"),
        "down": _("out of order"),
        "stabilised": _("seems to work again"),
        "resolved": _("over"),
        "maintenance": _("maintenance"),
    }
    return words.get(str(state), str(state))


def reason_words(reason: str) -> str:
    """A reason in a few words (see `Reason`)."""
    return (_why_changed() | _why_not()).get(reason, reason)


def _why_changed() -> dict[str, str]:
    return {
        "confirmed": _("trouble, confirmed"),
        "relapse": _("trouble again, soon after the end"),
        "worse": _("worse than before"),
        "better": _("better than before"),
        "wider": _("more services are failing"),
        "relapse_under_watch": _("trouble again during the watch period"),
        "recovered": _("works again, confirmed"),
        "confirmed_and_watched": _("confirmed by the emergency services, and watched long enough"),
        "never_announced": _("over, and the public was not told that it began"),
        "due": _("nothing has changed for a while"),
        "by_hand": _("decided by someone on the team"),
    }


def _why_not() -> dict[str, str]:
    return {
        "confirming_down": _("trouble not confirmed yet"),
        "confirming_up": _("end not confirmed yet"),
        "dwell": _("last change too recent"),
        "flapping": _("changes too often to be trusted"),
        "daily_cap": _("daily limit reached"),
        "maintenance": _("expected: maintenance window"),
        "awaiting_confirmation": _("not confirmed by the emergency services"),
        "watching": _("under watch, to see whether it lasts"),
        "unchanged": _("nothing new"),
        "nothing_open": _("nothing was open"),
        "no_signal": _("no report gives any information"),
        "stale": _("too old to be news"),
        "unnamed": _("too many unknown services at once"),
    }


def decided(action: object, reason: object) -> str:
    """`held: trouble is not confirmed yet`."""
    if not action:
        return ""
    return _("{action}: {reason}").format(
        action=action_word(str(action)), reason=reason_words(str(reason))
    )
