"""Receiving Telegram updates, by polling or by webhook.

An update counts as processed only after it was handled, so a worker that dies in between handles it
again; the approval rules make that harmless. If the platform is down, polling is retried with growing
delays and never ends the worker.
"""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from telegram.ext import ApplicationBuilder

from alertbot.alerts.requests.queue import LONGEST_BACKOFF
from alertbot.alerts.requests.telegram.bot import TelegramWay
from alertbot.alerts.requests.telegram.updates import Status, UpdateHandlers
from alertbot.alerts.requests.telegram.webhook import leave_to_others
from alertbot.channels.telegram.client import meaning
from alertbot.core import loops
from alertbot.core.errors import ChannelError

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import Application


log = logging.getLogger(__name__)

POLL_SECONDS = 10
QUESTION_SECONDS = 5.0  # between two looks at reasons that nobody gave
HEARD = ("message", "callback_query")


async def listen(way: TelegramWay, stop: asyncio.Event, *, status: Status) -> None:
    """Handle messages and button presses until `stop` is set. `status`: the text for /status."""
    ear = UpdateHandlers(way, status)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(
            loops.keep(
                "telegram",
                partial(_listen_in_words, way, ear, stop),
                stop,
                longest=LONGEST_BACKOFF.total_seconds(),
            )
        )
        # those who gave no reason in time are told that nothing was changed
        tasks.create_task(loops.keep("telegram", ear.forget, stop, every=QUESTION_SECONDS))


async def _listen_in_words(way: TelegramWay, ear: UpdateHandlers, stop: asyncio.Event) -> None:
    """Listen until `stop` is set. Raises `ChannelError`, which never contains the token."""
    try:
        await _listen_once(way, ear, stop)
    except ChannelError:
        raise
    except Exception as error:  # noqa: BLE001 - the library's errors name the address, the token in it
        raise meaning(error, "getUpdates", way.token()) from None


async def _listen_once(way: TelegramWay, ear: UpdateHandlers, stop: asyncio.Event) -> None:
    """Listen until `stop` is set. Raises the library's own errors."""
    if way.hook and not way.hook.served:
        await leave_to_others(stop)
        return
    application = _application(way, ear)
    try:
        await application.initialize()
        if way.hook:
            await way.hook.listen(application, stop)
        else:
            await application.bot.delete_webhook()
            await _poll(application, stop)
    finally:
        await _shut(application)


def _application(way: TelegramWay, ear: UpdateHandlers) -> "Application[Any, Any, Any, Any, Any, Any]":
    bot, _requests = way.make()
    application = ApplicationBuilder().bot(bot).updater(None).job_queue(None).build()
    ear.attach(application)
    return application


async def _poll(application: "Application[Any, Any, Any, Any, Any, Any]", stop: asyncio.Event) -> None:
    offset = 0
    stopped = asyncio.ensure_future(stop.wait())
    try:
        while not stop.is_set():
            asking = asyncio.ensure_future(_news(application, offset))
            await asyncio.wait({asking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                asking.cancel()
                break
            for update in asking.result():
                if stop.is_set():  # another process fetches it again
                    break
                await application.process_update(update)
                offset = update.update_id + 1
        if offset:
            await application.bot.get_updates(offset=offset, timeout=0)  # these are dealt with
    finally:
        stopped.cancel()


async def _news(
    application: "Application[Any, Any, Any, Any, Any, Any]", offset: int
) -> "tuple[Update, ...]":
    found: tuple[Update, ...] = await application.bot.get_updates(
        offset=offset, timeout=POLL_SECONDS, allowed_updates=HEARD
    )
    return found


async def _shut(application: "Application[Any, Any, Any, Any, Any, Any]") -> None:
    try:
        await application.shutdown()
        await application.bot.shutdown()
    except Exception as error:  # noqa: BLE001 - it is gone all the same
        log.info("telegram: %s", type(error).__name__)
