"""Telegram HTML read back into lines of styled runs, so that it can be written anew and stays valid."""

from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

from alertbot.compose.markup import Line, Run

_STYLES = {"b": "b", "strong": "b", "i": "i", "em": "i", "s": "s", "del": "s", "strike": "s"}

Paragraph = tuple[Line, ...]


def paragraphs(html: str) -> tuple[Paragraph, ...]:
    """The paragraphs of this HTML, which blank lines part. Tags other than those of `writing.telegram` are
    passed over; their text stays."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return tuple(_paragraphs(reader.lines))


def plain_paragraphs(text: str) -> tuple[Paragraph, ...]:
    """The same of a text without markup."""
    return tuple(_paragraphs([[Run(line)] if line else [] for line in text.split("\n")]))


def _paragraphs(lines: Sequence[Sequence[Run]]) -> Iterator[Paragraph]:
    gathered: list[Line] = []
    for line in lines:
        if any(run.text.strip() for run in line):
            gathered.append(tuple(line))
        elif gathered:
            yield tuple(gathered)
            gathered = []
    if gathered:
        yield tuple(gathered)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[list[Run]] = [[]]
        self.styles: list[str] = []
        self.address = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _STYLES:
            self.styles.append(_STYLES[tag])
        elif tag == "a":
            self.address = dict(attrs).get("href") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self.address = ""
        elif _STYLES.get(tag) in self.styles:
            self.styles.remove(_STYLES[tag])

    def handle_data(self, data: str) -> None:
        first, *others = data.split("\n")
        self._say(first)
        for text in others:
            self.lines.append([])
            self._say(text)

    def _say(self, text: str) -> None:
        if text:
            self.lines[-1].append(Run(text, tuple(sorted(set(self.styles))), self.address))
