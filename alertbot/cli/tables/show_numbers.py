"""Tables of the register for the terminal, made of the views that `numbers list --json` prints.

A standing is a word with a mark before it; colour only repeats what the word says.
"""

from collections.abc import Iterable, Mapping, Sequence
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.cli.tables.show_tables import clock
from alertbot.core.json import Json
from alertbot.core.words import _
from alertbot.numbers.rules_entry import Standing, in_words
from alertbot.numbers.views import CheckView, NumberHistory, NumberView, PublishedIn, VersionView

_MARKS = {
    Standing.UNVERIFIED: ("?", "yellow"),
    Standing.PLANNED: ("…", "cyan"),
    Standing.IN_FORCE: ("✓", "green"),
    Standing.EXPIRED: ("!", "yellow"),
    Standing.WITHDRAWN: ("✗", "dim"),
}


def standing_text(standing: Standing) -> Text:
    """A standing with its mark."""
    mark, style = _MARKS[standing]
    return Text(f"{mark} {in_words(standing)}", style=style)


def numbers_table(rows: Sequence[NumberView], zone: ZoneInfo | None = None) -> RenderableType:
    """One line per entry, nothing cut."""
    if not rows:
        return Text(_("No such entry in the register."))
    table = _table(
        _("Entry"),
        _("Where"),
        _("Service"),
        _("Number or place"),
        _("State"),
        _("Until"),
        _("Verified by"),
    )
    for row in rows:
        table.add_row(
            row.entry,
            Text("\n".join(_where(row))),
            Text(_service(row)),
            Text(_call(row)),
            standing_text(row.standing),
            _end(row, zone),
            row.verified_by or "",
        )
    return table


def number_details(row: NumberHistory, zone: ZoneInfo | None = None) -> RenderableType:
    """One entry with its `versions`, `checks` and `published` alerts."""
    head = Text.assemble(
        (f"{row.entry}  ", "bold"), _call(row), "  ", standing_text(row.standing), "\n"
    )
    head.append("\n".join([_service(row), *_where(row), *_facts(row, zone)]))
    parts: list[RenderableType] = [head, _versions(row.versions, zone)]
    if row.checks:
        parts.append(_checks(row.checks, zone))
    parts += [Text(line) for line in _published(row.published)]
    return Group(*parts)


def _facts(row: NumberView, zone: ZoneInfo | None) -> Iterable[str]:
    if row.capacity:
        yield _("{count} calls at once").format(count=row.capacity)
    if row.valid_from:
        yield _("from {time}").format(time=clock(row.valid_from, zone))
    if end := _end(row, zone):
        yield _("until {time}").format(time=end)
    if row.withdrawn_at:
        yield _("withdrawn on {time} by {who}: {why}").format(
            time=clock(row.withdrawn_at, zone),
            who=row.withdrawn_by,
            why=row.withdrawn_reason,
        )
    yield from row.sources


def _versions(versions: Sequence[VersionView], zone: ZoneInfo | None) -> Table:
    table = _table(_("Version"), _("By"), _("When"), _("Content"))
    for one in versions:
        said = ", ".join(
            f"{name}={_cell(cell)}" for name, cell in one.row.items() if cell and name != "version"
        )
        table.add_row(f"{one.version} ({one.verb})", one.by, clock(one.at, zone), Text(said))
    return table


def _checks(checks: Sequence[CheckView], zone: ZoneInfo | None) -> Table:
    table = _table(_("Version"), _("Checked by"), _("When"), _("Digits"), _("Test call"), _("Note"))
    for one in checks:
        call = " ".join(filter(None, (one.call or "", clock(one.called_at, zone))))
        same = Text("✓ " + _("match"), "green") if one.matched else Text("✗ " + _("differ"), "red")
        table.add_row(
            str(one.version),
            one.by,
            clock(one.at, zone),
            same,
            call,
            Text(one.note or ""),
        )
    return table


def _published(alerts: Sequence[PublishedIn]) -> Iterable[str]:
    for one in alerts:
        sentence = (
            _("Published in {alert}; withdrawn since.")
            if one.taken_back
            else _("Published in {alert}, and still public.")
        )
        yield sentence.format(alert=one.alert)


def _cell(cell: "Json | Mapping[str, str]") -> str:
    if isinstance(cell, Mapping):
        return " / ".join(f"{lang}: {text}" if lang else str(text) for lang, text in cell.items())
    return " ".join(map(str, cell)) if isinstance(cell, list) else str(cell)


def _where(row: NumberView) -> list[str]:
    place = f"{row.territory} {row.territory_name}"
    return [place, *filter(None, (_cell(row.zone), _cell(row.condition)))]


def _service(row: NumberView) -> str:
    return f"{row.service} ({row.replaces})" if row.replaces else row.service


def _call(row: NumberView) -> str:
    return row.number or _cell(row.place)


def _end(row: NumberView, zone: ZoneInfo | None) -> str:
    ends = [at for at in (row.valid_until, row.review_at) if at]
    return clock(min(ends), zone) if ends else ""


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
