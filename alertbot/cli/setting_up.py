"""Setting up: init."""

from pathlib import Path
from typing import Annotated

import typer

from alertbot import init_config
from alertbot.cli.frame import AsJson, emit, say
from alertbot.errors import Misuse
from alertbot.init_config import questions
from alertbot.words import _


def init(
    folder: Annotated[Path, typer.Argument(metavar=_("[DIR]"), help=_("Where to write it."))] = Path(),
    defaults: Annotated[
        bool, typer.Option("--defaults", help=_("Ask nothing; ready for the sandbox."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    if as_json and not defaults:
        raise Misuse(_("`init` asks questions, which --json cannot: give --defaults as well."))
    written = init_config.write(folder, None if defaults else _ask())
    for path in written:
        say(_("Wrote {path}. Next: alertbot check").format(path=path), as_json)
    if as_json:
        emit({"written": [str(path) for path in written]})


def _ask() -> dict[str, str]:
    """Put each question that the answers so far call for; an empty answer takes what stands in brackets."""

    answers: dict[str, str] = {}
    for question in questions():
        while question.asked(answers) and question.key not in answers:
            answer = typer.prompt(question.text, default=question.default, err=True).strip()
            if fault := question.fault(answer):
                typer.echo(fault, err=True)
            else:
                answers[question.key] = answer
    return answers
