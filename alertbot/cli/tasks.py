"""What waits for a person: task list, task done."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alertbot.cli.frame import AsJson, TokenFile, act, console, emit, example, read, say
from alertbot.cli.typer_words import App
from alertbot.words import _

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alertbot.model import Person
    from alertbot.service.context import Context

LARGEST_NUMBER = 2**31 - 1  # that a task's number can be


def register(app: typer.Typer) -> None:
    tasks = App(
        help=_("What waits for a person: numbers about to end, updates promised and late."),
        epilog=example("alertbot task list"),
        no_args_is_help=True,
    )
    tasks.command(
        "list",
        help=_("List open tasks, the most pressing first."),
        epilog=example("alertbot task list --all"),
    )(list_)
    tasks.command(
        "done",
        help=_("Say that a task is done."),
        epilog=example('alertbot task done 3 --outcome "Told the SAMU of Lyon by telephone"'),
    )(done)
    app.add_typer(tasks, name="task")


def list_(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help=_("The ones that are done too."))] = False,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import tasks

    async def work(service: "Context") -> tuple[list[dict[str, Any]], "ZoneInfo"]:
        return await tasks.listing(service, every=every), service.voice.zone

    rows, zone = read(context, work)
    if as_json:
        emit(rows)
        return
    from alertbot.preview.tasks import tasks_table

    console().print(tasks_table(rows, zone))


def done(
    context: typer.Context,
    task: Annotated[
        int,
        typer.Argument(
            metavar=_("TASK"), min=1, max=LARGEST_NUMBER, help=_("Its number in `alertbot task list`.")
        ),
    ],
    outcome: Annotated[
        str | None, typer.Option(metavar=_("TEXT"), help=_("What was done, for the audit."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import tasks

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await tasks.done(service, person, task, outcome)

    view = act(context, work, token_file)
    say(_("Task {id} is done: {text}").format(**view), as_json)
    if as_json:
        emit(view)
