"""python-telegram-bot, set up for the configured server; and what its errors mean. Imported when
Telegram is first used."""

import logging
import re
import time
from datetime import timedelta
from typing import Any

from alertbot.channels.calling import trusted
from alertbot.channels.outcomes import PAST_WAIT_SECONDS, longest_wait, lost, unreachable
from alertbot.core.errors import ChannelDown, ChannelError, Rejected, Scope, Throttled, safe
from alertbot.core.lean import without
from alertbot.core.logs import quieten
from alertbot.core.model import Action
from alertbot.core.words import _

with without("cryptography", "pygments", "rich"):  # for passports and a command line: 10 MB
    import httpx
    import telegram
    from telegram.error import BadRequest, ChatMigrated, Conflict, Forbidden, InvalidToken, RetryAfter
    from telegram.request import HTTPXRequest


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


class _Requests(HTTPXRequest):
    """With times to wait of any form: the library fails on a text, on infinity, and takes 0 for none."""

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        found = HTTPXRequest.parse_json_payload(payload)
        given = found.get("parameters") if isinstance(found, dict) else None
        if isinstance(given, dict) and "retry_after" in given:
            wait = longest_wait([str(given["retry_after"])], time.time()) or PAST_WAIT_SECONDS
            seconds = round(min(max(wait, 1.0), LONGEST_WAIT_SECONDS) + 0.4999)
            found["parameters"] = {**given, "retry_after": seconds}
        return found


def _pool(connect_seconds: float, answer_seconds: float, connections: int) -> HTTPXRequest:
    return _Requests(
        connection_pool_size=connections,
        connect_timeout=connect_seconds,
        read_timeout=answer_seconds,
        write_timeout=answer_seconds,
        pool_timeout=answer_seconds,
        httpx_kwargs={"trust_env": False, "verify": trusted(), "follow_redirects": False},
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
OF_THE_CHAT = re.compile(
    r"chat not found|no(t enough)? rights|administrator rights|CHAT_|CHANNEL_|PEER_|TOPIC_|thread not found|SEND_AS"
    r"|USER_BANNED|deactivated|not a member|kicked|blocked|migrated|upgraded|was deleted|chat is invalid",
    re.IGNORECASE,
)
OF_THE_TEXT = re.compile(r"pars|entit|too long|empty|text|caption|url|encod|MESSAGE_TOO", re.IGNORECASE)
PAYMENT = re.compile(r"PAYMENT|BALANCE|not enough stars", re.IGNORECASE)
FLOOD = re.compile(r"too many requests|flood|SLOWMODE", re.IGNORECASE)
A_CODE = re.compile(r"[A-Z][a-z0-9]+(_[a-z0-9]+)+")  # the library writes TOPIC_CLOSED as Topic_closed
NOTHING_CHANGED = re.compile(r"message is not modified", re.IGNORECASE)
ALREADY_GONE = re.compile(r"message to delete not found", re.IGNORECASE)
PINNED_ALREADY = re.compile(r"already pinned|CHAT_NOT_MODIFIED", re.IGNORECASE)
ONLY_A_CAPTION = re.compile(r"there is no text in the message to edit", re.IGNORECASE)
NO_MORE = re.compile(r"message can't be (deleted|edited)", re.IGNORECASE)
NOT_THERE = re.compile(
    r"message to (edit|pin) not found|message not found|MESSAGE_ID_INVALID", re.IGNORECASE
)


def meaning(
    error: Exception, alert: str, *secrets: str, action: Action = Action.PUBLISH
) -> ChannelError:
    """Our error for any exception of a call that did `action`, without secrets."""
    why = safe(getattr(error, "message", ""), *secrets).rstrip(".") or type(error).__name__
    why = why.upper() if A_CODE.fullmatch(why) else why
    if isinstance(error, RetryAfter):
        return _too_fast(_seconds(error), alert)
    if isinstance(error, InvalidToken):
        told = _("Telegram does not know this bot token ({why}). Get a new one from @BotFather.")
        return ChannelDown(told.format(why=why), code="401")
    if isinstance(error, ChatMigrated):
        told = _("Telegram: the chat has a new id, {chat}. Put it in the configuration.")
        told = told.format(chat=error.new_chat_id)
        return Rejected(told, scope=Scope.CHANNEL, code="migrated")
    if isinstance(error, Forbidden | BadRequest):
        return _refused(why, alert, action, "403" if isinstance(error, Forbidden) else "400")
    if FLOOD.search(why):
        return _too_fast(longest_wait(re.findall(r"\d+", why)[:1], time.time()) or 0.0, alert)
    return _without_answer(error, why, alert)


def _too_fast(wait: float, alert: str) -> Throttled:
    told = _("Telegram: too many messages; {alert} goes out as soon as Telegram allows it.")
    wait = min(max(wait or PAST_WAIT_SECONDS, 1.0), LONGEST_WAIT_SECONDS)
    return Throttled(told.format(alert=alert), wait=wait, code="429")


def _refused(why: str, alert: str, action: Action, code: str) -> ChannelError:
    if action is not Action.PUBLISH:
        return _not_done(why, alert, action, code)
    if PAYMENT.search(why):
        told = _(
            "Telegram asks for payment before it takes {alert} ({why}). Pay it, or correct `chat`."
        )
        return ChannelDown(told.format(alert=alert, why=why), code="payment")
    if code == "403":
        told = _("Telegram: the bot may not write to this chat ({why}). Add it to the chat again.")
        return Rejected(told.format(why=why), scope=Scope.CHANNEL, code=code)
    if OF_THE_CHAT.search(why):
        told = _(
            "Telegram: {alert} cannot go to this chat ({why}). Correct `chat`, or the bot's rights."
        )
        return Rejected(told.format(alert=alert, why=why), scope=Scope.CHANNEL, code=code)
    if OF_THE_TEXT.search(why):
        told = _("Telegram rejected the text of {alert}: {why}. Change it and submit it again.")
    else:
        told = _("Telegram rejected {alert}: {why}.")
    return Rejected(told.format(alert=alert, why=why), code=code)


def _not_done(why: str, alert: str, action: Action, code: str) -> Rejected:
    """A refused edit, deletion, pin or picture: whatever the reason, posts may still go out."""
    if ONLY_A_CAPTION.search(why):
        told = _("{alert}: the message has a caption, not text.")
        return Rejected(told.format(alert=alert), code="caption")
    if NO_MORE.search(why):
        told = _(
            "Telegram no longer lets the bot change that message ({why}); after 48 hours only an"
            " administrator can. {alert} is unchanged there; change it by hand."
        )
        return Rejected(told.format(alert=alert, why=why), code="too_old")
    if NOT_THERE.search(why):
        told = _("{alert}: the message is no longer in the chat ({why}).")
        return Rejected(told.format(alert=alert, why=why), code="no_post")
    sentences = {
        Action.EDIT: _("Telegram did not change the message for {alert} ({why})."),
        Action.DELETE: _("Telegram did not delete the message for {alert} ({why})."),
        Action.PIN: _("Telegram did not pin {alert} ({why}). The bot needs the right to pin messages."),
    }
    told = sentences.get(action, _("Telegram did not take the picture of {alert} ({why})."))
    return Rejected(told.format(alert=alert, why=why), code=code)


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
