"""Importing a file of numbers into the register: completely or not at all, reported row by row."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from alertbot.core.errors import Faulty, Misuse
from alertbot.core.model import Fault, Person
from alertbot.core.words import _, ngettext
from alertbot.db.sql import Connection
from alertbot.numbers import changing, store_changes
from alertbot.numbers.reading import (
    LARGEST_IMPORT,
    ImportReading,
    RowFault,
    RowsRead,
    read_import,
)
from alertbot.numbers.rules_changes import Plan
from alertbot.numbers.rules_entry import Standing, entry_name, standing
from alertbot.numbers.views import ImportView
from alertbot.people import rules
from alertbot.people.context import Context


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
    service: Context, actor: Person, read: RowsRead, name: str, *, keep_valid: bool = False
) -> ImportView:
    """Import the rows of a file, all or none; with `keep_valid` those without faults.

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
        await changing.note(conn, actor, "numbers-import", now, _summary(done, *kept))
        return done

    return await service.database.transact(work)


def _nothing_kept(read: RowsRead, name: str) -> str:
    bad = len({fault.row for fault in read.faults if fault.row})
    if not bad:
        return _(
            "Nothing was imported from {name}. Fix it, or import the good rows with --keep-valid."
        ).format(name=name)
    sentence = ngettext(
        "Nothing was imported from {name}: {bad} of {count} rows cannot be used. Fix it, or import the"
        " others with --keep-valid.",
        "Nothing was imported from {name}: {bad} of {count} rows cannot be used. Fix them, or import"
        " the others with --keep-valid.",
        bad,
    )
    return sentence.format(name=name, bad=bad, count=read.count)


def _imported(read: RowsRead, name: str, plan: Plan, ids: Sequence[int], now: datetime) -> ImportView:
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


def _summary(done: ImportView, plan: Plan, ids: Sequence[int]) -> dict[str, object]:
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
