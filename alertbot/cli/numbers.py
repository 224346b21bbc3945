"""The register of numbers: what it holds. What changes it is in `numbers_changing`, reading back in
`numbers_verifying`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alertbot.cli import numbers_changing, numbers_verifying
from alertbot.cli.frame import AsJson, console, emit, example, read, say
from alertbot.cli.numbers_changing import Name, Query
from alertbot.cli.typer_words import App
from alertbot.errors import Misuse
from alertbot.words import _, ngettext

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alertbot.service.context import Context


_COVER_MARKS = {"none": "✗", "partial": "!", "whole": "✓"}


def register(app: typer.Typer) -> None:
    numbers = App(
        help=_("The register of provisional numbers: the only place that numbers come from."),
        epilog=example("alertbot numbers import numbers.csv"),
        no_args_is_help=True,
    )
    numbers_changing.register(numbers)
    numbers_verifying.register(numbers)
    numbers.command(
        "list",
        help=_("List entries: all that are not withdrawn, or what a query or a standing asks for."),
        epilog=example("alertbot numbers list 22,29/samu --standing unverified"),
    )(list_)
    numbers.command(
        "show",
        help=_("Show everything about one entry: its versions, readings back, and where it stands."),
        epilog=example("alertbot numbers show N12"),
    )(show)
    numbers.command(
        "check",
        help=_(
            "Look for what deserves a look: one number for two services or territories, a beginning that"
            " belongs elsewhere, zones that contradict each other; with --coverage, who is left without."
        ),
        epilog=example("alertbot numbers check --coverage 22,29"),
    )(check)
    numbers.command(
        "export",
        help=_("Print the register as a file that can be imported again."),
        epilog=example("alertbot numbers export --format csv > numbers.csv"),
    )(export)
    numbers.command(
        "template",
        help=_("Print an empty file of numbers, with its columns and one row as an example."),
        epilog=example("alertbot numbers template > numbers.csv"),
    )(template)
    app.add_typer(numbers, name="numbers")


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
    from alertbot.service import consulting

    async def work(service: "Context") -> tuple[list[dict[str, Any]], "ZoneInfo"]:
        return await consulting.listing(service, query, standing), service.voice.zone

    rows, zone = read(context, work)
    if as_json:
        emit(rows)
        return
    from alertbot.preview.numbers import numbers_table

    console().print(numbers_table(rows, zone))


def show(context: typer.Context, entry: Name, as_json: AsJson = False) -> None:
    from alertbot.service import consulting

    async def work(service: "Context") -> tuple[dict[str, Any], "ZoneInfo"]:
        return await consulting.show(service, entry), service.voice.zone

    shown, zone = read(context, work)
    if as_json:
        emit(shown)
        return
    from alertbot.preview.numbers import number_details

    console().print(number_details(shown, zone))


def check(
    context: typer.Context,
    query: Query = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help=_("Also which services a territory is left without."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    from alertbot.service import consulting

    found = read(context, lambda service: consulting.check(service, query, covered=coverage))
    if as_json:
        emit(found)
        return
    for one in found["findings"]:
        mark = "!" if one["severity"] == "warning" else "–"
        say(f"{mark} {one['message']} ({', '.join(one['entries'])})")
    for one in found["coverage"]:
        say(f"{_COVER_MARKS[one['cover']]} {one['message']}")
    count = found["entries"]
    looked = ngettext("{count} entry was looked at.", "{count} entries were looked at.", count)
    say(looked.format(count=count))


def export(
    context: typer.Context,
    query: Query = None,
    format_: Annotated[str, typer.Option("--format", metavar="F", help=_("csv or json."))] = "csv",
    as_json: AsJson = False,
) -> None:
    from alertbot.register.export import to_csv, to_json
    from alertbot.service import consulting

    if format_ not in ("csv", "json"):
        raise Misuse(
            _("There is no format '{name}'; there are csv and json.").format(name=format_[:40])
        )
    rows = read(context, lambda service: consulting.export(service, query))
    text = to_json(rows) if as_json or format_ == "json" else to_csv(rows)
    print(text, end="", flush=True)


def template(as_json: AsJson = False) -> None:
    from alertbot.register.export import template as text
    from alertbot.register.rows import COLUMNS

    if as_json:
        emit({"columns": list(COLUMNS), "template": text()})
    else:
        print(text(), end="", flush=True)
