"""Reads a whole file for the register: every row judged, contradictions and dates too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import PurePath

from alertbot.errors import Misuse
from alertbot.register.check import Finding, Report, check
from alertbot.register.contradictions import Numbered, contradictions
from alertbot.register.entry import NumberRow
from alertbot.register.merging import merged
from alertbot.register.numbers import Reading, RowFault, at_row, judged
from alertbot.register.rows import COLUMNS, local_iso
from alertbot.register.sheet import RawRow, Sheet, decoded, nearest_column, read_sheet
from alertbot.words import _

MOST_IMPORTED = 100_000
LARGEST_IMPORT = 64_000_000  # bytes
LONG_AGO = timedelta(days=14)
FAR_AHEAD = timedelta(days=366)
WHOLE_FILE = 0  # the row of a fault or warning that concerns every row
_ENCODINGS = {"cp1252": "Windows-1252", "latin-1": "Latin-1", "utf-16": "UTF-16"}


@dataclass(frozen=True, slots=True)
class ImportReading(Reading):
    """What a file holds. `rows` are the good ones, each entry once; `count` the rows of the file.

    The file may be taken in whole where there are no `faults`; with them, `rows` is what `--keep-valid`
    keeps. `report` says what the good rows say together; `warnings` and `information` hold its findings
    too, each at the last row it concerns.
    """

    information: tuple[RowFault, ...] = ()
    report: Report = field(default_factory=Report)


def read_import(data: bytes, name: str, *, now: datetime) -> ImportReading:
    """The rows in the bytes of a file called `name`, whose ending tells CSV from YAML and JSON.

    Raises `Misuse` where the whole cannot be read: too large, no text, a column missing.
    """
    if len(data) > LARGEST_IMPORT:
        raise Misuse(
            _("{name} is larger than {most} MB.").format(name=name, most=LARGEST_IMPORT // 1_000_000)
        )
    text, assumed = decoded(data, name)
    sheet = read_sheet(text, name, PurePath(name).suffix.lower(), most=MOST_IMPORTED)
    if not sheet.rows:
        raise Misuse(_("{name} holds no row.").format(name=name))
    reading = _read(sheet, name, now)
    return reading if not assumed else _with_warning(reading, _encoding(name, assumed))


def _read(sheet: Sheet, name: str, now: datetime) -> ImportReading:
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
    report = check(entries)
    return ImportReading(
        entries,
        len(rows),
        (*_strangers(sheet, name), *sorted((*faults, *later), key=_row)),
        (*_times(kept, raw_of, now), *_told(report.warnings, kept)),
        _told(report.information, kept),
        report,
    )


def _row(fault: RowFault) -> int:
    return fault.row


def _told(findings: Sequence[Finding], rows: Sequence[Numbered]) -> tuple[RowFault, ...]:
    last = {row.identity: count for count, row in rows}
    at = ((max(last[row.identity] for row in one.rows), one) for one in findings)
    return tuple(RowFault(count, str(one.rule), one.sentence) for count, one in at)


def _times(rows: Sequence[Numbered], raw_of: Mapping[int, RawRow], now: datetime) -> Iterator[RowFault]:
    for count, row in rows:
        for why in _doubtful(row, now):
            yield RowFault(count, "doubtful_time", at_row(count, raw_of[count], why))


def _without(raw: RawRow, columns: Sequence[str]) -> RawRow:
    return {key: value for key, value in raw.items() if key not in columns} if columns else raw


def _strangers(sheet: Sheet, name: str) -> Iterator[RowFault]:
    for column in sheet.strange:
        near = nearest_column(column)
        meant = _("; did you mean “{near}”?").format(near=near) if near else "."
        sentence = _("{name}:{line}: there is no column “{column}”{meant} Known are {known}.")
        words = sentence.format(
            name=name,
            line=sheet.heading_line,
            column=column[:40],
            meant=meant,
            known=", ".join(COLUMNS),
        )
        yield RowFault(WHOLE_FILE, "unknown_column", words)


def _ended(row: NumberRow, now: datetime) -> str:
    """Why the row's time is over; a date of the wrong month ends there."""
    if row.ends_at is None or row.ends_at > now:
        return ""
    return _("it ended on {end}, before now; correct the date or leave the row out.").format(
        end=row.ends_at.isoformat()
    )


def _doubtful(row: NumberRow, now: datetime) -> Iterator[str]:
    if row.valid_from and row.valid_from < now - LONG_AGO:
        yield _("it is valid from {begin}, more than {days} days ago; is the month right?").format(
            begin=row.valid_from.isoformat(), days=LONG_AGO.days
        )
    if row.ends_at and row.ends_at > now + FAR_AHEAD:
        yield _("it ends on {end}, more than a year from now; is the year right?").format(
            end=row.ends_at.isoformat()
        )


def _encoding(name: str, assumed: str) -> str:
    return _("{name} is not in UTF-8 and was read as {encoding}: look at its accents.").format(
        name=name, encoding=_ENCODINGS[assumed]
    )


def _with_warning(reading: ImportReading, sentence: str) -> ImportReading:
    first = RowFault(WHOLE_FILE, "encoding", sentence)
    return replace(reading, warnings=(first, *reading.warnings))
