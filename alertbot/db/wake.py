"""Wake-ups: notices of changes to SQLite's file, so that nobody has to poll it (Linux: inotify(7),
through libc), and alarms across processes.

Elsewhere there are no notices, and some file systems give none: waiters also look by themselves.
"""

import asyncio
import ctypes
import logging
import os
import sqlite3
import struct
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from weakref import WeakKeyDictionary

from sqlalchemy.engine import make_url

from alertbot.core import loops
from alertbot.core.errors import safe
from alertbot.db.database import Database
from alertbot.db.engines import server_arguments

MODIFIED, CREATED = 0x2, 0x100  # IN_MODIFY, IN_CREATE
_HEAD = struct.Struct("iIII")  # watch, mask, cookie, length of the name that follows
_READ_BYTES = 65_536


class FileNotices:
    """Changes to a file and to those next to it whose name begins with its name (SQLite's -wal and
    -shm)."""

    def __init__(self, path: Path) -> None:
        self._name = path.name.encode()
        self._changed = asyncio.Event()
        self._fd = _watch(path.parent)
        if self._fd is not None:
            asyncio.get_running_loop().add_reader(self._fd, self._hear)

    @property
    def possible(self) -> bool:
        """Whether this system gives notices."""
        return self._fd is not None

    async def wait(self, seconds: float) -> bool:
        """Wait for a change, at most this many seconds; returns whether there was one since the last
        call."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        return self.take()

    def take(self) -> bool:
        """Whether there was a change since the last call."""
        changed = self._changed.is_set()
        self._changed.clear()
        return changed

    def close(self) -> None:
        if self._fd is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._fd = None

    def _hear(self) -> None:
        assert self._fd is not None
        try:
            told = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return
        place = 0
        while place < len(told):
            *_rest, length = _HEAD.unpack_from(told, place)
            name = told[place + _HEAD.size : place + _HEAD.size + length].rstrip(b"\0")
            place += _HEAD.size + length
            if name.startswith(self._name) or not name:  # without a name: some were lost
                self._changed.set()


def _watch(folder: Path) -> int | None:
    """An open inotify instance for a folder; None if there is no such thing, or no more are available."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        begin, add = libc.inotify_init1, libc.inotify_add_watch
    except AttributeError:
        return None
    fd = int(begin(os.O_NONBLOCK | os.O_CLOEXEC))
    if fd < 0:
        return None
    if add(fd, os.fsencode(folder), ctypes.c_uint32(MODIFIED | CREATED)) < 0:
        os.close(fd)
        return None
    return fd


log = logging.getLogger(__name__)

WATCH_SECONDS = 0.005  # between two looks at SQLite's data_version, while something is being written
AWAKE_SECONDS = 0.1  # for which that goes on after the last write: it is visible a moment later
UNSURE_SECONDS = 0.25  # between two looks until the system has told of a write
ASLEEP_SECONDS = 2.0  # the same afterwards, as long as it tells of every one
MOST_UNTOLD = 3  # changes that nobody told of, until the system is no longer relied upon
RECONNECT_SECONDS = 2.0


class Alarm:
    """`wait` returns after a ring, from this process or another, or after a while. All alarms of one
    `Database` share one listener."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rung = asyncio.Event()

    async def __aenter__(self) -> "Alarm":
        _LISTENERS.setdefault(self._database, _CommitListener(self._database)).join(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await _LISTENERS[self._database].leave(self)

    @property
    def sure(self) -> bool:
        """Whether no ring is ever lost: on SQLite the listener looks at the file by itself, while a connection to a
        server may be dead without anybody's knowing."""
        return self._database.dialect == "sqlite"

    def ring(self) -> None:
        """Wake everyone who waits for this alarm."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most `seconds`; returns whether there was one."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class _CommitListener:
    """Hears what is committed to one database by whomever, and rings every alarm. It listens while there is
    an alarm."""

    def __init__(self, database: Database) -> None:
        self._url, self._dialect = database.url, database.dialect
        self._alarms: set[Alarm] = set()
        self._listening: asyncio.Task[None] | None = None

    def join(self, alarm: Alarm) -> None:
        self._alarms.add(alarm)
        if self._listening is None:
            listen = self._watch_file if self._dialect == "sqlite" else self._listen
            kept = loops.keep("Listening for what is written", listen, asyncio.Event())
            self._listening = asyncio.create_task(kept)

    async def leave(self, alarm: Alarm) -> None:
        self._alarms.discard(alarm)
        if self._alarms or self._listening is None:
            return
        listening, self._listening = self._listening, None
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening

    def _ring(self) -> None:
        for alarm in self._alarms:
            alarm.ring()

    async def _watch_file(self) -> None:
        """The version is asked for on the loop's own thread: it is a look into shared memory and takes
        microseconds. While nobody writes it is hardly asked for: the system tells of a write."""
        path = _file(self._url)
        with closing(FileNotices(path)) as notices:
            waiting = _Waiting(notices)
            with closing(sqlite3.connect(path, isolation_level=None, timeout=0.1)) as connection:
                version = None
                while True:
                    with suppress(sqlite3.Error):
                        found = connection.execute("PRAGMA data_version").fetchone()
                        if version is not None and found != version:
                            waiting.changed()
                            self._ring()
                        version = found
                    await waiting.pause()

    async def _listen(self) -> None:
        import psycopg

        there = server_arguments(self._url)
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    **there, autocommit=True
                ) as connection:
                    await connection.execute("LISTEN alertbot")
                    self._ring()  # something may have been written while nobody listened
                    async for _notice in connection.notifies():
                        self._ring()
            except (psycopg.Error, OSError) as error:
                log.warning("Listening to the database was interrupted: %s", safe(error))
            await asyncio.sleep(RECONNECT_SECONDS)


def _file(url: str) -> Path:
    return Path(str(make_url(url).database)).resolve()


class _Waiting:
    """How long to wait between two looks at the version: very briefly after a write, long while there is
    none, and never long if the system gives no notices. Once the change is seen, each wait is twice the one
    before: only a second write, told of together with the first, may still follow."""

    def __init__(self, notices: FileNotices) -> None:
        self._notices = notices
        self._awake_until = 0.0
        self._step = WATCH_SECONDS
        self._told = True
        self._seen = False  # the change that was told of
        self._sure = False
        self._untold = 0

    def changed(self) -> None:
        """Note that the version has changed."""
        self._untold = 0 if self._told else self._untold + 1
        self._sure = self._untold == 0 and self._awake_until > 0
        self._told = False
        self._seen = True

    async def pause(self) -> None:
        clock = asyncio.get_running_loop().time
        if not self._notices.possible or self._untold >= MOST_UNTOLD:
            await asyncio.sleep(WATCH_SECONDS)
            return
        if clock() < self._awake_until:
            self._step = 2 * self._step if self._seen else WATCH_SECONDS
            await asyncio.sleep(self._step)
            told = self._notices.take()
        else:
            told = await self._notices.wait(ASLEEP_SECONDS if self._sure else UNSURE_SECONDS)
        if told:
            self._told, self._seen = True, False
            self._step, self._awake_until = WATCH_SECONDS, clock() + AWAKE_SECONDS


_LISTENERS: WeakKeyDictionary[Database, _CommitListener] = WeakKeyDictionary()
