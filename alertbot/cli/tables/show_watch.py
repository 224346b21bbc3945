"""Reports, decisions and rules in the terminal. Colour only repeats what the words say.

What a source wrote is shown to the team only, with nothing in it that a terminal would obey.
"""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.cli.tables.show_tables import clock
from alertbot.core.words import _
from alertbot.texts.preview.phrases import short_digest, span, stated, visible
from alertbot.watch.rules_log import action_word, incident_word, observed_word, reason_words
from alertbot.watch.rules_rule import RuleMode
from alertbot.watch.rules_signals import Observed
from alertbot.watch.views import (
    CountdownView,
    DecisionView,
    PreapprovalView,
    QuarantineView,
    RuleView,
    SignalView,
    SourceView,
)

MARKS = {
    Observed.UP: ("✓", "green"),
    Observed.DEGRADED: ("!", "yellow"),
    Observed.DOWN: ("✗", "bold red"),
    Observed.MAINTENANCE: ("–", "cyan"),
}


def signals_table(rows: Sequence[SignalView], zone: ZoneInfo | None = None) -> RenderableType:
    """Reports in the order given; times in `zone`."""
    if not rows:
        return Text(_("No source has reported anything yet."))
    table = _table(
        *(_("No."), _("Received"), _("Source"), _("Service"), _("Reported")),
        *(_("Decision"), _("Incident"), _("Repeats"), _("Meaning")),
    )
    for row in rows:
        table.add_row(
            str(row.id),
            clock(row.received_at, zone),
            _folded(row.source),
            _folded(row.service),
            _observed(row),
            _decision(row),
            row.incident or "",
            str(row.repeats or ""),
            _folded(row.summary or row.title),
        )
    return table


def sources_table(rows: Sequence[SourceView], zone: ZoneInfo | None = None) -> RenderableType:
    """When each source was last heard; times in `zone`."""
    table = _table(_("Source"), _("Heard"), _("Service"), _("Reported"), _("Meaning"))
    for row in rows:
        mark = Text("✗ " + _("silent"), style="bold red") if row.silent else Text("✓", style="green")
        heard = mark.append(f" {clock(row.heard_at, zone)}")
        last = row.last
        said = (_folded(last.service), _observed(last), _folded(last.title)) if last else ()
        table.add_row(_folded(row.source), heard, *said)
    return table


def signal_view(row: SignalView, zone: ZoneInfo | None = None) -> RenderableType:
    """One report with everything that it said; times in `zone`."""
    said = {
        _("Source"): row.source,
        _("Service"): row.service,
        _("Reported"): _observed(row).plain,
        _("Decision"): _decision(row).plain,
        _("Incident"): row.incident,
        _("Observed"): clock(row.at, zone),
        _("Received"): clock(row.received_at, zone),
        _("Since"): clock(row.started_at, zone),
        _("Until"): clock(row.ended_at, zone),
        _("Severity"): row.severity,
        _("Title"): row.title,
        _("Text"): row.summary,
        _("Address"): row.url,
        _("Repeats"): row.repeats,
        _("Key"): row.key,
    }
    head = Text(stated(_("Report"), str(row.id)), style="bold")
    lines = [Text(stated(name, visible(str(value)))) for name, value in said.items() if value]
    return Group(head, *lines)


def quarantine_table(rows: Sequence[QuarantineView], zone: ZoneInfo | None = None) -> RenderableType:
    """What nobody understood, in the order given; times in `zone`."""
    if not rows:
        return Text(_("Nothing in quarantine: every report could be read."))
    table = _table(_("No."), _("Received"), _("Source"), _("Bytes"), _("Why"))
    for row in rows:
        table.add_row(
            str(row.id),
            clock(row.received_at, zone),
            _folded(row.source),
            str(row.size),
            _folded(row.why),
        )
    return table


def body_view(row: QuarantineView, zone: ZoneInfo | None = None) -> RenderableType:
    """What nobody understood, with the begin of its body; times in `zone`."""
    about = _("{source}, {time}, {n} bytes").format(
        source=row.source, time=clock(row.received_at, zone), n=row.size
    )
    parts = [Text(about, style="bold"), Text(visible(row.why)), Text(visible(row.body or ""))]
    if row.cut:
        parts.append(Text("… " + _("too long to show in full"), style="dim"))
    return Group(*parts)


