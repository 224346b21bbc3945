"""The log of an incident in the terminal: what was decided about it, and why."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.table import Table
from rich.text import Text

from alertbot.preview.phrases import visible
from alertbot.preview.reasons import action_word, incident_word, reason_words
from alertbot.preview.states import clock
from alertbot.words import _

Row = Mapping[str, Any]


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
            incident_word(str(row["condition"])),
            Text(visible(str(row["by"]))),
            str(row.get("alert") or ""),
        )
    return table
