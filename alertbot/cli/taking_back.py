"""Taking back: withdraw numbers, retract as prepared, cancel a false alert. Each makes a draft."""

import re
from typing import Annotated

import typer

from alertbot.alerts import following, retracting, withdrawing
from alertbot.cli.alerts import report
from alertbot.cli.following import Submit, next_step, said_of, tell
from alertbot.cli.frame import Accepts, AlertId, AsJson, Sets, TokenFile, Vars, say
from alertbot.cli.running import act
from alertbot.core.errors import Misuse
from alertbot.core.words import _

_OF_A_LANGUAGE = re.compile(r"(?P<lang>[a-z]{2,3})=(?P<text>.*)", re.DOTALL)


WhichNumbers = Annotated[
    str | None,
    typer.Option(
        "--numbers", metavar=_("QUERY"), help=_("Territories, services, entries: 22,29/samu,N12.")
    ),
]


def withdraw(
    context: typer.Context,
    alert: Annotated[
        str | None,
        typer.Argument(metavar=_("[ALERT]"), help=_("All numbers of this alert; or give --numbers.")),
    ] = None,
    numbers: WhichNumbers = None,
    but: Annotated[
        str | None,
        typer.Option("--but", metavar=_("QUERY"), help=_("What stays, written the same way.")),
    ] = None,
    incident: Annotated[
        str | None, typer.Option(metavar="ID", help=_("The incident to file it under."))
    ] = None,
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    said = said_of(sets, vars_file, accept, submit)
    which = withdrawing.Which(alert, numbers or "", but or "", incident)
    view = act(
        context, lambda service, person: withdrawing.withdraw(service, person, which, said), token_file
    )
    report(view, next_step(view), as_json)
    if view["unpublished"]:
        say(
            _(
                "Not named, since the public was never told them: {names}. Take them out with `alertbot"
                " numbers withdraw {query}`."
            ).format(names=", ".join(view["unpublished"]), query=",".join(view["unpublished"])),
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
    tell(
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
    said, words = said_of(sets, vars_file, accept, submit), _by_language(text or [])
    tell(
        context,
        lambda service, person: following.cancel(service, person, alert, words, said),
        token_file,
        as_json,
    )


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
