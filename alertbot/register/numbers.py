"""Reads rows of provisional numbers from CSV or YAML and judges each one: a fault names its row.

Columns: territory (or departement_code), name (or departement), service, replaces, number, zone,
condition, capacity, valid_from, valid_until, review_at, source_url, published_at, verified_by,
verified_at. `zone.fr`, `condition.en` and so on word those two per language. `service` may be
`kind:zone or condition`. Times without an offset are local to the row's territory.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from alertbot.errors import Misuse
from alertbot.register.entry import NumberRow
from alertbot.register.merging import merged, suspicions
from alertbot.register.rows import COLUMNS, BadRow, Moment, local_iso, number_row
from alertbot.sheets import LONGEST_FILE, parse_sheet, plain
from alertbot.words import _

__all__ = ["NumberRow", "Reading", "RowFault", "raw_rows", "read_numbers"]

MOST_ROWS = 5000
_ALIASES = {"departement_code": "territory", "departement": "name"}


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one row. `row` counts from 1 and leaves out the heading."""

    row: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The rows that can be used, and what is wrong with the others. `count`: how many were read, before
    the same entry from several sources became one."""

    rows: tuple[NumberRow, ...]
    count: int
    faults: tuple[RowFault, ...] = ()
    warnings: tuple[RowFault, ...] = ()


RawRow: TypeAlias = Mapping[str, Any]


def read_numbers(source: Path | str | Sequence[RawRow], *, moment: Moment = local_iso) -> Reading:
    """The numbers in a file (`Path`), in a text of CSV or YAML, or in rows already read.

    `moment` turns what is written for a time into an aware one. Raises `Misuse` where the whole cannot
    be read; a bad row is a fault in the reading.
    """
    rows = raw_rows(source) if isinstance(source, Path | str) else list(source)
    good: list[tuple[int, NumberRow]] = []
    faults: list[RowFault] = []
    for count, raw in enumerate(rows, start=1):
        try:
            good.append((count, number_row(_renamed(raw), moment)))
        except BadRow as bad:
            faults.append(RowFault(count, bad.rule, _at(count, raw, str(bad))))
    doubts = [
        RowFault(row, "number_suspicion", _at(row, rows[row - 1], why)) for row, why in suspicions(good)
    ]
    return Reading(merged(row for _count, row in good), len(rows), tuple(faults), tuple(doubts))


def raw_rows(source: Path | str) -> list[dict[str, Any]]:
    """The rows of a file or text as written, by column. Raises `Misuse`."""
    name, text = (str(source), _text_of(source)) if isinstance(source, Path) else (_("numbers"), source)
    suffix = source.suffix.lower() if isinstance(source, Path) else ""
    looks_like_yaml = suffix in {".yaml", ".yml"} or (not suffix and text.lstrip()[:1] in {"-", "["})
    rows = _from_yaml(text, name) if looks_like_yaml else _from_csv(text, name)
    if len(rows) > MOST_ROWS:
        raise Misuse(_("{name} has more than {most} rows.").format(name=name, most=MOST_ROWS))
    return rows


def _text_of(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Misuse(
            _("The numbers in {path} cannot be read: {reason}.").format(
                path=path, reason=error.strerror
            )
        ) from None
    if len(raw) > LONGEST_FILE:
        raise Misuse(_("{path} is larger than 1 MB.").format(path=path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Misuse(
            _("{path} is not text in UTF-8; save it as “CSV UTF-8”.").format(path=path)
        ) from None


def _from_yaml(text: str, name: str) -> list[dict[str, Any]]:
    rows = plain(parse_sheet(text, name))
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Misuse(_("{name} must hold a list of rows, each with its columns.").format(name=name))
    return [row for row in rows if isinstance(row, dict)]


def _from_csv(text: str, name: str) -> list[dict[str, Any]]:
    first = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    try:
        lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Misuse(_("{name} is not CSV: {reason}.").format(name=name, reason=error)) from None
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    heading = _heading(lines[0] if lines else [], name)
    return [
        {column: cell.strip() for column, cell in zip(heading, line, strict=False)}
        | ({"": _("more cells than columns")} if len(line) > len(heading) else {})
        for line in lines[1:]
    ]


def _heading(cells: Sequence[str], name: str) -> list[str]:
    heading = [cell.strip().lower() for cell in cells]
    known = [_ALIASES.get(column, column) for column in heading]
    missing = [column for column in ("territory", "service", "number") if column not in known]
    if missing:
        raise Misuse(
            _("{name} lacks the column {columns}; known columns are {known}.").format(
                name=name, columns=", ".join(missing), known=", ".join(COLUMNS)
            )
        )
    return heading


def _renamed(raw: RawRow) -> dict[str, Any]:
    return {
        _ALIASES.get(str(key).strip().lower(), str(key).strip().lower()): value
        for key, value in raw.items()
    }


def _at(count: int, raw: RawRow, sentence: str) -> str:
    row = _renamed(raw)
    what = " ".join(str(row[key])[:40] for key in ("territory", "service", "number") if row.get(key))
    return _("Row {count} ({what}): {sentence}").format(count=count, what=what, sentence=sentence)
