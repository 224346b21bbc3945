"""The register where alerts are written and approved: numbers come from it alone (R1), and only what is
verified and in force reaches the public (R3, R5).

What may stand against a row is in `vouching`; what changes the register, in `numbering` and `verifying`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from alertbot.compose.kinds import FieldSpec, FieldType, Kind
from alertbot.compose.number_field import read_rows
from alertbot.compose.texts import FieldError
from alertbot.errors import Misuse
from alertbot.model import Fault
from alertbot.register.changes import same_entry
from alertbot.register.entry import Entry, NumberRow, entry_id, entry_name
from alertbot.register.frozen import frozen_row
from alertbot.register.query import Query, parse_query
from alertbot.register.standing import Standing, standing
from alertbot.service import vouching
from alertbot.service.composing import QUERY_FIELDS, asks, load_kind
from alertbot.service.context import Context
from alertbot.service.wishes import Wishes
from alertbot.store import numbers
from alertbot.store.connection import Connection
from alertbot.words import _

NO_LONGER = "no_longer_valid"
WRONG = "wrong_numbers"


async def resolve(
    conn: Connection,
    service: Context,
    wishes: Wishes,
    *,
    now: datetime,
    incident: str | None,
    alert: str = "",
) -> Wishes:
    """The wishes with rows of the register in place of a query, and every row that is one of its entries
    in the entry's present form.

    `incident`: what its alerts told the public and is over since is named as no longer valid, where the
    kind can say so; `alert` is the one being written. What stands against a row on a live channel is in
    `doubts`. Raises `Misuse` for a query that cannot be read.
    """
    kind, _frame = load_kind(service.voice, wishes.kind)
    given = {name: value for name, value in wishes.given.items() if value is not None}
    doubts: list[Fault] = []
    typed = [one for one in kind.fields if one.type is FieldType.NUMBERS and one.name in given]
    rows = await _asked(conn, given, doubts) if asks(kind, given) else []
    for spec in typed:
        rows += await _typed(conn, given, spec, now, doubts)
    if incident and kind.field(NO_LONGER) and NO_LONGER not in given:
        over = await _over(conn, incident, alert, rows, now, exercise=wishes.exercise)
        wrong = {one.get("entry") for one in given.get(WRONG) or () if isinstance(one, Mapping)}
        over = [row for row in over if row.entry not in wrong]  # named once
        given |= {NO_LONGER: [frozen_row(row) for row in over]} if over else {}
    doubts += [doubt for entry in rows if (doubt := vouching.doubt(service, entry, now))]
    return replace(wishes, given=given, doubts=tuple(doubts))


async def look_up(service: Context, wishes: Wishes) -> Wishes:
    """`resolve` for a preview, which belongs to no incident."""
    return await service.database.read(
        lambda conn: resolve(conn, service, wishes, now=service.now, incident=None)
    )


def anew(
    given: Mapping[str, Any], raw: Mapping[str, Any], changes: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Values that are to be resolved again, and the same as typed: the query as it was typed, else the
    entries by their names alone, so that they come in their present form. What is in `changes` counts
    over what was there: rows over a query, a query over rows."""
    typed, values = dict(raw), dict(given)
    if changes.get("numbers") is not None and changes.get("territories") is None:
        for name in QUERY_FIELDS:
            typed.pop(name, None)
            values.pop(name, None)
        return values, typed
    if NO_LONGER not in typed:
        values.pop(NO_LONGER, None)
    asked = {name: typed[name] for name in QUERY_FIELDS if typed.get(name) is not None}
    if asked:
        typed.pop("numbers", None)
        values.pop("numbers", None)
        if "where" not in typed:
            values.pop("where", None)
        return values | asked, typed
    for name, value in values.items():
        if name not in changes and isinstance(value, list) and name != WRONG:  # as they were told
            values[name] = [_by_name(cells) for cells in value]
    return values, typed


async def matching(conn: Connection, text: str, *, but: str = "") -> tuple[Query, tuple[Entry, ...]]:
    """The query, and the entries it means, withdrawn ones too. Raises `Misuse`."""
    query = parse_query(text, but=but, free=await numbers.free_territories(conn))
    named = {key for part in query.wanted if (key := entry_id(part.entry))}
    places = {part.territory for part in query.wanted if part.territory}
    whole = "FR" in places
    found = {one.id: one for one in await numbers.entries(conn, ids=named)} if named else {}
    if places:
        there = await numbers.entries(conn, territories=None if whole else places)
        found |= {one.id: one for one in there}
    chosen = (one for one in found.values() if query.matches(one.row))
    return query, tuple(sorted(chosen, key=lambda one: numbers.place_in_order(one.row)))


# --- what an alert carries ----------------------------------------------------------------------


async def carry(conn: Connection, alert_id: str, kind: Kind, values: Mapping[str, object]) -> None:
    """Write down which entries an alert carries, in which form (R34)."""
    for struck in (False, True):
        rows = [
            row
            for spec in kind.fields
            if spec.type is FieldType.NUMBERS and spec.struck is struck
            for row in _rows(values.get(spec.name))
        ]
        await numbers.carry(conn, alert_id, rows, struck=struck)


