"""Reading a case: `timeline.yaml`, what happened when, as documented in docs/reference/case-format.md.

The texts of a case are other people's words about the past: they are shown to the team and never
published.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.config.yaml_faults import Mark
from alertbot.config.yaml_reader import Node, plain, read_written
from alertbot.core.errors import ConfigInvalid, Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.words import _, language
from alertbot.regions import facts, packs
from alertbot.regions.facts import find, services
from alertbot.regions.region import Region

FILE = "timeline.yaml"
UNKNOWN_ZONE = "UTC"  # that of a case that gives none
FALLBACK = "case"  # the name of a case that has none
MOST_ENTRIES = 5000
MOST_NUMBERS = 1000  # in one entry
LONGEST_TEXT = 2000
LONGEST_NAME = 200  # of a case; it is the name of the service that is watched
YEARS = range(2000, 2101)  # as in every other moment that alertbot reads
ACTIONS = ("add", "withdraw", "stay", "false")
"""What an item of `numbers:` says: a number is given, taken back, still holds, or never was right."""

_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Co"})
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})
_GIVEN_WITH = {"retracted-partial": "withdraw", "false-number": "false"}


@dataclass(frozen=True, slots=True)
class NumberItem:
    """One item of an entry's `numbers:`. `row`: its columns, as in a file of numbers."""

    action: str
    row: Mapping[str, Any]

    @property
    def query(self) -> str:
        """The register query that it means."""
        where, what = str(self.row.get("territory") or ""), str(self.row.get("service") or "")
        kind = what.partition(":")[0].strip()
        return f"{where}/{kind}" if kind else where


@dataclass(frozen=True, slots=True)
class CaseEntry:
    """One event. Times are aware; `at` is in the case's zone. `public`: what the case says about who
    could read it, None if nothing. `ours`: a false alert is the team's own, not what others spread; `claim` and
    `truth`: what was false and what is true, `you_may`: what people may do again; `findings_at`: when an inquiry
    promises its findings."""

    at: datetime
    state: str
    actor: str = ""
    channel: str = ""
    precision: str = "exact"
    summary: Mapping[str, str] = field(default_factory=dict)
    source_url: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    computed: bool = False
    public: bool | None = None
    numbers: tuple[NumberItem, ...] = ()
    ours: bool = True
    claim: Mapping[str, str] = field(default_factory=dict)
    truth: Mapping[str, str] = field(default_factory=dict)
    you_may: Mapping[str, str] = field(default_factory=dict)
    findings_at: datetime | None = None
    line: int = 0  # of the file


@dataclass(frozen=True, slots=True)
class Timeline:
    """A case. `entries` by time; those at the same time in file order. `operator`: whose word alone does
    not confirm that it works again (R11), empty if not given. `service`: the public name of what
    failed, per language; empty if not given. `region`: the country whose pack its texts go by. `where`: the
    codes of the territories that texts name, separated by commas; `place_given`: the case says where, or its time
    zone does."""

    case: str
    title: Mapping[str, str]
    zone: ZoneInfo
    entries: tuple[CaseEntry, ...]
    operator: str = ""
    service: Mapping[str, str] = field(default_factory=dict)
    region: Region = field(default_factory=facts.in_force)
    where: str = packs.DEFAULT
    place_given: bool = True
    folder: Path = Path()


def said(by_lang: Mapping[str, str], lang: str) -> str:
    """A text in this language, else in English or French, else in any; empty if there is none."""
    return next(filter(None, (*map(by_lang.get, (lang, "en", "fr")), *by_lang.values())), "")


def read_case(where: Path, region: str | None = None) -> Timeline:
    """The case in a folder, or in a file of it. `region`: the code of a country pack, instead of the case's own.
    Raises `Misuse` with file and line."""
    path = where / FILE if where.is_dir() else where
    if not path.exists():
        raise Misuse(_("{folder} contains no case: {file} is missing.").format(folder=where, file=FILE))
    return timeline_of(read_written(path), path.parent, region)


def timeline_of(root: Node, folder: Path = Path(), region: str | None = None) -> Timeline:
    """The case in a YAML file; `region` as in `read_case`. Raises `ConfigInvalid` with file and line."""
    if not isinstance(root.value, Mapping):
        raise _wrong(root, _("a case has keys such as `case:`, `timezone:` and `entries:`"))
    if "entries" not in root.entries:
        raise _wrong(root, _("the case has no `entries:`; it is the list of what happened"))
    zone = _zone(root.entries.get("timezone"))
    pack = _region(root.entries.get("region"), region, zone)
    with facts.using(pack):
        return _case(root, folder, zone, pack)


