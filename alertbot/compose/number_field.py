"""The field type `numbers`: rows of the register, from a file or in line."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.compose.moments import moment
from alertbot.compose.texts import FieldError
from alertbot.errors import AlertbotError
from alertbot.model import Fault
from alertbot.register.entry import NumberRow
from alertbot.register.frozen import frozen_row
from alertbot.register.numbers import Reading, RowFault, raw_rows, read_numbers
from alertbot.words import _

__all__ = ["frozen_row", "lapsed", "read_rows", "row_fault"]


def read_rows(raw: Any, *, now: datetime, base: Path | None) -> tuple[Reading, Any]:
    """The rows and their frozen form. `raw`: the path of a CSV or YAML file, or a list of rows.

    Raises `FieldError` where there is nothing to read.
    """
    rows = _raw_rows(raw, base)
    if not rows:
        raise FieldError("missing", _("There is no number in it."))

    def at(given: object, zone: ZoneInfo) -> datetime:
        return moment(given, now=now, zone=zone)

    reading = read_numbers(rows, moment=at)
    bad = {fault.row for fault in reading.faults}
    kept = [dict(row) for count, row in enumerate(rows, start=1) if count in bad]
    return reading, [frozen_row(row) for row in reading.rows] + kept


def _raw_rows(raw: Any, base: Path | None) -> list[dict[str, Any]]:
    if isinstance(raw, Mapping):
        return [dict(raw)]
    if isinstance(raw, list | tuple):
        if not all(isinstance(row, Mapping) for row in raw):
            raise FieldError("wrong_type", _("A list of rows is expected, each with its columns."))
        return [dict(row) for row in raw]
    if not isinstance(raw, str) or not raw.strip() or "\0" in raw:
        raise FieldError("wrong_type", _("The path of a CSV or YAML file is expected."))
    try:
        return raw_rows((base or Path()) / Path(raw.strip()).expanduser())
    except AlertbotError as error:
        raise FieldError("wrong_type", str(error)) from None


def lapsed(row: NumberRow, now: datetime) -> str | None:
    """Why a row cannot be published at `now` (R3, R5), whatever the channel."""
    if row.valid_until and row.valid_until <= now:
        return _("{row}: its validity has ended.").format(row=row)
    if row.verified_at and row.verified_at > now:
        return _("{row}: the time of its verification lies ahead.").format(row=row)
    return None


def row_fault(fault: RowFault, field: str) -> Fault:
    """A fault or warning of a row as one of the alert."""
    return Fault(fault.rule, fault.message, field=field)
