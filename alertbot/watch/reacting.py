"""From a decision to an alert: the rule that applies, its draft, and how it is published (R33).

A rule that cannot be carried out never undoes the decision: the draft stays, and a task tells the team
what to fix.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from alertbot.alerts import (
    alert_notices,
    approving,
    area,
    chains,
    store_alerts,
    store_incidents,
    store_reading,
    writing,
)
from alertbot.alerts.requests import queue
from alertbot.alerts.store_reading import Alert
from alertbot.core import loops
from alertbot.core.errors import AlertbotError, Faulty, Refused
from alertbot.core.model import MACHINE, AlertState
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection, savepoint
from alertbot.people import notices, store_tasks, tasks
from alertbot.people.rules import Verb
from alertbot.people.tasks import NewTask
from alertbot.watch import (
    proposing,
    reminders,
    rules_rule,
    store_decisions,
    store_preapprovals,
    store_reminders,
)
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import validity
from alertbot.watch.preapproval.rules_ahead import PreapprovalReason
from alertbot.watch.preapproval.validity import Validity
from alertbot.watch.proposing import Change
from alertbot.watch.rules_log import State
from alertbot.watch.rules_rule import Rule, RuleMode, Transition
from alertbot.watch.rules_signals import Signal, since
from alertbot.watch.store_preapprovals import Planned
from alertbot.watch.store_reminders import AlertPromise

STUCK, HISTORY, REMINDER = "rule-stuck", "old-news", "reminder"
BEGINNINGS = frozenset({Transition.OPEN, Transition.REOPEN})
OVER = frozenset({Transition.STABILISE, Transition.RESOLVE})
WAITING = (AlertState.DRAFT, AlertState.PENDING, AlertState.RETURNED)


async def react(service: WatchContext, conn: Connection, change: Change) -> Alert | None:
    """Carry out the rule that applies, in the caller's transaction. Returns the alert, or None."""
    told = await _published_in(service, conn, change)
    rule = proposing.rule_for(service, change)
    if rule is not None:
        rule = proposing.as_one_story(rule, change, told, service.now)
    acts = rule is not None and rule.how is not RuleMode.OFF
    await _remember(service, conn, change, acts=acts)
    if not await _still_wanted(service, conn, change, told, acts=acts) or rule is None:
        return None
    try:
        async with savepoint(conn):
            alert = await proposing.write_draft(service, conn, rule, change, told)
    except AlertbotError as error:
        await _stuck(service, conn, rule, change, str(error))
        return None
    if change.decision is not None:
        await store_decisions.led_to(conn, change.decision, alert.id)
    return await _send(service, conn, rule, change, alert)


async def _remember(service: WatchContext, conn: Connection, change: Change, *, acts: bool) -> None:
    """Raise a task for a reminder that no rule handles; it stays until something else happens."""
    key = f"{REMINDER}:{change.incident}"
    if change.transition is not Transition.REMIND:
        await tasks.close(service, conn, key, _("There is news since."))
    elif not acts:
        said = _(
            "{service} is still {state}, and nothing has been published for a while: alertbot status"
        ).format(service=service.watch.title(change.service, ""), state=change.state)
        await tasks.raise_(service, conn, NewTask(key, REMINDER, said, incident=change.incident))


async def _published_in(service: WatchContext, conn: Connection, change: Change) -> tuple[Alert, ...]:
    """The incident's alerts that are published or on their way, newest first."""
    out = await chains.told(service, conn, change.incident)
    return tuple(one for one in out if not one.exercise)


async def _still_wanted(
    service: WatchContext, conn: Connection, change: Change, told: Sequence[Alert], *, acts: bool
) -> bool:
    """Whether an alert is still needed. Discards pending proposals that are overtaken. If nothing was
    published, no end is announced."""
    waiting = await _proposals(conn, change.incident)
    if change.transition in OVER:
        await _throw_away(service, conn, waiting, _("No longer needed: the service works again."))
        ended = (await store_incidents.get(conn, change.incident)).closed_at is not None
        return bool(told) and acts and not ended
    if not acts or (waiting and change.transition is Transition.REMIND):
        return False
    if change.transition is Transition.LAPSED:
        return True  # what waits may come too, once people have read it
    if waiting and not told and change.transition not in BEGINNINGS:
        return False
    await _throw_away(service, conn, waiting, _("No longer needed: the situation has changed."))
    return True


async def _proposals(conn: Connection, incident: str) -> list[Alert]:
    """The program's own drafts in this incident that nobody has approved or changed."""
    found = await store_reading.listing(conn, incident=incident, states=WAITING)
    return [one for one in found if one.author_id is None and one.last_editor_id is None]


