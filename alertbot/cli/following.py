"""After the first post: update, correct, end; withdraw numbers, retract as prepared, cancel a false alert. Each
makes a draft.
"""

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from alertbot.alerts import following, showing, taking_back
from alertbot.alerts.compose import field_values
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.views import AlertView
from alertbot.cli.alerts import report
from alertbot.cli.frame import (
    Accepts,
    AlertId,
    AsJson,
    LastAlert,
    Sets,
    TokenFile,
    Vars,
    say,
    split_pairs,
    this_or_last,
)
from alertbot.cli.parsing import offered
from alertbot.cli.running import act
from alertbot.core.errors import Misuse
from alertbot.core.model import AlertState, Person
from alertbot.core.words import _
from alertbot.watch.context import WatchContext

Submit = Annotated[bool, typer.Option("--submit", help=_("Submit for approval at once."))]


def update(
    context: typer.Context,
    alert: LastAlert = None,
    kind: Annotated[
        str | None,
        typer.Option(
            "--kind", metavar=_("KIND"), help=_("Use a different kind from the alert's, e.g. status.")
        ),
    ] = None,
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    named = this_or_last(context, alert, token_file)
    said = said_of(sets, vars_file, accept, submit)
    tell(
        context,
        lambda service, person: following.update(service, person, named, said, kind=kind),
        token_file,
        as_json,
    )


def correct(
    context: typer.Context,
    alert: LastAlert = None,
    sets: Sets = None,
    vars_file: Vars = None,
    wrong: Annotated[
        list[str] | None,
        typer.Option(
            "--wrong",
            metavar=_("NUMBER"),
            help=_(
                "A number in the alert that must not be called: its entry (N12) or its digits. Also withdrawn"
                " from the register."
            ),
        ),
    ] = None,
    right: Annotated[
        list[str] | None,
        typer.Option(
            "--right",
            metavar=_("NUMBER"),
            help=_("The number that replaces it: an entry, or digits, which someone else must verify."),
        ),
    ] = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    named = this_or_last(context, alert, token_file)
    said = said_of(sets, vars_file, accept, submit)
    tell(
        context,
        lambda service, person: following.correct(
            service, person, named, said, WrongNumbers(wrong or (), right or ())
        ),
        token_file,
        as_json,
    )


def end(
    context: typer.Context,
    incident: Annotated[
        str,
        typer.Argument(
            metavar=_("INCIDENT"),
            help=_("The incident, for example BKRT."),
            autocompletion=offered("incidents"),
        ),
    ],
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    said = said_of(sets, vars_file, accept, submit)
    tell(
        context,
        lambda service, person: following.end(service, person, incident, said),
        token_file,
        as_json,
    )


def said_of(
    sets: list[str] | None, vars_file: Path | None, accept: list[str] | None, submit: bool
) -> FollowRequest:
    return FollowRequest(field_values(sets, vars_file), split_pairs(accept, "--accept"), submit)


def tell(
    context: typer.Context,
    work: Callable[[WatchContext, Person], Awaitable[AlertView]],
    token_file: Path | None,
    as_json: bool,
    *,
    partly: bool = False,
) -> None:
    async def work_and_look(service: WatchContext, person: Person) -> AlertView:
        return await showing.begun(service, await work(service, person))

    view = act(context, work_and_look, token_file, partly=partly, needs=taking_back.NEEDS)
    further = view.verdict.further if view.verdict else ()
    report(view, "\n".join([next_step(view), *(f"  {line}" for line in further)]), as_json)


def next_step(view: AlertView) -> str:
    """What was made, and what comes next."""
    if view.state is AlertState.DRAFT:
        said = _(
            "Drafted {id} ({kind}), following {original}. Check it: alertbot show {id}. Then: alertbot submit {id}"
        )
    elif view.state is AlertState.PENDING:
        said = _(
            "{id} ({kind}) follows {original} and needs approval: alertbot show {id}, then alertbot approve {id}"
        )
    else:
        said = _("{id} is approved and takes back {original}.")
    return said.format(id=view.id, kind=view.kind, original=view.original)


_OF_A_LANGUAGE = re.compile(r"(?P<lang>[a-z]{2,3})=(?P<text>.*)", re.DOTALL)


WhichNumbers = Annotated[
    str | None,
    typer.Option(
        "--numbers",
        metavar=_("QUERY"),
        help=_("Territories, services, entries: 22,29/samu,N12."),
        autocompletion=offered("entries"),
    ),
]


def withdraw(
    context: typer.Context,
    alert: Annotated[
        str | None,
        typer.Argument(metavar=_("[ALERT]"), help=_("All numbers of this alert; or use --numbers.")),
    ] = None,
    numbers: WhichNumbers = None,
    but: Annotated[
        str | None,
        typer.Option("--but", metavar=_("QUERY"), help=_("What stays in force, written the same way.")),
    ] = None,
    incident: Annotated[
        str | None, typer.Option(metavar="ID", help=_("Incident it belongs to."))
    ] = None,
    sets: Sets = None,
    vars_file: Vars = None,
    accept: Accepts = None,
    submit: Submit = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    said = said_of(sets, vars_file, accept, submit)
    which = taking_back.NumberSelection(alert, numbers or "", but or "", incident)
    view = act(
        context, lambda service, person: taking_back.withdraw(service, person, which, said), token_file
    )
    report(view, next_step(view), as_json)
    if view.unpublished:
        tell_unpublished(view, as_json)


def tell_unpublished(view: AlertView, as_json: bool) -> None:
    """Print what a withdrawal leaves out, because the public was never told it."""
    names = view.unpublished or ()
    say(
        _(
            "Left out, as they were never published: {names}. Remove them with `alertbot numbers"
            " withdraw {query}`."
        ).format(names=", ".join(names), query=",".join(names)),
        as_json,
    )


def retract(
    context: typer.Context,
    alert: AlertId,
    submit: Submit = False,
    now: Annotated[
        bool,
        typer.Option("--now", help=_("Also submit and approve it, where you may do so alone.")),
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    tell(
        context,
        lambda service, person: taking_back.retract(service, person, alert, submit=submit, now=now),
        token_file,
        as_json,
        partly=now,
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
    said, words = said_of(sets, vars_file, accept, submit), by_language(text or [])
    tell(
        context,
        lambda service, person: following.cancel(service, person, alert, words, said),
        token_file,
        as_json,
    )


def by_language(texts: list[str]) -> str | dict[str, str] | None:
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
            _("Give --text once for all languages, or once per language: --text fr=… --text en=….")
        )
    return plain[0] if plain else {lang: text for lang, text in words.items() if text} or None
