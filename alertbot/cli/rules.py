"""What may go out by itself: rules list, show, preapprove, revoke, abort."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from alertbot.alerts.halting import HALTER
from alertbot.cli.composing import show_sheet
from alertbot.cli.frame import AlertId, AsJson, Digest, TokenFile, console, emit, say, session
from alertbot.cli.running import act, change, read
from alertbot.cli.tables.show_watch import particulars, rules_table
from alertbot.cli.tables.states import clock
from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Person
from alertbot.core.words import _, ngettext
from alertbot.people.accounts import acting
from alertbot.texts.fields.moments import BadMoment, span
from alertbot.texts.preview.sheet import document
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import countdown, signing

RuleName = Annotated[
    str, typer.Argument(metavar=_("RULE"), help=_("Its name in `alertbot rules list`."))
]
Reason = Annotated[
    str, typer.Option("--reason", metavar=_("WHY"), help=_("Why, for the team and the audit."))
]


def list_(context: typer.Context, as_json: AsJson = False) -> None:
    async def work(service: WatchContext) -> tuple[list[dict[str, Any]], ZoneInfo]:
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
    found = read(context, lambda service: signing.show(service, rule, token))
    if as_json:
        emit(_document(found))
        return
    _show_texts(found)

    for line in particulars(found, found["_zone"]):
        say(line)


def preapprove(
    context: typer.Context,
    rule: RuleName,
    lasts: Annotated[
        str | None,
        typer.Option(
            "--for", metavar=_("LENGTH"), help=_("For so long, at most 90d; 30d unless given.")
        ),
    ] = None,
    digest: Digest = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    span = None if lasts is None else _length(lasts)

    async def work(service: WatchContext, person: Person) -> dict[str, Any]:
        return await signing.preapprove(service, person, rule, lasts=span, digest=digest)

    found = act(context, work, token_file)
    if found["proposed"] and not as_json:
        _show_texts(found)
    say(_signed(found), as_json)
    if as_json:
        emit(_document(found))


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
    sentence = _("The rule {rule} no longer acts by itself; its alerts wait for people.")
    say(sentence.format(rule=rule), as_json)
    for alert in done["stopped"]:
        said = _("The countdown of {alert} is stopped: it waits for people.")
        say(said.format(alert=alert), as_json)
    if as_json:
        emit(done)


def abort(
    context: typer.Context, alert: AlertId, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    async def work(service: WatchContext) -> dict[str, Any]:
        return await countdown.abort(service, await _whoever(context, service, token_file), alert)

    done = change(context, work)
    say(
        _(
            "{alert} does not go out by itself. It waits for people: alertbot show {alert}, then alertbot"
            " approve {alert} or alertbot discard {alert}"
        ).format(**done),
        as_json,
    )
    if as_json:
        emit(done)


async def _whoever(context: typer.Context, service: WatchContext, token_file: Path | None) -> str:
    """Who stops it, for the audit. A token that is not good stops nobody from stopping."""

    try:
        token = session(context).token(token_file)
        return (await acting(service, token)).name if token else HALTER
    except (Misuse, Refused) as error:
        say(_("{why} It is stopped all the same.").format(why=error), as_json=True)
        return HALTER


def _length(text: str) -> timedelta:
    try:
        return span(text)
    except BadMoment as error:
        raise Misuse(f"--for: {error}") from None


def _show_texts(found: dict[str, Any]) -> None:
    """What will go out, transition by transition."""

    for on, sheet in found["_samples"]:
        say(_("On {transitions}:").format(transitions=", ".join(on)))
        show_sheet(sheet)
        say("")


def _signed(found: dict[str, Any]) -> str:
    """What the signature has led to, and what comes next."""

    if found["proposal"] is None:
        until = clock(found["approval"]["until"], found["_zone"])
        return _("Alerts of the rule {rule} go out by themselves until {until}.").format(
            rule=found["rule"], until=until
        )
    left = found["people"] - len(found["proposal"]["signed"])
    sentence = ngettext(
        "Signed by you. {left} more approver must sign before {until}: alertbot rules show {rule}, then"
        " alertbot rules preapprove {rule}",
        "Signed by you. {left} more approvers must sign before {until}: alertbot rules show {rule}, then"
        " alertbot rules preapprove {rule}",
        left,
    )
    until = clock(found["proposal"]["until"], found["_zone"])
    return sentence.format(left=left, until=until, rule=found["rule"])


def _document(found: dict[str, Any]) -> dict[str, Any]:
    """Plain values, with the texts as `preview --json` gives them."""

    plain = {key: value for key, value in found.items() if not key.startswith("_")}
    samples = [{"on": list(map(str, on)), **document(sheet)} for on, sheet in found["_samples"]]
    return plain | {"samples": samples}
