"""The register numbers that the public was told: which are still valid, and which an alert takes back."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from alertbot.alerts import store_following
from alertbot.alerts.lists.rules_lists import NO_LONGER, WRONG, rows_of
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person, RawValues, Relation
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.numbers import store_changes, store_numbers
from alertbot.numbers.lookup import said
from alertbot.numbers.rules_entry import (
    Entry,
    NumberRow,
    Standing,
    entry_id,
    entry_name,
    in_words,
    standing,
)
from alertbot.numbers.rules_rows import frozen_row
from alertbot.people import tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask
from alertbot.texts.kinds.catalogue import ReadyWords, load_ready_words

TAKES_OUT = {  # by relation: the field whose numbers leave the register with the approval
    Relation.CORRECTION: "wrong_numbers",
    Relation.WITHDRAWAL: "wrong_numbers",
    Relation.CANCEL: "wrong_numbers",
    Relation.END: "no_longer_valid",
}

TASKS = {  # about a number that the public still reads: kinds, and what their keys begin with
    "withdrawn_number": "withdrawn",
    "changed_number": "changed",
    "wrong_service": "wrong-service",
}


@dataclass(frozen=True, slots=True)
class PublishedNumbers:
    """Numbers as the public was told them: those still valid, and those that are over."""

    in_force: tuple[NumberRow, ...] = ()
    over: tuple[NumberRow, ...] = ()


async def by_incident(
    conn: Connection, incident: str, now: datetime, *, exercise: bool
) -> PublishedNumbers:
    """What an incident's alerts last told the public, without what they have taken back themselves everywhere."""
    last = await store_numbers.last_of_incident(conn, incident, exercise=exercise)
    left = await store_numbers.left_told(conn, incident, exercise=exercise)
    given = {(one.entry, one.version) for one in last if not one.struck}
    known = given | {(one.entry, one.version) for one in left}
    forms = await store_numbers.forms(conn, known)
    present = {one.id: one for one in await store_numbers.entries(conn, ids=[key for key, _v in known])}
    holds = {key for key in given if _holds(forms[key], present[key[0]], now)}
    over = {forms[key].called: forms[key] for key in sorted(known - holds)}
    for key in holds:
        over.pop(forms[key].called, None)
    in_order = partial(sorted, key=store_numbers.place_in_order)
    return PublishedNumbers(
        tuple(in_order(forms[key] for key in holds)), tuple(in_order(over.values()))
    )


@dataclass(frozen=True, slots=True)
class Repeated:
    """Rows of an earlier alert: those that may be repeated, and those left out, each with the reason."""

    kept: tuple[Mapping[str, Any], ...]
    left_out: tuple[tuple[Mapping[str, Any], str], ...]


async def repeated(conn: Connection, rows: Iterable[Mapping[str, Any]], now: datetime) -> Repeated:
    """Which frozen rows of an earlier alert may be repeated: those in force in the register with the same
    number. Rows that are not register entries, or only name one, stay; composing judges them."""
    given = list(rows)
    ids = [key for row in given if (key := entry_id(str(row.get("entry", ""))))]
    present = {one.name: one for one in await store_numbers.entries(conn, ids=ids)} if ids else {}
    kept, left = [], []
    for row in given:
        entry = present.get(str(row.get("entry", "")))
        why = _over_because(row, entry, now) if entry and len(row) > 1 else None
        if why is None:
            kept.append(row)
        else:
            left.append((row, why))
    return Repeated(tuple(kept), tuple(left))


def _over_because(row: Mapping[str, Any], entry: Entry, now: datetime) -> str | None:
    where = standing(entry, now)
    if where is Standing.WITHDRAWN:
        return in_words(where)
    told = (row.get("number", ""), dict(row.get("place") or {}))
    if told != (entry.row.number, dict(entry.row.place)):
        return _("the register has another number now")
    return None if where is Standing.IN_FORCE else in_words(where)


def _holds(row: NumberRow, entry: Entry, now: datetime) -> bool:
    same = (row.number, row.place) == (entry.row.number, entry.row.place)
    return same and standing(entry, now) is Standing.IN_FORCE


def frozen(rows: Iterable[NumberRow]) -> list[RawValues]:
    return [frozen_row(row) for row in rows]


def struck_ids(alert: Alert) -> tuple[int, ...]:
    """The entries that are withdrawn from the register once this alert is approved."""
    field = TAKES_OUT.get(alert.relation) if alert.relation else None
    return _ids(rows_of(alert.given, field)) if field else ()


def _ids(rows: Iterable[Mapping[str, Any]]) -> tuple[int, ...]:
    return tuple(key for row in rows if (key := entry_id(str(row.get("entry", "")))))


