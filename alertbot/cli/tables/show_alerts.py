"""One stored alert in the terminal: who, when, how far, then exactly what the public sees."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.alerts.rules_advice import topic_word
from alertbot.cli.tables.show_incidents import follows, relation_word
from alertbot.cli.tables.states import clock, state_text, state_word
from alertbot.core.words import _
from alertbot.texts.preview import phrases
from alertbot.texts.preview.panels import blocks, drawn
from alertbot.texts.preview.phrases import stated, visible
from alertbot.texts.preview.plain import plain
from alertbot.texts.preview.sheet import Sheet

Row = Mapping[str, Any]


def show(console: "Console", rows: Sequence[Row]) -> None:
    """As a table on a terminal, line by line elsewhere; nothing where there is none."""
    if rows and drawn(console):
        console.print(table(rows), highlight=False)
    elif rows:
        console.out("\n".join(contradiction_lines(rows)), highlight=False)


def contradiction_lines(rows: Sequence[Row]) -> Iterator[str]:
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


def show_alert(
    console: Console, alert: Mapping[str, Any], sheet: Sheet | None = None, zone: ZoneInfo | None = None
) -> None:
    """Print a stored alert: `service.showing.show`, with its sheet and zone under `_sheet` and `_zone`
    unless they are given.

    Without any zone, times are this machine's.
    """
    shown, zone = sheet or alert["_sheet"], zone or alert.get("_zone")
    if not drawn(console):
        lines = [phrases.stated(name, value) for name, value in particulars(alert, zone)]
        lines += contradiction_lines(alert.get("contradictions") or ())
        console.out("\n".join([*lines, "", plain(shown)]), highlight=False)
        return
    console.print(_card(alert, zone), highlight=False)
    show(console, alert.get("contradictions") or ())
    for block in blocks(shown, console.width):
        console.print(block, highlight=False)


def particulars(alert: Mapping[str, Any], zone: ZoneInfo | None) -> Iterator[tuple[str, str]]:
    """Everything known about an alert besides its texts, one line each, in the order of events."""
    named = {
        _("Alert"): alert.get("id"),
        _("State"): state_word(str(alert.get("state") or "")),
        _("Reason"): alert.get("reason"),
        _("Incident"): alert.get("incident"),
        _("Follows"): follows(alert.get("relation"), alert.get("references") or ()),
        _("Followed by"): _followers(alert),
        _("Drafted"): _by(alert.get("author"), alert.get("drafted_at"), zone),
        _("Last edited by"): alert.get("last_editor"),
        _("Composed"): clock(alert.get("composed_at"), zone),
        _("Submitted"): _by(alert.get("submitter"), alert.get("submitted_at"), zone),
        _("Must be approved before"): clock(alert.get("pending_until"), zone),
        _("Approvals"): _approvals(alert, zone),
        _("Approved"): clock(alert.get("approved_at"), zone),
        _("Goes out not before"): clock(alert.get("not_before"), zone),
        _("Break-glass"): _break_glass(alert.get("break_glass") or {}),
        _("Reached every channel"): _reached(alert),
        _("Retraction"): _prepared(alert),
        _("Full digest"): alert.get("digest"),
    }
    yield from ((name, phrases.visible(str(value))) for name, value in named.items() if value)


def _card(alert: Mapping[str, Any], zone: ZoneInfo | None) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in particulars(alert, zone):
        if name == _("State"):
            grid.add_row(Text(name, style="dim"), state_text(str(alert.get("state"))))
        else:
            loud = "bold red" if name == _("Break-glass") else ""
            grid.add_row(Text(name, style="dim"), Text(value, style=loud))
    return Group(grid, Text(""))


def _by(person: object, moment: object, zone: ZoneInfo | None) -> str:
    said = clock(moment, zone)
    if not person:
        return said
    return _("{time} by {person}").format(time=said, person=person) if said else str(person)


def _approvals(alert: Mapping[str, Any], zone: ZoneInfo | None) -> str:
    """How many of the approvals needed are given, and by whom."""
    approvals: Mapping[str, Any] = alert.get("approvals") or {}
    if not approvals:
        return ""
    given = [_by(each.get("person"), each.get("at"), zone) for each in approvals.get("given") or ()]
    count = _("{given} of {needed} given").format(given=len(given), needed=approvals.get("needed"))
    return "\n".join([count, *given])


def _followers(alert: Mapping[str, Any]) -> str:
    found = alert.get("followed_by") or ()
    sentence = _("{alert} {follows} ({state})")
    return "\n".join(
        sentence.format(
            alert=one["id"],
            follows=relation_word(str(one["relation"])),
            state=state_word(str(one["state"])),
        )
        for one in found
    )


def _reached(alert: Mapping[str, Any]) -> str:
    seconds = alert.get("reached_all_seconds")
    return "" if seconds is None else _("{seconds} s after approval").format(seconds=seconds)


def _prepared(alert: Mapping[str, Any]) -> str:
    if not alert.get("retraction") or alert.get("state") not in ("published", "partly_published"):
        return ""
    return _("ready; to send it: alertbot retract {alert} --now").format(alert=alert.get("id"))


def _break_glass(used: Mapping[str, Any]) -> str:
    if not used:
        return ""
    said = _("! {person} let this out alone: {reason}").format(
        person=used.get("by"), reason=used.get("reason")
    )
    closed = used.get("countersigned_by")
    return f"{said} · " + (
        _("countersigned by {person}").format(person=closed)
        if closed
        else _("still to be countersigned")
    )
