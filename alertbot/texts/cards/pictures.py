"""An alert's number cards: how many there are, their text alternatives, and which posts they accompany.

A card accompanies a complete text, never replaces it (R24). Each post has the card of the territories whose numbers it
gives: on X one territory a card. A text alternative is never cut: where it is too long, there is no card.

A card is drawn as a PNG: black on white, large digits, as wide as a phone, below a band that says in words and in
colour how things stand; the same bytes for the same card.
Pillow is loaded only when one is drawn. Lengths are in pixels.
"""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from alertbot.core.frozen import dataclass
from alertbot.core.model import Channel, ChannelSpec, Fault, Message, Picture
from alertbot.core.words import _
from alertbot.numbers.rules_entry import NumberRow
from alertbot.texts import lint
from alertbot.texts.cards.card import Card, CardEntry, CardSection, CardWords
from alertbot.texts.fields.values import Choice
from alertbot.texts.posts.messages import PlacedMessage
from alertbot.texts.posts.pieces import Edition
from alertbot.texts.request import ComposeFindings, ComposeRequest
from alertbot.texts.wording.language import right_to_left

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont


MIME = "image/png"
WIDTH = 1080
MARGIN = 56
ROOM = WIDTH - 2 * MARGIN
GAP = 28
RULE = 6
MOST_HEIGHT = 9_000  # a platform takes no higher picture
WHITE, BLACK = (255, 255, 255), (0, 0, 0)
# Of the band, by stage; white on each has a contrast of 7 or more. The words say the same.
BANDS = {
    "stabilised": (94, 60, 0),
    "restored_partly": (0, 77, 64),
    "failing": (128, 0, 16),
    "back_again": (128, 0, 16),
}
BAND = (10, 54, 120)
COLOURS = 32
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
    colour: tuple[int, int, int] = BLACK


@dataclass(frozen=True, slots=True)
class _Bar:
    """A black line over the whole width."""

    y: int


@dataclass(frozen=True, slots=True)
class _Band:
    """The band at the top, down to `bottom`."""

    bottom: int
    colour: tuple[int, int, int]


_MARK, _TITLE = _Style(_BOLD, 46), _Style(_BOLD, 64)
_HEAD, _PAGE, _WHAT = _Style(_REGULAR, 38), _Style(_BOLD, 52), _Style(_BOLD, 50)
_PLACE, _LABEL = _Style(_BOLD, 52), _Style(_REGULAR, 43)
_NUMBER, _DETAIL = _Style(_BOLD, 76), _Style(_REGULAR, 43)


@lru_cache(maxsize=32)  # channels share their cards
def draw(card: Card) -> Drawing:
    """The picture of a card. Raises `ValueError` if it would be too high."""
    from PIL import Image, ImageDraw

    pieces, height = _laid_out(card)
    if height > MOST_HEIGHT:
        raise ValueError(f"{card.rows} rows need {height} pixels")
    image = Image.new("RGB", (WIDTH, height), WHITE)
    pen = ImageDraw.Draw(image)
    for piece in pieces:
        if isinstance(piece, _Band):
            pen.rectangle((0, 0, WIDTH, piece.bottom), fill=piece.colour)
        elif isinstance(piece, _Bar):
            pen.rectangle((MARGIN, piece.y, WIDTH - MARGIN, piece.y + RULE), fill=BLACK)
        else:
            anchor = "ra" if piece.right else "la"
            font = _font(piece.style)
            pen.text((piece.x, piece.y), piece.text, fill=piece.colour, font=font, anchor=anchor)
    written = io.BytesIO()
    image.quantize(COLOURS).save(written, "PNG", optimize=True, compress_level=9)
    return Drawing(written.getvalue(), WIDTH, height)


def unreadable(card: Card) -> str:
    """The letters that cannot be drawn, each once; empty if all can."""
    said = "".join([card.title, card.band, card.page, card.mark, *card.head, *card.foot])
    said += "".join(f"{section.title}{''.join(map(str, section.entries))}" for section in card.sections)
    return "".join(letter for letter in dict.fromkeys(said) if not _known(letter))


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

_Piece = _Words | _Bar | _Band


def _laid_out(card: Card) -> tuple[list[_Piece], int]:
    """Every piece from top to bottom, and the total height."""
    page = _CardPage()
    if card.band:
        page.band(card.band, BANDS.get(card.stage, BAND))
    page.write(card.mark, _MARK)
    page.write(card.title, _TITLE)
    for line in card.head:
        page.write(line, _HEAD)
    abreast = all(map(_abreast, (entry for one in card.sections for entry in one.entries)))
    for section in card.sections:
        _section(page, section, abreast)
    page.bar()
    for line in card.foot:
        page.write(line, _HEAD)
    page.write(card.page, _PAGE)
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

    def band(self, text: str, colour: tuple[int, int, int]) -> None:
        at = len(self.pieces)
        self.y = GAP
        for line in _wrapped(text, _WHAT, ROOM):
            self.pieces.append(_Words(MARGIN, self.y, line, _WHAT, colour=WHITE))
            self.y += _WHAT.leading
        self.pieces.insert(at, _Band(self.y + GAP, colour))
        self.y += 2 * GAP

    def bar(self) -> None:
        self.y += GAP
        self.pieces.append(_Bar(self.y))
        self.y += RULE + GAP


