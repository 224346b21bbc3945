"""Which services a territory is left without: no number in force, or one for some callers only."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alertbot.register.entry import NumberRow
from alertbot.register.services import SERVICES
from alertbot.register.standing import Standing, in_words, row_standing
from alertbot.register.territories import WHOLE_COUNTRY, Territory, order_of
from alertbot.words import _, language

NEEDED: tuple[tuple[str, ...], ...] = (("samu",), ("pompiers",), ("police", "gendarmerie"))
EVERY_SERVICE = "toutes-urgences"


class Cover(StrEnum):
    """How far callers of a service are helped."""

    NONE = "none"  # no number in force
    PARTIAL = "partial"  # only with a zone or under a condition: the others are left without
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a territory has for a service, or for either of two (`police`, `gendarmerie`).

    `rows` are in force; `others` counts the rows that are not, by their standing.
    """

    territory: Territory
    services: tuple[str, ...]
    cover: Cover
    rows: tuple[NumberRow, ...]
    others: Mapping[Standing, int]

    @property
    def sentence(self) -> str:
        """What to tell people; one line."""
        names = _(" or ").join(SERVICES[key].name_in(language()) for key in self.services)
        return _SENTENCES[self.cover]().format(
            territory=self.territory, service=names, others=self._others()
        )

    def _others(self) -> str:
        known = [f"{count} {in_words(standing)}" for standing, count in self.others.items()]
        return f" ({', '.join(known)})" if known else ""


_SENTENCES = {
    Cover.NONE: lambda: _("{territory}: no number in force for {service}{others}."),
    Cover.PARTIAL: lambda: _(
        "{territory}: {service} has numbers for some zones or callers only{others}."
    ),
    Cover.WHOLE: lambda: _("{territory}: {service} has a number in force{others}."),
}


def coverage(
    rows: Iterable[NumberRow],
    territories: Sequence[Territory] | None = None,
    services: Sequence[tuple[str, ...]] | None = None,
    *,
    now: datetime,
) -> tuple[Coverage, ...]:
    """One for each territory (those of the rows, unless named) and each group of services of `services`
    (by default `NEEDED`), in the order of the directory.

    `rows`: of the entries that were not withdrawn. A row for the whole country serves every territory of
    the directory, one for all emergencies every service.
    """
    by_place: dict[str, list[NumberRow]] = defaultdict(list)
    for row in rows:
        by_place[row.territory.code].append(row)
    given = {group[0].territory.code: group[0].territory for group in by_place.values()}
    asked = {place.code: place for place in territories} if territories is not None else given
    return tuple(
        _judged(asked[code], group, _serving(by_place, asked[code], group), now)
        for code in sorted(asked, key=order_of)
        for group in services or NEEDED
    )


def _serving(
    by_place: Mapping[str, Sequence[NumberRow]], place: Territory, services: tuple[str, ...]
) -> Iterator[NumberRow]:
    codes = [place.code] if place.free else dict.fromkeys((place.code, WHOLE_COUNTRY))
    for row in (row for code in codes for row in by_place.get(code, ())):
        if row.service in {*services, EVERY_SERVICE}:
            yield row


def _judged(
    place: Territory, services: tuple[str, ...], serving: Iterable[NumberRow], now: datetime
) -> Coverage:
    standings = [(row, row_standing(row, now)) for row in serving]
    rows = tuple(row for row, standing in standings if standing is Standing.IN_FORCE)
    others: Counter[Standing] = Counter(standing for _row, standing in standings)
    del others[Standing.IN_FORCE]
    return Coverage(place, services, _cover(rows), rows, dict(others))


def _cover(rows: Sequence[NumberRow]) -> Cover:
    if not rows:
        return Cover.NONE
    return Cover.WHOLE if any(not row.zone and not row.condition for row in rows) else Cover.PARTIAL
