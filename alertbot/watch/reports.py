"""Looking at what sources reported, what was decided on it and why, and what nobody understood."""

from typing import Any

from alertbot.alerts import store_incidents
from alertbot.core import clock
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.watch import store_decisions, store_signals
from alertbot.watch.context import WatchContext
from alertbot.watch.store_decisions import DecisionLine
from alertbot.watch.store_signals import Aside, StoredSignal

LONGEST_SHOWN = 20_000  # bytes of a body

Document = dict[str, Any]


async def listing(service: WatchContext, about: str | None = None, *, limit: int) -> list[Document]:
    """The latest reports first; with `about` those on one service."""
    found = await service.database.read(
        lambda conn: store_signals.listing(conn, service=about, limit=limit)
    )
    return [_report(one) for one in found]


async def show(service: WatchContext, number: int) -> Document:
    """One report with everything that it said. Raises `Misuse`."""
    found = await service.database.read(lambda conn: store_signals.get(conn, number))
    if found is None:
        raise Misuse(_("There is no report {id}; `alertbot signals` lists them.").format(id=number))
    return _report(found)


async def quarantine(service: WatchContext, *, limit: int) -> list[Document]:
    """What nobody understood, the latest first."""
    found = await service.database.read(lambda conn: store_signals.aside(conn, limit=limit))
    return [_aside(one) for one in found]


async def body(service: WatchContext, number: int) -> Document:
    """One of them with the begin of its body; bytes that are no text are written as `\\xff`. Raises
    `Misuse`."""
    found = await service.database.read(
        lambda conn: store_signals.aside_with_body(conn, number, most=LONGEST_SHOWN)
    )
    if found is None:
        raise Misuse(
            _("Nothing is kept aside as {id}; `alertbot signals --quarantine` lists it.").format(
                id=number
            )
        )
    about, begin = found
    shown = begin.decode("utf-8", "backslashreplace")
    return {**_aside(about), "body": shown, "cut": len(begin) < about.size}


async def decided(service: WatchContext, incident: str | None = None, *, limit: int) -> list[Document]:
    """Decisions that changed something, the latest first; with `incident` those on it. Raises `Misuse`
    for one that is not there."""

    async def look(conn: Connection) -> tuple[DecisionLine, ...]:
        found = None if incident is None else (await store_incidents.get(conn, incident)).id
        return await store_decisions.lines(conn, incident_id=found, limit=limit)

    return [_decision(one) for one in await service.database.read(look)]


def _report(one: StoredSignal) -> Document:
    said = one.signal
    return {
        "id": one.id,
        "source": said.source,
        "service": said.service,
        "observed": str(said.observed),
        "at": clock.iso(said.at),
        "received_at": clock.iso(one.received_at),
        "repeats": one.repeats,
        "incident": one.incident,
        "action": one.action,
        "reason": one.reason,
        "title": said.title,
        "summary": said.summary,
        "url": said.url,
        "severity": said.severity,
        "started_at": clock.iso(said.started_at),
        "ended_at": clock.iso(said.ended_at),
        "confirms": said.confirms,
        "test": said.is_test,
        "history": said.history,
        "key": said.key,
    }


def _aside(one: Aside) -> Document:
    return {
        "id": one.id,
        "source": one.source,
        "received_at": clock.iso(one.received_at),
        "why": one.why,
        "keys": list(one.keys),
        "size": one.size,
    }


def _decision(one: DecisionLine) -> Document:
    return {
        "id": one.id,
        "at": clock.iso(one.entry.at),
        "service": one.service,
        "incident": one.incident,
        "action": str(one.entry.action),
        "reason": str(one.entry.reason),
        "before": one.before,
        "state": str(one.entry.state),
        "announced": one.entry.announced,
        "by": one.by,
        "note": one.note,
        "alert": one.alert,
    }
