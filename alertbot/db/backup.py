"""Copies of an SQLite database: made while it is in use, and put in its place when nothing uses it.

Only whole copies count: one is written beside its name, looked through, and renamed.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from alertbot.core.errors import Misuse, Refused, StoreFailed, safe
from alertbot.core.words import _
from alertbot.db import migrate
from alertbot.db.failures import is_busy, parse_url, place

STEP_PAGES = 2_000  # copied between two words about how far it is
COMPACT_WAITS_MS = 10_000  # for others to finish what they read
SIDE_FILES = ("-wal", "-shm")
Told = Callable[[int, int], None]
"""Told how much is copied: pages done, pages in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyView:
    """A copy of a database, looked through and found whole. `size` in bytes; `rows`, `head`: of its audit;
    `version`: of its schema."""

    path: str
    size: int
    version: str
    rows: int
    head: str


def file_of(url: str, instead: str | None = None) -> Path:
    """The file of an SQLite database. Raises `Refused` for PostgreSQL, with what to use `instead`."""
    parsed = parse_url(url)
    if not parsed.drivername.startswith("sqlite"):
        copies = _(
            "The database {place} is on PostgreSQL, which copies it better than this program could: make the copy"
            " with `pg_dump --format=custom`, put it back with `pg_restore` into an empty database while no worker"
            " runs, then run `alertbot halt` before you start one."
        )
        raise Refused((instead or copies).format(place=place(parsed)))
    return Path(str(parsed.database))


def copy(source: Path, to: Path, told: Told) -> CopyView:
    """Copy a database, whatever is being written to it, as it is at one moment; readable by its owner only. `to` is
    a new file. Raises `StoreFailed` if it cannot be read or written, `Misuse` if `to` exists."""
    if not source.is_file():
        raise StoreFailed(_("There is no database {path}.").format(path=source))
    if to.exists():
        raise Misuse(_("{path} already exists; nothing was copied. Give another name.").format(path=to))
    part = to.with_name(f"{to.name}.part")
    with _told(source, to):
        try:
            _copied(source, part, told)
            view = look_through(part)
            part.rename(to)
        finally:
            part.unlink(missing_ok=True)
        _keep(to.parent)
    return CopyView(path=str(to), size=view.size, version=view.version, rows=view.rows, head=view.head)


def _copied(source: Path, part: Path, told: Told) -> None:
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    with closing(_open(source, "ro")) as old, closing(sqlite3.connect(part)) as new:
        old.execute("BEGIN")  # one moment: without it every commit elsewhere would start the copy again
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        old.backup(new, pages=STEP_PAGES, progress=lambda _code, left, all_: told(all_ - left, all_))
        new.execute("PRAGMA journal_mode = DELETE")  # a copy is one file
    with part.open("rb") as file:
        os.fsync(file.fileno())


def look_through(path: Path) -> CopyView:
    """Read every page of a copy. Raises `StoreFailed` if it is damaged, is no database of alertbot or one of a newer
    alertbot."""
    with _told(path, path), closing(_open(path, "ro")) as copied:
        damage = [str(row[0]) for row in copied.execute("PRAGMA quick_check(3)")]
        if damage != ["ok"]:
            sentence = _("The copy {path} is damaged: {why}. Do not use it.")
            raise StoreFailed(sentence.format(path=path, why=safe("; ".join(damage))))
        names = {str(row[0]) for row in copied.execute("SELECT name FROM sqlite_master")}
        if not {"alembic_version", "audit"} <= names:
            raise StoreFailed(_("{path} is no database of alertbot.").format(path=path))
        (version,) = copied.execute("SELECT version_num FROM alembic_version").fetchone()
        if version not in migrate.REVISIONS:
            raise migrate.other_version(f"sqlite:///{path}", version)
        row = copied.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    rows, head = row or (0, "")
    return CopyView(
        path=str(path), size=path.stat().st_size, version=version, rows=int(rows), head=str(head)
    )


def settle(path: Path) -> None:
    """Have everything that was written to a copy in the one file. Raises `StoreFailed`."""
    with _told(path, path), closing(_open(path, "rw")) as copied:
        copied.execute("PRAGMA journal_mode = DELETE")
    with _told(path, path), path.open("rb") as file:
        os.fsync(file.fileno())


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactedView:
    """A database written anew without what was deleted from it: its size before and after, in bytes. `clean`: the side
    file holds nothing old either."""

    database: str
    before: int
    after: int
    clean: bool


def compact(path: Path) -> CompactedView:
    """Write an SQLite database anew, so that nothing that was deleted or changed can be read from its files. Others
    wait meanwhile. Raises `StoreFailed`."""
    if not path.is_file():
        raise StoreFailed(_("There is no database {path}.").format(path=path))
    before = path.stat().st_size
    with _told(path, path), closing(_open(path, "rw")) as alone:
        alone.execute(f"PRAGMA busy_timeout = {COMPACT_WAITS_MS}")
        alone.execute("VACUUM")
        busy, *_pages = alone.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return CompactedView(database=str(path), before=before, after=path.stat().st_size, clean=not busy)


def put(copied: Path, path: Path, now: datetime) -> Path | None:
    """Have a copy, in the same folder, stand as the database. What stood there stays under another name, which is
    given, with what was in its side files; None if there was none. At no moment is there no database. Raises
    `Refused` if something has it open. One that is too damaged to be opened is kept as it is, side files too."""
    with _told(path, path):
        if not path.exists():
            copied.rename(path)
            _keep(path.parent)
            return None
        aside = path.with_name(f"{path.name}.before-restore-{now:%Y%m%dT%H%M%SZ}")
        with closing(_open(path, "rw")) as alone:
            readable = _held(alone, path)
            os.link(path, aside)
            for suffix in () if readable else SIDE_FILES:
                side = path.with_name(path.name + suffix)
                if side.exists():
                    side.rename(aside.with_name(aside.name + suffix))
            copied.replace(path)
        _keep(path.parent)
        return aside


def _held(alone: sqlite3.Connection, path: Path) -> bool:
    """Take the whole file; False if it is too damaged to be taken by anybody."""
    try:
        alone.execute("PRAGMA journal_mode = DELETE")  # given only to whoever has it open alone
        alone.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if not is_busy(error):
            return False
        sentence = _(
            "Something still has the database {path} open, perhaps a worker that was stopped or hangs; nothing was"
            " changed. Stop every `alertbot run` and `alertbot serve`, then try again."
        )
        raise Refused(sentence.format(path=path)) from None
    return True


def _open(path: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(str(path.absolute()))}?mode={mode}"
    return sqlite3.connect(address, uri=True, isolation_level=None, timeout=1)


def _keep(folder: Path) -> None:
    """What was renamed in it stays renamed if the power fails."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(source: Path, to: Path) -> Iterator[None]:
    """Errors of SQLite and of the operating system as one sentence."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            full = _("{path} cannot be written: {why}.")
            raise StoreFailed(full.format(path=to, why=safe(str(error)))) from None
        sentence = _("The database {path} cannot be read: {why}.")
        raise StoreFailed(sentence.format(path=source, why=safe(str(error)))) from None
    except OSError as error:
        sentence = _("{path} cannot be written: {why}.")
        raise StoreFailed(sentence.format(path=to, why=safe(error.strerror or str(error)))) from None
