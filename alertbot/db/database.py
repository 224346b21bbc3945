"""The database: SQLite or PostgreSQL behind one interface, with transactions that survive cancellation.

Slow work for a transaction is prepared outside it, while everyone else can write. A transaction that needs such
a result asks for it with `prepared`, saying what it is computed from. If it is not there, `Database.transact`
rolls the transaction back, computes it, and runs the transaction again. The result counts only if its inputs are
unchanged; otherwise it is computed again."""

import asyncio
import logging
import os
import random
import stat
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, text
from sqlalchemy.exc import DBAPIError

from alertbot.core.errors import AlertbotError, Refused, StoreFailed
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.db import failures, migrate
from alertbot.db.engines import BUSY_SECONDS, FileEngine, ServerEngine, Work, finish
from alertbot.db.sql import Connection

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_TRIES = 8  # of making one thing whose grounds change each time; then somebody has to look
MOST_RUNS = 20  # of one transaction, whatever it asks for
CROSSED_TRIES = 4  # of one transaction that the database ended because of a deadlock


class Unprepared(Exception):
    """The transaction is to be taken back, `make` awaited, and the transaction run again."""

    def __init__(self, what: str, grounds: object, make: Callable[[], Awaitable[object]]) -> None:
        super().__init__(what)
        self.what, self.grounds, self.make = what, grounds, make


class Unsteady(Refused):
    """What something is made of changes faster than it can be made."""


@dataclass(frozen=True, slots=True)
class _Made:
    grounds: object
    value: Any = None
    error: AlertbotError | None = None


@dataclass(slots=True)
class Preparation:
    """What was made ready for one transaction, over all its runs."""

    _made: dict[str, _Made] = field(default_factory=dict)
    _tries: Counter[str] = field(default_factory=Counter)
    _drawn: defaultdict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    _places: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def begin(self) -> None:
        """A run of the transaction begins."""
        self._places.clear()

    async def make(self, wanted: Unprepared) -> None:
        """Make what the transaction asked for. What is refused is refused where it was asked for."""
        self._tries[wanted.what] += 1
        try:
            made = _Made(wanted.grounds, await wanted.make())
        except AlertbotError as error:
            made = _Made(wanted.grounds, error=error)
        self._made[wanted.what] = made

    def find(self, what: str, grounds: object, make: Callable[[], Awaitable[Any]], tries: int) -> Any:
        known = self._made.get(what)
        if known is None or known.grounds != grounds:
            if self._tries[what] >= tries or self._tries.total() >= MOST_RUNS:
                raise Unsteady(
                    _("Others kept changing the data this needs; nothing was done. Try again.")
                )
            raise Unprepared(what, grounds, make)
        if known.error is not None:
            raise known.error.with_traceback(None)
        return known.value

    def draw(self, what: str, fresh: Callable[[], Any]) -> Any:
        drawn, place = self._drawn[what], self._places[what]
        self._places[what] += 1
        if place == len(drawn):
            drawn.append(fresh())
        return drawn[place]


PRESENT: ContextVar[Preparation] = ContextVar("preparation")


def prepared(
    what: str, grounds: object, make: Callable[[], Awaitable[T]], *, tries: int = MOST_TRIES
) -> T:
    """What `make` gave outside the transaction that is under way, from exactly these `grounds`.

    `what` names it within the transaction. `make` may open transactions of its own. Raises what `make`
    raised, `Unsteady` where the grounds are others after so many tries, and else `Unprepared`, which is for
    `Database.transact` alone to catch.
    """
    made: T = PRESENT.get().find(what, grounds, make, tries)
    return made


def drawn(what: str, fresh: Callable[[], T]) -> T:
    """What is new at each call and has to be the same when the transaction is run again: a moment, a
    random name. The n-th call of a run gives what the n-th call of the first run gave."""
    present = PRESENT.get(None)
    value: T = fresh() if present is None else present.draw(what, fresh)
    return value


