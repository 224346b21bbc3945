"""Terminal output of one stored alert: who, when, its state, then exactly what the public sees; and its
contradictions."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.alerts.rules_guidance import topic_word
from alertbot.alerts.showing import archived_in_words, number_in_words
from alertbot.alerts.views import BreakGlassView, ShownAlertView
from alertbot.cli.tables.show_incidents import follows, relation_word
from alertbot.cli.tables.show_tables import clock, state_text, state_word
from alertbot.core.errors import one_line
from alertbot.core.model import AlertState, Conflict
from alertbot.core.words import _
from alertbot.texts.preview import phrases
from alertbot.texts.preview.panels import blocks, drawn
from alertbot.texts.preview.phrases import stated, visible
from alertbot.texts.preview.plain import plain

OUT = (AlertState.PUBLISHED, AlertState.PARTLY_PUBLISHED)


def show(console: "Console", rows: Sequence[Conflict]) -> None:
    """Print contradictions as a table on a terminal, line by line elsewhere; nothing if there are none."""
    if rows and drawn(console):
        console.print(table(rows), highlight=False)
    elif rows:
        console.out("\n".join(contradiction_lines(rows)), highlight=False)


def contradiction_lines(rows: Sequence[Conflict]) -> Iterator[str]:
    """Contradictions for a pipe, a log or a screen reader: the topic, then each text after the name of
    its alert."""
    if rows:
        yield _title()
    for row in rows:
        yield f"  {stated(topic_word(row.topic), _decided(row))}"
        yield f"    {stated(row.alert, _line(row.said))}"
        yield f"    {stated(_('This alert'), _line(row.says))}"
    if any(not row.accepted for row in rows):
        yield f"  {_way_out()}"


def table(rows: Sequence[Conflict]) -> "RenderableType":
    """Published texts on the left, this alert's on the right. Each text is labelled with its alert, so
    that the table also works with a screen reader."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=_title(), title_justify="left")
    grid.caption = _way_out() if any(not row.accepted for row in rows) else None
    grid.caption_justify = "left"
    for heading in (_("About"), _("Already public"), _("This alert")):
        grid.add_column(heading, overflow="fold")
    for row in rows:
        about = f"{topic_word(row.topic)}\n{_decided(row)}"
        said = stated(row.alert, visible(row.said))
        says = stated(_("This alert"), visible(row.says))
        grid.add_row(*map(_cell, (about, said, says)))
    return grid


def _cell(text: str) -> "RenderableType":
    return Text(text, overflow="fold")


def _title() -> str:
    return _("This contradicts what callers are already told:")


def _way_out() -> str:
    return _("Change it, or decide: alertbot edit ALERT --accept contradicts=REASON")


def _decided(row: Conflict) -> str:
    reason = row.accepted
    return _("decided: {reason}").format(reason=visible(reason)) if reason else _("undecided")


def _line(text: str) -> str:
    return visible(" / ".join(part.strip() for part in text.splitlines() if part.strip()))


def show_alert(console: Console, alert: ShownAlertView) -> None:
    """Print a stored alert, times in the organisation's zone."""
    if not drawn(console):
        lines = [phrases.stated(name, value) for name, value in particulars(alert)]
        lines += contradiction_lines(alert.contradictions)
        console.out("\n".join([*lines, "", plain(alert.sheet)]), highlight=False)
        return
    console.print(_card(alert), highlight=False)
    show(console, alert.contradictions)
    for block in blocks(alert.sheet, console.width):
        console.print(block, highlight=False)


def particulars(alert: ShownAlertView) -> Iterator[tuple[str, str]]:
    """All facts about an alert besides its texts, one line each, in chronological order."""
    zone = alert.zone
    named = {
        _("Alert"): alert.id,
        _("State"): state_word(alert.state),
        _("Reason"): one_line(alert.reason or ""),
        _("Incident"): alert.incident,
        _("Follows"): follows(alert.relation, alert.references or ()),
        _("Followed by"): _followers(alert),
        _("Drafted"): _by(alert.author, alert.drafted_at, zone),
        _("Written by"): alert.written_by if alert.assistant else "",
        _("Last edited by"): alert.last_editor,
        _("Rendered"): clock(alert.composed_at, zone),
        _("Submitted"): _by(alert.submitter, alert.submitted_at, zone),
        _("Must be approved before"): clock(alert.pending_until, zone),
        _("Approvals"): _approvals(alert),
        _("Approved"): clock(alert.approved_at, zone),
        _("Goes out no earlier than"): clock(alert.not_before, zone),
        _("Numbers"): "\n".join(number_in_words(one, zone) for one in alert.numbers),
        _("Break-glass"): _break_glass(alert.break_glass),
        _("Reached all channels"): _reached(alert),
        _("Retraction"): _prepared(alert),
        _("Archived"): "\n".join(archived_in_words(alert.archived or (), zone).values()),
        _("Full digest"): alert.digest,
    }
    yield from ((name, phrases.visible(str(value))) for name, value in named.items() if value)


def _card(alert: ShownAlertView) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in particulars(alert):
        if name == _("State"):
            grid.add_row(Text(name, style="dim"), state_text(alert.state))
        else:
            loud = "bold red" if name == _("Break-glass") else ""
            grid.add_row(Text(name, style="dim"), Text(value, style=loud))
    return Group(grid, Text(""))


def _by(person: str | None, moment: datetime | None, zone: ZoneInfo) -> str:
    said = clock(moment, zone)
    if not person:
        return said
    return _("{time} by {person}").format(time=said, person=person) if said else str(person)


def _approvals(alert: ShownAlertView) -> str:
    """How many of the needed approvals are given, and by whom."""
    approvals = alert.approvals
    given = [_by(each.person, each.at, alert.zone) for each in approvals.given]
    count = _("{given} of {needed} given").format(given=len(given), needed=approvals.needed)
    return "\n".join([count, *given])


def _followers(alert: ShownAlertView) -> str:
    sentence = _("{alert} {follows} ({state})")
    return "\n".join(
        sentence.format(
            alert=one.id,
            follows=relation_word(str(one.relation)),
            state=state_word(one.state),
        )
        for one in alert.followed_by
    )


def _reached(alert: ShownAlertView) -> str:
    seconds = alert.reached_all_seconds
    return "" if seconds is None else _("{seconds} s after approval").format(seconds=seconds)


def _prepared(alert: ShownAlertView) -> str:
    if not alert.retraction or alert.state not in OUT:
        return ""
    return _("ready; to send it: alertbot retract {alert} --now").format(alert=alert.id)


def _break_glass(used: BreakGlassView | None) -> str:
    if used is None:
        return ""
    said = (
        _("! {person} published this alone: {reason}").format(
            person=used.by, reason=one_line(used.reason)
        )
        if used.reason
        else _("! {person} wrote and approved this alone").format(person=used.by)
    )
    closed = used.countersigned_by
    return f"{said} · " + (
        _("countersigned by {person}").format(person=closed)
        if closed
        else _("still to be countersigned")
    )
