"""Reads rows of provisional numbers for one alert from CSV or YAML: a fault names its row.

Columns: `rows.COLUMNS`; also departement_code (territory) and departement (name). `zone.fr`,
`condition.en` and so on word those per language. `service` may be `kind:zone or condition`. Times
without an offset are local to the row's territory. Whole files for the register: `importing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alertbot.errors import Misuse
from alertbot.register.check import check
from alertbot.register.entry import NumberRow
from alertbot.register.merging import merged
from alertbot.register.rows import BadRow, Moment, local_iso, number_row
from alertbot.register.sheet import RawRow, decoded, read_sheet, renamed
from alertbot.settings.yaml_text import LARGEST_FILE
from alertbot.words import _

__all__ = ["NumberRow", "Reading", "RowFault", "raw_rows", "read_numbers"]

MOST_ROWS = 5000


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one row. `row` counts from 1 and leaves out the heading; 0 is the whole file."""

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


def read_numbers(source: Path | str | Sequence[RawRow], *, moment: Moment = local_iso) -> Reading:
    """The numbers in a file (`Path`), in a text of CSV or YAML, or in rows already read.

    `moment` turns what is written for a time into an aware one. Raises `Misuse` where the whole cannot
    be read; a bad row is a fault in the reading.
    """
    rows = raw_rows(source) if isinstance(source, Path | str) else list(source)
    numbered = [(count, renamed(raw)) for count, raw in enumerate(rows, start=1)]
    good, faults = judged(numbered, moment)
    return Reading(merged(row for _count, row in good), len(rows), faults, _doubts(good))


def judged(
    rows: Sequence[tuple[int, RawRow]], moment: Moment
) -> tuple[list[tuple[int, NumberRow]], tuple[RowFault, ...]]:
    """The rows that can be used and the faults of the others."""
    good: list[tuple[int, NumberRow]] = []
    faults: list[RowFault] = []
    for count, raw in rows:
        try:
            good.append((count, number_row(raw, moment)))
        except BadRow as bad:
            faults.append(RowFault(count, bad.rule, at_row(count, raw, str(bad))))
    return good, tuple(faults)


def _doubts(rows: Sequence[tuple[int, NumberRow]]) -> tuple[RowFault, ...]:
    """One for each finding, at the last row that it concerns."""
    last = {row.identity: count for count, row in rows}
    found = check(merged(row for _count, row in rows)).warnings
    doubts = [(max(last[row.identity] for row in one.rows), one.sentence) for one in found]
    return tuple(RowFault(count, "number_suspicion", sentence) for count, sentence in sorted(doubts))


def raw_rows(source: Path | str) -> list[dict[str, Any]]:
    """The rows of a file or text as written, by column. Raises `Misuse`."""
    name, text = (str(source), _text_of(source)) if isinstance(source, Path) else (_("numbers"), source)
    suffix = source.suffix.lower() if isinstance(source, Path) else ""
    return [row for _count, row in read_sheet(text, name, suffix, most=MOST_ROWS).rows]


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Misuse(
            _("The numbers in {path} cannot be read: {reason}.").format(
                path=path, reason=error.strerror
            )
        ) from None
    if len(data) > LARGEST_FILE:
        raise Misuse(_("{path} is larger than 1 MB.").format(path=path))
    text, assumed = decoded(data, str(path))
    if assumed:
        raise Misuse(_("{path} is not text in UTF-8; save it as “CSV UTF-8”.").format(path=path))
    return text


def at_row(count: int, raw: RawRow, sentence: str) -> str:
    """The sentence with the row that it is about."""
    what = " ".join(str(raw[key])[:40] for key in ("territory", "service", "number") if raw.get(key))
    return _("Row {count} ({what}): {sentence}").format(count=count, what=what, sentence=sentence)
