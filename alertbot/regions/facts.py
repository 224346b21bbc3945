"""The facts of regions: the emergency services that a number can stand for, the countries with the dialling rules
of their numbers, and the territories.

A territory is a French département or overseas territory (code, names, time zone, telephone region and région), or
one elsewhere, which has a free code and brings its own names: see `free_territory`."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Service:
    """A service, its names per language and the short number it usually answers."""

    key: str
    names: Mapping[str, str]
    replaces: str = ""

    def name_in(self, lang: str) -> str:
        """The name in this language, else the English one."""
        return self.names.get(lang) or self.names["en"]


SERVICES: Mapping[str, Service] = {
    service.key: service
    for service in (
        Service("samu", {"fr": "SAMU", "en": "SAMU (medical)"}, "15"),
        Service("police", {"fr": "Police", "en": "Police"}, "17"),
        Service("gendarmerie", {"fr": "Gendarmerie", "en": "Gendarmerie (police)"}, "17"),
        Service("pompiers", {"fr": "Pompiers", "en": "Fire and rescue"}, "18"),
        Service("secours-en-mer", {"fr": "Secours en mer", "en": "Sea rescue"}, "196"),
        Service("toutes-urgences", {"fr": "Toutes urgences", "en": "All emergencies"}),
        Service("prefecture", {"fr": "Préfecture", "en": "Préfecture"}),
    )
}


class Writing(Enum):
    """How a country's long numbers are written for the public."""

    TEN_DIGITS = auto()  # 04 65 71 00 15: dialled alike in every French territory of the numbering plan
    LOCAL = auto()  # 40 42 01 01: dialled within the territory only
    INTERNATIONAL = auto()  # +32 …: right from both sides of a border


@dataclass(frozen=True, slots=True)
class Country:
    """`code` is the telephone region (`FR`, `GP`, `BE`), `zone` the default IANA time zone.

    `short`: the list of short numbers. `fiction`: prefixes reserved for fiction, in written form without
    spaces.
    """

    code: str
    short: frozenset[str]
    writing: Writing = Writing.INTERNATIONAL
    zone: str = "Europe/Paris"
    fiction: tuple[str, ...] = ()


FRENCH_SHORT = frozenset(
    {
        *("15", "17", "18", "112", "114", "115", "119", "191", "196", "197"),
        *("3114", "3919", "116000", "116006", "116117"),
    }
)
FRENCH_FICTION = ("019900", "026191", "035301", "046571", "053649", "063998")  # ARCEP: for fiction
_BRITISH_FICTION = ("+441632960", "+447700900", "+442079460")  # Ofcom: for drama
_FRENCH_PLAN = ("FR", "GP", "MQ", "GF", "RE", "YT", "PM", "BL", "MF")


def _french(code: str) -> Country:
    return Country(code, FRENCH_SHORT, Writing.TEN_DIGITS, fiction=FRENCH_FICTION)


def _pacific(code: str, zone: str, *more: str) -> Country:
    return Country(code, frozenset({"15", "17", "18", "112", *more}), Writing.LOCAL, zone)


def _abroad(code: str, zone: str, *short: str, fiction: tuple[str, ...] = ()) -> Country:
    return Country(code, frozenset({"112", "116000", *short}), zone=zone, fiction=fiction)


_COUNTRIES = (
    *(_french(code) for code in _FRENCH_PLAN),
    _pacific("WF", "Pacific/Wallis"),
    _pacific("PF", "Pacific/Tahiti", "16"),
    _pacific("NC", "Pacific/Noumea", "16"),
    _abroad("BE", "Europe/Brussels", "100", "101", "1722", "1733"),
    _abroad("CH", "Europe/Zurich", "117", "118", "143", "144", "145", "147", "1414"),
    _abroad("DE", "Europe/Berlin", "110", "116006", "116117"),
    _abroad("ES", "Europe/Madrid", "016", "024", "061", "062", "080", "085", "091", "092"),
    _abroad("GB", "Europe/London", "101", "105", "111", "116123", "999", fiction=_BRITISH_FICTION),
    _abroad("IT", "Europe/Rome", "113", "114", "115", "117", "118", "1522", "1530", "116117"),
    _abroad("LU", "Europe/Luxembourg", "113"),
)
COUNTRIES: Mapping[str, Country] = {country.code: country for country in _COUNTRIES}
EVERY_SHORT_NUMBER = frozenset(number for country in _COUNTRIES for number in country.short)
EVERY_FICTION = tuple(dict.fromkeys(start for country in _COUNTRIES for start in country.fiction))


