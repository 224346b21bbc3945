"""Where transactions run. On PostgreSQL their statements are awaited on the event loop. On SQLite a whole
transaction runs in a thread: a hop per statement would cost more than most statements."""

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

from sqlalchemy import URL, create_engine, event, make_url
from sqlalchemy.engine import Connection, Engine, Result, ScalarResult
from sqlalchemy.engine.cursor import FullyBufferedCursorFetchStrategy
from sqlalchemy.exc import InvalidatePoolError

from alertbot.db import audit, facts, sql

T = TypeVar("T")
Work: TypeAlias = Callable[[sql.Connection], Awaitable[T]]

SYNCHRONOUS = "FULL"  # NORMAL may lose the last commits with the power
BUSY_SECONDS = 30.0  # how long a writer waits for SQLite's lock before it says "locked"
ASK_SECONDS = (
    0.1  # of that in one go, inside SQLite, which passes over whoever asks the same way as many others
)
CONNECT_SECONDS = 10
SILENT_SECONDS = (
    10  # after which a connection on which nothing comes through any more is given up, at both ends
)
STALLED_SECONDS = (
    15  # that a writer may say nothing in a transaction; then the server ends it, and its locks
)
ALIVE_SECONDS = 0.1  # a connection that was in use so lately needs no question whether it still is one
READERS = 4


async def finish(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end even if the caller is cancelled, and only then pass on the cancellation.

    A task cancelled inside a transaction would leave it open with its locks, invisibly; every other
    process would then hang.
    """
    task = asyncio.ensure_future(coroutine)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await _outlast(task)
        raise


async def _outlast(task: "asyncio.Future[Any]") -> None:
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    if not task.cancelled():
        task.exception()  # retrieved: the caller was cancelled and hears of nothing else


async def _told(conn: sql.Connection, work: Work[T]) -> T:
    """`work`, and the audit is told what was written."""
    facts.begin(conn)
    done = await work(conn)
    await audit.complete(conn)
    return done


class FileEngine:
    """SQLite. Writers: one connection, BEGIN IMMEDIATE, so that a transaction never fails half-way for want
    of the lock. Readers have connections of their own, so that they never take that lock."""

    def __init__(self, url: URL, *, reader: bool) -> None:
        self._reader = reader
        self._most = most = READERS if reader else 1
        self.sync_engine = create_engine(
            url,
            connect_args={
                "isolation_level": None,
                "timeout": BUSY_SECONDS if reader else min(ASK_SECONDS, BUSY_SECONDS),
            },
            hide_parameters=True,
            pool_size=most,
            max_overflow=0,
            pool_timeout=60,
        )
        self._threads = self._new_threads()
        _prepare_file(self.sync_engine, reader=reader)

    async def run(self, work: Work[T]) -> T:
        """Run `work` in a transaction, whole in one thread; it ends even if the caller is cancelled. `work`
        may await nothing but its connection."""
        spoken = contextvars.copy_context()  # the reader's language, what was prepared
        task = partial(spoken.run, self._run, work)
        return await finish(_result(asyncio.get_running_loop().run_in_executor(self._threads, task)))

    ask = run  # a snapshot costs nothing here

    def _run(self, work: Work[T]) -> T:
        with self.sync_engine.connect() as connection, connection.begin():
            conn = cast("sql.Connection", ThreadConnection(connection))
            return _driven(work(conn) if self._reader else _told(conn, work))

    async def dispose(self) -> None:
        """Close every connection."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self.sync_engine.dispose)
        self._threads.shutdown(wait=False)
        self._threads = self._new_threads()  # it may be opened again

    def _new_threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._most, "sqlite-reader" if self._reader else "sqlite-writer")


async def _result(future: "asyncio.Future[T]") -> T:
    return await future


def _driven(work: Awaitable[T]) -> T:
    """The result of a coroutine that never has to wait."""
    steps = work.__await__()
    try:
        next(steps)
    except StopIteration as ended:
        result: T = ended.value
        return result
    steps.throw(RuntimeError("a transaction on SQLite may await nothing but its connection"))
    raise RuntimeError("a transaction on SQLite goes on waiting for something else")


