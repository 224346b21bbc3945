"""Provisional numbers: a row is one number for one service in one place, with zone and condition (R4);
an `Entry` is a row that the register keeps; its standing says whether it may be published. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from alertbot.core.words import _
from alertbot.numbers.rules_digits import is_fictional
from alertbot.regions.facts import SERVICES, Territory

EVERY_LANGUAGE = ""
_ENTRY = re.compile(r"[Nn]([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One number, or a place to go to (R7). `zone`, `condition` and `place` are texts per language; the
    key `""` serves every language.

    `number` is written in pairs (`04 65 71 00 15`), is a short number, or is empty if a `place` is given
    instead. Times are aware. `entry` (`N12`) and `version` identify the register's version; they are
    empty and 0 in a row from elsewhere.
    """

    territory: Territory
    service: str  # a key of `services.SERVICES`
    number: str
    replaces: str = ""  # the short number that fails: 15, 17, 18, 196
    zone: Mapping[str, str] = field(default_factory=dict)
    condition: Mapping[str, str] = field(default_factory=dict)
    capacity: int | None = None  # calls at once (R8)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    review_at: datetime | None = None
    sources: tuple[str, ...] = ()
    published_at: str = ""  # as the source gives it: `2021-06` or a day
    verified_by: str = ""  # the second person, who read the digits back and placed a test call (R3)
    verified_at: datetime | None = None
    place: Mapping[str, str] = field(
        default_factory=dict
    )  # a fire station, the door of a hospital (R7)
    entry: str = ""
    version: int = 0

    @property
    def verified(self) -> bool:
        """Whether a second person has verified it, by name and time."""
        return bool(self.verified_by) and self.verified_at is not None

    @property
    def fictional(self) -> bool:
        """Whether it is in a range reserved for fiction."""
        return is_fictional(self.number)

    @property
    def ends_at(self) -> datetime | None:
        """The earlier of the end of validity and the review time (R5); None if neither is known."""
        known = [at for at in (self.valid_until, self.review_at) if at]
        return min(known) if known else None

    def service_in(self, lang: str) -> str:
        """The service's name in this language."""
        return SERVICES[self.service].name_in(lang)

    def zone_in(self, lang: str) -> str:
        """The zone in this language, else as given; empty: the whole territory."""
        return _worded(self.zone, lang)

    def condition_in(self, lang: str) -> str:
        """For which callers or when it serves; else empty."""
        return _worded(self.condition, lang)

    def place_in(self, lang: str) -> str:
        """Where to go instead of calling, else empty."""
        return _worded(self.place, lang)

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes two rows the same entry: territory, service, zone, condition, and number or place."""
        return (
            self.territory.code,
            self.service,
            *_by_language(self.zone),
            "/",
            *_by_language(self.condition),
            self.number,
            *_by_language(self.place),
        )

    def __str__(self) -> str:
        worded = (self.zone_in("fr"), self.condition_in("fr"), self.number, self.place_in("fr"))
        return " ".join(part for part in (self.territory.code, self.service, *worded) if part)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as the register keeps it: `row` has its `entry`, `version` and verification filled in.

    `standing` says whether it may be published.
    """

    id: int
    row: NumberRow
    entered_by: str  # of the present version; may not verify it (R3)
    entered_at: datetime
    withdrawn_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_reason: str | None = None

    @property
    def name(self) -> str:
        """The name people use: `N12`."""
        return entry_name(self.id)


def entry_name(number: int) -> str:
    """`N12` for 12."""
    return f"N{number}"


def entry_id(name: str) -> int | None:
    """12 for `N12` or `n12`, else None."""
    found = _ENTRY.fullmatch(name.strip())
    return int(found[1]) if found else None


def _by_language(worded: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{lang}={text}" for lang, text in sorted(worded.items())) if worded else ()


def _worded(by_lang: Mapping[str, str], lang: str) -> str:
    given = by_lang.get(lang) or by_lang.get(EVERY_LANGUAGE)
    return given or next(iter(by_lang.values()), "")


class Standing(StrEnum):
    """The one standing of an entry. Withdrawn is final; after that, expiry comes first."""

    UNVERIFIED = "unverified"  # nobody but its author has read it back
    PLANNED = "planned"  # verified, and its validity has not begun
    IN_FORCE = "in_force"
    EXPIRED = "expired"  # past the end of its validity, or past its review
    WITHDRAWN = "withdrawn"


def standing(entry: Entry, now: datetime) -> Standing:
    """The standing of this entry at `now`."""
    return row_standing(entry.row, now) if entry.withdrawn_at is None else Standing.WITHDRAWN


def row_standing(row: NumberRow, now: datetime) -> Standing:
    """The standing at `now` of the row of an entry that is not withdrawn."""
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
        Standing.EXPIRED: _("expired"),
        Standing.WITHDRAWN: _("withdrawn"),
    }
    return words[where]
