"""Changing the register: a file of numbers, completely or not at all and reported row by row; add and edit by hand.
Each is one transaction with its audit rows.

Nothing here verifies a number: another person does, in `verifying`. Entries are withdrawn by
`alerts.lists.still_public`, which also finds what the public still reads."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from alertbot.core.errors import Faulty, Misuse, NotThere, Refused
from alertbot.core.model import Fault, Person, RawValues
from alertbot.core.words import _, ngettext
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.numbers import store_changes, store_numbers
from alertbot.numbers.lookup import said
from alertbot.numbers.reading import LARGEST_IMPORT, ImportReading, RowFault, RowsRead, read_import
from alertbot.numbers.rules_changes import ChangePlan, bare, with_end
from alertbot.numbers.rules_entry import Entry, NumberRow, Standing, entry_id, entry_name, standing
from alertbot.numbers.rules_rows import BadRow, frozen_row, number_row
from alertbot.numbers.views import ImportView, NumberChanged, NumberView, StillPublic
from alertbot.people import rules
from alertbot.people.context import Context
from alertbot.texts.fields import moments

Told: TypeAlias = Callable[
    [Connection, Sequence[tuple[Entry, NumberRow]]], Awaitable[tuple[StillPublic, ...]]
]  # given entries as they were and their new rows: where the public still reads the old ones


async def add(service: Context, actor: Person, cells: Mapping[str, Any]) -> NumberView:
    """Add one entry. A withdrawn entry with the same values comes back as a new version. Raises `Faulty`
    for cells that make no valid row, `Refused` if the register has the same entry already."""
    rules.require_role("numbers_enter", actor)
    row = _row(service, cells)

    async def work(conn: Connection) -> NumberView:
        entry = await enter(service, conn, actor, row, again=False)
        return NumberView.of(entry, service.now)

    return await service.database.transact(work)


async def enter(
    service: Context, conn: Connection, actor: Person, row: NumberRow, *, again: bool = True
) -> Entry:
    """Enter a row; a withdrawn entry of the same comes back as a new version. `again`: an entry that already
    says the same is the result. Raises `Refused` without it."""
    now = service.now
    plan, ids = await store_changes.take_in(conn, [row], verb="add", by=actor, at=now)
    if plan.same and again:
        return plan.same[0]
    if plan.same:
        raise Refused(_("{entry} already says the same.").format(entry=said(plan.same[0])))
    if plan.withdrawn:
        await store_changes.change(
            conn, plan.withdrawn[0], with_end(row, now), verb="add", by=actor, at=now
        )
    known = (*plan.withdrawn, *(entry for entry, _row in (*plan.changed, *plan.sourced)))
    return await _audited(service, conn, actor, "numbers-add", (*ids, *(one.id for one in known))[0])


async def edit(
    service: Context,
    actor: Person,
    name: str,
    changes: Mapping[str, Any],
    told: Told | None = None,
) -> NumberChanged:
    """Change cells of an entry: a new version that must be verified again. An empty cell clears the old
    value. `told` looks, in the same transaction, for alerts in which the public still reads the old version.
    Raises `Faulty` for cells that make no valid row, `Refused` if nothing changes or the entry is withdrawn."""
    rules.require_role("numbers_enter", actor)
    now = service.now

    async def work(conn: Connection) -> NumberChanged:
        entry = await one(conn, name)
        if entry.withdrawn_at is not None:
            raise Refused(
                _("{entry} was withdrawn. Add it again with `alertbot numbers add`.").format(
                    entry=said(entry)
                )
            )
        row = with_end(_row(service, _laid_over(entry.row, changes)), now)
        if row == bare(entry.row):
            raise Refused(_("Nothing changed in {entry}.").format(entry=said(entry)))
        await store_changes.change(conn, entry, row, verb="edit", by=actor, at=now)
        changed = await _audited(service, conn, actor, "numbers-edit", entry.id)
        published = await told(conn, [(entry, row)]) if told else ()
        return NumberChanged.of(changed, now, published=published)

    return await service.database.transact(work)


async def one(conn: Connection, name: str) -> Entry:
    """The entry with this name. Raises `Misuse` if there is none."""
    number = entry_id(name)
    found = await store_numbers.entries(conn, ids=[number]) if number else ()
    if not found:
        raise NotThere(
            _("There is no entry '{name}'; `alertbot numbers list` shows them all.").format(
                name=name.strip()
            )
        )
    return found[0]


# --- rows -----------------------------------------------------------------------------------------


def _row(service: Context, cells: Mapping[str, Any]) -> NumberRow:
    """The row that these cells make. Raises `Faulty` for bad cells, `Misuse` for an unknown column."""
    now = service.now

    def at(given: object, zone: ZoneInfo) -> datetime:
        return moments.moment(given, now=now, zone=zone)

    strangers = {"entry", "version", "verified_by", "verified_at"} & cells.keys()
    if strangers:
        raise Misuse(
            _("{cells} cannot be set; the register sets them itself.").format(
                cells=", ".join(sorted(strangers))
            )
        )
    try:
        return number_row(cells, at)
    except BadRow as bad:
        raise Faulty(_("This is not a valid register entry."), [Fault(bad.rule, str(bad))]) from None


def _laid_over(row: NumberRow, changes: Mapping[str, Any]) -> RawValues:
    cells = frozen_row(bare(row))
    for name, value in changes.items():
        cells[name] = _worded_over(cells.get(name), value) if isinstance(value, Mapping) else value
    return {name: value for name, value in cells.items() if value not in ("", None, {})}


def _worded_over(before: Any, words: Mapping[str, str]) -> dict[str, str]:
    known = before if isinstance(before, Mapping) else {}
    return {lang: text for lang, text in {**known, **words}.items() if text}


# --- telling --------------------------------------------------------------------------------------


async def _audited(service: Context, conn: Connection, actor: Person, verb: str, key: int) -> Entry:
    """The entry after the change, and its audit row with the version."""
    entry = await one(conn, entry_name(key))
    detail = {"entries": {entry.name: entry.row.version}, "row": str(entry.row)}
    await note(conn, actor, verb, service.now, detail)
    return entry


async def note(
    conn: Connection, actor: Person, verb: str, now: datetime, detail: Mapping[str, object]
) -> None:
    """Write an audit row about the register."""
    await audit.append(conn, actor=actor.name, verb=verb, at=now, detail=detail)


def read(path: Path, now: datetime) -> ImportReading:
    """Every row of a file, checked. Raises `Misuse` if the file cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_IMPORT + 1)  # a device or a pipe has no size to ask for
    except OSError as error:
        raise Misuse(_("{path} cannot be read: {why}.").format(path=path, why=error.strerror)) from None
    return read_import(data, path.name, now=now)


