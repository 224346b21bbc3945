"""What rows say together: coincidences that deserve a look (R2, R4). Nothing here forbids a row: in June
2021 each of these also occurred rightly."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from alertbot.register.digits import is_short
from alertbot.register.entry import NumberRow
from alertbot.register.prefixes import foreign_block
from alertbot.register.services import SERVICES
from alertbot.register.territories import all_territories, order_of
from alertbot.words import _, language


class Severity(StrEnum):
    """How much a finding matters."""

    WARNING = "warning"  # a person should look before the number is published
    INFORMATION = "information"


class Rule(StrEnum):
    """What was found."""

    TWO_SERVICES = "two_services"
    TWO_TERRITORIES = "two_territories"
    FOREIGN_PREFIX = "foreign_prefix"
    CONTRADICTORY_ZONES = "contradictory_zones"
    CONTRADICTORY_CONDITIONS = "contradictory_conditions"
    SEVERAL_NUMBERS = "several_numbers"
    NO_SERVICE = "no_service"

    @property
    def severity(self) -> Severity:
        """How much findings of this rule matter."""
        informs = {Rule.SEVERAL_NUMBERS, Rule.NO_SERVICE}
        return Severity.INFORMATION if self in informs else Severity.WARNING


@dataclass(frozen=True, slots=True)
class Finding:
    """One coincidence, as a sentence, with the rows it concerns in the order they were given."""

    rule: Rule
    sentence: str
    rows: tuple[NumberRow, ...]

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return self.rule.severity


@dataclass(frozen=True, slots=True)
class Report:
    """Every finding, rule by rule in the order of `Rule`."""

    findings: tuple[Finding, ...] = ()

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What a person should look at."""
        return tuple(one for one in self.findings if one.severity is Severity.WARNING)

    @property
    def information(self) -> tuple[Finding, ...]:
        """What is good to know."""
        return tuple(one for one in self.findings if one.severity is Severity.INFORMATION)


Key: TypeAlias = tuple[object, ...]
Look: TypeAlias = Callable[[Sequence[NumberRow]], Iterator[Finding]]


def check(rows: Iterable[NumberRow]) -> Report:
    """What is found in these rows, each entry once (see `merging.merged`), the withdrawn left out."""
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
    """Short numbers serve everybody; places have their own name."""
    return (row for row in rows if row.number and not is_short(row.number))


def _two_services(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(_long(rows), lambda row: (row.number,)):
        services = dict.fromkeys(row.service for row in group)
        if len(services) > 1:
            sentence = _("{number} stands for several services: {services}.").format(
                number=group[0].number, services=", ".join(map(_service, services))
            )
            yield Finding(Rule.TWO_SERVICES, sentence, group)


def _two_territories(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(_long(rows), lambda row: (row.number,)):
        codes = sorted({row.territory.code for row in group}, key=order_of)
        if len(codes) > 1:
            sentence = _("{number} serves several territories: {territories}.").format(
                number=group[0].number, territories=", ".join(codes)
            )
            yield Finding(Rule.TWO_TERRITORIES, sentence, group)


def _foreign_prefixes(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for row in rows:
        if (foreign := foreign_block(row.number, row.territory)) is None:
            continue
        block, home = foreign
        sentence = _(
            "{number} ({row}): {block} is a beginning of {places}, not of {territory}."
        ).format(
            number=row.number,
            row=_service(row.service),
            block=block,
            places=", ".join(map(_place, home)) or _("another region"),
            territory=row.territory,
        )
        yield Finding(Rule.FOREIGN_PREFIX, sentence, (row,))


def _zones(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(rows, _same_line):
        zones = dict.fromkeys(row.zone_in(language()) or _("the whole territory") for row in group)
        if len(zones) > 1:
            sentence = _("{line} is given for different zones: {zones}.").format(
                line=_line(group[0]), zones=", ".join(zones)
            )
            yield Finding(Rule.CONTRADICTORY_ZONES, sentence, group)


def _conditions(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for group in _groups(rows, _same_line):
        conditions = dict.fromkeys(row.condition_in(language()) or _("everybody") for row in group)
        if len(conditions) > 1:
            sentence = _("{line} is given under different conditions: {conditions}.").format(
                line=_line(group[0]), conditions=", ".join(conditions)
            )
            yield Finding(Rule.CONTRADICTORY_CONDITIONS, sentence, group)


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
            yield Finding(Rule.SEVERAL_NUMBERS, sentence, group)


def _no_service(rows: Sequence[NumberRow]) -> Iterator[Finding]:
    for row in rows:
        if not row.replaces and not SERVICES[row.service].replaces:
            sentence = _("{line} is tied to none of 15, 17, 18 or 196.").format(line=_line(row))
            yield Finding(Rule.NO_SERVICE, sentence, (row,))


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
    return SERVICES[key].name_in(language())


def _place(code: str) -> str:
    return str(all_territories()[code])
