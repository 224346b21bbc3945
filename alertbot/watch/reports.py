"""Reports: received from sources, parsed and stored; and shown with the decisions about them. A body
that is not understood is quarantined, never guessed at."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from alertbot.alerts import store_incidents
from alertbot.config.sources import ASKED, SourceSettings
from alertbot.core.errors import ConfigInvalid, Misuse, Refused, safe
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.words import _, ngettext
from alertbot.db.sql import Connection
from alertbot.watch import store_decisions, store_signals, watching
from alertbot.watch.context import WatchContext
from alertbot.watch.rules_signals import PEOPLE, Signal
from alertbot.watch.sources import alertmanager, base, directory, generic
from alertbot.watch.sources.base import MOST_SIGNALS, Parse, UnknownShape, looks_like
from alertbot.watch.sources.directory import as_configured
from alertbot.watch.store_decisions import DecisionLine
from alertbot.watch.store_signals import QuarantinedBody, StoredSignal
from alertbot.watch.views import DecisionView, QuarantineView, SignalView, SourceView

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SourceIntake:
    """A configured source that posts its reports."""

    name: str
    settings: SourceSettings
    parse: Parse


@dataclass(frozen=True, slots=True)
class ReportCount:
    """How many reports a body held, and how many were new."""

    stored: int
    new: int


class ReportQuarantined(Refused):
    """A body that was not understood; it is quarantined under this number. `keys`: its top-level keys.
    `looks_like`: another type of source that sends such bodies."""

    def __init__(self, said: str, number: int, keys: list[str], looks_like: str | None) -> None:
        super().__init__(said)
        self.number, self.keys, self.looks_like = number, keys, looks_like


def inlets(sources: Mapping[str, SourceSettings]) -> dict[str, SourceIntake]:
    """The sources that post reports, by name. Raises `ConfigInvalid` for an unknown type and for invalid
    expressions, also those of a polled source."""
    found = {}
    for name, settings in sources.items():
        if settings.type not in ASKED:
            _check(name, settings)
        if settings.pushes:
            found[name] = SourceIntake(name, settings, directory.parser(settings.type))
    return found


def _check(name: str, settings: SourceSettings) -> None:
    if settings.type not in directory.names():
        raise ConfigInvalid(
            _("sources.{name}.type: there is no type {type}; the types are {known}.").format(
                name=name, type=settings.type, known=", ".join(directory.names())
            )
        )
    wrong = generic.wrong(settings.options()) if settings.type == "generic" else ()
    for key, sentence in wrong:
        raise ConfigInvalid(f"sources.{name}.map.{key}: {sentence}")


async def receive(
    service: WatchContext, inlet: SourceIntake, body: bytes, content_type: str = ""
) -> ReportCount:
    """Store what a source sent; it is stored once this returns. Raises `ReportQuarantined` for a body that was
    quarantined because it was not understood, `StoreFailed` if nothing was stored."""
    understood = await _understood(service, inlet, body, content_type)
    document, reports = understood.document, understood.reports
    if understood.error is not None:
        raise await _set_aside(service, inlet, body, document, understood.error) from None
    if len(reports.named) < reports.count:
        await _note_nameless(service, inlet, body, document, reports)
    fresh = await watching.take(service, reports.named)
    if cut := alertmanager.left_out(document):
        await watching.unheeded(service, inlet.name, CUT, _cut(inlet.name, cut))
    return ReportCount(len(reports.named), len(fresh))


CUT, TOO_SLOW = "cut", "too_slow"  # why a report was not heeded, in the metrics
SMALL_BYTES = 20_000  # a body that may be read where everything else runs
MOST_SECONDS = 10.0  # for reading a larger one, in a thread


def _cut(source: str, count: int) -> str:
    return _(
        "{source} left {n} alerts out of its message (truncatedAlerts): what they are about is not known"
        " here. Look there, and set max_alerts: 0 in its webhook."
    ).format(source=source, n=count)


@dataclass(frozen=True, slots=True)
class _Understood:
    """What a body holds, or why it was not understood."""

    document: object
    reports: "_Reports"
    error: UnknownShape | None = None


async def _understood(
    service: WatchContext, inlet: SourceIntake, body: bytes, content_type: str
) -> _Understood:
    """Read and parse a body: a large one in a thread, because the pages and the other sources must not
    wait for it, and no longer than `MOST_SECONDS`."""
    work = partial(_read, service, inlet, body, content_type)
    if len(body) <= SMALL_BYTES:
        return work()
    try:
        async with asyncio.timeout(MOST_SECONDS), service.inbox.reading:
            return await in_thread(work)
    except TimeoutError:
        why = _("it could not be read within {n} s").format(n=int(MOST_SECONDS))
        await watching.unheeded(service, inlet.name, TOO_SLOW, str(UnknownShape(inlet.name, None, why)))
        return _Understood(None, _NOTHING, UnknownShape(inlet.name, None, why))


def _read(service: WatchContext, inlet: SourceIntake, body: bytes, content_type: str) -> _Understood:
    document: object = None
    try:
        document = base.read(inlet.name, body, content_type)
        return _Understood(document, _parsed(service, inlet, document))
    except UnknownShape as error:
        return _Understood(document, _NOTHING, error)


@dataclass(frozen=True, slots=True)
class _Reports:
    named: tuple[Signal, ...]
    count: int  # with those that name no service


_NOTHING = _Reports((), 0)


def _parsed(service: WatchContext, inlet: SourceIntake, document: object) -> _Reports:
    """Parse a body. Raises `UnknownShape`, also for a parser that fails: a third party's may raise
    anything."""
    try:
        found = inlet.parse(
            document, source=inlet.name, now=service.now, options=inlet.settings.options()
        )
    except UnknownShape:
        raise
    except Exception as error:  # noqa: BLE001 - foreign code on a foreign body
        about = {"source": inlet.name}
        log.error("%s: its parser failed: %s", inlet.name, safe(repr(error)), extra=about)  # noqa: TRY400 - no traceback
        raise UnknownShape(inlet.name, document, _("its parser failed on it")) from None
    reports = as_configured(found, inlet.settings)
    if len(reports) > MOST_SIGNALS:
        raise UnknownShape(
            inlet.name, document, _("more than {n} reports at once").format(n=MOST_SIGNALS)
        )
    named = tuple(one for one in reports if one.service or one.is_test)
    if not named:
        raise UnknownShape(inlet.name, document, _("no report in it names a service"))
    return _Reports(named, len(reports))


async def _set_aside(
    service: WatchContext, inlet: SourceIntake, body: bytes, document: object, error: UnknownShape
) -> ReportQuarantined:
    other = looks_like(document)
    said = str(error)
    if other not in (None, inlet.settings.type):
        said += " " + _("It looks like type {type}: is `type:` right?").format(type=other)
    number = await watching.quarantine(service, inlet.name, body, why=said, keys=error.keys)
    about = {"source": inlet.name}
    log.warning("%s: a body not understood is kept aside as number %d", inlet.name, number, extra=about)
    return ReportQuarantined(said, number, error.keys, other)


async def _note_nameless(
    service: WatchContext, inlet: SourceIntake, body: bytes, document: object, reports: _Reports
) -> None:
    """Log that some reports of a body name no service."""
    lost = reports.count - len(reports.named)
    why = ngettext(
        "{n} report in it names no service; the others were accepted.",
        "{n} reports in it name no service; the others were accepted.",
        lost,
    ).format(n=lost)
    keys = UnknownShape(inlet.name, document).keys
    await watching.quarantine(service, inlet.name, body, why=why, keys=keys)


LONGEST_SHOWN = 20_000  # bytes of a body


async def listing(service: WatchContext, about: str | None = None, *, limit: int) -> list[SignalView]:
    """The latest reports first; with `about` only those about one service."""
    found = await service.database.read(
        lambda conn: store_signals.listing(conn, service=about, limit=limit)
    )
    return [_report(one) for one in found]


async def sources(service: WatchContext) -> list[SourceView]:
    """Every source that is configured or was ever heard: silent ones first, then those heard longest ago."""
    watch = service.watch

    async def look(conn: Connection) -> list[SourceView]:
        heard = await store_signals.silent(conn)
        last = await store_signals.last_of_each(conn)
        known = {*watch.sources, *watch.silent_after, *heard} - {PEOPLE}
        found = [_source(service, name, heard.get(name), last.get(name)) for name in sorted(known)]
        first = datetime.min.replace(tzinfo=UTC)
        return sorted(found, key=lambda one: (not one.silent, one.heard_at or first))

    return await service.database.read(look)


def _source(
    service: WatchContext,
    name: str,
    heard: tuple[datetime, datetime | None] | None,
    last: StoredSignal | None,
) -> SourceView:
    patience = service.watch.silent_after.get(name)
    at = heard[0] if heard else None
    late = patience is not None and (at is None or service.now - at >= patience)
    told = heard is not None and heard[1] is not None
    seconds = patience.total_seconds() if patience else None
    return SourceView(name, at, seconds, late or told, _report(last) if last else None)


async def show(service: WatchContext, number: int) -> SignalView:
    """One report with everything it said. Raises `Misuse` if there is none."""
    found = await service.database.read(lambda conn: store_signals.get(conn, number))
    if found is None:
        raise Misuse(_("There is no report {id}; `alertbot signals` lists them all.").format(id=number))
    return _report(found)


async def quarantine(service: WatchContext, *, limit: int) -> list[QuarantineView]:
    """Quarantined bodies, newest first."""
    found = await service.database.read(lambda conn: store_signals.aside(conn, limit=limit))
    return [_aside(one) for one in found]


async def body(service: WatchContext, number: int) -> QuarantineView:
    r"""One quarantined body with the beginning of its content; undecodable bytes as `\xff`. Raises
    `Misuse` if there is none."""
    found = await service.database.read(
        lambda conn: store_signals.aside_with_body(conn, number, most=LONGEST_SHOWN)
    )
    if found is None:
        raise Misuse(
            _(
                "There is no {id} in quarantine; `alertbot signals --quarantine` lists what is there."
            ).format(id=number)
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


def _aside(one: QuarantinedBody) -> QuarantineView:
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
