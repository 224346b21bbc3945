"""The register of numbers at the points where alerts are written and approved. Numbers come from it only
(R1), and only verified numbers in force reach the public (R3, R5). Also the withdrawal of entries,
which stops deliveries that carry them.

Objections to a single row are in `numbers.lookup`; other changes to the register are in `numbers`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from alertbot.alerts.compose import QUERY_FIELDS, DraftRequest, asks, load_kind
from alertbot.alerts.lists import rules_lists
from alertbot.alerts.lists.rules_lists import NO_LONGER, NUMBERS, WRONG
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Audience, Fault, RawValues
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.numbers import lookup, store_numbers
from alertbot.numbers.lookup import matching, said
from alertbot.numbers.rules_changes import same_entry
from alertbot.numbers.rules_entry import (
    Entry,
    NumberRow,
    Query,
    Standing,
    entry_id,
    entry_name,
    in_words,
    standing,
)
from alertbot.numbers.rules_rows import frozen_row
from alertbot.numbers.store_numbers import NumberInAlert
from alertbot.people.context import Context
from alertbot.regions.facts import in_force
from alertbot.texts.fields.parse import read_rows
from alertbot.texts.fields.values import FieldError
from alertbot.texts.kinds.catalogue import load_ready_words
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Kind


async def require_in_force(conn: Connection, service: Context, alert: Alert) -> dict[str, int]:
    """The entries that an alert gives people to call, by name, with their versions.

    Raises `Refused` if the alert reaches the public and an entry is no longer in force or has changed
    since the alert was written (R3, R5).
    """
    carried = [
        one for one in (await store_numbers.carried(conn, [alert.id]))[alert.id] if not one.struck
    ]
    if not carried:
        return {}
    present = {
        one.id: one for one in await store_numbers.entries(conn, ids=[one.entry for one in carried])
    }
    wrong = []
    for one in carried:
        entry = present[one.entry]
        where = standing(entry, service.now)
        if entry.row.version != one.version and entry.withdrawn_at is None:
            wrong.append(_("{row} has changed since").format(row=said(entry)))
        elif where is not Standing.IN_FORCE:
            wrong.append(_("{row} is {standing}").format(row=said(entry), standing=in_words(where)))
    channels = (service.publisher.channels.get(name) for name in alert.channels)
    if wrong and any(one and one.audience.outward for one in channels):
        raise Refused(_refusal(alert, wrong, present.values()))
    return {entry_name(one.entry): one.version for one in carried}


def _refusal(alert: Alert, wrong: Sequence[str], present: Iterable[Entry]) -> str:
    asked = alert.raw.get("territories") or [one.name for one in present if one.withdrawn_at is None]
    return _(
        "{alert} cannot go out: {rows}. Update its rows with `alertbot edit {alert} --set"
        " territories={query}`, and have it approved again."
    ).format(
        alert=alert.id,
        rows="; ".join(wrong),
        query=asked if isinstance(asked, str) else ",".join(map(str, asked)),
    )


AS_TOLD = (WRONG, NO_LONGER)  # these lists keep the digits that the public knows


async def resolve(
    conn: Connection,
    service: Context,
    wishes: DraftRequest,
    *,
    now: datetime,
    incident: str | None,
    alert: str = "",
    stops: Collection[str] = (),
) -> DraftRequest:
    """The request with the register's rows in place of a query, and every row that is a register entry
    in its current version.

    Numbers that `incident` gave and that are no longer valid are listed as such, if the kind can;
    `alert` is the one being written, which `stops` others where they have not arrived. Objections to rows on a live channel are in `doubts`. Raises
    `Misuse` for a query that cannot be read.
    """
    kind = load_kind(service.publisher, wishes.kind)
    given = {name: value for name, value in wishes.given.items() if value is not None}
    doubts: list[Fault] = []
    typed = [one for one in kind.fields if one.type is FieldType.NUMBERS and one.name in given]
    rows = await _from_query(conn, given, doubts) if asks(kind, given) else []
    for spec in typed:
        rows += await _typed(conn, given, spec, now, doubts)
    if incident and kind.field(NO_LONGER) and NO_LONGER not in given:
        told = await store_numbers.left_told(
            conn, incident, exercise=wishes.exercise, but=alert, stops=stops
        )
        over = await _over(conn, told, rows, now)
        given |= {NO_LONGER: [frozen_row(row) for row in over]} if over else {}
    given, rows = _separated(kind, given, rows)
    doubts += _empty_promise(service, kind, given)
    doubts += [doubt for entry in rows if (doubt := lookup.doubt_about(service, entry, now))]
    return replace(wishes, given=given, doubts=tuple(doubts))


def _separated(kind: Kind, given: RawValues, rows: list[Entry]) -> tuple[RawValues, list[Entry]]:
    """The values with each number in one list (`rules_lists`), and the entries still to be called."""
    done = rules_lists.separated(given, digits_count=kind.field("what_was_wrong") is not None)
    out = {(row.get("entry"), row.get("number", "")) for row in done.taken_out}
    return done.values, [one for one in rows if (one.name, one.row.number) not in out]


def _empty_promise(service: Context, kind: Kind, given: RawValues) -> list[Fault]:
    """The fault of a text that announces right numbers where the message has none."""
    field = "what_is_right"
    text = given.get(field)
    if not kind.field(field) or given.get(NUMBERS) or not isinstance(text, Mapping):
        return []
    if not load_ready_words(*service.publisher.folders).announces_numbers(text):
        return []
    sentence = _(
        "{field} says that the right numbers are in the message, and there are none. Give them"
        " (--set territories=…), or say what callers should do instead."
    )
    return [Fault("missing", sentence.format(field=field), field)]


async def look_up(service: Context, wishes: DraftRequest) -> DraftRequest:
    """Resolve a preview's request, which belongs to no incident. Raises `Misuse` for a query that cannot
    be read."""
    return await service.database.read(
        lambda conn: resolve(conn, service, wishes, now=service.now, incident=None)
    )


def anew(
    given: Mapping[str, Any], raw: Mapping[str, Any], changes: Mapping[str, Any]
) -> tuple[RawValues, RawValues]:
    """Values to resolve again, and the same as typed: the query as typed, else the entries by name, so
    that their current version is used. `changes` override earlier values: rows replace a query, a
    query replaces rows."""
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
        if name not in changes and isinstance(value, list) and name not in AS_TOLD:
            values[name] = [_by_name(cells) for cells in value]
    return values, typed


# --- what an alert carries ----------------------------------------------------------------------


async def carry(conn: Connection, alert_id: str, kind: Kind, values: Mapping[str, object]) -> None:
    """Record which entries an alert carries, and in which version (R34): what the team alone reads tells nobody of a
    number."""
    if kind.audiences and Audience.RELAY not in kind.audiences:
        return
    for struck in (False, True):
        rows = [
            row
            for spec in kind.fields
            if spec.type is FieldType.NUMBERS and spec.struck is struck
            for row in _rows(values.get(spec.name))
        ]
        await store_numbers.carry(conn, alert_id, rows, struck=struck)


# --- resolving ------------------------------------------------------------------------------------


async def _from_query(conn: Connection, given: RawValues, doubts: list[Fault]) -> list[Entry]:
    """Put the rows that the query finds into `given` in its place. Raises `Misuse` if numbers are given
    as well, if no territory is named, or if the query cannot be read."""
    if given.get("numbers"):
        raise Misuse(_("Give territories or numbers, not both; numbers come from the register."))
    parts, query, rows = await _queried(conn, given)
    for name in QUERY_FIELDS:
        given.pop(name, None)
    idle = {part.text for part in query.idle(one.row for one in rows)}
    for place in (place for place, some in parts.items() if idle.issuperset(some)):
        sentence = _(
            "The register has no number for {part}. Add one with `alertbot numbers add` or `alertbot"
            " numbers import`, or leave {part} out."
        )
        doubts.append(Fault("unregistered_number", sentence.format(part=place), QUERY_FIELDS[0]))
    if rows:
        given["numbers"] = [frozen_row(one.row) for one in rows]
        given.setdefault("where", list(dict.fromkeys(one.row.territory.code for one in rows)))
    return rows


async def asked_for(conn: Connection, given: Mapping[str, Any]) -> list[Entry]:
    """The entries that the query in these values finds. Raises `Misuse` if it names no territory or cannot be
    read."""
    return (await _queried(conn, given))[2]


async def _queried(
    conn: Connection, given: Mapping[str, Any]
) -> tuple[dict[str, list[str]], Query, list[Entry]]:
    """The parts of the query by the place they were given for, the query, and what it finds; withdrawn
    entries only if they are named."""
    places, services = (_listed(given.get(name) or "") for name in QUERY_FIELDS)
    if not places:
        sentence = _(
            "Services of the register are given without territories. Give these too: {places}."
        )
        raise Misuse(sentence.format(places=", ".join(in_force().example.places)))
    parts = {place: _crossed(place, services) for place in places}
    query, found = await matching(conn, ",".join(one for some in parts.values() for one in some))
    named = {part.entry for part in query.wanted if part.entry}
    return parts, query, [one for one in found if one.withdrawn_at is None or one.name in named]


async def _typed(
    conn: Connection, given: RawValues, spec: FieldSpec, now: datetime, doubts: list[Fault]
) -> list[Entry]:
    """Replace rows that are register entries by the register's version. A row to be called that is not
    an entry is an objection; a struck row may be."""
    raw = await _called_by_name(conn, given[spec.name])
    try:
        reading, frozen = read_rows(raw, now=now, base=Path.cwd())
    except FieldError:
        return []  # told when it is composed
    bad = frozen[len(reading.rows) :]
    known = await store_numbers.by_identity(conn, reading.rows)
    rows = {one.name: one for one in known}
    cells, found = [], []
    for row in reading.rows:
        same = [rows[one.entry] for one in same_entry((one.row for one in known), row)]
        fitting = [one for one in same if spec.struck or row.version in (0, one.row.version)]
        cells.append(frozen_row(fitting[0].row if fitting else row))
        found += fitting[:1]
        if not fitting and not spec.struck:
            doubts.append(lookup.unregistered(spec.name, row, same))
    given[spec.name] = cells + bad
    return [] if spec.struck else found


async def _called_by_name(conn: Connection, raw: Any) -> Any:
    """Expand rows that consist only of an entry's name."""
    if not isinstance(raw, list | tuple):
        return raw
    ids = [entry_id(str(one["entry"])) for one in raw if _is_name(one)]
    wanted = [one for one in ids if one]
    found = {one.name: one for one in await store_numbers.entries(conn, ids=wanted)} if wanted else {}
    return [
        frozen_row(entry.row) if _is_name(one) and (entry := found.get(_name_in(one))) else one
        for one in raw
    ]


async def _over(
    conn: Connection, told: Sequence[NumberInAlert], rows: Sequence[Entry], now: datetime
) -> list[NumberRow]:
    """The rows that the public was told which are no longer valid: expired, withdrawn or changed to another number.
    In the form the public knows."""
    if not told:
        return []
    present = {
        one.id: one for one in await store_numbers.entries(conn, ids=[one.entry for one in told])
    }
    forms = await store_numbers.forms(conn, [(one.entry, one.version) for one in told])
    again = {one.id for one in rows if standing(one, now) is not Standing.EXPIRED}
    over = {}
    for one in told:
        entry, form = present[one.entry], forms[one.entry, one.version]
        gone = standing(entry, now) in (Standing.EXPIRED, Standing.WITHDRAWN)
        other = (form.number, form.place) != (entry.row.number, entry.row.place)
        if other or (gone and one.entry not in again):
            over[form.called] = form
    return sorted(over.values(), key=store_numbers.place_in_order)


def _crossed(place: str, services: Sequence[str]) -> list[str]:
    """The query's parts combined with these services. A part that already names a service or an entry
    stays as it is."""
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
