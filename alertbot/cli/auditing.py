"""The audit: a chain of rows that shows any change."""

from typing import Annotated

import typer

from alertbot.cli.frame import AsJson, emit, example, read, say
from alertbot.cli.typer_words import App
from alertbot.words import _


def register(app: typer.Typer) -> None:
    audit = App(
        help=_("Who did what, when: a chain of rows that shows any change."),
        epilog=example("alertbot audit verify"),
        no_args_is_help=True,
    )
    audit.command(
        "verify",
        help=_(
            "Check every row of the chain; with --head also that it was not cut or rebuilt since that head was noted."
        ),
        epilog=example("alertbot audit verify --head 41f2…"),
    )(verify)
    audit.command(
        "head",
        help=_("Print the count of rows and the digest of the last one; note them elsewhere."),
        epilog=example("alertbot audit head"),
    )(head)
    audit.command(
        "export",
        help=_("Print the whole audit, for an inquiry."),
        epilog=example("alertbot audit export --json > audit.json"),
    )(export)
    app.add_typer(audit, name="audit")


def verify(
    context: typer.Context,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="D", help=_("A digest that `audit head` printed before.")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import reading

    verdict = read(context, lambda service: reading.audit_verify(service, head), partly=True)
    if verdict["sound"]:
        say(_("The audit is sound: {count} rows, head {head}.").format(**verdict), as_json)
    else:
        say(_("The audit is NOT sound: {reason}").format(**verdict), as_json)
    if as_json:
        emit(verdict)
    if not verdict["sound"]:
        raise typer.Exit(1)


def head(context: typer.Context, as_json: AsJson = False) -> None:
    from alertbot.service import reading

    found = read(context, reading.audit_head, partly=True)
    if as_json:
        emit(found)
    else:
        say(f"{found['count']} {found['head']}")


def export(context: typer.Context, as_json: AsJson = False) -> None:
    from alertbot.service import reading

    rows = read(context, reading.audit_export, partly=True)
    if as_json:
        emit(rows)
        return
    for row in rows:
        say(
            "  ".join(
                str(row[key] or "") for key in ("seq", "at", "actor", "verb", "alert", "remote_id")
            )
        )
