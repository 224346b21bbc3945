"""Writing the register: new entries and versions as planned by `rules_changes`, attempts to read back,
withdrawals.

Every writer takes the audit lock first, as approving does: an approval either sees a withdrawal or comes
before it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person
from alertbot.core.words import _
from alertbot.db.sql import AUDIT, ColumnValues, Connection, among, take_lock, upsert
from alertbot.db.tables import person
from alertbot.db.tables_register import number, number_check, number_version, read_back_claim
from alertbot.numbers import store_numbers
from alertbot.numbers.rules_changes import ChangePlan, merged, plan, with_known_translations
from alertbot.numbers.rules_entry import Entry, NumberRow
from alertbot.numbers.rules_rows import frozen_row
from alertbot.numbers.store_numbers import ReadBackCheck, identity


async def take_in(
    conn: Connection, rows: Sequence[NumberRow], *, verb: str, by: Person, at: datetime
) -> tuple[ChangePlan, tuple[int, ...]]:
    """Store these rows, one per identity; returns what was done, and the ids of new entries in order."""
    await take_lock(conn, AUDIT)
    decided, _rows = await planned(conn, rows, at=at)
    ids = await _add(conn, decided.new, verb, by, at)
    await _renew(conn, decided.changed, verb, by, at)
    await _update_many(conn, [{"key": entry.id, "row": _cells(row)} for entry, row in decided.sourced])
    return decided, ids


async def planned(
    conn: Connection, rows: Sequence[NumberRow], *, at: datetime
) -> tuple[ChangePlan, tuple[NumberRow, ...]]:
    """What `take_in` would do, and each row with the translations that the register knows."""
    translated = with_known_translations(rows, await _worded_there(conn, rows))
    joined = merged(translated)
    present = await store_numbers.by_identity(conn, joined)
    return plan(present, joined, at), translated


async def _worded_there(conn: Connection, rows: Sequence[NumberRow]) -> tuple[Entry, ...]:
    """The entries of the territories in which a row has words that may have been translated."""
    places = {row.territory.code for row in rows if row.zone or row.condition or row.place}
    return await store_numbers.entries(conn, territories=places) if places else ()


async def change(
    conn: Connection, entry: Entry, row: NumberRow, *, verb: str, by: Person, at: datetime
) -> int:
    """Store a new, unverified version of the entry; a withdrawn entry is restored by it. Returns the
    version. Raises `Refused` if another entry is the same, or if someone else has changed it."""
    await take_lock(conn, AUDIT)
    version = entry.row.version + 1
    values = _columns(row) | _entered(by, at) | {"version": version}
    values |= dict.fromkeys(("withdrawn_at", "withdrawn_by", "withdrawn_reason"))
    twins = await store_numbers.by_identity(conn, [row])
    others = [one for one in twins if one.id != entry.id and one.row.identity == row.identity]
    if others:
        raise Refused(
            _("{entry} already says the same; change or withdraw that entry.").format(
                entry=others[0].name
            )
        )
    await _update(conn, entry, values)
    await _keep_versions(conn, [(entry.id, version, values["row"])], verb, by, at)
    return version


async def note_check(
    conn: Connection, entry: Entry, check: ReadBackCheck, *, by: Person, verified: bool | None
) -> None:
    """Store an attempt to read back. `verified`: whether the entry is verified now; None leaves it as it
    is."""
    await take_lock(conn, AUDIT)
    await conn.execute(
        insert(number_check).values(
            number_id=entry.id,
            version=check.version,
            by=by.id,
            at=check.at,
            matched=check.matched,
            call_at=check.call_at,
            call_result=check.call_result,
            note=check.note,
        )
    )
    if verified is not None:
        who, when = (by.id, check.at) if verified else (None, None)
        await _update(conn, entry, {"verified_by": who, "verified_at": when})


@dataclass(frozen=True, slots=True)
class ReadBackClaim:
    """Who is reading back the numbers of a territory. It lapses by itself."""

    territory: str
    person: str
    until: datetime


async def claims(conn: Connection, *, now: datetime) -> dict[str, ReadBackClaim]:
    """Who is reading back what, by territory."""
    c = read_back_claim.c
    query = select(c.territory, person.c.name, c.until).join(person, person.c.id == c.person_id)
    rows = await conn.execute(query.where(c.until > now).order_by(c.territory))
    return {row.territory: ReadBackClaim(*row) for row in rows}


async def claim(
    conn: Connection, territories: Iterable[str], *, by: Person, now: datetime, until: datetime
) -> None:
    """Claim those of these territories that nobody else is reading back; one's own last longer."""
    c = read_back_claim.c
    mine = {"person_id": by.id, "until": until}
    for territory in sorted(set(territories)):
        row = upsert(conn, read_back_claim).values(territory=territory, **mine)
        free = (c.person_id == by.id) | (c.until <= now)
        await conn.execute(
            row.on_conflict_do_update(index_elements=[c.territory], set_=mine, where=free)
        )


