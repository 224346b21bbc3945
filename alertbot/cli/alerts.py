"""An alert that is there: edit, show, submit, discard, record, test-send."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from alertbot.alerts import for_others, publishing, showing, writing
from alertbot.alerts.compose import field_values
from alertbot.alerts.for_others import OtherTexts
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.cli.frame import (
    Accepts,
    AlertId,
    AsJson,
    Force,
    Langs,
    LastAlert,
    NoPager,
    Sets,
    TokenFile,
    Vars,
    console,
    emit,
    say,
    session,
    split_pairs,
    this_or_last,
)
from alertbot.cli.running import act, read
from alertbot.cli.tables import paging, show_alerts
from alertbot.cli.writing import forms
from alertbot.core.errors import Misuse
from alertbot.core.model import Person, RawValues
from alertbot.core.words import _, ngettext
from alertbot.people.rules import Verb, require_role
from alertbot.texts import poster
from alertbot.texts.posts.writing import plain
from alertbot.texts.preview.html_page import require_writable, write_preview
from alertbot.watch.context import WatchContext


def _stated(name: str, value: str) -> str:
    return _("{name}: {value}").format(name=name, value=value)


def report(view: AlertView, sentence: str, as_json: bool) -> None:
    """Print the state of an alert, then the faults that still stop it."""
    say(sentence, as_json)
    for fault in view.faults:
        if view.contradictions and fault.rule == "contradicts":
            continue  # shown below, with both texts
        say(f"  ✗ {_stated(fault.rule, fault.message)}", as_json)
    for warning in view.warnings:
        say(f"  ! {_stated(warning.rule, warning.message)}", as_json)
    for left in view.omitted:
        place = left.channel + (f" ({left.lang})" if left.lang else "")
        say(f"  – {_stated(place, left.reason)}", as_json)
    if view.contradictions:
        show_alerts.show(console(as_json), view.contradictions)
    if as_json:
        emit(view)


def edit(
    context: typer.Context,
    alert: LastAlert = None,
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    alert = this_or_last(context, alert, token_file)
    changes = field_values(sets, vars_file)
    accepted = split_pairs(accept, "--accept")

    def save(values: RawValues, revision: int | None = None) -> AlertView:
        async def work(service: WatchContext, person: Person) -> AlertView:
            return await writing.edit(service, person, alert, values, accepted, revision=revision)

        return act(context, work, token_file)

    if changes or accepted:
        view = save(changes)
    else:
        act(context, _may_edit, token_file)  # who may not edit learns it before the editor opens
        opened = read(context, lambda service: showing.opened(service, alert))
        view = forms.edited(opened, lambda found: save(found, opened.revision), quiet=as_json)
    report(
        view,
        _("{id} is a draft again (revision {revision}).").format(id=view.id, revision=view.revision),
        as_json,
    )


async def _may_edit(_service: WatchContext, person: Person) -> None:
    require_role(Verb.EDIT, person)


def submit(
    context: typer.Context,
    alert: LastAlert = None,
    retime: Annotated[
        bool,
        typer.Option(
            "--retime", help=_("Render again: `now` and relative times count from this moment.")
        ),
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    alert = this_or_last(context, alert, token_file)

    async def work(service: WatchContext, person: Person) -> AlertView:
        view = await writing.submit(service, person, alert, retime=retime)
        return await showing.outlook(service, view)

    view = act(context, work, token_file)
    report(view, needs(view), as_json)


def needs(view: AlertView) -> str:
    """What a submitted alert needs, by when; then who was asked, and what happens next."""
    left = view.approvals.needed
    sentence = ngettext(
        "{id} needs {left} approval. Someone else runs: alertbot show {id}, then alertbot approve {id}",
        "{id} needs {left} approvals. Other people run: alertbot show {id}, then alertbot approve {id}",
        left,
    )
    said = [sentence.format(id=view.id, left=left)]
    if view.verdict:
        said += [view.verdict.said, *(f"  {line}" for line in view.verdict.further)]
    return "\n".join(said)


def discard(
    context: typer.Context, alert: AlertId, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    view = act(context, lambda service, person: writing.discard(service, person, alert), token_file)
    report(view, _("{id} was discarded; it never went out.").format(id=view.id), as_json)


def record(
    context: typer.Context,
    alert: AlertId,
    channel: Annotated[str, typer.Option(metavar="C", help=_("Channel it was posted on."))],
    url: Annotated[str, typer.Option(metavar="U", help=_("Address of the post."))],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> AlertView:
        return await publishing.record(service, person, alert, channel, url)

    view = act(context, work, token_file)
    report(
        view,
        _(
            "Recorded: {id} was posted by hand on {channel}. Updates and corrections will follow it."
        ).format(id=view.id, channel=channel),
        as_json,
    )


def test_send(
    context: typer.Context,
    alert: AlertId,
    to: Annotated[
        str, typer.Option("--to", metavar=_("CHANNEL"), help=_("A channel with audience `team`."))
    ],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> AlertView:
        return await publishing.test_send(service, person, alert, to)

    view = act(context, work, token_file)
    report(
        view,
        _(
            "A test of {id} is queued for {channel}. It is marked as a test; only the team sees it."
        ).format(id=view.id, channel=to),
        as_json,
    )


def _show_as(
    context: typer.Context,
    alert: str,
    form: str,
    output: Path | None,
    lang: list[str] | None,
    sets: list[str] | None,
    *,
    force: bool,
) -> None:
    if output and output.exists() and not force:
        raise Misuse(_("{path} exists; replace it with --force.").format(path=output))
    given = field_values(sets, None)

    async def work(service: WatchContext) -> OtherTexts:
        return await for_others.made(service, alert, form, lang or (), given)

    found = read(context, work)
    for note in found.notes:
        typer.echo(f"! {note}", err=True)
    pages = [(one.lang, one.title, one.blocks) for one in found.texts]
    content = _as_file(form, pages, output)
    if output is None:
        sys.stdout.write(content.decode())
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        why = _("{path} cannot be written: {why}.")
        raise Misuse(why.format(path=output, why=error.strerror)) from None
    say(_("{form} of {alert}: {path}").format(form=form, alert=alert, path=output))


def _as_file(form: str, pages: Sequence[poster.Page], output: Path | None) -> bytes:
    """The text as the name of the file asks for it. Raises `Misuse` for one that this form has not."""
    kind = output.suffix.lower() if output else ""
    if form == "poster" and kind == ".pdf":
        return poster.pdf(pages)
    if form == "poster" and kind in ("", ".html", ".htm"):
        return poster.html(pages).encode()
    if form != "poster" and kind in ("", ".txt", ".md"):
        return ("\n\n".join(plain(blocks) for _lang, _title, blocks in pages) + "\n").encode()
    wanted = ".html, .pdf" if form == "poster" else ".txt"
    raise Misuse(
        _("A text of the form {form} is written as {wanted}.").format(form=form, wanted=wanted)
    )


AsForm = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar=_("FORM"),
        help=_(
            "The same values for others: press (a release), radio (20 seconds to read aloud), poster (an A4 page),"
            " relay (for those who answer the public), handover (for the next shift)."
        ),
    ),
]
ToFile = Annotated[
    Path | None,
    typer.Option(metavar=_("FILE"), help=_("With --as: write it there; a poster as .html or .pdf.")),
]
ToPage = Annotated[
    Path | None, typer.Option(metavar=_("FILE"), help=_("Write the full preview to one page."))
]
TextOnly = Annotated[
    bool,
    typer.Option(
        "--text",
        help=_("Only the plain text, for press and radio. Whoever approves must see the whole."),
    ),
]


def show(
    context: typer.Context,
    alert: LastAlert = None,
    text: TextOnly = False,
    html: ToPage = None,
    form: AsForm = None,
    output: ToFile = None,
    lang: Langs = None,
    sets: Sets = None,
    force: Force = False,
    no_pager: NoPager = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    alert = this_or_last(context, alert, token_file)
    if form:
        _show_as(context, alert, form, output, lang, sets, force=force)
        return
    if output or lang or sets:
        raise Misuse(_("--output, --lang and --set go with --as."))
    token = session(context).token(token_file)
    whole = as_json or html is not None or not text  # the bare text shows no channels or targets

    async def work(service: WatchContext) -> ShownAlertView:
        return await showing.show(service, alert, token, whole=whole)

    if html:
        require_writable(html, force=force)
    shown = read(context, work, token_file=token_file)
    if html:
        write_preview(html, shown.sheet)
        say(_("The preview of {id} is in {path}.").format(id=shown.id, path=html), as_json)
    if as_json:
        emit(shown)
    elif text:
        say(shown.plain)
    elif not html:
        where = console()
        paging.paged(where, lambda: show_alerts.show_alert(where, shown), pager=not no_pager)
