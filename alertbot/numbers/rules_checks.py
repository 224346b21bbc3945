"""Coincidences between rows that deserve a look (R2, R4), and coverage: which services have a number in
a territory. Pure. Nothing here forbids a row: in June 2021 each of these also occurred rightly."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from alertbot.core.frozen import dataclass
from alertbot.core.words import _, language
from alertbot.numbers.rules_digits import foreign_block, is_short
from alertbot.numbers.rules_entry import NumberRow, Standing, in_words, row_standing
from alertbot.regions.facts import all_territories, in_force, order_of, service_named, whole_country
from alertbot.regions.region import Territory


class Severity(StrEnum):
    """How much a finding matters."""

    WARNING = "warning"  # a person should look before the number is published
    INFORMATION = "information"


class CheckRule(StrEnum):
    """The kind of a finding."""

    TWO_SERVICES = "two_services"
    TWO_TERRITORIES = "two_territories"
    FOREIGN_PREFIX = "foreign_prefix"
    CONTRADICTORY_ZONES = "contradictory_zones"
    CONTRADICTORY_CONDITIONS = "contradictory_conditions"
    SEVERAL_NUMBERS = "several_numbers"
    NO_SERVICE = "no_service"

    @property
    def severity(self) -> Severity:
        """How much findings of this kind matter."""
        informs = {CheckRule.SEVERAL_NUMBERS, CheckRule.NO_SERVICE}
        return Severity.INFORMATION if self in informs else Severity.WARNING


@dataclass(frozen=True, slots=True)
class Finding:
    """One coincidence as a sentence, with the rows it concerns, in the order given."""

    rule: CheckRule
    sentence: str
    rows: tuple[NumberRow, ...]

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return self.rule.severity


@dataclass(frozen=True, slots=True)
class Report:
    """Every finding, in the order of `CheckRule`."""

    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What a person should look at."""
        return tuple(one for one in self.findings if one.severity is Severity.WARNING)

    @property
    def information(self) -> tuple[Finding, ...]:
        """Findings for information only."""
        return tuple(one for one in self.findings if one.severity is Severity.INFORMATION)


Key: TypeAlias = tuple[object, ...]
Look: TypeAlias = Callable[[Sequence[NumberRow]], Iterator[Finding]]


def check_rows(rows: Iterable[NumberRow]) -> Report:
    """The findings in these rows, one per entry (see `merged`), without withdrawn ones."""
    given = tuple(rows)
    return Report(tuple(finding for look in _LOOKS for finding in look(given)))


