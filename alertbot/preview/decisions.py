"""Decisions about watched services in people's words: states, actions, reasons, and the log of an incident."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.table import Table
from rich.text import Text

from alertbot.preview.phrases import visible
from alertbot.preview.states import clock
from alertbot.words import _

Row = Mapping[str, Any]


def condition_word(state: str) -> str:
    """Where an incident stands, in the reader's language."""
    words = {
        "investigating": _("being looked into"),
        "identified": _("cause known"),
        "degraded": _("degraded"),
        "down": _("down"),
        "stabilised": _("stabilised, under watch"),
        "resolved": _("resolved"),
        "maintenance": _("maintenance"),
    }
    return words.get(state, state)


def action_word(action: str) -> str:
    """What was decided."""
    words = {
        "open": _("opened"),
        "update": _("updated"),
        "stabilise": _("stabilised"),
        "resolve": _("resolved"),
        "reopen": _("reopened"),
        "remind": _("reminder"),
        "hold": _("held"),
        "drop": _("nothing to do"),
    }
    return words.get(action, action)


def reason_words(reason: str) -> str:
    """Why, in a few words."""
    words = {
        "confirmed": _("trouble, confirmed as the policy asks"),
        "relapse": _("trouble again soon after the end"),
        "worse": _("it got worse"),
        "better": _("it got better"),
        "wider": _("more services of the group fail"),
        "relapse_under_watch": _("trouble again while it was under watch"),
        "recovered": _("works again, confirmed as the policy asks"),
        "confirmed_and_watched": _("confirmed by the services concerned, and watched (R11)"),
        "never_announced": _("over, and nobody was told that it had begun"),
        "due": _("nothing has changed for a while"),
        "by_hand": _("a person said so"),
        "confirming_down": _("trouble is not confirmed yet"),
        "confirming_up": _("its end is not confirmed yet"),
        "dwell": _("it has not been in this state for long enough"),
        "flapping": _("it changes too often to be believed"),
        "daily_cap": _("as many incidents as the policy allows in a day"),
        "maintenance": _("maintenance"),
        "awaiting_confirmation": _("nobody of the services concerned has confirmed it (R11)"),
        "watching": _("confirmed, and under watch (R11)"),
        "unchanged": _("nothing has changed"),
        "nothing_open": _("it works, and nothing was open"),
        "no_signal": _("no report"),
        "stale": _("old news"),
    }
    return words.get(reason, reason)


def decided(action: object, reason: object) -> str:
    """`held: trouble is not confirmed yet`."""
    if not action:
        return ""
    return _("{action}: {reason}").format(
        action=action_word(str(action)), reason=reason_words(str(reason))
    )


def log_table(rows: Sequence[Row], zone: ZoneInfo | None = None) -> Table:
    """The decisions of an incident, oldest first, as `service.incidents.show` gives them."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in (_("When"), _("Decision"), _("Now"), _("By"), _("Alert")):
        table.add_column(heading, overflow="fold")
    for row in rows:
        why = decided(row["action"], row["reason"])
        note = f" ({visible(str(row['note']))})" if row.get("note") else ""
        table.add_row(
            clock(row["at"], zone),
            Text(why + note),
            condition_word(str(row["condition"])),
            Text(visible(str(row["by"]))),
            str(row.get("alert") or ""),
        )
    return table
