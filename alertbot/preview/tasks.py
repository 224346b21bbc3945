"""Tasks in the terminal. Input is plain mappings; colour only repeats what the words say."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.preview.phrases import visible
from alertbot.preview.states import clock
from alertbot.words import _

Row = Mapping[str, Any]


def tasks_table(rows: Sequence[Row], zone: ZoneInfo | None = None) -> RenderableType:
    """Rows as `service.tasks.view` gives them; times in `zone`."""
    if not rows:
        return Text(_("There is nothing to do."))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in (_("No."), _("What to do"), _("About"), _("Due"), _("Standing")):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            str(row["id"]),
            Text(visible(str(row["text"])), overflow="fold"),
            str(row.get("alert") or row.get("number") or row.get("incident") or ""),
            clock(row.get("due_at"), zone),
            _standing(row, zone),
        )
    return table


def _standing(row: Row, zone: ZoneInfo | None) -> Text:
    if not row.get("done_at"):
        return Text("! " + _("open"), style="bold yellow")
    said = _("done by {name}, {time}").format(name=row.get("done_by"), time=clock(row["done_at"], zone))
    outcome = f": {row['outcome']}" if row.get("outcome") else ""
    return Text(visible(f"✓ {said}{outcome}"), style="green", overflow="fold")
