"""The HTML of a message, read tag by tag against an allow-list and written anew.

Nothing of the source reaches a page as it stands: known tags are written again without their
attributes, text is escaped, everything else is dropped (its text stays; that of scripts and styles not).
"""

from abc import ABC, abstractmethod
from html import escape
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from alertbot.preview.phrases import visible

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
STYLES = {
    "strong": "bold",
    "em": "italic",
    "u": "underline",
    "del": "strike",
    "a": "underline",
    "h4": "bold",
    "h5": "bold",
    "h6": "bold",
}


def fragment(html: str) -> str:
    """Safe HTML with the structure of `html`; every tag that it opens is closed."""
    writer = _PageWriter()
    writer.feed(html)
    writer.close()
    return writer.finished()


def styled(html: str) -> "Text":
    """Telegram HTML as a Rich text: bold, italic, struck; a link's address stands behind its words."""
    writer = _TerminalWriter()
    writer.feed(html)
    writer.close()
    return writer.text


class _Reader(HTMLParser, ABC):
    """Keeps track of what is open and what is to be passed over in silence."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.opened: list[tuple[str, str]] = []  # tag, address of a link
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SILENT:
            self.silent += 1
        shown = SHOWN.get(tag)
        if shown is None or self.silent:
            return
        address = _address(attrs) if shown == "a" else ""
        if shown == "a" and not address:
            return
        self.begin(shown, address)
        if shown not in VOID:
            self.opened.append((shown, address))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in SILENT:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in SILENT:
            self.silent = max(0, self.silent - 1)
            return
        shown = SHOWN.get(tag)
        if shown in VOID or shown not in [name for name, _address in self.opened]:
            return
        while self.opened:
            name, address = self.opened.pop()
            self.end(name, address)
            if name == shown:
                return

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.say(visible(data))

    @abstractmethod
    def begin(self, tag: str, address: str) -> None: ...

    @abstractmethod
    def end(self, tag: str, address: str) -> None: ...

    @abstractmethod
    def say(self, text: str) -> None: ...


class _PageWriter(_Reader):
    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def begin(self, tag: str, address: str) -> None:
        link = f' href="{escape(address)}" rel="noopener noreferrer"' if address else ""
        self.written.append(f"<{tag}{link}>")

    def end(self, tag: str, address: str) -> None:  # noqa: ARG002  the terminal needs the address
        self.written.append(f"</{tag}>")

    def say(self, text: str) -> None:
        self.written.append(escape(text))

    def finished(self) -> str:
        self.written += [f"</{tag}>" for tag, _address in reversed(self.opened)]
        return "".join(self.written)


class _TerminalWriter(_Reader):
    def __init__(self) -> None:
        super().__init__()
        from rich.text import Text

        self.text = Text()
        self.link_began = 0

    def begin(self, tag: str, address: str) -> None:  # noqa: ARG002  the page needs the address
        if tag == "a":
            self.link_began = len(self.text)
        elif tag == "br":
            self.text.append("\n")

    def end(self, tag: str, address: str) -> None:
        if tag == "a" and self.text.plain[self.link_began :] != address:
            self.text.append(f" ({visible(address)})", style="dim")

    def say(self, text: str) -> None:
        styles = [STYLES[tag] for tag, _address in self.opened if tag in STYLES]
        self.text.append(text, style=" ".join(styles) or None)


def _address(attrs: list[tuple[str, str | None]]) -> str:
    """The address of a link where it is one that a reader may follow, else nothing."""
    address = (dict(attrs).get("href") or "").strip()
    return address if address.lower().startswith(SCHEMES) else ""
