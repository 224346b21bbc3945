"""Where a page stands: a folder that a web server shows. An edition is whole or absent there.

    FOLDER/editions/000012-3f9a0c…/     every file of an edition
    FOLDER/editions/000012-3f9a0c….list what is in it, written before the files
    FOLDER/current                      a link to the edition that stands: the server's root

A new edition is written beside the one that stands, with links to what has not changed; only then `current` is moved
to it, in one step. What this program has not written it never deletes.
"""

import errno
import fcntl
import json
import mimetypes
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Protocol

from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.words import _

POINTER = "state.json"  # says which edition it is; written last where files cannot be moved at once
LINK, EDITIONS, LOCK = "current", "editions", ".lock"
WRITERS = 8  # files that a disk is waited for at once
READABLE = 0o644
PROBE_BYTES = 1_000_000
KEPT = 3  # editions: a reader may be in the midst of an older one
ASSETS = "assets/"  # pages that readers still have open ask for those of earlier editions
FOREVER = "public, max-age=31536000, immutable"
SHORTLY = "public, max-age=15, s-maxage=15, stale-while-revalidate=60, stale-if-error=86400"
TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".json": "application/json",
    ".xml": "application/cap+xml; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_NAME = re.compile(r"([0-9]{6,})-([0-9a-f]{12})")

Sums = Mapping[str, str]  # path -> SHA-256 of the file


class PlaceFailed(AlertbotError):
    """A place cannot be read or written just now; the sentence says why and what to do."""


class PlaceTaken(PlaceFailed):
    """Somebody else's files are where the page should stand."""


class PlaceOvertaken(PlaceFailed):
    """A later edition stands there already."""


@dataclass(frozen=True, slots=True)
class EditionFiles:
    """An edition as it is put somewhere. `digest`: over all files but the pointer."""

    sequence: int
    digest: str
    files: Mapping[str, bytes]

    @property
    def name(self) -> str:
        return f"{self.sequence:06d}-{self.digest[:12]}"


@dataclass(frozen=True, slots=True)
class Stood:
    """The edition that stands somewhere, by its own word."""

    sequence: int
    digest: str


class PagePlace(Protocol):
    """Where the files of a page go. Every method may wait for a disk or a network: call it in a thread."""

    @property
    def name(self) -> str:
        """The place as people know it: a folder or an address."""

    def stands(self) -> Stood | None:
        """The edition that stands now. Raises `PlaceFailed`."""

    def prepare(self, edition: EditionFiles) -> None:
        """Do all that nobody sees. Raises `PlaceFailed`; then the earlier edition stands as before."""

    def switch(self, edition: EditionFiles) -> None:
        """Make the prepared edition stand, and look whether it does. Raises `PlaceFailed`."""

    def probe(self) -> None:
        """Find out whether something could be written. Raises `PlaceFailed`."""

    def tidy(self) -> None:
        """Take away what earlier exports left: older editions, and what one that was killed had begun. Raises
        `PlaceFailed`."""

    def read(self, path: str) -> bytes | None:
        """A file of the edition that stands. Raises `PlaceFailed`."""

    def paths(self) -> Sums:
        """Every file of the edition that stands, with its sum. Raises `PlaceFailed`."""


def media_type(path: str) -> str:
    """What a server says a file of a page is."""
    suffix = PurePosixPath(path).suffix
    return TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"


def cache_control(path: str) -> str:
    """How long a file of a page may be kept by readers and caches."""
    return FOREVER if path.startswith(ASSETS) else SHORTLY


def digest_of(files: Mapping[str, bytes]) -> str:
    """What an edition is known by: SHA-256 over the paths and sums of all files but the pointer."""
    lines = [f"{path}\0{sum_of(files[path])}\n" for path in sorted(files) if path != POINTER]
    return sha256("".join(lines).encode()).hexdigest()


