"""The JSON form of a row, as alerts and the register keep it: read again, it is the same row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.register.entry import NumberRow
from alertbot.register.rows import local_iso, number_row
from alertbot.register.territories import Territory, all_territories, free_territory

_MOMENTS = ("valid_from", "valid_until", "review_at", "verified_at")


def frozen_row(row: NumberRow) -> dict[str, Any]:
    """The row with JSON values; empty cells are left out."""
    cells: dict[str, Any] = {
        "entry": row.entry,
        "version": row.version,
        "territory": row.territory.code,
        **_free(row.territory),
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


def _free(territory: Territory) -> dict[str, Any]:
    return {"name": dict(territory.names), "timezone": territory.zone} if territory.free else {}


def thawed_row(cells: Mapping[str, Any]) -> NumberRow:
    """The row of a frozen form. Raises `rows.BadRow`."""
    return number_row(cells, local_iso)


def kept_row(
    cells: Mapping[str, Any],
    *,
    entry: str = "",
    version: int = 0,
    verified_by: str = "",
    verified_at: datetime | None = None,
) -> NumberRow:
    """The row of a frozen form that this program wrote down itself: no cell is judged again, so that a
    hundred thousand are read in a few seconds. What only the register knows of it comes beside."""
    capacity = cells.get("capacity")
    return NumberRow(
        territory=_territory(cells),
        service=cells["service"],
        number=cells.get("number", ""),
        replaces=cells["replaces"],
        zone=cells.get("zone", {}),
        condition=cells.get("condition", {}),
        capacity=int(capacity) if capacity else None,
        valid_from=_moment(cells, "valid_from"),
        valid_until=_moment(cells, "valid_until"),
        review_at=_moment(cells, "review_at"),
        sources=tuple(cells.get("source_url", ())),
        published_at=cells.get("published_at", ""),
        verified_by=verified_by,
        verified_at=verified_at,
        place=cells.get("place", {}),
        entry=entry,
        version=version,
    )


def _territory(cells: Mapping[str, Any]) -> Territory:
    code = cells["territory"]
    known = all_territories().get(code)
    return (
        known or free_territory(code, cells["name"], cells["timezone"]) or thawed_row(cells).territory
    )


def _moment(cells: Mapping[str, Any], column: str) -> datetime | None:
    written = cells.get(column)
    return datetime.fromisoformat(written) if written else None
