"""Every file that the words of a kind come from, as one fingerprint."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from alertbot.compose import catalogue
from alertbot.compose.ready_words import FOLDER as READY_WORDS

_TEMPLATES = "*/*.md.j2"
_SHARED = (
    catalogue.SHARED_FIELDS,
    catalogue.EDITS,
    catalogue.CARD,
    f"{catalogue.FRAME}/*.yaml",
    f"{catalogue.RETRACTION}/{_TEMPLATES}",
    f"{READY_WORDS}/*.yaml",
)


def fingerprint(kind: str, *folders: Path) -> str:
    """SHA-256 over the names and bytes of the files that alerts of this kind are made from, in every folder
    that lies over another: any byte that changes, changes it, whether an alert would show it or not.

    Where the folders lie on this machine does not matter. Raises `ConfigInvalid`.
    """
    found = hashlib.sha256()
    for count, layer in enumerate(catalogue.stacked(folders)):
        for path in _files(layer, kind):
            content = path.read_bytes()
            name = path.relative_to(layer).as_posix()
            found.update(f"{count}\0{name}\0{len(content)}\0".encode())
            found.update(content)
    return found.hexdigest()


def _files(layer: Path, kind: str) -> Iterator[Path]:
    patterns = (*_SHARED, f"{kind}/{catalogue.KIND_FILE}", f"{kind}/{_TEMPLATES}")
    for pattern in patterns:
        yield from sorted(path for path in layer.glob(pattern) if path.is_file())
