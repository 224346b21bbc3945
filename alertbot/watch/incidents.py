"""Incidents as people handle them: opening by hand, setting the state, listing, showing from the first
alert to the last. What people report takes the same path as a source's reports, but counts at once."""

import uuid
from collections.abc import Mapping

from alertbot.alerts import conflicts, store_following, store_incidents, store_reading
from alertbot.alerts.lists import public_numbers
from alertbot.alerts.store_incidents import Incident
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Misuse, Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.numbers import store_numbers
from alertbot.numbers.rules_entry import entry_id
from alertbot.people import rules, store_people
from alertbot.watch import reacting, rules_rule, store_decisions, store_signals, watching
from alertbot.watch.context import WatchContext
from alertbot.watch.proposing import Change
from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State, announced, current
from alertbot.watch.rules_signals import PEOPLE, Observed, Signal
from alertbot.watch.views import (
    IncidentAlert,
    IncidentDecision,
    IncidentDetails,
    IncidentLine,
    IncidentView,
    NumberInForce,
    PendingDecision,
)

LONGEST = 200
_OBSERVED: Mapping[State, Observed] = {
    State.DOWN: Observed.DOWN,
    State.DEGRADED: Observed.DEGRADED,
    State.STABILISED: Observed.UP,
    State.RESOLVED: Observed.UP,
}


@dataclass(frozen=True, slots=True)
class StateReport:
    """A state reported by a person. `confirmed_by`: who, besides the operator, confirms that it works
    again (R11)."""

    state: State
    confirmed_by: str | None = None
    note: str | None = None


async def opening(
    service: WatchContext,
    conn: Connection,
    actor: Person,
    name: str,
    word: StateReport,
    title: str | None,
) -> Incident:
    """Open an incident of a watched service, in the caller's transaction. Raises `Refused` if one is
    open already, `Misuse` for a state in which no incident begins."""
    if word.state in (State.STABILISED, State.RESOLVED):
        raise Misuse(_("An incident cannot start as {state}.").format(state=word.state))
    known = service.watch.group_of(name)
    await store_decisions.lock_service(
        conn, known
    )  # of two who open it at once, the second is told of the first's
    present = await store_incidents.of_service(conn, known)
    if present is not None and present.closed_at is None:
        raise Refused(
            _(
                "{service} already has the open incident {id}: alertbot incident set {id} {state}"
            ).format(service=known, id=present.id, state=word.state)
        )
    begun = await store_incidents.start(conn, by=actor, now=service.now, title=title, service=known)
    await _say(service, conn, actor, begun, word)
    return await store_incidents.get(conn, begun.id)


async def _set_state(service: WatchContext, actor: Person, reference: str, word: StateReport) -> str:
    """Set the state of an incident; returns its id. Raises `Misuse` for an unknown incident or state,
    `Refused` for one that is closed and for "resolved" without a confirmation (R11)."""
    rules.require_role("draft", actor)
    _require_short(word)

    async def work(conn: Connection) -> str:
        found = await store_incidents.get(conn, reference)
        await store_decisions.lock_service(conn, found.service or found.id)
        found = await store_incidents.get(conn, reference)
        _require_open(found, word)
        if word.state is State.RESOLVED:
            await _resolved(service, conn, actor, found, word)
        else:
            await _say(service, conn, actor, found, word)
        return found.id

    return await service.database.transact(work)


async def _resolved(
    service: WatchContext, conn: Connection, actor: Person, found: Incident, word: StateReport
) -> None:
    """Raises `Refused` unless there is a confirmation and the watch period after it has passed (R11);
    everything else is up to `decide`."""
    name = found.service or found.id
    log = await store_decisions.log_of(conn, name)
    known = announced(log) or await store_decisions.reached_public(conn, [found.id])
    if not known:
        await _say(service, conn, actor, found, word, reason=Reason.NEVER_ANNOUNCED)
        return
    by = word.confirmed_by or found.confirmed_by
    if word.confirmed_by is not None:
        _require_concerned(service, found, word.confirmed_by)
    if by is None:
        raise Refused(
            _(
                "The operator's word alone does not resolve {id}. Say which of the services"
                " concerned confirms it (--confirmed-by), or set it to stabilised."
            ).format(id=found.id)
        )
    if current(log) is not State.STABILISED:
        await _say(service, conn, actor, found, StateReport(State.STABILISED, note=word.note))
    await store_incidents.confirm(conn, found.id, by=by, now=service.now)
    await store_signals.keep(conn, [_report(service, name, word, confirms=True)], now=service.now)
    await watching.decide_now(service, conn, name)


