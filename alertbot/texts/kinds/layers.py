"""The folders that kinds are read from, which lie over each other, and whether their files are still as they were:
texts are composed while people wait, and reading everything again took longer than composing."""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from alertbot.core.errors import ConfigInvalid
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.regions.facts import in_force

SHARED_FIELDS = "fields.yaml"
FRAME = "exercise_frame"
RETRACTION = "retraction"
EDITS, CARD, CAP = "edits.yaml", "card.yaml", "cap.yaml"
READY_WORDS = "ready_words"
KIND_FILE = "kind.yaml"
_NO_KIND = "-"  # the name of none
SETTLED_SECONDS = 2.0  # after its last change, two changes of a file can be told apart by their times

_TEMPLATES = "*/*.md.j2"
_SHARED = (
    SHARED_FIELDS,
    EDITS,
    CARD,
    CAP,
    f"{FRAME}/*.yaml",
    f"{RETRACTION}/{_TEMPLATES}",
    f"{READY_WORDS}/*.yaml",
)


@cache
def shipped() -> Path:
    """The folder of the shipped kinds: in a wheel, or in a clone."""
    package = Path(__file__).parents[2]
    installed = package / "_shipped" / "messages"
    return installed if installed.is_dir() else package.parent / "messages"


def stacked(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """The shipped folder and those that override it. Raises `ConfigInvalid` for a folder that is
    missing."""
    for folder in folders:
        if not folder.is_dir():
            raise ConfigInvalid(_("The messages folder {path} does not exist.").format(path=folder))
    return (shipped(), *(folder for folder in folders if folder.resolve() != shipped().resolve()))


def has_kind(name: str, *folders: Path) -> bool:
    """Whether some folder has a kind with this name. Raises `ConfigInvalid`."""
    plain = Path(name).name == name  # a path out of the folder is no name
    return plain and any((layer / name / KIND_FILE).is_file() for layer in stacked(folders))


def fingerprint(kind: str, *folders: Path) -> str:
    """SHA-256 over the names and bytes of the files that alerts of this kind are made from, in every
    folder, and of the country pack: any changed byte changes it, whether or not an alert would show it.

    Where the folders are on this machine does not matter. Raises `ConfigInvalid`.
    """
    layers = stacked(folders)
    known, seen = _KNOWN.get((kind, layers)), _SEEN.get()
    if known is None or (id(known) not in seen and not known.stands()):
        known = _read(kind, layers)
        if known.settled():
            _KNOWN[kind, layers] = known
    if isinstance(seen, dict):
        seen[id(known)] = known
    found = known.bytes_of_all.copy()
    found.update(in_force().fingerprint.encode())
    return str(found.hexdigest())


@contextmanager
def seen_once() -> Iterator[None]:
    """Within it each kind's files are looked at once, however many fingerprints are taken."""
    before = _SEEN.set({})
    try:
        yield
    finally:
        _SEEN.reset(before)


def shared_fingerprint(*folders: Path) -> str:
    """What changes with what all kinds share; perhaps also with one kind, which was read before."""
    layers = stacked(folders)
    known = next((kind for kind, place in _KNOWN if place == layers), _NO_KIND)
    return fingerprint(known, *folders)


_Mark = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Reading:
    """The files of a kind as they were read. `marks`: of each, and of each folder that may get another."""

    bytes_of_all: Any  # of hashlib
    marks: Mapping[str, _Mark | None]
    at: int

    def stands(self) -> bool:
        """Whether nothing was changed, added or removed since. The time of a change of an inode cannot be set back."""
        return all(_mark(path) == mark for path, mark in self.marks.items())

    def settled(self) -> bool:
        """Whether any later change will show in the marks: times are not exact."""
        newest = max((max(mark[2:]) for mark in self.marks.values() if mark), default=0)
        return newest < self.at - SETTLED_SECONDS * 1e9


_KNOWN: dict[tuple[str, tuple[Path, ...]], _Reading] = {}
_SEEN: ContextVar[Mapping[int, _Reading]] = ContextVar("seen", default=MappingProxyType({}))


def _mark(path: str) -> _Mark | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - asked for some fifty paths at once: no object is made for each
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _read(kind: str, layers: tuple[Path, ...]) -> _Reading:
    at = time.time_ns()
    found = hashlib.sha256()
    marks: dict[str, _Mark | None] = {}
    for count, layer in enumerate(layers):
        paths = list(_files(layer, kind))
        watched = [layer, *(layer / name for name in (FRAME, RETRACTION, READY_WORDS, kind))]
        inner = [one for name in (RETRACTION, kind) for one in _folders(layer / name)]
        marks |= {path: _mark(path) for path in (*map(str, watched + paths), *inner)}
        for path in paths:
            content = path.read_bytes()
            name = path.relative_to(layer).as_posix()
            found.update(f"{count}\0{name}\0{len(content)}\0".encode())
            found.update(content)
    return _Reading(found, marks, at)


def _folders(parent: Path) -> list[str]:
    try:
        with os.scandir(parent) as found:
            return [one.path for one in found if one.is_dir()]
    except OSError:  # it is not there
        return []


def _files(layer: Path, kind: str) -> Iterator[Path]:
    patterns = (*_SHARED, f"{kind}/{KIND_FILE}", f"{kind}/{_TEMPLATES}")
    for pattern in patterns:
        yield from sorted(path for path in layer.glob(pattern) if path.is_file())
