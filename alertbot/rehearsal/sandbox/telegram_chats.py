"""The chats a sandbox bot may write to, and how fast Telegram lets it."""

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any, TypedDict

from alertbot.rehearsal.sandbox.accounts import Chat, Spacing, TelegramAccount, Timer
from alertbot.rehearsal.sandbox.telegram_html import BadMarkup, ParsedText, parse, plain

USERNAME = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}")
CHANNEL_IDS_BELOW = -1_000_000_000_000
PER_SECOND, CHAT_BURST = 30, 5
GROUP_PER_MINUTE = 20


class Chats:
    """Finds chats by number or `@name`."""

    def __init__(self, account: TelegramAccount) -> None:
        self._given = account.chats
        self._known: dict[str, Chat] = {}
        for chat in account.chats or ():
            self._remember(chat)

    def _remember(self, chat: Chat) -> Chat:
        self._known[str(chat.id)] = chat
        if chat.username:
            self._known["@" + chat.username.lower()] = chat
        return chat

    def find(self, address: str) -> Chat | None:
        """The chat at an address, None where there is none."""
        found = self._known.get(address.lower())
        if found is not None or self._given is not None:
            return found
        if USERNAME.fullmatch(address):
            number = CHANNEL_IDS_BELOW - 1_000_000_000 - zlib.crc32(address.lower().encode()) % 10**9
            return self._remember(Chat(number, "channel", address[1:], address[1:]))
        if not re.fullmatch(r"-?[1-9]\d{0,15}", address):
            return None
        number = int(address)
        kind = "private" if number > 0 else "channel" if number < CHANNEL_IDS_BELOW else "group"
        return self._remember(Chat(number, kind, f"{kind} {number}"))


class Flood:
    """One call a second to a chat (a short burst is tolerated), 30 a second in all, and 20 a minute
    to a group."""

    def __init__(self, timer: Timer, speed: float) -> None:
        self._timer, self._speed = timer, speed
        self._all = Spacing(1 / PER_SECOND / speed, PER_SECOND)
        self._chats: dict[int, list[Spacing]] = {}

    def wait(self, chat: Chat) -> float:
        """Seconds to wait before this chat may be written to; 0 when the call was counted."""
        now = self._timer()
        spacings = [self._all, *self._of(chat)]
        wait = max(spacing.wait(now) for spacing in spacings)
        if wait <= 0:
            for spacing in spacings:
                spacing.use(now)
        return wait

    def _of(self, chat: Chat) -> list[Spacing]:
        if chat.id not in self._chats:
            spacings = [Spacing(1 / self._speed, CHAT_BURST)]
            if chat.type in ("group", "supergroup"):
                spacings.append(Spacing(60 / GROUP_PER_MINUTE / self._speed, GROUP_PER_MINUTE))
            self._chats[chat.id] = spacings
        return self._chats[chat.id]


LONGEST_TEXT, LONGEST_CAPTION = 4096, 1024
UNSHOWN_MARKUP = frozenset({"force_reply", "remove_keyboard"})  # shown by the program that people use
BUTTON_BYTES = range(1, 65)


class BadCall(Exception):
    """A call that Telegram refuses."""

    def __init__(self, description: str, code: int = 400, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.parameters = code, parameters


def attached(fields: Mapping[str, Any], name: str) -> Any:
    """A file among the fields, or what stands for one."""
    given = fields.get(name)
    if isinstance(given, str) and given.startswith("attach://"):
        return fields.get(given.removeprefix("attach://"))
    return given


def read_text(fields: Mapping[str, Any], name: str, limit: int) -> ParsedText:
    """Read a text field with its markup. Raises `BadCall`."""
    source, mode = str(fields.get(name, "")), str(fields.get("parse_mode") or "").lower()
    if mode not in ("", "html"):
        raise BadCall("Bad Request: unsupported parse_mode")
    try:
        read = parse(source) if mode else plain(source)
    except BadMarkup as bad:
        raise BadCall(f"Bad Request: can't parse entities: {bad}") from bad
    if read.length > limit:
        what = "message caption" if name == "caption" else "message"
        raise BadCall(f"Bad Request: {what} is too long")
    return read


def whole(fields: Mapping[str, Any], name: str) -> int:
    """A whole number among the fields; 0 where it is not given. Raises `BadCall`."""
    written = str(fields.get(name) or 0)
    if not re.fullmatch(r"-?[0-9]{1,18}", written):
        raise BadCall(f'Bad Request: field "{name}" must be a valid Number')
    return int(written)


def nested(value: object) -> Any:
    """Nested objects come as JSON in forms and as they are in JSON."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise BadCall("Bad Request: can't parse a JSON-serialized field") from error


class Button(TypedDict, total=False):
    """A button under a message. `callback_data` comes back when somebody presses it."""

    text: str
    callback_data: str
    url: str


class Keyboard(TypedDict):
    """The buttons under a message, row by row."""

    inline_keyboard: list[list[Button]]


def keyboard_of(fields: Mapping[str, Any]) -> Keyboard | None:
    """The buttons under a message. Raises `BadCall`."""
    keyboard = nested(fields.get("reply_markup"))
    if not keyboard or (isinstance(keyboard, dict) and keyboard.keys() & UNSHOWN_MARKUP):
        return None
    rows = keyboard.get("inline_keyboard") if isinstance(keyboard, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BadCall("Bad Request: object expected as reply markup")
    for button in (button for row in rows for button in row):
        if not isinstance(button, dict) or not isinstance(button.get("text"), str):
            raise BadCall("Bad Request: inline keyboard button text is empty")
        data = button.get("callback_data")
        if data is not None and len(str(data).encode()) not in BUTTON_BYTES:
            raise BadCall("Bad Request: BUTTON_DATA_INVALID")
    return {"inline_keyboard": rows} if rows else None


def labels_of(keyboard: Keyboard | None) -> tuple[tuple[str, ...], ...]:
    """What stands on the buttons, row by row."""
    rows = keyboard["inline_keyboard"] if keyboard else []
    return tuple(tuple(button["text"] for button in row) for row in rows)
