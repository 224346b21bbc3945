"""Commands at the desk of a service (`--server`): the same words and options, without a database or a configuration
here. Each function stands in for the one of its name that works on the database."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
import yaml

from alertbot.alerts.compose import field_values
from alertbot.alerts.views import AlertView, HaltView, SettledView, ShownAlertView
from alertbot.cli import alerts, approving, following, halting, kept, numbers_verifying
from alertbot.cli.frame import console, emit, say, session, split_pairs, this_or_last
from alertbot.cli.now_page import now_page
from alertbot.cli.remote.server import Server, part
from alertbot.cli.tables import show_alerts
from alertbot.cli.tables.show_numbers import numbers_table
from alertbot.cli.tables.show_tables import (
    deliveries_table,
    kind_details,
    kinds_table,
    state_word,
    status_view,
)
from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import AlertState
from alertbot.core.words import _
from alertbot.delivery.views import DeliveryView
from alertbot.numbers.views import NumberHistory, NumberView
from alertbot.ops.now import NowView
from alertbot.ops.views import StatusView
from alertbot.texts.preview.phrases import channel_type, recipients, stated, visible
from alertbot.texts.views import FaultView, KindDetailsView, KindView, MessageView, PreviewView
from alertbot.texts.wording.language import language_name

PAGE_ROWS = 1000


def server_of(context: typer.Context, token_file: Path | None = None) -> Server:
    here = session(context)
    assert here.server is not None
    return Server(here.server, here.token(token_file))


def _without(**options: object) -> None:
    """Raises `Misuse` for an option that needs the service's own machine."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if given:
        sentence = _("{option} is not offered by a server; use it on the service's machine.")
        raise Misuse(sentence.format(option=", ".join(given)))


def _noted(context: typer.Context, token_file: Path | None, view: AlertView) -> None:
    here = session(context)
    kept.note_alert(here.place, here.token(token_file), view.id)


# --- before there is an alert ---------------------------------------------------------------------


def kinds(context: typer.Context, kind: str | None, as_json: bool, **more: Any) -> None:
    _without(form=more["as_form"])
    server = server_of(context)
    if more["as_example"]:
        if kind is None:
            raise Misuse(_("Which kind? For example: alertbot kinds status --example"))
        found = server.get(Mapping[str, Any], f"/kinds/{part(kind)}/example")
        text = yaml.safe_dump(found, allow_unicode=True, sort_keys=False)
        emit(found) if as_json else say(text.rstrip("\n"))
    elif kind is None:
        every = server.get(list[KindView], "/kinds")
        emit(every) if as_json else console().print(kinds_table(every))
    else:
        one = server.get(KindDetailsView, f"/kinds/{part(kind)}")
        emit(one) if as_json else console().print(kind_details(one))


def preview(context: typer.Context, kind: str, as_json: bool, **more: Any) -> None:
    _without(html=more["html"])
    wishes = _wishes(more) | {"kind": kind}
    server = server_of(context)
    answer = server.ask("POST", "/preview", body={name: one for name, one in wishes.items() if one})
    seen = server.view(PreviewView, answer.document)
    if as_json:
        emit(seen)
    else:
        _print_texts(seen.messages, seen.retraction, seen.faults, seen.warnings, {})
    if not seen.publishable:
        raise typer.Exit(1)


def _wishes(given: Mapping[str, Any]) -> dict[str, object]:
    return {
        "values": field_values(given["sets"], given["vars_file"]),
        "languages": given["lang"] or [],
        "channels": given["channel"] or [],
        "accept": split_pairs(given["accept"], "--accept"),
        "exercise": given["exercise"],
    }


def draft(context: typer.Context, token_file: Path | None, as_json: bool, **more: Any) -> None:
    if (more["kind"] is None) is (more["like"] is None):
        raise Misuse(_("Give a KIND, or --like ALERT, whose kind it takes over; not both."))
    names = ("kind", "incident", "new_incident", "not_before", "like")
    body = _wishes(more) | {name: more[name] for name in names}
    view = server_of(context, token_file).change(AlertView, "POST", "/alerts", body)
    _noted(context, token_file, view)
    said = _("Drafted {id} ({kind}). Check it: alertbot show {id}. Then: alertbot submit {id}")
    alerts.report(view, said.format(id=view.id, kind=view.kind), as_json)


