"""Terminal tables: kinds, people, deliveries, status; and the states and times that every table shows.

A state is a word with a mark in front; colour only repeats what the word says."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from alertbot.core.errors import one_line
from alertbot.core.words import _, ngettext
from alertbot.delivery.views import DeliveryView, Suppressed, SuppressedAddress
from alertbot.ops.views import AlertLineView, ChannelView, NeedView, StatusView
from alertbot.people.views import PersonLine
from alertbot.texts.preview.phrases import stated, visible
from alertbot.texts.views import FieldView, KindDetailsView, KindView

MARKS = {
    "pending": ("·", ""),
    "claimed": ("·", ""),
    "sending": ("→", "cyan"),
    "sent": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "uncertain": ("?", "bold yellow"),
    "cancelled": ("–", "dim"),
    "expired": ("–", "yellow"),
    "skipped": ("–", "dim"),
    "draft": ("·", ""),
    "approved": ("✓", "green"),
    "returned": ("←", "yellow"),
    "rejected": ("✗", "red"),
    "publishing": ("→", "cyan"),
    "published": ("✓", "green"),
    "partly_published": ("!", "bold yellow"),
    "discarded": ("–", "dim"),
}


def state_word(state: str) -> str:
    """The state of an alert or a delivery in the reader's language."""
    words = {
        "pending": _("waiting"),
        "claimed": _("claimed"),
        "sending": _("sending"),
        "sent": _("sent"),
        "failed": _("failed"),
        "uncertain": _("uncertain"),
        "cancelled": _("cancelled"),
        "expired": _("expired"),
        "skipped": _("not sent"),
        "draft": _("draft"),
        "approved": _("approved"),
        "returned": _("returned"),
        "rejected": _("rejected"),
        "publishing": _("publishing"),
        "published": _("published"),
        "partly_published": _("partly published"),
        "discarded": _("discarded"),
    }
    return words.get(state, state)


def state_text(state: str) -> Text:
    """`✓ sent`."""
    mark, style = MARKS.get(state, ("·", ""))
    return Text(f"{mark} {state_word(state)}", style=style)


def clock(moment: object, zone: ZoneInfo | None = None) -> str:
    """A time to the second in `zone`, else in this machine's; given aware, in ISO 8601 or as epoch
    seconds."""
    if moment is None or moment == "":
        return ""
    if isinstance(moment, int | float):
        moment = datetime.fromtimestamp(moment, UTC)
    elif isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        return str(moment)
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z").rstrip()


def kinds_table(kinds: Iterable[KindView]) -> Table:
    table = _table(_("Kind"), _("Used for"), _("Approvers"), _("Languages"))
    for kind in kinds:
        table.add_row(
            Text(kind.kind, style="bold"),
            Text.assemble((kind.title, "bold"), "\n", kind.purpose),
            str(kind.approvers),
            ", ".join(kind.languages),
        )
    return table


def kind_details(kind: KindDetailsView) -> RenderableType:
    """One kind with what may be given for it, and what must not."""
    head = Text.assemble((f"{kind.title} ({kind.kind})", "bold"), "\n", kind.purpose)
    table = _table(_("Field"), _("Needed"), _("Type"), _("Meaning"))
    for spec in kind.fields:
        needed = Text(_("M required"), style="bold") if spec.required else Text(_("O optional"))
        table.add_row(_name(spec.name), needed, spec.type, _field_words(spec))
    for name in kind.forbidden:
        table.add_row(_name(name), Text(_("- not allowed"), style="dim"), "", "")
    return Group(head, table)


def people_table(people: Iterable[PersonLine], zone: ZoneInfo | None = None) -> Table:
    """Everyone, with the reason why someone does not count; times in `zone`."""
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


def sent_line(sent: int, failed: int, uncertain: int, waiting: int) -> str:
    """What was sent, and what was not."""
    said = _("Sent {sent}, failed {failed}, uncertain {uncertain}, still waiting {waiting}.")
    return said.format(sent=sent, failed=failed, uncertain=uncertain, waiting=waiting)


def recipients_table(rows: Iterable[SuppressedAddress], zone: ZoneInfo | None = None) -> Table:
    """Who is not written to, and whose mail came back for now; times in `zone`."""
    words = {
        Suppressed.BOUNCED: _("does not exist"),
        Suppressed.UNSUBSCRIBED: _("unsubscribed"),
        Suppressed.ERASED: _("erased"),
        Suppressed.BY_HAND: _("suppressed by hand"),
    }
    table = _table(_("Address"), _("State"), _("Since"), _("Channel"), _("Note"))
    for row in rows:
        times = ngettext("came back {n} time", "came back {n} times", row.bounces).format(n=row.bounces)
        state = words[row.reason] if row.reason else times
        address = row.address or _("(erased: {key})").format(key=row.key[:12])
        since = clock(row.at, zone)
        table.add_row(_folded(address), state, since, row.channel or "", _folded(row.note))
    return table


def deliveries_table(rows: Sequence[DeliveryView], zone: ZoneInfo | None = None) -> RenderableType:
    """One row per delivery; addresses and reasons are wrapped, never cut."""
    if not rows:
        return Text(_("There are no deliveries."))
    many = len({row.alert for row in rows}) > 1
    columns = [_("Alert")] if many else []
    table = _table(_("No."), *columns, _("Channel"), _("Target"), _("Part"), _("State"), _("Result"))
    for row in rows:
        table.add_row(
            str(row.id),
            *([row.alert or ""] if many else []),
            _folded(row.channel),
            _folded(row.place),
            _part(row),
            state_text(row.state),
            _result(row, zone),
        )
    return table


