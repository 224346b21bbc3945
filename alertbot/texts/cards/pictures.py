"""An alert's number cards: how many there are, their text alternatives, and which posts they accompany.

A card accompanies a complete text, never replaces it (R24). If a channel's posts form a thread, each of
the first parts has a card of up to `ROWS` numbers; elsewhere one card holds them all. A text alternative
is never cut: cards with fewer numbers are made instead.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from alertbot.core.model import Channel, ChannelSpec, Fault, Message, Picture
from alertbot.core.words import _
from alertbot.numbers.rules_entry import NumberRow
from alertbot.texts import lint
from alertbot.texts.cards import drawing
from alertbot.texts.cards.card import CardWords
from alertbot.texts.fields.values import Choice
from alertbot.texts.posts.messages import Edition
from alertbot.texts.request import ComposeRequest, Gathered
from alertbot.texts.wording.numbers import by_place

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


def for_channel(desk: Gathered, channel: Channel, lang: str) -> tuple[Pictured, ...]:
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
    desk: Gathered, channel: Channel, posts: Sequence[Message], cards: Sequence[Pictured]
) -> list[Message]:
    """The posts, each of the first with a card; without any card if there are more cards than posts."""
    if len(cards) > len(posts):
        sentence = _("{channel}: there are more number cards than posts; no cards go out there.")
        words = sentence.format(channel=channel.name)
        desk.warnings.append(Fault("too_many_for_card", words, FIELD, channel=channel.name))
        return list(posts)
    desk.pictures |= {one.picture.digest: one.picture for one in cards}
    with_card = [
        replace(post, picture=one.picture.digest, alt=one.alt)
        for post, one in zip(posts, cards, strict=False)
    ]
    return [*with_card, *posts[len(cards) :]]


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
    if unknown := drawing.unreadable(words.card(rows)):
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
        drawn = drawing.draw(card)
    except ValueError:
        raise _too_many() from None
    digest = hashlib.sha256(drawn.png).hexdigest()
    picture = Picture(digest, drawing.MIME, drawn.width, drawn.height, drawn.png)
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
