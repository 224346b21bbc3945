"""The chats of the sandbox's bot, Telegram's flood limits, and parsing what a call contains: texts in
Telegram's HTML (as strictly as Telegram), files, keyboards."""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import field
from html import escape
from typing import Any, TypedDict

from alertbot.core.frozen import dataclass
from alertbot.rehearsal.sandbox.accounts import Chat, Spacing, TelegramAccount, Timer

MOST_ENTITIES = 100
SIMPLE = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
SHOWN_AS = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
REFERENCE = re.compile(
    r"&(?:#(?P<dec>\d{1,7})|#[xX](?P<hex>[0-9a-fA-F]{1,6})|(?P<name>lt|gt|amp|quot));?"
)
START = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]*)")
ATTRIBUTE = re.compile(r"\s*([a-zA-Z-]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[a-zA-Z0-9.-]+))?")


class BadMarkup(ValueError):
    """Telegram would not read this; the message is what it says."""


class MessageEntity(TypedDict, total=False):
    """A stretch of a text, as the Bot API writes it: `offset` and `length` in UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str
    custom_emoji_id: str


@dataclass(frozen=True, slots=True)
class ParsedText:
    """A text as it is read. `entities` count in UTF-16 units; `html` is safe to show in a page."""

    text: str
    entities: tuple[MessageEntity, ...]
    html: str

    @property
    def length(self) -> int:
        """In UTF-16 units, which is what the limits are taken to count."""
        return utf16(self.text)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str) -> ParsedText:
    """A text without markup."""
    stripped = text.strip()
    return ParsedText(stripped, (), escape(stripped))


@dataclass(slots=True)
class _TelegramParser:
    source: str
    at: int = 0
    text: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    units: int = 0
    open: list[tuple[str, MessageEntity, str]] = field(default_factory=list)
    entities: list[MessageEntity] = field(default_factory=list)

    def read(self) -> None:
        while self.at < len(self.source):
            if self.source[self.at] != "<":
                self._characters()
            elif self.source.startswith("</", self.at):
                self._end_tag()
            else:
                self._start_tag()
        if self.open:
            raise BadMarkup(f'Can\'t find end tag corresponding to start tag "{self.open[-1][0]}"')

    def _offset(self) -> int:
        return len(self.source[: self.at].encode("utf-8", "surrogatepass"))

    def _characters(self) -> None:
        stop = self.source.find("<", self.at)
        stop = len(self.source) if stop < 0 else stop
        written = REFERENCE.sub(_character, self.source[self.at : stop])
        self.text.append(written)
        self.html.append(escape(written))
        self.units += utf16(written)
        self.at = stop

    def _start_tag(self) -> None:
        found = START.match(self.source, self.at)
        close = self.source.find(">", self.at)
        if close < 0:
            raise BadMarkup(f"Unclosed start tag at byte offset {self._offset()}")
        name = found.group(1).lower() if found else ""
        attributes = _attributes(self.source[found.end() : close]) if found else {}
        entity = _entity(name, attributes)
        if entity is None:
            raise BadMarkup(f'Unsupported start tag "{name}" at byte offset {self._offset()}')
        before, after = _shown(entity)
        self.open.append((name, entity | {"offset": self.units}, after))
        self.html.append(before)
        self.at = close + 1

    def _end_tag(self) -> None:
        close = self.source.find(">", self.at)
        if close < 0:
            raise BadMarkup(f"Unclosed end tag at byte offset {self._offset()}")
        if not self.open:
            raise BadMarkup(f"Unexpected end tag at byte offset {self._offset()}")
        name = self.source[self.at + 2 : close].strip().lower()
        expected, entity, after = self.open.pop()
        if name not in ("", expected):
            raise BadMarkup(
                f'Unmatched end tag at byte offset {self._offset()}, expected "</{expected}>", '
                f'found "</{name}>"'
            )
        self.html.append(after)
        if self.units > entity["offset"]:
            self.entities.append(entity | {"length": self.units - entity["offset"]})
        self.at = close + 1


def _character(found: re.Match[str]) -> str:
    if found["name"]:
        return NAMED[found["name"]]
    code = int(found["dec"]) if found["dec"] else int(found["hex"], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else found.group()


def _attributes(written: str) -> dict[str, str]:
    return {
        name.lower(): REFERENCE.sub(_character, value.strip("\"'"))
        for name, value in ATTRIBUTE.findall(written)
    }


def _entity(name: str, attributes: dict[str, str]) -> MessageEntity | None:
    """The entity of a tag, None if Telegram has no such tag."""
    if name == "a":
        return {"type": "text_link", "url": attributes.get("href", "")}
    if name == "span" and attributes.get("class") == "tg-spoiler":
        return {"type": "spoiler"}
    if name == "blockquote" and "expandable" in attributes:
        return {"type": "expandable_blockquote"}
    if name == "tg-emoji" and attributes.get("emoji-id", "").isdecimal():
        return {"type": "custom_emoji", "custom_emoji_id": attributes["emoji-id"]}
    return {"type": SIMPLE[name]} if name in SIMPLE else None


def _shown(entity: MessageEntity) -> tuple[str, str]:
    """The safe tags around it. A link leads nowhere: a rehearsal must not send people outside."""
    if entity["type"] == "text_link":
        return f'<span class="link" title="{escape(entity["url"])}">', "</span>"
    tag = SHOWN_AS.get(entity["type"].removeprefix("expandable_"), "")
    return (f"<{tag}>", f"</{tag}>") if tag else ("", "")


def parse(source: str) -> ParsedText:
    """Read Telegram HTML. Raises `BadMarkup` with Telegram's own words."""
    reader = _TelegramParser(source)
    reader.read()
    text = "".join(reader.text)
    lead = utf16(text[: len(text) - len(text.lstrip())])
    total = utf16(text.strip())
    moved = (_moved(entity, lead, total) for entity in reader.entities)
    kept = [entity for entity in moved if entity["length"] > 0 and entity.get("url") != ""]
    kept.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return ParsedText(text.strip(), tuple(kept[:MOST_ENTITIES]), "".join(reader.html).strip())


def _moved(entity: MessageEntity, lead: int, total: int) -> MessageEntity:
    """The entity after blanks at both ends of the text are gone."""
    start = max(0, entity["offset"] - lead)
    end = min(total, entity["offset"] + entity["length"] - lead)
    return entity | {"offset": start, "length": end - start}


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
    """A file among the fields, or a reference to one."""
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
    """The labels of the buttons, row by row."""
    rows = keyboard["inline_keyboard"] if keyboard else []
    return tuple(tuple(button["text"] for button in row) for row in rows)
