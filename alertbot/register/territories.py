"""French départements and overseas territories: code, names, zone, telephone region."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

WHOLE_COUNTRY = "FR"
_DATA = Path(__file__).with_name("territories.csv")


@dataclass(frozen=True, slots=True)
class Territory:
    """A place that has its own emergency services. `zone` is an IANA name; `region` the telephone
    region (`FR`, `GP`, …) and `prefixes` the first digits of its geographic numbers."""

    code: str
    names: Mapping[str, str]
    zone: str
    region: str
    prefixes: tuple[str, ...]

    def name_in(self, lang: str) -> str:
        """The name in this language, else the French one."""
        return self.names.get(lang) or self.names["fr"]

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
    )


def find(text: str) -> Territory | None:
    """The territory with this code (`1`, `01`, `2a`) or this name in French or English, else None."""
    code = text.strip().upper()
    known = all_territories()
    if code.isdigit() and len(code) == 1:
        code = f"0{code}"
    return known.get(code) or _by_name().get(_plain(text))


@cache
def _by_name() -> Mapping[str, Territory]:
    return {
        _plain(name): place for place in all_territories().values() for name in place.names.values()
    }


def _plain(name: str) -> str:
    return " ".join(name.replace("’", "'").replace("-", " ").casefold().split())
