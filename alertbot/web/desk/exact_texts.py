"""How much of an alert's texts a page shows at once. All of it where that is little; else of each channel and language
the beginning, with a link to the page that has it whole, in pages that a phone loads at once. Nothing is lost: what is
folded says how much of it there is, and where. Pure, but for the two pages."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import escape
from starlette.responses import Response

from alertbot.alerts import showing
from alertbot.alerts.views import CarriedNumberView, ShownAlertView
from alertbot.core.errors import Misuse
from alertbot.core.model import Message
from alertbot.core.words import _, ngettext
from alertbot.texts.preview import html_page, phrases
from alertbot.texts.preview.differences import ComparedText, PieceChange
from alertbot.texts.preview.phrases import ShownThread, repeated
from alertbot.web.desk.room import Routes, Visit, leaf, page

AT_ONCE = 16_000  # bytes of texts on an alert's page, and beside a form
LITTLE = 5_000  # of those of a retraction
HEAD, FRAME = 500, 400  # bytes of markup: of a channel in a language, and of each of its posts
LEAST = 240  # bytes of a text, below which its beginning says nothing
ONE_PAGE = 24_000  # bytes of one text on a page of its own
MOST_NUMBERS = 12  # told one by one
NUMBERS_A_PAGE = 100
AROUND = 90  # characters that stay the same, before and after a change
MOST_CHANGES, PIECE = 4_000, 110  # bytes of all changes together, and of the markup of each

Channels = Mapping[str, Sequence[ShownThread]]


@dataclass(frozen=True, slots=True)
class FoldedText:
    """What is not shown of a text: `same_as`, the channel that shows it word for word, or how much is left, and where
    it stands whole (None: nowhere yet)."""

    same_as: str = ""
    posts: int = 0
    characters: int = 0
    address: str | None = None

    @property
    def said(self) -> str:
        if self.same_as:
            return phrases.as_on(self.same_as)
        if self.posts:
            more = ngettext("{n} more post", "{n} more posts", self.posts).format(n=self.posts)
        else:
            sentence = ngettext("{n} more character", "{n} more characters", self.characters)
            more = sentence.format(n=self.characters)
        return _("Read all of it ({more})").format(more=more) if self.address else f"… {more}"


def key(thread: ShownThread) -> str:
    """Which text a fold belongs to."""
    return f"{thread.channel} {thread.lang} {thread.action}"


def cost(thread: ShownThread) -> int:
    """About how many bytes of a page these posts take; of a mail both its texts."""
    both = thread.type == "email"
    return sum(
        _bytes(one.html or one.text) + (_bytes(one.text) if both and one.html else 0) + FRAME
        for one in thread.parts
    )


def _bytes(text: str) -> int:
    return len(str(escape(text)).encode())


def folded(
    channels: Channels, place: str | None, *, budget: int = AT_ONCE
) -> tuple[dict[str, list[ShownThread]], dict[str, FoldedText]]:
    """The texts as a page shows them, and what it leaves out. `place`: under which the whole ones stand, by their
    number."""
    every = [one for group in channels.values() for one in group]
    if sum(map(cost, every)) + HEAD * len(every) <= budget:
        return {name: list(group) for name, group in channels.items()}, {}
    same = {one: name for one, name in repeated(every).items() if not one.subject}
    own = [one for one in every if one not in same]
    fits = sum(map(cost, own)) + HEAD * len(every) <= budget
    share = (
        budget if fits else max(LEAST, (budget - HEAD * len(every)) // max(1, len(every) - len(same)))
    )
    shown: dict[str, list[ShownThread]] = {}
    left: dict[str, FoldedText] = {}
    for number, one in enumerate(every):
        parts: tuple[Message, ...]
        if one in same:
            parts, left[key(one)] = (), FoldedText(same_as=same[one])
        else:
            parts, fold = _beginning(one, share)
            if fold:
                left[key(one)] = replace(fold, address=f"{place}/{number}" if place else None)
        shown.setdefault(one.channel, []).append(replace(one, parts=parts))
    return shown, left


def _beginning(thread: ShownThread, share: int) -> tuple[tuple[Message, ...], FoldedText | None]:
    """As many posts as fit, at least the beginning of the first; a mail by its plain text."""
    if cost(thread) <= share:
        return thread.parts, None
    if thread.type == "email":
        thread = replace(thread, parts=tuple(replace(one, html=None) for one in thread.parts))
    parts = thread.parts
    counts = range(len(parts), 0, -1)
    fitting = next((one for one in counts if cost(replace(thread, parts=parts[:one])) <= share), 0)
    if fitting:
        return parts[:fitting], FoldedText(posts=len(parts) - fitting) if parts[fitting:] else None
    begun = _first_of(parts[0].text, max(LEAST, share - FRAME))
    fold = FoldedText(posts=len(parts) - 1, characters=len(parts[0].text) - len(begun))
    return (replace(parts[0], text=f"{begun} …", html=None),), fold


def _first_of(text: str, limit: int) -> str:
    """The beginning of a text in so many bytes, up to the end of a line, else of a word."""
    begun = text.encode()[:limit].decode(errors="ignore")
    for end in ("\n", " "):
        kept = begun.rpartition(end)[0].rstrip()
        if kept:
            return kept
    return begun


# --- a text whole, in pages -----------------------------------------------------------------------


def add(routes: Routes) -> None:
    routes.get("/alerts/{alert}/texts/{number}", _text)
    routes.get("/alerts/{alert}/retraction/{number}", _retraction)
    routes.get("/alerts/{alert}/numbers", _numbers)


async def _text(visit: Visit) -> Response:
    view = await showing.show(visit.service, visit.path("alert"), None)
    return await _whole(visit, view, "channels", _("exactly as it goes out"))


async def _retraction(visit: Visit) -> Response:
    view = await showing.show(visit.service, visit.path("alert"), None)
    return await _whole(visit, view, "retraction", _("the prepared retraction"))


async def _whole(visit: Visit, view: ShownAlertView, which_texts: str, what: str) -> Response:
    groups: Channels = html_page.parts(view.sheet)[which_texts]
    found, number = [one for group in groups.values() for one in group], visit.path("number")
    if not (number.isascii() and number.isdigit() and int(number[:4]) < len(found)):
        raise Misuse(_("{alert} has no such text.").format(alert=view.id))
    thread = found[int(number[:4])]
    return await page(
        visit,
        "text.html.j2",
        alert=view,
        thread=thread,
        what=what,
        leaf=leaf(visit, list(in_pages(thread)), 1),
        retraction=which_texts == "retraction",
        phrases=phrases,
    )


def in_pages(thread: ShownThread) -> Iterator[list[tuple[Message, str]]]:
    """The posts of a text with as much of each as a page takes."""
    found: list[tuple[Message, str]] = []
    taken = 0
    for one in thread.parts:
        for piece in in_pieces(one.text):
            if found and taken + _bytes(piece) + FRAME > ONE_PAGE:
                yield found
                found, taken = [], 0
            found.append((one, piece))
            taken += _bytes(piece) + FRAME
    yield found


def in_pieces(text: str) -> Iterator[str]:
    """A text in pieces of at most a page, each up to the end of a line."""
    while _bytes(text) > ONE_PAGE - FRAME:
        piece = _first_of(text, (ONE_PAGE - FRAME) // 2)
        yield piece
        text = text[len(piece) :].lstrip("\n")
    yield text


# --- numbers --------------------------------------------------------------------------------------


async def _numbers(visit: Visit) -> Response:
    view = await showing.show(visit.service, visit.path("alert"), None)
    shown = leaf(visit, view.numbers, NUMBERS_A_PAGE)
    lines = [showing.number_in_words(one, view.zone) for one in shown.rows]
    first = (shown.number - 1) * NUMBERS_A_PAGE + 1
    return await page(visit, "numbers_of.html.j2", alert=view, lines=lines, first=first, leaf=shown)


def numbers_told(view: ShownAlertView) -> list[str]:
    """The numbers of an alert and who verified each; of many, how many each person verified and what the test calls
    brought, and one by one only what nobody verified."""
    if len(view.numbers) <= MOST_NUMBERS:
        return [showing.number_in_words(one, view.zone) for one in view.numbers]
    doubtful = [one for one in view.numbers if not one.verified_by and not one.struck]
    lines = [showing.number_in_words(one, view.zone) for one in doubtful[:MOST_NUMBERS]]
    if more := len(doubtful) - len(lines):
        sentence = ngettext("{n} more is NOT VERIFIED", "{n} more are NOT VERIFIED", more)
        lines.append(sentence.format(n=more))
    counted = Counter(map(_checked, (one for one in view.numbers if one not in doubtful)))
    for checked, count in counted.most_common():
        sentence = ngettext("{n} number: {what}", "{n} numbers: {what}", count)
        lines.append(sentence.format(n=count, what=checked))
    return lines


def _checked(one: CarriedNumberView) -> str:
    if one.struck:
        return _("no longer to be called")
    call = showing.call_in_words(one.call)
    return _("verified by {name}; {call}").format(name=one.verified_by, call=call)


# --- differences ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ShownDifference:
    """The differences in one text, without the long stretches that stay. `as_on`: the channel where the same changes
    stand; `cut`: some are left out."""

    channel: str
    lang: str
    same: bool
    pieces: tuple[tuple[str, str], ...] = ()
    as_on: str = ""
    cut: bool = False


def differences_shown(found: Sequence[ComparedText]) -> list[ShownDifference]:
    """What a reader has to see of what differs."""
    known: dict[tuple[str, tuple[str, ...]], str] = {}
    differing = sum(1 for one in found if not one.same)
    share = MOST_CHANGES // max(1, differing)
    shown = []
    for one in found:
        changes = tuple(text for piece, text in one.pieces if piece is not PieceChange.SAME)
        before = known.setdefault((one.lang, changes), one.channel) if changes else one.channel
        if before != one.channel:
            shown.append(ShownDifference(one.channel, one.lang, same=False, as_on=before))
            continue
        pieces, cut = _shortened(one.pieces, share)
        shown.append(ShownDifference(one.channel, one.lang, one.same, pieces, cut=cut))
    return shown


def _shortened(
    pieces: Sequence[tuple[PieceChange, str]], share: int
) -> tuple[tuple[tuple[str, str], ...], bool]:
    """The changes with what stands around them, up to a limit."""
    found: list[tuple[str, str]] = []
    taken = 0
    for piece, text in pieces:
        stays = piece is PieceChange.SAME
        if stays and len(text) > 3 * AROUND:
            text = f"{text[:AROUND]} […] {text[-AROUND:]}"  # noqa: PLW2901 - shortened in place
        if not stays and taken + _bytes(text) + PIECE > share:
            kept = _first_of(text, max(LEAST, share - taken))
            return (*found, (str(piece), f"{kept} …")), True
        taken += 0 if stays else _bytes(text) + PIECE
        found.append((str(piece), text))
    return tuple(found), False
