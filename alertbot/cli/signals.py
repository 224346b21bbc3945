"""What sources reported and what was decided on it: signals, decisions."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import RenderableType

from alertbot.cli.frame import AsJson, console, emit
from alertbot.cli.misuse import whole_number
from alertbot.cli.running import read
from alertbot.cli.tables.show_watch import (
    body_view,
    decisions_table,
    quarantine_table,
    signal_view,
    signals_table,
)
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.watch import reports
from alertbot.watch.context import WatchContext

LARGEST_NUMBER = 2**31 - 1
MOST_SHOWN = 100_000
USUAL = 50

Limit = Annotated[
    int,
    typer.Option(
        metavar=_("NUMBER"),
        parser=whole_number(1, MOST_SHOWN),
        help=_("Only so many, the latest ones."),
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
        str | None, typer.Option(metavar=_("SERVICE"), help=_("Only reports on this service."))
    ] = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help=_("What nobody understood, instead."))
    ] = False,
    limit: Limit = USUAL,
    as_json: AsJson = False,
) -> None:
    if service is not None and (quarantine or number is not None):
        raise Misuse(_("--service goes with the list of reports alone."))
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
        typer.Argument(metavar=_("INCIDENT"), help=_("Only on this incident, for example BKRT.")),
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
