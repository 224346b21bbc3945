"""A country as data: its territories, services, short numbers, relay line and rules of dialling. Nothing of a country
is in the code: all of it is read from a pack of files (`packs`)."""

import re
from collections.abc import Mapping
from dataclasses import field
from enum import Enum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from alertbot.core.frozen import dataclass

_FREE_CODE = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,10}", re.ASCII)

ByLanguage: TypeAlias = Mapping[str, str]


def worded(texts: ByLanguage, lang: str, other: str = "en") -> str:
    """The text in this language, else in the other, else in the first there is."""
    return texts.get(lang) or texts.get(other) or next(iter(texts.values()), "")


@dataclass(frozen=True, slots=True)
class Service:
    """A service, its names per language and the short number it usually answers. `every`: it answers for all."""

    key: str
    names: ByLanguage
    replaces: str = ""
    every: bool = False

    def name_in(self, lang: str) -> str:
        """The name in this language, else the English one."""
        return worded(self.names, lang)


@dataclass(frozen=True, slots=True)
class ShortNumber:
    """A short number and what it reaches. `emergency`: it is one of those this program is about."""

    number: str
    reaches: ByLanguage
    emergency: bool = False
    sources: tuple[str, ...] = ()

    def reaches_in(self, lang: str) -> str:
        """What it reaches, in this language, else in English."""
        return worded(self.reaches, lang)


@dataclass(frozen=True, slots=True)
class RelayLine:
    """How people who cannot speak or hear get help: for whom it is, how to reach it, and both in one line. Only the
    languages of the pack have it; in others texts leave it out. `how_unknown`: `how` while nobody knows whether it
    works, "try …" instead of "use …"."""

    number: str
    who: ByLanguage
    how: ByLanguage
    brief: ByLanguage
    sources: tuple[str, ...] = ()
    how_unknown: ByLanguage = field(default_factory=dict)

    def spoken(self, lang: str) -> "RelayWords | None":
        """The line in this language; None if the pack does not have it."""
        if lang not in self.who or lang not in self.how or lang not in self.brief:
            return None
        how = self.how[lang]
        unknown = self.how_unknown.get(lang, how)
        return RelayWords(self.number, self.who[lang], how, self.brief[lang], unknown)


@dataclass(frozen=True, slots=True)
class RelayWords:
    """The relay line in one language, as templates see it: `relay`. `number` may be empty (an app)."""

    number: str
    who: str
    how: str
    brief: str
    how_unknown: str


@dataclass(frozen=True, slots=True)
class CountryWords:
    """The country in one language, as templates see it: `country`. `services`: names by key."""

    code: str
    name: str
    whole: str
    within: str
    emergency: tuple[str, ...]
    services: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FactSource:
    """Where facts come from, and the day on which that was read."""

    key: str
    title: str
    url: str
    read: str
    note: str = ""


class Writing(Enum):
    """How a country's long numbers are written for the public."""

    PAIRS = "pairs"  # 04 65 71 00 15: dialled alike everywhere in the numbering plan
    LOCAL = "local"  # 40 42 01 01: dialled within the territory only
    NATIONAL = "national"  # 01632 960123: as the country itself writes them
    INTERNATIONAL = "international"  # +32 …: right from both sides of a border


@dataclass(frozen=True, slots=True)
class Plan:
    """The numbers of a plan written in pairs: all have this length and begin with the trunk digit. `beyond`: the
    telephone regions of first four digits that are not the country's own; `geographic`: first digits that say where."""

    length: int = 0
    trunk: str = "0"
    calling_codes: tuple[str, ...] = ()
    beyond: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    geographic: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Country:
    """`code` is the telephone region (`FR`, `GP`, `BE`), `zone` the default IANA time zone.

    `short`: the list of short numbers. `fiction`: first digits reserved for fiction, in written form without
    spaces; `x` is any digit.
    """

    code: str
    short: frozenset[str]
    writing: Writing = Writing.INTERNATIONAL
    zone: str = "UTC"
    fiction: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Territory:
    """An area with its own emergency services. `zone` is an IANA name; `region` the telephone region
    (`FR`, `GP`, …), `prefixes` the first digits of its geographic numbers and `areas` what it is
    grouped under (the French région). `geocodes`: what it is in lists of codes, as (`NUTS3`, `FRK26`). `whole`: it is
    the whole country. `free`: it is not in the directory, so that its rows must give its names."""

    code: str
    names: ByLanguage
    zone: str
    region: str
    prefixes: tuple[str, ...] = ()
    areas: ByLanguage = field(default_factory=dict)
    geocodes: tuple[tuple[str, str], ...] = ()
    whole: bool = False
    free: bool = False

    def name_in(self, lang: str) -> str:
        """The name in this language, else the first there is."""
        return self.names.get(lang) or self.name

    def area_in(self, lang: str) -> str:
        """The area it is grouped under, in this language; a territory outside of areas stands alone."""
        return self.areas.get(lang) or next(iter(self.areas.values()), "") or self.name_in(lang)

    @property
    def name(self) -> str:
        """The name in the main language of its country."""
        return next(iter(self.names.values()))

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


@dataclass(frozen=True, slots=True)
class Habits:
    """How people of the country write places and numbers in sentences: words before a list of codes, patterns of
    postcodes and of digits that are dialled though nobody says so; misprints of short numbers and the right one."""

    territory_words: tuple[str, ...] = ()
    postcode: str = ""
    dialled: tuple[str, ...] = ()
    misprints: Mapping[str, str] = field(default_factory=dict)


