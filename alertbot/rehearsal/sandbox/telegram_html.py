"""Telegram's HTML, read as strictly as Telegram does: markup in, text with entities out."""

import re
from dataclasses import dataclass, field
from html import escape
from typing import TypedDict

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
    """The entity a tag stands for, None where Telegram knows no such tag."""
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
