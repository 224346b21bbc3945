"""Where an entry of the register stands: whether its number may be published now (R3, R5)."""

from datetime import datetime
from enum import StrEnum

from alertbot.register.entry import Entry, NumberRow
from alertbot.words import _


class Standing(StrEnum):
    """The one standing of an entry. What is withdrawn stays withdrawn; an end counts before the rest."""

    UNVERIFIED = "unverified"  # nobody but its author has read it back
    PLANNED = "planned"  # verified, and its validity has not begun
    IN_FORCE = "in_force"
    EXPIRED = "expired"  # past the end of its validity, or past its review
    WITHDRAWN = "withdrawn"


def standing(entry: Entry, now: datetime) -> Standing:
    """Where this entry stands at `now`."""
    return row_standing(entry.row, now) if entry.withdrawn_at is None else Standing.WITHDRAWN


def row_standing(row: NumberRow, now: datetime) -> Standing:
    """Where the row of an entry that was not withdrawn stands at `now`."""
    if row.ends_at is not None and row.ends_at <= now:
        return Standing.EXPIRED
    if not row.verified:
        return Standing.UNVERIFIED
    if row.valid_from is not None and row.valid_from > now:
        return Standing.PLANNED
    return Standing.IN_FORCE


def in_words(where: Standing) -> str:
    """A standing in the reader's language."""
    words = {
        Standing.UNVERIFIED: _("not verified"),
        Standing.PLANNED: _("not valid yet"),
        Standing.IN_FORCE: _("in force"),
        Standing.EXPIRED: _("past its end"),
        Standing.WITHDRAWN: _("withdrawn"),
    }
    return words[where]