# --- an alert -------------------------------------------------------------------------------------


def edit(
    context: typer.Context,
    alert: str | None,
    token_file: Path | None,
    as_json: bool,
    **more: Any,
) -> None:
    alert = this_or_last(context, alert, token_file)
    body = {
        "values": field_values(more["sets"], more["vars_file"]),
        "accept": split_pairs(more["accept"], "--accept"),
    }
    if not any(body.values()):
        raise Misuse(_("Say what changes: --set FIELD=VALUE, or --vars FILE."))
    view = server_of(context, token_file).change(AlertView, "PATCH", f"/alerts/{part(alert)}", body)
    said = _("{id} is a draft again (revision {revision}).")
    _noted(context, token_file, view)
    alerts.report(view, said.format(id=view.id, revision=view.revision), as_json)


def submit(
    context: typer.Context,
    alert: str | None,
    retime: bool,
    token_file: Path | None,
    as_json: bool,
) -> None:
    alert = this_or_last(context, alert, token_file)
    view = _decide(context, alert, "submit", {"retime": retime}, token_file)
    alerts.report(view, alerts.needs(view), as_json)


def discard(context: typer.Context, alert: str, token_file: Path | None, as_json: bool) -> None:
    view = _decide(context, alert, "discard", {}, token_file)
    alerts.report(view, _("{id} was discarded; it never went out.").format(id=view.id), as_json)


def _decide(
    context: typer.Context, alert: str, verb: str, body: Mapping[str, Any], token_file: Path | None
) -> AlertView:
    server = server_of(context, token_file)
    view: AlertView = server.change(AlertView, "POST", f"/alerts/{part(alert)}/{verb}", body)
    _noted(context, token_file, view)
    return view


def show(
    context: typer.Context,
    alert: str | None,
    token_file: Path | None,
    as_json: bool,
    text: bool,
    **more: Any,
) -> None:
    others = {name: more[name] for name in ("html", "output", "lang", "sets")}
    _without(**others, **{"as": more["form"]})
    alert = this_or_last(context, alert, token_file)
    server, here = server_of(context, token_file), session(context)
    view, whole = _looked_at(server, alert, whole=not text or as_json)
    _noted(context, token_file, view)
    if as_json:
        emit(view)
    elif text:
        say(view.plain)
    else:
        for name, value in show_alerts.particulars(view):
            say(stated(name, value))
        for line in show_alerts.contradiction_lines(view.contradictions):
            say(line)
        say("")
        if view.verdict:
            say("\n".join([view.verdict.said, *(f"  {line}" for line in view.verdict.further)]) + "\n")
        _print_texts(view.messages, view.retraction, view.faults, view.warnings, view.targets)
    if whole:
        kept.note_shown(here.place, here.token(token_file), view.id, view.digest)


def _looked_at(server: Server, alert: str, *, whole: bool) -> tuple[ShownAlertView, bool]:
    """The alert, and whether the server noted that this person was shown all of it; a token that may not approve is not
    shown it in that sense."""
    path = f"/alerts/{part(alert)}"
    may = whole and "approve" in server.get(Mapping[str, Any], "/me")["scopes"]
    view: ShownAlertView = server.get(ShownAlertView, path, shown="true" if may else None)
    return view, may


def _print_texts(
    messages: Sequence[MessageView],
    retraction: Sequence[MessageView],
    faults: Sequence[FaultView],
    warnings: Sequence[FaultView],
    targets: Mapping[str, int],
) -> None:
    """Every text as it goes out, whole, under its channel and language."""
    for sign, found in (("✗", faults), ("!", warnings)):
        for fault in found:
            say(f"{sign} {stated(fault.rule, visible(fault.message))}")
    for one in messages:
        _print_text(one, targets)
    if retraction:
        say("\n" + _("Prepared retraction"))
    for one in retraction:
        _print_text(one, {})