class ThreadConnection:
    """What transactions use of an `AsyncConnection`, over a connection of this thread: nothing waits."""

    def __init__(self, connection: Connection) -> None:
        self.sync_connection = connection
        self.dialect = connection.dialect

    async def execute(self, *statement: Any) -> Result[Any]:
        return self.sync_connection.execute(*statement)

    async def scalar(self, *statement: Any) -> Any:
        return self.sync_connection.scalar(*statement)

    async def scalars(self, *statement: Any) -> ScalarResult[Any]:
        return self.sync_connection.scalars(*statement)

    async def exec_driver_sql(self, *statement: Any) -> Result[Any]:
        return self.sync_connection.exec_driver_sql(*statement)

    @asynccontextmanager
    async def begin_nested(self) -> AsyncIterator[None]:
        with self.sync_connection.begin_nested():
            yield


def _prepare_file(engine: Engine, *, reader: bool) -> None:
    begin = "BEGIN" if reader else "BEGIN IMMEDIATE"

    def connected(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        if not reader:
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        if reader:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    def began(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    def executed(_conn: Any, cursor: Any, _sql: Any, _values: Any, context: Any, _many: bool) -> None:
        """Read every row at once: what is written next must not change what is read, and rows are also
        looked at after the transaction."""
        if cursor.description:
            context.cursor_fetch_strategy = FullyBufferedCursorFetchStrategy(
                cursor, cursor.description, cursor.fetchall()
            )

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", began)
    event.listen(engine, "after_cursor_execute", executed)
    if not reader:
        facts.watch(engine)


def _ask_the_idle(engine: Engine) -> None:
    """Ask a connection whether it still is one, unless it was in use a moment ago: a question before each
    transaction was a sixth of what a short one costs."""

    def checked_in(_connection: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    def checked_out(connection: Any, record: Any, _proxy: Any) -> None:
        used = record.info.get("used")
        if used is None or time.monotonic() - used < ALIVE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", checked_in)
    event.listen(engine, "checkout", checked_out)


def server_arguments(url: str) -> dict[str, Any]:
    """How to connect to a server without SQLAlchemy, as psycopg takes it."""
    there = make_url(url).set(drivername="postgresql+psycopg")
    _nothing, named = there.get_dialect()().create_connect_args(there)
    return {**named, **_PATIENCE}


_PATIENCE = {
    "connect_timeout": CONNECT_SECONDS,
    "tcp_user_timeout": 1000 * SILENT_SECONDS,
    "keepalives_idle": SILENT_SECONDS // 2,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def _leave_no_lock(engine: Engine) -> None:
    """Have the server end the transaction of a writer that was stopped, or whose machine is cut off: it holds locks that
    everybody needs."""
    settings = {
        "idle_in_transaction_session_timeout": 1000 * STALLED_SECONDS,
        "tcp_user_timeout": 1000 * SILENT_SECONDS,
        "tcp_keepalives_idle": SILENT_SECONDS // 2,
        "tcp_keepalives_interval": 2,
        "tcp_keepalives_count": 3,
    }
    statement = "; ".join(f"SET {name} = {int(value)}" for name, value in settings.items())

    def connected(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()
        connection.commit()

    event.listen(engine, "connect", connected)


class ServerEngine:
    """PostgreSQL."""

    def __init__(self, url: URL, *, reader: bool) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine

        engine = create_async_engine(
            url,
            connect_args=dict(_PATIENCE),
            hide_parameters=True,
            pool_size=4,
            max_overflow=4,
            pool_use_lifo=True,  # the one that was in use last
        )
        _ask_the_idle(engine.sync_engine)
        self._reader = reader
        self._engine = engine
        self.sync_engine = engine.sync_engine
        if reader:
            only_reads = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            self._engine = engine.execution_options(**only_reads)
            self._at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
        else:
            _leave_no_lock(engine.sync_engine)
            facts.watch(engine.sync_engine)

    async def run(self, work: Work[T]) -> T:
        """Run `work` in a transaction that ends even if the caller is cancelled. Connecting to a server
        that does not answer is left at once: nothing has begun then."""
        conn = self._engine.connect()
        await conn.start()
        return await finish(self._run(conn, work))

    async def ask(self, work: Work[T]) -> T:
        """Run `work`, which is one statement that reads, without a transaction around it: a question to the server
        instead of three."""
        conn = self._at_once.connect()
        await conn.start()
        return await finish(self._run(conn, work))

    async def _run(self, conn: sql.Connection, work: Work[T]) -> T:
        try:
            async with conn.begin():
                return await (work(conn) if self._reader else _told(conn, work))
        finally:
            await conn.close()

    async def dispose(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
