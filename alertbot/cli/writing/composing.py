"""Looking before anything exists: preview. No database, no token, no configuration needed.

What only a configuration, a terminal or the register needs is imported where it is asked for: a preview
without them starts at once.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from alertbot.alerts import compose
from alertbot.alerts.compose import QUERY_FIELDS, DraftRequest, asks, field_values, load_kind, look
from alertbot.cli.frame import (
    Accepts,
    AsJson,
    Channels,
    Force,
    Langs,
    NoPager,
    Sets,
    Vars,
    console,
    drawable,
    emit,
    say,
    session,
    split_pairs,
)
from alertbot.cli.parsing import offered
from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.texts.preview.html_page import require_writable, write_preview
from alertbot.texts.preview.phrases import Sheet
from alertbot.texts.preview.plain import plain
from alertbot.texts.publisher import Publisher, unconfigured_publisher
from alertbot.texts.views import kind_details_view, kind_view, preview_view

OneKind = Annotated[
    str,
    typer.Argument(metavar=_("KIND"), help=_("See `alertbot kinds`."), autocompletion=offered("kinds")),
]


def preview(
    context: typer.Context,
    kind: OneKind,
    sets: Sets = None,
    vars_file: Vars = None,
    lang: Langs = None,
    channel: Channels = None,
    accept: Accepts = None,
    exercise: Annotated[bool, typer.Option("--exercise", help=_("With the exercise marks."))] = False,
    html: Annotated[
        Path | None,
        typer.Option(metavar=_("FILE"), help=_("Also write it to one self-contained page.")),
    ] = None,
    full: Annotated[
        bool,
        typer.Option(
            "--full", help=_("Show every text of every channel, and the prepared retraction.")
        ),
    ] = False,
    force: Force = False,
    no_pager: NoPager = False,
    as_json: AsJson = False,
) -> None:
    if html:
        require_writable(html, force=force)
    publisher = _publisher(context, tell=True)
    wishes = DraftRequest(
        kind=kind,
        given=field_values(sets, vars_file),
        languages=tuple(lang or ()),
        channels=tuple(channel or ()),
        accepted=split_pairs(accept, "--accept"),
        exercise=exercise,
    )
    seen = look(publisher, _resolved(context, publisher, wishes))
    if html:
        _write_page(html, seen)
    show_sheet(seen, as_json, pager=not no_pager, full=full)
    if not seen.composition.publishable:
        raise typer.Exit(1)


def _write_page(path: Path, seen: Sheet) -> None:
    write_preview(path, seen)
    say(_("The preview is in {path}.").format(path=path), as_json=True)


def _publisher(context: typer.Context, *, tell: bool = False) -> Publisher:
    """The configured publisher if a configuration was named or exists in the default place, else a
    default one; `tell`: a person at a terminal is told so.

    Raises `ConfigInvalid` for a named configuration that is missing, or for an invalid one.
    """
    named, path = session(context).config, session(context).config_path()
    if named is None and not path.exists():
        if tell and sys.stdout.isatty():
            sentence = _(
                "There is no configuration ({path}): this is how it looks for an example organisation with one"
                " X account, one Telegram channel and one mailing list. Yours is written by: alertbot init"
            )
            print(sentence.format(path=path), file=sys.stderr)
        return unconfigured_publisher()
    from alertbot.app import build

    return build(path).publisher


def _resolved(context: typer.Context, publisher: Publisher, wishes: DraftRequest) -> DraftRequest:
    """The values with the register's rows, if they query it; only then is the database opened."""
    may_ask = any(wishes.given.get(name) for name in QUERY_FIELDS)
    if not may_ask or not asks(load_kind(publisher, wishes.kind), wishes.given):
        return wishes
    from alertbot.alerts.lists import register
    from alertbot.cli.running import read

    return read(context, lambda service: register.look_up(service, wishes))


def show_sheet(seen: Sheet, as_json: bool = False, *, pager: bool = True, full: bool = False) -> None:
    """Print a preview: drawn if possible, in the pager if longer than the screen; else as plain text, or as
    JSON. `full`: with every text."""
    if as_json:
        emit(preview_view(seen))
    elif drawable():
        from alertbot.cli.tables import paging

        paging.show_sheet(console(), seen, pager=pager, full=full)
    else:
        say(plain(seen, full=full))


def kinds(
    context: typer.Context,
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar=_("[KIND]"),
            help=_("Show the fields of this kind."),
            autocompletion=offered("kinds"),
        ),
    ] = None,
    as_example: Annotated[
        bool, typer.Option("--example", help=_("Print the kind's example as YAML, ready for --vars."))
    ] = False,
    as_form: Annotated[
        bool,
        typer.Option(
            "--form", help=_("Print the kind's fields with their hints, to be filled in for --vars.")
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    publisher = _publisher(context)
    if as_example or as_form:
        if kind is None:
            raise Misuse(_("Which kind? For example: alertbot kinds status --example"))
        if as_form:
            say(compose.blank_form(publisher, kind).rstrip("\n"))
        elif as_json:
            emit(compose.example(publisher, kind))
        else:
            say(compose.example_yaml(publisher, kind).rstrip("\n"))
        return
    from alertbot.cli.tables.show_tables import kind_details, kinds_table

    if kind is None:
        found = [kind_view(one) for one in compose.kinds(publisher)]
        emit(found) if as_json else console().print(kinds_table(found))
        return
    one = kind_details_view(load_kind(publisher, kind))
    emit(one) if as_json else console().print(kind_details(one))