def _print_text(one: MessageView, targets: Mapping[str, int]) -> None:
    count = targets.get(one.channel)
    place = f"{one.part}/{one.parts}" if one.parts > 1 else ""
    to = recipients(count) if count else ""
    names = (channel_type(one.type), one.channel, language_name(one.lang), place, to)
    say("\n=== " + visible(" · ".join(filter(None, names))))
    if one.subject:
        say(stated(_("Subject"), visible(one.subject)))
    say(visible(one.text))
    if one.alt:
        say(stated(_("Picture"), visible(one.alt)))


# --- decisions ------------------------------------------------------------------------------------


def approve(
    context: typer.Context,
    alert: str,
    digest: str | None,
    token_file: Path | None,
    as_json: bool,
    **more: Any,
) -> None:
    _without(**{name: more[name] for name in ("break_glass", "reason", "publish", "wait")})
    server, here = server_of(context, token_file), session(context)
    now: AlertView = server.get(AlertView, f"/alerts/{part(alert)}")
    seen = kept.shown(here.place, here.token(token_file), now.id)
    if digest is None and seen is None:
        sentence = _("You were not shown {alert} here. First: alertbot show {alert}")
        raise Refused(sentence.format(alert=now.id))
    if digest is not None and not now.digest.startswith(digest.lower()):
        sentence = _("The digest of {alert} is {now}, not {given}: it has changed. Show it again.")
        raise Refused(sentence.format(alert=now.id, now=now.digest[:12], given=digest[:64]))
    body = {"digest": now.digest if digest is not None else seen}
    view = _decide(context, now.id, "approve", body, token_file)
    approving.tell_outlook(view, approving.approved(view), as_json)
    if as_json:
        emit(view)


def return_(
    context: typer.Context, alert: str, reason: str, token_file: Path | None, as_json: bool
) -> None:
    view = _decide(context, alert, "return", {"reason": reason}, token_file)
    approving.tell(
        view, _("{id} went back to {author}.").format(id=view.id, author=view.author), as_json
    )


def reject(
    context: typer.Context, alert: str, reason: str, token_file: Path | None, as_json: bool
) -> None:
    view = _decide(context, alert, "reject", {"reason": reason}, token_file)
    approving.tell(view, _("{id} is rejected; it will never go out.").format(id=view.id), as_json)


def countersign(context: typer.Context, alert: str, token_file: Path | None, as_json: bool) -> None:
    view = _decide(context, alert, "countersign", {}, token_file)
    approving.tell(view, _("{id} is countersigned.").format(id=view.id), as_json)


# --- what follows ---------------------------------------------------------------------------------


def _followed(
    context: typer.Context, path: str, body: Mapping[str, Any], given: Mapping[str, Any]
) -> AlertView:
    token_file, as_json = given["token_file"], given["as_json"]
    said = {
        "values": field_values(given["sets"], given["vars_file"]),
        "accept": split_pairs(given["accept"], "--accept"),
        "submit": given["submit"],
    }
    view: AlertView = server_of(context, token_file).change(AlertView, "POST", path, said | dict(body))
    _noted(context, token_file, view)
    further = view.verdict.further if view.verdict and view.state is not AlertState.DRAFT else ()
    lines = [following.next_step(view), *(f"  {line}" for line in further)]
    alerts.report(view, "\n".join(lines), as_json)
    return view


def update(context: typer.Context, alert: str | None, kind: str | None, **more: Any) -> None:
    alert = this_or_last(context, alert, more["token_file"])
    _followed(context, f"/alerts/{part(alert)}/update", {"kind": kind}, more)


def correct(context: typer.Context, alert: str | None, **more: Any) -> None:
    alert = this_or_last(context, alert, more["token_file"])
    body = {"wrong": more["wrong"] or [], "right": more["right"] or []}
    _followed(context, f"/alerts/{part(alert)}/correct", body, more)


def end(context: typer.Context, incident: str, **more: Any) -> None:
    _followed(context, f"/incidents/{part(incident)}/end", {}, more)


def withdraw(context: typer.Context, **more: Any) -> None:
    names = ("alert", "numbers", "but", "incident")
    view = _followed(context, "/withdrawals", {name: more[name] for name in names}, more)
    if view.unpublished:
        following.tell_unpublished(view, more["as_json"])


# --- following and stopping -----------------------------------------------------------------------


