"""Reading back: what the platform shows is compared with what was approved, after it was published.

It never delays publishing: it runs beside it, one look at a time and channel, and asks at most twice per
delivery. A platform may need some seconds to show a post everywhere, so that only the second look is
believed where the first one differs.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from alertbot.channels.base import Adapter
from alertbot.delivery.comparing import difference
from alertbot.delivery.ledger import Ledger
from alertbot.delivery.letters import Letters
from alertbot.errors import ChannelError, safe
from alertbot.model import Receipt
from alertbot.store import readback
from alertbot.store.connection import Connection
from alertbot.store.readback import Sent, Verdict

log = logging.getLogger(__name__)

FIRST_LOOK_SECONDS = 3.0  # after the post
SECOND_LOOK_SECONDS = 30.0  # after the first look
OTHERS_SECONDS = 120.0  # what another worker published is its own to look at for so long
WITHIN_SECONDS = 3600.0  # what is older is not looked at any more
LONGEST_LOOK = 60.0
SAME, UNKNOWN = "same", "unknown"


class ReadBack:
    """One per worker. Idle, without a look at the database, until `wake` says that something went out."""

    def __init__(self, adapters: Mapping[str, Adapter[Any]], ledger: Ledger) -> None:
        self._adapters = {
            name: one
            for name, one in adapters.items()
            if one.spec.can_read_back and one.channel.read_back
        }
        self._ledger = ledger
        self._letters = Letters(ledger.database, ledger.hooks)
        self._looked: dict[int, float] = {}  # delivery: monotonic moment of the first look
        self._awake = bool(self._adapters)

    def wake(self, channel: str) -> None:
        """Something went out on this channel."""
        self._awake = self._awake or channel in self._adapters

    async def round(self) -> None:
        """Look at what is ripe, one delivery per channel."""
        if not self._awake:
            return
        waiting = await self._waiting()
        self._awake = bool(waiting)
        ripe: dict[str, Sent] = {}
        for sent in waiting:
            if self._is_ripe(sent):
                ripe.setdefault(sent.channel, sent)
        await self._look_at(list(ripe.values()), first_counts=False)

    async def finish(self) -> None:
        """Look at everything now, once more after a second where it differs: for a worker that ends."""
        for last in (False, True):
            waiting = await self._waiting() if self._awake else []
            if not waiting:
                return
            if last:
                await asyncio.sleep(1.0)
            await self._look_at(waiting, first_counts=last)

    async def _waiting(self) -> list[Sent]:
        worker = self._ledger.worker
        return await self._ledger.database.read(
            lambda conn: readback.unread(
                conn,
                self._adapters.keys(),
                worker=worker,
                others_after=OTHERS_SECONDS,
                within=WITHIN_SECONDS,
            )
        )

    def _is_ripe(self, sent: Sent) -> bool:
        looked = self._looked.get(sent.id)
        if looked is None:
            return sent.age >= FIRST_LOOK_SECONDS
        return time.monotonic() - looked >= SECOND_LOOK_SECONDS

    async def _look_at(self, ripe: Sequence[Sent], *, first_counts: bool) -> None:
        by_channel: dict[str, list[Sent]] = {}
        for sent in ripe:
            by_channel.setdefault(sent.channel, []).append(sent)
        await asyncio.gather(*(self._in_turn(group, first_counts) for group in by_channel.values()))

    async def _in_turn(self, group: Sequence[Sent], first_counts: bool) -> None:
        for sent in group:
            words, differs = await self._look(sent)
            if words != SAME and not first_counts and sent.id not in self._looked:
                self._looked[sent.id] = time.monotonic()
                continue
            self._looked.pop(sent.id, None)
            await self._write(
                Verdict(sent.id, sent.alert, sent.channel, sent.remote_id, words, differs)
            )

    async def _look(self, sent: Sent) -> tuple[str, bool]:
        """ "same", "unknown" or the difference, and whether it is one."""
        adapter = self._adapters[sent.channel]
        letter = await self._letters.get([sent], adapter.spec.markup)
        if letter.refusal is not None:
            return UNKNOWN, False
        post = letter.post(sent)
        try:
            async with asyncio.timeout(LONGEST_LOOK):
                shown = await adapter.read_back(post, Receipt(sent.remote_id))
        except (ChannelError, TimeoutError) as error:
            log.info(
                "%s could not be asked what it shows of %s: %s",
                sent.channel,
                sent.alert,
                safe(error),
                extra={"channel": sent.channel, "alert": sent.alert},
            )
            return UNKNOWN, False
        found = difference(post, shown, adapter.spec.markup)
        return (SAME, False) if found is None else (found, True)

    async def _write(self, verdict: Verdict) -> None:
        async def work(conn: Connection) -> None:
            kept = await readback.write(conn, [verdict])
            if kept and verdict.differs and self._ledger.hooks.differs:
                await self._ledger.hooks.differs(conn, kept)

        await self._ledger.database.transact(work)
        if verdict.differs:
            log.warning(
                "%s shows something else than was approved for %s: %s",
                verdict.channel,
                verdict.alert,
                verdict.words,
                extra={"channel": verdict.channel, "alert": verdict.alert},
            )
