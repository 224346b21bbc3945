"""The register of numbers: what it holds, and what changes it. Reading back is in `numbers_verifying`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from alertbot.alerts.lists import still_public
from alertbot.cli.frame import AsJson, Sets, TokenFile, console, emit, say
from alertbot.cli.parsing import offered
from alertbot.cli.running import act, at_home, read
from alertbot.cli.tables.show_numbers import number_details, numbers_table
from alertbot.core.errors import Misuse
from alertbot.core.model import AlertState, Person, RawValues
from alertbot.core.words import _, ngettext
from alertbot.numbers import changing, consulting
from alertbot.numbers.reading import RowFault
from alertbot.numbers.rules_changes import fate_words
from alertbot.numbers.rules_checks import CoverageLevel, Severity
from alertbot.numbers.rules_rows import COLUMNS
from alertbot.numbers.rules_sheet import template, to_csv, to_json
from alertbot.numbers.views import (
    ImportPlanView,
    ImportView,
    NumberChanged,
    NumberHistory,
    NumbersTold,
    NumbersWithdrawn,
    NumberView,
    StillPublic,
)
from alertbot.texts.fields.parse import merge_sets
from alertbot.watch.context import WatchContext

Name = Annotated[
    str,
    typer.Argument(
        metavar=_("ENTRY"), help=_("The entry, for example N12."), autocompletion=offered("entries")
    ),
]
Query = Annotated[
    str | None,
    typer.Argument(
        metavar=_("[QUERY]"),
        help=_("Territories, services, entries: 22,29/samu,N12. Default: all."),
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help=_("Only show what it would do."))]
PARTLY = 3  # the exit code where some rows were left out
NAMED = 10  # entries in one sentence


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("A CSV or YAML file."))],
    keep_valid: Annotated[
        bool, typer.Option("--keep-valid", help=_("Import the good rows even if others are wrong."))
    ] = False,
    dry_run: DryRun = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    if dry_run:
        _would_import(context, file, as_json)
        return

    async def work(service: WatchContext, person: Person) -> ImportView:
        changing.require_role(person)  # before a large file is read
        with console(as_json=True).status(_("Reading {file}").format(file=file.name)):
            reading = changing.read(file, service.now)
        with console(as_json=True).status(_("Writing {count} rows").format(count=reading.count)):
            return await still_public.import_(
                service, person, reading, file.name, keep_valid=keep_valid
            )

    done = act(context, work, token_file)
    for line in _import_lines(done):
        say(line, as_json)
    if as_json:
        emit(done)
    if done.faults:
        raise typer.Exit(PARTLY)


def _would_import(context: typer.Context, file: Path, as_json: bool) -> None:
    """Every row of the file with what importing it would do."""

    async def work(service: WatchContext) -> ImportPlanView:
        return await still_public.would_import(service, changing.read(file, service.now), file.name)

    found = read(context, work)
    for message in (*found.faults, *found.warnings):
        say(f"! {message}", as_json)
    for row in found.rows:
        words = fate_words(row.fate).format(entry=row.entry)
        say(f"{row.row}: {' · '.join(filter(None, (words, row.said, *row.notes)))}", as_json)
    for one in found.published:
        told = _("! The public reads {entry} in {alert}: {row}.")
        say(told.format(entry=one.entry, alert=one.alert, row=one.row), as_json)
    if as_json:
        emit(found)


def _import_lines(done: ImportView) -> Iterator[str]:
    """What an import did, then every row that deserves a look."""
    yield _(
        "{file}: {rows} rows, {entries} entries: {new} new, {changed} changed, {joined} with one more"
        " source, {same} unchanged."
    ).format(
        file=done.file,
        rows=done.rows,
        entries=done.entries,
        new=len(done.new),
        changed=len(done.changed),
        joined=len(done.sources_added),
        same=done.same,
    )
    yield from (f"  ✗ {fault.message}" for fault in done.faults)
    yield from (f"  ! {_at_row(warning)}" for warning in done.warnings)
    yield from (f"  – {_at_row(note)}" for note in done.information)
    if done.withdrawn:
        yield "  ! " + _(
            "Already withdrawn, and still withdrawn: {names}. To bring one back: numbers add."
        ).format(names=_some(done.withdrawn))
    if done.ended:
        yield "  ! " + _(
            "Expired or past review, and the file gives no new date: {names}. Set one with numbers edit."
        ).format(names=_some(done.ended))
    yield from _still_read(done.published)
    if done.new or done.changed:
        yield _(
            "New and changed entries are not verified yet: someone else runs alertbot numbers verify."
        )


def _at_row(told: RowFault) -> str:
    """The sentence with its row, where it does not begin with it."""
    row, message = told.row, told.message
    named = not row or str(row) in message.split(" (")[0]
    return message if named else _("{message} (row {row})").format(message=message, row=row)


def _some(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (" " + _("and {more} more").format(more=more) if more > 0 else "")


def add(
    context: typer.Context, sets: Sets = None, token_file: TokenFile = None, as_json: AsJson = False
) -> None:
    cells = _cells(sets)

    async def work(service: WatchContext, person: Person) -> NumberView:
        return await changing.add(service, person, cells)

    _entered(act(context, work, token_file), _("Added {entry}: {said}."), as_json)


def edit(
    context: typer.Context,
    entry: Name,
    sets: Sets = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    cells = _cells(sets)

    async def work(service: WatchContext, person: Person) -> NumberChanged:
        return await still_public.edit(service, person, entry, cells)

    changed = act(context, work, token_file)
    _entered(changed, _("{entry} is now version {version}: {said}."), as_json)
    for line in _still_read(changed.published):
        say(line, as_json)


def _cells(sets: list[str] | None) -> RawValues:
    if not sets:
        raise Misuse(_("Nothing to set. Use --set COLUMN=VALUE, such as --set service=samu."))
    return merge_sets(sets)


def _entered(view: NumberView, sentence: str, as_json: bool) -> None:
    say(sentence.format(entry=view.entry, version=view.version, said=view.said), as_json)
    say(
        _("Someone else must verify it: alertbot numbers verify {entry}").format(entry=view.entry),
        as_json,
    )
    if as_json:
        emit(view)


def withdraw(
    context: typer.Context,
    query: Annotated[
        str,
        typer.Argument(
            metavar=_("QUERY"),
            help=_("Territories, services, entries: 22,29/samu,N12."),
            autocompletion=offered("entries"),
        ),
    ],
    reason: Annotated[str, typer.Option(metavar=_("TEXT"), help=_("Reason, for the record."))] = "",
    but: Annotated[
        str, typer.Option("--but", metavar=_("QUERY"), help=_("What stays in force: 22/samu."))
    ] = "",
    dry_run: DryRun = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    if dry_run:
        _would_withdraw(read(context, lambda s: still_public.told(s, query, but=but)), as_json)
        return

    async def work(service: WatchContext, person: Person) -> NumbersWithdrawn:
        return await still_public.withdraw(service, person, query, reason, but=but)

    done = act(context, work, token_file)
    gone = done.withdrawn
    sentence = ngettext(
        "Withdrew {count} entry: {rows}.", "Withdrew {count} entries: {rows}.", len(gone)
    )
    rows = "; ".join(f"{one.entry} ({one.said})" for one in gone)
    say(sentence.format(count=len(gone), rows=rows), as_json)
    for line in _still_public(done.published):
        say(line, as_json)
    if as_json:
        emit(done)


def _would_withdraw(found: NumbersTold, as_json: bool) -> None:
    """What a withdrawal would take out, and where the public reads it."""
    left = [one for one in found.entries if one.withdrawn_at is None]
    sentence = ngettext(
        "It would withdraw {count} entry: {rows}.",
        "It would withdraw {count} entries: {rows}.",
        len(left),
    )
    rows = "; ".join(f"{one.entry} ({one.said})" for one in left)
    say(sentence.format(count=len(left), rows=rows), as_json)
    for one in found.published:
        told = _("! The public reads {entry} in {alert}: {row}.")
        say(told.format(entry=one.entry, alert=one.alert, row=one.row), as_json)
    if as_json:
        emit(found)


def _still_public(published: Sequence[StillPublic]) -> Iterator[str]:
    """Loudly: what the public can still read of entries that left the register."""
    sentence = _("! {entry} IS STILL PUBLIC, in {alert}: {row}.")
    yield from _loudly(published, sentence)
    public = list(dict.fromkeys(one.entry for one in published if one.state is not AlertState.APPROVED))
    if public:
        yield _("! Tell the public now: alertbot withdraw --numbers {names}").format(
            names=",".join(public)
        )


def _still_read(published: Sequence[StillPublic]) -> Iterator[str]:
    """Loudly: what the public can still read of entries that say something else now."""
    yield from _loudly(published, _("! THE PUBLIC STILL READS {row} ({entry}), in {alert}."))
    last = {one.entry: one.alert for one in published if one.state is not AlertState.APPROVED}
    for entry, alert in last.items():
        yield _(
            "! Tell the public now, once {entry} is verified: alertbot correct {alert} --wrong {entry} --right {entry}"
        ).format(entry=entry, alert=alert)


def _loudly(published: Sequence[StillPublic], sentence: str) -> Iterator[str]:
    stopped = _(
        "! {entry} is in {alert}, which was approved. {alert} is stopped and NOTHING MORE OF IT GOES OUT."
        " Write it again without that number."
    )
    for one in published:
        words = stopped if one.state is AlertState.APPROVED else sentence
        yield words.format(entry=one.entry, alert=one.alert, row=one.row)


_COVER_MARKS = {CoverageLevel.NONE: "✗", CoverageLevel.PARTIAL: "!", CoverageLevel.WHOLE: "✓"}


def list_(
    context: typer.Context,
    query: Query = None,
    standing: Annotated[
        str | None,
        typer.Option(
            metavar="S",
            help=_("Only entries that are unverified, planned, in-force, expired or withdrawn."),
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
        bool, typer.Option("--coverage", help=_("Also list services a territory has no number for."))
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
    looked = ngettext("{count} entry checked.", "{count} entries checked.", count)
    say(looked.format(count=count))


def export_(
    context: typer.Context,
    query: Query = None,
    format_: Annotated[str, typer.Option("--format", metavar="F", help=_("csv or json."))] = "csv",
    as_json: AsJson = False,
) -> None:
    if format_ not in ("csv", "json"):
        raise Misuse(_("There is no format '{name}'; use csv or json.").format(name=format_[:40]))
    rows = read(context, lambda service: consulting.export(service, query))
    text = to_json(rows) if as_json or format_ == "json" else to_csv(rows)
    print(text, end="", flush=True)


def template_(context: typer.Context, as_json: AsJson = False) -> None:
    at_home(context)
    if as_json:
        emit({"columns": list(COLUMNS), "template": template()})
    else:
        print(template(), end="", flush=True)
