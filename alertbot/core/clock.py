"""The wall clock, and times as JSON has them."""

from datetime import UTC, datetime


def iso(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if value is None else value.isoformat(timespec="seconds")


def utc_now() -> datetime:
    return datetime.now(UTC)