async def givers(conn: Connection, alert: Alert, others: Sequence[str]) -> frozenset[str]:
    """Those of `others` that give a number which this alert tells the public not to call."""
    struck = {*struck_ids(alert), *_ids(rows_of(alert.given, NO_LONGER))}
    if not struck or not others:
        return frozenset()
    carried = await store_numbers.carried(conn, others)
    return frozenset(
        name for name, rows in carried.items() for one in rows if one.entry in struck and not one.struck
    )


async def require_still_told(conn: Connection, alert: Alert) -> None:
    """Raises `Refused` if another alert has withdrawn the numbers of this withdrawal in the meantime."""
    ids = struck_ids(alert)
    if ids and not any((await store_numbers.published_in(conn, ids, still=True)).values()):
        raise Refused(await already(conn, ids))


async def already(conn: Connection, ids: Sequence[int]) -> str:
    """The message for numbers that the public has already been told not to call."""
    by = await store_following.struck_by(conn, ids)
    return _("The public has already been told not to call {names}: see {alerts}.").format(
        names=", ".join(entry_name(key) for key in sorted(ids)), alerts=", ".join(by) or "–"
    )


async def take_out(service: Context, conn: Connection, actor: Person, alert: Alert) -> None:
    """Withdraw the numbers an approved alert strikes, in the same transaction. An exercise withdraws nothing.

    What a correction or a denial calls wrong is digits: an entry that has other digits by now stays, and
    other entries with these digits must be read back again before anything may give them.
    """
    if alert.exercise:
        return
    ids = set(struck_ids(alert))
    reason = _("Taken back by {alert}.").format(alert=alert.id)
    for one in {*ids, *_ids(rows_of(alert.given, NO_LONGER))}:
        for about in TASKS.values():
            await tasks.close(service, conn, f"{about}:{entry_name(one)}", reason)
    if not ids:
        return
    present = await store_numbers.entries(conn, ids=ids)
    if alert.relation in (Relation.CORRECTION, Relation.CANCEL):
        digits = {_dialled(row) for row in rows_of(alert.given, WRONG)}
        present = tuple(one for one in present if _dialled(frozen_row(one.row)) in digits)
        await _doubt_the_same(service, conn, actor, alert, {one for one, _place in digits if one})
    gone = await store_changes.withdraw(
        conn, [one.id for one in present], by=actor, reason=reason, at=service.now
    )
    if gone:
        names = {one.name: one.row.version for one in present if one.id in gone}
        detail = {"entries": names, "reason": reason}
        await _note(service, conn, actor, "numbers-withdraw", alert, detail)


async def _doubt_the_same(
    service: Context, conn: Connection, actor: Person, alert: Alert, digits: set[str]
) -> None:
    """Entries for other places or services with digits that are called wrong: unverified again, with a task."""
    struck = set(struck_ids(alert))
    same = [
        one
        for one in await store_numbers.with_numbers(conn, digits)
        if one.id not in struck and one.withdrawn_at is None
    ]
    if not same:
        return
    await store_changes.doubt(conn, [one.id for one in same])
    names = {one.name: one.row.version for one in same}
    await _note(service, conn, actor, "numbers-doubt", alert, {"entries": names})
    await tasks.raise_all(service, conn, [_to_read_again(one, alert) for one in same])


def _to_read_again(entry: Entry, alert: Alert) -> NewTask:
    sentence = _(
        "{entry} has digits that {alert} calls wrong, for another place or service. Read it back again"
        " (alertbot numbers verify {name}), or withdraw it."
    )
    return NewTask(
        key=f"read-back:{entry.name}:{entry.row.version}",
        kind="unverified_number",
        text=sentence.format(entry=said(entry), alert=alert.id, name=entry.name),
        alert=alert.id,
        number=entry.id,
    )


def _dialled(cells: Mapping[str, Any]) -> tuple[str, str]:
    return str(cells.get("number") or ""), str(sorted(dict(cells.get("place") or {}).items()))


async def _note(
    service: Context,
    conn: Connection,
    actor: Person,
    verb: str,
    alert: Alert,
    detail: Mapping[str, object],
) -> None:
    await audit.append(conn, actor=actor.name, verb=verb, at=service.now, alert=alert.id, detail=detail)


def stop_and_stay(words: ReadyWords, gone: Sequence[NumberRow], stay: Sequence[NumberRow]) -> RawValues:
    return {"which_stop": words.numbers(gone, stay), "which_stay": words.numbers(stay, gone)}


async def of_incident(
    service: Context, conn: Connection, incident: str, *, exercise: bool
) -> RawValues:
    """For an end: every number of the incident that has not been taken back stops, none stays."""
    known = await by_incident(conn, incident, service.now, exercise=exercise)
    rows = sorted((*known.in_force, *known.over), key=store_numbers.place_in_order)
    words = stop_and_stay(
        load_ready_words(*service.publisher.folders).spoken(service.publisher.spoken), rows, ()
    )
    return {**words, "no_longer_valid": frozen(rows) or None}
