"""Publishing what is due: run; and serving alertbot's own pages beside the worker: serve."""

from typing import Annotated

import typer

from alertbot.alerts import showing
from alertbot.alerts.views import AlertView
from alertbot.app import App
from alertbot.cli.frame import AsJson, emit, say
from alertbot.cli.parsing import whole_number
from alertbot.cli.running import with_app
from alertbot.core import logs
from alertbot.core.words import _
from alertbot.delivery.runners import RunTally
from alertbot.ops import working
from alertbot.ops.views import ServedView

PARTLY = 3  # the exit code: something failed, is uncertain or still waits


def run(
    context: typer.Context,
    once: Annotated[
        bool,
        typer.Option(
            "--once", help=_("Work until nothing is due, then exit: 0 if all was sent, 3 if not.")
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    if once:
        _leave_with(with_app(context, working.run_once), as_json)
        return
    logs.ready()
    say(_("The worker is running. Stop it with Ctrl-C or SIGTERM."), as_json)
    tally = with_app(context, working.run_until_stopped)
    say(_("The worker has stopped; no calls in progress."), as_json)
    if as_json:
        emit(tally)


def drain_now(context: typer.Context, view: AlertView, as_json: bool) -> None:
    """Work until nothing is claimable, then report one alert."""

    async def work(app: App) -> tuple[RunTally, AlertView]:
        tally = await working.run_once(app)
        return tally, await showing.brief(await app.open(), view.id)

    tally, after = with_app(context, work)
    _leave_with(tally, as_json, document=after)


def _leave_with(tally: RunTally, as_json: bool, document: AlertView | None = None) -> None:
    say(
        _("Sent {sent}, failed {failed}, uncertain {uncertain}, still waiting {waiting}.").format(
            sent=tally.sent,
            failed=tally.failed,
            uncertain=tally.uncertain,
            waiting=tally.waiting,
        ),
        as_json,
    )
    if as_json:
        emit(document or tally)
    if not tally.fine:
        raise typer.Exit(PARTLY)


def serve_(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(metavar=_("HOST"), help=_("Address to listen on; 0.0.0.0 for all.")),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar=_("PORT"),
            parser=whole_number(0, 65535),
            help=_("Port to listen on; 0 for any free one."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.web.serving import serve  # a help page needs no server

    logs.ready()

    async def work(app: App) -> ServedView:
        return await serve(app, host, port, lambda line: say(line, as_json))

    ended = with_app(context, work)
    say(_("The worker and the pages have stopped; no calls in progress."), as_json)
    if as_json:
        emit(ended)
