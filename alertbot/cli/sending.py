"""Publishing what is due: run; and serving alertbot's own pages beside the worker: serve."""

from typing import Annotated, Any

import typer

from alertbot.alerts import showing
from alertbot.app import App
from alertbot.cli.frame import AsJson, emit, say
from alertbot.cli.misuse import whole_number
from alertbot.cli.running import with_app
from alertbot.core import logs
from alertbot.core.words import _
from alertbot.ops import working

PARTLY = 3  # the exit code: something failed, is uncertain or still waits


def run(
    context: typer.Context,
    once: Annotated[
        bool,
        typer.Option("--once", help=_("Work until nothing is due, then leave: 0 all sent, 3 not all.")),
    ] = False,
    as_json: AsJson = False,
) -> None:
    if once:
        _leave_with(with_app(context, working.run_once), as_json)
        return
    logs.ready()
    say(_("The worker is alive; it stops with Ctrl-C or SIGTERM."), as_json)
    tally = with_app(context, working.run_until_stopped)
    say(_("The worker has stopped; nothing is under way."), as_json)
    if as_json:
        emit(tally)


def drain_now(context: typer.Context, view: dict[str, Any], as_json: bool) -> None:
    """Work until nothing is claimable, then report one alert."""

    async def work(app: App) -> tuple[dict[str, Any], dict[str, Any]]:
        tally = await working.run_once(app)
        return tally, await showing.brief(await app.open(), view["id"])

    tally, after = with_app(context, work)
    _leave_with(tally, as_json, document=after)


def _leave_with(tally: dict[str, Any], as_json: bool, document: dict[str, Any] | None = None) -> None:
    say(
        _("Sent {sent}, failed {failed}, uncertain {uncertain}, still waiting {waiting}.").format(
            **tally
        ),
        as_json,
    )
    if as_json:
        emit(document or tally)
    if any(tally[state] for state in ("failed", "uncertain", "expired", "skipped", "waiting")):
        raise typer.Exit(PARTLY)


def serve_(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(metavar=_("HOST"), help=_("The address to listen on; 0.0.0.0 for every one.")),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar=_("PORT"), parser=whole_number(0, 65535), help=_("The port; 0 takes any free one.")
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.web.serving import serve  # a help page needs no server

    logs.ready()

    async def work(app: App) -> dict[str, Any]:
        return await serve(app, host, port, lambda line: say(line, as_json))

    ended = with_app(context, work)
    say(_("The worker and the pages have stopped; nothing is under way."), as_json)
    if as_json:
        emit(ended)
