"""After the first post: update, correct, end. Each makes a draft that follows an alert."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from alertbot.alerts import following
from alertbot.alerts.compose import field_values
from alertbot.alerts.following import FollowRequest
from alertbot.cli.alerts import report
from alertbot.cli.frame import Accepts, AlertId, AsJson, Sets, TokenFile, Vars, split_pairs
from alertbot.cli.running import act
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.watch.context import WatchContext

Submit = Annotated[bool, typer.Option("--submit", help=_("Ask for approval at once."))]
View = dict[str, Any]


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
    said = said_of(sets, vars_file, accept, submit)
    tell(
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
    said = said_of(sets, vars_file, accept, submit)
    tell(
        context,
        lambda service, person: following.correct(service, person, alert, said, wrong=wrong or ()),
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
    work: Callable[[WatchContext, Person], Awaitable[View]],
    token_file: Path | None,
    as_json: bool,
) -> None:
    view = act(context, work, token_file)
    report(view, next_step(view), as_json)


def next_step(view: View) -> str:
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
