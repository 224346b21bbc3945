"""Territories: the French départements and overseas territories with code, names, time zone, telephone
region and région, and territories elsewhere.

A territory elsewhere has a free code and brings its own names: see `free_territory`.
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from alertbot.regions.countries import COUNTRIES

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