def require_role(actor: Person) -> None:
    """Raises `Refused` unless this person may import."""
    rules.require_role("numbers_enter", actor)


async def import_(
    service: Context,
    actor: Person,
    read: RowsRead,
    name: str,
    *,
    keep_valid: bool = False,
    told: Told | None = None,
) -> ImportView:
    """Import the rows of a file, all or none; with `keep_valid` those without faults. `told` looks for alerts in
    which the public still reads what changed.

    Verification columns are ignored: the register counts only numbers read back here. Raises `Faulty`
    with every bad row.
    """
    require_role(actor)
    bad = [Fault(fault.rule, fault.message) for fault in read.faults]
    if bad and not (keep_valid and read.rows):
        raise Faulty(_nothing_kept(read, name), bad)
    now = service.now

    async def work(conn: Connection) -> ImportView:
        kept = await store_changes.take_in(conn, read.rows, verb="import", by=actor, at=now)
        done = _imported(read, name, *kept, now)
        await note(conn, actor, "numbers-import", now, _summary(done, *kept))
        changed = kept[0].changed
        return replace(done, published=await told(conn, changed)) if told else done

    return await service.database.transact(work)


def _nothing_kept(read: RowsRead, name: str) -> str:
    bad = len({fault.row for fault in read.faults if fault.row})
    if not bad:
        return _(
            "Nothing was imported from {name}. Fix it, or import the good rows (--keep-valid)."
        ).format(name=name)
    sentence = ngettext(
        "Nothing was imported from {name}: {bad} of {count} rows cannot be used. Fix it, or import the"
        " others (--keep-valid).",
        "Nothing was imported from {name}: {bad} of {count} rows cannot be used. Fix them, or import"
        " the others (--keep-valid).",
        bad,
    )
    return sentence.format(name=name, bad=bad, count=read.count)


def _imported(
    read: RowsRead, name: str, plan: ChangePlan, ids: Sequence[int], now: datetime
) -> ImportView:
    return ImportView(
        file=name,
        rows=read.count,
        entries=len(read.rows),
        new=tuple(entry_name(key) for key in ids),
        changed=tuple(entry.name for entry, _row in plan.changed),
        sources_added=tuple(entry.name for entry, _row in plan.sourced),
        same=len(plan.same),
        withdrawn=tuple(entry.name for entry in plan.withdrawn),
        ended=tuple(one.name for one in plan.same if standing(one, now) is Standing.EXPIRED),
        faults=tuple(read.faults),
        warnings=(*read.warnings, *_vouched_for(read)),
        information=_information(read),
    )


def _vouched_for(read: RowsRead) -> tuple[RowFault, ...]:
    """The warning for files that say who verified their numbers: the register counts only numbers read
    back here (R3)."""
    count = sum(1 for row in read.rows if row.verified_by)
    sentence = _(
        "Verification given in the file was ignored ({count} rows): only verification done here counts."
    )
    return (RowFault(0, "verification_left_out", sentence.format(count=count)),) if count else ()


def _information(read: RowsRead) -> tuple[RowFault, ...]:
    return read.information if isinstance(read, ImportReading) else ()


def _summary(done: ImportView, plan: ChangePlan, ids: Sequence[int]) -> dict[str, object]:
    """What the audit keeps of an import: entries and versions, with runs of new ones shortened."""
    return {
        "file": done.file,
        "rows": done.rows,
        "new": runs(ids),
        "changed": {entry.name: entry.row.version + 1 for entry, _row in plan.changed},
        "sources_added": list(done.sources_added),
        "left_out": len(done.faults),
    }


def runs(ids: Iterable[int]) -> list[str]:
    """`N1-N73` for 1 to 73: a file of a hundred thousand rows takes one line in the audit."""
    found: list[list[int]] = []
    for key in sorted(ids):
        if found and found[-1][1] == key - 1:
            found[-1][1] = key
        else:
            found.append([key, key])
    return [
        entry_name(first) if first == last else f"{entry_name(first)}-{entry_name(last)}"
        for first, last in found
    ]
