"""Commands at the desk of a service that look and stop: now, status, deliveries, halts, the register of numbers, incidents.
Each function stands in for the one of its name that works on the database; those that write are in `commands`."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer
from rich.live import Live

from alertbot.alerts.views import HaltView, SettledView
from alertbot.cli import halting, incidents, numbers_verifying
from alertbot.cli.frame import console, emit, say
from alertbot.cli.now_page import now_page
from alertbot.cli.remote.commands import server_of
from alertbot.cli.remote.server import Server, part
from alertbot.cli.tables.show_incidents import incident_view, timeline_table
from alertbot.cli.tables.show_numbers import number_details, numbers_table
from alertbot.cli.tables.show_tables import clock, deliveries_table, state_word, status_view
from alertbot.cli.watching import WATCH_SECONDS, require_watchable
from alertbot.core.errors import Misuse, Refused
from alertbot.core.words import _
from alertbot.delivery.views import DeliveryView
from alertbot.numbers.verifying import Verification
from alertbot.numbers.views import NumberHistory, NumberView, ReadingView
from alertbot.ops.now import NowView
from alertbot.ops.views import StatusView
from alertbot.watch.rules_log import State
from alertbot.watch.timeline import TimelineLine
from alertbot.watch.views import IncidentDetails, IncidentLine, IncidentView

PAGE_ROWS = 1000

# --- following and stopping -----------------------------------------------------------------------


def now_(context: typer.Context, token_file: Path | None, as_json: bool) -> None:
    found = server_of(context, token_file).get(NowView, "/now")
    if as_json:
        emit(found)
        return
    console().print(now_page(found, None), end="", soft_wrap=True)


def status(context: typer.Context, alert: str | None, watch: bool, as_json: bool) -> None:
    server = server_of(context)
    if watch:
        screen = require_watchable(as_json=as_json)
        with suppress(KeyboardInterrupt), Live(console=screen, auto_refresh=False) as live:
            while True:
                found = server.get(StatusView, "/status", alert=alert)
                live.update(status_view(found), refresh=True)
                time.sleep(WATCH_SECONDS)
        return
    found = server.get(StatusView, "/status", alert=alert)
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
    typed = (more["digits"], more["call"], more["called_at"], more["note"])
    numbers_verifying.require_one(entry, more["session"], typed)
    server = server_of(context, token_file)
    if entry is None:
        _session(server, more["session"], as_json)
        return
    digits, call = more["digits"], more["call"]
    if digits is None or call is None:
        known: NumberHistory = server.get(NumberHistory, f"/numbers/{part(entry)}")
        row = f"{known.entry}, {known.territory_name}, {known.service}"
        digits = digits or numbers_verifying.ask(_("{row}: type its digits again").format(row=row))
        call = call or numbers_verifying.ask_call()
    given = Verification(digits, call, more["called_at"], more["note"])
    numbers_verifying.tell_verified(_verified(server, entry, given), as_json)


def _verified(server: Server, entry: str, given: Verification) -> NumberView:
    body = {
        "digits": given.digits,
        "call": given.call,
        "called_at": given.called_at,
        "note": given.note,
        "version": given.version,
    }
    view: NumberView = server.change(NumberView, "POST", f"/numbers/{part(entry)}/verify", body)
    return view


def _session(server: Server, query: str, as_json: bool) -> None:
    body = {"query": query}
    reading: ReadingView = server.change(ReadingView, "POST", "/numbers/read-back", body)
    name = server.get(Mapping[str, Any], "/me")["name"]
    numbers_verifying.tell_others(reading, name, clock)
    done, asked = [], 0
    for entry, given in numbers_verifying.answers(reading, as_json):
        asked += 1
        try:
            _verified(server, entry.entry, given)
        except Refused as refused:
            say(f"  ✗ {refused}", as_json=True)
        else:
            done.append(entry.entry)
            numbers_verifying.tell_read(entry, as_json)
    after: ReadingView = server.change(ReadingView, "POST", "/numbers/read-back/leave", body)
    outcome = numbers_verifying.sitting(done, after, left=asked < len(reading.waiting))
    numbers_verifying.leave_with(outcome, query, as_json)


def numbers_show(context: typer.Context, entry: str, as_json: bool) -> None:
    found = server_of(context).get(NumberHistory, f"/numbers/{part(entry)}")
    emit(found) if as_json else console().print(number_details(found))


# --- incidents ------------------------------------------------------------------------------------


def incident_open(
    context: typer.Context,
    title: str | None,
    service_name: str | None,
    state: State | None,
    token_file: Path | None,
    as_json: bool,
) -> None:
    incidents.require_service(service_name, state)
    body = {"title": title, "service": service_name, "state": state}
    server = server_of(context, token_file)
    incidents.tell_open(server.change(IncidentView, "POST", "/incidents", body), as_json)


def incident_set(
    context: typer.Context,
    name: str,
    state: State,
    token_file: Path | None,
    as_json: bool,
    **more: Any,
) -> None:
    body = {"state": state, "confirmed_by": more["confirmed_by"], "note": more["note"]}
    path = f"/incidents/{part(name)}/state"
    found = server_of(context, token_file).change(IncidentDetails, "POST", path, body)
    incidents.tell_set(found, state, None, as_json)


def incident_list(context: typer.Context, as_json: bool) -> None:
    found = server_of(context).get(list[IncidentLine], "/incidents")
    incidents.tell_all(found, None, as_json)


def incident_show(context: typer.Context, name: str, as_json: bool) -> None:
    found = server_of(context).get(IncidentDetails, f"/incidents/{part(name)}")
    emit(found) if as_json else console().print(incident_view(found))


def incident_timeline(context: typer.Context, name: str, as_json: bool) -> None:
    found = server_of(context).get(list[TimelineLine], f"/incidents/{part(name)}/timeline")
    emit(found) if as_json else console().print(timeline_table(found))
