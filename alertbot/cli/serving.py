"""Serving alertbot's own pages beside the worker."""

from typing import Annotated, Any

import typer

from alertbot.app import App
from alertbot.cli.frame import AsJson, emit, say
from alertbot.cli.misuse import whole_number
from alertbot.cli.running import with_app
from alertbot.core import logs
from alertbot.core.words import _


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
