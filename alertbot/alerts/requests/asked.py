"""What `status` says about open approval requests. Loads nothing that composes."""

from collections.abc import Iterable, Sequence

from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import RequestView
from alertbot.core.model import AlertState
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import store_people, store_requests
from alertbot.people.context import Context
from alertbot.people.rules import Duty
from alertbot.people.store_requests import ApprovalRequest


async def requests(conn: Connection, found: Sequence[Alert]) -> list[RequestView]:
    """Every request about pending alerts."""
    return [_view(call) for alert in _waiting(found) for call in await _of(conn, alert)]


async def needs(service: Context, conn: Connection, found: Sequence[Alert]) -> list[str]:
    """What a person should know or do: who was asked and has not answered, which requests could not be
    sent."""
    if not service.reach.ways:
        return []
    said = []
    for alert in _waiting(found):
        asked = await _of(conn, alert)
        said += [_who(service, alert, asked)]
        said += [_trouble(call) for call in asked if call.trouble and call.closed_at is None]
    return said + await unknown_names(conn, service)


async def unknown_names(conn: Connection, service: Context) -> list[str]:
    """Names in `duty:` that match nobody who may approve."""
    duty = service.reach.duty
    if duty is None:
        return []
    approvers = await store_people.approvers(conn, now=service.now)
    return _unknown(duty, {person.name.casefold() for person in approvers})


def _unknown(duty: Duty, known: Iterable[str]) -> list[str]:
    return [
        _(
            "duty: {name} may not approve, and is never asked. Correct the name, or have an admin add"
            " or confirm this person."
        ).format(name=name)
        for name in duty.names
        if name.casefold() not in known
    ]


def _waiting(found: Sequence[Alert]) -> list[Alert]:
    return [alert for alert in found if alert.state is AlertState.PENDING]


async def _of(conn: Connection, alert: Alert) -> tuple[ApprovalRequest, ...]:
    return await store_requests.of_alert(conn, alert.id, alert.digest)


def _who(service: Context, alert: Alert, asked: Sequence[ApprovalRequest]) -> str:
    if not asked:
        return _(
            "{alert}: no one could be asked, because no approver is linked; see `alertbot people link`."
        ).format(alert=alert.id)
    whom = ", ".join(_one(service, call) for call in asked)
    return _("{alert}: asked {whom}.").format(alert=alert.id, whom=whom)


def _one(service: Context, call: ApprovalRequest) -> str:
    """One request in short: `Bo (deputy, telegram, 20:15)`."""
    what = [_("deputy")] if call.deputy else []
    what += [call.way, f"{call.at.astimezone(service.publisher.zone):%H:%M}"]
    if call.message_ref is None:
        what.append(_("not sent yet"))
    return f"{call.person or _('the group')} ({', '.join(what)})"


def _trouble(call: ApprovalRequest) -> str:
    return _(
        "{alert}: {way} did not accept the request for {name}: {trouble} It will be sent again."
    ).format(
        alert=call.alert,
        way=call.way,
        name=call.person or _("the group"),
        trouble=call.trouble,
    )


def _view(call: ApprovalRequest) -> RequestView:
    return RequestView(
        alert=call.alert,
        way=call.way,
        person=call.person,
        deputy=call.deputy,
        at=call.at,
        sent=call.message_ref is not None,
        trouble=call.trouble,
    )
