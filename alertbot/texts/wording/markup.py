"""Small Markdown, read once into blocks of styled lines; `writing` turns them into text and HTML. And how templates
print values in it: as plain words, because every sign with a meaning in Markdown is escaped.

Allowed: paragraphs, line breaks (a newline is one), **bold**, *italic*, ~~struck~~, lists, headings,
`[text](address)` and `<address>`. Anything else is refused. `Setting` limits a rendering's steps and output."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from datetime import datetime
from enum import StrEnum
from functools import cache, lru_cache
from time import thread_time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jinja2 import StrictUndefined
from jinja2.runtime import Context
from jinja2.utils import pass_context
from markupsafe import Markup

from alertbot.core.errors import AlertbotError
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.texts.fields.values import SeenChoice, Url

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
    """Text of one style. `styles`: some of b, i, s, and code for a number. `address`: of a link, or `tel:`."""

    text: str
    styles: tuple[str, ...] = ()
    address: str = ""


Line = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading or an item of a list. Never empty. `depth`: of an item or a heading, from 0. `tight`:
    follows its neighbour without a blank line. `indexed`: an index of the text lists this heading, with these words added. `anchor`:
    its name in links within the text."""

    lines: tuple[Line, ...]
    shape: Shape = Shape.PARAGRAPH
    bullet: str = ""
    depth: int = 0
    tight: bool = False
    indexed: str = ""
    anchor: str = ""


@dataclass
class _MarkdownReader:
    typography: Callable[[str], str]
    blocks: list[Block] = field(default_factory=list)
    lists: list[list[str | int]] = field(default_factory=list)  # [bullet or next number] per depth
    items: int = 0  # of the list being read, at the outermost level
    end: int = -1  # the source line after the last block
    bullet: str = ""
    shape: Shape = Shape.PARAGRAPH
    level: int = 0  # of the heading being read


@lru_cache(maxsize=2048)  # while somebody types, most of a text stays
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
        reader.shape, reader.level = Shape.HEADING, int(token.tag[1:]) - 1
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
        depth = reader.level if reader.shape is Shape.HEADING else 0
        reader.blocks.append(Block(lines, reader.shape, depth=depth))
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


MOST_STEPS = 20_000  # rounds of loops and calls
MOST_CHARACTERS = 300_000
MOST_SECONDS = 1.0  # of this thread's processor time, for all pieces of one text
LARGEST_VALUE = (
    10_000  # entries that one filter, test or comparison may be given, those within entries included
)
SETTING = "_setting"
STAND_IN = "\ue000"  # private use: no field may hold it


_MARKDOWN_SIGN = re.compile(r"([!-/:-@\[-`{-~])")
_LINE_END = re.compile(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+\s*")


class TemplateRunError(AlertbotError):
    """A template cannot be used or did not run; the sentence says why, without the place."""


@dataclass
class Setting:
    """What the filters of one rendering know, and how much it has used up."""

    lang: str
    zone: ZoneInfo
    issued: datetime
    typography: Callable[[str], str] = str
    ready: list[tuple[Block, ...]] = field(default_factory=list)  # see `stand_in`
    steps: int = 0
    characters: int = 0
    begun: float = field(default_factory=thread_time)

    def in_time(self) -> None:
        """Raises `TemplateRunError` once the rendering has taken too long."""
        if thread_time() - self.begun > MOST_SECONDS:
            raise TemplateRunError(
                _("The template works for more than {most} s.").format(most=MOST_SECONDS)
            )

    def step(self) -> None:
        """Count one round of a loop or one call. Raises `TemplateRunError` above the limit."""
        self.in_time()
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TemplateRunError(
                _("The template repeats itself more than {most} times.").format(most=MOST_STEPS)
            )

    def stand_in(self, blocks: tuple[Block, ...]) -> "SafeMarkdown":
        """Markdown that stands for finished blocks: long lists need not be parsed again."""
        self.ready.append(blocks)
        return SafeMarkdown(f"\n\n{STAND_IN}{len(self.ready) - 1}{STAND_IN}\n\n")

    def write(self, text: str) -> None:
        """Count output. Raises `TemplateRunError` above the limit."""
        self.characters += len(text)
        if self.characters > MOST_CHARACTERS:
            raise TemplateRunError(
                _("The template writes more than {most} characters.").format(most=MOST_CHARACTERS)
            )


class SafeMarkdown(Markup):
    """Markdown that the program wrote itself, with the values in it escaped."""

    @classmethod
    def escape(cls, s: Any, /) -> "SafeMarkdown":
        return s if isinstance(s, SafeMarkdown) else literal(str(s))


def literal(text: str) -> SafeMarkdown:
    """Words that come out as they are, on one line, in every channel."""
    return SafeMarkdown(_MARKDOWN_SIGN.sub(r"\\\1", _LINE_END.sub(" ", text)))


def link(address: str, text: str = "") -> SafeMarkdown:
    """An address that becomes a link."""
    target = address.replace("<", "%3C").replace(">", "%3E").replace("\\", "%5C").replace("\n", "")
    return SafeMarkdown(f"[{literal(text or address)}](<{target}>)")


@pass_context
def written(context: Context, value: object) -> Markup:
    """How `{{ value }}` is printed. Raises `TemplateRunError` for a value that cannot be printed."""
    if isinstance(value, list | tuple | dict):
        raise TemplateRunError(_how_to_write(value))
    setting_of(context).write("" if value is None else str(value))
    if isinstance(value, Markup):
        return value
    if isinstance(value, Url):
        return link(value.address)
    if isinstance(value, str | int | float | SeenChoice | StrictUndefined):
        return literal(str(value))
    raise TemplateRunError(_how_to_write(value))


def _how_to_write(value: object) -> str:
    if value is None:
        return _("A field that may be empty is used here. Test it first with {% if … %}.")
    return _(
        "A {type} is used here. Choose a filter that puts it into words, such as when, names or span."
    ).format(type=type(value).__name__)


def setting_of(context: Context) -> Setting:
    """The setting of the current rendering."""
    setting = context.parent[SETTING]
    assert isinstance(setting, Setting)
    return setting


def joined(pieces: Iterable[object], separator: str = "") -> str:
    """Pieces put together; where one is Markdown already, the others are escaped for it."""
    parts = list(pieces)
    if any(isinstance(part, Markup) for part in parts):
        return SafeMarkdown(literal(separator).join(_as_source(part) for part in parts))
    return separator.join(str(part) for part in parts)


def _as_source(part: object) -> SafeMarkdown:
    return SafeMarkdown(str(part)) if isinstance(part, Markup) else literal(str(part))
