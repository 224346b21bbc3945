"""Commands at the desk of a service (`--server`): the same words and options, without a database or a configuration
here. Each function stands in for the one of its name that works on the database."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Never

import typer
import yaml

from alertbot.alerts.compose import field_values
from alertbot.alerts.showing import Passing
from alertbot.alerts.views import AlertView, ShownAlertView
from alertbot.cli import alerts, approving, following, kept
from alertbot.cli.frame import console, emit, say, session, split_pairs, this_or_last
from alertbot.cli.remote.server import Server, part
from alertbot.cli.tables import show_alerts
from alertbot.cli.tables.show_tables import kind_details, kinds_table, sent_line
from alertbot.core.errors import Misuse, Refused, StoreFailed
from alertbot.core.model import AlertState
from alertbot.core.words import _
from alertbot.texts.preview.phrases import channel_type, recipients, stated, visible
from alertbot.texts.views import FaultView, KindDetailsView, KindView, MessageView, PreviewView
from alertbot.texts.wording.language import language_name

QUIET_SECONDS = (
    15.0  # after which `--publish` tells what is left, as where this machine sends by itself
)


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
    _without(**{name: more[name] for name in ("break_glass", "reason")})
    publish, wait = more["publish"], more["wait"]
    approving.require_one_way(publish=publish, wait=wait)
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
    if publish and view.start is not None:
        said = _("{id} is approved; {server} is sending it.")
        say(said.format(id=view.id, server=server.url), as_json)
        last = _waited(server, view, quiet=QUIET_SECONDS)
        _leave_published(replace(last, asked=view.asked), as_json)
    approving.tell_outlook(view, approving.approved(view), as_json)
    if wait:
        approving.leave_waiting(_waited(server, view), as_json)
    elif as_json:
        emit(view)


def _waited(server: Server, view: AlertView, *, quiet: float | None = None) -> AlertView:
    """Watch the service send it; how it stands then. `quiet`: no longer than so many seconds in which nothing happens.
    Raises `StoreFailed` where the service falls silent."""
    told = approving.ProgressTeller(view)

    def watch() -> None:
        changed = time.monotonic()
        while True:
            begun, before = time.monotonic(), _counted(told.last)
            if told.tell(server.get(Passing, f"/alerts/{part(view.id)}/progress")):
                return
            changed = begun if _counted(told.last) != before else changed
            if quiet is not None and begun - changed > quiet:
                return
            time.sleep(told.pause(begun))

    try:
        approving.wait_for(told, watch)
    except StoreFailed as error:
        sentence = _(
            "{id} is approved all the same, but how far it is nobody knows here ({why}). To see it: alertbot status {id}"
        )
        raise StoreFailed(sentence.format(id=view.id, why=str(error).rstrip("."))) from None
    return told.last


def _counted(view: AlertView) -> list[Mapping[str, int]]:
    return [one.deliveries for one in view.delivered or ()]


def _leave_published(last: AlertView, as_json: bool) -> Never:
    """Say what went out, as where this machine sends by itself, and leave with 0 or 3."""
    for line in (last.verdict.said, *last.verdict.further) if last.verdict else ():
        say(f"  {line}", as_json)
    counts: Counter[str] = Counter()
    for one in last.delivered or ():
        counts.update(one.deliveries)
    waiting = sum(one.left for one in last.delivered or ())
    say(sent_line(counts["sent"], counts["failed"], counts["uncertain"], waiting), as_json)
    if as_json:
        emit(replace(last, delivered=None))
    left = waiting or last.delivered is None  # nothing was heard of it
    not_sent = sum(counts[name] for name in ("failed", "uncertain", "expired", "skipped"))
    raise typer.Exit(approving.PARTLY if not_sent or left else 0)


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


def retract(context: typer.Context, alert: str, now: bool, **more: Any) -> None:
    given = {"sets": None, "vars_file": None, "accept": None} | more
    _followed(context, f"/alerts/{part(alert)}/retract", {"now": now}, given)


def cancel(context: typer.Context, alert: str, text: list[str] | None, **more: Any) -> None:
    words = following.by_language(text or [])
    _followed(context, f"/alerts/{part(alert)}/false-alert", {"text": words}, more)
