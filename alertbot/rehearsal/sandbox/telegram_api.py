"""A Telegram Bot API for one bot: `/bot<token>/<method>`, as a form, as JSON or with files; and its
updates, by polling or webhook.

Like the real one: HTML is parsed, texts are limited to 4096 and captions to 1024 UTF-16 units after
entities, floods are answered with `retry_after`, an edit that changes nothing is refused. Dates are
whole seconds of the sandbox's clock.
"""

import asyncio
import json
import math
import re
import time
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypedDict
from urllib.error import URLError

from alertbot.core.frozen import dataclass
from alertbot.rehearsal.sandbox.accounts import Posts, TelegramAccount
from alertbot.rehearsal.sandbox.faults import Faults, OrderedFault, spoil
from alertbot.rehearsal.sandbox.http import HttpRequest, Reply, Upload
from alertbot.rehearsal.sandbox.telegram_chats import BadCall, Chats, Flood, whole
from alertbot.rehearsal.sandbox.telegram_messages import BotMessage, BotUser, TelegramMessages

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
    """The bot's answer to a pressed button. `alert`: in a pop-up that must be closed."""

    query: str
    text: str
    alert: bool


CallbackQuery = TypedDict(
    "CallbackQuery",
    {"id": str, "from": BotUser, "message": BotMessage, "chat_instance": str, "data": str},
)
"""A press of a button."""


class BotUpdate(TypedDict, total=False):
    """Something that the bot is told."""

    update_id: int
    callback_query: CallbackQuery
    message: BotMessage


class Updates:
    """The updates waiting for the bot, and its webhook address."""

    def __init__(self, desk: TelegramMessages) -> None:
        self._desk = desk
        self._waiting: list[BotUpdate] = []
        self._news = asyncio.Event()
        self._last = 0
        self._calls: set[asyncio.Future[bool]] = set()
        self.webhook, self.secret = "", ""
        self.answers: list[ButtonAnswer] = []

    def press(self, chat: int, message: int, data: str, person: int, name: str) -> str:
        """Press a button: the bot gets a callback query, whose id is returned."""
        query_id = str(FIRST_QUERY + self._last + 1)
        query: CallbackQuery = {
            "id": query_id,
            "from": _person(person, name),
            "message": self._desk.shown(chat, message),
            "chat_instance": str(chat),
            "data": data,
        }
        self._add({"callback_query": query})
        return query_id

    def say(self, chat: int, text: str, person: int, name: str, reply_to: int | None) -> int:
        """Write to a chat; returns the message's number."""
        message = self._desk.hear(chat, text, _person(person, name), reply_to)
        self._add({"message": message})
        return message["message_id"]

    async def poll(self, fields: Mapping[str, Any]) -> None:
        """Wait for updates as long as the call asks."""
        written = str(fields.get("timeout") or 0)
        seconds = min(int(written), LONGEST_POLL_SECONDS) if written.isdecimal() else 0
        if not self._waiting and seconds > 0 and not self.webhook:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except TimeoutError:
                return

    def take(self, fields: Mapping[str, Any]) -> list[BotUpdate]:
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
        """Call this address from now on. It must be on this machine, as the sandbox is; raises `BadCall`
        otherwise."""
        url, secret = str(fields.get("url") or ""), str(fields.get("secret_token") or "")
        if url and not re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])[:/]", url):
            raise BadCall("Bad Request: bad webhook: the sandbox calls 127.0.0.1 alone")
        if secret and not SECRET.fullmatch(secret):
            raise BadCall("Bad Request: secret token contains unallowed characters")
        self.webhook, self.secret = url, secret
        for update in tuple(self._waiting) if url else ():
            self._call(update)
        return True

    def webhook_info(self) -> dict[str, object]:
        waiting = len(self._waiting)
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": waiting}

    def _add(self, content: BotUpdate) -> None:
        self._last += 1
        update: BotUpdate = {"update_id": self._last, **content}
        self._waiting.append(update)
        self._news.set()
        if self.webhook:
            self._call(update)

    def _call(self, update: BotUpdate) -> None:
        """Call the webhook once; what it does not accept waits until the webhook is set again."""
        headers = {"content-type": "application/json"}
        if self.secret:
            headers["x-telegram-bot-api-secret-token"] = self.secret
        body = json.dumps(update).encode()
        request = urllib.request.Request(self.webhook, body, headers)  # noqa: S310 - loopback alone
        task = asyncio.ensure_future(asyncio.to_thread(_post, request))
        self._calls.add(task)
        task.add_done_callback(self._called(update, task))

    def _called(self, update: BotUpdate, task: Any) -> Callable[[Any], None]:
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


def _person(number: int, name: str) -> BotUser:
    return {"id": number, "is_bot": False, "first_name": name}


PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"
CALLS: Mapping[str, str] = {
    "getme": "identify",
    "sendmessage": "send",
    "sendphoto": "send",
    "editmessagetext": "edit",
    "editmessagecaption": "edit",
    "deletemessage": "delete",
    "pinchatmessage": "pin",
    "unpinchatmessage": "pin",
    "getchat": "read",
    "getupdates": "read",
    "senddocument": "send",
    "editmessagereplymarkup": "edit",
    "answercallbackquery": "read",
    "setwebhook": "read",
    "deletewebhook": "read",
    "getwebhookinfo": "read",
    "setmycommands": "read",
}
SPACED = frozenset({"send", "edit"})


