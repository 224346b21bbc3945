"""The content of an approval request and of its outcome."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime

from alertbot.alerts import rules_policy, showing, store_reading
from alertbot.alerts.hand.giving import HandTaskView
from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import AlertView
from alertbot.core.errors import one_line
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState, Audience, Picture
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import store_people, store_requests
from alertbot.people.context import Context
from alertbot.people.store_requests import ApprovalRequest
from alertbot.texts.preview.html_page import render_page
from alertbot.texts.views import MessageView

FIRST_LINES, FIRST_CHARACTERS = 6, 400
UNCONFIRMED = "country_unconfirmed"


@dataclass(frozen=True, slots=True)
class Ask:
    """A request for approval to one person, or to a group (`person` None).

    `until` is in the organisation's time zone. `page` is the full preview as an HTML document, `preview`
    the same as plain text; both are empty when the request is only being closed. `channels`: their
    languages, by name.
    """

    call: int
    alert: str
    digest: str
    address: str
    person_id: int | None
    person: str | None
    deputy: bool
    message_ref: str | None
    kind: str = ""
    title: str = ""
    audience: str = ""
    exercise: bool = False
    author: str = ""
    channels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    first_lines: str = ""
    preview: str = ""
    page: str = ""
    until: datetime | None = None
    needed: int = 0
    given: tuple[str, ...] = ()  # the names of those who have approved
    doubt: str = ""  # that nobody has confirmed the country's facts
    hand: HandTaskView | None = None  # it asks to post this by hand, not to approve
    pictures: tuple[Picture, ...] = ()


def brief(call: ApprovalRequest) -> Ask:
    """A request with only what identifies it."""
    return Ask(
        call.id,
        call.alert,
        call.digest,
        call.address,
        call.person_id,
        call.person,
        call.deputy,
        call.message_ref,
    )


async def compose(service: Context, call: ApprovalRequest) -> Ask | None:
    """The full request; None if the alert has changed since."""
    shown = await showing.show(service, call.alert, None)
    if shown.digest != call.digest or shown.state is not AlertState.PENDING:
        return None
    return replace(
        brief(call),
        kind=shown.kind,
        title=shown.sheet.title,
        audience=audience(service, shown),
        exercise=shown.exercise,
        author=shown.written_by,
        channels=_channels(shown.messages),
        first_lines=first_lines(shown.messages),
        preview=shown.plain,
        page=render_page(shown.sheet),
        until=_local(service, shown.pending_until),
        needed=shown.approvals.needed,
        given=tuple(one.person for one in shown.approvals.given),
        doubt=next((one.message for one in shown.warnings if one.rule == UNCONFIRMED), ""),
    )


def first_lines(messages: Iterable[MessageView]) -> str:
    """The beginning of the first text."""
    text = next((one.text for one in messages), "")
    lines = [line for line in text.splitlines() if line.strip()][:FIRST_LINES]
    cut = "\n".join(lines)
    return cut if len(cut) <= FIRST_CHARACTERS else cut[: FIRST_CHARACTERS - 1].rstrip() + "…"


def open_to_answers(alert: Alert, now: datetime) -> bool:
    """Whether the alert still waits for approval."""
    late = alert.pending_until is not None and alert.pending_until <= now
    return alert.state is AlertState.PENDING and not late


async def outcome(service: Context, conn: Connection, alert: Alert, digest: str) -> str | None:
    """The outcome of a request about this digest as a sentence; None while it waits."""
    if digest != alert.digest or alert.state is AlertState.DRAFT:
        return _("{alert} was changed: this request no longer counts.").format(alert=alert.id)
    if open_to_answers(alert, service.now):
        return None
    if alert.state in (AlertState.PENDING, AlertState.EXPIRED) and alert.approved_at is None:
        return _("{alert} was not approved in time and has expired.").format(alert=alert.id)
    if alert.state is AlertState.DISCARDED:
        return _("{alert} was discarded.").format(alert=alert.id)
    if alert.state in (AlertState.RETURNED, AlertState.REJECTED):
        return await _sent_away(conn, alert)
    return await _approved(service, conn, alert)


async def _sent_away(conn: Connection, alert: Alert) -> str:
    who = await store_requests.sent_away_by(conn, alert.id) or "?"
    if alert.state is AlertState.RETURNED:
        sentence = _("{alert} was returned to its author by {name}: {reason}")
    else:
        sentence = _("{alert} was rejected by {name}: {reason}")
    return sentence.format(alert=alert.id, name=who, reason=one_line(alert.reason or "–"))


async def _approved(service: Context, conn: Connection, alert: Alert) -> str:
    names = {
        one.person.id: one.person.name for one in await store_people.everybody(conn, now=service.now)
    }
    if alert.break_glass_by is not None and not alert.break_glass_reason:
        return _("{alert} was written and approved by {name} alone.").format(
            alert=alert.id, name=names.get(alert.break_glass_by, "?")
        )
    if alert.break_glass_by is not None:
        return _("{alert} was published by {name} alone (BREAK-GLASS): {reason}").format(
            alert=alert.id,
            name=names.get(alert.break_glass_by, "?"),
            reason=one_line(alert.break_glass_reason or "–"),
        )
    at = alert.approved_at or service.now
    signed = rules_policy.standing(alert, await store_reading.approvals_of(conn, alert.id, now=at), at)
    return _("{alert} was approved by {names} at {time} and goes out.").format(
        alert=alert.id,
        names=", ".join(dict.fromkeys(one.person.name for one in signed)) or "?",
        time=service.clock(at),
    )


def audience(service: Context, shown: AlertView) -> str:
    """Whom the channels reach, in words, the public first."""
    if shown.exercise:
        return _("exercise")
    found = {
        channel.audience
        for name in shown.channels
        if (channel := service.publisher.channels.get(name)) is not None
    }
    if Audience.LIVE in found:
        return _("THE PUBLIC")
    return _("those who answer the public") if Audience.RELAY in found else _("the team")


def _channels(messages: Iterable[MessageView]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in messages:
        before = found.get(one.channel, ())
        if one.lang not in before:
            found[one.channel] = (*before, one.lang)
    return found


def _local(service: Context, moment: datetime | None) -> datetime | None:
    return moment and moment.astimezone(service.publisher.zone)
