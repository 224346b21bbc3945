"""Queries for entries: `22,29/samu,N12`, with exceptions (`--but`) (R6). Pure."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.numbers.rules_digits import SHORT_NUMBERS
from alertbot.numbers.rules_entry import NumberRow, entry_id, entry_name
from alertbot.regions.facts import SERVICES, WHOLE_COUNTRY, Territory, all_territories, find


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a query; `text` is as typed: an entry, or a territory with an optional service.

    `service` is a key of `SERVICES` or the failed short number (`17`: police and gendarmerie).
    """

    text: str
    entry: str = ""
    territory: str = ""
    service: str = ""

    def matches(self, row: NumberRow) -> bool:
        """Whether this part matches the row. `FR` matches every territory of the directory."""
        if self.entry:
            return row.entry == self.entry
        return self._place(row.territory.code) and self._service(row)

    def _place(self, code: str) -> bool:
        if self.territory == WHOLE_COUNTRY:
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
    """The query in `text`: entries (`N12`) and `TERRITORY` or `TERRITORY/SERVICE`, separated by commas.

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
    where, slash, what = (half.strip() for half in piece.partition("/"))
    territory = find(where) or known.get(where.upper())
    if territory is None:
        raise Misuse(_no_territory(where, known))
    if slash and not _is_service(what):
        raise Misuse(_no_service(what))
    return Part(piece, territory=territory.code, service=what.casefold())


def _is_service(text: str) -> bool:
    return text.casefold() in SERVICES or text in SHORT_NUMBERS


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
    near = difflib.get_close_matches(text.casefold(), SERVICES, n=1)
    if near:
        return _("There is no service “{text}”; did you mean {near}?").format(
            text=text[:40], near=near[0]
        )
    return _("There is no service “{text}”; the services are {known}.").format(
        text=text[:40], known=", ".join(SERVICES)
    )
