"""Recipients of mail: a list in the configuration, or CSV files, read row by row. An address that is there twice, in
whatever letters and files, gets one mail."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from pathlib import Path

from alertbot.channels.email import message
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Target
from alertbot.core.target_list import TargetList
from alertbot.core.words import _, ngettext

COLUMNS = ("address", "lang", "topics", "critical")
CRITICAL = "critical"  # the topic of a recipient whose bounce alarms the team
LANGUAGE = re.compile(r"[a-z]{2,3}")
TOPICS = re.compile(r"[\s;,|]+")
YES = frozenset({"yes", "oui", "true", "vrai", "x", "1"})
NO = frozenset({"", "no", "non", "false", "faux", "0"})
MOST_FAULTS = 100  # that are told of one list
SMALL = 1000  # recipients that are kept as they are

_Row = tuple[str, Mapping[str, str]]  # where it stands, and its cells


def listed(addresses: Sequence[str], home: Path) -> Sequence[Target]:
    """The targets of a list of addresses and of CSV files (entries without an @). Raises `ConfigInvalid`, naming every
    wrong entry by its number and every wrong row by its line."""
    return _targets(
        chain.from_iterable(_entry(number, one, home) for number, one in enumerate(addresses, 1))
    )


def read(path: Path) -> Sequence[Target]:
    """The targets in a CSV file with the columns address, lang, topics, critical (all but the first optional),
    separated by commas or semicolons. Raises `ConfigInvalid`, naming every wrong row by its line."""
    return _targets(_rows(path))


def _entry(number: int, entry: str, home: Path) -> Iterator[_Row]:
    if "@" not in entry and entry.strip().lower().endswith(".csv"):
        yield from _rows(home / Path(entry.strip()).expanduser())
    else:
        yield _("recipients, entry {number}").format(number=number), {"address": entry}


def _rows(path: Path) -> Iterator[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _cells(path, file)
    except OSError as error:
        raise ConfigInvalid(
            _("The recipient list {file} cannot be read: {why}.").format(file=path, why=error.strerror)
        ) from None
    except UnicodeDecodeError:
        raise ConfigInvalid(
            _("The recipient list {file} is not UTF-8 text; save it as CSV UTF-8.").format(file=path)
        ) from None


def _cells(path: Path, file: Iterable[str]) -> Iterator[_Row]:
    text = iter(file)
    first = next(text, "")
    semicolons = first.count(";") > first.count(",")
    lines = csv.reader(chain([first], text), delimiter=";" if semicolons else ",")
    try:
        columns = [name.strip().lower() for name in next(lines, [])]
        _check_columns(path, columns)
        for row in lines:
            cells = [one.strip() for one in row]
            if any(cells):
                more = {"more": "yes"} if len(cells) > len(columns) else {}
                yield f"{path}:{lines.line_num}", dict(zip(columns, cells, strict=False)) | more
    except csv.Error:
        raise ConfigInvalid(
            _("{file}:{line}: this is not CSV (an unclosed quote, or another kind of file).").format(
                file=path, line=lines.line_num
            )
        ) from None


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    unknown = sorted(set(columns) - set(COLUMNS)) or [c for c in COLUMNS if columns.count(c) > 1]
    if "address" not in columns or unknown:
        raise ConfigInvalid(
            _("{file}:1: the first line must name the columns {columns}{unknown}.").format(
                file=path,
                columns=", ".join(COLUMNS),
                unknown=_("; not {names}").format(names=", ".join(unknown)) if unknown else "",
            )
        )


class _Gathered:
    """The recipients so far. One listed twice gets one mail: the first language counts, the topics are combined."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._targets = TargetList()
        self._twice: dict[int, Target] = {}

    def add(self, one: Target) -> None:
        place = self._places.setdefault(mailbox(one.address), len(self._targets))
        if place == len(self._targets):
            self._targets.append(one)
            return
        first = self._twice.get(place) or self._targets[place]
        topics = tuple(dict.fromkeys(first.topics + one.topics))
        self._twice[place] = replace(first, lang=first.lang or one.lang, topics=topics)

    def all(self) -> Sequence[Target]:
        found = self._targets
        if self._twice:
            found = TargetList(self._twice.get(place, one) for place, one in enumerate(found))
        return tuple(found) if len(found) <= SMALL else found


def _targets(rows: Iterable[_Row]) -> Sequence[Target]:
    found = _Gathered()
    faults: list[str] = []
    wrong = 0
    for place, row in rows:
        try:
            found.add(_target(row))
        except ValueError as fault:
            wrong += 1
            if wrong <= MOST_FAULTS:
                faults.append(f"{place}: {fault}")
    if wrong > MOST_FAULTS:
        more = ngettext("and {n} more row is wrong", "and {n} more rows are wrong", wrong - MOST_FAULTS)
        faults.append(more.format(n=wrong - MOST_FAULTS))
    if faults:
        raise ConfigInvalid(_("The recipient list has faults:"), faults)
    return found.all()


def mailbox(address: str) -> str:
    """The same for all ways to write one address: hardly any server tells case apart, and a domain in its own letters
    is the same as in ASCII. `address` must have passed `message.checked`."""
    local, _at, domain = address.rpartition("@")
    key = f"{local.lower()}@{message.in_ascii(domain)}"
    return address if key == address else key


def _target(row: Mapping[str, str]) -> Target:
    if row.get("more"):
        raise ValueError(
            _("there are more values than columns; put a value that contains a comma in quotes")
        )
    lang = row.get("lang", "") or None
    if lang is not None and not LANGUAGE.fullmatch(lang):
        raise ValueError(
            _("{lang} is not a language code such as fr or en").format(lang=message.short(lang))
        )
    topics = _topics(row.get("topics", ""), row.get(CRITICAL, ""))
    return Target(message.checked(row["address"]), lang, topics)


@lru_cache(maxsize=64)
def _topics(text: str, critical: str) -> tuple[str, ...]:
    found = tuple(topic for topic in TOPICS.split(text) if topic)
    if critical.lower() in YES:
        return (*found, CRITICAL)
    if critical.lower() not in NO:
        told = _("“{value}” in the column critical is neither yes nor no")
        raise ValueError(told.format(value=message.short(critical)))
    return found
