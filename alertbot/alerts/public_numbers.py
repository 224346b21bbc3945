"""The register numbers that the public was told: which are still valid, and which an alert takes back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alertbot.alerts import store_following
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Misuse, Refused
from alertbot.core.model import Person, RawValues, Relation
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.numbers import store_changes, store_numbers
from alertbot.numbers.rules_entry import Entry, NumberRow, Standing, entry_id, entry_name, standing
from alertbot.numbers.rules_rows import frozen_row
from alertbot.people.context import Context
from alertbot.texts.kinds.catalogue import ReadyWords, load_ready_words

TAKES_OUT = {  # by relation: the field whose numbers leave the register with the approval
    Relation.CORRECTION: "wrong_numbers",
    Relation.WITHDRAWAL: "wrong_numbers",
    Relation.CANCEL: "wrong_numbers",
    Relation.END: "no_longer_valid",
}


@dataclass(frozen=True, slots=True)
class ToldNumbers:
    """Numbers as the public was told them: those still valid, and those that are over."""

    in_force: tuple[NumberRow, ...] = ()
    over: tuple[NumberRow, ...] = ()


async def by_incident(conn: Connection, incident: str, now: datetime, *, exercise: bool) -> ToldNumbers:
    """What an incident's alerts last told the public, without what they have taken back themselves."""
    last = await store_numbers.last_of_incident(conn, incident, exercise=exercise)
    told = [one for one in last if not one.struck]
    forms = await store_numbers.forms(conn, [(one.entry, one.version) for one in told])
    present = {
        one.id: one for one in await store_numbers.entries(conn, ids=[one.entry for one in told])
    }
    rows = sorted((forms[one.entry, one.version] for one in told), key=store_numbers.place_in_order)
    holds = {row.entry for row in rows if _holds(row, present[entry_id(row.entry) or 0], now)}
    return ToldNumbers(
        tuple(row for row in rows if row.entry in holds),
        tuple(row for row in rows if row.entry not in holds),
    )


async def still_in_force(
    conn: Connection, rows: Iterable[Mapping[str, Any]], now: datetime
) -> list[Mapping[str, Any]]:
    """The frozen rows of an earlier alert that may be repeated: in force in the register with the same
    number. Rows that are not register entries stay; composing judges them."""
    given = list(rows)
    ids = [key for row in given if (key := entry_id(str(row.get("entry", ""))))]
    present = {one.name: one for one in await store_numbers.entries(conn, ids=ids)} if ids else {}
    return [
        row
        for row in given
        if (entry := present.get(str(row.get("entry", "")))) is None or _same(row, entry, now)
    ]


def _same(row: Mapping[str, Any], entry: Entry, now: datetime) -> bool:
    told = (row.get("number", ""), dict(row.get("place") or {}))
    return (
        told == (entry.row.number, dict(entry.row.place)) and standing(entry, now) is Standing.IN_FORCE
    )


def _holds(row: NumberRow, entry: Entry, now: datetime) -> bool:
    same = (row.number, row.place) == (entry.row.number, entry.row.place)
    return same and standing(entry, now) is Standing.IN_FORCE


def apart(original: Alert, wrong: Sequence[str]) -> RawValues:
    """Split an alert's numbers into those named as wrong (`N12`) and the rest. Raises `Misuse` for an
    entry that it does not carry."""
    rows = [dict(row) for row in original.given.get("numbers") or () if isinstance(row, Mapping)]
    carried = [str(row["entry"]) for row in rows if row.get("entry")]
    names = [name.strip().upper() for text in wrong for name in text.split(",") if name.strip()]
    strange = [name for name in names if name not in carried]
    if strange:
        raise Misuse(
            _("{alert} does not give {names}; it gives {known}.").format(
                alert=original.id, names=", ".join(strange), known=", ".join(carried) or "–"
            )
        )
    if not names:
        return {}
    gone = [row for row in rows if row.get("entry") in names]
    return {"wrong_numbers": gone, "numbers": [row for row in rows if row not in gone] or None}


def frozen(rows: Iterable[NumberRow]) -> list[RawValues]:
    return [frozen_row(row) for row in rows]


def struck_ids(alert: Alert) -> tuple[int, ...]:
    """The entries that are withdrawn from the register once this alert is approved."""
    field = TAKES_OUT.get(alert.relation) if alert.relation else None
    rows = alert.given.get(field or "") or ()
    found = (entry_id(str(row.get("entry", ""))) for row in rows if isinstance(row, Mapping))
    return tuple(key for key in found if key)


async def require_still_told(conn: Connection, alert: Alert) -> None:
    """Raises `Refused` if another alert has withdrawn these numbers in the meantime."""
    ids = struck_ids(alert)
    if alert.relation is not Relation.WITHDRAWAL or alert.exercise or not ids:
        return
    if not any((await store_numbers.published_in(conn, ids, still=True)).values()):
        raise Refused(await already(conn, ids))


async def already(conn: Connection, ids: Sequence[int]) -> str:
    """The message for numbers that the public has already been told not to call."""
    by = await store_following.struck_by(conn, ids)
    return _("The public has already been told not to call {names}: see {alerts}.").format(
        names=", ".join(entry_name(key) for key in sorted(ids)), alerts=", ".join(by) or "–"
    )


async def take_out(conn: Connection, actor: Person, alert: Alert, now: datetime) -> None:
    """Withdraw the numbers an approved alert strikes, in the same transaction. An exercise withdraws
    nothing; entries changed since, or given again by the alert itself, stay."""
    ids = set(struck_ids(alert))
    if alert.exercise or not ids:
        return
    carried = (await store_numbers.carried(conn, [alert.id]))[alert.id]
    versions = {one.entry: one.version for one in carried if one.struck and one.entry in ids}
    present = await store_numbers.entries(conn, ids=versions)
    wrong = [one.id for one in present if one.row.version == versions[one.id]]
    reason = _("Taken back by {alert}.").format(alert=alert.id)
    gone = await store_changes.withdraw(conn, wrong, by=actor, reason=reason, at=now)
    if gone:
        names = {one.name: one.row.version for one in present if one.id in gone}
        await audit.append(
            conn,
            actor=actor.name,
            verb="numbers-withdraw",
            at=now,
            alert=alert.id,
            detail={"entries": names, "reason": reason},
        )


def stop_and_stay(words: ReadyWords, gone: Sequence[NumberRow], stay: Sequence[NumberRow]) -> RawValues:
    return {"which_stop": words.numbers(gone, stay), "which_stay": words.numbers(stay, gone)}


async def of_incident(
    service: Context, conn: Connection, incident: str, *, exercise: bool
) -> RawValues:
    """For an end: every number of the incident that has not been taken back stops, none stays."""
    known = await by_incident(conn, incident, service.now, exercise=exercise)
    rows = sorted((*known.in_force, *known.over), key=store_numbers.place_in_order)
    words = stop_and_stay(load_ready_words(*service.publisher.folders), rows, ())
    return {**words, "no_longer_valid": frozen(rows) or None}
