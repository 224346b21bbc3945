"""Watching what goes out: status, deliveries; and the audit, a chain of rows that shows any change."""

import asyncio
from contextlib import suppress
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.live import Live

from alertbot.cli.frame import AsJson, OneAlert, console, emit, say
from alertbot.cli.parsing import whole_number
from alertbot.cli.running import read
from alertbot.cli.tables.show_tables import deliveries_table, status_view
from alertbot.core.errors import Misuse
from alertbot.core.words import _, ngettext
from alertbot.delivery.views import DeliveryView
from alertbot.ops import overview
from alertbot.ops.views import StatusView
from alertbot.watch.context import WatchContext

WATCH_SECONDS = 1.0
LARGEST_NUMBER = 2**63 - 1  # that a database holds


def status(
    context: typer.Context,
    alert: OneAlert = None,
    watch: Annotated[
        bool, typer.Option("--watch", help=_("Refresh every second; stop with Ctrl-C."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    if watch and as_json:
        raise Misuse(_("--watch is for people, --json for machines; give only one."))
    if watch:
        _watch(context, alert)
        return

    async def work(service: WatchContext) -> tuple[StatusView, ZoneInfo]:
        return await overview.status(service, alert), service.publisher.zone

    found, zone = read(context, work, partly=True)
    if as_json:
        emit(found)
        return

    console().print(status_view(found, zone))


def _watch(context: typer.Context, alert: str | None) -> None:
    screen = console()
    if not screen.is_terminal:
        raise Misuse(_("--watch needs a terminal; elsewhere run `alertbot status` repeatedly."))

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
    as_json: AsJson = False,
) -> None:
    verdict = read(context, lambda service: overview.audit_verify(service, head), partly=True)
    if verdict.sound:
        sound = _("The audit is intact, and the tables are as it says: {count} rows, head {head}.")
        say(sound.format(count=verdict.count, head=verdict.head), as_json)
    else:
        say(_("The audit is NOT intact: {reason}").format(reason="\n".join(verdict.problems)), as_json)
    if verdict.before:
        older = ngettext(
            "{n} row is from before the audit was told what rows say: it could not be compared.",
            "{n} rows are from before the audit was told what rows say: they could not be compared.",
            verdict.before,
        )
        say(older.format(n=verdict.before), as_json)
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


def export(context: typer.Context, as_json: AsJson = False) -> None:
    rows = read(context, overview.audit_export, partly=True)
    if as_json:
        emit(rows)
        return
    for row in rows:
        told = (row["seq"], row["at"], row["actor"], row["verb"], row["alert"], row["remote_id"])
        say("  ".join(str(one or "") for one in told))
