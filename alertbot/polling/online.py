"""Am I offline myself? Asked before the failure of a probe counts.

With `watch.online_checks` one of those addresses must answer, with anything at all; when none does, the fault is
here and says nothing about a service. Without them nothing is asked and a failure counts: a lone machine
cannot tell its own cable from the network of others, and to keep silent would be worse.
"""

import asyncio
from collections.abc import Sequence

from alertbot.polling.asking import address_of, asked
from alertbot.polling.clock import Clock, WallClock
from alertbot.polling.errors import NotFetched
from alertbot.polling.network import Network

FRESH_SECONDS = 5.0
PATIENCE_SECONDS = 5.0


class Online:
    """Asks all checks at once, and keeps the answer for a few seconds for the others who want to know."""

    def __init__(
        self,
        checks: Sequence[str],
        *,
        network: Network | None = None,
        clock: Clock | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._checks, self._patience = tuple(checks), patience
        self._network, self._clock = network or Network(), clock or WallClock()
        self._asking = asyncio.Lock()
        self._asked_at, self._answer = float("-inf"), True

    async def holds(self, since: float = float("-inf")) -> bool:
        """Whether this machine is online; True where no checks are configured.

        `since` (ticks of the clock): an answer from before it does not count, since the line may have been
        cut after it.
        """
        if not self._checks:
            return True
        async with self._asking:
            now = self._clock.ticks()
            if self._asked_at < max(since, now - FRESH_SECONDS):
                self._answer, self._asked_at = await self._one_answers(), now
            return self._answer

    async def _one_answers(self) -> bool:
        asking = [asyncio.create_task(self._answers(check)) for check in self._checks]
        try:
            for answer in asyncio.as_completed(asking):
                if await answer:
                    return True
            return False
        finally:
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)

    async def _answers(self, check: str) -> bool:
        """Whatever its status. A portal that answers in its stead fails on the certificate."""
        try:
            async with (
                asyncio.timeout(self._patience),
                asked(address_of(check), [], network=self._network, within=self._patience),
            ):
                return True
        except (NotFetched, TimeoutError):
            return False
