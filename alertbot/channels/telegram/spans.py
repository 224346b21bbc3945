"""Telegram HTML, parsed into pieces of text with their markup. Pure."""

from html.parser import HTMLParser
from typing import NamedTuple

SAME_TAG = {"strong": "b", "em": "i", "del": "s", "strike": "s", "ins": "u"}
TAGS = frozenset({"b", "i", "s", "u", "a", "code", "pre", "blockquote"})


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
