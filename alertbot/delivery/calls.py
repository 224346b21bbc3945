"""One call to a channel, and what it came to: a receipt, or one of the five errors, never anything else."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from alertbot.channels.base import Adapter
from alertbot.delivery.retry import Answer
from alertbot.errors import ChannelError, Uncertain, safe
from alertbot.model import Action, Post, Receipt
from alertbot.store import contents
from alertbot.store.database import Database
from alertbot.words import _

log = logging.getLogger(__name__)


class Calls:
    """Publishes, and asks where a channel can be asked. `longest` in seconds."""

    def __init__(
        self, adapters: Mapping[str, Adapter[Any]], database: Database, longest: float
    ) -> None:
        self._adapters = adapters
        self._database = database
        self._longest = longest
        self._limits: set[asyncio.Timeout] = set()  # of the calls under way
        self.hung_up = False

    def hang_up(self) -> None:
        """Wait for no call any more: those under way are perhaps sent."""
        self.hung_up = True
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        async with asyncio.timeout(0 if self.hung_up else self._longest) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    async def prepare(self, name: str, post: Post) -> None:
        """Hand over a picture before the call is written down as begun: nobody sees it yet, so that it
        may take its time, and a halt in between still stops the post."""
        if post.picture is None:
            return
        try:
            async with self._in_time():
                await self._adapters[name].prepare(post)
        except Exception as error:  # noqa: BLE001 - the call itself will say what is wrong
            about = {"channel": name, "alert": post.alert}
            log.warning(
                "%s: nothing was prepared for %s: %s", name, post.alert, safe(error), extra=about
            )

    async def publish(self, name: str, post: Post) -> Answer:
        """Make the call. What is uncertain is asked about at once."""
        adapter = self._adapters[name]
        try:
            async with self._in_time():
                return await adapter.publish(post)
        except ChannelError as error:
            answer: ChannelError = error
        except TimeoutError:
            answer = Uncertain(
                _("Perhaps sent: the worker was stopped before the channel answered.")
                if self.hung_up
                else _("Perhaps sent: the channel did not answer in time.")
            )
        except Exception as error:  # noqa: BLE001 - the request may have left: uncertain, never a crash
            answer = _unexpected(name, post, error)
        asks = adapter.spec.can_reconcile and post.action is Action.PUBLISH and not self.hung_up
        if asks and isinstance(answer, Uncertain):
            return await self.find(name, post) or answer
        return answer

    async def find(self, name: str, post: Post) -> Receipt | None:
        """The post, where it stands after all; not an earlier one with the same words."""
        try:
            async with self._in_time():
                receipt = await self._adapters[name].find(post)
            if receipt is not None and await self._is_known(name, receipt.id, post.delivery):
                receipt = None
        except Exception as error:  # noqa: BLE001 - then it stays uncertain
            log.warning(
                "%s could not say whether delivery %d of %s was sent: %s",
                name,
                post.delivery,
                post.alert,
                safe(error),
                extra={"channel": name, "alert": post.alert},
            )
            return None
        return receipt

    async def _is_known(self, name: str, remote_id: str, delivery: int) -> bool:
        return await self._database.read(
            lambda conn: contents.is_known(conn, name, remote_id, but=delivery)
        )


def _unexpected(name: str, post: Post, error: Exception) -> Uncertain:
    kind = type(error).__name__
    log.error(  # a traceback may hold a secret
        "Delivery %d of %s: %s failed unexpectedly: %s: %s",
        post.delivery,
        post.alert,
        name,
        kind,
        safe(error),
        extra={"channel": name, "alert": post.alert},
    )
    return Uncertain(_("Perhaps sent: the channel's program failed ({kind}).").format(kind=kind))
