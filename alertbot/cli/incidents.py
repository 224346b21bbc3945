"""Incidents (open, set, list, show), what sources reported on them, and what was decided."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.console import RenderableType

from alertbot.cli.frame import AsJson, TokenFile, console, emit, say
from alertbot.cli.parsing import offered, one_of, whole_number
from alertbot.cli.running import act, read
from alertbot.cli.tables.show_incidents import (
    incident_view,
    incidents_table,
    timeline_table,
    waiting_word,
)
from alertbot.cli.tables.show_watch import (
    body_view,
    decisions_table,
    quarantine_table,
    signal_view,
    signals_table,
    sources_table,
)
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.watch import incidents, reports, timeline
from alertbot.watch.context import WatchContext
from alertbot.watch.incidents import StateReport
from alertbot.watch.rules_log import State
from alertbot.watch.views import IncidentDetails, IncidentLine, IncidentView

T = TypeVar("T")


def open_(
    context: typer.Context,
    title: Annotated[
        str | None, typer.Option(metavar=_("TITLE"), help=_("For the team; the public never sees it."))
    ] = None,
    service_name: Annotated[
        str | None,
        typer.Option(
            "--service",
            metavar=_("SERVICE"),
            help=_("The watched service or group concerned; the rules then act at once."),
        ),
    ] = None,
    state: Annotated[
        State | None,
        typer.Option(
            metavar=_("STATE"),
            parser=one_of(State),
            help=_("Its state, with --service; default: investigating."),
        ),
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    require_service(service_name, state)
    found = act(
        context,
        lambda service, person: incidents.open_(
            service, person, title, watched=service_name, state=state or State.INVESTIGATING
        ),
        token_file,
    )
    tell_open(found, as_json)


def require_service(name: str | None, state: State | None) -> None:
    """Raises `Misuse` for a state of nothing."""
    if state is not None and name is None:
        raise Misuse(_("--state needs --service: give the service it is about."))


def tell_open(found: IncidentView, as_json: bool) -> None:
    """Print what was opened."""
    said = _("Incident {id} is open. Next: alertbot draft holding --incident {id}")
    say(said.format(id=found.id), as_json)
    if as_json:
        emit(found)


def set_(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar=_("INCIDENT"),
            help=_("The incident, for example BKRT."),
            autocompletion=offered("incidents"),
        ),
    ],
    state: Annotated[
        State, typer.Argument(metavar=_("STATE"), parser=one_of(State), help=_("The new state."))
    ],
    confirmed_by: Annotated[
        str | None,
        typer.Option(
            metavar=_("WHO"),
            help=_("Which of the services concerned confirms that it works again."),
        ),
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar=_("TEXT"), help=_("For the team; the public never sees it."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    word = StateReport(state, confirmed_by, note)
    found, zone = act(
        context,
        lambda service, person: _with_zone(service, incidents.set_(service, person, name, word)),
        token_file,
    )
    tell_set(found, state, zone, as_json)


def tell_set(found: IncidentDetails, state: State, zone: ZoneInfo | None, as_json: bool) -> None:
    """Print how it stands now, and what "resolved" still waits for."""
    say(_("Incident {id} is now {condition}.").format(id=found.id, condition=found.condition), as_json)
    if state is State.RESOLVED and found.condition != State.RESOLVED and found.waiting:
        say(waiting_word(found.waiting, zone), as_json)
    if as_json:
        emit(found)


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    found, zone = read(context, lambda service: _with_zone(service, incidents.listing(service)))
    tell_all(found, zone, as_json)


def tell_all(found: Sequence[IncidentLine], zone: ZoneInfo | None, as_json: bool) -> None:
    """Print every incident."""
    if as_json:
        emit(found)
        return
    if not found:
        say(_("There are no incidents yet."))
        return

    console().print(incidents_table(found, zone))


def show(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar=_("INCIDENT"),
            help=_("The incident, for example BKRT."),
            autocompletion=offered("incidents"),
        ),
    ],
    as_json: AsJson = False,
) -> None:
    found, zone = read(context, lambda service: _with_zone(service, incidents.show(service, name)))
    if as_json:
        emit(found)
        return

    console().print(incident_view(found, zone))


def timeline_(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar=_("INCIDENT"), help=_("The incident, for example BKRT."))
    ],
    as_json: AsJson = False,
) -> None:
    found, zone = read(
        context, lambda service: _with_zone(service, timeline.of_incident(service, name))
    )
    if as_json:
        emit(found)
        return

    console().print(timeline_table(found, zone))


async def _with_zone(service: WatchContext, work: Awaitable[T]) -> tuple[T, ZoneInfo]:
    return await work, service.publisher.zone


LARGEST_NUMBER = 2**31 - 1
MOST_SHOWN = 100_000
USUAL = 50

Limit = Annotated[
    int,
    typer.Option(
        metavar=_("NUMBER"),
        parser=whole_number(1, MOST_SHOWN),
        help=_("Show the latest N only."),
    ),
]


def signals(
    context: typer.Context,
    number: Annotated[
        int | None,
        typer.Argument(
            metavar=_("NUMBER"),
            parser=whole_number(1, LARGEST_NUMBER),
            help=_("Its number in the list."),
        ),
    ] = None,
    service: Annotated[
        str | None, typer.Option(metavar=_("SERVICE"), help=_("Only reports about this service."))
    ] = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help=_("Show what could not be read instead."))
    ] = False,
    sources: Annotated[
        bool,
        typer.Option("--sources", help=_("Show when each source was last heard, silent ones first.")),
    ] = False,
    limit: Limit = USUAL,
    as_json: AsJson = False,
) -> None:
    if service is not None and (quarantine or number is not None):
        raise Misuse(_("--service works only with the list of reports."))
    if sources:
        _show(context, reports.sources, sources_table, as_json)
        return
    if number is None and quarantine:
        _show(context, lambda s: reports.quarantine(s, limit=limit), quarantine_table, as_json)
    elif number is None:
        _show(context, lambda s: reports.listing(s, service, limit=limit), signals_table, as_json)
    elif quarantine:
        _show(context, lambda s: reports.body(s, number), body_view, as_json)
    else:
        _show(context, lambda s: reports.show(s, number), signal_view, as_json)


def decisions(
    context: typer.Context,
    incident: Annotated[
        str | None,
        typer.Argument(
            metavar=_("INCIDENT"),
            help=_("Only about this incident, for example BKRT."),
            autocompletion=offered("incidents"),
        ),
    ] = None,
    limit: Limit = USUAL,
    as_json: AsJson = False,
) -> None:
    _show(context, lambda s: reports.decided(s, incident, limit=limit), decisions_table, as_json)


def _show(
    context: typer.Context,
    work: Callable[[WatchContext], Awaitable[Any]],
    drawn: Callable[[Any, ZoneInfo], RenderableType],
    as_json: bool,
) -> None:
    """As a table in the organisation's zone, or as the document."""

    async def look(service: WatchContext) -> tuple[Any, ZoneInfo]:
        return await work(service), service.publisher.zone

    found, zone = read(context, look)
    if as_json:
        emit(found)
    else:
        console().print(drawn(found, zone))
