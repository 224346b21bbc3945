"""Database failures as one plain sentence each. Never contains a statement, a value or a password."""

import errno
import shutil
import sqlite3
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from alertbot.core.errors import StoreFailed, StoreReplaced, safe
from alertbot.core.words import _

LEAST_ROOM_BYTES = 65_536  # that SQLite needs beside the database, for its -shm and -wal
SCHEMES = {
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
    "sqlite+aiosqlite": "sqlite+pysqlite",  # as it was written while that driver was used
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}


def parse_url(url: str) -> URL:
    """The address with our drivers; of several servers, the one that can be written to. Raises `StoreFailed` for
    anything but SQLite and PostgreSQL."""
    try:
        parsed = make_url(_several(url))
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in SCHEMES:
        raise StoreFailed(
            _(
                "The database address cannot be read. Write sqlite:///FILE or postgresql://USER@HOST:PORT/NAME."
            )
        )
    if parsed.drivername.startswith("sqlite") and (parsed.database or ":memory:") == ":memory:":
        raise StoreFailed(_("SQLite needs a file: write sqlite:///alertbot.db."))
    return parsed.set(drivername=SCHEMES[parsed.drivername])


def _several(url: str) -> str:
    """Addresses with several servers, which libpq has before the path, as SQLAlchemy has them: behind it."""
    scheme, mark, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    who, at, servers = place.rpartition("@")
    if "," not in servers or not scheme.startswith("postgres"):
        return url
    name, _mark, query = path.partition("?")
    if "target_session_attrs" not in query:
        query = (
            f"{query}&target_session_attrs=read-write" if query else "target_session_attrs=read-write"
        )
    hosts = "".join(f"host={one}&" for one in servers.split(","))
    return f"{scheme}{mark}{who}{at}{slash}{name}?{hosts}{query}"


def place(url: URL) -> str:
    """The database's name for people: a path, or host and name without user and password."""
    if url.drivername.startswith("sqlite"):
        return str(url.database)
    where = url.host or url.query.get("host") or "localhost"
    where = where if isinstance(where, str) else ",".join(where)
    return f"{where}/{url.database or ''}"


def explain(error: BaseException, url: URL) -> StoreFailed:
    """The `StoreFailed` for an error of SQLAlchemy, a driver or the operating system."""
    where = place(url)
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    state = getattr(origin, "sqlstate", None) or ""
    text = str(origin).lower()
    if isinstance(origin, OSError):
        return folder_failure(origin, url)
    if "disk i/o error" in text and _disk_is_full(url):
        return _full(where)
    for sentence, states, words in _sentences():
        if (state and state.startswith(states)) or any(word in text for word in words):
            return StoreFailed(sentence.format(place=where))
    reason = safe(str(origin).splitlines()[0] if str(origin) else type(origin).__name__)
    return StoreFailed(_("The database {place} failed: {reason}").format(place=where, reason=reason))


def _full(where: str) -> StoreFailed:
    return StoreFailed(_full_disk().format(place=where))


def _full_disk() -> str:
    return _(
        "The disk of the database {place} is full. Free some space and try again; nothing was changed."
    )


def _disk_is_full(url: URL) -> bool:
    """Whether the disk is full: SQLite reports "disk I/O error" if it cannot extend its side files."""
    try:
        return shutil.disk_usage(Path(str(url.database)).parent).free < LEAST_ROOM_BYTES
    except OSError:
        return False


def crossed(error: BaseException | None) -> bool:
    """Whether PostgreSQL ended this transaction because of a deadlock: it may be run again."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) in ("40P01", "40001")


def busy(error: BaseException | None) -> bool:
    """Whether SQLite's lock is taken: nothing was done, and it may be tried again."""
    return is_busy(getattr(error, "orig", None))


def is_busy(error: object) -> bool:
    """Whether this is SQLite's own word that its lock is taken."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def replaced(url: URL) -> StoreReplaced:
    """The error for a database file that was replaced or removed."""
    return StoreReplaced(
        _(
            "The database file {place} was replaced or removed while this worker was using it. The"
            " worker has stopped, because a halt in the new file would not reach it. Its last sends"
            " are recorded only in the old file: check the platforms, halt what is already out, then"
            " start the worker again."
        ).format(place=place(url))
    )


def folder_failure(error: OSError, url: URL) -> StoreFailed:
    """The error for a file that could not be created or opened."""
    where = place(url)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(where)
    if isinstance(error, FileNotFoundError):
        return StoreFailed(
            _("The folder of the database {place} does not exist. Create it first.").format(place=where)
        )
    if isinstance(error, PermissionError):
        return StoreFailed(
            _(
                "This user may not open the database {place}. Check the owner and permissions of the"
                " file and its folder."
            ).format(place=where)
        )
    if isinstance(error, IsADirectoryError):
        return StoreFailed(_("{place} is a folder, not a database file.").format(place=where))
    return StoreFailed(
        _("The database {place} cannot be used: {reason}").format(
            place=where, reason=safe(error.strerror or error)
        )
    )


def read_only(url: URL) -> StoreFailed:
    """The error for a database that cannot be written."""
    return StoreFailed(_sentences()[0][0].format(place=place(url)))


def missing(url: URL) -> StoreFailed:
    """The error for a database without anything of alertbot's."""
    where = place(url)
    if url.drivername.startswith("sqlite"):
        where = str(Path(where).absolute())
    return StoreFailed(_("{place} contains no database of alertbot.").format(place=where))


Sentences = list[tuple[str, tuple[str, ...], tuple[str, ...]]]
"""Sentence, SQLSTATE prefixes (PostgreSQL), words in the driver's text (SQLite, connecting)."""


def _sentences() -> Sentences:
    """The sentences by failure; the first that fits is used."""
    return [*_found_wrong(), *_not_opened()]


def _found_wrong() -> Sentences:
    """Failures of a database that was opened."""
    return [
        (
            _(
                "The database {place} is read-only. Make it writable and try again; nothing was changed."
            ),
            ("25006",),
            ("readonly database", "read-only"),
        ),
        (
            _(
                "The database {place} is locked by another program. Wait for it or stop it, then try"
                " again; nothing was changed."
            ),
            ("55P03", "40P01"),
            ("is locked", "lock timeout", "deadlock"),
        ),
        (
            _full_disk(),
            ("53100",),
            ("is full", "no space left"),
        ),
        (
            _("{place} is not a database of alertbot."),
            (),
            ("not a database", "is malformed", "file is encrypted"),
        ),
        (
            _("The tables of the database {place} are missing. Run `alertbot db upgrade`."),
            ("42P01", "42703"),
            ("no such table", "no such column"),
        ),
    ]


def _not_opened() -> Sentences:
    """Failures to reach a database."""
    return [
        (
            _("The database {place} rejected this user. Check the user and the password."),
            ("28", "42501"),
            ("password authentication failed", "permission denied", "no password supplied"),
        ),
        (
            _("The database {place} does not exist. Create it first."),
            ("3D000",),
            ("does not exist",),
        ),
        (
            _(
                "The database {place} cannot be opened. Check that the folder exists and that this"
                " user may write to it."
            ),
            (),
            ("unable to open",),
        ),
        (
            _(
                "The database {place} cannot be reached. Check the address and that the server is running."
            ),
            ("08", "57P"),
            (
                "connection failed",
                "connection refused",
                "could not connect",
                "connection timeout",
                "server closed",
                "connection is closed",
                "failed to resolve",
                "no such file or directory",
            ),
        ),
    ]


MAPPED = (SQLAlchemyError, PoolTimeout, OSError)
