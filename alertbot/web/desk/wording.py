"""Words of the desk for states, and for what was just done."""

from collections.abc import Mapping

from alertbot.core.words import _


def delivery_words(state: str) -> str:
    """What became of deliveries, after their number."""
    words = {
        "pending": _("waiting"),
        "claimed": _("claimed"),
        "sending": _("sending"),
        "sent": _("sent"),
        "failed": _("failed"),
        "uncertain": _("uncertain"),
        "cancelled": _("cancelled"),
        "expired": _("expired"),
        "skipped": _("not sent"),
    }
    return words.get(str(state), str(state))


def incident_words(state: str) -> str:
    """The state of an incident."""
    words = {
        "investigating": _("investigating"),
        "identified": _("cause identified"),
        "degraded": _("partly out of order"),
        "down": _("out of order"),
        "stabilised": _("stabilised"),
        "resolved": _("resolved"),
        "maintenance": _("planned works"),
    }
    return words.get(str(state), str(state))


def done_words() -> Mapping[str, str]:
    """What a form did, on the page that it led to."""
    return {
        "approve": _("Your approval is recorded."),
        "return": _("It went back to its author, with your reason."),
        "reject": _("It is rejected and will never go out."),
        "break": _("You published it alone. The team is being told."),
        "countersign": _("You countersigned it."),
        "submit": _("It was submitted: approvers are being asked."),
        "saved": _("Saved as a draft; nothing goes out yet."),
    }
