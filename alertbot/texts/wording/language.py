"""The words of a language that stand in no template: how times and dates are written, and what is said around places and
numbers. They are data, `ready_words/<language>.yaml` in the folders of kinds that this program goes by (`use`), so that a
language is files alone. What a language does not say is said in English."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from alertbot.config.yaml_reader import read_written
from alertbot.core.errors import ConfigInvalid
from alertbot.core.words import _, language
from alertbot.regions import packs
from alertbot.texts.kinds.kind_file import LANGUAGE, WORDS, Checker, Known, read_words

if TYPE_CHECKING:
    from babel import Locale

READY_WORDS = "ready_words"
OTHER = "en"
_OPTIONAL = frozenset(
    {"whole_hour", "day_first", "as_said", "summer_time", "winter_time", "and", "and_vowel", "day_word"}
)
_folders: ContextVar[tuple[Path, ...]] = ContextVar("folders", default=())

_Stamp = tuple[Path, int, int]  # a file as it is now
_read_before: ContextVar[dict[tuple[str, str], Mapping[str, str]] | None] = ContextVar(
    "read_before", default=None
)


def use(folders: tuple[Path, ...]) -> None:
    """From here on, in this task and those it starts, the words of these folders lie over the shipped ones."""
    _folders.set(folders)


@contextmanager
def using(folders: tuple[Path, ...]) -> Iterator[None]:
    """Within it the words of these folders lie over the shipped ones."""
    before = _folders.set(folders)
    try:
        yield
    finally:
        _folders.reset(before)


@contextmanager
def looked_up_once() -> Iterator[None]:
    """Within it nobody looks again whether a file of words was changed: one text is in the words of one moment, and a
    thousand looks are saved."""
    before = _read_before.set({})
    try:
        yield
    finally:
        _read_before.reset(before)


def phrase(name: str, lang: str, **places: object) -> str:
    """This wording in this language, else in English, with what stands in its braces; empty where neither has it.
    Raises `ConfigInvalid` for a broken file."""
    own = _words(lang)
    return (own[name] if name in own else _words(OTHER).get(name, "")).format(**places)


def given(name: str, lang: str) -> bool:
    """Whether the language itself has this wording."""
    return name in _words(lang)


def lacks_words(lang: str) -> bool:
    """Whether some of what the program says in this language is in English."""
    return bool(WORDS.keys() - _OPTIONAL - _words(lang).keys())


@cache
def locale_of(lang: str) -> "Locale | None":
    """Babel's locale of a language such as `fr` or `pt-BR`; None if it knows none."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(lang.replace("_", "-"), sep="-")
    except (UnknownLocaleError, ValueError):
        return None


def right_to_left(lang: str) -> bool:
    """Whether the language is written from right to left."""
    known = locale_of(lang)
    return known is not None and known.text_direction == "rtl"


def _words(lang: str) -> Mapping[str, str]:
    return words_of(READY_WORDS, lang, WORDS)


def files_of(*places: str) -> Iterator[Path]:
    """Every file of wordings in these folders, the shipped ones first."""
    for folder in _in_use():
        for place in places:
            yield from sorted((folder / place).glob("*.yaml"))


def _in_use() -> tuple[Path, ...]:
    return tuple(dict.fromkeys((packs.shipped().parent, *_folders.get())))


def words_of(place: str, lang: str, known: Known) -> Mapping[str, str]:
    """The wordings of `<place>/<language>.yaml` in the folders that this program goes by, later ones laid over the
    shipped. Raises `ConfigInvalid` for a broken file."""
    before = _read_before.get()
    if before is not None and (place, lang) in before:
        return before[place, lang]
    if not LANGUAGE.fullmatch(lang):
        return {}
    files = (folder / place / f"{lang}.yaml" for folder in _in_use())
    found = _read(tuple(_stamp(file) for file in files if file.is_file()), tuple(known.items()))
    if before is not None:
        before[place, lang] = found
    return found


def _stamp(file: Path) -> _Stamp:
    state = file.stat()
    return file, state.st_mtime_ns, state.st_size


@lru_cache(maxsize=64)
def _read(
    files: tuple[_Stamp, ...], known: tuple[tuple[str, tuple[str, ...]], ...]
) -> Mapping[str, str]:
    faults: list[str] = []
    found: dict[str, str] = {}
    for path, _changed, _size in files:
        found |= read_words(read_written(path), Checker(faults), dict(known))
    if faults:
        raise ConfigInvalid(_("The messages folder has faults:"), faults)
    return found


def language_name(lang: str) -> str:
    """The language's name in the reader's language; the code if it is unknown."""
    known = {"fr": _("French"), "en": _("English")}.get(lang)
    if known:
        return known
    described = locale_of(lang)
    return (described.get_display_name(language()) if described else None) or lang