def _case(root: Node, folder: Path, zone: ZoneInfo, region: Region) -> Timeline:
    entries = tuple(_entry(node, zone) for node in _items(root.entries["entries"], MOST_ENTRIES))
    case = _text(root.entries.get("case")) or folder.resolve().name or FALLBACK
    case = case[:LONGEST_NAME].strip()
    named = root.entries.get("where")
    given = named is not None and bool(named.value)
    return Timeline(
        case=case,
        title=_texts(root.entries.get("title")) or {"en": case},
        zone=zone,
        entries=tuple(sorted(entries, key=lambda one: one.at)),
        operator=_text(root.entries.get("operator")),
        service=_texts(root.entries.get("service")),
        region=region,
        where=_named(named) if named is not None and given else _where_by_zone(root, zone, region),
        place_given=given or len(_in_zone(region, zone)) == 1,
        folder=folder,
    )


def _entry(node: Node, zone: ZoneInfo) -> CaseEntry:
    if not isinstance(node.value, Mapping):
        raise _wrong(node, _("an entry has keys such as `at:` and `state:`"))
    given = node.entries
    state = _word(_needed(node, "state"))
    return CaseEntry(
        at=_moment(_needed(node, "at"), zone),
        state=state,
        actor=_text(given.get("actor")),
        channel=_text(given.get("channel")),
        precision=_text(given.get("precision")) or "exact",
        summary=_texts(given.get("summary")),
        source_url=_text(given.get("source_url")),
        not_before=_bound(given.get("not_before"), zone),
        not_after=_bound(given.get("not_after"), zone),
        computed=_flag(given.get("computed")) or False,
        public=_flag(given.get("public")),
        numbers=tuple(_numbers(given.get("numbers"), _GIVEN_WITH.get(state, "add"))),
        ours=_flag(given.get("ours")) is not False,
        claim=_texts(given.get("claim")),
        truth=_texts(given.get("truth")),
        you_may=_texts(given.get("you_may")),
        findings_at=_bound(given.get("findings_at"), zone),
        line=node.mark.line,
    )


def _needed(node: Node, key: str) -> Node:
    found = node.entries.get(key)
    if found is None or not _text(found):
        raise _wrong(node, _("the entry has no `{key}:`").format(key=key))
    return found


def _numbers(node: Node | None, action: str) -> Iterator[NumberItem]:
    for item in _items(node, MOST_NUMBERS):
        yield _item(item, action)


def _item(node: Node, action: str) -> NumberItem:
    """An item: a mapping of columns, or a query such as `22/samu`."""
    if isinstance(node.value, str):
        where, _slash, what = (half.strip() for half in node.value.partition("/"))
        return _checked(node, NumberItem(action, {"territory": where, "service": what}))
    if not isinstance(node.value, Mapping):
        raise _wrong(node, _("an item of `numbers:` has keys such as `territory:` and `service:`"))
    row = {key: plain(child) for key, child in node.entries.items() if key != "action"}
    row = {_COLUMNS.get(key, key): value for key, value in row.items() if value is not None}
    said_so = _word(node.entries["action"]) if "action" in node.entries else action
    return _checked(node, NumberItem(said_so, row))


_COLUMNS = {"departement_code": "territory", "departement": "name"}


def _checked(node: Node, item: NumberItem) -> NumberItem:
    if item.action not in ACTIONS:
        sentence = _("there is no action “{action}” in `numbers:`; the actions are {known}")
        raise _wrong(node, sentence.format(action=item.action[:40], known=", ".join(ACTIONS)))
    if not item.row.get("territory") and not (item.action == "false" and item.row.get("number")):
        raise _wrong(node, _("the item of `numbers:` names no `territory:`"))
    service = str(item.row.get("service") or "").partition(":")[0].strip()
    if service and not service.isdigit() and service.casefold() not in services():
        sentence = _("there is no service “{text}”; the services are {known}")
        raise _wrong(node, sentence.format(text=service[:40], known=", ".join(services())))
    return item


def _items(node: Node | None, most: int) -> Sequence[Node]:
    if node is None or node.value is None:
        return ()
    if isinstance(node.value, str | Mapping):
        raise _wrong(node, _("a list is needed here; each item starts with a hyphen"))
    if len(node.value) > most:
        raise _wrong(node, _("the list has more than {most} items").format(most=most))
    return list(node.value)


def _zone(node: Node | None) -> ZoneInfo:
    name = _text(node) or UNKNOWN_ZONE
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        sentence = _("“{text}” is not a time zone such as Europe/Paris")
        raise _wrong(node or Node(Mark()), sentence.format(text=name[:40])) from None


