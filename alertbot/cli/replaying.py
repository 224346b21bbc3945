"""Playing a case of the past against the rules."""

import asyncio
import gc
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from alertbot.cli.frame import AsJson, console, emit, say
from alertbot.config import Duration
from alertbot.errors import Misuse
from alertbot.replay.page import render
from alertbot.replay.player import play
from alertbot.replay.policy import Playbook, read_playbook
from alertbot.replay.report import show
from alertbot.replay.results import Replay
from alertbot.replay.timeline import Timeline, read_case
from alertbot.words import _

LONGEST_DELAY_DAYS = 7


def replay(
    case: Annotated[
        Path, typer.Argument(metavar=_("CASE_DIR"), help=_("The folder with the case's timeline.yaml."))
    ],
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy",
            metavar=_("FILE"),
            help=_(
                "Rules and policy instead of the shipped ones: `rules:` and `watch:` as in a configuration."
            ),
        ),
    ] = None,
    approver_delay: Annotated[
        str,
        typer.Option(
            "--approver-delay",
            metavar=_("TIME"),
            help=_("How long a person takes to answer; 3m unless given."),
        ),
    ] = "3m",
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar=_("FILE"), help=_("Write the story as a page, with a picture of it.")
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    delay = _delay(approver_delay)
    timeline, playbook = read_case(case), read_playbook(policy)
    played = _played(timeline, playbook, delay)
    if html is not None:
        _write(html, played)
    if as_json:
        emit(played.document())
    else:
        show(console(), played)


def _delay(text: str) -> timedelta:
    try:
        found: timedelta = TypeAdapter(Duration).validate_python(text)
    except ValidationError:
        raise Misuse(
            _("--approver-delay {text} is not a length of time such as 90s, 3m or 1h30m.").format(
                text=text[:40]
            )
        ) from None
    if found > timedelta(days=LONGEST_DELAY_DAYS):
        raise Misuse(
            _("--approver-delay {text} is longer than {days} days.").format(
                text=text[:40], days=LONGEST_DELAY_DAYS
            )
        )
    return found


def _played(timeline: Timeline, playbook: Playbook, delay: timedelta) -> Replay:
    """The replay, with its progress on stderr."""

    gc.enable()  # see `alertbot.__main__`
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    zone, steps = timeline.zone, [entry.at for entry in timeline.entries]
    where = console(as_json=True)
    with Progress(*columns, console=where, transient=True, disable=not where.is_terminal) as progress:
        bar = progress.add_task(_("starting"), total=len(steps) or 1)

        def moved(at: datetime) -> None:
            said = f"{at.astimezone(zone):%d/%m %H:%M}"
            progress.update(bar, completed=sum(one <= at for one in steps), description=said)

        return asyncio.run(play(timeline, playbook, approver_delay=delay, progress=moved))


def _write(path: Path, played: Replay) -> None:
    """The page, whole or not at all."""

    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        draft.write_text(render(played), encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise Misuse(
            _("{path} cannot be written: {why}.").format(path=path, why=error.strerror)
        ) from None
    say(_("The story is in {path}.").format(path=path), as_json=True)
