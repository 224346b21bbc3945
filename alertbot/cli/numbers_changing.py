"""What changes the register: import, add, edit, withdraw."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from alertbot.alerts import register
from alertbot.cli.frame import AsJson, Sets, TokenFile, console, emit, say
from alertbot.cli.running import act
from alertbot.core.errors import Misuse
from alertbot.core.model import AlertState, Person
from alertbot.core.words import _, ngettext
from alertbot.numbers import changing, importing
from alertbot.numbers.reading import RowFault
from alertbot.numbers.views import ImportView, NumbersWithdrawn, NumberView, StillPublic
from alertbot.texts.fields.parse import merge_sets
from alertbot.watch.context import WatchContext

Name = Annotated[str, typer.Argument(metavar=_("ENTRY"), help=_("The entry, for example N12."))]
Query = Annotated[
    str | None,
    typer.Argument(
        metavar=_("[QUERY]"),
        help=_("Territories, services, entries: 22,29/samu,N12. All where it is left out."),
    ),
]
PARTLY = 3  # the exit code where some rows were left out
NAMED = 10  # entries in one sentence


def import_(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("A CSV or YAML file."))],
    keep_valid: Annotated[
        bool, typer.Option("--keep-valid", help=_("Keep the sound rows where others are wrong."))
    ] = False,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> ImportView:
        importing.require_role(person)  # before a large file is read
        with console(as_json=True).status(_("Reading {file}").format(file=file.name)):
            reading = importing.read(file, service.now)
        with console(as_json=True).status(_("Writing {count} rows").format(count=reading.count)):
            return await importing.import_(service, person, reading, file.name, keep_valid=keep_valid)

    done = act(context, work, token_file)
    for line in _told(done):
        say(line, as_json)
    if as_json:
        emit(done)
    if done.faults:
        raise typer.Exit(PARTLY)


def _told(done: ImportView) -> Iterator[str]:
    """What an import did, then every row that deserves a look."""
    yield _(
        "{file}: {rows} rows are {entries} entries; {new} new, {changed} changed, {joined} with a source more,"
        " {same} as they were."
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
            "Withdrawn before, and still: {names}. To bring one back: numbers add."
        ).format(names=_some(done.withdrawn))
    if done.ended:
        yield "  ! " + _(
            "Past their end or review, and the file gives no new one: {names}. Give one with numbers edit."
        ).format(names=_some(done.ended))
    if done.new or done.changed:
        yield _(
            "Nobody has verified what is new or changed: another person runs alertbot numbers verify."
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

    _entered(act(context, work, token_file), _("{entry} is entered: {said}."), as_json)


def edit(
    context: typer.Context,
    entry: Name,
    sets: Sets = None,
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    cells = _cells(sets)

    async def work(service: WatchContext, person: Person) -> NumberView:
        return await changing.edit(service, person, entry, cells)

    _entered(act(context, work, token_file), _("{entry} is now version {version}: {said}."), as_json)


def _cells(sets: list[str] | None) -> dict[str, Any]:
    if not sets:
        raise Misuse(_("Say what to set: --set COLUMN=VALUE, such as --set service=samu."))
    return merge_sets(sets)


def _entered(view: NumberView, sentence: str, as_json: bool) -> None:
    say(sentence.format(entry=view.entry, version=view.version, said=view.said), as_json)
    say(
        _("Another person reads it back: alertbot numbers verify {entry}").format(entry=view.entry),
        as_json,
    )
    if as_json:
        emit(view)


def withdraw(
    context: typer.Context,
    query: Annotated[
        str,
        typer.Argument(metavar=_("QUERY"), help=_("Territories, services, entries: 22,29/samu,N12.")),
    ],
    reason: Annotated[str, typer.Option(metavar=_("TEXT"), help=_("Why, for the record."))],
    but: Annotated[
        str, typer.Option("--but", metavar=_("QUERY"), help=_("What of it stays: 22/samu."))
    ] = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    async def work(service: WatchContext, person: Person) -> NumbersWithdrawn:
        return await register.withdraw(service, person, query, reason, but=but)

    done = act(context, work, token_file)
    gone = done.withdrawn
    sentence = ngettext(
        "{count} entry is withdrawn: {rows}.", "{count} entries are withdrawn: {rows}.", len(gone)
    )
    rows = "; ".join(f"{one.entry} ({one.said})" for one in gone)
    say(sentence.format(count=len(gone), rows=rows), as_json)
    for line in _still_public(done.published):
        say(line, as_json)
    if as_json:
        emit(done)


def _still_public(published: Sequence[StillPublic]) -> Iterator[str]:
    """Loudly: what the public can still read."""
    for one in published:
        if one.state is AlertState.APPROVED:
            sentence = _(
                "! {entry} is in {alert}, which was approved: it was stopped, and NOTHING OF IT GOES OUT. Write"
                " it anew without that number."
            )
        else:
            sentence = _("! {entry} STILL STANDS IN PUBLIC, in {alert}: {row}.")
        yield sentence.format(entry=one.entry, alert=one.alert, row=one.row)
    public = list(dict.fromkeys(one.entry for one in published if one.state is not AlertState.APPROVED))
    if public:
        yield _("! Tell the public now: alertbot withdraw --numbers {names}").format(
            names=",".join(public)
        )