def _require_concerned(service: WatchContext, found: Incident, by: str) -> None:
    """Raises `Refused` for someone who is none of those that the configuration lets confirm it (R11)."""
    name = found.service or ""
    if not service.watch.may_confirm(name, by):
        raise Refused(
            _(
                "{by} cannot confirm that {id} is over; these can: {names}. See `confirmed_by` under `watch:` in"
                " the configuration."
            ).format(by=by, id=found.id, names=", ".join(service.watch.confirmers_of(name)))
        )


async def _say(
    service: WatchContext,
    conn: Connection,
    actor: Person,
    found: Incident,
    word: StateReport,
    *,
    reason: Reason = Reason.BY_HAND,
) -> None:
    name = found.service or found.id
    if found.service is None:
        await store_incidents.watch(conn, found.id, name)
    log = await store_decisions.log_of(conn, name)
    before = current(log)
    if before is word.state:
        raise Refused(_("{id} is already {state}.").format(id=found.id, state=word.state))
    entry = LogEntry(service.now, _action(before, log, word.state), reason, word.state)
    if word.state in _OBSERVED:
        await store_signals.keep(conn, [_report(service, name, word)], now=service.now)
    number = await watching.record(conn, name, found.id, entry, before, by=actor.name, note=word.note)
    await store_decisions.make_due(conn, [name], service.now)
    if found.service is not None:  # one without a service has no name that the public knows
        await reacting.react(service, conn, _change(found, entry, number))


def _change(found: Incident, entry: LogEntry, number: int) -> Change:
    return Change(
        service=found.service or found.id,
        incident=found.id,
        transition=rules_rule.transition(entry.action, entry.reason),
        state=entry.state,
        seen=found.opened_at,
        decision=number,
    )


def _action(before: State | None, log: tuple[LogEntry, ...], state: State) -> IncidentAction:
    if state is State.STABILISED:
        return IncidentAction.STABILISE
    if state is State.RESOLVED:
        return IncidentAction.RESOLVE
    if before is None:
        return IncidentAction.REOPEN if log else IncidentAction.OPEN
    return IncidentAction.UPDATE


def _report(service: WatchContext, name: str, word: StateReport, *, confirms: bool = False) -> Signal:
    """A person's report; nothing holds it back."""
    return Signal(
        source=PEOPLE,
        service=name,
        observed=_OBSERVED[word.state],
        at=service.now,
        key=uuid.uuid4().hex,
        severity="critical",
        title=word.note or "",
        confirmed=True,
        confirms=confirms,
        received=service.now,
    )


def _require_short(word: StateReport) -> None:
    for name, said in (("--confirmed-by", word.confirmed_by), ("--note", word.note)):
        if said is not None and (len(said) > LONGEST or not said.isprintable() or not said.strip()):
            raise Misuse(
                _("{option} must be one line of at most {count} characters.").format(
                    option=name, count=LONGEST
                )
            )


def _require_open(found: Incident, word: StateReport) -> None:
    if found.closed_at is not None:
        raise Refused(
            _("Incident {id} is closed. Open a new one: alertbot incident open --state {state}").format(
                id=found.id, state=word.state
            )
        )


LONGEST_TITLE = 200


