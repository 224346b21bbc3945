"""The JSON form of a row, as alerts and the register keep it: read again, it is the same row."""

from collections.abc import Mapping
from typing import Any

from alertbot.register.entry import NumberRow
from alertbot.register.rows import local_iso, number_row

_MOMENTS = ("valid_from", "valid_until", "review_at", "verified_at")


def frozen_row(row: NumberRow) -> dict[str, Any]:
    """The row with JSON values; empty cells are left out."""
    cells: dict[str, Any] = {
        "entry": row.entry,
        "version": row.version,
        "territory": row.territory.code,
        "service": row.service,
        "replaces": row.replaces,
        "number": row.number,
        "place": dict(row.place),
        "zone": dict(row.zone),
        "condition": dict(row.condition),
        "capacity": str(row.capacity) if row.capacity else None,
        "source_url": list(row.sources),
        "published_at": row.published_at,
        "verified_by": row.verified_by,
    }
    for column in _MOMENTS:
        at = getattr(row, column)
        cells[column] = at.isoformat() if at else None
    return {column: cell for column, cell in cells.items() if cell or column == "replaces"}


def thawed_row(cells: Mapping[str, Any]) -> NumberRow:
    """The row of a frozen form. Raises `rows.BadRow`."""
    return number_row(cells, local_iso)
