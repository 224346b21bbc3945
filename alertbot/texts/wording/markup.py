"""Small Markdown, read once into blocks of styled lines; `writing` turns them into text and HTML.

Allowed: paragraphs, line breaks (a newline is one), **bold**, *italic*, ~~struck~~, lists, headings,
`[text](address)` and `<address>`. Anything else is refused. `split` cuts between blocks.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING

from alertbot.core.errors import AlertbotError
from alertbot.core.words import _

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


_SCHEMES = ("https://", "http://", "mailto:", "tel:")
_STYLES = {"strong": "b", "em": "i", "s": "s"}
_REFUSED = {
    "image": "image",
    "code_inline": "`code`",
    "fence": "code",
    "hr": "line",
    "html_block": "HTML",
    "html_inline": "HTML",
    "blockquote_open": "quotation",
    "table_open": "table",
}


class MarkupError(AlertbotError):
    """A construct that not every channel can show; `snippet` is its beginning, as written."""

    def __init__(self, message: str, snippet: str) -> None:
        super().__init__(message)
        self.snippet = snippet


class Shape(StrEnum):
    """The type of a block."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one style. `styles`: some of b, i, s."""

    text: str
    styles: tuple[str, ...] = ()
    address: str = ""


Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading or an item of a list. Never empty. `tight`: follows its neighbour without a
    blank line. `indexed`: an index of the text lists this heading, with these words added. `anchor`:
    its name in links within the text."""

    lines: tuple[Line, ...]
    shape: Shape = Shape.PARAGRAPH
    bullet: str = ""
    depth: int = 0
    tight: bool = False
    indexed: str = ""
    anchor: str = ""

    @property
    def titled(self) -> bool:
        """Whether a bold first line is the title of the other lines: a territory and its numbers."""
        first = self.lines[0]
        return len(self.lines) > 1 and all("b" in run.styles or not run.text.strip() for run in first)


@dataclass
class _MarkdownReader:
    typography: Callable[[str], str]
    blocks: list[Block] = field(default_factory=list)
    lists: list[list[str | int]] = field(default_factory=list)  # [bullet or next number] per depth
    items: int = 0  # of the list being read, at the outermost level
    end: int = -1  # the source line after the last block
    bullet: str = ""
    shape: Shape = Shape.PARAGRAPH


def read(source: str, typography: Callable[[str], str] = str) -> tuple[Block, ...]:
    """The blocks of this Markdown, with `typography` applied to their text. Raises `MarkupError`."""
    reader = _MarkdownReader(typography)
    for token in _markdown().parse(source):
        _take(reader, token)
    return tuple(reader.blocks)


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    wanted = "heading list fence hr html_block blockquote table newline escape backticks strikethrough"
    inline = "emphasis link image autolink html_inline entity text_join"
    return MarkdownIt("zero", {"html": True}).enable([*wanted.split(), *inline.split()])


def _take(reader: _MarkdownReader, token: "Token") -> None:
    """Process one block-level token."""
    if token.type in _REFUSED:
        raise _refusal(token)
    if token.type in ("bullet_list_open", "ordered_list_open"):
        start = int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else "– "
        reader.lists.append([start])
    elif token.type in ("bullet_list_close", "ordered_list_close"):
        reader.lists.pop()
        reader.items = reader.items if reader.lists else 0
    elif token.type == "list_item_open":
        _open_item(reader)
    elif token.type == "heading_open":
        reader.shape = Shape.HEADING
    elif token.type == "inline":
        start, end = token.map or (0, 0)
        _add_block(
            reader, tuple(_lines(token.children or [], reader.typography)), follows=start == reader.end
        )
        reader.end = end


def _open_item(reader: _MarkdownReader) -> None:
    mark = reader.lists[-1]
    if isinstance(mark[0], int):
        reader.bullet, mark[0] = f"{mark[0]}. ", mark[0] + 1
    else:
        reader.bullet = str(mark[0])


def _add_block(reader: _MarkdownReader, lines: tuple[Line, ...], *, follows: bool) -> None:
    """Add a block; `follows`: directly on the next line, without a blank line."""
    if not lines:
        return
    if not reader.lists:
        reader.blocks.append(Block(lines, reader.shape))
        reader.shape = Shape.PARAGRAPH
        return
    depth = len(reader.lists) - 1
    tight = bool(reader.blocks) and (reader.items > 0 or follows)
    reader.blocks.append(Block(lines, Shape.ITEM, reader.bullet, depth, tight))
    reader.items += 1
    reader.bullet = " " * len(reader.bullet)


def _lines(tokens: Iterable["Token"], typography: Callable[[str], str]) -> Iterator[Line]:
    line: list[Run] = []
    for run in _runs(tokens):
        if run is not None:
            line.append(run if run.address else replace(run, text=typography(run.text)))
        elif _words(line):
            yield tuple(line)
            line = []
    if _words(line):
        yield tuple(line)


def _words(line: Sequence[Run]) -> bool:
    return any(run.text.strip() for run in line)


def _runs(tokens: Iterable["Token"]) -> Iterator[Run | None]:
    """Runs of one style; None is a line break."""
    styles: list[str] = []
    address = ""
    for token in tokens:
        if token.type in _REFUSED:
            raise _refusal(token)
        if token.type in ("softbreak", "hardbreak"):
            yield None
        elif token.type == "link_open":
            address = _allowed(str(token.attrs["href"]))
        elif token.type == "link_close":
            address = ""
        elif token.nesting:
            _restyle(styles, token)
        elif token.content:
            yield Run(token.content, tuple(sorted(styles)), address)


def _restyle(styles: list[str], token: "Token") -> None:
    style = _STYLES[token.type.rpartition("_")[0]]
    if token.nesting > 0:
        styles.append(style)
    else:
        styles.remove(style)


def _allowed(address: str) -> str:
    if address.startswith(_SCHEMES):
        return address
    raise MarkupError(
        _("A link must start with https:// (“{address}”).").format(address=address[:60]), address
    )


def _refusal(token: "Token") -> MarkupError:
    what = _REFUSED[token.type]
    snippet = (token.content or token.markup).strip().partition("\n")[0] or "|"
    return MarkupError(
        _(
            "A template may contain paragraphs, lists, **bold**, *italic*, ~~struck~~ and links, but"
            " not this ({what}: “{snippet}”)."
        ).format(what=what, snippet=snippet[:60]),
        snippet,
    )
