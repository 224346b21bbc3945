"""The configuration: check, config schema."""

from typing import Annotated, Any

import typer

from alertbot import config
from alertbot.channels.directory import adapter_types
from alertbot.cli.frame import AsJson, emit, say
from alertbot.cli.running import with_app
from alertbot.service.checking import check_all
from alertbot.words import _


def check(
    context: typer.Context,
    online: Annotated[
        bool, typer.Option("--online", help=_("Also ask every channel who it is."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    report = with_app(context, lambda app: check_all(app, online=online))
    for line in report["lines"]:
        say(line, as_json)
    if as_json:
        emit({key: value for key, value in report.items() if key != "lines"})
    if not report["sound"]:
        raise typer.Exit(2)


def schema(as_json: AsJson = False) -> None:  # noqa: ARG001 - it is JSON in any case

    types: dict[str, Any] = {name: one.settings_type for name, one in adapter_types().items()}
    emit(config.schema(types))
