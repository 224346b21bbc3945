"""The evening of 2 June 2021, on loopback."""

import asyncio
import gc
from pathlib import Path
from typing import Annotated

import typer

from alertbot.cli.frame import AsJson, console, emit
from alertbot.demo.evening import play
from alertbot.demo.report import show
from alertbot.words import _


def demo(
    output: Annotated[
        Path,
        typer.Option(metavar=_("DIR"), help=_("Where the wall, the database and the audit are left.")),
    ] = Path("demo-output"),
    as_json: AsJson = False,
) -> None:
    gc.enable()  # see `alertbot.__main__`

    told = asyncio.run(play(output, console(as_json=True)))
    if as_json:
        emit(told.document())
    else:
        show(console(), told)
    if not told.complete:
        raise typer.Exit(3)
