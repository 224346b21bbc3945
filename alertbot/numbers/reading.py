"""Reading rows of provisional numbers from CSV, YAML or JSON: those of one alert, and whole files for an
import. Every fault names its row.

Columns: `rules_rows.COLUMNS`; also departement_code (territory) and departement (name). `zone.fr`,
`condition.en` and so on give those per language. `service` may be `kind:zone or condition`. Times
without an offset are local to the row's territory.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from pathlib import Path, PurePath

from alertbot.config.yaml_reader import LARGEST_FILE
from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import RawValues
from alertbot.core.signs import shown
from alertbot.core.words import _
from alertbot.numbers.rules_changes import Numbered, contradictions, merged
from alertbot.numbers.rules_checks import Finding, Report, check_rows
from alertbot.numbers.rules_entry import NumberRow
from alertbot.numbers.rules_rows import COLUMNS, BadRow, Moment, local_iso, number_row
from alertbot.numbers.rules_sheet import RawRow, RowSheet, decoded, nearest_column, read_sheet, renamed

MOST_ROWS = 5000


@dataclass(frozen=True, slots=True)
class RowFault:
    """A fault in one row. `row` counts from 1 without the heading; 0 is the whole file."""

    row: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class RowsRead:
    """The usable rows, and the faults of the others. `count`: how many were read, before rows of the
    same entry were merged."""

    rows: tuple[NumberRow, ...]
    count: int
    faults: tuple[RowFault, ...] = ()
    warnings: tuple[RowFault, ...] = ()


def read_numbers(source: Path | str | Sequence[RawRow], *, moment: Moment = local_iso) -> RowsRead:
    """The numbers in a file (`Path`), in CSV or YAML text, or in rows already read.

    `moment` turns a written time into an aware one. Raises `Misuse` if the whole cannot be read; a bad
    row is a fault in the result.
    """
    rows = raw_rows(source) if isinstance(source, Path | str) else list(source)
    numbered = [(count, renamed(raw)) for count, raw in enumerate(rows, start=1)]
    good, faults = judged(numbered, moment)
    return RowsRead(merged(row for _count, row in good), len(rows), faults, _doubts(good))


def judged(
    rows: Sequence[tuple[int, RawRow]], moment: Moment
) -> tuple[list[tuple[int, NumberRow]], tuple[RowFault, ...]]:
    """The usable rows, and the faults of the others."""
    good: list[tuple[int, NumberRow]] = []
    faults: list[RowFault] = []
    for count, raw in rows:
        try:
            good.append((count, number_row(raw, moment)))
        except BadRow as bad:
            faults.append(RowFault(count, bad.rule, at_row(count, raw, str(bad))))
    return good, tuple(faults)


def _doubts(rows: Sequence[tuple[int, NumberRow]]) -> tuple[RowFault, ...]:
    """One warning per finding, at the last row that it concerns."""
    last = {row.identity: count for count, row in rows}
    found = check_rows(merged(row for _count, row in rows)).warnings
    doubts = [(max(last[row.identity] for row in one.rows), one.sentence) for one in found]
    return tuple(RowFault(count, "number_suspicion", sentence) for count, sentence in sorted(doubts))


def raw_rows(source: Path | str) -> list[RawValues]:
    """The rows of a file or text as written, by column. Raises `Misuse` if it cannot be read."""
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
        raise Misuse(_("{path} is not UTF-8 text; save it as “CSV UTF-8”.").format(path=path))
    return text


def at_row(count: int, raw: RawRow, sentence: str) -> str:
    """The message with the row it is about."""
    what = " ".join(
        shown(str(raw[key])[:40]) for key in ("territory", "service", "number") if raw.get(key)
    )
    return _("Row {count} ({what}): {sentence}").format(count=count, what=what, sentence=sentence)


MOST_IMPORTED = 100_000
LARGEST_IMPORT = 64_000_000  # bytes
LONG_AGO = timedelta(days=14)
FAR_AHEAD = timedelta(days=366)
WHOLE_FILE = 0  # the row of a fault or warning that concerns every row
_ENCODINGS = {"cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16": "UTF-16"}


@dataclass(frozen=True, slots=True)
class ImportReading(RowsRead):
    """The content of a file. `rows`: the valid ones, one per entry; `count`: the rows of the file.

    The whole file may be imported if there are no `faults`; otherwise `rows` is what `--keep-valid`
    imports. `report` holds the findings of the valid rows together; `warnings` and `information` repeat
    them, each at the last row it concerns. `numbered`: each valid row of the file, before they were merged.
    """

    information: tuple[RowFault, ...] = ()
    report: Report = field(default_factory=Report)
    numbered: tuple[Numbered, ...] = ()


def read_import(data: bytes, name: str, *, now: datetime) -> ImportReading:
    """The rows in the bytes of a file called `name`, whose extension tells CSV from YAML and JSON.

    Raises `Misuse` if the whole cannot be read: too large, not text, a column missing.
    """
    if len(data) > LARGEST_IMPORT:
        raise Misuse(
            _("{name} is larger than {most} MB.").format(name=name, most=LARGEST_IMPORT // 1_000_000)
        )
    text, assumed = decoded(data, name)
    sheet = read_sheet(text, name, PurePath(name).suffix.lower(), most=MOST_IMPORTED)
    if not sheet.rows:
        raise Misuse(_("{name} contains no rows.").format(name=name))
    reading = _read(sheet, name, now)
    return reading if not assumed else _with_warning(reading, _encoding(name, assumed))


def _read(sheet: RowSheet, name: str, now: datetime) -> ImportReading:
    rows = tuple((count, _without(raw, sheet.strange)) for count, raw in sheet.rows)
    raw_of = dict(rows)
    good, faults = judged(rows, local_iso)
    clashes = contradictions(good)
    late = {count: why for count, row in good if (why := _ended(row, now))}
    later = [
        *(
            RowFault(count, "contradiction", at_row(count, raw_of[count], clashes[count]))
            for count in clashes
        ),
        *(RowFault(count, "past_time", at_row(count, raw_of[count], late[count])) for count in late),
    ]
    kept = [(count, row) for count, row in good if count not in clashes and count not in late]
    entries = merged(row for _count, row in kept)
    report = check_rows(entries)
    return ImportReading(
        entries,
        len(rows),
        (*_strangers(sheet, name), *sorted((*faults, *later), key=_row)),
        (*_times(kept, raw_of, now), *_as_faults(report.warnings, kept)),
        _as_faults(report.information, kept),
        report,
        tuple(kept),
    )


def _row(fault: RowFault) -> int:
    return fault.row


def _as_faults(findings: Sequence[Finding], rows: Sequence[Numbered]) -> tuple[RowFault, ...]:
    last = {row.identity: count for count, row in rows}
    at = ((max(last[row.identity] for row in one.rows), one) for one in findings)
    return tuple(RowFault(count, str(one.rule), one.sentence) for count, one in at)


def _times(rows: Sequence[Numbered], raw_of: Mapping[int, RawRow], now: datetime) -> Iterator[RowFault]:
    for count, row in rows:
        for why in _doubtful(row, now):
            yield RowFault(count, "doubtful_time", at_row(count, raw_of[count], why))


def _without(raw: RawRow, columns: Sequence[str]) -> RawRow:
    return {key: value for key, value in raw.items() if key not in columns} if columns else raw


def _strangers(sheet: RowSheet, name: str) -> Iterator[RowFault]:
    for column in sheet.strange:
        near = nearest_column(column)
        meant = _("; did you mean “{near}”?").format(near=near) if near else "."
        sentence = _("{name}:{line}: there is no column “{column}”{meant} The columns are {known}.")
        words = sentence.format(
            name=name,
            line=sheet.heading_line,
            column=shown(column[:40]),
            meant=meant,
            known=", ".join(COLUMNS),
        )
        yield RowFault(WHOLE_FILE, "unknown_column", words)


def _ended(row: NumberRow, now: datetime) -> str:
    """The fault of a row whose validity is over, as with a date in the wrong month."""
    if row.ends_at is None or row.ends_at > now:
        return ""
    return _("it expired on {end}; correct the date or leave the row out.").format(
        end=f"{row.ends_at:%Y-%m-%d %H:%M}"
    )


def _doubtful(row: NumberRow, now: datetime) -> Iterator[str]:
    if row.valid_from and row.valid_from < now - LONG_AGO:
        yield _("it is valid from {begin}, more than {days} days ago; is the month right?").format(
            begin=f"{row.valid_from:%Y-%m-%d %H:%M}", days=LONG_AGO.days
        )
    if row.ends_at and row.ends_at > now + FAR_AHEAD:
        yield _("it ends on {end}, more than a year from now; is the year right?").format(
            end=f"{row.ends_at:%Y-%m-%d %H:%M}"
        )


def _encoding(name: str, assumed: str) -> str:
    return _("{name} is not UTF-8 and was read as {encoding}; check the accents.").format(
        name=name, encoding=_ENCODINGS[assumed]
    )


def _with_warning(reading: ImportReading, sentence: str) -> ImportReading:
    first = RowFault(WHOLE_FILE, "encoding", sentence)
    return replace(reading, warnings=(first, *reading.warnings))
