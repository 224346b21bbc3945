"""A replay in the terminal: reality on the left, alertbot on the right, the figures at the end."""

from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alertbot.preview.phrases import visible
from alertbot.replay.results import Replay
from alertbot.replay.telling import Line, Mark, Row, notes_of, rows_of, summary_of
from alertbot.replay.timeline import Entry, said
from alertbot.words import _, language

STYLES = {Mark.DECIDED: "", Mark.POSTED: "green", Mark.HELD: "yellow"}
WIDEST = 110  # cells; wider lines are hard to read


def show(console: Console, replay: Replay) -> None:
    """Print the whole story."""
    title = said(replay.timeline.title, language())
    console.print(Text(visible(title), style="bold"))
    for note in notes_of(replay):
        console.print(Text(visible(note), style="yellow"))
    console.print(_table(replay))
    console.print(_figures(replay))


def _table(replay: Replay) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", width=None)
    table.add_column(replay.timeline.zone.key.rpartition("/")[2][:8], no_wrap=True)
    table.add_column(_("At the time"), overflow="fold", ratio=1, max_width=WIDEST // 2)
    table.add_column(_("With alertbot"), overflow="fold", ratio=1, max_width=WIDEST // 2)
    for day, rows in groupby(rows_of(replay), key=lambda row: row.at.date()):
        table.add_section()
        table.add_row(Text(day.strftime(_("%d/%m/%y")), style="bold"), "", "")
        for row in rows:
            table.add_row(row.at.strftime("%H:%M"), _reality(row), _ours(row.ours))
    return table


def _reality(row: Row) -> Text:
    """`degraded · SAMU 85 · inbound call`, and what happened."""
    entry = row.entry
    if entry is None:
        return Text("")
    told = Text(visible(headline(entry)), style="bold")
    summary = said(entry.summary, language())
    return told + Text(f"\n{visible(summary)}" if summary else "")


def headline(entry: Entry) -> str:
    """`degraded · SAMU 85 · inbound call`."""
    return " · ".join(filter(None, (entry.state, entry.actor, entry.channel)))


def _ours(lines: list[Line]) -> Text:
    return Text("\n").join(
        Text(f"{line.mark} {visible(line.text)}", style=STYLES[line.mark]) for line in lines
    )


def _figures(replay: Replay) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in summary_of(replay):
        table.add_row(name, value)
    return table
