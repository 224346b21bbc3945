"""Hearing what people do: by asking Telegram for news, or by being called.

An update counts as taken only when it has been dealt with, so a worker that dies in between deals with
it again; the rules of approving make that harmless. A platform that is down is tried again, more and more
slowly, and never ends the worker.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from alertbot.errors import AlertbotError, ChannelError
from alertbot.service.calling import backoff
from alertbot.teambot.hearing import Ear
from alertbot.teambot.way import TelegramWay

if TYPE_CHECKING:
    from telegram import Update
    from telegram.ext import Application

log = logging.getLogger(__name__)

POLL_SECONDS = 10
QUESTION_SECONDS = 5.0  # between two looks at reasons that nobody gave
HEARD = ("message", "callback_query")


async def listen(way: TelegramWay, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    ear = Ear(way)
    forgetting = asyncio.create_task(_forget(ear, stop))
    failures = 0
    while not stop.is_set():
        try:
            await _listen_once(way, ear, stop)
            failures = 0
        except Exception as error:  # noqa: BLE001 - whatever the library raises, the worker goes on
            log.warning("telegram: %s", _in_words(way, error))
            await until(stop, backoff(failures).total_seconds())
            failures += 1
    await forgetting


async def _listen_once(way: TelegramWay, ear: Ear, stop: asyncio.Event) -> None:
    """Returns when `stop` is set; raises what the platform answers."""
    application = _application(way, ear)
    try:
        await application.initialize()
        if way.settings.mode == "webhook":
            from alertbot.teambot.webhook import serve

            await serve(way, application, stop)
        else:
            await application.bot.delete_webhook()
            await _poll(application, stop)
    finally:
        await _shut(application)


def _application(way: TelegramWay, ear: Ear) -> "Application[Any, Any, Any, Any, Any, Any]":
    from telegram.ext import ApplicationBuilder

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


async def _forget(ear: Ear, stop: asyncio.Event) -> None:
    """Tell those who gave no reason in time that nothing was changed."""
    while not stop.is_set():
        try:
            await ear.forget()
        except AlertbotError as error:
            log.warning("telegram: %s", error)
        await until(stop, QUESTION_SECONDS)


async def until(stop: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until `stop` is set."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _in_words(way: TelegramWay, error: Exception) -> str:
    """The error as a sentence without the token."""
    if isinstance(error, ChannelError):
        return str(error)
    from alertbot.channels.telegram_errors import meaning

    return str(meaning(error, "getUpdates", way.token()))
