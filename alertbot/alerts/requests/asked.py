"""Who was asked about an alert, on which way, and which requests could not be sent."""

from collections.abc import Sequence

from alertbot.alerts.store_reading import Alert
from alertbot.alerts.views import RequestView
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import notices, store_requests
from alertbot.people.context import Context
from alertbot.people.store_requests import ApprovalRequest


async def asked(conn: Connection, alert: Alert) -> tuple[RequestView, ...]:
    """Every request about the alert as it is now."""
    calls = await store_requests.of_alert(conn, alert.id, alert.digest)
    return tuple(
        RequestView(
            alert=call.alert,
            way=call.way,
            person=call.person,
            deputy=call.deputy,
            at=call.at,
            sent=call.message_ref is not None,
            trouble=call.trouble,
        )
        for call in calls
    )


async def asked_in_words(service: Context, conn: Connection, alert: Alert) -> list[str]:
    """Who was asked on which way, which requests could not be sent; and where the team was told."""
    if service.reach.ways:
        said = await requests_in_words(service, conn, alert)
    else:
        said = [
            _("Nobody is asked by the program: no `approvals_by:` is configured. Call them yourself.")
        ]
    told_on = ", ".join(one.name for one in notices.team(service))
    if told_on:
        said.append(_("The team is told on {channels}.").format(channels=told_on))
    else:
        said.append(_("The team is not told: no channel has the audience `team`."))
    return said


async def requests_in_words(service: Context, conn: Connection, alert: Alert) -> list[str]:
    """Who was asked on which way, and which requests could not be sent."""
    calls = await store_requests.of_alert(conn, alert.id, alert.digest)
    trouble = [_trouble(call) for call in calls if call.trouble and call.closed_at is None]
    return [_who(service, alert, calls), *trouble]


def _who(service: Context, alert: Alert, calls: Sequence[ApprovalRequest]) -> str:
    if not calls:
        return _(
            "{alert}: no one could be asked, because no approver is linked; see `alertbot people link`."
        ).format(alert=alert.id)
    whom = ", ".join(_one(service, call) for call in calls)
    return _("{alert}: asked {whom}.").format(alert=alert.id, whom=whom)


def _one(service: Context, call: ApprovalRequest) -> str:
    """One request in short: `Bo (deputy, telegram, 20:15 CET)`."""
    what = [_("deputy")] if call.deputy else []
    what += [call.way, f"{call.at.astimezone(service.publisher.zone):%H:%M %Z}"]
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
