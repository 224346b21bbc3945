"""What people do in Telegram's chats, as a bot hears of it: by asking, or by being called."""

import asyncio
import json
import re
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import URLError

from alertbot.rehearsal.sandbox.telegram_chats import BadCall, whole
from alertbot.rehearsal.sandbox.telegram_messages import TelegramMessages

LONGEST_POLL_SECONDS = 50.0
LONGEST_ANSWER = 200
FIRST_QUERY = 4_000_000_000
CALL_SECONDS = 10.0
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
CONFLICT = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the "
    "webhook first"
)


@dataclass(frozen=True, slots=True)
class ButtonAnswer:
    """What somebody who pressed a button was told. `alert`: in a window that has to be closed."""

    query: str
    text: str
    alert: bool


class Updates:
    """The updates that wait for the bot, and the address it wants to be called at."""

    def __init__(self, desk: TelegramMessages) -> None:
        self._desk = desk
        self._waiting: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._last = 0
        self._calls: set[asyncio.Future[bool]] = set()
        self.webhook, self.secret = "", ""
        self.answers: list[ButtonAnswer] = []

    def press(self, chat: int, message: int, data: str, person: int, name: str) -> str:
        """Somebody presses a button: the bot gets a callback query, whose id this is."""
        query_id = str(FIRST_QUERY + self._last + 1)
        query = {
            "id": query_id,
            "from": _person(person, name),
            "message": self._desk.shown(chat, message),
            "chat_instance": str(chat),
            "data": data,
        }
        self._add({"callback_query": query})
        return query_id

    def say(self, chat: int, text: str, person: int, name: str, reply_to: int | None) -> int:
        """Somebody writes to a chat; gives the message's number."""
        message = self._desk.hear(chat, text, _person(person, name), reply_to)
        self._add({"message": message})
        return int(message["message_id"])

    async def poll(self, fields: Mapping[str, Any]) -> None:
        """Wait for news as long as the call asks."""
        written = str(fields.get("timeout") or 0)
        seconds = min(int(written), LONGEST_POLL_SECONDS) if written.isdecimal() else 0
        if not self._waiting and seconds > 0 and not self.webhook:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except TimeoutError:
                return

    def take(self, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
        if self.webhook:
            raise BadCall(CONFLICT, 409)
        offset = whole(fields, "offset")
        self._waiting = [update for update in self._waiting if update["update_id"] >= offset]
        return self._waiting[: whole(fields, "limit") or 100]

    def answer(self, fields: Mapping[str, Any]) -> bool:
        known = str(fields.get("callback_query_id", ""))
        if not re.fullmatch(r"[0-9]{10,12}", known) or not 0 < int(known) - FIRST_QUERY <= self._last:
            raise BadCall(
                "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        text = str(fields.get("text") or "")
        if len(text) > LONGEST_ANSWER:
            raise BadCall("Bad Request: MESSAGE_TOO_LONG")
        self.answers.append(ButtonAnswer(known, text, str(fields.get("show_alert")).lower() == "true"))
        return True

    def set_webhook(self, fields: Mapping[str, Any]) -> bool:
        """Call this address from now on. As the sandbox stays on this machine, so must the address."""
        url, secret = str(fields.get("url") or ""), str(fields.get("secret_token") or "")
        if url and not re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]", url):
            raise BadCall("Bad Request: bad webhook: the sandbox calls 127.0.0.1 alone")
        if secret and not SECRET.fullmatch(secret):
            raise BadCall("Bad Request: secret token contains unallowed characters")
        self.webhook, self.secret = url, secret
        for update in tuple(self._waiting) if url else ():
            self._call(update)
        return True

    def webhook_info(self) -> dict[str, Any]:
        waiting = len(self._waiting)
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": waiting}

    def _add(self, content: dict[str, Any]) -> None:
        self._last += 1
        update = {"update_id": self._last, **content}
        self._waiting.append(update)
        self._news.set()
        if self.webhook:
            self._call(update)

    def _call(self, update: dict[str, Any]) -> None:
        """Call the webhook once; what it does not take waits until the webhook is set anew."""
        headers = {"content-type": "application/json"}
        if self.secret:
            headers["x-telegram-bot-api-secret-token"] = self.secret
        body = json.dumps(update).encode()
        request = urllib.request.Request(self.webhook, body, headers)  # noqa: S310 - loopback alone
        task = asyncio.ensure_future(asyncio.to_thread(_post, request))
        self._calls.add(task)
        task.add_done_callback(self._called(update, task))

    def _called(self, update: dict[str, Any], task: Any) -> Callable[[Any], None]:
        def done(_task: Any) -> None:
            self._calls.discard(task)
            if not task.cancelled() and task.result() and update in self._waiting:
                self._waiting.remove(update)

        return done


def _post(request: urllib.request.Request) -> bool:
    try:
        with urllib.request.urlopen(request, timeout=CALL_SECONDS) as reply:  # noqa: S310
            return 200 <= int(reply.status) < 300
    except (URLError, OSError):
        return False


def _person(number: int, name: str) -> dict[str, Any]:
    return {"id": number, "is_bot": False, "first_name": name}
