"""Small Markdown, read once into blocks of styled lines, written as plain text, Telegram HTML or mail HTML.

Allowed: paragraphs, line breaks (a newline is one), **bold**, *italic*, ~~struck~~, lists, headings,
`[text](address)` and `<address>`. Anything else is refused. The three writings come from the same blocks,
so that they say the same; `split` cuts between blocks.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING

from alertbot.errors import AlertbotError
from alertbot.words import _

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

TELEGRAM_ENTITIES = 100  # the most a Telegram message may hold
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
    """A construct that not every channel can show; `snippet` is how it begins, as written."""

    def __init__(self, message: str, snippet: str) -> None:
        super().__init__(message)
        self.snippet = snippet


class Shape(StrEnum):
    """What a block is."""

    PARAGRAPH = "paragraph"
    HEADING = "heading"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class Run:
    """Words of one style. `styles`: some of b, i, s."""

    text: str
    styles: tuple[str, ...] = ()
    address: str = ""


Line = tuple[Run, ...]
Writer = Callable[[Line], str]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading or an item of a list. Never empty. `tight`: follows its neighbour without a
    blank line between."""

    lines: tuple[Line, ...]
    shape: Shape = Shape.PARAGRAPH
    bullet: str = ""
    depth: int = 0
    tight: bool = False

    @property
    def titled(self) -> bool:
        """Whether a bold first line names what the other lines are about: a territory and its numbers."""
        first = self.lines[0]
        return len(self.lines) > 1 and all("b" in run.styles or not run.text.strip() for run in first)


@dataclass
class _Reader:
    typography: Callable[[str], str]
    blocks: list[Block] = field(default_factory=list)
    lists: list[list[str | int]] = field(default_factory=list)  # [bullet or next number] per depth
    items: int = 0  # of the list being read, at the outermost level
    end: int = -1  # the source line after the last block
    bullet: str = ""
    shape: Shape = Shape.PARAGRAPH


def read(source: str, typography: Callable[[str], str] = str) -> tuple[Block, ...]:
    """The blocks of this Markdown, their words set by `typography`. Raises `MarkupError`."""
    reader = _Reader(typography)
    for token in _markdown().parse(source):
        _take(reader, token)
    return tuple(reader.blocks)


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    wanted = "heading list fence hr html_block blockquote table newline escape backticks strikethrough"
    inline = "emphasis link image autolink html_inline entity text_join"
    return MarkdownIt("zero", {"html": True}).enable([*wanted.split(), *inline.split()])


def _take(reader: _Reader, token: "Token") -> None:
    """Move on by one token of block level."""
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


def _open_item(reader: _Reader) -> None:
    mark = reader.lists[-1]
    if isinstance(mark[0], int):
        reader.bullet, mark[0] = f"{mark[0]}. ", mark[0] + 1
    else:
        reader.bullet = str(mark[0])


def _add_block(reader: _Reader, lines: tuple[Line, ...], *, follows: bool) -> None:
    """`follows`: directly on the line after the block before it, with no blank line between."""
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
    """Runs of one style; None stands for a line break."""
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
        _("A link must begin with https:// (“{address}”).").format(address=address[:60]), address
    )


def _refusal(token: "Token") -> MarkupError:
    what = _REFUSED[token.type]
    snippet = (token.content or token.markup).strip().partition("\n")[0] or "|"
    return MarkupError(
        _(
            "A template may hold paragraphs, lists, **bold**, *italic*, ~~struck~~ and links, "
            "not this ({what}: “{snippet}”)."
        ).format(what=what, snippet=snippet[:60]),
        snippet,
    )


# --- plain text ----------------------------------------------------------------------------------


def plain(blocks: Sequence[Block]) -> str:
    """As plain text: a link is written `text address`, or the address alone when they are the same."""
    return _join(blocks, _plain_line)


def visible(blocks: Sequence[Block]) -> str:
    """What a Telegram reader sees: the text without the addresses behind the links."""
    return _join(blocks, lambda line: "".join(run.text for run in line))


def _plain_line(line: Line) -> str:
    return "".join(_plain_link(address, list(runs)) for address, runs in _links(line))


