"""python-telegram-bot, set up for the configured server; and what its errors mean. Imported when
Telegram is first used."""

import logging
import re
from datetime import timedelta

import httpx
import telegram
from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter
from telegram.request import HTTPXRequest

from alertbot.channels.outcomes import lost, unreachable
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Scope, Throttled, safe
from alertbot.core.logs import quieten
from alertbot.core.words import _


def bot(
    token: str, api_url: str, connect_seconds: float, answer_seconds: float, connections: int
) -> tuple[telegram.Bot, tuple[HTTPXRequest, ...]]:
    """A bot without rate limiter, and its two connection pools, which the caller must close.

    Both pools are our own: the library's would use the environment's proxies.
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


LONGEST_WAIT_SECONDS = 86_400.0
NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
OF_THE_CHAT = re.compile(r"chat not found|not enough rights|administrator rights|CHAT_", re.IGNORECASE)
NOTHING_CHANGED = re.compile(r"message is not modified", re.IGNORECASE)
ALREADY_GONE = re.compile(r"message to delete not found", re.IGNORECASE)
PINNED_ALREADY = re.compile(r"already pinned|CHAT_NOT_MODIFIED", re.IGNORECASE)
ONLY_A_CAPTION = re.compile(r"there is no text in the message to edit", re.IGNORECASE)
NO_MORE = re.compile(r"message can't be (deleted|edited)", re.IGNORECASE)
NOT_THERE = re.compile(
    r"message to (edit|pin) not found|message not found|MESSAGE_ID_INVALID", re.IGNORECASE
)


def meaning(error: Exception, alert: str, *secrets: str) -> ChannelError:
    """Our error for any exception of a call, without secrets."""
    why = safe(getattr(error, "message", ""), *secrets) or type(error).__name__
    match error:
        case RetryAfter():
            return Throttled(
                _(
                    "Telegram: too many messages; {alert} goes out as soon as Telegram allows it."
                ).format(alert=alert),
                wait=_seconds(error),
                code="429",
            )
        case InvalidToken():
            return ChannelDown(
                _(
                    "Telegram does not know this bot token ({why}). Get a new one from @BotFather."
                ).format(why=why),
                code="401",
            )
        case Forbidden():
            return Rejected(
                _(
                    "Telegram: the bot may not write to this chat ({why}). Add it to the chat again."
                ).format(why=why),
                scope=Scope.RECIPIENT,
                code="403",
            )
        case ChatMigrated():
            return Rejected(
                _("Telegram: the chat has a new id, {chat}. Put it in the configuration.").format(
                    chat=error.new_chat_id
                ),
                scope=Scope.CHANNEL,
                code="migrated",
            )
        case BadRequest():
            return _bad_request(why, alert)
    return _without_answer(error, why, alert)


def _bad_request(why: str, alert: str) -> ChannelError:
    if ONLY_A_CAPTION.search(why):
        return Rejected(
            _("{alert}: the message has a caption, not text.").format(alert=alert), code="caption"
        )
    if NO_MORE.search(why):
        return Rejected(
            _(
                "Telegram no longer lets the bot change that message ({why}); after 48 hours only an"
                " administrator can. {alert} is unchanged there; change it by hand."
            ).format(why=why.rstrip("."), alert=alert),
            code="too_old",
        )
    if NOT_THERE.search(why):
        return Rejected(
            _("{alert}: the message is no longer in the chat ({why}).").format(
                alert=alert, why=why.rstrip(".")
            ),
            code="no_post",
        )
    if OF_THE_CHAT.search(why):
        return Rejected(
            _(
                "Telegram: {alert} cannot go to this chat ({why}). Correct `chat`, or the bot's rights."
            ).format(alert=alert, why=why),
            scope=Scope.CHANNEL,
            code="400",
        )
    return Rejected(
        _("Telegram rejected the text of {alert}: {why}. Change it and submit it again.").format(
            alert=alert, why=why.rstrip(".")
        ),
        code="400",
    )


def _without_answer(error: Exception, why: str, alert: str) -> ChannelError:
    if isinstance(error, Conflict):
        return unreachable("Telegram", alert, error, why)
    cause = error.__cause__
    found = unreachable if isinstance(cause, NOT_SENT) else lost
    return found("Telegram", alert, cause or error)


def _seconds(error: RetryAfter) -> float:
    wait = error.retry_after  # an int, or a timedelta where PTB_TIMEDELTA is set
    seconds = wait.total_seconds() if isinstance(wait, timedelta) else float(wait)
    return min(max(seconds, 1.0), LONGEST_WAIT_SECONDS)


def new_chat(error: Exception) -> int | None:
    """A group's new id, if the call failed because it has become a supergroup."""
    moved = error.new_chat_id if isinstance(error, ChatMigrated) else None
    return moved if isinstance(moved, int) else None


def done_already(error: Exception) -> str | None:
    """The note for a call refused because its effect already exists; None if it was refused for another
    reason."""
    if not isinstance(error, BadRequest):
        return None
    if ALREADY_GONE.search(error.message):
        return _("It was already gone.")
    return "" if nothing_changed(error) or PINNED_ALREADY.search(error.message) else None


def nothing_changed(error: Exception) -> bool:
    """Whether the message already has the new content."""
    return isinstance(error, BadRequest) and bool(NOTHING_CHANGED.search(error.message))
