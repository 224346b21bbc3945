"""A message's HTML for display: read tag by tag against an allow-list and written again.

Nothing of the source is copied as it is: known tags are written without their attributes, text is
escaped, everything else is dropped (its text stays; that of scripts and styles does not).
"""

from functools import lru_cache
from html import escape
from html.parser import HTMLParser
from itertools import groupby
from typing import TYPE_CHECKING

from alertbot.channels.telegram.spans import spans
from alertbot.texts.preview.phrases import visible

if TYPE_CHECKING:
    from rich.text import Text


# Telegram's tags and the structure of our mails -> the tag that is written
_AS_THEY_ARE = ("p", "ul", "ol", "li", "blockquote", "pre", "code", "u", "del", "a", "hr", "br")
SHOWN = {tag: tag for tag in _AS_THEY_ARE} | {
    "b": "strong",
    "strong": "strong",
    "i": "em",
    "em": "em",
    "ins": "u",
    "s": "del",
    "strike": "del",
    "h1": "h4",  # below the page's own headings
    "h2": "h5",
    "h3": "h6",
    "h4": "h6",
}
VOID = {"br", "hr"}
SILENT = {"script", "style", "title", "template", "iframe", "object", "noscript", "svg", "math"}
SCHEMES = ("https://", "http://", "mailto:", "tel:")
STYLES = {"b": "bold", "i": "italic", "u": "underline", "s": "strike", "a": "underline"}


@lru_cache(maxsize=128)  # while somebody types, most messages stay
def fragment(html: str) -> str:
    """Safe HTML with the structure of `html`; every opened tag is closed."""
    writer = _PageWriter()
    writer.feed(html)
    writer.close()
    return writer.finished()


def styled(html: str) -> "Text":
    """Telegram HTML as a Rich text: bold, italic, struck; a link's address follows its words."""
    from rich.text import Text

    text = Text()
    for address, linked in groupby(spans(html), key=lambda span: _address(span.address)):
        began = len(text)
        for span in linked:
            tags = [tag for tag in span.tags if tag != "a" or address]
            text.append(visible(span.text), " ".join(STYLES[tag] for tag in tags if tag in STYLES))
        if address and text.plain[began:] != address:
            text.append(f" ({visible(address)})", style="dim")
    return text


class _PageWriter(HTMLParser):
    """Keeps track of open tags and of what is being skipped."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.opened: list[str] = []
        self.silent = 0
        self.written: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self.silent += 1
        shown = SHOWN.get(tag)
        if shown is None or self.silent:
            return
        address = _address(dict(attrs).get("href") or "") if shown == "a" else ""
        if shown == "a" and not address:
            return
        link = f' href="{escape(address)}" rel="noopener noreferrer"' if address else ""
        self.written.append(f"<{shown}{link}>")
        if shown not in VOID:
            self.opened.append(shown)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SILENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
            return
        shown = SHOWN.get(tag)
        while shown in self.opened:  # what stands open inside it ends with it
            last = self.opened.pop()
            self.written.append(f"</{last}>")
            if last == shown:
                return

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.written.append(escape(visible(data)))

    def finished(self) -> str:
        self.written += [f"</{tag}>" for tag in reversed(self.opened)]
        return "".join(self.written)


def _address(given: str) -> str:
    """A link's address if a reader may follow it, else empty."""
    address = given.strip()
    return address if address.lower().startswith(SCHEMES) else ""