# --- resolving ------------------------------------------------------------------------------------


async def _asked(conn: Connection, given: dict[str, Any], doubts: list[Fault]) -> list[Entry]:
    """Put the rows of the query into `given`, in place of it."""
    if given.get("numbers"):
        raise Misuse(_("Give territories or numbers, not both: the register has the numbers."))
    places, services = (_listed(given.pop(name, "")) for name in QUERY_FIELDS)
    if not places:
        raise Misuse(_("Say for which territories: territories=69,01."))
    parts = {place: _crossed(place, services) for place in places}
    query, found = await matching(conn, ",".join(one for some in parts.values() for one in some))
    named = {part.entry for part in query.wanted if part.entry}
    rows = [one for one in found if one.withdrawn_at is None or one.name in named]
    idle = {part.text for part in query.idle(one.row for one in rows)}
    for place in (place for place, some in parts.items() if idle.issuperset(some)):
        sentence = _(
            "The register holds no number for {part}: enter one with `alertbot numbers add` or `alertbot"
            " numbers import`, or leave {part} out."
        )
        doubts.append(Fault("unregistered_number", sentence.format(part=place), QUERY_FIELDS[0]))
    if rows:
        given["numbers"] = [frozen_row(one.row) for one in rows]
        given.setdefault("where", list(dict.fromkeys(one.row.territory.code for one in rows)))
    return rows


async def _typed(
    conn: Connection, given: dict[str, Any], spec: FieldSpec, now: datetime, doubts: list[Fault]
) -> list[Entry]:
    """Put the register's form in place of rows that are its entries. What people are to dial and is no
    entry is a doubt; what is taken back may never have been one."""
    raw = await _called_by_name(conn, given[spec.name])
    try:
        reading, frozen = read_rows(raw, now=now, base=Path.cwd())
    except FieldError:
        return []  # told when it is composed
    bad = frozen[len(reading.rows) :]
    known = await numbers.by_identity(conn, reading.rows)
    rows = {one.name: one for one in known}
    cells, found = [], []
    for row in reading.rows:
        same = [rows[one.entry] for one in same_entry((one.row for one in known), row)]
        fitting = [one for one in same if spec.struck or row.version in (0, one.row.version)]
        cells.append(frozen_row(fitting[0].row if fitting else row))
        found += fitting[:1]
        if not fitting and not spec.struck:
            doubts.append(vouching.unregistered(spec.name, row, same))
    given[spec.name] = cells + bad
    return [] if spec.struck else found


async def _called_by_name(conn: Connection, raw: Any) -> Any:
    """Rows that are nothing but the name of an entry, written out."""
    if not isinstance(raw, list | tuple):
        return raw
    ids = [entry_id(str(one["entry"])) for one in raw if _is_name(one)]
    wanted = [one for one in ids if one]
    found = {one.name: one for one in await numbers.entries(conn, ids=wanted)} if wanted else {}
    return [
        frozen_row(entry.row) if _is_name(one) and (entry := found.get(_name_in(one))) else one
        for one in raw
    ]


async def _over(
    conn: Connection,
    incident: str,
    alert: str,
    rows: Sequence[Entry],
    now: datetime,
    *,
    exercise: bool,
) -> list[NumberRow]:
    """What the public was told in this incident and holds no more: expired, withdrawn, or another number
    now. As it was told."""
    told = [
        one
        for one in await numbers.last_of_incident(conn, incident, exercise=exercise, but=alert)
        if not one.struck
    ]
    if not told:
        return []
    present = {one.id: one for one in await numbers.entries(conn, ids=[one.entry for one in told])}
    forms = await numbers.forms(conn, [(one.entry, one.version) for one in told])
    again = {one.id for one in rows if standing(one, now) is not Standing.EXPIRED}
    over = []
    for one in told:
        entry, form = present[one.entry], forms[one.entry, one.version]
        gone = standing(entry, now) in (Standing.EXPIRED, Standing.WITHDRAWN)
        other = (form.number, form.place) != (entry.row.number, entry.row.place)
        if other or (gone and one.entry not in again):
            over.append(form)
    return sorted(over, key=numbers.place_in_order)


def _crossed(place: str, services: Sequence[str]) -> list[str]:
    """The parts of a query that ask for these services in a place; what names a service or an entry
    itself stays as it is."""
    whole = "/" in place or entry_id(place) is not None or not services
    return [place] if whole else [f"{place}/{service}" for service in services]


def _listed(value: object) -> list[str]:
    parts = value if isinstance(value, list | tuple) else str(value).replace(";", ",").split(",")
    return [text for one in parts if (text := str(one).strip())]


def _is_name(cells: object) -> bool:
    return isinstance(cells, Mapping) and set(cells) == {"entry"}


def _name_in(cells: Mapping[str, Any]) -> str:
    number = entry_id(str(cells["entry"]))
    return entry_name(number) if number else ""


def _by_name(cells: Any) -> Any:
    named = isinstance(cells, Mapping) and cells.get("entry")
    return {"entry": cells["entry"]} if named else cells


def _rows(value: object) -> list[NumberRow]:
    return [one for one in value if isinstance(one, NumberRow)] if isinstance(value, tuple) else []