async def _throw_away(
    service: WatchContext, conn: Connection, waiting: Sequence[Alert], why: str
) -> None:
    for alert in waiting:
        gone = await store_alerts.advance(conn, alert, Verb.DISCARD, reason=why)
        await store_preapprovals.settle(conn, gone.id, outcome=why, now=service.now)
        detail = {"reason": why}
        await audit.append(
            conn,
            actor=MACHINE.name,
            verb="discard",
            at=service.now,
            alert=gone.id,
            digest=gone.digest,
            detail=detail,
        )


async def _send(
    service: WatchContext, conn: Connection, rule: Rule, change: Change, alert: Alert
) -> Alert:
    """Submit the draft; publish it automatically if that was approved in advance, else ask the
    approvers."""
    standing = None
    if rule.how is RuleMode.AUTO:
        named = frozenset((change.service, *change.failing))
        standing = await _standing(service, conn, rule, alert, named)
    by_itself = standing is not None and standing.in_force
    try:
        async with savepoint(conn):
            alert = await writing.ask(
                service, conn, MACHINE, alert, call=not by_itself or bool(rule.after)
            )
    except Refused as error:
        await _stuck(service, conn, rule, change, _why(error), alert)
        return alert
    if standing is not None and by_itself:
        return await _by_itself(service, conn, rule, change, standing, alert)
    if standing is not None:
        await _wait(service, conn, alert, standing.sentence)
    return alert


async def _standing(
    service: WatchContext, conn: Connection, rule: Rule, alert: Alert, named: frozenset[str]
) -> Validity:
    """Whether this alert may go out by itself: what was preapproved, and no other incident is open in its place,
    which is for a person to judge."""
    found = await validity.may_go(service, conn, rule, alert, named)
    if not found.in_force:
        return found
    try:
        await area.require_alone(conn, alert)
    except Refused as refused:
        return replace(found, why=PreapprovalReason.FORBIDDEN, sentence=str(refused))
    return found


async def _wait(service: WatchContext, conn: Connection, alert: Alert, why: str) -> None:
    """Tell the team why people must decide on an alert that was to be automatic."""
    said = _("{alert} waits for approval: {why}").format(alert=alert.id, why=why)
    await notices.work_waits(service, conn, [said])


async def _by_itself(
    service: WatchContext,
    conn: Connection,
    rule: Rule,
    change: Change,
    standing: Validity,
    alert: Alert,
) -> Alert:
    if rule.after:
        goes_at = service.now + rule.after
        await store_preapprovals.plan(
            conn, alert.id, service=change.service, rule=rule.name, goes_at=goes_at
        )
        await alert_notices.countdown(service, conn, alert, goes_at)
        return alert
    await _let_out(service, conn, rule.name, standing, alert)
    return alert


async def _let_out(
    service: WatchContext, conn: Connection, rule: str, standing: Validity, alert: Alert
) -> None:
    """Publish it now; if something forbids that, ask people instead."""
    try:
        async with savepoint(conn):
            people = list(standing.row.names) if standing.row else []
            grounds = {"rule": rule, "approved_ahead_by": people}
            await approving.approve_ahead(service, conn, alert, **grounds)
    except Refused as error:
        await _wait(service, conn, alert, _why(error))
        await alert_notices.approval_wanted(service, conn, alert)
        await queue.enqueue(service, conn, alert)


async def look(service: WatchContext) -> datetime | None:
    """Publish planned alerts that are due now. Returns when the next is due."""
    due = await service.database.read(lambda conn: store_preapprovals.due(conn, service.now))

    async def let_out(plan: Planned) -> None:
        await service.database.transact(partial(_due, service, plan=plan))

    await loops.each("Letting out what was planned", due, let_out)
    return await service.database.read(store_preapprovals.next_due)


async def _due(service: WatchContext, conn: Connection, plan: Planned) -> None:
    """Handle a finished countdown: whoever settles it first decides, so an abort a moment earlier wins."""
    alert = await store_reading.get(conn, plan.alert, lock=True)
    if not await store_preapprovals.settle(conn, alert.id, outcome=_("Over."), now=service.now):
        return
    if alert.state is not AlertState.PENDING:
        return  # people decided on it meanwhile
    rule = next((one for one in service.watch.rules if one.name == plan.rule), None)
    if rule is None:
        gone = _("the rule {rule} is no longer configured").format(rule=plan.rule)
        await _wait(service, conn, alert, gone)
        return
    standing = await _standing(service, conn, rule, alert, frozenset([plan.service]))
    if standing.in_force:
        await _let_out(service, conn, rule.name, standing, alert)
        return
    await _wait(service, conn, alert, standing.sentence)


