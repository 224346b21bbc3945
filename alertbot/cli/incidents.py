"""Incidents: open, list, show."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from alertbot.cli.frame import AsJson, TokenFile, act, console, emit, example, read, say
from alertbot.cli.typer_words import App
from alertbot.errors import Misuse
from alertbot.incident.log import State
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
        "set",
        help=_(
            "Say where an incident stands: the same road as a report of a source, and a person's word counts at"
            " once. Resolved takes somebody of the services concerned who confirms it, and a watch period (R11)."
        ),
        epilog=example('alertbot incident set BKRT resolved --confirmed-by "SAMU 35"'),
    )(set_)
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
    service_name: Annotated[
        str | None,
        typer.Option(
            "--service",
            metavar=_("SERVICE"),
            help=_("The watched service or group that it is about; the rules then act at once."),
        ),
    ] = None,
    state: Annotated[
        State | None,
        typer.Option(help=_("Where it stands; investigating unless given. With --service.")),
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import incidents

    if state is not None and service_name is None:
        raise Misuse(_("--state goes with --service: say which service it is about."))
    found = act(
        context,
        lambda service, person: incidents.open_(
            service, person, title, watched=service_name, state=state or State.INVESTIGATING
        ),
        token_file,
    )
    say(
        _("Incident {id} is open. Next: alertbot draft holding --incident {id}").format(**found),
        as_json,
    )
    if as_json:
        emit(found)


def set_(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar=_("INCIDENT"), help=_("The incident, for example BKRT."))
    ],
    state: Annotated[State, typer.Argument(metavar=_("STATE"), help=_("Where it stands now."))],
    confirmed_by: Annotated[
        str | None,
        typer.Option(
            metavar=_("WHO"),
            help=_("Who of the services concerned confirms that it works again (R11)."),
        ),
    ] = None,
    note: Annotated[
        str | None, typer.Option(metavar=_("TEXT"), help=_("For the team; the public never sees it."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import incidents
    from alertbot.service.by_hand import Word

    word = Word(state, confirmed_by, note)
    found = act(
        context, lambda service, person: incidents.set_(service, person, name, word), token_file
    )
    say(_("Incident {id} is {condition}.").format(**found), as_json)
    waiting = found["waiting"] or {}
    if state is State.RESOLVED and found["condition"] != "resolved" and waiting.get("look_again_at"):
        say(
            _("It is under watch and becomes resolved at {time} if nothing happens.").format(
                time=waiting["look_again_at"]
            ),
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