def _section(page: _CardPage, section: CardSection, abreast: bool) -> None:
    page.bar()
    if section.title:
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


MOST_ROWS = 32  # on one card
FIELD = "card"

Rows = tuple[NumberRow, ...]


@dataclass(frozen=True, slots=True)
class Pictured:
    """A card with its text alternative."""

    picture: Picture
    alt: str


class _NoCardError(Exception):
    """No card can be made; carries why."""

    def __init__(self, rule: str, why: str) -> None:
        super().__init__(why)
        self.rule = rule


def wanted(request: ComposeRequest) -> bool:
    """Whether a card was requested."""
    asked = request.parsed.values.get(FIELD)
    return request.prepared is not None and isinstance(asked, Choice) and asked.key == "yes"


def beside(
    desk: ComposeFindings, channel: Channel, lang: str, posts: Sequence[PlacedMessage]
) -> list[Message]:
    """The posts of one channel and language, each with the card of the territories whose numbers it gives, if cards
    were requested and the channel takes pictures. A lead that stands alone, because a public page has the list, has the
    card of all. Where none can be made a warning says why."""
    if not channel.spec.can_picture or not wanted(desk.request):
        return [post.message for post in posts]
    if desk.request.page and posts and not any(post.territories for post in posts):
        every = tuple(dict.fromkeys(row.territory.code for row in _rows(desk.request)))
        posts = [replace(posts[0], territories=every), *posts[1:]]
    shown: set[str] = set()
    made: list[Message] = []
    for post in posts:
        fresh = tuple(code for code in post.territories if code not in shown)
        shown |= set(fresh)
        rows = tuple(row for row in _rows(desk.request) if row.territory.code in fresh)
        card = _card(desk, channel, lang, rows) if rows else None
        if card is None:
            made.append(post.message)
            continue
        desk.pictures[card.picture.digest] = card.picture
        made.append(replace(post.message, picture=card.picture.digest, alt=card.alt))
    if not shown and posts:
        why = _("no number card: no post there gives a number to call.")
        _told(desk, channel, lang, _NoCardError("no_card", why))
    return made


def _card(desk: ComposeFindings, channel: Channel, lang: str, rows: Rows) -> Pictured | None:
    try:
        made = _drawn(_words(desk.request, lang), channel.spec, rows)
    except _NoCardError as none:
        _told(desk, channel, lang, none)
        return None
    if frame := desk.request.marked:
        desk.faults += lint.real_words(frame, lang, made.alt, channel.name)
    return made


def _told(desk: ComposeFindings, channel: Channel, lang: str, none: _NoCardError) -> None:
    sentence = f"{channel.name} ({lang}): {none}"
    desk.warnings.append(Fault(none.rule, sentence, FIELD, channel=channel.name, lang=lang))


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
        raise _NoCardError("no_card", sentence.format(file="card.yaml"))
    if right_to_left(lang):
        raise _NoCardError("no_card", _("no number card: it cannot show writing from right to left."))
    return CardWords(request, lang, lines)


def _drawn(words: CardWords, spec: ChannelSpec, rows: Rows) -> Pictured:
    if len(rows) > MOST_ROWS:
        raise _too_many()
    card = words.card(rows)
    if unknown := unreadable(card):
        sentence = _("no number card: it cannot show these letters: {letters}")
        raise _NoCardError("no_card", sentence.format(letters=" ".join(unknown)))
    alt = words.alternative(card)
    if spec.longest_alt is not None and len(alt) > spec.longest_alt:
        sentence = _(
            "no number card: its text alternative would be longer than {most} characters; all numbers are in the text."
        )
        raise _NoCardError("alt_too_long", sentence.format(most=spec.longest_alt))
    try:
        drawn = draw(card)
    except ValueError:
        raise _too_many() from None
    digest = hashlib.sha256(drawn.png).hexdigest()
    return Pictured(Picture(digest, MIME, drawn.width, drawn.height, drawn.png), alt)


def _too_many() -> _NoCardError:
    sentence = _("no number card: more than {most} numbers; all of them are in the text.")
    return _NoCardError("too_many_for_card", sentence.format(most=MOST_ROWS))
