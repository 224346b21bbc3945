"""Looking before anything exists: preview. No database, no token, no configuration needed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from alertbot.app import voice_for
from alertbot.cli.frame import (
    Accepts,
    AsJson,
    Channels,
    Langs,
    Sets,
    Vars,
    console,
    drawable,
    emit,
    say,
    session,
    split_pairs,
)
from alertbot.service.composing import asks, load_kind
from alertbot.service.previewing import look
from alertbot.service.voice import Voice
from alertbot.service.wishes import Wishes, field_values
from alertbot.words import _


def preview(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar=_("KIND"), help=_("See `alertbot kinds`."))],
    sets: Sets = None,
    vars_file: Vars = None,
    lang: Langs = None,
    channel: Channels = None,
    accept: Accepts = None,
    exercise: Annotated[bool, typer.Option("--exercise", help=_("Inside the exercise frame."))] = False,
    html: Annotated[
        Path | None, typer.Option(metavar=_("FILE"), help=_("Also write one self-contained page."))
    ] = None,
    as_json: AsJson = False,
) -> None:
    voice = voice_for(session(context).config, session(context).config_path())
    wishes = Wishes(
        kind=kind,
        given=field_values(sets, vars_file),
        languages=tuple(lang or ()),
        channels=tuple(channel or ()),
        accepted=split_pairs(accept, "--accept"),
        exercise=exercise,
    )
    seen = look(voice, _resolved(context, voice, wishes))
    if html:
        from alertbot.preview.files import write_preview

        write_preview(html, seen)
        say(_("The preview is in {path}.").format(path=html), as_json=True)
    show_sheet(seen, as_json)
    if not seen.composition.publishable:
        raise typer.Exit(1)


def _resolved(context: typer.Context, voice: Voice, wishes: Wishes) -> Wishes:
    """With the register's rows where it was asked; only then is the database opened."""
    if not asks(load_kind(voice, wishes.kind)[0], wishes.given):
        return wishes
    from alertbot.cli.running import read
    from alertbot.service import register

    return read(context, lambda service: register.look_up(service, wishes))


def show_sheet(seen: Any, as_json: bool = False) -> None:
    """A preview: drawn where it can be, else as plain text, or as JSON."""
    if as_json:
        from alertbot.preview.document import document

        emit(document(seen))
    elif drawable():
        from alertbot.preview.panels import show

        show(console(), seen)
    else:
        from alertbot.preview.plain import plain

        say(plain(seen))