def _plain_link(address: str, runs: Sequence[Run]) -> str:
    text = "".join(run.text for run in runs)
    if not address:
        return text
    shown = address.removeprefix("mailto:").removeprefix("tel:")
    return shown if _same(text, shown) else f"{text} {shown}"


def _same(text: str, address: str) -> bool:
    def bare(one: str) -> str:
        return one.strip().removeprefix("https://").removeprefix("http://").rstrip("/")

    return bare(text) == bare(address)


def _links(line: Line) -> Iterator[tuple[str, Iterable[Run]]]:
    return groupby(line, key=lambda run: run.address)


def _join(blocks: Sequence[Block], write: Writer) -> str:
    pieces: list[str] = []
    for block in blocks:
        if pieces:
            pieces.append("\n" if block.tight else "\n\n")
        pieces.append(_block_text(block, write))
    return "".join(pieces)


def _block_text(block: Block, write: Writer) -> str:
    indent = "  " * block.depth
    first = indent + block.bullet
    rest = "\n" + indent + " " * len(block.bullet)
    return first + rest.join(write(line).strip() for line in block.lines)


# --- Telegram ------------------------------------------------------------------------------------


def telegram(blocks: Sequence[Block]) -> str:
    """As the HTML that Telegram takes (b, i, s, a), everything else escaped."""
    return _join([_shown_heading(block) for block in blocks], _telegram_line)


def entities(blocks: Sequence[Block]) -> int:
    """How many entities Telegram will count, at most."""
    runs = [run for block in blocks for line in _shown_heading(block).lines for run in line]
    return sum(len(run.styles) + bool(run.address) for run in runs)


def _shown_heading(block: Block) -> Block:
    if block.shape is not Shape.HEADING:
        return block
    bold = tuple(
        tuple(replace(run, styles=tuple(sorted({*run.styles, "b"}))) for run in line)
        for line in block.lines
    )
    return replace(block, lines=bold)


def _telegram_line(line: Line) -> str:
    return "".join(_linked(address, "".join(map(_styled, runs))) for address, runs in _links(line))


def _styled(run: Run) -> str:
    text = escaped(run.text)
    for style in run.styles:
        text = f"<{style}>{text}</{style}>"
    return text


def _linked(address: str, inner: str) -> str:
    return f'<a href="{escaped(address)}">{inner}</a>' if address else inner


def escaped(text: str) -> str:
    """Safe between tags and inside a quoted attribute."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


# --- mail ----------------------------------------------------------------------------------------


def email(blocks: Sequence[Block]) -> str:
    """As an HTML fragment of headings, paragraphs and lists."""
    return "\n".join(
        _email_list(list(group)) if shape is Shape.ITEM else "\n".join(map(_email_block, group))
        for shape, group in groupby(blocks, key=lambda block: block.shape)
    )


def _email_block(block: Block) -> str:
    tag = "h2" if block.shape is Shape.HEADING else "p"
    return f"<{tag}>{_email_lines(block)}</{tag}>"


def _email_lines(block: Block) -> str:
    return "<br>\n".join(_telegram_line(line).strip() for line in block.lines)


def _email_list(items: Sequence[Block]) -> str:
    """Lists in a row are told apart by the blank line before them; deeper items are indented by style."""
    return "\n".join(_one_email_list(run) for run in _runs_of_items(items))


def _runs_of_items(items: Sequence[Block]) -> Iterator[Sequence[Block]]:
    start = 0
    for at in range(1, len(items) + 1):
        if at == len(items) or not items[at].tight:
            yield items[start:at]
            start = at


def _one_email_list(items: Sequence[Block]) -> str:
    numbered = items[0].bullet[:1].isdigit()
    tag = f'ol start="{items[0].bullet.partition(".")[0]}"' if numbered else "ul"
    rows = "\n".join(f"<li{_indent(item)}>{_email_lines(item)}</li>" for item in items)
    return f"<{tag}>\n{rows}\n</{tag[:2]}>"


def _indent(item: Block) -> str:
    return f' style="margin-left:{2 * item.depth}em"' if item.depth else ""
