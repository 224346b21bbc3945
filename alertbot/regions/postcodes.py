"""Which territory a postcode is in, where a country pack says so: `postcodes.csv` beside its other tables, a line for each
territory with its postcodes. A postcode may lie in several."""

import csv
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from alertbot.core.frozen import dataclass
from alertbot.regions.packs import POSTCODES
from alertbot.regions.region import Region

START = 2  # the first signs of a postcode, by which people look


@dataclass(frozen=True, slots=True)
class SharedPostcodes:
    """Postcodes that lie in the same territories."""

    postcodes: tuple[str, ...]
    territories: tuple[str, ...]


def by_start(pack: Region) -> Mapping[str, tuple[SharedPostcodes, ...]]:
    """The postcodes by their first two signs, those in several territories first; empty where the pack has none."""
    path = pack.folder / POSTCODES
    return _read(path, path.stat().st_mtime_ns) if pack.postcodes and path.is_file() else {}


@lru_cache(maxsize=16)
def _read(path: Path, _changed: int) -> Mapping[str, tuple[SharedPostcodes, ...]]:
    places: dict[str, list[str]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for postcode in row["postcodes"].split():
                places.setdefault(postcode, []).append(row["territory"])
    groups: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for postcode in sorted(places):
        here = tuple(places[postcode])
        groups.setdefault(postcode[:START], {}).setdefault(here, []).append(postcode)
    return {
        start: tuple(
            SharedPostcodes(tuple(postcodes), where)
            for where, postcodes in sorted(group.items(), key=lambda one: (-len(one[0]), len(one[1])))
        )
        for start, group in groups.items()
    }
