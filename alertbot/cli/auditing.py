"""The audit: a chain of rows that shows any change."""

from typing import Annotated

import typer

from alertbot.cli.frame import AsJson, emit, say
from alertbot.cli.running import read
from alertbot.core.words import _
from alertbot.ops import overview


def verify(
    context: typer.Context,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="D", help=_("A digest that `audit head` printed before.")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    verdict = read(context, lambda service: overview.audit_verify(service, head), partly=True)
    if verdict.sound:
        sound = _("The audit is sound: {count} rows, head {head}.")
        say(sound.format(count=verdict.count, head=verdict.head), as_json)
    else:
        say(_("The audit is NOT sound: {reason}").format(reason=verdict.reason), as_json)
    if as_json:
        emit(verdict)
    if not verdict.sound:
        raise typer.Exit(1)


def head(context: typer.Context, as_json: AsJson = False) -> None:
    found = read(context, overview.audit_head, partly=True)
    if as_json:
        emit(found)
    else:
        say(f"{found.count} {found.head}")


def export(context: typer.Context, as_json: AsJson = False) -> None:
    rows = read(context, overview.audit_export, partly=True)
    if as_json:
        emit(rows)
        return
    for row in rows:
        say(
            "  ".join(
                str(row[key] or "") for key in ("seq", "at", "actor", "verb", "alert", "remote_id")
            )
        )