def now_(context: typer.Context, token_file: Path | None, as_json: bool) -> None:
    found = server_of(context, token_file).get(NowView, "/now")
    if as_json:
        emit(found)
        return
    console().print(now_page(found, None), end="", soft_wrap=True)


def status(context: typer.Context, alert: str | None, watch: bool, as_json: bool) -> None:
    _without(watch=watch)
    found = server_of(context).get(StatusView, "/status", alert=alert)
    emit(found) if as_json else console().print(status_view(found))


def deliveries(
    context: typer.Context, alert: str | None, state: str | None, limit: int | None, as_json: bool
) -> None:
    rows = every_delivery(server_of(context), alert, state, limit)
    emit(rows) if as_json else console().print(deliveries_table(rows))


def every_delivery(
    server: Server, alert: str | None, state: str | None, limit: int | None
) -> list[DeliveryView]:
    """All rows, or the newest `limit` of them, oldest first, page by page."""
    given = {"alert": alert, "state": state, "limit": str(PAGE_ROWS)}
    query = {name: value for name, value in given.items() if value is not None}
    rows: list[DeliveryView] = []
    while True:
        answer = server.ask("GET", "/deliveries", query=query)
        page = server.view(list[DeliveryView], answer.document)
        rows = [*page, *rows]
        if "link" not in answer.headers or not page:
            return rows[-limit:] if limit else rows
        query["cursor"] = str(page[0].id)


def halt(
    context: typer.Context,
    alert: str | None,
    channel: str | None,
    database: str | None,
    as_json: bool,
) -> None:
    if database:  # named on the line: that one is meant, wherever a login leads
        halting.halt(context, alert, channel, database, as_json)
        return
    body = {"alert": alert, "channel": channel}
    done: HaltView = server_of(context).change(HaltView, "POST", "/halt", body)
    halting.tell_halted(alert, channel, as_json)
    if as_json:
        emit(done)


def resume(
    context: typer.Context,
    alert: str | None,
    channel: str | None,
    token_file: Path | None,
    as_json: bool,
) -> None:
    body = {"alert": alert, "channel": channel}
    done: HaltView = server_of(context, token_file).change(HaltView, "POST", "/resume", body)
    halting.tell_resumed(alert, channel, as_json)
    if as_json:
        emit(done)


def settle(
    context: typer.Context,
    delivery: int,
    url: str | None,
    token_file: Path | None,
    as_json: bool,
    **more: Any,
) -> None:
    chosen = [word for word in ("sent", "resend", "drop") if more[word]]
    if len(chosen) != 1:
        raise Misuse(_("Give one of --sent, --resend or --drop."))
    body = {"word": chosen[0], "url": url}
    server = server_of(context, token_file)
    row: SettledView = server.change(SettledView, "POST", f"/deliveries/{delivery}/settle", body)
    sentence = _("Delivery {id} is now: {state}.")
    say(sentence.format(id=row.id, state=state_word(row.state)), as_json)
    if as_json:
        emit(row)


# --- the register ---------------------------------------------------------------------------------


def numbers_list(
    context: typer.Context, query: str | None, standing: str | None, as_json: bool
) -> None:
    rows = server_of(context).get(list[NumberView], "/numbers", query=query, standing=standing)
    emit(rows) if as_json else console().print(numbers_table(rows, None))


def verify(
    context: typer.Context,
    entry: str | None,
    token_file: Path | None,
    as_json: bool,
    **more: Any,
) -> None:
    _without(session=more["session"])
    if entry is None:
        raise Misuse(_("Give one entry, such as N12."))
    server = server_of(context, token_file)
    digits, call = more["digits"], more["call"]
    if digits is None or call is None:
        known: NumberHistory = server.get(NumberHistory, f"/numbers/{part(entry)}")
        row = f"{known.entry}, {known.territory_name}, {known.service}"
        digits = digits or numbers_verifying.ask(_("{row}: type its digits again").format(row=row))
        call = call or numbers_verifying.ask_call()
    body = {"digits": digits, "call": call, "called_at": more["called_at"], "note": more["note"]}
    view: NumberView = server.change(NumberView, "POST", f"/numbers/{part(entry)}/verify", body)
    numbers_verifying.tell_verified(view, as_json)
