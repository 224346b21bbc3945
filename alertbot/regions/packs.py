"""Reading a country pack from its folder: `messages/regions/<CODE>/`, or a team's own.

    region.yaml       names, services, short numbers, relay line, ways of writing, each fact with its source
    territories.csv   code, name per language, zone; telephone region, first digits and area where there are any
    blocks.csv        which territories own numbers with these first digits; only where that is known
    geocodes.csv      what the territories are in lists of codes that others know; only where a source says so
    postcodes.csv     which postcodes lie in a territory; only where that is known

Here a pack is only taken over, so that a preview starts at once; `config/region_pack.py` checks one, and says
what is wrong with it and where. Shipped packs are checked by the tests."""

import csv
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from alertbot.config.yaml_reader import plain, read_written
from alertbot.core.errors import ConfigInvalid
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.regions.region import (
    ByLanguage,
    Country,
    Example,
    FactSource,
    Habits,
    Plan,
    Region,
    RelayLine,
    Service,
    ShortNumber,
    Territory,
    Writing,
)
from alertbot.regions.views import RegionView, ServiceView, ShortNumberView, SourceView

FACTS, TERRITORIES, BLOCKS, GEOCODES, POSTCODES = FILES = (
    *("region.yaml", "territories.csv", "blocks.csv", "geocodes.csv", "postcodes.csv"),
)
KEPT_PACKS = 16
DEFAULT = "FR"
CODE = re.compile(r"[A-Z]{2}", re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}", re.ASCII)


@cache
def shipped() -> Path:
    """The folder of the shipped packs: in a wheel, or in a clone."""
    package = Path(__file__).parents[1]
    installed = package / "_shipped" / "messages"
    return (installed if installed.is_dir() else package.parent / "messages") / "regions"


def shipped_codes() -> tuple[str, ...]:
    """The codes of the shipped packs."""
    return tuple(sorted(file.parent.name for file in shipped().glob(f"*/{FACTS}")))


def codes(messages: Path | None = None) -> tuple[str, ...]:
    """The codes of the shipped packs and of the team's own."""
    own = (messages / "regions").glob(f"*/{FACTS}") if messages else ()
    return tuple(sorted({*shipped_codes(), *(file.parent.name for file in own)}))


def view(region: Region, lang: str) -> RegionView:
    """The pack as a person reads it, in this language where it has it."""
    relay = region.relay
    ways = (relay.how, relay.how_unknown) if relay else ()
    lines = [
        f"{relay.who[key]}: {way[key]}" for way in ways if relay for key in relay.who if key in way
    ]
    return RegionView(
        code=region.code,
        name=region.name_in(lang),
        folder=str(region.folder),
        fingerprint=region.fingerprint,
        languages=region.languages,
        zone=region.zone,
        international=region.international,
        short=tuple(
            ShortNumberView(one.number, one.reaches_in(lang), one.emergency, one.sources)
            for one in region.short.values()
        ),
        services=tuple(
            ServiceView(one.key, one.name_in(lang), one.replaces) for one in region.services.values()
        ),
        relay=tuple(lines),
        relay_sources=relay.sources if relay else (),
        writing=region.own.writing.value,
        fiction=region.own.fiction,
        territories=len(region.territories) - 1,
        geocodes=tuple(f"{name} [{', '.join(keys)}]" for name, keys in region.geocodes.items()),
        sources=tuple(
            SourceView(one.key, one.title, one.url, one.read, one.note)
            for one in region.sources.values()
        ),
    )


def folder_of(code: str, messages: Path | None = None) -> Path:
    """Where the pack with this code is: in the team's own messages folder, else among the shipped ones.
    Raises `ConfigInvalid` if there is none."""
    places = [messages / "regions"] if messages else []
    for place in (*places, shipped()):
        if CODE.fullmatch(code) and (place / code / FACTS).is_file():
            return place / code
    sentence = _(
        "There is no country pack {code}; shipped are {known}. A pack of your own is a folder regions/{code}"
        " in your messages folder: see docs/how-to/your-country.md."
    )
    raise ConfigInvalid(sentence.format(code=code[:20], known=", ".join(shipped_codes())))


def load(code: str, messages: Path | None = None) -> Region:
    """The pack with this code; see `folder_of`. Raises `ConfigInvalid`."""
    folder = folder_of(code, messages)
    return _kept(folder, _fingerprint(folder)) if messages else _shipped(folder)


@cache
def _shipped(folder: Path) -> Region:
    return _kept(folder, _fingerprint(folder))


def trusted(region: Region) -> bool:
    """Whether nobody here needs to confirm this pack: France's, as it is shipped."""
    return region.code == DEFAULT and region.folder.parent == shipped()


def _fingerprint(folder: Path) -> str:
    """SHA-256 over the names and bytes of the pack's files; where they are does not matter."""
    found = hashlib.sha256(folder.name.encode())
    for path in (folder / name for name in FILES):
        if path.is_file():
            content = path.read_bytes()
            found.update(f"\0{path.name}\0{len(content)}\0".encode())
            found.update(content)
    return found.hexdigest()


@lru_cache(maxsize=KEPT_PACKS)
def _kept(folder: Path, fingerprint: str) -> Region:
    given = plain(read_written(folder / FACTS))
    try:
        return _region(folder, given, fingerprint)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        sentence = _("The country pack {folder} cannot be read ({why}). `alertbot check` says where.")
        raise ConfigInvalid(sentence.format(folder=folder, why=error)) from None


