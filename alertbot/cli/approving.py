"""Commands that decide on a submitted alert: approve, return, reject, countersign."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

import typer

from alertbot.alerts import approving, showing
from alertbot.alerts.showing import Passing
from alertbot.alerts.views import AlertView, ChannelProgress
from alertbot.cli.frame import AlertId, AsJson, Digest, TokenFile, emit, say
from alertbot.cli.running import act, read
from alertbot.cli.tables.show_tables import state_word
from alertbot.core.errors import Misuse
from alertbot.core.model import AlertState, Person
from alertbot.core.words import _
from alertbot.texts.preview.phrases import span, stated
from alertbot.watch.context import WatchContext

Reason = Annotated[
    str, typer.Option("--reason", metavar=_("WHY"), help=_("Reason, for the author and the audit."))
]


BreakGlass = Annotated[
    bool,
    typer.Option(
        "--break-glass",
        help=_("Publish alone, in an emergency: everyone is told, and someone countersigns later."),
    ),
]
WhyAlone = Annotated[str | None, typer.Option(metavar=_("WHY"), help=_("Reason for publishing alone."))]
Publish = Annotated[
    bool, typer.Option("--publish", help=_("Send from here now, without waiting for a worker."))
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait",
        help=_(
            "Show channel by channel what goes out, until all is out or in doubt: exit 0 if all was"
            " sent, 3 if not. Ctrl-C stops the waiting, not the sending."
        ),
    ),
]


def approve(
    context: typer.Context,
    alert: AlertId,
    digest: Digest = None,
    break_glass: BreakGlass = False,
    reason: WhyAlone = None,
    publish: Publish = False,
    wait: Wait = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    require_one_way(publish=publish, wait=wait)

    async def work(service: WatchContext, person: Person) -> AlertView:
        if break_glass:
            view = await approving.break_glass(service, person, alert, digest, reason or "")
        else:
            view = await approving.approve(service, person, alert, digest)
        return view if publish and view.start else await showing.outlook(service, view)

    view = act(context, work, token_file)
    if publish and view.start is not None:
        say(_("{id} is approved; sending from here.").format(id=view.id), as_json)
        from alertbot.cli.operating import drain_now

        drain_now(context, view, as_json)
        return
    tell_outlook(view, approved(view), as_json)
    if wait:
        _wait(context, view, as_json)
    elif as_json:
        emit(view)


def require_one_way(*, publish: bool, wait: bool) -> None:
    """Raises `Misuse` for both."""
    if publish and wait:
        raise Misuse(_("--publish sends from here, --wait watches a worker send; give only one."))


def tell_outlook(view: AlertView, sentence: str, as_json: bool) -> None:
    """Print what was done, then who was asked, and what happens next and when; or that it has happened already."""
    say(sentence, as_json)
    for line in (view.verdict.further or (view.verdict.said,)) if view.verdict else ():
        say(f"  {line}", as_json)


def approved(view: AlertView) -> str:
    """What an approval did."""
    if view.start is not None:
        return _("{id} is approved.").format(id=view.id)
    said = _("You approved {id}. It needs {left} more.")
    return said.format(id=view.id, left=view.approvals.left)


LOOK_SECONDS = 0.5  # between two looks at what was sent
LOOK_SHARE = 0.05  # of the time that looking may take: it takes longer where there are many recipients
MOST_REASONS = 5
MANY, SELDOM_SECONDS = 100, 5.0  # while more are left, the counts are told that seldom
PARTLY = 3  # the exit code: not everything is out


def _wait(context: typer.Context, view: AlertView, as_json: bool) -> None:
    """Tell on stderr, channel by channel, what becomes of the deliveries; then leave with 0 or 3."""
    told = ProgressTeller(view)

    async def watch(service: WatchContext) -> None:
        while True:
            begun = time.monotonic()
            if told.tell(await showing.passing(service, view.id)):
                return
            await asyncio.sleep(told.pause(begun))

    wait_for(told, lambda: read(context, watch))
    leave_waiting(told.last, as_json)


def wait_for(told: "ProgressTeller", watch: Callable[[], None]) -> None:
    """Watch until it is over, or until Ctrl-C, which stops only the waiting."""
    if told.last.start is None:
        say(_("{id} is not approved yet: there is nothing to wait for.").format(id=told.last.id), True)
        return
    try:
        watch()
    except KeyboardInterrupt:
        said = _("Stopped waiting; {id} goes on being sent. To see how far: alertbot status {id}")
        say(said.format(id=told.last.id), True)


def leave_waiting(last: AlertView, as_json: bool) -> None:
    if as_json:
        emit(last)
    if last.state is not AlertState.PUBLISHED:
        raise typer.Exit(PARTLY)


class ProgressTeller:
    """Tells what becomes of an alert's deliveries: each change once, and in the end why nothing more goes out."""

    def __init__(self, view: AlertView) -> None:
        self.last = view
        self._told: dict[str, tuple[float, Mapping[str, int]]] = {}

    def tell(self, now: Passing) -> bool:
        """What is new. Whether it is over: all is out or in doubt, or nothing more will go out."""
        self.last, at = now.alert, time.monotonic()
        for one in now.alert.delivered or ():
            since, before = self._told.get(one.channel, (-SELDOM_SECONDS, {}))
            seldom = one.left > MANY and at - since < SELDOM_SECONDS
            if one.deliveries and before != one.deliveries and not seldom:
                self._told[one.channel] = at, one.deliveries
                for line in progress_lines(one):
                    say(line, True)
        if not (now.over or now.stuck):
            return False
        for line in now.stuck or ([now.alert.verdict.said] if now.alert.verdict else []):
            say(line, True)
        return True

    def pause(self, begun: float) -> float:
        """How long to wait before the next look, after one that began then."""
        return max(LOOK_SECONDS, (time.monotonic() - begun) / LOOK_SHARE)


def progress_lines(one: ChannelProgress) -> Iterator[str]:
    """How far a channel has got; then why deliveries failed, the most frequent reason first."""
    counts = ", ".join(f"{n} {state_word(state)}" for state, n in one.deliveries.items())
    if one.per_second and one.seconds_left is not None and one.left > MANY:
        rate = max(1, round(one.per_second))
        counts += _(" ({rate} a second, the last one in {span})").format(
            rate=rate, span=span(one.seconds_left)
        )
    yield stated(one.channel, counts)
    for reason, n in sorted((one.failed or {}).items(), key=lambda pair: -pair[1])[:MOST_REASONS]:
        yield "  " + _("{n} failed: {reason}").format(n=n, reason=reason)


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
    tell(view, _("{id} went back to {author}.").format(id=view.id, author=view.author), as_json)


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
    tell(view, _("{id} is rejected; it will never go out.").format(id=view.id), as_json)


def countersign(
    context: typer.Context, alert: AlertId, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    view = act(
        context, lambda service, person: approving.countersign(service, person, alert), token_file
    )
    tell(view, _("{id} is countersigned.").format(id=view.id), as_json)


def tell(view: AlertView, sentence: str, as_json: bool) -> None:
    """Print what was done, or the alert as JSON beside it."""
    say(sentence, as_json)
    if as_json:
        emit(view)
