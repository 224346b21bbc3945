"""The worker's own look at the audit and the tables: a little at a time, so that it costs the same however much was
sent; and the team is told once of what was found."""

import time
from hashlib import sha256

from alertbot.core.words import _, ngettext
from alertbot.db.portions import Portions
from alertbot.db.sql import Connection
from alertbot.ops import overview
from alertbot.people import store_tasks, tasks
from alertbot.people.tasks import NewTask
from alertbot.watch.context import WatchContext

LOOK_SECONDS = 10.0  # between two portions
PORTION = 2000  # rows
FIRST_SECONDS = 60.0  # after the start, when everything else is under way
REST_SECONDS = 3600.0  # from the end of a round to the next
CHANGED = "audit"  # a kind of task


class Rounds:
    """One per worker."""

    def __init__(self, service: WatchContext, *, first: float = FIRST_SECONDS) -> None:
        self._service = service
        self._portions = Portions(overview.other_texts)
        self._next = time.monotonic() + first

    async def look(self) -> tuple[str, ...] | None:
        """Compare a portion, unless the last round was a moment ago. At the end of a round, what was found."""
        if time.monotonic() < self._next:
            return None
        found = await self._service.database.read(lambda conn: self._portions.go_on(conn, PORTION))
        if found is not None:
            self._next = time.monotonic() + REST_SECONDS
        if found:
            await self._service.database.transact(lambda conn: self._tell(conn, found))
        return found

    def close(self) -> None:
        self._portions.close()

    async def _tell(self, conn: Connection, found: tuple[str, ...]) -> None:
        key = f"{CHANGED}:{sha256(repr(found).encode()).hexdigest()[:16]}"
        if key in await store_tasks.ever_raised(conn, [key]):
            return
        left = ngettext("{n} more.", "{n} more.", len(found) - 1).format(n=len(found) - 1)
        text = _(
            "The database is not as the audit says: {first} {more}Somebody may have written to it beside the program."
            " Run `alertbot audit verify`, and tell those who run the machine."
        ).format(first=found[0], more=f"{left} " if len(found) > 1 else "")
        await tasks.raise_(self._service, conn, NewTask(key, CHANGED, text))