def _groups(
    rows: Iterable[NumberRow], key: Callable[[NumberRow], Key]
) -> Iterator[tuple[NumberRow, ...]]:
    found: dict[Key, list[NumberRow]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return (tuple(group) for group in found.values() if len(group) > 1)


def _long(rows: Iterable[NumberRow]) -> Iterator[NumberRow]:
    """The rows with long numbers: short numbers serve everyone, and places have their own name."""
    return (row for row in rows if row.number and not is_short(row.number))


def _two_services(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(_long(rows), lambda row: (row.number,)):
        services = dict.fromkeys(row.service for row in group)
        if len(services) > 1:
            sentence = _("{number} is given for several services: {services}.").format(
                number=group[0].number, services=", ".join(map(_service, services))
            )
            yield Finding(CheckRule.TWO_SERVICES, sentence, group)


def _two_territories(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(_long(rows), lambda row: (row.number,)):
        codes = sorted({row.territory.code for row in group}, key=order_of)
        if len(codes) > 1:
            sentence = _("{number} serves several territories: {territories}.").format(
                number=group[0].number, territories=", ".join(codes)
            )
            yield Finding(CheckRule.TWO_TERRITORIES, sentence, group)


def _foreign_prefixes(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for row in rows:
        if (foreign := foreign_block(row.number, row.territory)) is None:
            continue
        block, home = foreign
        sentence = _(
            "{number} ({row}): the prefix {block} belongs to {places}, not to {territory}."
        ).format(
            number=row.number,
            row=_service(row.service),
            block=block,
            places=", ".join(map(_place, home)) or _("another region"),
            territory=row.territory,
        )
        yield Finding(CheckRule.FOREIGN_PREFIX, sentence, (row,))


def _zones(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(rows, _same_line):
        zones = dict.fromkeys(row.zone_in(language()) or _("the whole territory") for row in group)
        if len(zones) > 1:
            sentence = _("{line} is given for different zones: {zones}.").format(
                line=_line(group[0]), zones=", ".join(zones)
            )
            yield Finding(CheckRule.CONTRADICTORY_ZONES, sentence, group)


def _conditions(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(rows, _same_line):
        conditions = dict.fromkeys(row.condition_in(language()) or _("everyone") for row in group)
        if len(conditions) > 1:
            sentence = _("{line} is given under different conditions: {conditions}.").format(
                line=_line(group[0]), conditions=", ".join(conditions)
            )
            yield Finding(CheckRule.CONTRADICTORY_CONDITIONS, sentence, group)


def _several(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(rows, _same_callers):
        lines = dict.fromkeys(row.number or row.place_in(language()) for row in group)
        if len(lines) > 1:
            sentence = _("{service} in {territory} has {count} numbers: {numbers}.").format(
                service=_service(group[0].service),
                territory=group[0].territory,
                count=len(lines),
                numbers=", ".join(lines),
            )
            yield Finding(CheckRule.SEVERAL_NUMBERS, sentence, group)


def _no_service(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for row in rows:
        if not row.replaces and not service_named(row.service).replaces:
            sentence = _("{line} does not replace any of {numbers}.").format(
                line=_line(row), numbers=", ".join(in_force().emergency)
            )
            yield Finding(CheckRule.NO_SERVICE, sentence, (row,))


_LOOKS: tuple[Look, ...] = (
    _two_services,
    _two_territories,
    _foreign_prefixes,
    _zones,
    _conditions,
    _several,
    _no_service,
)


def _same_line(row: NumberRow) -> Key:
    return (row.territory.code, row.service, row.number, *_key(row.place))


def _same_callers(row: NumberRow) -> Key:
    return (row.territory.code, row.service, _key(row.zone), _key(row.condition))


def _key(worded: Mapping[str, str]) -> Key:
    return tuple(sorted(worded.items()))


def _line(row: NumberRow) -> str:
    what = row.number or row.place_in(language())
    return f"{what} ({row.territory.code} {_service(row.service)})"


def _service(key: str) -> str:
    return service_named(key).name_in(language())


def _place(code: str) -> str:
    return str(all_territories()[code])


class CoverageLevel(StrEnum):
    """How well callers of a service are covered."""

    NONE = "none"  # no number in force
    PARTIAL = "partial"  # only with a zone or under a condition: the others are left without
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a territory has for a service, or for either of two (`police`, `gendarmerie`).

    `rows` are in force; `others` counts those that are not, by standing.
    """

    territory: Territory
    services: tuple[str, ...]
    cover: CoverageLevel
    rows: tuple[NumberRow, ...]
    others: Mapping[Standing, int]

    @property
    def sentence(self) -> str:
        """The coverage in one line for people."""
        names = _(" or ").join(service_named(key).name_in(language()) for key in self.services)
        return _SENTENCES[self.cover]().format(
            territory=self.territory, service=names, others=self._others()
        )

    def _others(self) -> str:
        known = [f"{count} {in_words(standing)}" for standing, count in self.others.items()]
        return f" ({', '.join(known)})" if known else ""


_SENTENCES = {
    CoverageLevel.NONE: lambda: _("{territory}: no number in force for {service}{others}."),
    CoverageLevel.PARTIAL: lambda: _(
        "{territory}: {service} has numbers for some zones or callers only{others}."
    ),
    CoverageLevel.WHOLE: lambda: _("{territory}: {service} has a number in force{others}."),
}


def coverage(
    rows: Iterable[NumberRow],
    territories: Sequence[Territory] | None = None,
    services: Sequence[tuple[str, ...]] | None = None,
    *,
    now: datetime,
) -> tuple[Coverage, ...]:
    """One result for each territory (those of the rows, unless named) and each group of `services` (by
    default the pack's `needed`), in the order of the directory.

    `rows`: of the entries not withdrawn. A row for the whole country covers every territory of the
    directory, one for all emergencies every service.
    """
    by_place: dict[str, list[NumberRow]] = defaultdict(list)
    for row in rows:
        by_place[row.territory.code].append(row)
    given = {group[0].territory.code: group[0].territory for group in by_place.values()}
    asked = {place.code: place for place in territories} if territories is not None else given
    return tuple(
        _judged(asked[code], group, _serving(by_place, asked[code], group), now)
        for code in sorted(asked, key=order_of)
        for group in services or in_force().needed
    )


def _serving(
    by_place: Mapping[str, Sequence[NumberRow]], place: Territory, services: tuple[str, ...]
) -> Iterator[NumberRow]:
    codes = [place.code] if place.free else dict.fromkeys((place.code, whole_country()))
    for row in (row for code in codes for row in by_place.get(code, ())):
        if row.service in services or service_named(row.service).every:
            yield row


def _judged(
    place: Territory, services: tuple[str, ...], serving: Iterable[NumberRow], now: datetime
) -> Coverage:
    standings = [(row, row_standing(row, now)) for row in serving]
    rows = tuple(row for row, standing in standings if standing is Standing.IN_FORCE)
    others: Counter[Standing] = Counter(standing for _row, standing in standings)
    del others[Standing.IN_FORCE]
    return Coverage(place, services, _cover(rows), rows, dict(others))


def _cover(rows: Sequence[NumberRow]) -> CoverageLevel:
    if not rows:
        return CoverageLevel.NONE
    return (
        CoverageLevel.WHOLE
        if any(not row.zone and not row.condition for row in rows)
        else CoverageLevel.PARTIAL
    )
