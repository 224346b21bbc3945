"""Writing an alert: draft, edit, show, submit, discard, record, test-send."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alertbot.cli.frame import (
    Accepts,
    AlertId,
    AsJson,
    Channels,
    Langs,
    Sets,
    TokenFile,
    Vars,
    act,
    console,
    emit,
    example,
    read,
    say,
    session,
    split_pairs,
)
from alertbot.errors import Misuse
from alertbot.words import _, ngettext

if TYPE_CHECKING:
    from alertbot.model import Person
    from alertbot.service.context import Context


STDERR = 2  # where an editor talks while stdout belongs to a document


def register(app: typer.Typer) -> None:
    app.command(
        "draft",
        help=_("Write an alert. Nothing goes out before it is submitted and approved."),
        epilog=example("alertbot draft status --vars facts.yaml --set next_update=+30m"),
    )(draft)
    app.command(
        "edit",
        help=_(
            "Change an alert that is not out yet; approvals given before become void. With --set, or without it in $EDITOR on the values."
        ),
        epilog=example("alertbot edit BKRT-1 --set next_update=+45m"),
    )(edit)
    app.command(
        "show",
        help=_(
            "Show an alert as the public will see it, and where it stands. With your token, what you were shown is what `approve` approves."
        ),
        epilog=example("alertbot show BKRT-1"),
    )(show)
    app.command(
        "submit",
        help=_("Ask for approval of a draft."),
        epilog=example("alertbot submit BKRT-1"),
    )(submit)
    app.command(
        "discard",
        help=_("Throw away an alert that was never approved."),
        epilog=example("alertbot discard BKRT-1"),
    )(discard)
    app.command(
        "record",
        help=_(
            "Say that somebody posted an alert by hand, so that updates and corrections can follow it."
        ),
        epilog=example("alertbot record BKRT-1 --channel x_main --url https://x.com/i/web/status/1"),
    )(record)
    app.command(
        "test-send",
        help=_("Send an alert to the team only, marked as a test, to see it on a real device."),
        epilog=example("alertbot test-send BKRT-1 --to team"),
    )(test_send)


def _stated(name: str, value: str) -> str:
    return _("{name}: {value}").format(name=name, value=value)


def report(view: dict[str, Any], sentence: str, as_json: bool) -> None:
    """Tell what became of an alert, then what still stands in its way."""
    say(sentence, as_json)
    beside = view.get("contradictions") or ()
    for fault in view.get("faults", ()):
        if beside and fault["rule"] == "contradicts":
            continue  # shown below, with both texts
        say(f"  ✗ {_stated(fault['rule'], fault['message'])}", as_json)
    for warning in view.get("warnings", ()):
        say(f"  ! {_stated(warning['rule'], warning['message'])}", as_json)
    for left in view.get("omitted", ()):
        place = left["channel"] + (f" ({left['lang']})" if left["lang"] else "")
        say(f"  – {_stated(place, left['reason'])}", as_json)
    if beside:
        from alertbot.preview import contradictions

        contradictions.show(console(as_json), beside)
    if as_json:
        emit(view)


def draft(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(metavar=_("KIND"), help=_("See `alertbot kinds`."))],
    sets: Sets = None,
    vars_file: Vars = None,
    lang: Langs = None,
    channel: Channels = None,
    accept: Accepts = None,
    exercise: Annotated[
        bool, typer.Option("--exercise", help=_("An exercise: reaches exercise channels only."))
    ] = False,
    incident: Annotated[
        str | None,
        typer.Option(metavar="ID", help=_("Continue this incident; else a new one is opened.")),
    ] = None,
    not_before: Annotated[
        str | None,
        typer.Option(metavar=_("TIME"), help=_("Publish no earlier: +30m, 18:00 or ISO 8601.")),
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import drafting
    from alertbot.service.wishes import Wishes, field_values

    wishes = Wishes(
        kind=kind,
        given=field_values(sets, vars_file),
        languages=tuple(lang or ()),
        channels=tuple(channel or ()),
        accepted=split_pairs(accept, "--accept"),
        exercise=exercise,
    )

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await drafting.draft(service, person, wishes, incident=incident, not_before=not_before)

    view = act(context, work, token_file)
    report(
        view,
        _("Drafted {id} ({kind}). Look at it: alertbot show {id}. Then: alertbot submit {id}").format(
            **view
        ),
        as_json,
    )


def edit(
    context: typer.Context,
    alert: AlertId,
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import drafting
    from alertbot.service.wishes import field_values

    changes = field_values(sets, vars_file)
    accepted = split_pairs(accept, "--accept")
    if not changes and not accepted:
        act(context, _may_edit, token_file)  # who may not edit learns it before the editor opens
        changes = _edit_by_hand(context, alert)

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await drafting.edit(service, person, alert, changes, accepted)

    view = act(context, work, token_file)
    report(view, _("{id} is a draft again, revision {revision}.").format(**view), as_json)


async def _may_edit(_service: "Context", person: "Person") -> None:
    from alertbot.approval.moves import Verb
    from alertbot.approval.policy import require_role

    require_role(Verb.EDIT, person)


def _edit_by_hand(context: typer.Context, alert: str) -> dict[str, Any]:
    """Open the values in $EDITOR; answers the changed document. Raises `Misuse` where nothing changed."""
    import yaml

    from alertbot.service import drafting
    from alertbot.service.wishes import read_values

    values = read(context, lambda service: drafting.typed_values(service, alert))
    before = yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=100)
    after = _in_editor(before)
    if after == before:
        raise Misuse(_("Nothing was changed in {alert}.").format(alert=alert))
    return read_values(after, _("the values of {alert}").format(alert=alert))


def _in_editor(text: str) -> str:
    """The text as somebody leaves it in $VISUAL or $EDITOR. Raises `Misuse` where none can be started."""
    import os
    import shlex
    import subprocess
    import sys
    import tempfile

    from alertbot.service.wishes import text_of

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run(  # noqa: S603 - the person's own editor
                [*shlex.split(editor), str(path)],
                check=True,
                stdout=None if sys.stdout.isatty() else STDERR,
            )
        except (OSError, subprocess.CalledProcessError, ValueError):
            raise Misuse(
                _(
                    "The editor '{editor}' did not end well; nothing was changed. Set $EDITOR, or use --set."
                ).format(editor=editor)
            ) from None
        return text_of(path)


def show(
    context: typer.Context,
    alert: AlertId,
    text: Annotated[
        bool, typer.Option("--text", help=_("Only the plain copy, for press and radio."))
    ] = False,
    html: Annotated[
        Path | None, typer.Option(metavar=_("FILE"), help=_("Write the full preview as one page."))
    ] = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import reading

    token = session(context).token(token_file)

    async def work(service: "Context") -> dict[str, Any]:
        return await reading.show(service, alert, token)

    shown = read(context, work)
    if html:
        from alertbot.preview.files import write_page

        write_page(html, shown)
        say(_("The preview of {id} is in {path}.").format(id=shown["id"], path=html), as_json)
    if as_json:
        emit({key: value for key, value in shown.items() if not key.startswith("_")})
    elif text:
        say(shown["plain"])
    elif not html:
        from alertbot.preview.alert import show_alert

        show_alert(console(), shown)


def submit(
    context: typer.Context,
    alert: AlertId,
    retime: Annotated[
        bool,
        typer.Option(
            "--retime", help=_("Render anew: `now` and times ahead are counted from this moment.")
        ),
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import drafting

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await drafting.submit(service, person, alert, retime=retime)

    view = act(context, work, token_file)
    left = view["approvals"]["needed"]
    sentence = ngettext(
        "{id} waits for {left} approval. Another person runs: alertbot show {id}, then alertbot approve {id}",
        "{id} waits for {left} approvals. Other people run: alertbot show {id}, then alertbot approve {id}",
        left,
    )
    report(view, sentence.format(id=view["id"], left=left), as_json)


def discard(
    context: typer.Context, alert: AlertId, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    from alertbot.service import drafting

    view = act(context, lambda service, person: drafting.discard(service, person, alert), token_file)
    report(view, _("{id} is discarded; it never went out.").format(**view), as_json)


def record(
    context: typer.Context,
    alert: AlertId,
    channel: Annotated[str, typer.Option(metavar="C", help=_("The channel it was posted on."))],
    url: Annotated[str, typer.Option(metavar="U", help=_("The address of the post."))],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import publishing

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await publishing.record(service, person, alert, channel, url)

    view = act(context, work, token_file)
    report(
        view,
        _("Recorded: {id} was posted by hand on {channel}. Later corrections will know it.").format(
            id=view["id"], channel=channel
        ),
        as_json,
    )


def test_send(
    context: typer.Context,
    alert: AlertId,
    to: Annotated[
        str, typer.Option("--to", metavar=_("CHANNEL"), help=_("A channel of audience `team`."))
    ],
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import publishing

    async def work(service: "Context", person: "Person") -> dict[str, Any]:
        return await publishing.test_send(service, person, alert, to)

    view = act(context, work, token_file)
    report(
        view,
        _(
            "A test of {id} is queued for {channel}; it is marked as a test and only the team sees it."
        ).format(id=view["id"], channel=to),
        as_json,
    )