def decisions_table(rows: Sequence[DecisionView], zone: ZoneInfo | None = None) -> RenderableType:
    """Decisions in the order given; times in `zone`."""
    if not rows:
        return Text(_("Nothing has been decided yet."))
    table = _table(
        *(_("Time"), _("Incident"), _("Service"), _("Decision"), _("Why")),
        *(_("State"), _("By"), _("Alert"), _("Note")),
    )
    for row in rows:
        table.add_row(
            clock(row.at, zone),
            Text(row.incident, style="bold"),
            _folded(row.service),
            action_word(row.action),
            reason_words(row.reason),
            _states(row),
            _folded(row.by),
            row.alert or "",
            _folded(row.note),
        )
    return table


def _observed(row: SignalView) -> Text:
    mark, style = MARKS.get(row.observed, ("?", "dim"))
    said = [f"{mark} {observed_word(row.observed)}"]
    if row.test:
        said.append(_("a test"))
    if row.history:
        said.append(_("after the fact"))
    if row.confirms:
        said.append(_("confirmation"))
    return Text(" · ".join(said), style=style)


def _decision(row: SignalView) -> Text:
    if not row.action:
        return Text("")
    return Text(stated(action_word(row.action), reason_words(str(row.reason))), overflow="fold")


def _states(row: DecisionView) -> str:
    if row.before in (None, row.state):
        return incident_word(row.state)
    return f"{incident_word(str(row.before))} → {incident_word(row.state)}"


def _folded(value: object) -> Text:
    return Text(visible(" ".join(str(value or "").split())), overflow="fold")


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def rules_table(rows: Sequence[RuleView], zone: ZoneInfo | None = None) -> RenderableType:
    """Rules in the order given, each with its countdowns; times in `zone`."""
    if not rows:
        return Text(_("There are no rules: write one under `rules:` in the configuration."))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in (_("Rule"), _("When"), _("Kind"), _("Goes out"), _("State")):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            Text(row.rule, style="bold"),
            Text(visible(_when(row)), overflow="fold"),
            _kind(row),
            how(row),
            _standing(row, zone),
        )
    return table


def particulars(row: RuleView, zone: ZoneInfo | None = None) -> Iterator[str]:
    """Everything known of a rule besides its texts, one line each."""
    named = {
        _("Rule"): row.rule,
        _("When"): _when(row),
        _("Kind"): _kind(row),
        _("Goes out"): how(row),
        _("State"): row.why,
        _("Proposed"): _signatures(row.proposal, zone),
        _("Preapproved"): _signatures(row.approval, zone),
        _("Full digest"): row.digest,
    }
    yield from (stated(name, visible(str(value))) for name, value in named.items() if value)


def how(row: RuleView) -> str:
    """How alerts of a rule go out, as the configuration has it."""
    if row.how is RuleMode.AUTO and row.after:
        return _("by itself, after {span}").format(span=span(row.after))
    words = {
        RuleMode.AUTO: _("by itself"),
        RuleMode.PROPOSE: _("after approval"),
        RuleMode.OFF: _("not sent"),
    }
    return words[row.how]


def _kind(row: RuleView) -> str:
    return _("EXERCISE: {title}").format(title=row.kind) if row.exercise else row.kind


def _when(row: RuleView) -> str:
    on = ", ".join(row.on)
    if not row.services:
        return on
    return stated(on, ", ".join(row.services))


def _standing(row: RuleView, zone: ZoneInfo | None) -> Text:
    mark, style = ("✓", "green") if row.automatic else ("–", "")
    if row.how is RuleMode.AUTO and not row.automatic:
        mark, style = "!", "yellow"
    lines = [f"{mark} {row.why}"]
    if row.digest and row.how is RuleMode.AUTO:
        lines.append(stated(_("Digest"), short_digest(row.digest)))
    lines += [_countdown(one, zone) for one in row.countdowns or ()]
    return Text(visible("\n".join(lines)), style=style, overflow="fold")


def _countdown(one: CountdownView, zone: ZoneInfo | None) -> str:
    return _("{alert} goes out at {time}; stop it: alertbot rules abort {alert}").format(
        alert=one.alert, time=clock(one.goes_at, zone)
    )


def _signatures(signed: PreapprovalView | None, zone: ZoneInfo | None) -> str:
    """Who signed, and until when it counts or may be signed."""
    if signed is None:
        return ""
    people = ", ".join(one.person for one in signed.signed)
    return _("{names}; until {time}").format(names=people, time=clock(signed.until, zone))
