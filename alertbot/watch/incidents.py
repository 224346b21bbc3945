"""Incidents: opened by hand, listed, and told from the first alert to the last."""

from collections.abc import Mapping
from typing import Any

from alertbot.alerts import conflicts, public_numbers, store_following, store_incidents, store_reading
from alertbot.alerts.store_incidents import Incident
from alertbot.alerts.store_reading import Alert
from alertbot.core import clock
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

LONGEST_TITLE = 200
Document = dict[str, Any]


async def open_(
    service: WatchContext,
    actor: Person,
    title: str | None,
    *,
    watched: str | None = None,
    state: State = State.INVESTIGATING,
) -> Document:
    """A new incident, before anything is said about it; with a `watched` service the rules act at once.
    Raises `Misuse` for a title that is no title, `Refused` where the service has an open incident."""
    rules.require_role("draft", actor)
    named = _title(title)

    async def work(conn: Connection) -> Document:
        if watched is None:
            opened = await store_incidents.start(conn, by=actor, now=service.now, title=named)
        else:
            word = by_hand.StateReport(state)
            opened = await by_hand.opening(service, conn, actor, watched, word, named)
        detail = {"incident": opened.id, "title": named}
        await audit.append(
            conn, actor=actor.name, verb="incident-opened", at=service.now, detail=detail
        )
        return _plain(opened, {opened.opened_by or 0: actor.name})

    return await service.database.transact(work)


def _title(given: str | None) -> str | None:
    title = " ".join((given or "").split())
    if len(title) > LONGEST_TITLE or not title.isprintable():
        raise Misuse(_("A title is one line of up to {count} characters.").format(count=LONGEST_TITLE))
    return title or None


async def set_(
    service: WatchContext, actor: Person, reference: str, word: by_hand.StateReport
) -> Document:
    """Say where an incident stands; the incident afterwards. Raises `Misuse` and `Refused`."""
    return await show(service, await by_hand.set_(service, actor, reference, word))


async def listing(service: WatchContext) -> list[Document]:
    """Every incident, the latest first, with how many alerts it has in each state."""

    async def look(conn: Connection) -> list[Document]:
        names = await _names(service, conn)
        return [
            _plain(one.incident, names) | {"alerts": dict(sorted(one.alerts.items()))}
            for one in await store_incidents.tallies(conn)
        ]

    return await service.database.read(look)


async def show(service: WatchContext, reference: str) -> Document:
    """One incident with its alerts, oldest first. Raises `Misuse`."""

    async def look(conn: Connection) -> Document:
        found = await store_incidents.get(conn, reference)
        alerts = (await store_reading.listing(conn, incident=found.id))[::-1]
        return _plain(found, await _names(service, conn)) | {
            "decisions": [
                _decision(one) for one in await store_decisions.lines(conn, incident_id=found.id)
            ][::-1],
            **await _awaited(conn, found),
            "alerts": [await _line(conn, one) for one in alerts],
            "guidance": await conflicts.current(conn, found.id, service.now),
            "numbers": await _numbers(service, conn, found.id),
        }

    return await service.database.read(look)


def _decision(one: store_decisions.DecisionLine) -> Document:
    return {
        "at": clock.iso(one.entry.at),
        "action": str(one.entry.action),
        "reason": str(one.entry.reason),
        "condition": str(one.entry.state),
        "before": one.before,
        "by": one.by,
        "note": one.note,
        "alert": one.alert,
    }


async def _awaited(conn: Connection, found: Incident) -> Document:
    """What was last decided about its service, and when time may change that."""
    latest = await store_decisions.last_word(conn, found.service) if found.service else None
    if latest is None or found.closed_at is not None:
        return {"waiting": None}
    return {
        "waiting": {
            "action": latest.action,
            "reason": latest.reason,
            "look_again_at": clock.iso(latest.look_again_at),
        }
    }


async def _line(conn: Connection, alert: Alert) -> Document:
    reached = await store_following.last_reached(conn, alert.id)
    return {
        "id": alert.id,
        "kind": alert.kind,
        "state": str(alert.state),
        "exercise": alert.exercise,
        "relation": alert.relation and str(alert.relation),
        "references": list(alert.references),
        "drafted_at": clock.iso(alert.drafted_at),
        "approved_at": clock.iso(alert.approved_at),
        "last_sent_at": clock.iso(reached),
    }


async def _numbers(service: WatchContext, conn: Connection, incident: str) -> list[Document]:
    """What the public was told in this incident and still holds, and by which alerts."""
    known = await public_numbers.by_incident(conn, incident, service.now, exercise=False)
    ids = {row.entry: entry_id(row.entry) or 0 for row in known.in_force}
    by = await store_numbers.published_in(conn, list(ids.values()), still=True)
    return [
        {"entry": row.entry, "row": str(row), "alerts": list(by[ids[row.entry]])}
        for row in known.in_force
    ]


async def _names(service: WatchContext, conn: Connection) -> dict[int, str]:
    everybody = await store_people.everybody(conn, now=service.now)
    return {entry.person.id: entry.person.name for entry in everybody}


def _plain(one: Incident, names: Mapping[int, str]) -> Document:
    return {
        "id": one.id,
        "title": one.title,
        "service": one.service,
        "state": "closed" if one.closed_at else "open",
        "condition": one.state,
        "confirmed_by": one.confirmed_by,
        "opened_at": clock.iso(one.opened_at),
        "opened_by": names.get(one.opened_by or 0),
        "closed_at": clock.iso(one.closed_at),
    }