def status_view(status: StatusView, zone: ZoneInfo | None = None) -> RenderableType:
    """Everything at a glance, times in `zone`."""
    parts: list[RenderableType] = [_standing(status)]
    if status.alerts:
        parts.append(_alerts(status.alerts, zone))
    if status.channels:
        parts.append(_channels(status.channels))
    if status.open:
        parts.append(_open(status.open))
    return Group(*parts)


def _standing(status: StatusView) -> Text:
    text = Text()
    if status.halted:
        said = _("Everything is halted: no new call starts.")
        text.append(f"! {said}\n", style="bold red")
    if status.worker.alive:
        text.append(_("✓ A worker is running."), style="green")
    else:
        text.append(_("! No worker is running. Start one with “alertbot run”."), style="yellow")
    if status.worker.watching.said:
        text.append(f"\n{status.worker.watching.said}")
    return text


def _alerts(alerts: Iterable[AlertLineView], zone: ZoneInfo | None) -> Table:
    table = _table(_("Alert"), _("Kind"), _("State"), _("Deliveries"), _("Since"))
    for alert in alerts:
        kind = _("EXERCISE: {title}").format(title=alert.kind) if alert.exercise else alert.kind
        table.add_row(
            Text(alert.id, style="bold"),
            kind,
            state_text(alert.state),
            _journey(alert, zone),
            clock(alert.since, zone),
        )
    return table


def _channels(channels: Iterable[ChannelView]) -> Table:
    table = _table(_("Channel"), _("Type"), _("Audience"), _("State"), _("Waiting"))
    for channel in channels:
        stopped = _stopped(channel)
        state = f"! {stopped}" if stopped else "✓ " + _("open")
        table.add_row(
            Text(channel.name, style="bold"),
            channel.type,
            channel.audience,
            Text(state, style="bold yellow" if stopped else "green", overflow="fold"),
            str(channel.waiting),
        )
    return table


def _stopped(channel: ChannelView) -> str:
    """Why nothing is sent on a channel; empty if nothing stops it."""
    reasons = {
        _("paused"): channel.paused,
        _("blocked"): channel.blocked,
        _("failing"): channel.failing,
    }
    said = [_("halted")] if channel.halted else []
    said += [stated(word, visible(reason)) for word, reason in reasons.items() if reason]
    return ", ".join(said)


def _open(entries: Iterable[NeedView]) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    for entry in entries:
        grid.add_row(Text("!", style="bold yellow"), _folded(entry.message))
    return Group(Text(_("Needs someone:"), style="bold"), grid)


def witness_words(verdict: str, since: datetime | None, zone: ZoneInfo | None) -> str:
    """What a stranger saw of a delivery, in words."""
    words = {
        "looking": _("being looked for in public"),
        "other": _("! the public is shown something else"),
        "unseen": _("! nobody can see it in public"),
        "blind": _("it could not be looked at in public"),
    }
    if since is not None:
        return _("visible since {time}").format(time=clock(since, zone))
    return words.get(verdict, "")


def _journey(alert: AlertLineView, zone: ZoneInfo | None) -> Text:
    """The progress of an alert, the reason for everything that was not sent, and what the public was seen to see."""
    text = _counts(alert.deliveries)
    said = [one_line(alert.reason)] if alert.reason else []
    if alert.reached_all_seconds is not None:
        said.append(
            _("on every channel {seconds} s after approval").format(seconds=alert.reached_all_seconds)
        )
    said += [f"{one.count} × {one.reason}" for one in alert.reasons]
    said += [
        _("left out: {what}").format(what=f"{gone.reason} ({gone.channel})") for gone in alert.omitted
    ]
    seen = ((one.channel, witness_words(one.witness, one.visible_since, zone)) for one in alert.sights)
    said += [stated(channel, words) for channel, words in seen if words]
    for line in said:
        text.append(("\n" if text.plain else "") + visible(line), style="dim")
    return text


def _counts(counts: Mapping[str, int]) -> Text:
    """`✓ 12 sent, ✗ 1 failed`, without zeros."""
    shown = [(state, number) for state, number in counts.items() if number]
    text = Text()
    for place, (state, number) in enumerate(shown):
        mark, style = MARKS.get(state, ("·", ""))
        said = _("{number} {state}").format(number=number, state=state_word(state))
        text.append(", " if place else "").append(f"{mark} {said}", style=style)
    return text


def _result(row: DeliveryView, zone: ZoneInfo | None) -> Text:
    """The result of a delivery: address of the post, remote id, reason, note, what is shown instead,
    next attempt, number of attempts."""
    said = [visible(one) for one in (row.url, row.reason, row.note) if one]
    own = (row.remote_id or "").startswith("hand-")  # the program's name for what a person posted
    if row.remote_id and not row.url and not own:
        said.insert(0, visible(row.remote_id))
    if row.read_back not in (None, "same", "unknown"):
        shows = _("! It does not show what was approved: {difference}.")
        said.append(visible(shows.format(difference=row.read_back)))
    if row.witness and (seen := witness_words(row.witness, row.visible_since, zone)):
        said.append(seen)
    if row.retry_at:
        said.append(_("next try {time}").format(time=clock(row.retry_at, zone)))
    if row.attempts > 1:
        said.append(_("{number} attempts").format(number=row.attempts))
    return Text("\n".join(said), overflow="fold")


def _part(row: DeliveryView) -> str:
    lang, parts = row.lang or "", row.parts or 1
    return f"{lang} {row.part}/{parts}".strip() if parts > 1 else lang


def _field_words(spec: FieldView) -> Text:
    text = Text(spec.label)
    if spec.help:
        text.append(f"\n{spec.help}", style="dim")
    if spec.choices:
        text.append("\n" + _("one of: {choices}").format(choices=", ".join(spec.choices)), style="dim")
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
