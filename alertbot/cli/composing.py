"""Looking before anything exists: preview and kinds. No database, no token, no configuration needed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    example,
    read,
    say,
    session,
    split_pairs,
)
from alertbot.words import _

if TYPE_CHECKING:
    from alertbot.service.voice import Voice
    from alertbot.service.wishes import Wishes


def register(app: typer.Typer) -> None:
    app.command(
        "preview",
        help=_(
            "Show what each channel would show, in each language, and what stands in the way. With no values"
            " given it shows the kind's example."
        ),
        epilog=example("alertbot preview status --vars facts.yaml --html preview.html"),
    )(preview)
    app.command(
        "kinds",
        help=_("List the kinds of alert, or one kind's fields."),
        epilog=example("alertbot kinds status --example > facts.yaml"),
    )(kinds)


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
    from alertbot.app import voice_for
    from alertbot.service.previewing import look
    from alertbot.service.wishes import Wishes, field_values

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


def _resolved(context: typer.Context, voice: "Voice", wishes: "Wishes") -> "Wishes":
    """With the register's rows where it was asked; only then is the database opened."""
    from alertbot.service.composing import asks, load_kind

    if not asks(load_kind(voice, wishes.kind)[0], wishes.given):
        return wishes
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
    from alertbot.app import voice_for
    from alertbot.errors import Misuse
    from alertbot.service import previewing

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
    from alertbot.preview.tables import kind_details, kinds_table

    console().print(kinds_table(found) if isinstance(found, list) else kind_details(found))
