"""Watching what goes out: status, deliveries; and the audit, a chain of rows that shows any change."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.live import Live

from alertbot.cli.frame import AsJson, OneAlert, console, emit, say
from alertbot.cli.parsing import whole_number
from alertbot.cli.running import read
from alertbot.cli.tables.show_tables import deliveries_table, status_view
from alertbot.core.errors import Misuse
from alertbot.core.words import _, ngettext
from alertbot.db.audit import AuditRow
from alertbot.delivery.views import DeliveryView
from alertbot.ops import archive, audit_search, overview
from alertbot.ops.views import AuditVerdictView, StatusView
from alertbot.watch.context import WatchContext

WATCH_SECONDS = 1.0
LARGEST_NUMBER = 2**63 - 1  # that a database holds
LARGEST_ROW = 2**31 - 1


def status(
    context: typer.Context,
    alert: OneAlert = None,
    watch: Annotated[
        bool, typer.Option("--watch", help=_("Refresh every second; stop with Ctrl-C."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    if watch:
        _watch(context, alert, require_watchable(as_json=as_json))
        return

    async def work(service: WatchContext) -> tuple[StatusView, ZoneInfo]:
        return await overview.status(service, alert), service.publisher.zone

    found, zone = read(context, work, partly=True)
    if as_json:
        emit(found)
        return

    console().print(status_view(found, zone))


def require_watchable(*, as_json: bool) -> Console:
    """The terminal to watch on. Raises `Misuse` where there is none."""
    if as_json:
        raise Misuse(_("--watch is for people, --json for machines; give only one."))
    screen = console()
    if not screen.is_terminal:
        raise Misuse(_("--watch needs a terminal; elsewhere run `alertbot status` repeatedly."))
    return screen


def _watch(context: typer.Context, alert: str | None, screen: Console) -> None:
    async def work(service: WatchContext) -> None:
        with Live(console=screen, auto_refresh=False) as live:
            while True:
                found = await overview.status(service, alert)
                live.update(status_view(found, service.publisher.zone), refresh=True)
                await asyncio.sleep(WATCH_SECONDS)

    with suppress(KeyboardInterrupt):
        read(context, work, partly=True)


def deliveries(
    context: typer.Context,
    alert: OneAlert = None,
    state: Annotated[
        str | None, typer.Option(metavar="S", help=_("Only this state, for example uncertain."))
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N", parser=whole_number(1, LARGEST_NUMBER), help=_("Show at most N rows.")
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext) -> tuple[list[DeliveryView], ZoneInfo]:
        return await overview.deliveries(service, alert, state, limit), service.publisher.zone

    rows, zone = read(context, work, partly=True)
    if as_json:
        emit(rows)
        return

    console().print(deliveries_table(rows, zone))


def verify(
    context: typer.Context,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="D", help=_("A digest printed earlier by `audit head`.")),
    ] = None,
    archived: Annotated[
        Path | None,
        typer.Option(
            "--archive",
            metavar=_("FILE"),
            help=_("Check a file made by `archive` against the chain instead."),
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    if archived is not None:
        _verify_archive(context, archived, as_json)
        return
    verdict = read(context, lambda service: overview.audit_verify(service, head), partly=True)
    if verdict.sound:
        sound = _("The audit is intact, and the tables are as it says: {count} rows, head {head}.")
        say(sound.format(count=verdict.count, head=verdict.head), as_json)
    else:
        say(_("The audit is NOT intact: {reason}").format(reason="\n".join(verdict.problems)), as_json)
    for line in _limits(verdict):
        say(line, as_json)
    if as_json:
        emit(verdict)
    if not verdict.sound:
        raise typer.Exit(1)


def _limits(verdict: AuditVerdictView) -> Iterator[str]:
    """What was compared in another way, or not at all."""
    if verdict.before:
        older = ngettext(
            "{n} row is from before the audit was told what rows say: it could not be compared.",
            "{n} rows are from before the audit was told what rows say: they could not be compared.",
            verdict.before,
        )
        yield older.format(n=verdict.before)
    if verdict.erased:
        gone = ngettext(
            "Of {n} alert addresses were erased: its digest was compared as recorded at the erasure, with pseudonyms.",
            "Of {n} alerts addresses were erased: their digests were compared as recorded at the erasure, with pseudonyms.",
            verdict.erased,
        )
        yield gone.format(n=verdict.erased)


def _verify_archive(context: typer.Context, path: Path, as_json: bool) -> None:
    verdict = read(context, lambda service: archive.verify(service, path), partly=True)
    if verdict.sound:
        told = _("{file} is as the audit says: {n} deliveries.")
        say(told.format(file=verdict.file, n=verdict.deliveries), as_json)
    else:
        told = _("{file} is NOT as the audit says: {reason}")
        say(told.format(file=verdict.file, reason="\n".join(verdict.problems)), as_json)
    if as_json:
        emit(verdict)
    if not verdict.sound:
        raise typer.Exit(1)


def head(context: typer.Context, as_json: AsJson = False) -> None:
    found = read(context, overview.audit_head, partly=True)
    if as_json:
        emit(found)
    else:
        say(f"{found.count} {found.head}")


def export(
    context: typer.Context,
    person: Annotated[
        str,
        typer.Option(
            metavar=_("NAME"), help=_("Only what this person did, or what was done about them.")
        ),
    ] = "",
    alert: Annotated[str, typer.Option(metavar="ID", help=_("Only about this alert."))] = "",
    verb: Annotated[str, typer.Option(metavar="V", help=_("Only this action, such as approve."))] = "",
    since: Annotated[
        str, typer.Option("--from", metavar=_("DAY"), help=_("Only from this day: 2026-06-02."))
    ] = "",
    until: Annotated[str, typer.Option("--to", metavar=_("DAY"), help=_("Only up to this day."))] = "",
    as_csv: Annotated[
        bool, typer.Option("--csv", help=_("As a table for a spreadsheet, which runs no cell of it."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    if as_csv and as_json:
        raise Misuse(_("Give --csv or --json, not both."))

    async def work(service: WatchContext) -> list[AuditRow]:
        asked = audit_search.query(
            service, person=person, alert=alert, verb=verb, since=since, until=until
        )
        if as_csv:
            async for text in audit_search.as_csv(service, asked):
                sys.stdout.write(text)
            return []
        return [row async for rows in audit_search.portions(service, asked) for row in rows]

    found = read(context, work, partly=True)
    if as_json:
        emit(found)
        return
    for row in found:
        told = (row["seq"], row["at"], row["actor"], row["verb"], row["alert"], row["remote_id"])
        say("  ".join(str(one or "") for one in told))


def show_row(
    context: typer.Context,
    seq: Annotated[
        int,
        typer.Argument(
            metavar=_("ROW"), parser=whole_number(1, LARGEST_ROW), help=_("The number of the row.")
        ),
    ],
    as_json: AsJson = False,
) -> None:
    found = read(context, lambda service: audit_search.entry(service, seq), partly=True)
    if as_json:
        emit(found)
    else:
        for name, value in found.row.items():
            if value is not None and name != "facts":
                say(
                    f"{name}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
                )
        for one in found.written:
            said = _("deleted") if one.values is None else ", ".join(map(": ".join, one.values.items()))
            say(f"{one.table} {one.key}: {said}")
        if not (found.sound and found.follows):
            say(_("It was changed or moved after it was written."))
    if not (found.sound and found.follows):
        raise typer.Exit(1)
