"""Loops that survive failures, with backoff; blocking library calls in threads that nobody has to wait for; and
writes that several callers share."""

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Generic, TypeVar

from alertbot.core.errors import AlertbotError, safe
from alertbot.core.frozen import dataclass

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread; returns or raises what it does. Neither a cancelled caller nor the end of
    the program waits for the thread: `asyncio.to_thread` would keep a process alive until the last
    call has ended. In a transaction that runs in a thread already, it runs there."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return work()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            result, error = work(), None
        except Exception as raised:  # noqa: BLE001 - raised again where it is awaited
            result, error = None, raised
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, result, error)

    spoken = contextvars.copy_context()  # the reader's language
    threading.Thread(target=spoken.run, args=(run,), name="call", daemon=True).start()
    return await done


log = logging.getLogger(__name__)

FIRST_SECONDS = 1.0  # after the first failure; doubled with each further one
LONGEST_SECONDS = 10.0  # what is due must not wait long once the trouble is over


@dataclass(frozen=True, slots=True)
class _Failing:
    failures: int  # in a row
    until: float  # by the clock of its `Backoff`


class Backoff:
    """What failed recently, by name, and when each may be retried. `clock` gives monotonic seconds."""

    def __init__(
        self,
        *,
        first: float = FIRST_SECONDS,
        longest: float = LONGEST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._first, self._longest, self._clock = first, longest, clock
        self._failing: dict[str, _Failing] = {}

    @property
    def failing(self) -> frozenset[str]:
        """The names whose last attempt failed."""
        return frozenset(self._failing)

    def wait(self, name: str) -> float:
        """Seconds until it may be retried; 0 if it is not failing."""
        found = self._failing.get(name)
        return 0.0 if found is None else max(0.0, found.until - self._clock())

    def next(self) -> float | None:
        """Seconds until the first failing one may be retried; None if none is failing."""
        return min((self.wait(name) for name in self._failing), default=None)

    def failed(self, name: str, error: BaseException, *, last: bool = False) -> None:
        """Note and log another failure; the next wait is longer. `last`: it is not tried again."""
        failures = 1 + (self._failing[name].failures if name in self._failing else 0)
        seconds = min(self._longest, self._first * 2.0 ** min(failures - 1, 30))
        self._failing[name] = _Failing(failures, self._clock() + seconds)
        said = f"Next try in {seconds:.0f} s." if not last else "It is not tried again."
        if isinstance(error, AlertbotError):
            log.warning("%s: %s %s", name, error, said)
        else:
            log.error("%s: an unexpected fault, %s. %s", name, safe(repr(error)), said)

    def worked(self, name: str) -> None:
        """Note a success; the next failure counts as the first."""
        found = self._failing.pop(name, None)
        if found is not None:
            log.info("%s: works again after %d failures.", name, found.failures)

    async def attempt(
        self, name: str, work: Callable[[], Awaitable[T]], stop: asyncio.Event | None = None
    ) -> T | None:
        """Try it, unless it failed a moment ago. Returns None if it was not tried or failed, which is
        logged; once `stop` is set, without promising another try."""
        if self.wait(name) > 0:
            return None
        try:
            done = await work()
        except Exception as error:  # noqa: BLE001 - told by `failed`; the loop goes on
            self.failed(name, error, last=stop is not None and stop.is_set())
            return None
        self.worked(name)
        return done


async def keep(
    name: str,
    work: Callable[[], Awaitable[object]],
    stop: asyncio.Event,
    *,
    every: float = 0.0,
    longest: float = LONGEST_SECONDS,
) -> None:
    """Run `work` until `stop` is set: again `every` seconds after it ended, and after a failure when its
    `Backoff` allows.

    `name` begins the log message. A `work` that runs until `stop` is restarted if it raises. `longest`:
    the most seconds between two attempts while it keeps failing.
    """
    backoff = Backoff(longest=longest)
    while not stop.is_set():
        await backoff.attempt(name, work, stop)
        await until(stop, backoff.wait(name) or every)


async def until(stop: asyncio.Event, seconds: float) -> None:
    """Wait this many seconds, or until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def each(name: str, items: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do `work` for every item, those behind one that fails too. Each failure but the first is logged under
    `name`; the first is raised once all were tried."""
    failed: list[Exception] = []
    for one in items:
        try:
            await work(one)
        except Exception as error:  # noqa: BLE001 - raised or logged below
            failed.append(error)
    for other in failed[1:]:
        log.warning("%s: %s", name, safe(str(other) or repr(other)))
    if failed:
        raise failed[0]


class DaemonThreads(ThreadPoolExecutor):
    """An executor whose threads nobody waits for: a name server that hangs cannot keep the program alive."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                future.set_exception(error)

        threading.Thread(target=run, name="executor", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing is waited for."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, but calls in threads (a look-up of a name) are left behind in the end."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(DaemonThreads())
        return runner.run(main)


Item = TypeVar("Item")
Answer = TypeVar("Answer")

LARGEST = 500  # items per transaction


class GroupCommit(Generic[Item, Answer]):
    """Collects items and passes them to `write`, which returns one result for each, in order.

    `write` must return a result for every item or raise; an exception reaches every caller in that
    group. Under load, when the previous group held several items, the next one begins no earlier than
    `linger` seconds after it, so that it gets several too; single items do not wait.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        linger: float = 0.0,
    ) -> None:
        self._write = write
        self._linger = linger
        self._several = False  # in the group before: there is load
        self._next = 0.0  # when the next group may begin then, by the event loop's clock
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Answer:
        """Hand in one item; returns once its transaction has committed."""
        return await self.put(item)

    def put(self, item: Item) -> "asyncio.Future[Answer]":
        """As `add`, for who does not wait."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answer))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return answer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                if self._several and self._linger:
                    await asyncio.sleep(max(0.0, self._next - asyncio.get_running_loop().time()))
                self._next = asyncio.get_running_loop().time() + self._linger
                group, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
                await self._write_group(group)
                self._several = len(group) > 1
        finally:
            self._writing = None

    async def _write_group(self, group: list[tuple[Item, "asyncio.Future[Answer]"]]) -> None:
        try:
            answers = await self._write([item for item, _future in group])
        except Exception as error:  # noqa: BLE001 - belongs to the callers, who hear of it
            for _item, future in group:
                if not future.done():
                    future.set_exception(error)
            return
        for (_item, future), answer in zip(group, answers, strict=True):
            if not future.done():
                future.set_result(answer)
