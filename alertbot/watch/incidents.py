"""Incidents as people handle them: opening by hand, setting the state, listing, showing from the first
alert to the last."""

from alertbot.alerts import conflicts, public_numbers, store_following, store_incidents, store_reading
from alertbot.alerts.store_incidents import Incident
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Misuse
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.numbers import store_numbers
from alertbot.numbers.rules_entry import entry_id
from alertbot.people import rules, store_people
from alertbot.watch import by_hand, store_decisions
from alertbot.watch.context import WatchContext
from alertbot.watch.rules_log import State
from alertbot.watch.views import (
    Awaited,
    IncidentAlert,
    IncidentDecision,
    IncidentDetails,
    IncidentLine,
    IncidentView,
    NumberInForce,
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
            word = by_hand.StateReport(state)
            opened = await by_hand.opening(service, conn, actor, watched, word, named)
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
    service: WatchContext, actor: Person, reference: str, word: by_hand.StateReport
) -> IncidentDetails:
    """Set the state of an incident; returns the incident afterwards. Raises `Misuse` or `Refused` as
    `by_hand.set_` does."""
    return await show(service, await by_hand.set_(service, actor, reference, word))


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


async def _awaited(conn: Connection, found: Incident) -> Awaited | None:
    """The last decision about its service, and when time may change it."""
    latest = await store_decisions.last_word(conn, found.service) if found.service else None
    if latest is None or found.closed_at is not None:
        return None
    return Awaited(latest.action, latest.reason, latest.look_again_at)


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
