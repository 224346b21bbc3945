"""The commands `rules list`, `show`, `preapprove`, `revoke` and `abort`: rules and their advance
approval."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from alertbot.alerts.halting import HALTER
from alertbot.cli.frame import AlertId, AsJson, Digest, TokenFile, console, emit, say, session
from alertbot.cli.running import act, change, read
from alertbot.cli.tables.show_tables import clock
from alertbot.cli.tables.show_watch import particulars, rules_table
from alertbot.cli.writing.composing import show_sheet
from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Person
from alertbot.core.words import _, ngettext
from alertbot.people.accounts import acting
from alertbot.texts.fields.moments import BadMoment, span
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import signing
from alertbot.watch.views import CountdownAborted, RuleView

RuleName = Annotated[
    str, typer.Argument(metavar=_("RULE"), help=_("Its name in `alertbot rules list`."))
]
Reason = Annotated[
    str, typer.Option("--reason", metavar=_("WHY"), help=_("Reason, for the team and the audit."))
]


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    async def work(service: WatchContext) -> tuple[list[RuleView], ZoneInfo]:
        return await signing.listing(service), service.publisher.zone

    rows, zone = read(context, work)
    if as_json:
        emit(rows)
        return

    console().print(rules_table(rows, zone))


def show(
    context: typer.Context, rule: RuleName, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    token = session(context).token(token_file)

    async def work(service: WatchContext) -> tuple[RuleView, ZoneInfo]:
        return await signing.show(service, rule, token), service.publisher.zone

    found, zone = read(context, work)
    if as_json:
        emit(found)
        return
    _show_texts(found)

    for line in particulars(found, zone):
        say(line)


def preapprove(
    context: typer.Context,
    rule: RuleName,
    lasts: Annotated[
        str | None,
        typer.Option("--for", metavar=_("LENGTH"), help=_("How long, at most 90d; default: 30d.")),
    ] = None,
    digest: Digest = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    span = None if lasts is None else _length(lasts)

    async def work(service: WatchContext, person: Person) -> tuple[RuleView, ZoneInfo]:
        found = await signing.preapprove(service, person, rule, lasts=span, digest=digest)
        return found, service.publisher.zone

    found, zone = act(context, work, token_file)
    if found.proposed and not as_json:
        _show_texts(found)
    say(_signed(found, zone), as_json)
    if as_json:
        emit(found)


def revoke(
    context: typer.Context,
    rule: RuleName,
    reason: Reason,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    done = act(
        context, lambda service, person: signing.revoke(service, person, rule, reason), token_file
    )
    sentence = _("The rule {rule} no longer publishes by itself; its alerts wait for approval.")
    say(sentence.format(rule=rule), as_json)
    for alert in done.stopped:
        said = _("The countdown of {alert} is stopped; it waits for approval.")
        say(said.format(alert=alert), as_json)
    if as_json:
        emit(done)


def abort(
    context: typer.Context, alert: AlertId, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    async def work(service: WatchContext) -> CountdownAborted:
        return await signing.abort(service, await _aborter(context, service, token_file), alert)

    done = change(context, work)
    say(
        _(
            "{alert} will not go out by itself. It waits for approval: alertbot show {alert}, then"
            " alertbot approve {alert} or alertbot discard {alert}"
        ).format(alert=done.alert),
        as_json,
    )
    if as_json:
        emit(done)


async def _aborter(context: typer.Context, service: WatchContext, token_file: Path | None) -> str:
    """The name of the person who stops it, for the audit. An invalid token must not prevent stopping."""

    try:
        token = session(context).token(token_file)
        return (await acting(service, token)).name if token else HALTER
    except (Misuse, Refused) as error:
        say(_("{why} It is stopped anyway.").format(why=error), as_json=True)
        return HALTER


def _length(text: str) -> timedelta:
    try:
        return span(text)
    except BadMoment as error:
        raise Misuse(f"--for: {error}") from None


def _show_texts(found: RuleView) -> None:
    """What will go out, transition by transition."""

    for texts in found.texts:
        say(_("On {transitions}:").format(transitions=", ".join(texts.on)))
        show_sheet(texts.sheet)
        say("")


def _signed(found: RuleView, zone: ZoneInfo) -> str:
    """What the signature has led to, and what comes next."""

    if found.proposal is None:
        until = clock(found.approval.until if found.approval else None, zone)
        return _("Alerts of the rule {rule} go out by themselves until {until}.").format(
            rule=found.rule, until=until
        )
    left = (found.people or 0) - len(found.proposal.signed)
    sentence = ngettext(
        "You signed. {left} more approver must sign before {until}: alertbot rules show {rule}, then"
        " alertbot rules preapprove {rule}",
        "You signed. {left} more approvers must sign before {until}: alertbot rules show {rule}, then"
        " alertbot rules preapprove {rule}",
        left,
    )
    until = clock(found.proposal.until, zone)
    return sentence.format(left=left, until=until, rule=found.rule)
