"""A correction of numbers: which of an alert's numbers are wrong, and which take their place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from alertbot.alerts.compose import QUERY_FIELDS
from alertbot.alerts.lists import register
from alertbot.alerts.lists.rules_lists import (
    NUMBERS,
    WRONG,
    Cells,
    in_words,
    rows_of,
    same_spot,
    with_digits,
)
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import Person, RawValues
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.numbers import changing
from alertbot.numbers.lookup import said
from alertbot.numbers.rules_changes import bare
from alertbot.numbers.rules_digits import InvalidNumber, written
from alertbot.numbers.rules_entry import Entry, NumberRow, Standing, entry_id, entry_name, standing
from alertbot.numbers.rules_rows import kept_row
from alertbot.people import rules, tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask
from alertbot.texts.kinds.catalogue import load_ready_words


@dataclass(frozen=True, slots=True)
class WrongNumbers:
    """What a person says with `--wrong` and `--right`: register entries (`N12`), or digits in any notation.
    The first of `right` takes the place of the first of `wrong`, and so on."""

    wrong: Sequence[str] = ()
    right: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NumbersCorrected:
    """The values that a correction has because of them, and the person's own with right numbers added to a
    query."""

    values: RawValues
    asked: RawValues


async def corrected(
    service: Context,
    conn: Connection,
    actor: Person,
    original: Alert,
    named: WrongNumbers,
    asked: Mapping[str, Any],
) -> NumbersCorrected:
    """Both lists of a correction of `original`, and the sentences on what was wrong and what is right.

    A right number given in digits is entered in the register with the territory, service, zone and
    condition of the wrong one, and a task asks to have it read back. `asked`: the values that the person
    gives. Raises `Misuse` for a number that the alert does not give, or for a right number that cannot
    take its place; `Refused` if this person may not enter numbers.
    """
    wrong, right = [_given(original, one) for one in _listed(named.wrong)], _listed(named.right)
    if len(right) > len(wrong):
        raise Misuse(_("Give a wrong number for each right one (--wrong for each --right)."))
    if not wrong:
        return NumbersCorrected({}, dict(asked))
    given = rows_of(original.given, NUMBERS)
    gone = [row for row in given if any(row in rows for rows in wrong)]
    rest = [row for row in given if row not in gone]
    _require_all_named(gone, rest)
    fresh: list[Entry] = []
    for rows, text in zip(wrong, right, strict=False):
        fresh += await _instead(service, conn, actor, original, rows, text)
    values: RawValues = {
        WRONG: gone,
        NUMBERS: [*rest, *({"entry": one.name} for one in fresh)] or None,
        **await _sentences(service, conn, given, gone, fresh, asked),
    }
    return NumbersCorrected(values, _asking(asked, fresh))


def _listed(texts: Sequence[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _given(original: Alert, text: str) -> tuple[Cells, ...]:
    """The rows of an alert that `text` names. Raises `Misuse` if there are none."""
    rows = rows_of(original.given, NUMBERS)
    key = entry_id(text)
    named = [row for row in rows if row.get("entry") == entry_name(key)] if key else []
    found = tuple(named) if key else with_digits(rows, text)
    if not found:
        raise Misuse(
            _("{alert} does not give {names}; it gives {known}.").format(
                alert=original.id,
                names=entry_name(key) if key else text[:40],
                known=", ".join(map(in_words, rows)) or "–",
            )
        )
    return found


def _require_all_named(gone: Sequence[Cells], rest: Sequence[Cells]) -> None:
    """Raises `Misuse` if digits that are called wrong would stay in the list to be called (R6)."""
    digits = {row.get("number") for row in gone} - {None}
    same = [row for row in rest if row.get("number") in digits]
    if same:
        names = [str(row.get("entry") or row["number"]) for row in (*gone, *same)]
        raise Misuse(
            _(
                "{rows} has the same digits: they cannot be wrong and right in one message. Name"
                " every row with these digits: {names} (--wrong)."
            ).format(rows=", ".join(map(in_words, same)), names=",".join(names))
        )


async def _instead(
    service: Context,
    conn: Connection,
    actor: Person,
    original: Alert,
    wrong: Sequence[Cells],
    text: str,
) -> list[Entry]:
    """The entries that take the place of these rows."""
    if entry_id(text):
        entry = await changing.one(conn, text)
        _require_fits(entry, wrong)
        return [entry]
    rules.require_role("numbers_enter", actor)
    found = []
    for cells in wrong:
        entry = await changing.enter(service, conn, actor, _with_digits(cells, text))
        _require_fits(entry, [cells])
        if standing(entry, service.now) is Standing.UNVERIFIED:
            await tasks.raise_(service, conn, _read_back(entry, original))
        found.append(entry)
    return found


def _with_digits(cells: Cells, digits: str) -> NumberRow:
    """A row of the same territory, service, zone and condition with other digits. Raises `Misuse` for
    digits that cannot be dialled there."""
    row = kept_row(cells)
    try:
        number = written(digits, row.territory.region)
    except InvalidNumber as invalid:
        raise Misuse(f"--right {digits}: {invalid}") from None
    return replace(
        bare(row),
        number=number,
        place={},
        capacity=None,
        valid_from=None,
        valid_until=None,
        review_at=None,
        sources=(),
        published_at="",
    )


def _require_fits(entry: Entry, wrong: Sequence[Cells]) -> None:
    """Raises `Misuse` for an entry that cannot take the place of one of these rows."""
    rows = [kept_row(cells) for cells in wrong]
    if not any(same_spot(entry.row, row) for row in rows):
        raise Misuse(
            _("{entry} cannot replace {wrong}: it is for another territory or service.").format(
                entry=said(entry), wrong=", ".join(map(in_words, wrong))
            )
        )
    if any((entry.row.number, entry.row.place) == (row.number, row.place) for row in rows):
        raise Misuse(
            _("{entry} has the digits that you call wrong. Give other digits (--right).").format(
                entry=said(entry)
            )
        )


def _read_back(entry: Entry, original: Alert) -> NewTask:
    sentence = _(
        "{entry} is to replace a wrong number of {alert} and nobody has read it back. Someone"
        " other than {author} must read it back: alertbot numbers verify {name}"
    )
    return NewTask(
        key=f"read-back:{entry.name}:{entry.row.version}",
        kind="unverified_number",
        text=sentence.format(
            entry=said(entry), alert=original.id, author=entry.entered_by, name=entry.name
        ),
        alert=original.id,
        number=entry.id,
    )


async def _sentences(
    service: Context,
    conn: Connection,
    given: Sequence[Cells],
    gone: Sequence[Cells],
    fresh: Sequence[Entry],
    asked: Mapping[str, Any],
) -> RawValues:
    words = load_ready_words(*service.publisher.folders).spoken(service.publisher.spoken)
    rows = [kept_row(cells) for cells in gone]
    others = [kept_row(cells) for cells in given if cells not in gone]
    right = [one.row for one in (*fresh, *await _asked_for(service, conn, asked, given))]
    known = sum(any(same_spot(one, row) for one in right) for row in rows)
    return {
        "what_was_wrong": words.wrong(rows, others),
        "what_is_right": words.right(len(rows), known),
    }


async def _asked_for(
    service: Context, conn: Connection, asked: Mapping[str, Any], given: Sequence[Cells]
) -> list[Entry]:
    """The entries in force that the person's query finds and that the alert did not give."""
    if not asked.get(QUERY_FIELDS[0]):
        return []
    before = {(row.get("entry"), row.get("number")) for row in given}
    digits = {row.get("number") for row in given}
    return [
        one
        for one in await register.asked_for(conn, asked)
        if standing(one, service.now) is Standing.IN_FORCE
        and (one.name, one.row.number) not in before
        and one.row.number not in digits
    ]


def _asking(asked: Mapping[str, Any], fresh: Iterable[Entry]) -> RawValues:
    """The person's values; a query for territories also names the right numbers, so that none is left out."""
    places = asked.get(QUERY_FIELDS[0])
    names = [one.name for one in fresh]
    if not places or not names:
        return dict(asked)
    both = [*places, *names] if isinstance(places, list | tuple) else ",".join([str(places), *names])
    return {**asked, QUERY_FIELDS[0]: both}
