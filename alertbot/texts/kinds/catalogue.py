"""The kinds of alert, read from `messages/`: data and templates, no code.

    messages/fields.yaml                     fields that several kinds share
    messages/exercise_frame/<language>.yaml  what surrounds an exercise
    messages/retraction/<language>/…         the prepared "disregard our message", templates alone
    messages/ready_words/<language>.yaml     texts for the public that the program fills in itself
    messages/edits.yaml                      what an edit writes above an earlier text
    messages/card.yaml                       what a number card says beside its numbers
    messages/cap.yaml                        what alerts are in the terms of the Common Alerting Protocol
    messages/regions/<CODE>/…                country packs: see `regions/packs.py`
    messages/<kind>/kind.yaml                fields, approvals, priority, example
    messages/<kind>/<language>/short.md.j2   and long.md.j2, and <channel type>.md.j2 where needed

A team adds a kind or a language by adding files in a folder of its own: later folders lie over
earlier ones, file by file.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TypeAlias, TypeVar

from alertbot.config.yaml_faults import Mark
from alertbot.config.yaml_reader import Node, read_written
from alertbot.core.errors import ConfigInvalid, NotThere
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.numbers import rules_words
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import in_force, service_named, services
from alertbot.texts.kinds import kind_file
from alertbot.texts.kinds.cap_file import read_table
from alertbot.texts.kinds.cap_table import CapTable
from alertbot.texts.kinds.examples import example_in, hinted
from alertbot.texts.kinds.kind_file import LANGUAGE, NAME, Checker, read_kind, unknown
from alertbot.texts.kinds.kind_spec import FORMS, Frame, Kind, Prepared, Template
from alertbot.texts.kinds.layers import (
    CAP,
    CARD,
    EDITS,
    FRAME,
    KIND_FILE,
    READY_WORDS,
    RETRACTION,
    SHARED_FIELDS,
    fingerprint,
    has_kind,
    shared_fingerprint,
    shipped,
    stacked,
)

LONGEST_TEMPLATE = 50_000
_TEMPLATE = re.compile(r"(?P<form>[a-z][a-z0-9_]*)\.md\.j2")
_FRAME_KEYS = ("opening", "closing", "subject", "refused")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every kind, the exercise frame, and the prepared texts for follow-ups."""

    kinds: Mapping[str, Kind]
    frame: Frame
    prepared: Prepared

    def kind(self, name: str) -> Kind:
        """The kind with this name. Raises `Misuse`, suggesting the nearest name."""
        if name not in self.kinds:
            raise _no_such_kind(name, self.kinds)
        return self.kinds[name]

    def __iter__(self) -> Iterator[Kind]:
        return iter(self.kinds.values())


KEPT_KINDS = 64
Part = TypeVar("Part")
Reader: TypeAlias = Callable[[tuple[Path, ...], list[str]], Part]  # layers, faults to be added to


def load(*folders: Path) -> Catalogue:
    """Every kind of the shipped folder, overridden by `folders` in order.

    Raises `ConfigInvalid` with every fault of every file.
    """
    layers = stacked(folders)
    shared, faults = _shared(layers)
    kinds = {name: _kind(name, layers, shared, faults) for name in kind_names(*folders)}
    frame, prepared = _frame(layers, faults), _prepared(layers, faults)
    _refuse(faults)
    by_rank = sorted(kinds.values(), key=_rank)
    return Catalogue({kind.name: kind for kind in by_rank}, frame, prepared)


def load_kind(name: str, *folders: Path) -> Kind:
    """One kind, without reading the others. Raises `Misuse` for an unknown name, `ConfigInvalid` for a
    broken file."""
    if not has_kind(name, *folders):
        raise _no_such_kind(name, kind_names(*folders))
    layers = stacked(folders)
    try:
        present = fingerprint(name, *folders)
    except OSError:  # a file that cannot be read: the reader below names it
        return _read_kind(name, layers)
    return _kept_kind(name, layers, present)


@lru_cache(maxsize=KEPT_KINDS)
def _kept_kind(name: str, layers: tuple[Path, ...], _fingerprint: str) -> Kind:
    """The kind as its files are with this fingerprint: reading them takes twenty times as long."""
    return _read_kind(name, layers)


def _read_kind(name: str, layers: tuple[Path, ...]) -> Kind:
    shared, faults = _shared(layers)
    kind = _kind(name, layers, shared, faults)
    _refuse(faults)
    return kind


def load_frame(*folders: Path) -> Frame:
    """The exercise frame. Raises `ConfigInvalid` for a broken file."""
    return _part(_frame, *folders)


def load_prepared(*folders: Path) -> Prepared:
    """The retraction, the texts of edits and number cards, and what CAP is told. Raises `ConfigInvalid` for a broken file."""
    return _part(_prepared, *folders)


