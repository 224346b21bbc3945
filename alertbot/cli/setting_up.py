"""Commands for setting up: init, check, config, db."""

from pathlib import Path
from typing import Annotated, Any

import typer

from alertbot.app import build
from alertbot.channels.directory import adapter_types
from alertbot.cli.frame import AsJson, emit, say, session
from alertbot.cli.running import with_app
from alertbot.config import reading, starter
from alertbot.config.starter import questions
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.db import migrate
from alertbot.ops.check import check_all


def init(
    folder: Annotated[
        Path, typer.Argument(metavar=_("[DIR]"), help=_("Folder to write it to."))
    ] = Path(),
    defaults: Annotated[
        bool, typer.Option("--defaults", help=_("Ask nothing; set up for the sandbox."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    if as_json and not defaults:
        raise Misuse(_("`init` asks questions, which does not work with --json: add --defaults."))
    written = starter.write(folder, None if defaults else _ask())
    for path in written:
        say(_("Wrote {path}. Next: alertbot check").format(path=path), as_json)
    if as_json:
        emit({"written": [str(path) for path in written]})


def _ask() -> dict[str, str]:
    """Ask each question that the answers so far require; an empty answer takes the default in brackets."""

    answers: dict[str, str] = {}
    for question in questions():
        while question.asked(answers) and question.key not in answers:
            answer = typer.prompt(question.text, default=question.default, err=True).strip()
            if fault := question.fault(answer):
                typer.echo(fault, err=True)
            else:
                answers[question.key] = answer
    return answers


def check(
    context: typer.Context,
    online: Annotated[
        bool, typer.Option("--online", help=_("Also ask each channel which account it is."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    report = with_app(context, lambda app: check_all(app, online=online))
    for line in report.lines:
        say(line, as_json)
    if as_json:
        emit(report)
    if not report.sound:
        raise typer.Exit(2)


def schema(as_json: AsJson = False) -> None:  # noqa: ARG001 - it is JSON in any case

    types: dict[str, Any] = {name: one.settings_type for name, one in adapter_types().items()}
    emit(reading.schema(types))


def upgrade(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Change nothing."))] = False,
    as_json: AsJson = False,
) -> None:
    url = build(session(context).config_path()).config.database_url
    steps = migrate.pending(url)
    if not steps:
        say(_("The database is up to date."), as_json)
    for step in steps:
        say(f"{step.revision}  {step.description}", as_json)
    if steps and not dry_run:
        with_app(context, lambda app: app.open())
        say(_("The database has been migrated."), as_json)
    if as_json:
        emit({"pending": [step.revision for step in steps], "done": bool(steps) and not dry_run})