async def history(
    service: WatchContext, conn: Connection, name: str, reports: Sequence[Signal]
) -> None:
    """Handle an old report: nothing is published automatically; the team decides whether to mention it."""
    begun = since(reports)
    said = _(
        "{service} was in trouble at {time}, but the report came too late to act on. If the public"
        " should know, write an alert by hand: alertbot draft status"
    ).format(
        service=service.watch.title(name, ""),
        time=service.clock(begun) if begun else "–",
    )
    key = f"{HISTORY}:{name}:{begun.isoformat() if begun else ''}"[:200]
    await tasks.raise_(service, conn, NewTask(key, HISTORY, said))


async def _stuck(
    service: WatchContext,
    conn: Connection,
    rule: Rule,
    change: Change,
    why: str,
    alert: Alert | None = None,
) -> None:
    """Tell the team that a rule could not be carried out, and what to do."""
    what = (
        _("fix {alert} with `alertbot edit {alert}` and submit it").format(alert=alert.id)
        if alert
        else _("write an alert by hand: alertbot draft {kind} --incident {incident}").format(
            kind=rule.kind, incident=change.incident
        )
    )
    said = _("{service} is {state}, but the rule {rule} could not act: {why} Now {what}.").format(
        service=service.watch.title(change.service, ""),
        state=change.state,
        rule=rule.name,
        why=why,
        what=what,
    )
    key = f"{STUCK}:{change.incident}:{rule.name}:{change.decision or ''}"
    chore = NewTask(key, STUCK, said, alert=alert.id if alert else None, incident=change.incident)
    await tasks.raise_(service, conn, chore)


def _why(error: Refused) -> str:
    """The refusal with its first faults, as one sentence."""
    faults = error.faults if isinstance(error, Faulty) else ()
    return " ".join([str(error), *(f"{one.field}: {one.message}" for one in faults[:5])])


# --- promised updates -----------------------------------------------------------------------------

SOON, LAPSED = "update-due", "update-lapsed"


async def look_at_promises(service: WatchContext) -> datetime | None:
    """Remind of updates that are due soon, act on those that are overdue. Returns when to check next."""
    now = service.now
    spoken = await service.database.read(lambda conn: store_reminders.promises(conn, now=now))
    standing = reminders.standing_promises(spoken)
    promises = [one for one in standing if not one.exercise and not one.closed]
    before = service.watch.remind_before

    async def keep(one: AlertPromise) -> None:
        due = reminders.promised_at(one)
        if due <= now:
            await _lapsed(service, one)
        elif due - before <= now:
            await _remind(service, one)

    await loops.each("Keeping promised updates", promises, keep)
    return _next(promises, service)


def _next(promises: Sequence[AlertPromise], service: WatchContext) -> datetime | None:
    due = [reminders.promised_at(one) for one in promises]
    moments = [*due, *(moment - service.watch.remind_before for moment in due)]
    return min((moment for moment in moments if moment > service.now), default=None)


async def _remind(service: WatchContext, one: AlertPromise) -> None:
    said = _("{alert} promised an update for {time}: alertbot update {alert}").format(
        alert=one.alert, time=_promise_clock(service, one)
    )
    await _once(service, NewTask(_promise_key(SOON, one), SOON, said, one.alert, one.incident))


async def _lapsed(service: WatchContext, one: AlertPromise) -> None:
    """Act on an overdue promise: once per promise, and only if a rule says what to do."""
    key = _promise_key(LAPSED, one)
    if await service.database.read(lambda conn: store_tasks.ever_raised(conn, [key])):
        return
    change = await service.database.read(partial(_change, one=one))
    rule = rules_rule.first(service.watch.rules, change.service, Transition.LAPSED)
    if rule is None:
        return

    async def work(conn: Connection) -> None:
        said = _(
            "{alert} promised an update for {time}, and none came: the rule {rule} acts now."
        ).format(alert=one.alert, time=_promise_clock(service, one), rule=rule.name)
        if await tasks.raise_(service, conn, NewTask(key, LAPSED, said, one.alert, one.incident)):
            led_to = await react(service, conn, change)
            outcome = led_to.id if led_to else _("nothing was written")
            await tasks.close(service, conn, key, outcome)

    await service.database.transact(work)


async def _change(conn: Connection, one: AlertPromise) -> Change:
    found = await store_incidents.get(conn, one.incident)
    return Change(
        service=found.service or found.id,
        incident=found.id,
        transition=Transition.LAPSED,
        state=State(found.state) if found.state else State.INVESTIGATING,
        follows=await store_reading.get(conn, one.alert),
    )


async def _once(service: WatchContext, chore: NewTask) -> None:
    if await service.database.read(lambda conn: store_tasks.ever_raised(conn, [chore.key])):
        return
    await service.database.transact(lambda conn: tasks.raise_(service, conn, chore))


def _promise_key(kind: str, one: AlertPromise) -> str:
    return f"{kind}:{one.alert}:{one.next_update}"


def _promise_clock(service: WatchContext, one: AlertPromise) -> str:
    return service.clock(reminders.promised_at(one))
