"""A Telegram Bot API for one bot: `/bot<token>/<method>`, as a form, as JSON or with files.

As the real one: HTML is really read, 4096 and 1024 UTF-16 units after entities, floods are answered
with `retry_after`, an edit that changes nothing is refused. Dates are whole seconds of the sandbox's
clock.
"""

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from alertbot.sandbox.accounts import TelegramAccount
from alertbot.sandbox.faults import Fault, Faults, spoil
from alertbot.sandbox.http import Reply, Request, Upload
from alertbot.sandbox.posts import Posts
from alertbot.sandbox.telegram_chats import Chats, Flood
from alertbot.sandbox.telegram_messages import BadCall, Desk, whole

PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"
LONGEST_POLL_SECONDS = 50.0
CALLS: Mapping[str, str] = {
    "getme": "identify",
    "sendmessage": "send",
    "sendphoto": "send",
    "editmessagetext": "edit",
    "deletemessage": "delete",
    "pinchatmessage": "pin",
    "unpinchatmessage": "pin",
    "getchat": "read",
    "getupdates": "read",
    "answercallbackquery": "read",
    "deletewebhook": "read",
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
        self._chats = Chats(account)
        self._desk = Desk(account, self._chats, posts, clock)
        self._flood = Flood(time.monotonic, speed)
        self._updates: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._last_update = 0

    async def handle(self, request: Request) -> Reply:
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
            await self._poll(fields)
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
        match method:
            case "getme":
                return self._me()
            case "sendmessage":
                return self._desk.send_text(fields)
            case "sendphoto":
                return self._desk.send_photo(fields)
            case "editmessagetext":
                return self._desk.edit_text(fields)
            case "deletemessage":
                return self._desk.delete(fields)
            case "pinchatmessage" | "unpinchatmessage":
                return self._desk.pin(fields, pinned=method == "pinchatmessage")
            case "getchat":
                return self._desk.show_chat(fields)
            case "getupdates":
                return self._take_updates(fields)
            case "answercallbackquery":
                return self._answer_press(fields)
            case _:
                return True

    def _me(self) -> dict[str, Any]:
        return self._desk.bot | {
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }

    def press(self, chat: int, message: int, data: str, person: int, name: str = "Sandbox") -> str:
        """Somebody presses a button under a message: the bot gets a callback query, whose id this is."""
        self._last_update += 1
        query_id = str(4_000_000_000 + self._last_update)
        query = {
            "id": query_id,
            "from": {"id": person, "is_bot": False, "first_name": name},
            "message": self._desk.shown(chat, message),
            "chat_instance": str(chat),
            "data": data,
        }
        self._updates.append({"update_id": self._last_update, "callback_query": query})
        self._news.set()
        return query_id

    async def _poll(self, fields: Mapping[str, Any]) -> None:
        """Wait for news as long as the call asks."""
        written = str(fields.get("timeout") or 0)
        seconds = min(int(written), LONGEST_POLL_SECONDS) if written.isdecimal() else 0
        if not self._updates and seconds > 0:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), seconds)
            except TimeoutError:
                return

    def _take_updates(self, fields: Mapping[str, Any]) -> list[dict[str, Any]]:
        offset = whole(fields, "offset")
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        return self._updates[: whole(fields, "limit") or 100]

    def _answer_press(self, fields: Mapping[str, Any]) -> bool:
        known = str(fields.get("callback_query_id", ""))
        if (
            not re.fullmatch(r"[0-9]{10,12}", known)
            or not 0 < int(known) - 4_000_000_000 <= self._last_update
        ):
            raise BadCall(
                "Bad Request: query is too old and response timeout expired or query ID is invalid"
            )
        return True


def refusal(code: int, description: str, **parameters: int) -> Reply:
    """`ok: false`, as the Bot API writes it."""
    content: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        content["parameters"] = parameters
    return Reply.of(content, code)


def _unknown() -> Reply:
    return refusal(404, "Not Found")


def _matched(fields: Mapping[str, Any]) -> str:
    """The words a fault's `match` looks at."""
    kept = {name: value for name, value in fields.items() if not isinstance(value, Upload)}
    return json.dumps(kept, ensure_ascii=False)


def faulty(fault: Fault) -> Reply:
    """What Telegram answers under a fault."""
    match fault.name:
        case "flood":
            seconds = fault.number("retry_after", 3)
            return refusal(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)
        case "bad_entities":
            why = 'Unsupported start tag "fault" at byte offset 0'
            return refusal(400, f"Bad Request: can't parse entities: {why}")
        case "chat_not_found":
            return refusal(400, "Bad Request: chat not found")
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
