"""Two alerts that tell callers different things, side by side (R9). Input is plain mappings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alertbot.incident.topics import topic_word
from alertbot.preview.phrases import stated, visible
from alertbot.words import _

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

Row = Mapping[str, Any]


def show(console: "Console", rows: Sequence[Row]) -> None:
    """As a table on a terminal, line by line elsewhere; nothing where there is none."""
    from alertbot.preview.panels import drawn

    if rows and drawn(console):
        console.print(table(rows), highlight=False)
    elif rows:
        console.out("\n".join(lines(rows)), highlight=False)


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """For a pipe, a log or a screen reader: the topic, then each text after the name of who says it."""
    if rows:
        yield _title()
    for row in rows:
        yield f"  {stated(topic_word(str(row['topic'])), _decided(row))}"
        yield f"    {stated(str(row['alert']), _line(row['said']))}"
        yield f"    {stated(_('This alert'), _line(row['says']))}"
    if any(not row.get("accepted") for row in rows):
        yield f"  {_way_out()}"


def table(rows: Sequence[Row]) -> "RenderableType":
    """What is out on the left, what this alert says on the right. Each text carries the name of who says
    it, so that the table can be heard as well."""
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=_title(), title_justify="left")
    grid.caption = _way_out() if any(not row.get("accepted") for row in rows) else None
    grid.caption_justify = "left"
    for heading in (_("About"), _("Already out"), _("This alert")):
        grid.add_column(heading, overflow="fold")
    for row in rows:
        about = f"{topic_word(str(row['topic']))}\n{_decided(row)}"
        said = stated(str(row["alert"]), visible(str(row["said"])))
        says = stated(_("This alert"), visible(str(row["says"])))
        grid.add_row(*map(_cell, (about, said, says)))
    return grid


def _cell(text: str) -> "RenderableType":
    from rich.text import Text

    return Text(text, overflow="fold")


def _title() -> str:
    return _("This contradicts what callers are told already:")


def _way_out() -> str:
    return _("Change it, or decide: alertbot edit ALERT --accept contradicts=REASON")


def _decided(row: Row) -> str:
    reason = row.get("accepted")
    return _("decided: {reason}").format(reason=visible(str(reason))) if reason else _("undecided")


def _line(text: object) -> str:
    return visible(" / ".join(part.strip() for part in str(text).splitlines() if part.strip()))
