"""Checking a country pack: what is wrong in `region.yaml` and `territories.csv`, with line and column. What the files
are for is in `regions/packs.py`."""

import csv
import re
from collections.abc import Iterator, Mapping, Set
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from alertbot.config import faults
from alertbot.config.faults import findings
from alertbot.config.reading import invalid
from alertbot.config.yaml_faults import FileFault, Mark
from alertbot.config.yaml_reader import Node, plain, read_written
from alertbot.core.errors import ConfigInvalid
from alertbot.core.words import _
from alertbot.regions import packs
from alertbot.regions.region import Region

_COLUMNS = re.compile(r"code|zone|region|prefixes|(?:area_)?[a-z]{2,3}")
_PLACE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,11}", re.ASCII)


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        raise ValueError(_("must be an IANA time zone, such as Europe/Lisbon")) from None
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(_("is not a regular expression: {why}").format(why=error)) from None
    return value


def _counted(value: str) -> str:
    if value.count("{") != 1 or "{count}" not in value:
        raise ValueError(_("must say {count} once, and have no other braces"))
    return value


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError(_("must be the day on which it was read, such as 2026-11-30")) from None
    return value


Language = Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]
Short = Annotated[str, Field(pattern=r"^[0-9]{2,6}$")]
Start = Annotated[str, Field(pattern=r"^\+?[0-9x]{2,14}$")]
Code = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
GeocodeList = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:._-]{0,59}$")]
Words = Annotated[
    dict[Language, Annotated[str, Field(min_length=1, max_length=300)]], Field(min_length=1)
]
Zone = Annotated[str, AfterValidator(_zone)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Named = str | list[str]
Yes = Literal["true", "false"]
Style = Literal["pairs", "local", "national", "international"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Short(_Part):
    reaches: Words
    emergency: Yes = "false"
    source: Named


class _Service(_Part):
    names: Words
    replaces: Short | None = None
    every: Yes = "false"


class _Relay(_Part):
    number: Annotated[str, Field(pattern=r"^[0-9]{0,6}$")] = ""
    who: Words
    how: Words
    how_unknown: dict[Language, Annotated[str, Field(min_length=1, max_length=300)]] = Field(
        default_factory=dict
    )
    brief: Words
    source: Named


class _Plan(_Part):
    length: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]
    trunk: Annotated[str, Field(pattern=r"^[0-9]$")]
    calling_codes: list[Short | Annotated[str, Field(pattern=r"^[0-9]$")]]
    beyond: dict[Annotated[str, Field(pattern=r"^[0-9]{4}$")], list[Code]] = Field(default_factory=dict)
    geographic: list[Short] = Field(default_factory=list)
    source: Named


class _Fiction(_Part):
    numbers: list[Start]
    source: Named


class _Abroad(_Part):
    zone: Zone
    short: list[Short] = Field(default_factory=list)
    writing: Style = "international"
    fiction: list[Start] = Field(default_factory=list)


class _Habits(_Part):
    misprints: dict[Short, Short] = Field(default_factory=dict)
    territory_words: list[str] = Field(default_factory=list)
    postcode: Pattern = ""
    dialled: list[Pattern] = Field(default_factory=list)


class _Example(_Part):
    failing: list[Short] = Field(min_length=1)
    places: list[str] = Field(min_length=1)
    numbers: list[dict[str, Any]] = Field(default_factory=list)
    row: dict[str, Any] | None = None


class _Geocodes(_Part):
    source: Named


class _Source(_Part):
    title: str = Field(min_length=1)
    url: str = Field(pattern=r"^https?://\S+$")
    read: Annotated[str, AfterValidator(_day)]
    note: str = ""


class PackFacts(_Part):
    """The whole of `region.yaml`."""

    name: Words
    whole: Words
    within: Words
    many: dict[Language, Annotated[str, AfterValidator(_counted)]] = Field(default_factory=dict)
    languages: list[Language] = Field(min_length=1)
    zone: Zone
    one_zone: Yes = "false"
    short: dict[Short, _Short] = Field(min_length=1)
    services: dict[Key, _Service] = Field(min_length=1)
    needed: list[list[str]]
    relay: _Relay | None = None
    writing: Style
    international: Annotated[str, Field(pattern=r"^[0-9]{1,5}$")] | None = None
    plan: _Plan | None = None
    fiction: _Fiction | None = None
    same_plan: list[Code] = Field(default_factory=list)
    abroad: dict[Code, _Abroad] = Field(default_factory=dict)
    habits: _Habits = _Habits()
    example: _Example | None = None
    geocodes: dict[GeocodeList, _Geocodes] = Field(default_factory=dict)
    postcodes: _Geocodes | None = None
    sources: dict[str, _Source] = Field(min_length=1)


def load(code: str, messages: Path | None, config: Path) -> Region:
    """The pack that a configuration names; one of the team's own is checked first. Raises `ConfigInvalid` with every
    fault, of the configuration if there is no such pack."""
    try:
        folder = packs.folder_of(code, messages)
    except ConfigInvalid as missing:
        raise ConfigInvalid(
            str(missing), faults.lines_in(config, [(("region",), str(missing))])
        ) from None
    if folder.parent != packs.shipped():
        check(folder)
    return packs.load(code, messages)


def check(folder: Path) -> None:
    """Raises `ConfigInvalid` with every fault of the pack in this folder."""
    path = folder / packs.FACTS
    root = read_written(path)
    if found := _of_model(root):
        raise invalid(path, found)
    given: Mapping[str, Any] = plain(root)
    regions = {folder.name, *given.get("same_plan", ()), *given.get("abroad", {})}
    if wrong := list(_in_table(folder / packs.TERRITORIES, regions)):
        raise invalid(folder / packs.TERRITORIES, wrong)
    if wrong := list(_in_geocodes(folder, given)):
        raise invalid(folder / packs.GEOCODES, wrong)
    if wrong := list(_in_postcodes(folder, given)):
        raise invalid(folder / packs.POSTCODES, wrong)
    told = (*_between(given), *_about_example(folder, given))
    if told:
        raise invalid(path, [_at(root, where, said) for where, said in told])


def _of_model(root: Node) -> list[FileFault]:
    try:
        PackFacts.model_validate(plain(root) if root.entries else {})
    except ValidationError as error:
        return findings(error.errors(include_url=False, include_input=False), root, PackFacts)
    return []


def _at(root: Node, path: tuple[str | int, ...], sentence: str) -> FileFault:
    return FileFault(faults.place(root, path), path, sentence)


Told = Iterator[tuple[tuple[str | int, ...], str]]


def _between(given: Mapping[str, Any]) -> Told:
    """Faults between several facts: numbers, services and sources that are named but not there."""
    yield from _about_services(given)
    for path, named in _sourced(given):
        for name in [named] if isinstance(named, str) else named:
            if name not in given["sources"]:
                yield path, _("there is no source {name} under sources").format(name=name)
    if given["writing"] == "pairs" and "plan" not in given:
        yield ("writing",), _("numbers in pairs need a plan: length, trunk and calling codes")
    if given["name"].keys() - given["whole"].keys():
        yield ("whole",), _("needs the same languages as name")
    relay = given.get("relay") or {"who": {}, "how": {}, "brief": {}}
    for key in ("how", "brief"):
        if relay[key].keys() != relay["who"].keys():
            yield ("relay", key), _("needs the same languages as who")
    if unknown := relay.get("how_unknown", {}).keys() - relay["who"].keys():
        sentence = _("{lang} is not among the languages of who")
        yield ("relay", "how_unknown"), sentence.format(lang=", ".join(sorted(unknown)))


def _about_services(given: Mapping[str, Any]) -> Told:
    for key, one in given["services"].items():
        if (number := one.get("replaces")) and number not in given["short"]:
            sentence = _("{number} is not among the short numbers")
            yield ("services", key, "replaces"), sentence.format(number=number)
    for at, group in enumerate(given["needed"]):
        for key in group:
            if key not in given["services"]:
                yield ("needed", at), _("there is no service {key}").format(key=key)


def _sourced(given: Mapping[str, Any]) -> Told:
    for number, one in given["short"].items():
        yield ("short", number, "source"), one["source"]
    for name, one in given.get("geocodes", {}).items():
        yield ("geocodes", name, "source"), one["source"]
    if given.get("postcodes"):
        yield ("postcodes", "source"), given["postcodes"]["source"]
    for key in ("relay", "plan", "fiction"):
        if key in given:
            yield (key, "source"), given[key]["source"]


def _about_example(folder: Path, given: Mapping[str, Any]) -> Told:
    """Places and services of the example that the pack does not have."""
    known, example = packs.codes_in(folder), given.get("example", {})
    for at, place in enumerate(example.get("places", ())):
        if place not in known:
            yield ("example", "places", at), _("there is no territory {code}").format(code=place)
    rows: list[tuple[tuple[str | int, ...], Any]]
    rows = [(("example", "numbers", at), row) for at, row in enumerate(example.get("numbers", ()))]
    rows += [(("example", "row"), example["row"])] if "row" in example else []
    for path, row in rows:
        if row.get("territory") not in known:
            sentence = _("there is no territory {code}")
            yield path, sentence.format(code=str(row.get("territory", "–"))[:40])
        if row.get("service") not in given["services"]:
            sentence = _("there is no service {key}")
            yield path, sentence.format(key=str(row.get("service", "–"))[:40])


def _in_postcodes(folder: Path, given: Mapping[str, Any]) -> Iterator[FileFault]:
    """Faults of the table of postcodes: columns, territories, its source."""
    rows = _cells(folder / packs.POSTCODES)
    if not rows:
        return
    if not given.get("postcodes"):
        yield FileFault(Mark(), (), _("needs “postcodes” with its source in region.yaml"))
    if rows[0] != ["territory", "postcodes"]:
        yield FileFault(Mark(), (), _("needs the columns territory and postcodes"))
        return
    known = {row[0] for row in _cells(folder / packs.TERRITORIES) or () if row}
    for line, row in enumerate(rows[1:], 2):
        if len(row) != len(rows[0]) or row[0] not in known:
            sentence = _("there is no territory {code}").format(code=(row or [""])[0][:40])
            yield FileFault(Mark(line), (), sentence)


def _in_geocodes(folder: Path, given: Mapping[str, Any]) -> Iterator[FileFault]:
    """Faults of the table of codes: lists without a source, territories that the pack does not have."""
    rows = _cells(folder / packs.GEOCODES)
    if rows is None:
        yield FileFault(Mark(), (), _("is not a CSV file in UTF-8"))
    if not rows:
        return
    known, head = packs.codes_in(folder), rows[0]
    if head[0] != "code":
        yield FileFault(Mark(), (), _("needs “code” as its first column"))
    for name in head[1:]:
        if name not in given.get("geocodes", {}):
            sentence = _("the list “{name}” is not among the geocodes of region.yaml, with its source")
            yield FileFault(Mark(), (), sentence.format(name=name[:40]))
    for line, row in enumerate(rows[1:], 2):
        if row[:1] and row[0] not in known:
            sentence = _("there is no territory {code}").format(code=row[0][:40])
            yield FileFault(Mark(line), (), sentence)
        if len(row) != len(head):
            yield FileFault(Mark(line), (), _("has more or fewer cells than the first line"))


def _cells(path: Path) -> list[list[str]] | None:
    """The rows of a table, none if there is no such file; None if it cannot be read."""
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.reader(lines))
    except (UnicodeDecodeError, csv.Error):
        return None


