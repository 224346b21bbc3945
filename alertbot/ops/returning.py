"""Mail that comes back to a mailbox: one worker at a time fetches it, settles it and puts it away.

What is settled is committed before it is put away, with a digest of the mail. So a worker that dies in between, or was
stopped and goes on beside its successor, counts nothing twice.
"""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from alertbot.channels.email.mailbox import MailboxUnread, ReturnsBox, ReturnsPlace
from alertbot.core.errors import ConfigInvalid
from alertbot.core.loops import in_thread, until
from alertbot.core.words import _
from alertbot.ops import store_leading
from alertbot.ops.leading import process_mark
from alertbot.ops.store_leading import Member
from alertbot.people import recipients, tasks
from alertbot.people.context import Context
from alertbot.people.recipients import ReturnedView
from alertbot.people.tasks import NewTask

if TYPE_CHECKING:
    from alertbot.channels.email.tokens import RecipientSeal

log = logging.getLogger(__name__)

MOST_MAILS = 1000  # in one round
ROUND_SECONDS = 15.0  # after which no further mails are fetched
LONGEST_ROUND = 40.0  # after which the connection is broken
LEASE_SECONDS = 50.0
TELL_AFTER = 3  # rounds that failed in a row
TASK = "returns"


class ReturnsKeeper:
    """The mailbox of one channel. `seals` reads the secrets of return addresses."""

    def __init__(
        self,
        service: Context,
        channel: str,
        place: ReturnsPlace,
        seals: "Callable[[], Mapping[str, RecipientSeal]]",
    ) -> None:
        self.channel, self.every = channel, place.every
        self._service, self._database = service, service.database
        self._place, self._seals = place, seals
        self._duty = f"returns:{sha256(channel.encode()).hexdigest()[:12]}"
        self._me = Member(f"{socket.gethostname()}:{os.getpid()}", socket.gethostname(), process_mark())
        self._failures = 0
        self._told = True  # perhaps, by a worker before this one

    async def keep(self, stop: asyncio.Event) -> None:
        """Look again and again until `stop` is set, which does not wait for a mail server."""
        while not stop.is_set():
            looking = asyncio.ensure_future(self.look())
            stopping = asyncio.ensure_future(stop.wait())
            try:
                await asyncio.wait({looking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if looking.done():
                    looking.result()
            finally:
                looking.cancel()
                stopping.cancel()
            await until(stop, self.every.total_seconds())

    async def look(self) -> ReturnedView | None:
        """Take in what has come back, unless another worker does. A mailbox that cannot be read is told to the team
        after a while; then, and while another reads it, None. Raises `StoreFailed`."""
        lease = partial(store_leading.take, duty=self._duty, who=self._me, seconds=LEASE_SECONDS)
        term = await self._database.transact(lease)
        if term is None:
            return None
        try:
            view = await self.read()
        except (MailboxUnread, ConfigInvalid) as error:
            await self._failed(str(error))
            return None
        finally:
            over = partial(store_leading.release, duty=self._duty, term=term)
            await self._database.transact(over)
        await self._worked(view)
        return view

    async def read(self) -> ReturnedView:
        """One round. Raises `MailboxUnread`, `ConfigInvalid` or `StoreFailed`."""
        box, seals = ReturnsBox(self._place), self._seals()
        try:
            async with asyncio.timeout(LONGEST_ROUND):
                return await self._settle(box, seals)
        except TimeoutError:
            told = _("The mailbox on {host} did not answer in time.")
            raise MailboxUnread(told.format(host=box.server.host)) from None

    async def _settle(self, box: ReturnsBox, seals: "Mapping[str, RecipientSeal]") -> ReturnedView:
        ends, done = time.monotonic() + ROUND_SECONDS, ReturnedView()
        try:
            await in_thread(box.open)
            batches = box.batches()
            while done.read < MOST_MAILS and time.monotonic() < ends:
                batch = await in_thread(lambda: next(batches, None))
                if batch is None:
                    break
                done = added([done, await recipients.returned(self._service, seals, batch.values())])
                await in_thread(partial(box.settled, list(batch)))
        except asyncio.CancelledError:  # a thread may still wait for the server
            box.abandon()
            raise
        finally:
            await in_thread(box.close)
        return done

    async def _failed(self, why: str) -> None:
        self._failures += 1
        log.warning("%s: %s", self.channel, why, extra={"channel": self.channel})
        if self._failures < TELL_AFTER:
            return
        told = _(
            "Mail that comes back is not read on {channel}: {why} Addresses that do not exist are still written to. Look"
            " after the mailbox or the settings `returns_…`; the worker tries again by itself."
        )
        text = told.format(channel=self.channel, why=why)
        new = NewTask(f"{TASK}:{self.channel}", TASK, text)
        await self._database.transact(lambda conn: tasks.raise_(self._service, conn, new))
        self._told = True

    async def _worked(self, view: ReturnedView) -> None:
        self._failures = 0
        if view.suppressed or view.counted:
            said = "%s: %d mails came back, %d addresses suppressed, %d failures counted."
            log.info(said, self.channel, view.read, view.suppressed, view.counted)
        if self._told:
            again, key = _("The mailbox can be read again."), f"{TASK}:{self.channel}"
            await self._database.transact(lambda conn: tasks.close(self._service, conn, key, again))
            self._told = False


def added(views: Iterable[ReturnedView]) -> ReturnedView:
    """The sum."""
    return ReturnedView(*(sum(column) for column in zip(*map(astuple, views), strict=True)))


async def trials(places: Mapping[str, ReturnsPlace]) -> dict[str, str]:
    """For each channel with a mailbox, why it cannot be read now, as a sentence; "" if it can."""
    found = {}
    for channel, place in places.items():
        box = ReturnsBox(place)
        try:
            async with asyncio.timeout(LONGEST_ROUND):
                await in_thread(box.open)
                await in_thread(box.close)
            found[channel] = ""
        except (MailboxUnread, ConfigInvalid) as error:
            found[channel] = str(error)
        except TimeoutError:
            told = _("The mailbox on {host} did not answer in time.")
            found[channel] = told.format(host=box.server.host)
    return found
