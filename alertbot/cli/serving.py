"""Serving alertbot's own pages beside the worker."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alertbot.cli.frame import AsJson, emit, example, say, with_app
from alertbot.words import _

if TYPE_CHECKING:
    from alertbot.app import App


def register(app: typer.Typer) -> None:
    app.command(
        "serve",
        help=_(
            "Publish what is due, as `run` does, and serve the pages behind links to approve; both stop with"
            " Ctrl-C or SIGTERM. On this machine alone unless another host is named here or under `serve:`."
        ),
        epilog=example("alertbot serve --port 8470"),
    )(serve)


def serve(
    context: typer.Context,
    host: Annotated[
        str | None,
        typer.Option(metavar=_("HOST"), help=_("The address to listen on; 0.0.0.0 for every one.")),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar=_("PORT"), min=0, max=65535, help=_("The port; 0 takes any free one.")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from alertbot import logs
    from alertbot.web.serving import serve as run

    logs.ready()

    async def work(app: "App") -> dict[str, Any]:
        return await run(app, host, port, lambda line: say(line, as_json))

    ended = with_app(context, work)
    say(_("The worker and the pages have stopped; nothing is under way."), as_json)
    if as_json:
        emit(ended)
