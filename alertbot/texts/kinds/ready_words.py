"""Texts for the public that the program fills in itself, from `messages/ready_words/<language>.yaml`.

A team's own folder overrides the shipped one, file by file and text by text.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from alertbot.config.yaml_reader import read_written
from alertbot.core.errors import ConfigInvalid
from alertbot.core.words import _
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import SERVICES
from alertbot.texts.kinds.catalogue import FOLDER, shipped
from alertbot.texts.kinds.kind_file import LANGUAGE, Checker

KEYS = ("nothing_failed", "all_works", "disregard", "none", "all", "some", "these", "in_part")
LONGEST_LIST = 150  # characters: what still leaves room in a post


@dataclass(frozen=True, slots=True)
class ReadyWords:
    """Texts by language, then by name."""

    texts: Mapping[str, Mapping[str, str]]

    def each(self, name: str) -> dict[str, str]:
        """One text in every available language."""
        return {lang: texts[name] for lang, texts in self.texts.items() if name in texts}

    def numbers(self, rows: Iterable[NumberRow], others: Iterable[NumberRow] = ()) -> dict[str, str]:
        """These numbers by service and place, without the digits: `SAMU (22, 29), Police (35)`.

        If `others` have a number for the same place and service, zone or condition is added. Too many
        for one line are counted; an empty list is stated as none.
        """
        mine, rest = tuple(rows), {_spot(one) for one in others}
        if not mine:
            return self.each("none")
        return {lang: self._named(mine, rest, lang) for lang in self.each("these")}

    def _named(self, rows: tuple[NumberRow, ...], rest: set[tuple[str, str]], lang: str) -> str:
        texts = self.texts[lang]
        for long in (True, False):
            listed = ", ".join(
                texts["these"].format(service=SERVICES[key].name_in(lang), places=", ".join(places))
                for key, places in _by_service(rows, rest, lang, texts, long=long)
            )
            if len(listed) <= LONGEST_LIST:
                return listed
        return texts["some"].format(count=len(rows))


def _by_service(
    rows: tuple[NumberRow, ...],
    rest: set[tuple[str, str]],
    lang: str,
    texts: Mapping[str, str],
    *,
    long: bool,
) -> list[tuple[str, list[str]]]:
    def place(row: NumberRow) -> str:
        name = row.territory.name_in(lang) if long else row.territory.code
        if _spot(row) not in rest:
            return name
        return (
            f"{name} {row.zone_in(lang) or row.condition_in(lang) or texts.get('in_part', '')}".strip()
        )

    order = sorted(rows, key=lambda one: list(SERVICES).index(one.service))
    return [
        (key, list(dict.fromkeys(place(one) for one in group)))
        for key, group in groupby(order, key=lambda one: one.service)
    ]


def _spot(row: NumberRow) -> tuple[str, str]:
    return row.territory.code, row.service


def load_ready_words(*folders: Path) -> ReadyWords:
    """The shipped texts, overridden by those of `folders`. Raises `ConfigInvalid` for a broken file."""
    faults: list[str] = []
    texts: dict[str, dict[str, str]] = {}
    for folder in dict.fromkeys((shipped(), *folders)):
        for path in sorted((folder / FOLDER).glob("*.yaml")):
            texts.setdefault(path.stem, {}).update(_texts(path, Checker(faults)))
    if faults:
        raise ConfigInvalid(_("The messages folder has faults:"), faults)
    return ReadyWords(texts)


def _texts(path: Path, check: Checker) -> dict[str, str]:
    sheet = read_written(path)
    check.keys(sheet, KEYS, ())
    if not LANGUAGE.fullmatch(path.stem):
        check.fault(sheet, _("“{lang}” is not a language code.").format(lang=path.stem))
    return {name: check.text(node) for name, node in sheet.entries.items() if name in KEYS}
