"""Alerts that will go out by themselves unless somebody stops them."""

from collections.abc import Iterator
from typing import Any

from alertbot.approval.moves import state_word
from alertbot.errors import Refused
from alertbot.model import AlertState
from alertbot.service import notices, views
from alertbot.service.context import Context
from alertbot.store import audit, preapprovals, reading
from alertbot.store.connection import Connection
from alertbot.store.preapprovals import Planned
from alertbot.store.reading import Alert
from alertbot.words import _

Document = dict[str, Any]


async def abort(service: Context, by: str, alert_id: str) -> Document:
    """Stop the countdown of an alert: it waits for people, as if its rule had proposed it. `by`: for the
    audit; stopping asks for no token. Raises `Refused` where no countdown runs."""

    async def work(conn: Connection) -> Document:
        alert = await reading.get(conn, alert_id, lock=True)
        plan = await preapprovals.get_planned(conn, alert.id)
        if plan is None or alert.state is not AlertState.PENDING:
            raise Refused(_not_running(alert, plan))
        if not await stop(service, conn, alert, by=by, outcome=_stopped(by)):
            raise Refused(_not_running(alert, plan))
        return {
            "alert": alert.id,
            "state": str(alert.state),
            "rule": plan.rule,
            "would_have_gone_at": views.moment(plan.goes_at),
            "aborted_by": by,
        }

    return await service.database.transact(work)


async def stop_all(service: Context, conn: Connection, rule: str, *, by: str, reason: str) -> list[str]:
    """Stop every countdown of a rule; the alerts."""
    stopped = []
    for plan in await preapprovals.running(conn, rule=rule, pending=True):
        alert = await reading.get(conn, plan.alert, lock=True)
        if await stop(service, conn, alert, by=by, outcome=reason):
            stopped.append(alert.id)
    return stopped


async def stop(service: Context, conn: Connection, alert: Alert, *, by: str, outcome: str) -> bool:
    """End one countdown and tell the team; False where it had ended."""
    if not await preapprovals.settle(conn, alert.id, outcome=outcome, now=service.now):
        return False
    detail = {"state": str(alert.state), "outcome": outcome}
    await audit.append(
        conn, actor=by, verb="abort", at=service.now, alert=alert.id, digest=alert.digest, detail=detail
    )
    await notices.countdown_stopped(service, conn, alert, by)
    return True


async def sentences(service: Context, conn: Connection) -> Iterator[str]:
    """What will go out by itself, and how to stop it; for `status`."""
    running = await preapprovals.running(conn, pending=True)
    return (
        _("{alert} goes out by itself at {time}; stop it with: alertbot rules abort {alert}").format(
            alert=one.alert, time=f"{one.goes_at.astimezone(service.voice.zone):%H:%M:%S}"
        )
        for one in running
    )


def view(plan: Planned) -> Document:
    """A countdown as plain values."""
    return {
        "alert": plan.alert,
        "rule": plan.rule,
        "service": plan.service,
        "goes_at": views.moment(plan.goes_at),
    }


def _stopped(by: str) -> str:
    return _("Stopped by {name}.").format(name=by)


def _not_running(alert: Alert, plan: Planned | None) -> str:
    if plan is None:
        sentence = _(
            "{alert} was never to go out by itself: there is no countdown to stop. What is on its way is"
            " stopped with `alertbot halt {alert}`."
        )
        return sentence.format(alert=alert.id)
    return _(
        "The countdown of {alert} is over already: {outcome} What is on its way is stopped with `alertbot"
        " halt {alert}`."
    ).format(alert=alert.id, outcome=plan.outcome or _decided(alert))


def _decided(alert: Alert) -> str:
    return _("it is {state}.").format(state=state_word(alert.state))
