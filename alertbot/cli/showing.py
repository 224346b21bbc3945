"""An alert as the public will see it: show."""

from pathlib import Path
from typing import Annotated

import typer

from alertbot.alerts import showing
from alertbot.alerts.views import ShownAlertView
from alertbot.cli.frame import AlertId, AsJson, TokenFile, console, emit, say, session
from alertbot.cli.running import read
from alertbot.cli.tables.show_alerts import show_alert
from alertbot.core.words import _
from alertbot.texts.preview.html_page import write_preview
from alertbot.watch.context import WatchContext


def show(
    context: typer.Context,
    alert: AlertId,
    text: Annotated[
        bool, typer.Option("--text", help=_("Only the plain text, for press and radio."))
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar=_("FILE"), help=_("Write the full preview to one page."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    token = session(context).token(token_file)

    async def work(service: WatchContext) -> ShownAlertView:
        return await showing.show(service, alert, token)

    shown = read(context, work)
    if html:
        write_preview(html, shown.sheet)
        say(_("The preview of {id} is in {path}.").format(id=shown.id, path=html), as_json)
    if as_json:
        emit(shown)
    elif text:
        say(shown.plain)
    elif not html:
        show_alert(console(), shown)