async def open_(
    service: WatchContext,
    actor: Person,
    title: str | None,
    *,
    watched: str | None = None,
    state: State = State.INVESTIGATING,
) -> IncidentView:
    """Open an incident before any alert; with a `watched` service the rules act at once. Raises `Misuse`
    for an unusable title, `Refused` if the service has an open incident."""
    rules.require_role("draft", actor)
    named = _title(title)

    async def work(conn: Connection) -> IncidentView:
        if watched is None:
            opened = await store_incidents.start(conn, by=actor, now=service.now, title=named)
        else:
            word = StateReport(state)
            opened = await opening(service, conn, actor, watched, word, named)
        detail = {"incident": opened.id, "title": named}
        await audit.append(
            conn, actor=actor.name, verb="incident-opened", at=service.now, detail=detail
        )
        return IncidentView.of(opened, {opened.opened_by or 0: actor.name})

    return await service.database.transact(work)


def _title(given: str | None) -> str | None:
    title = " ".join((given or "").split())
    if len(title) > LONGEST_TITLE or not title.isprintable():
        raise Misuse(
            _("A title must be one line of at most {count} characters.").format(count=LONGEST_TITLE)
        )
    return title or None


async def set_(
    service: WatchContext, actor: Person, reference: str, word: StateReport
) -> IncidentDetails:
    """Set the state of an incident; returns the incident afterwards. Raises `Misuse` or `Refused` as
    `opening` does."""
    return await show(service, await _set_state(service, actor, reference, word))


async def listing(service: WatchContext) -> list[IncidentLine]:
    """Every incident, newest first, with its number of alerts in each state."""

    async def look(conn: Connection) -> list[IncidentLine]:
        names = await _names(service, conn)
        return [
            IncidentLine.of(one.incident, names, alerts=dict(sorted(one.alerts.items())))
            for one in await store_incidents.tallies(conn)
        ]

    return await service.database.read(look)


async def show(service: WatchContext, reference: str) -> IncidentDetails:
    """One incident with its alerts, oldest first. Raises `Misuse` if there is none."""

    async def look(conn: Connection) -> IncidentDetails:
        found = await store_incidents.get(conn, reference)
        alerts = (await store_reading.listing(conn, incident=found.id))[::-1]
        log = await store_decisions.lines(conn, incident_id=found.id)
        return IncidentDetails.of(
            found,
            await _names(service, conn),
            decisions=tuple(_decision(one) for one in reversed(log)),
            waiting=await _awaited(conn, found),
            alerts=tuple([await _line(conn, one) for one in alerts]),
            guidance=await conflicts.current(conn, found.id, service.now),
            numbers=await _numbers(service, conn, found.id),
        )

    return await service.database.read(look)


def _decision(one: store_decisions.DecisionLine) -> IncidentDecision:
    return IncidentDecision(
        at=one.entry.at,
        action=one.entry.action,
        reason=one.entry.reason,
        condition=one.entry.state,
        before=one.before,
        by=one.by,
        note=one.note,
        alert=one.alert,
    )


async def _awaited(conn: Connection, found: Incident) -> PendingDecision | None:
    """The last decision about its service, and when time may change it."""
    latest = await store_decisions.last_word(conn, found.service) if found.service else None
    if latest is None or found.closed_at is not None:
        return None
    return PendingDecision(latest.action, latest.reason, latest.look_again_at)


async def _line(conn: Connection, alert: Alert) -> IncidentAlert:
    return IncidentAlert(
        id=alert.id,
        kind=alert.kind,
        state=alert.state,
        exercise=alert.exercise,
        relation=alert.relation,
        references=tuple(alert.references),
        drafted_at=alert.drafted_at,
        approved_at=alert.approved_at,
        last_sent_at=await store_following.last_reached(conn, alert.id),
    )


async def _numbers(service: WatchContext, conn: Connection, incident: str) -> tuple[NumberInForce, ...]:
    """The numbers in force that the incident gave the public, and the alerts that gave them."""
    known = await public_numbers.by_incident(conn, incident, service.now, exercise=False)
    ids = {row.entry: entry_id(row.entry) or 0 for row in known.in_force}
    by = await store_numbers.published_in(conn, list(ids.values()), still=True)
    return tuple(NumberInForce(row.entry, str(row), by[ids[row.entry]]) for row in known.in_force)


async def _names(service: WatchContext, conn: Connection) -> dict[int, str]:
    everybody = await store_people.everybody(conn, now=service.now)
    return {entry.person.id: entry.person.name for entry in everybody}