def _in_table(path: Path, regions: Set[str]) -> Iterator[FileFault]:
    """Faults of the table of territories: columns, codes, zones, names."""
    rows = _cells(path)
    if rows is None:
        yield FileFault(Mark(), (), _("is not a CSV file in UTF-8"))
    if rows is None or not path.is_file():
        return
    head = rows[0] if rows else []
    if "code" not in head or not any(re.fullmatch(r"[a-z]{2,3}", name) for name in head):
        yield FileFault(
            Mark(), (), _("needs the columns code and one per language, such as code,pt,en,zone")
        )
        return
    for name in head:
        if not _COLUMNS.fullmatch(name):
            yield FileFault(Mark(), (), _("there is no column “{column}”").format(column=name[:40]))
    seen = {path.parent.name}  # the code of the whole country
    for line, row in enumerate(rows[1:], 2):
        cells = dict(zip(head, row, strict=False))
        if len(row) != len(head):
            sentence = _(
                "has more or fewer cells than the first line; put a name with a comma in quotes"
            )
            yield FileFault(Mark(line), (), sentence)
        for said in _in_row(cells, seen, regions):
            yield FileFault(Mark(line), (), said)


def _in_row(row: Mapping[str, str], seen: set[str], regions: Set[str]) -> Iterator[str]:
    code = row.get("code", "")
    if not _PLACE.fullmatch(code):
        yield _("“{code}” is not a code of capitals and digits").format(code=code[:40])
    if code in seen:
        yield _("{code} is there twice").format(code=code)
    seen.add(code)
    if not any(row.get(name) for name in row if re.fullmatch(r"[a-z]{2,3}", name)):
        yield _("{code} has no name").format(code=code[:40])
    if row.get("region", "") not in {"", *regions}:
        sentence = _("the telephone region {region} is neither under same_plan nor under abroad")
        yield sentence.format(region=row["region"][:40])
    if row.get("zone"):
        try:
            _zone(row["zone"])
        except ValueError as error:
            yield f"{row['zone'][:40]}: {error}"
