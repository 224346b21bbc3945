"""States and times in the terminal: a mark and a word, a time with its zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich.text import Text

from alertbot.core.words import _

MARKS = {
    "pending": ("·", ""),
    "claimed": ("·", ""),
    "sending": ("→", "cyan"),
    "sent": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "uncertain": ("?", "bold yellow"),
    "cancelled": ("–", "dim"),
    "expired": ("–", "yellow"),
    "skipped": ("–", "dim"),
    "draft": ("·", ""),
    "approved": ("✓", "green"),
    "returned": ("←", "yellow"),
    "rejected": ("✗", "red"),
    "publishing": ("→", "cyan"),
    "published": ("✓", "green"),
    "partly_published": ("!", "bold yellow"),
    "discarded": ("–", "dim"),
}


def state_word(state: str) -> str:
    """The state of an alert or a delivery in the reader's language."""
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
        "draft": _("draft"),
        "approved": _("approved"),
        "returned": _("returned"),
        "rejected": _("rejected"),
        "publishing": _("publishing"),
        "published": _("published"),
        "partly_published": _("partly published"),
        "discarded": _("discarded"),
    }
    return words.get(state, state)


def state_text(state: str) -> Text:
    """`✓ sent`."""
    mark, style = MARKS.get(state, ("·", ""))
    return Text(f"{mark} {state_word(state)}", style=style)


def clock(moment: object, zone: ZoneInfo | None = None) -> str:
    """A time to the second in `zone`, else in this machine's; given aware, in ISO 8601 or as epoch
    seconds."""
    if moment is None or moment == "":
        return ""
    if isinstance(moment, int | float):
        moment = datetime.fromtimestamp(moment, UTC)
    elif isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        return str(moment)
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z").rstrip()
