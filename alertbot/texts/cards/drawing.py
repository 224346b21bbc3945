"""Drawing a card as a PNG: black on white, large digits, as wide as a phone; the same bytes for the same
card.

Pillow is loaded only here, and only when a card is drawn. Lengths are in pixels.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from alertbot.texts.cards.card import Card, CardEntry, Section

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont


MIME = "image/png"
WIDTH = 1080
MARGIN = 56
ROOM = WIDTH - 2 * MARGIN
GAP = 28
RULE = 6
MOST_HEIGHT = 9_000  # a platform takes no higher picture
WHITE, BLACK = 255, 0
_FONTS = Path(__file__).with_name("fonts")
_REGULAR, _BOLD = "DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf"
_NO_LETTER = "\uffff"  # in no font: shows what a missing letter looks like


@dataclass(frozen=True, slots=True)
class Drawing:
    """A finished picture."""

    png: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class _Style:
    """A weight and a size; `leading` is from one line to the next."""

    font: str
    size: int

    @property
    def leading(self) -> int:
        return round(self.size * 1.25)


@dataclass(frozen=True, slots=True)
class _Words:
    """Text at a position; `right`: it ends there instead of starting."""

    x: int
    y: int
    text: str
    style: _Style
    right: bool = False


@dataclass(frozen=True, slots=True)
class _Bar:
    """A black line over the whole width."""

    y: int


_MARK, _TITLE = _Style(_BOLD, 46), _Style(_BOLD, 64)
_HEAD, _FOOT = _Style(_REGULAR, 38), _Style(_BOLD, 40)
_PLACE, _LABEL = _Style(_BOLD, 52), _Style(_REGULAR, 43)
_NUMBER, _DETAIL = _Style(_BOLD, 76), _Style(_REGULAR, 43)


@lru_cache(maxsize=32)  # channels share their cards
def draw(card: Card) -> Drawing:
    """The picture of a card. Raises `ValueError` if it would be too high."""
    from PIL import Image, ImageDraw

    pieces, height = _laid_out(card)
    if height > MOST_HEIGHT:
        raise ValueError(f"{card.rows} rows need {height} pixels")
    image = Image.new("L", (WIDTH, height), WHITE)
    pen = ImageDraw.Draw(image)
    for piece in pieces:
        if isinstance(piece, _Bar):
            pen.rectangle((MARGIN, piece.y, WIDTH - MARGIN, piece.y + RULE), fill=BLACK)
        else:
            anchor = "ra" if piece.right else "la"
            pen.text((piece.x, piece.y), piece.text, fill=BLACK, font=_font(piece.style), anchor=anchor)
    return Drawing(_png(image.quantize(16)), WIDTH, height)


def unreadable(card: Card) -> str:
    """The letters that cannot be drawn, each once; empty if all can."""
    said = "".join([card.title, card.mark, *card.head, *card.foot])
    said += "".join(f"{section.title}{''.join(map(str, section.entries))}" for section in card.sections)
    return "".join(letter for letter in dict.fromkeys(said) if not _known(letter))


def _png(image: object) -> bytes:
    from PIL.Image import Image

    assert isinstance(image, Image)
    written = io.BytesIO()
    image.save(written, "PNG", optimize=True, compress_level=9)
    return written.getvalue()


@cache
def _font(style: _Style) -> "FreeTypeFont":
    from PIL import ImageFont

    basic = ImageFont.Layout.BASIC  # does not depend on libraries of the machine
    return ImageFont.truetype(_FONTS / style.font, style.size, layout_engine=basic)


@cache
def _known(letter: str) -> bool:
    if letter.isspace():
        return True
    return all(
        bytes(font.getmask(letter)) != bytes(font.getmask(_NO_LETTER))
        for font in (_font(_LABEL), _font(_PLACE))
    )


def _wide(text: str, style: _Style) -> int:
    return round(_font(style).getlength(text))


# --- where everything stands ---------------------------------------------------------------------

_Piece = _Words | _Bar


def _laid_out(card: Card) -> tuple[list[_Piece], int]:
    """Every piece from top to bottom, and the total height."""
    page = _CardPage()
    page.write(card.mark, _MARK)
    page.write(card.title, _TITLE)
    for line in card.head:
        page.write(line, _HEAD)
    abreast = all(map(_abreast, (entry for one in card.sections for entry in one.entries)))
    for section in card.sections:
        _section(page, section, abreast)
    page.bar()
    for line in card.foot:
        page.write(line, _FOOT)
    page.write(card.mark, _MARK)
    return page.pieces, page.y + MARGIN


class _CardPage:
    """Lays out a card line by line."""

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []
        self.y = MARGIN

    def write(self, text: str, style: _Style) -> None:
        for line in _wrapped(text, style, ROOM):
            self.pieces.append(_Words(MARGIN, self.y, line, style))
            self.y += style.leading

    def bar(self) -> None:
        self.y += GAP
        self.pieces.append(_Bar(self.y))
        self.y += RULE + GAP


def _section(page: _CardPage, section: Section, abreast: bool) -> None:
    page.bar()
    page.write(section.title, _PLACE)
    for entry in section.entries:
        page.y += GAP
        _entry(page, entry, abreast)


def _abreast(entry: CardEntry) -> bool:
    """Whether label and number fit on one line; words such as a place are always put below."""
    if not _is_number(entry):
        return True
    return _wide(entry.label, _LABEL) + GAP + _wide(entry.number, _NUMBER) <= ROOM


def _is_number(entry: CardEntry) -> bool:
    return not any(sign.isalpha() for sign in entry.number)


def _entry(page: _CardPage, entry: CardEntry, abreast: bool) -> None:
    """Put the label to the left of the number if that works for the whole card, else above it."""
    if abreast and _is_number(entry):
        below = _NUMBER.size - _LABEL.size  # so that both stand on one line
        page.pieces.append(_Words(MARGIN, page.y + below, entry.label, _LABEL))
        page.pieces.append(_Words(WIDTH - MARGIN, page.y, entry.number, _NUMBER, right=True))
        page.y += _NUMBER.leading
    else:
        page.write(entry.label, _LABEL)
        page.write(entry.number, _NUMBER if _is_number(entry) else _PLACE)
    page.write(entry.detail.replace("– ", "–\u00a0"), _DETAIL)  # a dash begins a line, never ends one


def _wrapped(text: str, style: _Style, room: int) -> Iterator[str]:
    """Lines that fit, broken only at plain spaces; a word too long for a line is cut."""
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if _wide(longer, style) <= room:
            line = longer
            continue
        if line:
            yield line
        *cut, line = _cut(word, style, room)
        yield from cut
    if line:
        yield line


def _cut(word: str, style: _Style, room: int) -> Iterator[str]:
    begun = 0
    for at in range(1, len(word)):
        if _wide(word[begun : at + 1], style) > room:
            yield word[begun:at]
            begun = at
    yield word[begun:]
