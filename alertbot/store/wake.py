"""Waking workers: an event in the process, LISTEN on PostgreSQL, the file's version on SQLite.

Whoever waits must look by itself now and then as well: a wake-up may be lost, a promise may not.
"""

import asyncio
import logging
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from weakref import WeakKeyDictionary

from sqlalchemy.engine import make_url

from alertbot import loops
from alertbot.errors import safe
from alertbot.store.database import Database
from alertbot.store.file_notices import FileNotices

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.005  # between two looks at SQLite's data_version, while something is being written
AWAKE_SECONDS = 0.1  # for which that goes on after the last write: it is visible a moment later
ASLEEP_SECONDS = 0.25  # between two looks while the system tells of no write
MOST_UNTOLD = 3  # changes that nobody told of, until the system is no longer relied upon
RECONNECT_SECONDS = 2.0


class Alarm:
    """`wait` returns when somebody has rung, in this process or another, or after a while. All alarms of
    one `Database` hear by one ear."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rung = asyncio.Event()

    async def __aenter__(self) -> "Alarm":
        _EARS.setdefault(self._database, _Ear(self._database)).join(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await _EARS[self._database].leave(self)

    def ring(self) -> None:
        """Wake whoever waits for this alarm."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Wait for a ring, at most `seconds`; whether there was one."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class _Ear:
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

        while True:
            try:
                await self._listen_once()
            except (psycopg.Error, OSError) as error:
                log.warning("Listening to the database was interrupted: %s", safe(error))
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        import psycopg

        url = make_url(self._url).set(drivername="postgresql")
        address = url.render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
            await connection.execute("LISTEN alertbot")
            self._ring()  # something may have been written while nobody listened
            async for _notice in connection.notifies():
                self._ring()


def _file(url: str) -> Path:
    return Path(str(make_url(url).database)).resolve()


class _Waiting:
    """How long to wait between two looks at the version: hardly at all after a write, long while there is
    none, and never long where the system does not tell of writes."""

    def __init__(self, notices: FileNotices) -> None:
        self._notices = notices
        self._awake_until = 0.0
        self._told = True
        self._untold = 0

    def changed(self) -> None:
        """The version is another one."""
        self._untold = 0 if self._told else self._untold + 1
        self._told = False

    async def pause(self) -> None:
        clock = asyncio.get_running_loop().time
        if not self._notices.possible or self._untold >= MOST_UNTOLD:
            await asyncio.sleep(WATCH_SECONDS)
            return
        if clock() < self._awake_until:
            await asyncio.sleep(WATCH_SECONDS)
            told = self._notices.take()
        else:
            told = await self._notices.wait(ASLEEP_SECONDS)
        if told:
            self._told, self._awake_until = True, clock() + AWAKE_SECONDS


_EARS: WeakKeyDictionary[Database, _Ear] = WeakKeyDictionary()
