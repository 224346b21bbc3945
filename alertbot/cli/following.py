"""After the first post: update, correct, retract, cancel, end. Each makes a draft that follows an alert."""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alertbot.cli.alerts import report
from alertbot.cli.frame import (
    Accepts,
    AlertId,
    AsJson,
    Sets,
    TokenFile,
    Vars,
    act,
    example,
    split_pairs,
)
from alertbot.errors import Misuse
from alertbot.words import _

if TYPE_CHECKING:
    from alertbot.model import Person
    from alertbot.service.context import Context
    from alertbot.service.following import Said

Submit = Annotated[bool, typer.Option("--submit", help=_("Ask for approval at once."))]
View = dict[str, Any]
_OF_A_LANGUAGE = re.compile(r"(?P<lang>[a-z]{2,3})=(?P<text>.*)", re.DOTALL)


def register(app: typer.Typer) -> None:
    app.command(
        "update",
        help=_(
            "Follow an alert up in place: an answer on X, an edit and an answer on Telegram, a mail in the"
            " same thread. What you do not give stays as it was; the next update is promised anew."
        ),
        epilog=example("alertbot update BKRT-1 --set next_update=+30m --submit"),
    )(update)
    app.command(
        "correct",
        help=_(
            "Say what was wrong and what is right, to everybody whom an alert reached, also after the"
            " incident has ended. One approver, who may be its author."
        ),
        epilog=example(
            'alertbot correct BKRT-1 --set "what_was_wrong=112 works" --set "what_is_right=112 is cut off"'
        ),
    )(correct)
    app.command(
        "retract",
        help=_("Send the retraction that was prepared and approved with an alert, word for word."),
        epilog=example("alertbot retract BKRT-1 --now"),
    )(retract)
    app.command(
        "cancel",
        help=_("Deny a false alert in public. Without words for the public it is refused (R21)."),
        epilog=example(
            'alertbot cancel BKRT-1 --text "fr=Il n’y a pas de panne." --text "en=Nothing has failed."'
        ),
    )(cancel)
    app.command(
        "end",
        help=_("Say that an incident is over; once that is published, the incident is closed."),
        epilog=example("alertbot end BKRT --vars end.yaml --submit"),
    )(end)


def update(
    context: typer.Context,
    alert: AlertId,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar=_("KIND"), help=_("Another kind than the alert's, e.g. status.")
        ),
    ] = None,
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import following

    said = _said(sets, vars_file, accept, submit)
    _tell(
        context,
        lambda service, person: following.update(service, person, alert, said, kind=kind),
        token_file,
        as_json,
    )


def correct(
    context: typer.Context,
    alert: AlertId,
    sets: Sets = None,
    vars_file: Vars = None,
    wrong: Annotated[
        list[str] | None,
        typer.Option(
            "--wrong",
            metavar="N12",
            help=_("A number of the alert that must not be called; withdrawn in the register too."),
        ),
    ] = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import following

    said = _said(sets, vars_file, accept, submit)
    _tell(
        context,
        lambda service, person: following.correct(service, person, alert, said, wrong=wrong or ()),
        token_file,
        as_json,
    )


def retract(
    context: typer.Context,
    alert: AlertId,
    submit: Submit = False,
    now: Annotated[
        bool,
        typer.Option("--now", help=_("Submit and approve it as well, where you alone may.")),
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import retracting

    _tell(
        context,
        lambda service, person: retracting.retract(service, person, alert, submit=submit, now=now),
        token_file,
        as_json,
    )


def cancel(
    context: typer.Context,
    alert: AlertId,
    text: Annotated[
        list[str] | None,
        typer.Option(
            "--text", metavar=_("TEXT"), help=_("What is true, for the public; fr=… for one language.")
        ),
    ] = None,
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import following

    said, words = _said(sets, vars_file, accept, submit), _by_language(text or [])
    _tell(
        context,
        lambda service, person: following.cancel(service, person, alert, words, said),
        token_file,
        as_json,
    )


def end(
    context: typer.Context,
    incident: Annotated[
        str, typer.Argument(metavar=_("INCIDENT"), help=_("The incident, for example BKRT."))
    ],
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import following

    said = _said(sets, vars_file, accept, submit)
    _tell(
        context,
        lambda service, person: following.end(service, person, incident, said),
        token_file,
        as_json,
    )


def _said(
    sets: list[str] | None, vars_file: Path | None, accept: list[str] | None, submit: bool
) -> "Said":
    from alertbot.service.following import Said
    from alertbot.service.wishes import field_values

    return Said(field_values(sets, vars_file), split_pairs(accept, "--accept"), submit)


def _by_language(texts: list[str]) -> str | dict[str, str] | None:
    """`fr=…` and `en=…` by language, or one text for all. Raises `Misuse` for a mixture."""
    found = [
        (match, text.strip())
        for text in texts
        if text.strip()
        for match in [_OF_A_LANGUAGE.match(text.strip())]
    ]
    words = {match["lang"]: match["text"].strip() for match, _text in found if match}
    plain = [text for match, text in found if not match]
    if len(plain) + bool(words) > 1 or len(words) + len(plain) < len(found):
        raise Misuse(
            _("Give --text once for all languages, or once for each: --text fr=… --text en=….")
        )
    return plain[0] if plain else {lang: text for lang, text in words.items() if text} or None


def _tell(
    context: typer.Context,
    work: "Callable[[Context, Person], Awaitable[View]]",
    token_file: Path | None,
    as_json: bool,
) -> None:
    view = act(context, work, token_file)
    report(view, _sentence(view), as_json)


def _sentence(view: View) -> str:
    """What was made, and what comes next."""
    if view["state"] == "draft":
        return _(
            "Drafted {id} ({kind}), which follows {original}. Look at it: alertbot show {id}. Then: alertbot"
            " submit {id}"
        ).format(**view)
    if view["state"] == "pending":
        return _(
            "{id} ({kind}) follows {original} and waits for approval: alertbot show {id}, then alertbot"
            " approve {id}"
        ).format(**view)
    if view.get("start", {}).get("worker_alive"):
        return _("{id} is approved and takes back {original}; a worker is alive and sends it.").format(
            **view
        )
    return _(
        "{id} is approved and takes back {original}, but NO WORKER is alive: nothing goes out until somebody"
        " runs `alertbot run`."
    ).format(**view)
