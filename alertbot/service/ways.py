"""What a way to reach approvers must be able to do, and what it may do besides."""

import asyncio
from typing import Protocol, runtime_checkable

from alertbot.service.asking import Ask


class Way(Protocol):
    """How approvers are reached. Calls raise `ChannelError`; one that worked is not made again."""

    name: str

    async def ask(self, ask: Ask) -> str | None:
        """Ask; gives what the platform calls the request, None where it has no name for it."""

    async def close(self, ask: Ask, outcome: str) -> None:
        """Let the request show its outcome, one sentence, for everybody; nothing can be decided there
        any more. Only for requests with a name (`ask.message_ref`)."""


@runtime_checkable
class Updating(Protocol):
    """A way whose requests can show who has approved so far."""

    async def update(self, ask: Ask) -> None:
        """Show `ask.given`."""


@runtime_checkable
class Listening(Protocol):
    """A way that hears answers by itself, in the worker process."""

    async def listen(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Never raises for a platform that is down: it waits and tries again."""