Row: TypeAlias = Mapping[str, Any]  # a row of numbers as people write it


@dataclass(frozen=True, slots=True)
class Example:
    """What hints and examples say: numbers that fail, places, rows that take their place (where there are none, the
    kinds' own examples are about this country), and the row of an empty sheet."""

    failing: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    numbers: tuple[Row, ...] = ()
    row: Row | None = None


@dataclass(frozen=True, eq=False)
class Region:
    """A country pack. `code` is also the code of the whole country as a territory; `names`, `whole` and `within`
    say the country, the whole of it and "in the whole of it". `needed`: the services each territory should have a
    number for. `zone`: the clock that goes for the whole country. `example`: values for examples of kinds.
    `geocodes`: the lists of codes that its territories are in, each with its sources; `postcodes`: the sources of
    its table of postcodes.
    `fingerprint`: a hash of its files."""

    code: str
    names: ByLanguage
    within: ByLanguage
    many: ByLanguage
    languages: tuple[str, ...]
    zone: str
    one_zone: bool
    services: Mapping[str, Service]
    needed: tuple[tuple[str, ...], ...]
    short: Mapping[str, ShortNumber]
    relay: RelayLine | None
    countries: Mapping[str, Country]
    plan: Plan
    habits: Habits
    territories: Mapping[str, Territory]
    blocks: Mapping[str, tuple[str, ...]]
    international: str
    geocodes: Mapping[str, tuple[str, ...]]
    postcodes: tuple[str, ...]
    sources: Mapping[str, FactSource]
    example: Example
    folder: Path
    fingerprint: str

    @property
    def own(self) -> Country:
        """The country itself, as a telephone region."""
        return self.countries[self.code]

    @property
    def whole(self) -> Territory:
        """The whole country, as a territory."""
        return self.territories[self.code]

    def name_in(self, lang: str) -> str:
        """The country's name in this language, else in English."""
        return worded(self.names, lang)

    def in_words(self, lang: str) -> CountryWords:
        """What templates may say of the country, in this language."""
        whole = self.whole.name_in(lang)
        services = {key: one.name_in(lang) for key, one in self.services.items()}
        within = worded(self.within, lang)
        return CountryWords(self.code, self.name_in(lang), whole, within, self.emergency, services)

    @cached_property
    def emergency(self) -> tuple[str, ...]:
        """The short numbers that this program is about, in the pack's order."""
        return tuple(one.number for one in self.short.values() if one.emergency)

    @cached_property
    def every_short(self) -> frozenset[str]:
        """The short numbers of every country that the pack knows."""
        return frozenset(number for country in self.countries.values() for number in country.short)

    @cached_property
    def fiction(self) -> re.Pattern[str]:
        """What begins like a number reserved for fiction, in any country of the pack."""
        starts = (start for country in self.countries.values() for start in country.fiction)
        return starting(tuple(dict.fromkeys(starts)))

    def covers(self, code: str) -> bool:
        """Whether "the whole country" names this place too: not one with its own clock, where the pack says so."""
        return not self.one_zone or self.territories[code].zone == self.zone

    def find(self, text: str) -> Territory | None:
        """The territory in the directory with this code (`1`, `01`, `2a`, `FR-69`) or name in any language; by the
        country's name, with or without "the", the whole of it."""
        code = text.strip().upper().removeprefix(f"{self.code}-")
        if code.isdigit() and len(code) == 1:
            code = f"0{code}"
        return self.territories.get(code) or self._by_name.get(plain_name(text))

    def free_territory(self, code: str, names: ByLanguage, zone: str = "") -> Territory | None:
        """A territory outside the directory, or None for an invalid code: two letters of a country in
        `countries`, a hyphen and up to ten letters or digits (ISO 3166-2 if there is one: `BE-WHT`).
        `names` holds at least one name; `zone` is an IANA name, by default the country's."""
        found = _FREE_CODE.fullmatch(code.strip().upper())
        country = self.countries.get(found[1]) if found else None
        if found is None or country is None:
            return None
        main = self.languages[0]
        name = names.get(main) or names.get("") or next(iter(names.values()))
        spoken = {lang: name for lang, name in names.items() if lang}
        names = {main: name} | spoken
        return Territory(found[0], names, zone or country.zone, country.code, free=True)

    def order_of(self, code: str) -> tuple[int, str]:
        """The sort key of territories: directory order, then free codes by code."""
        return (self._order.get(code, len(self._order)), code)

    @cached_property
    def _order(self) -> Mapping[str, int]:
        return {code: at for at, code in enumerate(self.territories)}

    @cached_property
    def _by_name(self) -> Mapping[str, Territory]:
        country = {plain_name(name): self.whole for name in self.names.values()}
        country |= {name.removeprefix("the "): place for name, place in country.items()}
        return country | {
            plain_name(name): place
            for place in self.territories.values()
            for name in place.names.values()
        }


def plain_name(name: str) -> str:
    """A name as it is compared: without capitals, hyphens and double spaces."""
    return " ".join(name.replace("’", "'").replace("-", " ").casefold().split())


@lru_cache(maxsize=64)
def starting(prefixes: tuple[str, ...]) -> re.Pattern[str]:
    """What begins with one of these digits, where `x` is any digit; nothing for none."""
    known = (re.escape(one).replace("x", "[0-9]") for one in prefixes)
    return re.compile("|".join(known) or "(?!)")
