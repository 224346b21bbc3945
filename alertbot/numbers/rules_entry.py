"""Provisional numbers: a row is one number for one service in one place, with zone and condition (R4);
an `Entry` is a row that the register keeps; its standing says whether it may be published; a query names entries
(R6): `22,29/samu,N12`, with exceptions (`--but`). Pure."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum

from alertbot.core.errors import Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.numbers.rules_digits import InvalidNumber, is_fictional, written
from alertbot.regions.facts import (
    all_territories,
    find,
    in_force,
    service_named,
    services,
    whole_country,
)
from alertbot.regions.region import Territory

EVERY_LANGUAGE = ""
_ENTRY = re.compile(r"[Nn]([1-9][0-9]{0,8})", re.ASCII)
_WHOLE_NUMBER = re.compile(
    r"\+?[0-9](?:[ .\u00a0\u202f-]?[0-9]){5,19}", re.ASCII
)  # longer than any code


@dataclass(frozen=True, slots=True)
class NumberRow:
    """One number, or a place to go to (R7). `zone`, `condition` and `place` are texts per language; the
    key `""` serves every language.

    `number` is written in pairs (`04 65 71 00 15`), is a short number, or is empty if a `place` is given
    instead. Times are aware. `entry` (`N12`) and `version` identify the register's version; they are
    empty and 0 in a row from elsewhere.
    """

    territory: Territory
    service: str  # a key of `Region.services`
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
        return service_named(self.service).name_in(lang)

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
    def called(self) -> tuple[str, ...]:
        """The entry, and what callers dial or where they go."""
        return (self.entry, self.number, *_by_language(self.place))

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
        lang = in_force().languages[0]
        worded = (self.zone_in(lang), self.condition_in(lang), self.number, self.place_in(lang))
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


class TestCall(StrEnum):
    """The result of the test call."""

    ANSWERED = "answered"
    NO_ANSWER = "no-answer"
    BUSY = "busy"
    WRONG_SERVICE = "wrong-service"
    NOT_CALLED = "not-called"


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


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query; `text` is as typed: an entry, a territory with an optional service, or a whole number.

    `service` is a key of `Region.services` or the failed short number (`17`: police and gendarmerie).
    """

    text: str
    entry: str = ""
    territory: str = ""
    service: str = ""
    digits: str = ""

    def matches(self, row: NumberRow) -> bool:
        """Whether this part matches the row. `FR` matches every territory of the directory."""
        if self.entry:
            return row.entry == self.entry
        if self.digits:
            return row.number == _written(self.digits, row.territory.region)
        return self._place(row.territory.code) and self._service(row)

    def _place(self, code: str) -> bool:
        if self.territory == whole_country():
            return code in all_territories()
        return code == self.territory

    def _service(self, row: NumberRow) -> bool:
        return not self.service or self.service in {row.service, *row.replaces.split("/")}


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for, and what is excluded."""

    wanted: tuple[Part, ...]
    but: tuple[Part, ...] = ()

    def matches(self, row: NumberRow) -> bool:
        """Whether the row is asked for and not excluded."""
        return any(part.matches(row) for part in self.wanted) and not any(
            part.matches(row) for part in self.but
        )

    def idle(self, rows: Iterable[NumberRow]) -> tuple[Part, ...]:
        """The parts, also excluded ones, that match none of these rows: perhaps a typing error."""
        present = tuple(rows)
        return tuple(
            part for part in (*self.wanted, *self.but) if not any(part.matches(row) for row in present)
        )


def parse_query(text: str, *, but: str = "", free: Iterable[Territory] = ()) -> Query:
    """The query in `text`: entries (`N12`), `TERRITORY` or `TERRITORY/SERVICE`, and whole numbers, separated by
    commas.

    `free`: the territories outside the directory that the register knows. Raises `Misuse`, suggesting
    the nearest name.
    """
    known = {place.code: place for place in free}
    wanted = _parts(text, known)
    if not wanted:
        raise Misuse(_("No number was asked for; give territories or entries: 22,29/samu,N12."))
    return Query(wanted, _parts(but, known))


def _parts(text: str, known: dict[str, Territory]) -> tuple[Part, ...]:
    pieces = (piece.strip() for piece in text.split(","))
    return tuple(dict.fromkeys(_part(piece, known) for piece in pieces if piece))


def _part(piece: str, known: dict[str, Territory]) -> Part:
    if number := entry_id(piece):
        return Part(piece, entry=entry_name(number))
    if _WHOLE_NUMBER.fullmatch(piece):
        return Part(piece, digits=piece)
    where, slash, what = (half.strip() for half in piece.partition("/"))
    territory = find(where) or known.get(where.upper())
    if territory is None:
        raise Misuse(_no_territory(where, known))
    if slash and not _is_service(what):
        raise Misuse(_no_service(what))
    return Part(piece, territory=territory.code, service=what.casefold())


def _written(digits: str, region: str) -> str:
    """As the register writes it; as typed if it is no number there."""
    try:
        return written(digits, region)
    except InvalidNumber:
        return digits


def _is_service(text: str) -> bool:
    return text.casefold() in services() or text in in_force().short


def _no_territory(text: str, known: dict[str, Territory]) -> str:
    by_name = {
        name.casefold(): place
        for place in (*all_territories().values(), *known.values())
        for name in place.names.values()
    }
    near = difflib.get_close_matches(text.casefold(), by_name, n=1)
    if near:
        return _("There is no territory “{text}”; did you mean {near}?").format(
            text=text[:40], near=by_name[near[0]]
        )
    return _("There is no territory “{text}”; give its code, such as 69, or its name.").format(
        text=text[:40]
    )


def _no_service(text: str) -> str:
    near = difflib.get_close_matches(text.casefold(), services(), n=1)
    if near:
        return _("There is no service “{text}”; did you mean {near}?").format(
            text=text[:40], near=near[0]
        )
    return _("There is no service “{text}”; the services are {known}.").format(
        text=text[:40], known=", ".join(services())
    )
