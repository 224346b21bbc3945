"""python-telegram-bot, made to talk to the server we name. Imported when Telegram is first used."""

import logging

import telegram
from telegram.request import HTTPXRequest

from alertbot.channels.logs import quieten


def bot(
    token: str, api_url: str, connect_seconds: float, answer_seconds: float, connections: int
) -> tuple[telegram.Bot, tuple[HTTPXRequest, ...]]:
    """A bot without limiter, and the two connection pools to be shut down after it.

    Both pools are ours: one that the library makes would follow the environment's proxies.
    """
    # telegram logs the token when a bot is made, and bodies with a traceback; httpx logs every address
    quieten("telegram", level=logging.CRITICAL)
    quieten("httpx", "httpcore", "hpack")
    requests = tuple(_pool(connect_seconds, answer_seconds, connections) for _twice in range(2))
    made = telegram.Bot(
        token,
        base_url=f"{api_url}/bot",
        base_file_url=f"{api_url}/file/bot",
        request=requests[0],
        get_updates_request=requests[1],
    )
    return made, requests


def _pool(connect_seconds: float, answer_seconds: float, connections: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        connect_timeout=connect_seconds,
        read_timeout=answer_seconds,
        write_timeout=answer_seconds,
        pool_timeout=answer_seconds,
        httpx_kwargs={"trust_env": False, "follow_redirects": False},
    )
