"""Countdowns of alerts that will be published automatically unless someone stops them."""

from collections.abc import Iterator

from alertbot.alerts import alert_notices, store_reading
from alertbot.alerts.rules_moves import state_word
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Refused
from alertbot.core.model import AlertState
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.watch import store_preapprovals
from alertbot.watch.context import WatchContext
from alertbot.watch.store_preapprovals import Planned
from alertbot.watch.views import CountdownAborted, CountdownView


async def abort(service: WatchContext, by: str, alert_id: str) -> CountdownAborted:
    """Stop an alert's countdown: it then waits for people, as if the rule had only proposed it. `by`: a
    name for the audit; stopping needs no token. Raises `Refused` if no countdown is running."""

    async def work(conn: Connection) -> CountdownAborted:
        alert = await store_reading.get(conn, alert_id, lock=True)
        plan = await store_preapprovals.get_planned(conn, alert.id)
        if plan is None or alert.state is not AlertState.PENDING:
            raise Refused(_not_running(alert, plan))
        if not await stop(service, conn, alert, by=by, outcome=_stopped(by)):
            raise Refused(_not_running(alert, plan))
        return CountdownAborted(alert.id, alert.state, plan.rule, plan.goes_at, by)

    return await service.database.transact(work)


async def stop_all(
    service: WatchContext, conn: Connection, rule: str, *, by: str, reason: str
) -> list[str]:
    """Stop every countdown of a rule; returns the alerts."""
    stopped = []
    for plan in await store_preapprovals.running(conn, rule=rule, pending=True):
        alert = await store_reading.get(conn, plan.alert, lock=True)
        if await stop(service, conn, alert, by=by, outcome=reason):
            stopped.append(alert.id)
    return stopped


async def stop(service: WatchContext, conn: Connection, alert: Alert, *, by: str, outcome: str) -> bool:
    """Stop one countdown and tell the team; False if it had ended."""
    if not await store_preapprovals.settle(conn, alert.id, outcome=outcome, now=service.now):
        return False
    detail = {"state": str(alert.state), "outcome": outcome}
    await audit.append(
        conn, actor=by, verb="abort", at=service.now, alert=alert.id, digest=alert.digest, detail=detail
    )
    await alert_notices.countdown_stopped(service, conn, alert, by)
    return True


async def sentences(service: WatchContext, conn: Connection) -> Iterator[str]:
    """What will be published automatically, and how to stop it; for `status`."""
    running = await store_preapprovals.running(conn, pending=True)
    return (
        _("{alert} goes out by itself at {time}; stop it with: alertbot rules abort {alert}").format(
            alert=one.alert, time=f"{one.goes_at.astimezone(service.publisher.zone):%H:%M:%S}"
        )
        for one in running
    )


def view(plan: Planned) -> CountdownView:
    """A countdown as it is shown."""
    return CountdownView(plan.alert, plan.rule, plan.service, plan.goes_at)


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
