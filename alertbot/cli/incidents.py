"""Incidents: open, list, show."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from alertbot.cli.frame import AsJson, TokenFile, act, console, emit, example, read, say
from alertbot.cli.typer_words import App
from alertbot.words import _

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alertbot.service.context import Context

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    incident = App(
        help=_("Incidents: what alerts belong to, from the first to the end."),
        epilog=example("alertbot incident list"),
        no_args_is_help=True,
    )
    incident.command(
        "open",
        help=_("Open an incident before anything is said about it; drafts name it with --incident."),
        epilog=example('alertbot incident open --title "15 and 18 out of order in Rhône"'),
    )(open_)
    incident.command(
        "list",
        help=_("Every incident, the latest first, with how many alerts it has."),
        epilog=example("alertbot incident list"),
    )(list_)
    incident.command(
        "show",
        help=_(
            "One incident: its alerts in order, how each follows another, and the numbers in force."
        ),
        epilog=example("alertbot incident show BKRT"),
    )(show)
    app.add_typer(incident, name="incident")


def open_(
    context: typer.Context,
    title: Annotated[
        str | None, typer.Option(metavar=_("TITLE"), help=_("For the team; the public never sees it."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import incidents

    found = act(context, lambda service, person: incidents.open_(service, person, title), token_file)
    say(
        _("Incident {id} is open. Next: alertbot draft holding --incident {id}").format(**found),
        as_json,
    )
    if as_json:
        emit(found)


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    from alertbot.service import incidents

    found, zone = read(context, lambda service: _with_zone(service, incidents.listing(service)))
    if as_json:
        emit(found)
        return
    if not found:
        say(_("There is no incident yet."))
        return
    from alertbot.preview.incidents import incidents_table

    console().print(incidents_table(found, zone))


def show(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar=_("INCIDENT"), help=_("The incident, for example BKRT."))
    ],
    as_json: AsJson = False,
) -> None:
    from alertbot.service import incidents

    found, zone = read(context, lambda service: _with_zone(service, incidents.show(service, name)))
    if as_json:
        emit(found)
        return
    from alertbot.preview.incidents import incident_view

    console().print(incident_view(found, zone))


async def _with_zone(service: "Context", work: Awaitable[T]) -> "tuple[T, ZoneInfo]":
    return await work, service.voice.zone