def _part(read: Reader[Part], *folders: Path) -> Part:
    """What all kinds share, read again only where one of its files has changed."""
    layers = stacked(folders)
    try:
        present = shared_fingerprint(*folders)
    except OSError:  # as in `load_kind`
        return _read_part(read, layers)
    found: Part = _kept_part(read, layers, present)
    return found


@lru_cache(maxsize=KEPT_KINDS)
def _kept_part(read: Reader[Part], layers: tuple[Path, ...], _fingerprint: str) -> Part:
    return _read_part(read, layers)


def _read_part(read: Reader[Part], layers: tuple[Path, ...]) -> Part:
    faults: list[str] = []
    found = read(layers, faults)
    _refuse(faults)
    return found


def kind_names(*folders: Path) -> tuple[str, ...]:
    """The names of all kinds, in alphabetical order."""
    found = {file.parent.name for layer in stacked(folders) for file in layer.glob(f"*/{KIND_FILE}")}
    return tuple(sorted(found))


def _rank(kind: Kind) -> tuple[int, str]:
    return kind.priority, kind.name


def _no_such_kind(name: str, known: Mapping[str, Kind] | tuple[str, ...]) -> NotThere:
    return NotThere(_("There is no kind with that name: {why}").format(why=unknown(name, known)))


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ConfigInvalid(_("The messages folder has faults:"), faults)


def _sheet(path: Path, faults: list[str]) -> Node | None:
    try:
        return read_written(path)
    except ConfigInvalid as invalid:
        faults.append(str(invalid))
        return None


def _shared(layers: tuple[Path, ...]) -> tuple[dict[str, Node], list[str]]:
    shared: dict[str, Node] = {}
    faults: list[str] = []
    for layer in layers:
        if (layer / SHARED_FIELDS).is_file():
            sheet = _sheet(layer / SHARED_FIELDS, faults)
            shared.update(sheet.entries if sheet else {})
    return shared, faults


def _kind(name: str, layers: tuple[Path, ...], shared: Mapping[str, Node], faults: list[str]) -> Kind:
    path = next(file for layer in reversed(layers) if (file := layer / name / KIND_FILE).is_file())
    check = Checker(faults)
    sheet = _sheet(path, faults) or Node(Mark(file=str(path)), {})
    templates = _templates(name, layers, Node(Mark(0, 0, str(path.parent))), check)
    if not NAME.fullmatch(name) or name in (FRAME, RETRACTION):
        check.fault(sheet, _("“{name}” is not a valid kind name.").format(name=name))
    kind = read_kind(name, sheet, shared, templates, check)
    country = in_force()
    example = example_in(country, name, kind.example)
    return replace(kind, example=example, fields=hinted(country, kind.fields))


def _templates(
    name: str, layers: tuple[Path, ...], place: Node, check: Checker
) -> Mapping[tuple[str, str], Template]:
    found: dict[tuple[str, str], Template] = {}
    for layer in layers:
        for path in sorted((layer / name).glob("*/*.md.j2")):
            match = _TEMPLATE.fullmatch(path.name)
            if match and LANGUAGE.fullmatch(path.parent.name):
                found[path.parent.name, match["form"]] = _template(path, check)
            else:
                check.faults.append(_misplaced(path))
    languages = {lang for lang, _form in found}
    for lang, form in ((lang, form) for lang in sorted(languages) for form in FORMS):
        if (lang, form) not in found:
            check.fault(place, _("{file} is missing.").format(file=f"{lang}/{form}.md.j2"))
    if not found:
        check.fault(place, _("There is no template in any language."))
    return found


def _template(path: Path, check: Checker) -> Template:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        check.faults.append(_("{path} cannot be read as UTF-8 text.").format(path=path))
        return Template("", str(path))
    if len(text) > LONGEST_TEMPLATE:
        check.faults.append(_("{path} is too long for a template.").format(path=path))
    return Template(text, str(path))


def _misplaced(path: Path) -> str:
    return _(
        "{path}: a template must be <language>/short.md.j2, long.md.j2 or <channel type>.md.j2."
    ).format(path=path)


def _prepared(layers: tuple[Path, ...], faults: list[str]) -> Prepared:
    place = Node(Mark(0, 0, str(layers[0] / RETRACTION)))
    return Prepared(
        retraction=_templates(RETRACTION, layers, place, Checker(faults)),
        edits=_lines(EDITS, layers, kind_file.EDITS, faults),
        card=_lines(CARD, layers, kind_file.CARD, faults),
        cap=_cap(layers, faults),
    )


def _cap(layers: tuple[Path, ...], faults: list[str]) -> CapTable:
    files = (file for layer in layers if (file := layer / CAP).is_file())
    return read_table(filter(None, (_sheet(path, faults) for path in files)), Checker(faults))


