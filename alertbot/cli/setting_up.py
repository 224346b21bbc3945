"""Setting up: init, check, config schema, db upgrade."""

from pathlib import Path
from typing import Annotated, Any

import typer

from alertbot.cli.frame import AsJson, emit, example, say, session, with_app
from alertbot.cli.typer_words import App
from alertbot.errors import Misuse
from alertbot.words import _


def register(app: typer.Typer) -> None:
    app.command(
        "init",
        help=_("Write a commented configuration, by asking or with --defaults."),
        epilog=example("alertbot init --defaults"),
    )(init)
    app.command(
        "check",
        help=_("Check the configuration, every kind and template; list missing secrets."),
        epilog=example("alertbot check --online"),
    )(check)
    config = App(
        help=_("The configuration itself."),
        epilog=example("alertbot config schema"),
        no_args_is_help=True,
    )
    config.command(
        "schema",
        help=_("Print the JSON Schema of the configuration, so that editors complete and check it."),
        epilog=example("alertbot config schema > config.schema.json"),
    )(schema)
    config.callback()(_group)
    app.add_typer(config, name="config")
    db = App(
        help=_("The database itself."),
        epilog=example("alertbot db upgrade --dry-run"),
        no_args_is_help=True,
    )
    db.command(
        "upgrade",
        help=_("Create or migrate the database; with --dry-run only show what would be done."),
        epilog=example("alertbot db upgrade --dry-run"),
    )(upgrade)
    db.callback()(_group)
    app.add_typer(db, name="db")


def _group() -> None:
    """Keeps a group with a single command a group."""


def init(
    folder: Annotated[Path, typer.Argument(metavar=_("[DIR]"), help=_("Where to write it."))] = Path(),
    defaults: Annotated[
        bool, typer.Option("--defaults", help=_("Ask nothing; ready for the sandbox."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from alertbot import init_config

    if as_json and not defaults:
        raise Misuse(_("`init` asks questions, which --json cannot: give --defaults as well."))
    written = init_config.write(folder, None if defaults else _ask())
    for path in written:
        say(_("Wrote {path}. Next: alertbot check").format(path=path), as_json)
    if as_json:
        emit({"written": [str(path) for path in written]})


def _ask() -> dict[str, str]:
    """Put each question that the answers so far call for; an empty answer takes what stands in brackets."""
    from alertbot.init_config import questions

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
        bool, typer.Option("--online", help=_("Also ask every channel who it is."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from alertbot.service.checking import check_all

    report = with_app(context, lambda app: check_all(app, online=online))
    for line in report["lines"]:
        say(line, as_json)
    if as_json:
        emit({key: value for key, value in report.items() if key != "lines"})
    if not report["sound"]:
        raise typer.Exit(2)


def schema(as_json: AsJson = False) -> None:  # noqa: ARG001 - it is JSON in any case
    from alertbot import config
    from alertbot.channels.directory import adapter_types

    types: dict[str, Any] = {name: one.settings_type for name, one in adapter_types().items()}
    emit(config.schema(types))


def upgrade(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=_("Change nothing."))] = False,
    as_json: AsJson = False,
) -> None:
    from alertbot.app import build
    from alertbot.store import migrate

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
