"""An alert's number cards: how many there are, their text alternatives, and which posts they accompany.

A card accompanies a complete text, never replaces it (R24). If a channel's posts form a thread, each of
the first parts has a card of up to `ROWS` numbers; elsewhere one card holds them all. A text alternative
is never cut: cards with fewer numbers are made instead.

A card is drawn as a PNG: black on white, large digits, as wide as a phone; the same bytes for the same card.
Pillow is loaded only when one is drawn. Lengths are in pixels.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from alertbot.core.model import Channel, ChannelSpec, Fault, Message, Picture
from alertbot.core.words import _
from alertbot.numbers.rules_entry import NumberRow
from alertbot.texts import lint
from alertbot.texts.cards.card import Card, CardEntry, CardWords, Section
from alertbot.texts.fields.values import Choice
from alertbot.texts.posts.messages import PlacedMessage
from alertbot.texts.posts.pieces import Edition
from alertbot.texts.request import ComposeFindings, ComposeRequest
from alertbot.texts.wording.numbers import by_place

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


ROWS = 8  # on one card of a thread: what can be read on a telephone
MOST_CARDS = 4
FIELD = "card"

Rows = tuple[NumberRow, ...]


@dataclass(frozen=True, slots=True)
class Pictured:
    """A card with its text alternative."""

    picture: Picture
    alt: str


class _NoCardError(Exception):
    """No card can be made; carries the message. `law`: it is a fault that stops the alert."""

    def __init__(self, told: Fault, *, law: bool = False) -> None:
        super().__init__(told.message)
        self.told, self.law = told, law


def wanted(request: ComposeRequest) -> bool:
    """Whether a card was requested."""
    asked = request.parsed.values.get(FIELD)
    return request.prepared is not None and isinstance(asked, Choice) and asked.key == "yes"


def for_channel(desk: ComposeFindings, channel: Channel, lang: str) -> tuple[Pictured, ...]:
    """The cards of one channel and language, in order. Empty if none was requested, the channel takes no
    pictures, or something prevents it, which is then reported."""
    if not channel.spec.can_picture or not wanted(desk.request):
        return ()
    try:
        words = _words(desk.request, lang)
        made = _drawn(words, channel.spec, _rows(desk.request))
    except _NoCardError as none:
        sentence = f"{channel.name} ({lang}): {none.told.message}"
        told = replace(none.told, message=sentence, field=FIELD, channel=channel.name, lang=lang)
        (desk.faults if none.law else desk.warnings).append(told)
        return ()
    if frame := desk.request.marked:
        said = "\n".join(one.alt for one in made)
        desk.faults += lint.real_words(frame, lang, said, channel.name)
    return made


def beside(
    desk: ComposeFindings, channel: Channel, posts: Sequence[PlacedMessage], cards: Sequence[Pictured]
) -> list[Message]:
    """The posts, each of the first with a card; without any card if there are more cards than posts."""
    if len(cards) > len(posts):
        sentence = _("{channel}: there are more number cards than posts; no cards go out there.")
        words = sentence.format(channel=channel.name)
        desk.warnings.append(Fault("too_many_for_card", words, FIELD, channel=channel.name))
        return [post.message for post in posts]
    desk.pictures |= {one.picture.digest: one.picture for one in cards}
    with_card = [
        replace(post.message, picture=one.picture.digest, alt=one.alt)
        for post, one in zip(posts, cards, strict=False)
    ]
    return [*with_card, *(post.message for post in posts[len(cards) :])]


def alternatives(
    request: ComposeRequest, channel: Channel, editions: Sequence[Edition]
) -> dict[str, str]:
    """The cards' content in each language, all numbers together: the languages must agree in it (R26)."""
    rows, found = _rows(request), {}
    for one in editions if channel.spec.can_picture and wanted(request) and rows else ():
        try:
            words = _words(request, one.lang)
        except _NoCardError:
            continue
        found[one.lang] = words.alternative(words.card(rows))
    return found


def _rows(request: ComposeRequest) -> Rows:
    """The numbers that people should call."""
    value = request.parsed.values.get("numbers")
    return tuple(one for one in value if isinstance(one, NumberRow)) if isinstance(value, tuple) else ()


def _words(request: ComposeRequest, lang: str) -> CardWords:
    assert request.prepared is not None
    lines = request.prepared.card.get(lang)
    if lines is None:
        sentence = _("no number card: {file} has no lines in this language.")
        raise _NoCardError(Fault("no_card", sentence.format(file="card.yaml")))
    return CardWords(request, lang, lines)


def _drawn(words: CardWords, spec: ChannelSpec, rows: Rows) -> tuple[Pictured, ...]:
    if not rows:
        raise _NoCardError(Fault("no_card", _("no number card: there are no numbers.")))
    if len(rows) > ROWS * MOST_CARDS:
        raise _too_many()
    if unknown := unreadable(words.card(rows)):
        sentence = _("no number card: it cannot show these letters: {letters}")
        raise _NoCardError(Fault("no_card", sentence.format(letters=" ".join(unknown))))
    pages = _pages(words, spec, rows)
    if len(pages) > MOST_CARDS:
        raise _too_many()
    counts = [f" ({at}/{len(pages)})" if len(pages) > 1 else "" for at in range(1, len(pages) + 1)]
    return tuple(_pictured(words, page, count) for page, count in zip(pages, counts, strict=True))


def _too_many() -> _NoCardError:
    sentence = _(
        "no number card: there are too many numbers for {most} cards; all of them are in the text."
    )
    return _NoCardError(Fault("too_many_for_card", sentence.format(most=MOST_CARDS)))


def _pictured(words: CardWords, rows: Rows, count: str) -> Pictured:
    card = words.card(rows, count)
    try:
        drawn = draw(card)
    except ValueError:
        raise _too_many() from None
    digest = hashlib.sha256(drawn.png).hexdigest()
    picture = Picture(digest, MIME, drawn.width, drawn.height, drawn.png)
    return Pictured(picture, words.alternative(card))


def _pages(words: CardWords, spec: ChannelSpec, rows: Rows) -> list[Rows]:
    """The rows of each card. A territory stays together if it fits one card."""
    if not spec.parts:
        if _fits(words, spec, rows, whole=True):
            return [rows]
        raise _too_many()
    pages: list[Rows] = [()]
    for _place, found in by_place(rows):
        group = tuple(found)
        if _fits(words, spec, (*pages[-1], *group)):
            pages[-1] = (*pages[-1], *group)
        elif _fits(words, spec, group):
            pages.append(group)
        else:
            _one_by_one(words, spec, pages, group)
    return [page for page in pages if page]


def _one_by_one(words: CardWords, spec: ChannelSpec, pages: list[Rows], group: Rows) -> None:
    for row in group:
        if _fits(words, spec, (*pages[-1], row)):
            pages[-1] = (*pages[-1], row)
        elif _fits(words, spec, (row,)):
            pages.append((row,))
        else:
            sentence = _(
                "the text alternative of a card with only “{row}” is longer than {most} characters."
                " Shorten its condition, or leave the card out."
            )
            told = sentence.format(row=row, most=spec.longest_alt)
            raise _NoCardError(Fault("alt_too_long", told), law=True)


def _fits(words: CardWords, spec: ChannelSpec, rows: Rows, *, whole: bool = False) -> bool:
    if not whole and len(rows) > ROWS:
        return False
    if spec.longest_alt is None:
        return True
    counted = "" if whole else f" ({MOST_CARDS}/{MOST_CARDS})"
    return len(words.alternative(words.card(rows, counted))) <= spec.longest_alt