def _lines(
    name: str, layers: tuple[Path, ...], known: Mapping[str, tuple[str, ...]], faults: list[str]
) -> kind_file.Lines:
    found: dict[str, Mapping[str, str]] = {}
    for path in (file for layer in layers if (file := layer / name).is_file()):
        if sheet := _sheet(path, faults):
            found |= kind_file.read_lines(sheet, found, known, Checker(faults))
    return found


def _frame(layers: tuple[Path, ...], faults: list[str]) -> Frame:
    frame = Frame({}, {}, {}, {})
    for path in (file for layer in layers for file in sorted((layer / FRAME).glob("*.yaml"))):
        if sheet := _sheet(path, faults):
            frame = _with_language(frame, path.stem, sheet, Checker(faults))
    return frame


def _with_language(frame: Frame, lang: str, sheet: Node, check: Checker) -> Frame:
    check.keys(sheet, _FRAME_KEYS, _FRAME_KEYS)
    if not LANGUAGE.fullmatch(lang):
        check.fault(sheet, _("“{lang}” is not a language code.").format(lang=lang))
    part = {key: sheet.entries.get(key, Node(Mark(), "-")) for key in _FRAME_KEYS}
    refused = check.names(part["refused"], None) if "refused" in sheet.entries else ()
    return Frame(
        opening={**frame.opening, lang: check.text(part["opening"])},
        closing={**frame.closing, lang: check.text(part["closing"])},
        refused={**frame.refused, lang: refused},
        subject={**frame.subject, lang: check.text(part["subject"])},
    )


KEYS = (
    *("nothing_failed", "all_works", "disregard", "none", "all", "some", "these", "in_part"),
    *("wrong_number", "wrong_numbers", "right_number", "right_numbers", "right_in_part"),
    *("no_right_number", "no_right_numbers"),
)
LONGEST_LIST = 150  # characters: what still leaves room in a post


@dataclass(frozen=True, slots=True)
class ReadyWords:
    """Texts by language, then by name."""

    texts: Mapping[str, Mapping[str, str]]

    def spoken(self, languages: Collection[str]) -> "ReadyWords":
        """Only those in these languages."""
        return ReadyWords({lang: texts for lang, texts in self.texts.items() if lang in languages})

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

    def wrong(self, rows: Sequence[NumberRow], others: Iterable[NumberRow]) -> dict[str, str]:
        """What was wrong: these numbers by service and place, without the digits. `others`: those that stay."""
        named = self.numbers(rows, others)
        counted = {lang: text.format(count=len(rows)) for lang, text in self.each("some").items()}
        texts = self.each("wrong_number" if len(rows) == 1 else "wrong_numbers")
        return {
            lang: which if which == counted.get(lang) else texts[lang].format(which=which)
            for lang, which in named.items()
            if lang in texts
        }

    def right(self, wrong: int, known: int) -> dict[str, str]:
        """What is right: where the right numbers stand, of which `known` of `wrong` are in the message."""
        if not known:
            return self.each("no_right_number" if wrong == 1 else "no_right_numbers")
        if known < wrong:
            return self.each("right_in_part")
        return self.each("right_number" if wrong == 1 else "right_numbers")

    def announces_numbers(self, text: Mapping[str, str]) -> bool:
        """Whether a text says that the right numbers are in the message."""
        names = ("right_number", "right_numbers", "right_in_part")
        return any(text.get(lang) in words for lang, words in self._each_of(names))

    def _each_of(self, names: tuple[str, ...]) -> Iterable[tuple[str, set[str]]]:
        return (
            (lang, {texts[name] for name in names if name in texts})
            for lang, texts in self.texts.items()
        )

    def _named(self, rows: tuple[NumberRow, ...], rest: set[tuple[str, str]], lang: str) -> str:
        texts = self.texts[lang]
        for long in (True, False):
            listed = ", ".join(
                texts["these"].format(
                    service=service_named(key).name_in(lang), places=", ".join(places)
                )
                for key, places in _by_service(rows, rest, lang, texts, long=long)
            )
            # six codes in a row would be refused as a telephone number
            if len(listed) <= LONGEST_LIST and (long or not any(rules_words.dialled(listed))):
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

    place_of = {key: at for at, key in enumerate(services())}
    order = sorted(rows, key=lambda one: place_of.get(one.service, len(place_of)))
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
        for path in sorted((folder / READY_WORDS).glob("*.yaml")):
            texts.setdefault(path.stem, {}).update(_texts(path, Checker(faults)))
    if faults:
        raise ConfigInvalid(_("The messages folder has faults:"), faults)
    return ReadyWords(texts)


def _texts(path: Path, check: Checker) -> dict[str, str]:
    sheet = read_written(path)
    check.keys(sheet, (*KEYS, *kind_file.WORDS), ())
    kind_file.read_words(sheet, check)
    if not LANGUAGE.fullmatch(path.stem):
        check.fault(sheet, _("“{lang}” is not a language code.").format(lang=path.stem))
    return {name: check.text(node) for name, node in sheet.entries.items() if name in KEYS}
