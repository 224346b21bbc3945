"""Tables for the terminal: kinds, deliveries, the state of everything. Input is plain mappings.

A state is a word with a mark before it; colour only repeats what the word says.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.cli.tables.states import MARKS, clock, state_text, state_word
from alertbot.core.words import _
from alertbot.people.views import PersonLine
from alertbot.texts.preview.phrases import span, stated, visible

Row = Mapping[str, Any]


def kinds_table(kinds: Iterable[Row]) -> Table:
    """Rows with `kind`, `title`, `purpose`, `approvers`, `languages`."""
    table = _table(_("Kind"), _("What it is for"), _("Approvers"), _("Languages"))
    for kind in kinds:
        said = Text.assemble((str(kind["title"]), "bold"), "\n", str(kind.get("purpose") or ""))
        table.add_row(
            Text(str(kind["kind"]), style="bold"),
            said,
            str(kind.get("approvers", "")),
            ", ".join(kind.get("languages", ())),
        )
    return table


def kind_details(kind: Row) -> RenderableType:
    """One kind: `kind`, `title`, `purpose`, its `fields` with `name`, `type`, `required`, `label`, `help`
    and `choices`, and the names of its `forbidden` fields."""
    named = (f"{kind['title']} ({kind['kind']})", "bold")
    head = Text.assemble(named, "\n", str(kind.get("purpose") or ""))
    table = _table(_("Field"), _("Needed"), _("Type"), _("What it says"))
    for spec in kind.get("fields", ()):
        needed = Text(_("M must"), style="bold") if spec.get("required") else Text(_("O may"))
        table.add_row(_name(spec["name"]), needed, str(spec.get("type") or ""), _field_words(spec))
    for name in kind.get("forbidden", ()):
        table.add_row(_name(name), Text(_("- must not"), style="dim"), "", "")
    return Group(head, table)


def people_table(people: Iterable[PersonLine], zone: ZoneInfo | None = None) -> Table:
    """Everybody, with why somebody does not count; times in `zone`."""
    table = _table(_("Name"), _("Roles"), _("Counts"), _("Token last used"), _("Token ends"))
    for person in people:
        said = "✓ " + _("yes") if person.counts else "✗ " + (person.standing or _("no"))
        table.add_row(
            _folded(person.name),
            ", ".join(person.roles),
            Text(said, style="green" if person.counts else "yellow"),
            clock(person.last_used_at, zone) or _("never"),
            clock(person.token_expires_at, zone) or _("never"),
        )
    return table


def deliveries_table(rows: Sequence[Row], zone: ZoneInfo | None = None) -> RenderableType:
    """One row per delivery; addresses and reasons are wrapped, never cut."""
    if not rows:
        return Text(_("There is no delivery."))
    many = len({row.get("alert") for row in rows}) > 1
    columns = [_("Alert")] if many else []
    table = _table(_("No."), *columns, _("Channel"), _("Target"), _("Part"), _("State"), _("Result"))
    for row in rows:
        table.add_row(
            str(row.get("id") or ""),
            *([str(row.get("alert") or "")] if many else []),
            _folded(row.get("channel")),
            _folded(row.get("target")),
            _part(row),
            state_text(str(row.get("state"))),
            _result(row, zone),
        )
    return table


def status_view(status: Row, zone: ZoneInfo | None = None) -> RenderableType:
    """Everything at a glance: `halted` (bool or words), `worker` (alive, seen), `alerts`, `channels`,
    `open` (what needs a person), each a sequence of mappings or missing."""
    parts: list[RenderableType] = [_standing(status, zone)]
    if status.get("alerts"):
        parts.append(_alerts(status["alerts"], zone))
    if status.get("channels"):
        parts.append(_channels(status["channels"], zone))
    if status.get("open"):
        parts.append(_open(status["open"]))
    return Group(*parts)


def _standing(status: Row, zone: ZoneInfo | None) -> Text:
    text = Text()
    if halted := status.get("halted"):
        said = str(halted) if isinstance(halted, str) else _("Everything is halted: no call starts.")
        text.append(f"! {said}\n", style="bold red")
    worker = status.get("worker") or {}
    if worker.get("alive"):
        text.append(_("✓ A worker is running."), style="green")
    else:
        text.append(_("! No worker is running: start one with “alertbot run”."), style="yellow")
    if worker.get("seen"):
        text.append(" " + _("Last seen {time}.").format(time=clock(worker["seen"], zone)))
    return text


def _alerts(alerts: Sequence[Row], zone: ZoneInfo | None) -> Table:
    table = _table(_("Alert"), _("Kind"), _("State"), _("Deliveries"), _("Since"))
    for alert in alerts:
        kind = str(alert.get("kind") or "")
        said = _("EXERCISE: {title}").format(title=kind) if alert.get("exercise") else kind
        table.add_row(
            Text(str(alert.get("id") or alert.get("alert")), style="bold"),
            said,
            state_text(str(alert.get("state"))),
            _journey(alert),
            clock(alert.get("since"), zone),
        )
    return table


def _channels(channels: Sequence[Row], zone: ZoneInfo | None) -> Table:
    table = _table(_("Channel"), _("Type"), _("Audience"), _("State"), _("Waiting"), _("Next call"))
    for channel in channels:
        stopped = _stopped(channel)
        state = f"! {stopped}" if stopped else "✓ " + _("open")
        table.add_row(
            Text(str(channel.get("name") or channel.get("channel")), style="bold"),
            str(channel.get("type") or ""),
            str(channel.get("audience") or ""),
            Text(state, style="bold yellow" if stopped else "green", overflow="fold"),
            str(channel.get("waiting", "")),
            clock(channel.get("next_call"), zone),
        )
    return table


def _stopped(channel: Row) -> str:
    """Why nothing leaves a channel, or nothing."""
    words = {
        "halted": _("halted"),
        "paused": _("paused"),
        "blocked": _("blocked"),
        "failing": _("failing"),
    }
    said = [
        stated(word, visible(str(channel[key]))) if isinstance(channel[key], str) else word
        for key, word in words.items()
        if channel.get(key)
    ]
    return ", ".join(said)


def _open(entries: Sequence[Row]) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for entry in entries:
        grid.add_row(Text("!", style="bold yellow"), _folded(entry.get("message")))
    return Group(Text(_("This needs a person:"), style="bold"), grid)


def _journey(alert: Row) -> Text:
    """How far an alert has come, and the reason of everything that was not sent."""
    text = _counts(alert.get("deliveries") or {})
    reasons = alert.get("reasons") or ()
    said = [str(alert["reason"])] if alert.get("reason") else []
    if alert.get("reached_all_seconds") is not None:
        said.append(
            _("on every channel {seconds} s after approval").format(
                seconds=alert["reached_all_seconds"]
            )
        )
    if isinstance(reasons, Mapping):
        said += [f"{number} × {reason}" for reason, number in reasons.items()]
    else:
        said += [_reason(each) for each in reasons]
    said += [
        _("left out: {what}").format(what=_reason(gone) + (f" ({gone['channel']})"))
        for gone in alert.get("omitted") or ()
    ]
    for line in said:
        text.append(("\n" if text.plain else "") + visible(line), style="dim")
    return text


def _reason(entry: Row | str) -> str:
    if isinstance(entry, str):
        return entry
    number = entry.get("count") or entry.get("number")
    return f"{number} × {entry.get('reason')}" if number else str(entry.get("reason"))


def _counts(counts: Mapping[str, int]) -> Text:
    """`✓ 12 sent, ✗ 1 failed`: only what there is."""
    shown = [(state, number) for state, number in counts.items() if number]
    text = Text()
    for place, (state, number) in enumerate(shown):
        mark, style = MARKS.get(state, ("·", ""))
        said = _("{number} {state}").format(number=number, state=state_word(state))
        text.append(", " if place else "").append(f"{mark} {said}", style=style)
    return text


def _result(row: Row, zone: ZoneInfo | None) -> Text:
    """What came back, and why not more: address of the post, remote id, reason, note, what is shown in
    its place, next try, attempts."""
    said = [visible(str(row[key])) for key in ("url", "reason", "note") if row.get(key)]
    if row.get("remote_id") and not row.get("url"):
        said.insert(0, visible(str(row["remote_id"])))
    if row.get("read_back") not in (None, "same", "unknown"):
        shows = _("! It shows something else than was approved: {difference}.")
        said.append(visible(shows.format(difference=row["read_back"])))
    if row.get("retry_at"):
        said.append(_("next try {time}").format(time=clock(row["retry_at"], zone)))
    elif row.get("retry_in"):
        said.append(_("next try in {span}").format(span=span(float(row["retry_in"]))))
    if (row.get("attempts") or 0) > 1:
        said.append(_("{number} attempts").format(number=row["attempts"]))
    return Text("\n".join(said), overflow="fold")


def _part(row: Row) -> str:
    lang, parts = str(row.get("lang") or ""), row.get("parts") or 1
    return f"{lang} {row.get('part')}/{parts}".strip() if parts > 1 else lang


def _field_words(spec: Row) -> Text:
    text = Text(str(spec.get("label") or ""))
    if spec.get("help"):
        text.append(f"\n{spec['help']}", style="dim")
    if spec.get("choices"):
        text.append(
            "\n" + _("one of: {choices}").format(choices=", ".join(spec["choices"])), style="dim"
        )
    return text


def _name(words: object) -> Text:
    return Text(visible(str(words or "")), style="bold", overflow="fold")


def _folded(value: object) -> Text:
    return Text(visible(str(value or "")), overflow="fold")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