class Database:
    """One database. `transact` writes, `read` reads; both pass an `AsyncConnection` to a function."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self.dialect = "sqlite" if url.drivername.startswith("sqlite") else "postgresql"
        self.url = url.render_as_string(hide_password=False)
        make = FileEngine if self.dialect == "sqlite" else ServerEngine
        self._writer = make(url, reader=False)
        self._reader = make(url, reader=True)
        self._file: tuple[int, int] | None = None  # device and inode of SQLite's file, once it is open

    @classmethod
    async def open(cls, url: str, *, migrate: bool = True) -> "Database":
        """Open, and on first use create (file mode 0600) and migrate.

        Raises `StoreFailed` with a sentence: unreachable, read-only, locked, full, not a database, newer
        than the program, missing folder, wrong permissions.
        """
        parsed = failures.parse_url(url)
        if parsed.drivername.startswith("sqlite"):
            _create_file(parsed)
        return await _prepared(cls(parsed), cls._migrate if migrate else cls._look)

    @classmethod
    async def open_to_read(cls, url: str) -> "Database":
        """Open for a command that only shows. A new database is created as by `open`; one of an older
        version stays as it is, because it may belong to a running worker.

        Raises `StoreFailed` as `open` does, and for an older version with the command that migrates.
        """
        parsed = failures.parse_url(url)
        if _lacks_file(parsed):
            _create_file(parsed)
        elif parsed.drivername.startswith("sqlite"):
            _tighten(Path(str(parsed.database)))
        return await _prepared(cls(parsed), cls._require_current)

    @classmethod
    async def open_as_it_is(cls, url: str) -> "Database":
        """Open to halt what runs on it: whatever its version, and never created if it is missing. Raises
        `StoreFailed`, also for a database that was never used to publish."""
        parsed = failures.parse_url(url)
        if _lacks_file(parsed):
            raise failures.missing(parsed)
        return await _prepared(cls(parsed), cls._require_some)

    async def transact(self, work: Work[T], *, patience: float | None = None) -> T:
        """Run `work` in one write transaction; commit when it returns, roll back when it raises.

        On SQLite it waits its turn for up to `patience` seconds (`BUSY_SECONDS` by default), retrying at
        random intervals so that no waiter is passed over for long. After a deadlock it is rolled back
        and run again, so `work` must change nothing but the database. Raises `StoreFailed`.
        """
        preparation = Preparation()
        before = PRESENT.set(preparation)
        try:
            while True:
                try:
                    return await self._in_turn(work, preparation, patience)
                except Unprepared as wanted:
                    unprepared = wanted
                await preparation.make(unprepared)
        finally:
            PRESENT.reset(before)

    async def _in_turn(self, work: Work[T], preparation: Preparation, patience: float | None) -> T:
        until = time.monotonic() + (BUSY_SECONDS if patience is None else patience)
        crossed = 0
        while True:
            preparation.begin()
            try:
                return await self._guarded(self._writer.run(work))
            except StoreFailed as error:
                crossed += failures.crossed(error.__cause__)
                busy = failures.busy(error.__cause__) and time.monotonic() < until
                if not busy and not (failures.crossed(error.__cause__) and crossed < CROSSED_TRIES):
                    raise
            await asyncio.sleep(random.uniform(0.01, 0.1))  # noqa: S311 - no secret

    async def read(self, work: Work[T]) -> T:
        """Run `work` on one consistent snapshot that never waits for a writer; it may not write. Raises
        `StoreFailed`."""
        return await self._guarded(self._reader.run(work))

    async def ask(self, work: Work[T]) -> T:
        """As `read`, for `work` that is one statement. Raises `StoreFailed`."""
        return await self._guarded(self._reader.ask(work))

    def know_file(self) -> None:
        """Remember which file is open; called once after opening."""
        self._file = _identity(self._url)

    @property
    def replaced(self) -> bool:
        """Whether SQLite's file was replaced since it was opened: then everyone else writes to another
        file, and so does a halt."""
        return self._file is not None and self._file != _identity(self._url)

    def require_same_file(self) -> None:
        """Raises `StoreReplaced` if the file was replaced."""
        if self.replaced:
            raise failures.replaced(self._url)

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        await self._reader.dispose()

    async def _guarded(self, running: Coroutine[Any, Any, T]) -> T:
        try:
            return await running
        except failures.MAPPED as error:
            raise failures.explain(error, self._url) from error

    async def _look(self) -> str | None:
        return await self._guarded(self._reader.run(_revision))

    async def _migrate(self) -> None:
        revision = await self._look()

        if revision != migrate.HEAD:
            await self._guarded(finish(asyncio.to_thread(migrate.upgrade, self.url)))

    async def _require_current(self) -> None:
        revision = await self._look()

        if revision is None:
            await self._migrate()
        elif revision != migrate.HEAD:
            raise migrate.other_version(self.url, revision)

    async def _require_some(self) -> None:
        if await self._look() is None:
            raise failures.missing(self._url)


async def _prepared(database: Database, prepare: Callable[[Database], Awaitable[object]]) -> Database:
    try:
        await prepare(database)
    except BaseException:
        await database.close()
        raise
    database.know_file()
    return database


async def _revision(conn: Connection) -> str | None:
    """The schema's revision, or None for a new database. Asked without Alembic, which is slow to load."""
    try:
        found = (await conn.execute(text(migrate.VERSION))).mappings().one_or_none()
    except DBAPIError as error:
        if _no_such_table(error):
            return None
        raise
    if found is None:
        return None
    version, oldest = str(found["version_num"]), found.get("oldest")
    known = migrate.as_known(version, oldest)
    if known != version:
        log.warning(
            "The database is of a newer alertbot (version %s). This one goes on with it; update it soon.",
            version,
        )
    return known


def _no_such_table(error: DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", "") == "42P01" or "no such table" in str(error.orig)


def _identity(url: URL) -> tuple[int, int] | None:
    """Device and inode of SQLite's file; None if there is none, and for a server."""
    if not url.drivername.startswith("sqlite"):
        return None
    try:
        found = os.stat(str(url.database))  # noqa: PTH116 - asked before every call: no object is made for it
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _lacks_file(url: URL) -> bool:
    """Whether SQLite's file is missing; a server is assumed to exist."""
    return url.drivername.startswith("sqlite") and not Path(str(url.database)).is_file()


def _tighten(path: Path) -> None:
    """Take a database, as a copy or a restored backup may be, from users who are neither its owner nor in its
    group; from its group too, unless that may write. It holds addresses and the hashes of tokens."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        try:
            mode = stat.S_IMODE(each.stat().st_mode)
            if not mode & stat.S_IRWXO:
                continue
            each.chmod(mode & (0o770 if mode & stat.S_IWGRP else 0o700))
            log.warning("%s could be read by every user of this machine; it no longer can", each)
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning(
                "%s can be read by every user of this machine, and its mode cannot be changed (%s):"
                " have its owner run chmod 600",
                each,
                error.strerror,
            )


def _create_file(url: URL) -> None:
    """Create the file for its owner only; SQLite gives -wal and -shm the same mode. Raises `StoreFailed`
    if the folder cannot be written."""
    path = Path(str(url.database))
    _tighten(path)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except PermissionError as error:
        if path.is_file() and os.access(path, os.R_OK):
            raise failures.read_only(url) from error
        raise failures.folder_failure(error, url) from error
    except OSError as error:
        raise failures.folder_failure(error, url) from error