class TelegramPlatform:
    """The state of the Telegram side of a sandbox; `handle` answers one request."""

    def __init__(
        self,
        account: TelegramAccount,
        posts: Posts,
        faults: Faults,
        clock: Callable[[], datetime],
        speed: float = 1.0,
    ) -> None:
        self.account, self._faults = account, faults
        self.chats = Chats(account)
        self._desk = TelegramMessages(account, self.chats, posts, clock)
        self._flood = Flood(time.monotonic, speed)
        self._updates = Updates(self._desk)
        self._methods = self._all_methods()

    async def handle(self, request: HttpRequest) -> Reply:
        """Answer one request. Raises `Drop` where a fault hangs up."""
        bot, _slash, method = request.path.removeprefix("/bot").partition("/")
        call = CALLS.get(method.lower())
        try:
            fields = request.fields()
        except ValueError:
            return refusal(400, "Bad Request: can't parse the request")
        fault = self._faults.take("telegram", call or "", _matched(fields))
        if bot != self.account.token or not request.path.startswith("/bot"):
            return refusal(401, "Unauthorized") if bot.partition(":")[0].isdecimal() else _unknown()
        if call is None:
            return _unknown()
        if method.lower() == "getupdates":
            await self._updates.poll(fields)
        return await spoil(fault, lambda: self._act(method.lower(), call, fields), faulty)

    def _act(self, method: str, call: str, fields: Mapping[str, Any]) -> Reply:
        try:
            if call in SPACED:
                self._hold_back(fields)
            return Reply.of({"ok": True, "result": self._result(method, fields)})
        except BadCall as bad:
            return refusal(bad.code, str(bad), **bad.parameters)

    def _hold_back(self, fields: Mapping[str, Any]) -> None:
        wait = self._flood.wait(self._desk.chat(fields))
        if wait > 0:
            seconds = max(1, math.ceil(wait))
            raise BadCall(f"Too Many Requests: retry after {seconds}", 429, retry_after=seconds)

    def _result(self, method: str, fields: Mapping[str, Any]) -> Any:
        answer = self._methods.get(method)
        return True if answer is None else answer(fields)

    def _all_methods(self) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        desk, updates = self._desk, self._updates
        return {
            "getme": lambda _fields: self._me(),
            "sendmessage": desk.send_text,
            "sendphoto": desk.send_photo,
            "senddocument": desk.send_document,
            "editmessagetext": desk.edit_text,
            "editmessagecaption": desk.edit_caption,
            "editmessagereplymarkup": desk.edit_buttons,
            "deletemessage": desk.delete,
            "pinchatmessage": desk.pin,
            "unpinchatmessage": desk.unpin,
            "getchat": desk.show_chat,
            "getupdates": updates.take,
            "answercallbackquery": updates.answer,
            "setwebhook": updates.set_webhook,
            "deletewebhook": lambda _fields: updates.set_webhook({}),
            "getwebhookinfo": lambda _fields: updates.webhook_info(),
        }

    def _me(self) -> dict[str, object]:
        return {
            **self._desk.bot,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    @property
    def webhook(self) -> str:
        """The bot's webhook address; empty if it polls."""
        return self._updates.webhook

    @property
    def answers(self) -> list[ButtonAnswer]:
        """The answers to button presses, oldest first."""
        return self._updates.answers

    def press(self, chat: int, message: int, data: str, person: int, name: str = "Sandbox") -> str:
        """Press a button under a message: the bot gets a callback query, whose id is returned."""
        return self._updates.press(chat, message, data, person, name)

    def say(
        self, chat: int, text: str, person: int, name: str = "Sandbox", reply_to: int | None = None
    ) -> int:
        """Write to a chat; returns the message's number. A person's own chat has that person's number."""
        return self._updates.say(chat, text, person, name, reply_to)

    def buttons(self, chat: int, message: int) -> dict[str, str]:
        """The data behind each button under a message, by its label."""
        return self._desk.buttons(chat, message)

    def document(self, chat: int, message: int) -> Upload | None:
        """The file of a message."""
        return self._desk.documents.get((chat, message))


def refusal(code: int, description: str, **parameters: int) -> Reply:
    """`ok: false`, as the Bot API writes it."""
    content: dict[str, object] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        content["parameters"] = parameters
    return Reply.of(content, code)


def _unknown() -> Reply:
    return refusal(404, "Not Found")


def _matched(fields: Mapping[str, Any]) -> str:
    """The words a fault's `match` looks at."""
    kept = {name: value for name, value in fields.items() if not isinstance(value, Upload)}
    return json.dumps(kept, ensure_ascii=False)


def faulty(fault: OrderedFault) -> Reply:
    """Telegram's response under a fault."""
    match fault.name:
        case "flood":
            seconds = fault.number("retry_after", 3)
            return refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        case "bad_entities":
            why = 'Unsupported start tag "fault" at byte offset 0'
            return refusal(400, f"Bad Request: can't parse entities: {why}")
        case "chat_not_found":
            return refusal(400, "Bad Request: chat not found")
        case "topic_closed":
            return refusal(400, "Bad Request: TOPIC_CLOSED")
        case "no_rights":
            right = "manage pinned messages in the chat"
            return refusal(400, f"Bad Request: not enough rights to {right}")
        case "kicked":
            return refusal(403, "Forbidden: bot was kicked from the channel chat")
        case "migrated":
            chat = fault.number("to", -1_001_400_000_001)
            description = "Bad Request: group chat was upgraded to a supergroup chat"
            return refusal(400, description, migrate_to_chat_id=chat)
        case "unauthorized":
            return refusal(401, "Unauthorized")
        case "server_error":
            return refusal(500, "Internal Server Error")
        case _:
            return Reply(200 if fault.name == "html_200" else 502, PAGE, "text/html")