def _region(node: Node | None, asked: str | None, zone: ZoneInfo) -> Region:
    """The pack that was asked for, else the case's own, else that of a country with this clock."""
    named = asked or _text(node).upper()
    if named:
        try:
            return packs.load(named.upper())
        except ConfigInvalid as error:
            raise (error if asked or node is None else _wrong(node, str(error).rstrip("."))) from None
    for code in (packs.DEFAULT, *packs.shipped_codes()):
        region = packs.load(code)
        if zone.key == UNKNOWN_ZONE or zone.key in _zones(region):
            return region
    return packs.load(packs.DEFAULT)


def _zones(region: Region) -> frozenset[str]:
    return frozenset({region.zone, *(one.zone for one in region.territories.values())})


def _where_by_zone(root: Node, zone: ZoneInfo, region: Region) -> str:
    """The territory with this time zone, else the whole country; never a country that it cannot have been in."""
    if zone.key != UNKNOWN_ZONE and zone.key not in _zones(region):
        sentence = _(
            "{country} has no place in {zone}, and the case does not say where it happened: add `where:`, and"
            " `region:` if it was in another country"
        )
        name = region.name_in(language())
        raise _wrong(root.entries.get("timezone") or root, sentence.format(country=name, zone=zone.key))
    there = _in_zone(region, zone)
    return there[0] if len(there) == 1 else region.code


def _in_zone(region: Region, zone: ZoneInfo) -> list[str]:
    return [one.code for one in region.territories.values() if one.zone == zone.key]


def _named(node: Node) -> str:
    """The territories that the case names."""
    return ", ".join(
        _territory(one) for one in (node.value if isinstance(node.value, list) else (node,))
    )


def _territory(node: Node) -> str:
    found = find(_text(node))
    if found is None:
        sentence = _("there is no territory “{text}”; give its code, such as 69, or its name")
        raise _wrong(node, sentence.format(text=_text(node)[:40]))
    return found.code


def _bound(node: Node | None, zone: ZoneInfo) -> datetime | None:
    return _moment(node, zone) if node is not None and _text(node) else None


def _moment(node: Node, zone: ZoneInfo) -> datetime:
    """ISO 8601; without an offset it is local to the case, and an hour that occurs twice is the first."""
    text = _text(node)
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=zone) if at.tzinfo is None else at
        local = at.astimezone(UTC).astimezone(zone)
    except (ValueError, OverflowError):
        sentence = _("“{text}” is not a date and time such as 2021-06-02T16:45:00+02:00")
        raise _wrong(node, sentence.format(text=text[:40])) from None
    if local.year not in YEARS:
        raise _wrong(node, _("the year {year} is not plausible").format(year=local.year))
    return local


def _flag(node: Node | None) -> bool | None:
    word = _text(node).casefold()
    if node is None or not word:
        return None
    if word not in _TRUE | _FALSE:
        raise _wrong(node, _("“{text}” is neither true nor false").format(text=word[:40]))
    return word in _TRUE


def _texts(node: Node | None) -> dict[str, str]:
    """A text per language; a single text counts as English."""
    if node is None or not isinstance(node.value, Mapping):
        text = _text(node)
        return {"en": text} if text else {}
    strange = next((lang for lang in node.entries if not _LANGUAGE.fullmatch(lang)), None)
    if strange is not None:
        sentence = _("“{text}” is not a language such as fr")
        raise _wrong(node, sentence.format(text=strange[:40]))
    found = {lang: _text(child) for lang, child in node.entries.items()}
    return {lang: text for lang, text in found.items() if text}


def _text(node: Node | None) -> str:
    """A scalar's text on one line, without control characters."""
    if node is None or node.value is None:
        return ""
    if not isinstance(node.value, str):
        raise _wrong(node, _("a single text is needed here, not a list or keys"))
    if len(node.value) > LONGEST_TEXT:
        raise _wrong(node, _("the text is longer than {most} characters").format(most=LONGEST_TEXT))
    words = " ".join(node.value.split())
    if words.isprintable():
        return words
    return "".join("?" if unicodedata.category(sign) in _CONTROLS else sign for sign in words)


def _word(node: Node) -> str:
    """A state or an action in any spelling: `False_Alert` is `false-alert`."""
    return re.sub(r"[\s_]+", "-", _text(node).casefold())


def _wrong(node: Node, sentence: str) -> ConfigInvalid:
    return ConfigInvalid(_("{place} {reason}.").format(place=f"{node.mark}:", reason=sentence))
