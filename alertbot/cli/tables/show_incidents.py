"""Terminal tables of incidents and tasks: the list, one incident with its decisions and numbers, the
tasks."""

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.alerts.conflicts import CurrentAdvice
from alertbot.alerts.rules_guidance import topic_word
from alertbot.cli.tables.show_tables import clock, state_text, state_word
from alertbot.core.words import _
from alertbot.people.views import TaskView
from alertbot.texts.preview.phrases import stated, visible
from alertbot.watch.rules_log import decided, incident_word
from alertbot.watch.timeline import TimelineLine
from alertbot.watch.views import (
    IncidentDecision,
    IncidentDetails,
    IncidentLine,
    IncidentView,
    NumberInForce,
    PendingDecision,
)


def log_table(rows: Sequence[IncidentDecision], zone: ZoneInfo | None = None) -> Table:
    """The decisions of an incident, oldest first; times in `zone`."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in (_("When"), _("Decision"), _("Now"), _("By"), _("Alert")):
        table.add_column(heading, overflow="fold")
    for row in rows:
        why = decided(row.action, row.reason)
        note = f" ({visible(row.note)})" if row.note else ""
        table.add_row(
            clock(row.at, zone),
            Text(why + note),
            incident_word(row.condition),
            Text(visible(row.by)),
            row.alert or "",
        )
    return table


def timeline_table(rows: Sequence[TimelineLine], zone: ZoneInfo | None = None) -> Table:
    """What happened, oldest first; times in `zone`."""
    table = _table(_("When"), _("What"), _("By"), _("Alert"))
    for row in rows:
        mark = "✗ " if row.missed else ""
        said = Text(mark + visible(row.said), style="bold" if row.missed else "")
        table.add_row(clock(row.at, zone), said, Text(visible(row.by or "")), row.alert or "")
    return table


def incidents_table(rows: Sequence[IncidentLine], zone: ZoneInfo | None = None) -> Table:
    """Incidents in the order given; times in `zone`."""
    headings = (_("Incident"), _("State"), _("Opened"), _("Closed"), _("Alerts"), _("About"))
    table = _table(*headings)
    for row in rows:
        table.add_row(
            Text(row.id, style="bold"),
            _standing(row),
            clock(row.opened_at, zone),
            clock(row.closed_at, zone),
            ", ".join(f"{count} {state_word(state)}" for state, count in row.alerts.items()),
            Text(visible(_about(row))),
        )
    return table


def incident_view(row: IncidentDetails, zone: ZoneInfo | None = None) -> RenderableType:
    """One incident from the first alert to the last; times in `zone`."""
    head = Text(stated(_("Incident"), row.id), style="bold")
    lines = [head, *(Text(visible(line)) for line in _particulars(row, zone))]
    table = _table(_("Alert"), _("Kind"), _("State"), _("Follows"), _("Approved"), _("Last sent"))
    for alert in row.alerts:
        table.add_row(
            Text(alert.id, style="bold"),
            alert.kind + (" · " + _("exercise") if alert.exercise else ""),
            state_text(alert.state),
            follows(alert.relation, alert.references),
            clock(alert.approved_at, zone),
            clock(alert.last_sent_at, zone),
        )
    told = _guidance(row.guidance)
    log = [log_table(row.decisions, zone)] if row.decisions else []
    return Group(*lines, table, *log, *told, *_numbers(row.numbers))


def _particulars(row: IncidentDetails, zone: ZoneInfo | None) -> Iterable[str]:
    said = {
        _("Title"): row.title,
        _("Service"): row.service,
        _("State"): _standing_word(row),
        _("Waiting"): waiting_word(row.waiting, zone),
        _("Confirmed by"): row.confirmed_by,
        _("Opened"): _by(clock(row.opened_at, zone), row.opened_by),
        _("Closed"): clock(row.closed_at, zone),
    }
    return (stated(name, str(value)) for name, value in said.items() if value)


def _by(time: str, person: object) -> str:
    return _("{time} by {person}").format(time=time, person=person) if person else time


def _guidance(rows: Sequence[CurrentAdvice]) -> Iterable[RenderableType]:
    """What callers are told now, as far as alerts can be compared (R9)."""
    if not rows:
        return ()
    table = _table(_("What callers are told"), _("Wording"), _("Set by"))
    for one in rows:
        words = " / ".join(part.strip() for part in one.said.splitlines() if part.strip())
        table.add_row(topic_word(one.topic), Text(visible(words)), one.alert)
    return (table,)


def _numbers(rows: Sequence[NumberInForce]) -> Iterable[RenderableType]:
    """The numbers that the public was told and that are in force."""
    if not rows:
        return (Text(_("No provisional number of this incident is in force.")),)
    table = _table(_("Number in force"), _("Place and service"), _("Set by"))
    for one in rows:
        table.add_row(one.entry, Text(visible(one.row)), ", ".join(one.alerts))
    return (table,)


def relation_word(relation: str) -> str:
    """How an alert follows another, in the reader's language."""
    words = {
        "update": _("updates"),
        "correction": _("corrects"),
        "withdrawal": _("withdraws numbers of"),
        "retraction": _("retracts"),
        "cancel": _("denies"),
        "end": _("ends"),
    }
    return words.get(relation, relation)


def follows(relation: str | None, references: Iterable[str]) -> str:
    """`corrects BKRT-1`."""
    names = ", ".join(references)
    return f"{relation_word(relation)} {names}" if relation else names


def _standing(row: IncidentView) -> Text:
    return Text(_standing_word(row), style="dim" if row.closed_at else "bold")


def _standing_word(row: IncidentView) -> str:
    word = "– " + _("closed") if row.closed_at else "· " + _("open")
    return f"{word}, {incident_word(row.condition)}" if row.condition else word


def _about(row: IncidentView) -> str:
    return " · ".join(filter(None, (row.service, row.title)))


def waiting_word(row: PendingDecision | None, zone: ZoneInfo | None) -> str:
    """The last decision, and when time may change it."""
    if row is None or row.look_again_at is None:
        return ""
    return _("{decision}; checked again at {time}").format(
        decision=decided(row.action, row.reason), time=clock(row.look_again_at, zone)
    )


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def tasks_table(rows: Sequence[TaskView], zone: ZoneInfo | None = None) -> RenderableType:
    """Tasks in the order given; times in `zone`."""
    if not rows:
        return Text(_("There are no tasks."))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for heading in (_("No."), _("What to do"), _("About"), _("Due"), _("State")):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(
            str(row.id),
            Text(visible(row.text), overflow="fold"),
            row.alert or row.number or row.incident or "",
            clock(row.due_at, zone),
            _task_standing(row, zone),
        )
    return table


def _task_standing(row: TaskView, zone: ZoneInfo | None) -> Text:
    if row.done_at is None:
        return Text("! " + _("open"), style="bold yellow")
    said = _("done by {name}, {time}").format(name=row.done_by, time=clock(row.done_at, zone))
    outcome = f": {row.outcome}" if row.outcome else ""
    return Text(visible(f"✓ {said}{outcome}"), style="green", overflow="fold")
