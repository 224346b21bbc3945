"""News: each browser keeps one stream open, which says no more than that something has changed; the page then asks for
what it shows. One look at the database serves all streams, whoever wrote: this process, a worker, the command line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from typing import Any, TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from alertbot.core import loops
from alertbot.core.errors import StoreFailed
from alertbot.db.wake import Alarm
from alertbot.ops import now
from alertbot.ops.now import DeskGlance
from alertbot.watch.context import WatchContext

T = TypeVar("T")

BEAT_SECONDS = 15.0  # between two signs of life of a stream
LOOK_SECONDS = 2.0  # between two looks while nothing is heard: a worker that dies writes nothing
UNSURE_SECONDS = 0.5  # the same where not everything that is written is heard of
GATHER_SECONDS = 0.2  # at least between two looks: much that is sent is told of together
TURN_SECONDS = 30.0  # what only time changes: minutes that go by
SPREAD_SECONDS, SPREAD_OVER = 0.002, 200  # not all streams are told in the same moment
MOST_STREAMS = 1000
MOST_OF_ONE_SESSION = 6  # beyond, the oldest ends: a telephone that lost its network does not say so


class Following:
    """One open stream of a session."""

    def __init__(self, session: int, place: int) -> None:
        self.session = session
        self.patience = place % SPREAD_OVER * SPREAD_SECONDS
        self.over = False


class NewsStream(StreamingResponse):
    """A stream that ends with its browser, as the one of Starlette does, which keeps two more tasks for each."""

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        telling = asyncio.current_task()
        assert telling is not None

        async def listen() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            telling.cancel()

        gone = asyncio.create_task(listen())
        try:
            await self.stream_response(send)
        except asyncio.CancelledError:
            if not gone.done():
                raise
        finally:
            gone.cancel()


class NewsDesk:
    """What the desk was last found like, and whoever waits for it to change."""

    def __init__(self, service: WatchContext) -> None:
        self._service = service
        self._changed = asyncio.Event()
        self._streams: list[Following] = []
        self._opened = 0
        self._watching: asyncio.Task[None] | None = None
        self._glance: DeskGlance | None = None
        self._looked = 0.0
        self._made: dict[object, asyncio.Task[Any]] = {}
        self.version = ""

    @property
    def followers(self) -> int:
        return len(self._streams)

    @property
    def full(self) -> bool:
        return len(self._streams) >= MOST_STREAMS

    @asynccontextmanager
    async def following(self, session: int, stop: asyncio.Event) -> AsyncIterator[Following]:
        """Somebody follows: until then the database is not looked at."""
        own = [one for one in self._streams if one.session == session and not one.over]
        if len(own) >= MOST_OF_ONE_SESSION:
            own[0].over = True
            self._wake()
        mine = Following(session, self._opened)
        self._opened += 1
        self._streams.append(mine)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(stop))
        try:
            yield mine
        finally:
            self._streams.remove(mine)
            if not self._streams and self._watching is not None:
                watching, self._watching = self._watching, None
                self._forget()
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching

    async def changed(self, mine: Following, said: str, seconds: float) -> None:
        """Wait until the desk is another than was said, at most so long."""
        changed = self._changed
        if said != self.version:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()
                await asyncio.sleep(mine.patience)

    async def glance(self, head: int = 0) -> DeskGlance:
        """What the desk is like, as the streams were told or as it is now; never as it was before the audit was as
        long as `head`: who has seen what came of a form does not go back behind it."""
        moment = asyncio.get_running_loop().time()
        stale = self._watching is None and moment - self._looked > GATHER_SECONDS
        found = self._glance
        if found is None or stale or found.head < head:
            found, self._looked = await now.glance(self._service), moment
            self._note(found)
        return found

    async def shared(self, key: object, make: Callable[[], Awaitable[T]]) -> T:
        """What `make` gives: made once for all who ask between two changes, if anybody follows."""
        if self._watching is None:
            return await make()
        made = self._made
        if key not in made:
            made[key] = asyncio.ensure_future(make())
        try:
            found: T = await asyncio.shield(made[key])
        except BaseException:
            made.pop(key, None)
            raise
        return found

    def _forget(self) -> None:
        self._glance, self._made, self.version = None, {}, ""

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _watch(self, stop: asyncio.Event) -> None:
        ending = asyncio.create_task(self._wake_at(stop))
        try:
            async with Alarm(self._service.database) as alarm:
                await loops.keep("Looking for news", lambda: self._look(alarm, stop), stop)
        finally:
            ending.cancel()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake()

    async def _look(self, alarm: Alarm, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                self._note(await now.glance(self._service))
            except StoreFailed:
                self._forget()
                self._wake()  # the pages ask, and hear that the database is away
                raise
            await asyncio.sleep(GATHER_SECONDS)
            await alarm.wait(LOOK_SECONDS if alarm.sure else UNSURE_SECONDS)

    def _note(self, found: DeskGlance) -> None:
        turn = int(asyncio.get_running_loop().time() // TURN_SECONDS)
        strip = f"{found.strip}{turn if found.waiting else ''}"
        version = " ".join(
            sha256(one.encode()).hexdigest()[:16] for one in (strip, f"{found.all}{turn}")
        )
        if version != self.version:
            self._glance, self._made, self.version = found, {}, version
            self._wake()
