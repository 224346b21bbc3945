"""Asking the sources that do not report by themselves; `serve` does it, so that one process asks."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from alertbot.incident.signals import Signal
from alertbot.service import watching
from alertbot.service.context import Context

if TYPE_CHECKING:
    from alertbot.config import Config


async def keep(service: Context, config: "Config", stop: asyncio.Event) -> None:
    """Ask every source that is to be asked, in its own time, until `stop` is set."""
    asked = {name: one for name, one in config.sources.items() if not one.pushes}
    if not asked:
        return
    from alertbot.polling import loop

    async def take(source: str, reports: Sequence[Signal]) -> None:
        if reports:
            await watching.take(service, reports)
        else:
            await watching.heard(service, source)

    await loop.keep(asked, config.watch, take, stop)
