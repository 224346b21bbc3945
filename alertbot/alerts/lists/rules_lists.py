"""The lists of numbers in an alert: a number that one of them calls wrong, or no longer valid, stands in no
other (R6). Pure.

Rows here are cells as an alert stores them (`numbers.rules_rows.frozen_row`).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from alertbot.core.frozen import dataclass
from alertbot.core.model import RawValues
from alertbot.core.words import language
from alertbot.numbers.rules_digits import InvalidNumber, written
from alertbot.numbers.rules_entry import NumberRow
from alertbot.numbers.rules_rows import kept_row

NUMBERS, NO_LONGER, WRONG = "numbers", "no_longer_valid", "wrong_numbers"
_BY_WEIGHT = (WRONG, NO_LONGER, NUMBERS)  # a row stays in the first list that has it

Cells = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Separated:
    """The values with every number in one list, and the rows that were taken out of the others."""

    values: RawValues
    taken_out: tuple[Cells, ...]


def separated(values: Mapping[str, Any], *, digits_count: bool) -> Separated:
    """Take every row out of a list if a graver list has the same row: wrong before no longer valid before
    to be called.

    `digits_count`: digits that are called wrong are wrong wherever they stand (a correction, a denial).
    Else the same digits may stop in one place and stay in another (a withdrawal), and only the same
    register entry, or row, with the same number counts.
    """
    found = dict(values)
    graver: set[tuple[object, ...]] = set()
    wrong = {_called(row) for row in rows_of(values, WRONG)} if digits_count else set()
    out: list[Cells] = []
    for name in _BY_WEIGHT:
        if not isinstance(found.get(name), list | tuple):
            continue
        keys = [_key(row) for row in found[name]]
        kept = [
            row
            for row, key in zip(found[name], keys, strict=True)
            if key not in graver and not (name != WRONG and _called(row) in wrong)
        ]
        out += [row for row in found[name] if row not in kept]
        graver.update(key for key in keys if key)
        found[name] = kept
        if not kept:
            del found[name]
    return Separated(found, tuple(out))


def rows_of(values: Mapping[str, Any], name: str) -> tuple[Cells, ...]:
    """The rows of one list of an alert; empty if it has none."""
    rows = values.get(name)
    return (
        tuple(row for row in rows if isinstance(row, Mapping)) if isinstance(rows, list | tuple) else ()
    )


def with_digits(rows: Iterable[Cells], typed: str) -> tuple[Cells, ...]:
    """The rows whose number is `typed`, in any notation in which it can be dialled there."""
    return tuple(row for row in rows if row.get("number") and _same_digits(row, typed))


def _same_digits(row: Cells, typed: str) -> bool:
    try:
        return bool(written(typed, kept_row(row).territory.region) == row["number"])
    except InvalidNumber:
        return False


def in_words(cells: Cells) -> str:
    """A row in one line, with its entry if it has one: `N1 (69 samu 04 65 71 69 15)`."""
    worded = (_shown(cells.get(column)) for column in ("zone", "condition"))
    place = _shown(cells.get("place"))
    parts = (cells.get("territory"), cells.get("service"), *worded, cells.get("number"), place)
    row = " ".join(str(part) for part in parts if part)
    return f"{cells['entry']} ({row})" if cells.get("entry") else row


def same_spot(one: NumberRow, other: NumberRow) -> bool:
    """Whether both help callers of the same service in the same territory."""
    return (one.territory.code, one.service) == (other.territory.code, other.service)


def _key(row: object) -> tuple[object, ...]:
    if not isinstance(row, Mapping):
        return ()
    called = _called(row)
    if row.get("entry"):
        return (row["entry"], *called)
    worded = (_any(row.get(column)) for column in ("zone", "condition"))
    return (str(row.get("territory")), row.get("service"), *worded, *called)


def _called(row: object) -> tuple[object, ...]:
    """What callers dial or where they go."""
    if not isinstance(row, Mapping):
        return ()
    return (row.get("number") or "", _any(row.get("place")))


def _any(worded: object) -> str:
    if isinstance(worded, Mapping):
        return "/".join(f"{lang}={worded[lang]}" for lang in sorted(worded)) if worded else ""
    return str(worded or "")


def _shown(worded: object) -> str:
    """A text in the reader's language, else as it was given first."""
    if isinstance(worded, Mapping):
        return str(worded.get(language()) or next(iter(worded.values()), ""))
    return str(worded or "")
