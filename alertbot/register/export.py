"""Rows written to a file that reads back as the same rows: CSV for a spreadsheet, JSON for a program."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alertbot.register.entry import EVERY_LANGUAGE, NumberRow
from alertbot.register.formulas import quoted
from alertbot.register.frozen import frozen_row
from alertbot.register.rows import COLUMNS

_WORDED = ("name", "zone", "condition", "place")
_EXAMPLE = {
    "territory": "69",
    "name": "Rhône",
    "service": "pompiers",
    "replaces": "18",
    "number": "04 65 71 69 18",
    "capacity": "15",
    "valid_until": "2030-06-03T18:00",
    "source_url": "https://www.example.org/69",
}


def to_csv(rows: Iterable[NumberRow]) -> str:
    """The rows as CSV with a heading; a cell that a spreadsheet would run begins with an apostrophe."""
    flat = [_flat(row) for row in rows]
    used = {column for cells in flat for column in cells}
    columns = [one for column in COLUMNS for one in (column, *_languages(column, used))]
    return _sheet(columns, flat)


def to_json(rows: Iterable[NumberRow]) -> str:
    """The rows as one JSON list. Words that serve every language are a plain text."""
    return json.dumps([_plain(row) for row in rows], ensure_ascii=False, indent=2) + "\n"


def template() -> str:
    """An empty CSV with every column and one row as an example, in a range kept for fiction."""
    return _sheet(COLUMNS, [_EXAMPLE])


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
    cells = {"name": row.territory.names["fr"]} | _spread("name", frozen.pop("name", {}))
    for column in _WORDED:
        cells |= _spread(column, frozen.pop(column, {}))
    cells["source_url"] = "\n".join(frozen.pop("source_url", ()))
    return cells | {column: str(cell) for column, cell in frozen.items()}


def _spread(column: str, worded: Mapping[str, str]) -> dict[str, str]:
    return {f"{column}.{lang}" if lang else column: words for lang, words in worded.items()}


def _plain(row: NumberRow) -> dict[str, Any]:
    cells = frozen_row(row)
    for column in _WORDED:
        if set(cells.get(column, ())) == {EVERY_LANGUAGE}:
            cells[column] = cells[column][EVERY_LANGUAGE]
    return {"territory": cells.pop("territory"), "name": row.territory.names["fr"]} | cells
