"""What kinds of alert there are: kinds. No database, no token, no configuration needed."""

from typing import Annotated

import typer

from alertbot.app import voice_for
from alertbot.cli.frame import AsJson, console, emit, say, session
from alertbot.errors import Misuse
from alertbot.preview.tables import kind_details, kinds_table
from alertbot.service import previewing
from alertbot.words import _


def kinds(
    context: typer.Context,
    kind: Annotated[
        str | None, typer.Argument(metavar=_("[KIND]"), help=_("One kind's fields."))
    ] = None,
    as_example: Annotated[
        bool, typer.Option("--example", help=_("Print its example as YAML, ready for --vars."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    voice = voice_for(session(context).config, session(context).config_path())
    if as_example:
        if kind is None:
            raise Misuse(_("Which kind? For example: alertbot kinds status --example"))
        if as_json:
            emit(previewing.example(voice, kind))
        else:
            say(previewing.example_yaml(voice, kind).rstrip("\n"))
        return
    found = previewing.kinds(voice) if kind is None else previewing.kind_facts(voice, kind)
    if as_json:
        emit(found)
        return
    console().print(kinds_table(found) if isinstance(found, list) else kind_details(found))
