"""What whoever runs the program does: set it up (init, check, config, db), publish what is due (run), and serve
alertbot's own pages beside the worker (serve)."""

from pathlib import Path
from typing import Annotated, Any

import typer

from alertbot.alerts import showing
from alertbot.alerts.views import AlertView
from alertbot.app import App, build
from alertbot.channels.directory import adapter_types
from alertbot.cli.frame import AsJson, emit, say, session
from alertbot.cli.parsing import whole_number
from alertbot.cli.running import with_app
from alertbot.cli.tables.show_tables import sent_line
from alertbot.config import reading, starter
from alertbot.config.starter_questions import StarterQuestion, questions
from alertbot.core import logs
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.db import migrate
from alertbot.delivery.runners import RunTally
from alertbot.ops import working
from alertbot.ops.check import check_all
from alertbot.ops.views import ServedView


def init(
    folder: Annotated[
        Path, typer.Argument(metavar=_("[DIR]"), help=_("Folder to write it to."))
    ] = Path(),
    defaults: Annotated[
        bool, typer.Option("--defaults", help=_("Ask nothing; set up for the sandbox."))
    ] = False,
    region: Annotated[
        str | None, typer.Option("--region", metavar=_("CODE"), help=_("The country, such as GB."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    if as_json and not defaults:
        raise Misuse(_("`init` asks questions, which does not work with --json: add --defaults."))
    answers = {} if region is None else {"region": region.strip().upper()}
    given = (answers or None) if defaults else _ask(answers)
    written = starter.write(folder, given)
    for path in written:
        say(_("Wrote {path}. Next: alertbot check").format(path=path), as_json)
    if as_json:
        emit({"written": [str(path) for path in written]})


def _ask(answers: dict[str, str]) -> dict[str, str]:
    """Ask each question that the answers so far require, the country first, since the others' defaults hang on it;
    an empty answer takes the default in brackets."""
    country = questions()[0]
    answers = answers or {country.key: _answer(country)}
    for question in questions(answers[country.key])[1:]:
        if question.asked(answers):
            answers[question.key] = _answer(question)
    return answers


def _answer(question: StarterQuestion) -> str:
    while True:
        answer = str(typer.prompt(question.text, default=question.default, err=True)).strip()
        if not (fault := question.fault(answer)):
            return answer
        typer.echo(fault, err=True)


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


def worker(context: typer.Context, as_json: AsJson = False) -> None:
    logs.ready()
    say(_("The worker is running. Stop it with Ctrl-C or SIGTERM."), as_json)
    stopped = with_app(context, working.work_beside)
    say(_("The worker has stopped; no calls in progress."), as_json)
    if as_json:
        emit(stopped)


def drain_now(context: typer.Context, view: AlertView, as_json: bool) -> None:
    """Work until nothing is claimable, then report one alert."""

    async def work(app: App) -> tuple[RunTally, AlertView]:
        tally = await working.run_once(app)
        service = await app.open()
        return tally, await showing.outlook(service, await showing.brief(service, view.id))

    tally, after = with_app(context, work)
    if after.verdict:
        for line in (after.verdict.said, *after.verdict.further):
            say(f"  {line}", as_json)
    _leave_with(tally, as_json, document=after)


def _leave_with(tally: RunTally, as_json: bool, document: AlertView | None = None) -> None:
    say(sent_line(tally.sent, tally.failed, tally.uncertain, tally.waiting), as_json)
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
