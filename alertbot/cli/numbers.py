"""The register of numbers: what it holds. What changes it is in `numbers_changing`, reading back in
`numbers_verifying`."""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from alertbot.cli.frame import AsJson, console, emit, say
from alertbot.cli.numbers_changing import Name, Query
from alertbot.cli.running import read
from alertbot.cli.tables.show_numbers import number_details, numbers_table
from alertbot.core.errors import Misuse
from alertbot.core.words import _, ngettext
from alertbot.numbers import consulting
from alertbot.numbers.rules_checks import Cover, Severity
from alertbot.numbers.rules_rows import COLUMNS
from alertbot.numbers.rules_sheet import template, to_csv, to_json
from alertbot.numbers.views import NumberHistory, NumberView
from alertbot.watch.context import WatchContext

_COVER_MARKS = {Cover.NONE: "✗", Cover.PARTIAL: "!", Cover.WHOLE: "✓"}


def list_(
    context: typer.Context,
    query: Query = None,
    standing: Annotated[
        str | None,
        typer.Option(
            metavar="S", help=_("unverified, planned, in-force, expired or withdrawn ones only.")
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext) -> tuple[list[NumberView], ZoneInfo]:
        return await consulting.listing(service, query, standing), service.publisher.zone

    rows, zone = read(context, work)
    if as_json:
        emit(rows)
        return

    console().print(numbers_table(rows, zone))


def show(context: typer.Context, entry: Name, as_json: AsJson = False) -> None:
    async def work(service: WatchContext) -> tuple[NumberHistory, ZoneInfo]:
        return await consulting.show(service, entry), service.publisher.zone

    shown, zone = read(context, work)
    if as_json:
        emit(shown)
        return

    console().print(number_details(shown, zone))


def check(
    context: typer.Context,
    query: Query = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help=_("Also which services a territory is left without."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    found = read(context, lambda service: consulting.check(service, query, covered=coverage))
    if as_json:
        emit(found)
        return
    for one in found.findings:
        mark = "!" if one.severity is Severity.WARNING else "–"
        say(f"{mark} {one.message} ({', '.join(one.entries)})")
    for cover in found.coverage:
        say(f"{_COVER_MARKS[cover.cover]} {cover.message}")
    count = found.entries
    looked = ngettext("{count} entry was looked at.", "{count} entries were looked at.", count)
    say(looked.format(count=count))


def export_(
    context: typer.Context,
    query: Query = None,
    format_: Annotated[str, typer.Option("--format", metavar="F", help=_("csv or json."))] = "csv",
    as_json: AsJson = False,
) -> None:
    if format_ not in ("csv", "json"):
        raise Misuse(
            _("There is no format '{name}'; there are csv and json.").format(name=format_[:40])
        )
    rows = read(context, lambda service: consulting.export(service, query))
    text = to_json(rows) if as_json or format_ == "json" else to_csv(rows)
    print(text, end="", flush=True)


def template_(as_json: AsJson = False) -> None:
    if as_json:
        emit({"columns": list(COLUMNS), "template": template()})
    else:
        print(template(), end="", flush=True)
