"""The register of numbers: what it holds. What changes it is in `numbers_changing`, reading back in
`numbers_verifying`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from alertbot.cli import numbers_changing, numbers_verifying
from alertbot.cli.frame import AsJson, console, emit, example, read
from alertbot.cli.numbers_changing import Name, Query
from alertbot.cli.typer_words import App
from alertbot.words import _

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from alertbot.service.context import Context


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
