"""Commands that decide on a submitted alert: approve, return, reject, countersign."""

from typing import Annotated

import typer

from alertbot.alerts import approving
from alertbot.alerts.views import AlertView
from alertbot.cli.frame import AlertId, AsJson, Digest, TokenFile, emit, say
from alertbot.cli.running import act
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.watch.context import WatchContext

Reason = Annotated[
    str, typer.Option("--reason", metavar=_("WHY"), help=_("Reason, for the author and the audit."))
]


def approve(
    context: typer.Context,
    alert: AlertId,
    digest: Digest = None,
    break_glass: Annotated[
        bool,
        typer.Option(
            "--break-glass",
            help=_("Publish alone, in an emergency: everyone is told, and someone countersigns later."),
        ),
    ] = False,
    reason: Annotated[
        str | None, typer.Option(metavar=_("WHY"), help=_("Reason for publishing alone."))
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help=_("Send from here now, without waiting for a worker."))
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> AlertView:
        if break_glass:
            return await approving.break_glass(service, person, alert, digest, reason or "")
        return await approving.approve(service, person, alert, digest)

    view = act(context, work, token_file)
    if publish and view.start is not None:
        say(_("{id} is approved; sending from here.").format(id=view.id), as_json)
        from alertbot.cli.operating import drain_now

        drain_now(context, view, as_json)
        return
    say(_approved(view), as_json)
    if as_json:
        emit(view)


def _approved(view: AlertView) -> str:
    """What happens next, in one sentence."""
    if view.start is None:
        said = _("You approved {id}. It needs {left} more.")
        return said.format(id=view.id, left=view.approvals.left)
    start = view.start
    if start.worker_alive:
        return _(
            "{id} is approved. A worker is running; the first call starts in {seconds:.0f} s."
        ).format(id=view.id, seconds=start.seconds)
    return _(
        "{id} is approved, but NO WORKER is running: nothing goes out until someone runs `alertbot"
        " run` (or approves with --publish). With a worker, the first call would start in"
        " {seconds:.0f} s."
    ).format(id=view.id, seconds=start.seconds)


def return_(
    context: typer.Context,
    alert: AlertId,
    reason: Reason,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> AlertView:
        return await approving.return_(service, person, alert, reason)

    view = act(context, work, token_file)
    _tell(view, _("{id} went back to {author}.").format(id=view.id, author=view.author), as_json)


def reject(
    context: typer.Context,
    alert: AlertId,
    reason: Reason,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> AlertView:
        return await approving.reject(service, person, alert, reason)

    view = act(context, work, token_file)
    _tell(view, _("{id} is rejected; it will never go out.").format(id=view.id), as_json)


def countersign(
    context: typer.Context, alert: AlertId, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    view = act(
        context, lambda service, person: approving.countersign(service, person, alert), token_file
    )
    _tell(view, _("{id} is countersigned.").format(id=view.id), as_json)


def _tell(view: AlertView, sentence: str, as_json: bool) -> None:
    say(sentence, as_json)
    if as_json:
        emit(view)
