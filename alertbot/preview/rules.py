"""Rules in the terminal: how their alerts go out, and why not by themselves. Input is plain mappings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.preview.phrases import short_digest, span, stated, visible
from alertbot.preview.states import clock
from alertbot.words import _

Row = Mapping[str, Any]


def rules_table(rows: Sequence[Row], zone: ZoneInfo | None = None) -> RenderableType:
    """Rows as `service.ahead.listing` gives them; times in `zone`."""
    if not rows:
        return Text(_("There is no rule: write one under `rules:` in the configuration."))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in (_("Rule"), _("When"), _("Kind"), _("Goes out"), _("Standing")):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            Text(str(row["rule"]), style="bold"),
            Text(visible(_when(row)), overflow="fold"),
            _kind(row),
            how(row),
            _standing(row, zone),
        )
    return table


def particulars(row: Row, zone: ZoneInfo | None = None) -> Iterator[str]:
    """Everything known of a rule besides its texts, one line each."""
    named = {
        _("Rule"): row["rule"],
        _("When"): _when(row),
        _("Kind"): _kind(row),
        _("Goes out"): how(row),
        _("Standing"): row["why"],
        _("Proposed"): _signatures(row.get("proposal"), zone),
        _("Approved ahead"): _signatures(row.get("approval"), zone),
        _("Full digest"): row["digest"],
    }
    yield from (stated(name, visible(str(value))) for name, value in named.items() if value)


def how(row: Row) -> str:
    """How alerts of a rule go out, as the configuration has it."""
    if row["how"] == "auto" and row["after"]:
        return _("by itself, after {span}").format(span=span(row["after"]))
    words = {"auto": _("by itself"), "propose": _("when people approve it"), "off": _("not at all")}
    return words[row["how"]]


def _kind(row: Row) -> str:
    return _("EXERCISE: {title}").format(title=row["kind"]) if row["exercise"] else str(row["kind"])


def _when(row: Row) -> str:
    on = ", ".join(row["on"])
    if not row["services"]:
        return on
    return stated(on, ", ".join(row["services"]))


def _standing(row: Row, zone: ZoneInfo | None) -> Text:
    mark, style = ("✓", "green") if row["automatic"] else ("–", "")
    if row["how"] == "auto" and not row["automatic"]:
        mark, style = "!", "yellow"
    lines = [f"{mark} {row['why']}"]
    if row["digest"] and row["how"] == "auto":
        lines.append(stated(_("Digest"), short_digest(row["digest"])))
    lines += [_countdown(one, zone) for one in row.get("countdowns", ())]
    return Text(visible("\n".join(lines)), style=style, overflow="fold")


def _countdown(one: Row, zone: ZoneInfo | None) -> str:
    return _("{alert} goes out at {time}; stop it: alertbot rules abort {alert}").format(
        alert=one["alert"], time=clock(one["goes_at"], zone)
    )


def _signatures(signed: Row | None, zone: ZoneInfo | None) -> str:
    """Who signed, and until when it counts or may be signed."""
    if signed is None:
        return ""
    people = ", ".join(one["person"] for one in signed["signed"])
    return _("{names}; until {time}").format(names=people, time=clock(signed["until"], zone))
