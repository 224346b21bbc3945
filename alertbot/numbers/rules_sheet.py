"""Files of rows as people save them: CSV with any usual delimiter and encoding, YAML, JSON; and writing
them.

Only the form is checked here. Rows are numbered as in the file, from 1 without the heading, blank rows
included.
"""

import codecs
import csv
import difflib
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, zip_longest
from typing import Any, TypeAlias

from alertbot.config.yaml_reader import parse_written, plain
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import RawValues
from alertbot.core.words import _
from alertbot.numbers.rules_entry import EVERY_LANGUAGE, NumberRow
from alertbot.numbers.rules_rows import (
    COLUMNS,
    FORMULA,
    SURPLUS,
    frozen_row,
    is_formula,
    known_column,
    quoted,
    unquoted,
)
from alertbot.regions.facts import in_force, service_named
from alertbot.regions.region import worded

ALIASES = {"departement_code": "territory", "departement": "name"}
DELIMITERS = (",", ";", "\t", "|")
_NEEDED = ("territory", "service")
_NEEDED_ONE = ("number", "place")
_BLANK_MEANS = ("replaces",)  # columns where a blank cell says something: it replaces nothing
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

RawRow: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RowSheet:
    """The rows of a file as written, by column, each with its number. `strange`: unknown columns in the
    heading."""

    rows: tuple[tuple[int, RawValues], ...]
    strange: tuple[str, ...] = ()
    heading_line: int = 1


def decoded(data: bytes, name: str) -> tuple[str, str]:
    """The text of a file, and the encoding that had to be assumed (empty: UTF-8).

    Raises `Misuse` if it is not text.
    """
    if data.startswith(b"PK\x03\x04"):
        raise Misuse(_("{name} is a workbook; save it as “CSV UTF-8”.").format(name=name))
    for encoding in _encodings(data):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, "" if encoding == "utf-8-sig" else encoding
    raise Misuse(_("{name} is not text; save it as “CSV UTF-8”.").format(name=name))


def _encodings(data: bytes) -> Sequence[str]:
    return ("utf-16",) if data.startswith(_UTF16) else ("utf-8-sig", "cp1252", "latin-1")


def read_sheet(text: str, name: str, suffix: str = "", *, most: int) -> RowSheet:
    """The rows of a text. `suffix` (`.csv`, `.yaml`, `.json`) says what it is; without it the beginning
    does.

    Raises `Misuse`, naming the line, if the whole cannot be read or has more than `most` rows.
    """
    looks_like_yaml = not suffix and text.lstrip()[:1] in {"-", "["}
    if suffix == ".json":
        sheet = _mappings(_from_json(text, name), name)
    elif suffix in {".yaml", ".yml"} or looks_like_yaml:
        sheet = _mappings(plain(parse_written(text, name)), name)
    else:
        sheet = _from_csv(text.lstrip("\ufeff"), name, most)
    if len(sheet.rows) > most:
        raise Misuse(_("{name} has more than {most} rows.").format(name=name, most=most))
    return sheet


def _from_json(text: str, name: str) -> Any:
    """The content, with every scalar except null as written text, as when reading YAML. Raises `Misuse`
    for invalid JSON."""
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise Misuse(_("{name} is not JSON: {reason}.").format(name=name, reason=error)) from None


def _mappings(rows: Any, name: str) -> RowSheet:
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Misuse(_("{name} must hold a list of rows, each with its columns.").format(name=name))
    return RowSheet(tuple((count, renamed(row)) for count, row in enumerate(rows, start=1)))


def renamed(raw: RawRow) -> RawValues:
    """The row with the register's column names."""
    return {column_name(str(key)): value for key, value in raw.items()}


def column_name(text: str) -> str:
    """The register's name for a column."""
    name = text.strip().lower()
    return ALIASES.get(name, name)


# --- CSV ------------------------------------------------------------------------------------------


def _from_csv(text: str, name: str, most: int) -> RowSheet:
    delimiter, text = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        cells = next((cells for cells in reader if any(cell.strip() for cell in cells)), [])
        line = reader.line_num
        heading = _heading(cells, f"{name}:{line}")
        rows = tuple(islice(_rows(heading, reader), most + 1))
    except csv.Error as error:
        raise Misuse(
            _(
                "{place} is not CSV: a quotation mark is misplaced, or a cell is too long ({reason})."
            ).format(place=f"{name}:{reader.line_num}", reason=error)
        ) from None
    strange = tuple(column for column in heading if column and not known_column(column))
    return RowSheet(rows, strange, line)


