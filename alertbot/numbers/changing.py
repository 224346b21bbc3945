"""Changing the register by hand: add and edit, each in one transaction with its audit row.

Nothing here verifies a number: another person does, in `verifying`. Whole files are imported by
`importing`; entries are withdrawn by `alerts.register`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.core.errors import Faulty, Misuse, Refused
from alertbot.core.model import Fault, Person, RawValues
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.numbers import store_changes, store_numbers
from alertbot.numbers.lookup import said
from alertbot.numbers.rules_changes import bare, with_end
from alertbot.numbers.rules_entry import Entry, NumberRow, entry_id, entry_name
from alertbot.numbers.rules_rows import BadRow, frozen_row, number_row
from alertbot.numbers.views import NumberView
from alertbot.people import rules
from alertbot.people.context import Context
from alertbot.texts.fields import moments


async def add(service: Context, actor: Person, cells: Mapping[str, Any]) -> NumberView:
    """Add one entry. A withdrawn entry with the same values comes back as a new version. Raises `Faulty`
    for cells that make no valid row, `Refused` if the register has the same entry already."""
    rules.require_role("numbers_enter", actor)
    now = service.now
    row = _row(service, cells)

    async def work(conn: Connection) -> NumberView:
        plan, ids = await store_changes.take_in(conn, [row], verb="add", by=actor, at=now)
        if plan.same:
            raise Refused(_("{entry} already says the same.").format(entry=said(plan.same[0])))
        if plan.withdrawn:
            entry = plan.withdrawn[0]
            fresh = with_end(row, now)
            await store_changes.change(conn, entry, fresh, verb="add", by=actor, at=now)
        known = (*plan.withdrawn, *(entry for entry, _row in (*plan.changed, *plan.sourced)))
        return await _audited(
            service, conn, actor, "numbers-add", (*ids, *(one.id for one in known))[0]
        )

    return await service.database.transact(work)


async def edit(service: Context, actor: Person, name: str, changes: Mapping[str, Any]) -> NumberView:
    """Change cells of an entry: a new version that must be verified again. An empty cell clears the old
    value. Raises `Faulty` for cells that make no valid row, `Refused` if nothing changes or the entry
    is withdrawn."""
    rules.require_role("numbers_enter", actor)
    now = service.now

    async def work(conn: Connection) -> NumberView:
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
        return await _audited(service, conn, actor, "numbers-edit", entry.id)

    return await service.database.transact(work)


async def one(conn: Connection, name: str) -> Entry:
    """The entry with this name. Raises `Misuse` if there is none."""
    number = entry_id(name)
    found = await store_numbers.entries(conn, ids=[number]) if number else ()
    if not found:
        raise Misuse(
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


async def _audited(
    service: Context, conn: Connection, actor: Person, verb: str, key: int
) -> NumberView:
    """The entry after the change, and its audit row with the version."""
    entry = await one(conn, entry_name(key))
    detail = {"entries": {entry.name: entry.row.version}, "row": str(entry.row)}
    await note(conn, actor, verb, service.now, detail)
    return NumberView.of(entry, service.now)


async def note(
    conn: Connection, actor: Person, verb: str, now: datetime, detail: Mapping[str, object]
) -> None:
    """Write an audit row about the register."""
    await audit.append(conn, actor=actor.name, verb=verb, at=now, detail=detail)
