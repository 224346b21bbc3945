"""Reading reports, the decisions about them with reasons, and the quarantine."""

from dataclasses import replace

from alertbot.alerts import store_incidents
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.watch import store_decisions, store_signals
from alertbot.watch.context import WatchContext
from alertbot.watch.store_decisions import DecisionLine
from alertbot.watch.store_signals import Aside, StoredSignal
from alertbot.watch.views import DecisionView, QuarantineView, SignalView

LONGEST_SHOWN = 20_000  # bytes of a body


async def listing(service: WatchContext, about: str | None = None, *, limit: int) -> list[SignalView]:
    """The latest reports first; with `about` only those about one service."""
    found = await service.database.read(
        lambda conn: store_signals.listing(conn, service=about, limit=limit)
    )
    return [_report(one) for one in found]


async def show(service: WatchContext, number: int) -> SignalView:
    """One report with everything it said. Raises `Misuse` if there is none."""
    found = await service.database.read(lambda conn: store_signals.get(conn, number))
    if found is None:
        raise Misuse(_("There is no report {id}; `alertbot signals` lists them.").format(id=number))
    return _report(found)


async def quarantine(service: WatchContext, *, limit: int) -> list[QuarantineView]:
    """Quarantined bodies, newest first."""
    found = await service.database.read(lambda conn: store_signals.aside(conn, limit=limit))
    return [_aside(one) for one in found]


async def body(service: WatchContext, number: int) -> QuarantineView:
    """rOne quarantined body with the beginning of its content; undecodable bytes as `\xff`. Raises
    `Misuse` if there is none."""
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
    return replace(_aside(about), body=shown, cut=len(begin) < about.size)


async def decided(
    service: WatchContext, incident: str | None = None, *, limit: int
) -> list[DecisionView]:
    """Decisions that changed something, newest first; with `incident` only its own. Raises `Misuse` for
    an unknown incident."""

    async def look(conn: Connection) -> tuple[DecisionLine, ...]:
        found = None if incident is None else (await store_incidents.get(conn, incident)).id
        return await store_decisions.lines(conn, incident_id=found, limit=limit)

    return [_decision(one) for one in await service.database.read(look)]


def _report(one: StoredSignal) -> SignalView:
    said = one.signal
    return SignalView(
        id=one.id,
        source=said.source,
        service=said.service,
        observed=said.observed,
        at=said.at,
        received_at=one.received_at,
        repeats=one.repeats,
        incident=one.incident,
        action=one.action,
        reason=one.reason,
        title=said.title,
        summary=said.summary,
        url=said.url,
        severity=said.severity,
        started_at=said.started_at,
        ended_at=said.ended_at,
        confirms=said.confirms,
        test=said.is_test,
        history=said.history,
        key=said.key,
    )


def _aside(one: Aside) -> QuarantineView:
    return QuarantineView(
        id=one.id,
        source=one.source,
        received_at=one.received_at,
        why=one.why,
        keys=one.keys,
        size=one.size,
    )


def _decision(one: DecisionLine) -> DecisionView:
    return DecisionView(
        id=one.id,
        at=one.entry.at,
        service=one.service,
        incident=one.incident,
        action=one.entry.action,
        reason=one.entry.reason,
        before=one.before,
        state=one.entry.state,
        announced=one.entry.announced,
        by=one.by,
        note=one.note,
        alert=one.alert,
    )