def sum_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def stood_of(pointer: bytes | None) -> Stood | None:
    """What a pointer says; None if it says nothing that this program wrote."""
    try:
        said = json.loads(pointer or b"")
        return Stood(int(said["sequence"]), str(said["hash"]))
    except (ValueError, TypeError, KeyError):
        return None


def overtaken(where: str, edition: EditionFiles, stands: Stood) -> str:
    sentence = _(
        "Edition {ours} of the page in {place} was not shown: edition {other} stands there already."
    )
    return sentence.format(ours=edition.sequence, place=where, other=stands.sequence)


def require_standing(place: PagePlace, edition: EditionFiles) -> None:
    """Read back what stands. Raises `PlaceFailed` if it is not this edition."""
    stands = place.stands()
    if stands != Stood(edition.sequence, edition.digest):
        sentence = _("The page in {place} does not show edition {n} although it was written there.")
        raise PlaceFailed(sentence.format(place=place.name, n=edition.sequence))


class FolderPlace:
    """A folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        return str(self._folder)

    @property
    def root(self) -> Path:
        """What a web server shows."""
        return self._folder / LINK

    def stands(self) -> Stood | None:
        with self._told():
            return stood_of(self.read(POINTER)) if self._linked() else None

    def read(self, path: str) -> bytes | None:
        with self._told(), suppress(FileNotFoundError, NotADirectoryError):
            return (self.root / path).read_bytes()
        return None

    def paths(self) -> Sums:
        with self._told():
            name = self._linked()
            listed = self._listed(name) if name else ()
            root = self._folder / EDITIONS / (name or "")
            return {
                path: sum_of(content.read_bytes())
                for path in listed
                if (content := root / path).is_file()
            }

    def prepare(self, edition: EditionFiles) -> None:
        with self._told(), self._alone():
            before = self._linked()
            if before == edition.name:
                return
            self._drop_begun(before)
            try:
                self._write(edition.name, edition.files, before)
            except OSError:
                self._drop(edition.name)  # half an edition would fill the disk that is full
                raise

    def switch(self, edition: EditionFiles) -> None:
        with self._told(), self._alone():
            before = self._linked()
            stands = stood_of(self.read(POINTER)) if before else None
            if stands and stands.sequence > edition.sequence:
                raise PlaceOvertaken(overtaken(self.name, edition, stands))
            if before != edition.name:
                self._move(edition.name)
        require_standing(self, edition)

    def _write(self, name: str, files: Mapping[str, bytes], before: str | None) -> None:
        """Write the files of an edition that does not stand yet."""
        root, old = self._folder / EDITIONS / name, self._folder / EDITIONS / (before or "")
        known = self._listed(before) if before else ()
        kept = [path for path in known if path.startswith(ASSETS) and path not in files]
        listing = root.with_suffix(".list")
        _put(listing, "".join(f"{path}\n" for path in sorted([*files, *kept])).encode())
        for folder in _folders(root, (*files, *kept)):
            _make(folder)
        wanted = {**{path: (old / path).read_bytes() for path in kept}, **files}
        same = {
            path for path in wanted if path in known and _linked(old / path, root / path, wanted[path])
        }
        _put_all({root / path: content for path, content in wanted.items() if path not in same})
        for folder in (*_folders(root, files), root.parent):
            _keep(folder)

    def _move(self, name: str) -> None:
        """The one step: from here on the new edition stands. Raises `PlaceFailed` if it was not prepared."""
        if not (self._folder / EDITIONS / name / POINTER).is_file():
            raise PlaceFailed(
                _("The edition {name} of the page is gone before it was shown.").format(name=name)
            )
        fresh = self._folder / f".{LINK}-{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(PurePosixPath(EDITIONS, name))
        fresh.replace(self.root)
        _keep(self._folder)

    def _linked(self) -> str | None:
        """The name of the edition that stands. Raises `PlaceTaken` if `current` is somebody else's."""
        try:
            target = self.root.readlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # it is no link
                raise PlaceTaken(self._taken()) from None
            raise
        if target.parent.name != EDITIONS or not _NAME.fullmatch(target.name):
            raise PlaceTaken(self._taken())
        return target.name if (self._folder / EDITIONS / target.name).is_dir() else None

    def _taken(self) -> str:
        return _(
            "The page cannot be put into {folder}: {link} is there and was not made by this program. Move it away, or"
            " give the page another folder."
        ).format(folder=self._folder, link=LINK)

    def _listed(self, name: str) -> tuple[str, ...]:
        """The paths that this program has put into an edition."""
        try:
            text = (self._folder / EDITIONS / f"{name}.list").read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        return tuple(path for path in text.splitlines() if _is_within(path))

    def probe(self) -> None:
        with self._told(), self._alone():
            trial = self._folder / f".{LINK}-trial"
            try:
                _put(trial, bytes(PROBE_BYTES))
            finally:
                trial.unlink(missing_ok=True)

    def tidy(self) -> None:
        with self._told(), self._alone():
            for name in {*self._names()[:-KEPT]} - {self._linked()}:
                self._drop(name)

    def _names(self) -> list[str]:
        """Every edition that this program has begun here, the first first."""
        found = (one.stem for one in (self._folder / EDITIONS).glob("*.list"))
        return sorted((name for name in found if _NAME.fullmatch(name)), key=_sequence)

    def _drop_begun(self, stands: str | None) -> None:
        """Drop what exports that were killed had begun: later than what stands."""
        for name in self._names():
            if stands is None or _sequence(name) > _sequence(stands):
                self._drop(name)

    def _drop(self, name: str) -> None:
        root, listed = self._folder / EDITIONS / name, self._listed(name)
        for path in listed:
            (root / path).unlink(missing_ok=True)
        for folder in reversed(_folders(root, listed)):
            with suppress(OSError):  # somebody has put something there: it stays
                folder.rmdir()
        root.with_suffix(".list").unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, whatever machine's process it is in, as far as the file system tells."""
        for folder in (self._folder, self._folder / EDITIONS):
            if not folder.is_dir():
                _make(folder)
        with (self._folder / LOCK).open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                sentence = _("Another worker is writing the page in {folder} just now.")
                raise PlaceFailed(sentence.format(folder=self._folder)) from None
            yield

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            sentence = _(
                "The page cannot be written in {folder}: {why}. What stood there stands as before; see to the folder,"
                " and it goes on by itself."
            )
            why = error.strerror or type(error).__name__
            raise PlaceFailed(sentence.format(folder=self._folder, why=why)) from None


