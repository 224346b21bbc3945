"""The demo's table: what went out, on which channel, how long after the fault began."""

from datetime import timedelta
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alertbot.demo.evening import Evening, Told
from alertbot.preview.states import state_word
from alertbot.words import _


def show(console: Console, evening: Evening) -> None:
    """Print the table, the comparison with that evening, and where everything was left."""
    console.print(_table(evening))
    for line in (*_comparison(evening), *_numbers(evening)):
        console.print(line)
    console.print()
    console.print(Text(_("What the public saw: {wall}").format(wall=evening.wall), overflow="fold"))
    console.print(
        Text(
            _("The database with its audit: {path} (head {head})").format(
                path=evening.database, head=evening.audit_head[:12]
            ),
            overflow="fold",
        )
    )
    console.print(
        _("Done in {seconds:.0f} s; nothing left this machine.").format(seconds=evening.seconds)
    )


def _table(evening: Evening) -> Table:
    table = Table(title=evening.title, box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for name in (
        _("Alert"),
        _("Channel"),
        _("Parts"),
        _("Remote id"),
        _("State"),
        _("After the fault began"),
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


def _ids(row: Told) -> str:
    """The first remote id, and how many more there are."""
    if not row.remote_ids:
        return "–"
    more = len(row.remote_ids) - 1
    return row.remote_ids[0] + (f" +{more}" if more else "")


def _comparison(evening: Evening) -> list[str]:
    pairs = (
        (_("First word"), "holding", "first_word"),
        (_("First numbers"), "provisional_number", "first_numbers"),
        (_("Apology"), "apology", "apology"),
    )
    lines = []
    for name, kind, key in pairs:
        mine = min((row.delay for row in evening.rows if row.kind == kind), default=None)
        real = timedelta(minutes=evening.in_reality[key])
        if mine is not None:
            lines.append(
                _("{name}: {mine} after the fault began (that evening: {real}).").format(
                    name=name, mine=_hours(mine), real=_hours(real)
                )
            )
    return lines


def _numbers(evening: Evening) -> list[str]:
    """Where the register's entries stand in the end."""
    from alertbot.preview.numbers import standing_text

    stand = ", ".join(f"{count} {standing_text(one).plain}" for one, count in evening.register.items())
    return [_("Numbers in the register at the end: {stand}.").format(stand=stand)]


def _hours(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d}" if hours else f"{rest} min"
