"""Telegram HTML, parsed into pieces of text with their markup, and written from Telegram's entities. Pure."""

from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser
from itertools import pairwise
from typing import NamedTuple

SAME_TAG = {"strong": "b", "em": "i", "del": "s", "strike": "s", "ins": "u"}
TAGS = frozenset({"b", "i", "s", "u", "a", "code", "pre", "blockquote"})


ENTITY_TAGS = {
    "bold": "b", "italic": "i", "underline": "u", "strikethrough": "s", "text_link": "a", "code": "code", "pre": "pre",
    "blockquote": "blockquote", "expandable_blockquote": "blockquote",
}  # fmt: skip


class Span(NamedTuple):
    """`tags`: one name per meaning, outermost first. `address`: the target of the innermost link."""

    text: str
    tags: tuple[str, ...] = ()
    address: str = ""


def spans(html: str) -> list[Span]:
    """The pieces in order. Tags that Telegram does not have are skipped; their text stays."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Span] = []
        self._open: list[tuple[str, str]] = []  # tag, address

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        tag = SAME_TAG.get(tag, tag)
        if tag in TAGS:
            self._open.append((tag, (dict(attrs).get("href") or "") if tag == "a" else ""))

    def handle_endtag(self, tag: str) -> None:
        tag = SAME_TAG.get(tag, tag)
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place][0] == tag:
                del self._open[place]
                return

    def handle_data(self, data: str) -> None:
        address = next((address for tag, address in reversed(self._open) if tag == "a"), "")
        self.found.append(Span(data, tuple(tag for tag, _address in self._open), address))


def marked(text: str, entities: Sequence[tuple[str, int, int, str | None]]) -> str:
    """The text as HTML with its entities (type, offset and length in UTF-16 units, address). The library's own
    leaves addresses as they are, so that in an attribute `&region=` would be read as ®."""
    units = text.encode("utf-16-le", "surrogatepass")
    kept = [
        (ENTITY_TAGS[kind], at, at + size, url)
        for kind, at, size, url in entities
        if kind in ENTITY_TAGS
    ]
    ends = sorted({0, len(units) // 2, *(end for _tag, at, to, _url in kept for end in (at, to))})
    written = []
    for start, end in pairwise(ends):
        piece = escape(units[2 * start : 2 * end].decode("utf-16-le", "replace"))
        for tag, at, to, url in reversed(kept):
            if at <= start and end <= to:
                given = f' href="{escape(url or "")}"' if tag == "a" else ""
                piece = f"<{tag}{given}>{piece}</{tag}>"
        written.append(piece)
    return "".join(written)