def _region(folder: Path, given: Mapping[str, Any], fingerprint: str) -> Region:
    code, short = folder.name, _short(given)
    countries = _countries(code, given, frozenset(short))
    return Region(
        code=code,
        names=given["name"],
        within=given.get("within", {}),
        many=given.get("many", {}),
        languages=tuple(given["languages"]),
        zone=given["zone"],
        one_zone=given.get("one_zone") == "true",
        services=_services(given),
        needed=tuple(tuple(group) for group in given["needed"]),
        short=short,
        relay=_relay(given.get("relay")),
        countries=countries,
        plan=_plan(given.get("plan", {})),
        habits=_habits(given.get("habits", {})),
        territories=_coded(folder, _territories(folder, given["whole"], countries[code])),
        blocks=_blocks(folder / BLOCKS),
        international=given.get("international", ""),
        geocodes={key: _listed(one["source"]) for key, one in given.get("geocodes", {}).items()},
        postcodes=_listed(given["postcodes"]["source"]) if given.get("postcodes") else (),
        sources={key: _source(key, one) for key, one in given["sources"].items()},
        example=_example(given.get("example", {}), tuple(short)),
        folder=folder,
        fingerprint=fingerprint,
    )


def codes_in(folder: Path) -> tuple[str, ...]:
    """The codes of the territories in a pack's folder, its own first."""
    path = folder / TERRITORIES
    if not path.is_file():
        return (folder.name,)
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return (folder.name, *(row["code"] for row in csv.DictReader(lines)))


def _services(given: Mapping[str, Any]) -> Mapping[str, Service]:
    return {
        key: Service(key, one["names"], one.get("replaces", ""), one.get("every") == "true")
        for key, one in given["services"].items()
    }


def _short(given: Mapping[str, Any]) -> Mapping[str, ShortNumber]:
    return {
        number: ShortNumber(
            number, one["reaches"], one.get("emergency") == "true", _listed(one["source"])
        )
        for number, one in given["short"].items()
    }


def _relay(given: Mapping[str, Any] | None) -> RelayLine | None:
    if not given:
        return None
    return RelayLine(
        given.get("number", ""),
        given["who"],
        given["how"],
        given["brief"],
        _listed(given["source"]),
        given.get("how_unknown", {}),
    )


def _countries(code: str, given: Mapping[str, Any], short: frozenset[str]) -> Mapping[str, Country]:
    """The country itself, those of its plan, and those next to it."""
    own = Country(
        code,
        short,
        Writing(given["writing"]),
        given["zone"],
        tuple(given.get("fiction", {}).get("numbers", ())),
    )
    found = {code: own}
    for other in given.get("same_plan", ()):
        found[other] = Country(other, own.short, own.writing, own.zone, own.fiction)
    for other, one in given.get("abroad", {}).items():
        writing = Writing(one.get("writing", Writing.INTERNATIONAL.value))
        numbers = frozenset(one.get("short", ()))
        found[other] = Country(other, numbers, writing, one["zone"], tuple(one.get("fiction", ())))
    return found


def _plan(given: Mapping[str, Any]) -> Plan:
    return Plan(
        length=int(given.get("length", 0)),
        trunk=given.get("trunk", "0"),
        calling_codes=tuple(given.get("calling_codes", ())),
        beyond={start: tuple(codes) for start, codes in given.get("beyond", {}).items()},
        geographic=tuple(given.get("geographic", ())),
    )


def _habits(given: Mapping[str, Any]) -> Habits:
    return Habits(
        territory_words=tuple(given.get("territory_words", ())),
        postcode=given.get("postcode", ""),
        dialled=tuple(given.get("dialled", ())),
        misprints=given.get("misprints", {}),
    )


def _example(given: Mapping[str, Any], short: tuple[str, ...]) -> Example:
    rows = tuple(given.get("numbers", ()))
    return Example(
        failing=tuple(given.get("failing", short[:1])),
        places=tuple(given.get("places", ())),
        numbers=rows,
        row=given.get("row") or next(iter(rows), None),
    )


def _source(key: str, given: Mapping[str, str]) -> FactSource:
    return FactSource(key, given["title"], given["url"], given["read"], given.get("note", ""))


def _listed(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _territories(folder: Path, whole: ByLanguage, own: Country) -> Mapping[str, Territory]:
    found = {folder.name: Territory(folder.name, whole, own.zone, own.code, whole=True)}
    path = folder / TERRITORIES
    if path.is_file():
        with path.open(encoding="utf-8-sig", newline="") as lines:
            places = (_territory(row, own) for row in csv.DictReader(lines))
            found |= {place.code: place for place in places}
    return found


def _territory(row: Mapping[str, str], own: Country) -> Territory:
    names = {key: cell for key, cell in row.items() if cell and _LANGUAGE.fullmatch(key)}
    areas = {key.removeprefix("area_"): cell for key, cell in row.items() if key.startswith("area_")}
    return Territory(
        code=row["code"],
        names=names,
        zone=row.get("zone") or own.zone,
        region=row.get("region") or own.code,
        prefixes=tuple((row.get("prefixes") or "").split()),
        areas={lang: cell for lang, cell in areas.items() if cell},
    )


def _coded(folder: Path, places: Mapping[str, Territory]) -> Mapping[str, Territory]:
    """The territories with their codes in other lists; a cell may hold several, for a place of several parts."""
    path = folder / GEOCODES
    if not path.is_file():
        return places
    with path.open(encoding="utf-8-sig", newline="") as lines:
        codes = {
            row["code"]: tuple(
                (name, one) for name, cell in row.items() if name != "code" for one in cell.split()
            )
            for row in csv.DictReader(lines)
        }
    return {
        code: replace(place, geocodes=codes[code]) if code in codes else place
        for code, place in places.items()
    }


def _blocks(path: Path) -> Mapping[str, tuple[str, ...]]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["block"]: tuple(row["territories"].split()) for row in csv.DictReader(lines)}


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