WHOLE_COUNTRY = "FR"
_DATA = Path(__file__).with_name("territories.csv")
_BLOCKS = Path(__file__).with_name("blocks.csv")
_FREE_CODE = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Territory:
    """An area with its own emergency services. `zone` is an IANA name; `region` the telephone region
    (`FR`, `GP`, …), `prefixes` the first digits of its geographic numbers and `areas` what it is
    grouped under (the French région)."""

    code: str
    names: Mapping[str, str]
    zone: str
    region: str
    prefixes: tuple[str, ...] = ()
    areas: Mapping[str, str] = field(default_factory=dict)

    def name_in(self, lang: str) -> str:
        """The name in this language, else the French one."""
        return self.names.get(lang) or self.names["fr"]

    def area_in(self, lang: str) -> str:
        """The région in this language; a territory outside the régions stands alone."""
        return self.areas.get(lang) or self.areas.get("fr") or self.name_in(lang)

    @property
    def free(self) -> bool:
        """Whether it is not in the directory, so that its rows must give its names."""
        return self.code not in all_territories()

    def __str__(self) -> str:
        return f"{self.code} {self.names['fr']}"


@cache
def all_territories() -> Mapping[str, Territory]:
    """Every territory by its code, the whole country (`FR`) first."""
    with _DATA.open(encoding="utf-8", newline="") as lines:
        return {row["code"]: _territory(row) for row in csv.DictReader(lines)}


def _territory(row: Mapping[str, str]) -> Territory:
    return Territory(
        code=row["code"],
        names={"fr": row["fr"], "en": row["en"] or row["fr"]},
        zone=row["zone"],
        region=row["region"],
        prefixes=tuple(row["prefixes"].split()),
        areas={"fr": row["area_fr"], "en": row["area_en"]} if row["area_fr"] else {},
    )


@cache
def blocks() -> Mapping[str, tuple[str, ...]]:
    """The codes of the territories that own telephone numbers with these first four digits."""
    with _BLOCKS.open(encoding="utf-8", newline="") as lines:
        return {row["block"]: tuple(row["territories"].split()) for row in csv.DictReader(lines)}


@cache
def order_of(code: str) -> tuple[int, str]:
    """The sort key of territories: directory order, then free codes by code."""
    known = list(all_territories())
    return (known.index(code) if code in all_territories() else len(known), code)


def find(text: str) -> Territory | None:
    """The territory in the directory with this code (`1`, `01`, `2a`, `FR-69`) or French or English
    name, else None."""
    code = text.strip().upper().removeprefix("FR-")
    known = all_territories()
    if code.isdigit() and len(code) == 1:
        code = f"0{code}"
    return known.get(code) or _by_name().get(_plain(text))


def free_territory(code: str, names: Mapping[str, str], zone: str = "") -> Territory | None:
    """A territory outside the directory, or None for an invalid code: two letters of a country in
    `countries.COUNTRIES`, a hyphen and up to ten letters or digits (ISO 3166-2 if there is one:
    `BE-WHT`). `names` holds at least one name; `zone` is an IANA name, by default the country's."""
    found = _FREE_CODE.fullmatch(code.strip().upper())
    country = COUNTRIES.get(found[1]) if found else None
    if found is None or country is None:
        return None
    french = names.get("fr") or names.get("") or next(iter(names.values()))
    spoken = {lang: name for lang, name in names.items() if lang}
    return Territory(found[0], {"fr": french} | spoken, zone or country.zone, country.code)


@cache
def _by_name() -> Mapping[str, Territory]:
    return {
        _plain(name): place for place in all_territories().values() for name in place.names.values()
    }


def _plain(name: str) -> str:
    return " ".join(name.replace("’", "'").replace("-", " ").casefold().split())


@cache
def top_level_domains() -> frozenset[str]:
    """Every top-level domain of IANA in its registered form (`xn--p1ai`). The file says of which day;
    `make domains` renews it."""
    lines = Path(__file__).with_name("domains.txt").read_text(encoding="ascii").split("\n")
    return frozenset(line.strip() for line in lines if line and not line.startswith("#"))
