"""Terminal tables of the demo and of a replay."""

from datetime import timedelta
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alertbot.cli.tables.show_numbers import standing_text
from alertbot.cli.tables.show_tables import state_word
from alertbot.core.words import _, language
from alertbot.rehearsal.demo.evening import Evening, PlayedAlert
from alertbot.rehearsal.replay.results import Replay
from alertbot.rehearsal.replay.telling import (
    LineMark,
    Row,
    TimelineLine,
    headline,
    notes_of,
    rows_of,
    summary_of,
)
from alertbot.rehearsal.replay.timeline import said
from alertbot.texts.preview.phrases import visible


def show_evening(console: Console, evening: Evening) -> None:
    """Print the table, the comparison with the real evening, and where the files are."""
    console.print(_evening_table(evening))
    for line in (*_comparison(evening), *_numbers(evening)):
        console.print(line)
    console.print()
    console.print(Text(_("What the public saw: {wall}").format(wall=evening.wall), overflow="fold"))
    console.print(
        Text(_("The public page of that evening: {page}").format(page=evening.page), overflow="fold")
    )
    console.print(
        Text(
            _("Database with its audit: {path} (head {head})").format(
                path=evening.database, head=evening.audit_head[:12]
            ),
            overflow="fold",
        )
    )
    console.print(
        _("Finished in {seconds:.0f} s; nothing left this machine.").format(seconds=evening.seconds)
    )


def _evening_table(evening: Evening) -> Table:
    table = Table(title=evening.title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for name in (
        _("Alert"),
        _("Channel"),
        _("Parts"),
        _("Remote id"),
        _("State"),
        _("Time after the fault began"),
    ):
        table.add_column(name, overflow="fold")
    for _alert, rows in groupby(evening.rows, key=lambda row: row.alert):
        for place, row in enumerate(rows):
            table.add_row(
                f"{row.alert} {row.kind}" if place == 0 else "",
                row.channel,
                str(row.parts),
                _ids(row),
                ("✓ " if row.state == "sent" else "✗ ") + state_word(row.state),
                _hours(row.delay),
            )
        table.add_section()
    return table


LONGEST_ID = 28


def _ids(row: PlayedAlert) -> str:
    """The first remote id, and how many more there are."""
    if not row.remote_ids:
        return "–"
    more = len(row.remote_ids) - 1
    first = row.remote_ids[0]
    shown = first if len(first) <= LONGEST_ID else first[: LONGEST_ID - 1] + "…"
    return shown + (f" +{more}" if more else "")


def _comparison(evening: Evening) -> list[str]:
    """What was said when, beside that evening: the first numbers were each service's own, the first list a picture."""
    sentences = (
        (
            "holding",
            "first_word",
            _("First message: {mine} after the fault began (that evening: {real})."),
        ),
        (
            "provisional_number",
            "first_numbers",
            _(
                "First numbers: {mine} after the fault began (that evening: {real}; the first national list, a picture:"
                " {list})."
            ),
        ),
        ("apology", "apology", _("Apology: {mine} after the fault began (that evening: {real}).")),
    )
    real = {key: _hours(timedelta(minutes=minutes)) for key, minutes in evening.in_reality.items()}
    lines = []
    for kind, key, sentence in sentences:
        mine = min((row.delay for row in evening.rows if row.kind == kind), default=None)
        if mine is not None:
            lines.append(sentence.format(mine=_hours(mine), real=real[key], list=real["first_list"]))
    return lines


def _numbers(evening: Evening) -> list[str]:
    """The register entries by standing at the end."""
    stand = ", ".join(f"{count} {standing_text(one).plain}" for one, count in evening.register.items())
    return [_("Numbers in the register at the end: {stand}.").format(stand=stand)]


def _hours(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d}" if hours else f"{rest} min"


STYLES = {LineMark.DECIDED: "", LineMark.POSTED: "green", LineMark.HELD: "yellow"}
WIDEST = 110  # cells; wider lines are hard to read


def show_replay(console: Console, replay: Replay) -> None:
    """Print the whole replay."""
    title = said(replay.timeline.title, language())
    console.print(Text(visible(title), style="bold"))
    for note in notes_of(replay):
        console.print(Text(visible(note), style="yellow"), width=min(console.width, WIDEST))
    console.print(_replay_table(replay))
    console.print(_figures(replay))


def _replay_table(replay: Replay) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", width=None)
    table.add_column(replay.timeline.zone.key.rpartition("/")[2][:8], no_wrap=True)
    table.add_column(_("What happened"), overflow="fold", ratio=1, max_width=WIDEST // 2)
    table.add_column(_("With alertbot"), overflow="fold", ratio=1, max_width=WIDEST // 2)
    for day, rows in groupby(rows_of(replay), key=lambda row: row.at.date()):
        table.add_section()
        table.add_row(Text(day.strftime(_("%d/%m/%y")), style="bold"), "", "")
        for row in rows:
            table.add_row(row.at.strftime("%H:%M"), _reality(row), _ours(row.lines(replay)))
    return table


def _reality(row: Row) -> Text:
    """`degraded · SAMU 85 · inbound call`, and what happened."""
    entry = row.entry
    if entry is None:
        return Text("")
    told = Text(visible(headline(entry)), style="bold")
    summary = said(entry.summary, language())
    return told + Text(f"\n{visible(summary)}" if summary else "")


def _ours(lines: list[TimelineLine]) -> Text:
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