async def release(conn: Connection, territories: Iterable[str], *, by: Person) -> None:
    """Give up one's claims on these territories."""
    c = read_back_claim.c
    mine = (c.person_id == by.id) & c.territory.in_(sorted(set(territories)))
    await conn.execute(delete(read_back_claim).where(mine))


async def doubt(conn: Connection, ids: Iterable[int]) -> None:
    """Entries that somebody has to read back again: no longer verified."""
    await take_lock(conn, AUDIT)
    wanted = among(conn, sorted(set(ids)), number.c.id)
    await conn.execute(update(number).where(wanted).values(verified_by=None, verified_at=None))


async def withdraw(
    conn: Connection, ids: Iterable[int], *, by: Person, reason: str, at: datetime
) -> tuple[int, ...]:
    """Withdraw entries; returns those not withdrawn before, ordered by id."""
    await take_lock(conn, AUDIT)
    wanted = among(conn, sorted(set(ids)), number.c.id) & number.c.withdrawn_at.is_(None)
    gone = (
        update(number)
        .where(wanted)
        .values(withdrawn_at=at, withdrawn_by=by.id, withdrawn_reason=reason)
        .returning(number.c.id)
    )
    return tuple(sorted(await conn.scalars(gone)))


async def _add(
    conn: Connection, rows: Sequence[NumberRow], verb: str, by: Person, at: datetime
) -> tuple[int, ...]:
    first = int(await conn.scalar(select(func.coalesce(func.max(number.c.id), 0))) or 0) + 1
    ids = range(first, first + len(rows))
    entered = _entered(by, at) | {"version": 1}
    fresh = [{"id": key} | _columns(row) | entered for key, row in zip(ids, rows, strict=True)]
    if fresh:
        await conn.execute(insert(number), fresh)
    n = number.c
    kept = select(n.id, n.version, n.row, literal(verb), n.entered_by, n.entered_at)
    columns = ["number_id", "version", "row", "verb", "by", "at"]
    await conn.execute(insert(number_version).from_select(columns, kept.where(n.id >= first)))
    return tuple(ids)


async def _renew(
    conn: Connection,
    changed: Sequence[tuple[Entry, NumberRow]],
    verb: str,
    by: Person,
    at: datetime,
) -> None:
    """Store many new versions in a few statements, of rows read under the same lock."""
    entered = _entered(by, at)
    fresh: list[ColumnValues] = [
        {"key": entry.id, "version": entry.row.version + 1} | _columns(row) | entered
        for entry, row in changed
    ]
    await _update_many(conn, fresh)
    forms = [(one["key"], one["version"], one["row"]) for one in fresh]
    await _keep_versions(conn, forms, verb, by, at)


async def _update_many(conn: Connection, rows: Sequence[ColumnValues]) -> None:
    if rows:
        columns: ColumnValues = {name: bindparam(name) for name in rows[0] if name != "key"}
        statement = update(number).where(number.c.id == bindparam("key")).values(**columns)
        await conn.execute(statement, list(rows))


async def _keep_versions(
    conn: Connection,
    forms: Sequence[tuple[int, int, ColumnValues]],
    verb: str,
    by: Person,
    at: datetime,
) -> None:
    made = {"verb": verb, "by": by.id, "at": at}
    rows = [
        {"number_id": key, "version": version, "row": cells} | made for key, version, cells in forms
    ]
    if rows:
        await conn.execute(insert(number_version), rows)


async def _update(conn: Connection, entry: Entry, values: ColumnValues) -> None:
    """Update the entry. Raises `Refused` if it is no longer as it was read."""
    n = number.c
    unchanged = (n.id == entry.id) & (n.version == entry.row.version)
    result = await conn.execute(update(number).where(unchanged).values(**values))
    if result.rowcount != 1:
        raise Refused(
            _(
                "Someone else has just changed {entry}. Check it again with `alertbot numbers show`."
            ).format(entry=entry.name)
        )


def _columns(row: NumberRow) -> ColumnValues:
    return {
        "identity": identity(row),
        "territory": row.territory.code,
        "service": row.service,
        "row": _cells(row),
        "ends_at": row.ends_at,
    }


def _cells(row: NumberRow) -> ColumnValues:
    """The row as it is stored, without what has its own columns."""
    cells = frozen_row(row)
    for column in ("entry", "version", "verified_by", "verified_at"):
        cells.pop(column, None)
    return cells


def _entered(by: Person, at: datetime) -> ColumnValues:
    """Who entered the current version; nobody has verified it."""
    return {"entered_by": by.id, "entered_at": at, "verified_by": None, "verified_at": None}