def _sequence(name: str) -> int:
    return int(name.partition("-")[0])


def _folders(root: Path, paths: Iterable[str]) -> list[Path]:
    """The folders that these files are in, each after those that it is in."""
    found = {root / parent for path in paths for parent in PurePosixPath(path).parents}
    return sorted(found | {root}, key=lambda one: len(one.parts))


def _is_within(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts


def _linked(old: Path, new: Path, content: bytes) -> bool:
    """Whether the old file has this content and the new one is a link to it now."""
    try:
        if old.read_bytes() != content:
            return False
        new.unlink(missing_ok=True)
        os.link(old, new)
    except OSError:  # not there, or no links on this file system
        return False
    return True


def _make(folder: Path) -> None:
    """A folder that everybody may look into, whatever the service's own mask is: it is public."""
    folder.mkdir(exist_ok=True)
    folder.chmod(READABLE | 0o111)


def _put(path: Path, content: bytes) -> None:
    _put_all({path: content})


def _put_all(contents: Mapping[Path, bytes]) -> None:
    """Write these files, each whole, and have them on the disk: all are under way before the first is waited for."""
    for path, content in contents.items():
        path.unlink(missing_ok=True)  # another edition may have a link to it
        path.write_bytes(content)
        path.chmod(READABLE)
    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(_keep, contents))


def _keep(path: Path) -> None:
    """Have a file or a folder's names on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