def _delimiter(text: str) -> tuple[str, str]:
    """The delimiter, and the text without the line (`sep=;`) in which a spreadsheet may name it."""
    first, _break, rest = text.partition("\n")
    named = first.strip(" \r").lower()  # a tab may be what it names
    if named.startswith("sep=") and named[4:] in DELIMITERS:
        return named[4:], rest
    heading = text.lstrip().partition("\n")[0].replace('"', "")
    return max(DELIMITERS, key=lambda one: _known_columns(heading.split(one))), text


def _known_columns(cells: Sequence[str]) -> int:
    return sum(known_column(column_name(cell)) for cell in cells)


def _heading(cells: Sequence[str], place: str) -> list[str]:
    heading = [column_name(cell) for cell in cells]
    missing = [column for column in _NEEDED if column not in heading]
    if not any(column.startswith(_NEEDED_ONE) for column in heading):
        missing.append(_NEEDED_ONE[0])
    if missing:
        raise Misuse(
            _("{place}: the column {columns} is missing; the columns are {known}.").format(
                place=place, columns=", ".join(missing), known=", ".join(COLUMNS)
            )
        )
    twice = sorted({column for column in heading if column and heading.count(column) > 1})
    if twice:
        raise Misuse(
            _("{place}: the column {columns} appears twice.").format(
                place=place, columns=", ".join(twice)
            )
        )
    return heading


def _rows(heading: Sequence[str], lines: Iterator[list[str]]) -> Iterator[tuple[int, RawValues]]:
    for count, cells in enumerate(lines, start=1):
        if any(cell.strip() for cell in cells):
            yield count, _row(heading, cells)


def _row(heading: Sequence[str], cells: Sequence[str]) -> RawValues:
    row: RawValues = {
        column: unquoted(cell).strip()
        for column, cell in zip(heading, cells, strict=False)
        if column and (cell or column in _BLANK_MEANS)
    }
    if any(cell.strip() for column, cell in zip_longest(heading, cells, fillvalue="") if not column):
        row[SURPLUS] = _("it has more cells than the header has columns.")
    elif any(map(is_formula, cells)):
        formula = next(filter(is_formula, cells)).strip()
        row[FORMULA] = _("“{cell}” would run as a formula; write it as text.").format(cell=formula[:40])
    return row


def nearest_column(column: str) -> str:
    """The known column that was probably meant, else empty."""
    return next(iter(difflib.get_close_matches(column, COLUMNS, n=1)), "")


_WORDED = ("name", "zone", "condition", "place")


def to_csv(rows: Iterable[NumberRow]) -> str:
    """The rows as CSV with a heading; a cell that a spreadsheet would run begins with an apostrophe."""
    flat = [_flat(row) for row in rows]
    used = {column for cells in flat for column in cells}
    columns = [one for column in COLUMNS for one in (column, *_languages(column, used))]
    return _sheet(columns, flat)


def to_json(rows: Iterable[NumberRow]) -> str:
    """The rows as one JSON list. Texts for every language are plain strings."""
    return json.dumps([_plain(row) for row in rows], ensure_ascii=False, indent=2) + "\n"


def template() -> str:
    """An empty CSV with every column, and the example row of the country's pack."""
    return _sheet(COLUMNS, list(_example()))


def _example() -> Iterator[dict[str, str]]:
    pack = in_force()
    row = pack.example.row
    if row is None:
        return
    territory, place = pack.territories[row["territory"]], row.get("place", "")
    yield {
        "territory": territory.code,
        "name": territory.name,
        "service": row["service"],
        "replaces": service_named(row["service"]).replaces,
        "number": row.get("number", ""),
        "place": place if isinstance(place, str) else worded(place, pack.languages[0]),
        "capacity": "15",
        "valid_until": "2030-06-03T18:00",
        "source_url": f"https://www.example.org/{territory.code.lower()}",
    }


def _sheet(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({column: quoted(cell) for column, cell in row.items()} for row in rows)
    return text.getvalue()


def _languages(column: str, used: set[str]) -> list[str]:
    return sorted(one for one in used if one.startswith(f"{column}."))


def _flat(row: NumberRow) -> dict[str, str]:
    frozen = frozen_row(row)
    cells = {"name": row.territory.name} | _spread("name", frozen.pop("name", {}))
    for column in _WORDED:
        cells |= _spread(column, frozen.pop(column, {}))
    cells["source_url"] = "\n".join(frozen.pop("source_url", ()))
    return cells | {column: str(cell) for column, cell in frozen.items()}


def _spread(column: str, worded: Mapping[str, str]) -> dict[str, str]:
    return {f"{column}.{lang}" if lang else column: words for lang, words in worded.items()}


def _plain(row: NumberRow) -> RawValues:
    cells = frozen_row(row)
    for column in _WORDED:
        if set(cells.get(column, ())) == {EVERY_LANGUAGE}:
            cells[column] = cells[column][EVERY_LANGUAGE]
    return {"territory": cells.pop("territory"), "name": row.territory.name} | cells
