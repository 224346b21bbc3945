"""Incidents: opened by hand, listed, and told from the first alert to the last."""

from collections.abc import Mapping
from typing import Any

from alertbot.approval import policy
from alertbot.errors import Misuse
from alertbot.model import Person
from alertbot.register.entry import entry_id
from alertbot.service import guidance, told, views
from alertbot.service.context import Context
from alertbot.store import audit, following, incidents, numbers, people, reading
from alertbot.store.connection import Connection
from alertbot.store.incidents import Incident
from alertbot.store.reading import Alert
from alertbot.words import _

LONGEST_TITLE = 200
Document = dict[str, Any]


async def open_(service: Context, actor: Person, title: str | None) -> Document:
    """A new incident, before anything is said about it. Raises `Misuse` for a title that is no title."""
    policy.require_role("draft", actor)
    named = _title(title)

    async def work(conn: Connection) -> Document:
        opened = await incidents.start(conn, by=actor, now=service.now, title=named)
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


async def listing(service: Context) -> list[Document]:
    """Every incident, the latest first, with how many alerts it has in each state."""

    async def look(conn: Connection) -> list[Document]:
        names = await _names(service, conn)
        return [
            _plain(one.incident, names) | {"alerts": dict(sorted(one.alerts.items()))}
            for one in await incidents.tallies(conn)
        ]

    return await service.database.read(look)


async def show(service: Context, reference: str) -> Document:
    """One incident with its alerts, oldest first. Raises `Misuse`."""

    async def look(conn: Connection) -> Document:
        found = await incidents.get(conn, reference)
        alerts = (await reading.listing(conn, incident=found.id))[::-1]
        return _plain(found, await _names(service, conn)) | {
            "alerts": [await _line(conn, one) for one in alerts],
            "guidance": await guidance.current(conn, found.id, service.now),
            "numbers": await _numbers(service, conn, found.id),
        }

    return await service.database.read(look)


async def _line(conn: Connection, alert: Alert) -> Document:
    reached = await following.last_reached(conn, alert.id)
    return {
        "id": alert.id,
        "kind": alert.kind,
        "state": str(alert.state),
        "exercise": alert.exercise,
        "relation": alert.relation and str(alert.relation),
        "references": list(alert.references),
        "drafted_at": views.moment(alert.drafted_at),
        "approved_at": views.moment(alert.approved_at),
        "last_sent_at": views.moment(reached),
    }


async def _numbers(service: Context, conn: Connection, incident: str) -> list[Document]:
    """What the public was told in this incident and still holds, and by which alerts."""
    known = await told.by_incident(conn, incident, service.now, exercise=False)
    ids = {row.entry: entry_id(row.entry) or 0 for row in known.in_force}
    by = await numbers.published_in(conn, list(ids.values()), still=True)
    return [
        {"entry": row.entry, "row": str(row), "alerts": list(by[ids[row.entry]])}
        for row in known.in_force
    ]


async def _names(service: Context, conn: Connection) -> dict[int, str]:
    everybody = await people.everybody(conn, now=service.now)
    return {entry.person.id: entry.person.name for entry in everybody}


def _plain(one: Incident, names: Mapping[int, str]) -> Document:
    return {
        "id": one.id,
        "title": one.title,
        "service": one.service,
        "state": "closed" if one.closed_at else "open",
        "condition": one.state,
        "confirmed_by": one.confirmed_by,
        "opened_at": views.moment(one.opened_at),
        "opened_by": names.get(one.opened_by or 0),
        "closed_at": views.moment(one.closed_at),
    }
