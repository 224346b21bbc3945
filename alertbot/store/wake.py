"""Waking workers: an event in the process, LISTEN on PostgreSQL, the file's version on SQLite.

Whoever waits must look by itself now and then as well: a wake-up may be lost, a promise may not.
"""

import asyncio
import logging
import sqlite3
from contextlib import suppress
from types import TracebackType

from sqlalchemy.engine import make_url

from alertbot.errors import safe
from alertbot.store.database import Database

log = logging.getLogger(__name__)

WATCH_SECONDS = 0.005  # between two looks at SQLite's data_version: some microseconds each
RECONNECT_SECONDS = 2.0


class Alarm:
    """`wait` returns when somebody has rung, in this process or another, or after a while."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rung = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Alarm":
        watch = self._watch_file if self._database.dialect == "sqlite" else self._listen
        self._watching = asyncio.create_task(watch())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    def ring(self) -> None:
        """Wake whoever waits in this process."""
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

    async def _watch_file(self) -> None:
        """Asked on the loop's own thread: it is a look into shared memory and takes microseconds."""
        path = str(make_url(self._database.url).database)
        connection = sqlite3.connect(path, isolation_level=None, timeout=0.1)
        try:
            version = None
            while True:
                with suppress(sqlite3.Error):
                    found = connection.execute("PRAGMA data_version").fetchone()
                    if version is not None and found != version:
                        self._rung.set()
                    version = found
                await asyncio.sleep(WATCH_SECONDS)
        finally:
            connection.close()

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

        url = make_url(self._database.url).set(drivername="postgresql")
        address = url.render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
            await connection.execute("LISTEN alertbot")
            self._rung.set()  # something may have been written while nobody listened
            async for _notice in connection.notifies():
                self._rung.set()
