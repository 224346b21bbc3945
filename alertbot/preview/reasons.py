"""What was observed and decided, and why, in the reader's language."""

from alertbot.words import _


def observed_word(observed: str) -> str:
    """How a service does, as a source sees it."""
    words = {
        "up": _("works"),
        "degraded": _("partly out of order"),
        "down": _("out of order"),
        "maintenance": _("maintenance"),
        "unknown": _("unknown"),
    }
    return words.get(observed, observed)


def action_word(action: str) -> str:
    """What was decided."""
    words = {
        "open": _("opened"),
        "update": _("updated"),
        "stabilise": _("stabilised"),
        "resolve": _("resolved"),
        "reopen": _("reopened"),
        "remind": _("reminded"),
        "hold": _("held back"),
        "drop": _("dropped"),
    }
    return words.get(action, action)


def incident_word(state: str) -> str:
    """Where an incident stands."""
    words = {
        "investigating": _("investigating"),
        "identified": _("cause known"),
        "degraded": _("partly out of order"),
        "down": _("out of order"),
        "stabilised": _("seems to work again"),
        "resolved": _("over"),
        "maintenance": _("maintenance"),
    }
    return words.get(state, state)


def reason_words(reason: str) -> str:
    """Why, in a few words; see `incident.log.Reason`."""
    return (_why_changed() | _why_not()).get(reason, reason)


def _why_changed() -> dict[str, str]:
    return {
        "confirmed": _("trouble, confirmed"),
        "relapse": _("trouble again, soon after the end"),
        "worse": _("worse than before"),
        "better": _("better than before"),
        "wider": _("more services fail"),
        "relapse_under_watch": _("trouble again while it was watched"),
        "recovered": _("works again, confirmed"),
        "confirmed_and_watched": _("confirmed by the emergency services, and watched long enough"),
        "never_announced": _("over, and nobody was told that it began"),
        "due": _("nothing has changed for a while"),
        "by_hand": _("decided by a person"),
    }


def _why_not() -> dict[str, str]:
    return {
        "confirming_down": _("trouble is not confirmed yet"),
        "confirming_up": _("its end is not confirmed yet"),
        "dwell": _("the last change is too fresh"),
        "flapping": _("changes too often to be believed"),
        "daily_cap": _("the day's limit is reached"),
        "maintenance": _("expected: a maintenance window"),
        "awaiting_confirmation": _("the emergency services have not confirmed it"),
        "watching": _("watched, to see whether it lasts"),
        "unchanged": _("nothing new"),
        "nothing_open": _("nothing was open"),
        "no_signal": _("no report says anything"),
        "stale": _("too old to be news"),
    }
