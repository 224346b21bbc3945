"""What waits for a person: task list, task done."""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from alertbot.cli.frame import AsJson, TokenFile, console, emit, say
from alertbot.cli.misuse import whole_number
from alertbot.cli.running import act, read
from alertbot.cli.tables.show_incidents import tasks_table
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.people import tasks
from alertbot.people.views import TaskView
from alertbot.watch.context import WatchContext

LARGEST_NUMBER = 2**31 - 1  # that a task's number can be


def list_(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help=_("The ones that are done too."))] = False,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext) -> tuple[list[TaskView], ZoneInfo]:
        return await tasks.listing(service, every=every), service.publisher.zone

    rows, zone = read(context, work)
    if as_json:
        emit(rows)
        return

    console().print(tasks_table(rows, zone))


def done(
    context: typer.Context,
    task: Annotated[
        int,
        typer.Argument(
            metavar=_("TASK"),
            parser=whole_number(1, LARGEST_NUMBER),
            help=_("Its number in `alertbot task list`."),
        ),
    ],
    outcome: Annotated[
        str | None, typer.Option(metavar=_("TEXT"), help=_("What was done, for the audit."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> TaskView:
        return await tasks.done(service, person, task, outcome)

    view = act(context, work, token_file)
    say(_("Task {id} is done: {text}").format(id=view.id, text=view.text), as_json)
    if as_json:
        emit(view)
