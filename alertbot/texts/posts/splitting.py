"""Splitting a text that is too long into a thread, and the index of a long one. Pure.

Splits are between paragraphs, items and headings (a heading stays with what follows). A paragraph with a
bold title line, such as a territory and its numbers, may also be split between its lines, with the title
repeated. No line is ever split, so no number loses its territory, zone or condition. Head and foot are
in every part: each is complete on its own. What appears `once` closes the first part, or the last if the
first has no room for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from alertbot.texts.posts.writing import WITHIN
from alertbot.texts.wording.markup import Block, Line, Run, Shape

MOST_DIGITS = 3  # of the count of parts

Length = Callable[[Sequence[Block]], int]
_CONTINUED: Mapping[str, str] = {"fr": " (suite)", "en": " (continued)"}


@dataclass(frozen=True, slots=True)
class PartLimit:
    """How much one part may contain, and how it is counted. `length` must be that of the whole minus 1
    or 2 for the line ends between blocks, so that the sum is what the platform counts."""

    limit: int
    length: Length


@dataclass(frozen=True, slots=True)
class Excess:
    """A piece that fits into no part: `piece` is `body`, or `frame` for head and foot together."""

    piece: str
    blocks: tuple[Block, ...]
    over: int


@dataclass(frozen=True, slots=True)
class Thread:
    """The parts in order, or what is too long."""

    parts: tuple[tuple[Block, ...], ...]
    excess: tuple[Excess, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """The pieces of a text. `head`, `foot` and `tail` are in every part, in that order; `once` is
    between foot and tail of the first."""

    head: tuple[Block, ...]
    body: tuple[Block, ...]
    foot: tuple[Block, ...] = ()
    once: tuple[Block, ...] = ()
    tail: tuple[Block, ...] = ()

    @property
    def closing(self) -> tuple[Block, ...]:
        """What appears once, on its own line right below the foot."""
        if not self.once or not self.foot:
            return self.once
        return (replace(self.once[0], tight=True), *self.once[1:])

    @property
    def frame(self) -> tuple[Block, ...]:
        return (*self.head, *self.foot, *self.tail)

    @property
    def whole(self) -> tuple[Block, ...]:
        return (*self.head, *self.body, *self.foot, *self.closing, *self.tail)


@dataclass(frozen=True, slots=True)
class Unit:
    """Blocks that stay together, and their length."""

    blocks: tuple[Block, ...]
    length: int


def split(layout: Layout, room: PartLimit | None, lang: str, least: int = 1) -> Thread:
    """One part if everything fits or `room` is None, else as few parts as possible but at least `least`,
    evenly filled and numbered `(1/3)` at the end of the head's first line."""
    whole = layout.whole
    if room is None or (least <= 1 and room.length(whole) <= room.limit):
        return Thread((whole,) if whole else ())
    return _thread(layout, room, lang, least)


def single(blocks: Sequence[Block], room: PartLimit | None) -> Thread:
    """One part, whatever its length; what is over is reported."""
    over = room.length(blocks) - room.limit if room else 0
    return Thread((tuple(blocks),), (Excess("body", tuple(blocks), over),) if over > 0 else ())


def _thread(layout: Layout, room: PartLimit, lang: str, least: int = 1) -> Thread:
    frame, once = layout.frame, layout.closing
    reserved = room.length(once) + 2 if once else 0
    for digits in range(1, MOST_DIGITS + 1):
        last = 10**digits - 1
        counted = _numbered(frame, last, last)
        free = room.limit - room.length(counted) - (2 if counted else _mark_length(last))
        if free - reserved <= 0:
            return Thread((), (Excess("frame", (*frame, *once), 1 - free + reserved),))
        units = _units(layout.body, free, room.length, lang)
        if excess := [unit for unit in units if unit.length > free]:
            return Thread((), tuple(Excess("body", one.blocks, one.length - free) for one in excess))
        if units and units[0].length + reserved > free:  # no room for it up there: it ends the thread
            last_words = replace(layout, body=(*layout.body, *layout.once), once=())
            return _thread(last_words, room, lang, least)
        packed = _even(units, free, reserved, least)
        if len(packed) <= last:
            parts = (_part(layout, one, at, len(packed)) for at, one in enumerate(packed, 1))
            return Thread(tuple(parts))
    return Thread((), (Excess("body", layout.body[:1], room.length(layout.body)),))


def _mark_length(last: int) -> int:
    return len(_mark(last, last))


def _mark(part: int, parts: int) -> str:
    return f" ({part}/{parts})"


def _part(layout: Layout, units: Sequence[Unit], part: int, parts: int) -> tuple[Block, ...]:
    blocks = [block for unit in units for block in unit.blocks]
    blocks[0] = replace(blocks[0], tight=False)
    once = layout.closing if part == 1 else ()
    whole = (*layout.head, *blocks, *layout.foot, *once, *layout.tail)
    return _numbered(whole, part, parts) if parts > 1 else whole


def _numbered(blocks: Sequence[Block], part: int, parts: int) -> tuple[Block, ...]:
    """The head with the count at the end of its first line."""
    if not blocks:
        return ()
    first, *others = blocks[0].lines
    counted = (*first, Run(_mark(part, parts)))
    return (replace(blocks[0], lines=(counted, *others)), *blocks[1:])


# --- what stays together -------------------------------------------------------------------------


def _units(body: Sequence[Block], free: int, length: Length, lang: str) -> list[Unit]:
    units: list[Unit] = []
    waiting: tuple[Block, ...] = ()
    for block in body:
        if block.shape is Shape.HEADING:
            waiting = (*waiting, block)
            continue
        units += _fitting((*waiting, block), free, length, lang)
        waiting = ()
    return units + (_fitting(waiting, free, length, lang) if waiting else [])


def _fitting(blocks: tuple[Block, ...], free: int, length: Length, lang: str) -> list[Unit]:
    """One unit; or, if it is too long, the heading alone and the pieces of a titled paragraph."""
    whole = Unit(blocks, length(blocks))
    if whole.length <= free:
        return [whole]
    if len(blocks) > 1:
        headings = _fitting(blocks[:-1], free, length, lang)
        return [*headings, *_fitting(blocks[-1:], free, length, lang)]
    return _pieces(blocks[0], free, length, lang) if blocks[0].titled else [whole]


def _pieces(block: Block, free: int, length: Length, lang: str) -> list[Unit]:
    """A titled paragraph split between its lines, with the title repeated."""
    title, *lines = block.lines
    again = (*title, Run(_CONTINUED.get(lang, " (…)"), title[-1].styles))
    pieces: list[Block] = []
    piece = replace(block, lines=(title,))
    for line in lines:
        longer = replace(piece, lines=(*piece.lines, line))
        if len(piece.lines) > 1 and length((longer,)) > free:
            pieces.append(piece)
            longer = replace(block, lines=(again, line), tight=False)
        piece = longer
    return [Unit((one,), length((one,))) for one in (*pieces, piece)]


# --- how parts are filled ------------------------------------------------------------------------


def _even(units: Sequence[Unit], free: int, reserved: int, least: int) -> list[list[Unit]]:
    """As few parts as possible but at least `least`, with the longest as short as possible."""
    fewest = max(len(_packed(units, free, reserved)), least)
    low, high = max((unit.length for unit in units), default=0), free
    while low < high:
        middle = (low + high) // 2
        tried = _packed(units, middle, reserved)
        if len(tried) <= fewest and tried[0]:
            high = middle
        else:
            low = middle + 1
    return _packed(units, high, reserved)


def _packed(units: Sequence[Unit], free: int, reserved: int) -> list[list[Unit]]:
    """Parts filled one after the other, in order; the first has `reserved` less room, and stays empty if
    that is too little."""
    parts: list[list[Unit]] = [[]] if units else []
    used = reserved
    for unit in units:
        gap = (1 if unit.blocks[0].tight else 2) if parts[-1] else 0
        if used + gap + unit.length <= free:
            parts[-1].append(unit)
            used += gap + unit.length
        else:
            parts.append([unit])
            used = unit.length
    return parts


Blocks = tuple[Block, ...]
_TITLE = {"fr": "Numéros par région", "en": "Numbers by region"}
_IN = {"fr": "message {parts}", "en": "message {parts}"}
_FROM_TO = {"fr": "messages {parts}", "en": "messages {parts}"}
_COLON = {"fr": "\u00a0: "}
WIDEST = "999–999"  # stands for the messages until they are counted


def headings(body: Sequence[Block]) -> Blocks:
    """The headings that the index lists."""
    return tuple(block for block in body if block.indexed)


def placed(body: Blocks, lang: str, *, anchors: bool) -> Blocks:
    """The text with its index above the first listed heading, if there is one. `anchors`: each line
    links to its heading."""
    if not headings(body):
        return body
    lines = [_line(block, lang, anchors=anchors) for block in headings(body)]
    return _before(body, _index(lines, lang))


def counted(body: Blocks, lang: str, *, first: bool) -> Blocks:
    """The text of a thread with its index, before it is known which message a region is in. `first`: at
    the very top, if the index must be in the first message."""
    lines = [_line(block, lang, parts=WIDEST) for block in headings(body)]
    index = _index(lines, lang)
    return (index, *body) if first else _before(body, index)


def filled(parts: Sequence[Blocks], lang: str) -> tuple[Blocks, ...] | None:
    """A thread with the right messages in its index; None if the index is not in the first message."""
    listed = [block for part in parts for block in headings(part)]
    draft = _index([_line(block, lang, parts=WIDEST) for block in listed], lang)
    at = next((at for at, block in enumerate(parts[0]) if block.lines == draft.lines), None)
    if at is None:
        return None
    where = _where(parts)
    lines = [_line(block, lang, parts=_parts(where[block.anchor])) for block in listed]
    index = replace(parts[0][at], lines=_index(lines, lang).lines)
    return ((*parts[0][:at], index, *parts[0][at + 1 :]), *parts[1:])


def _where(parts: Sequence[Blocks]) -> dict[str, list[int]]:
    """The messages with something of each heading: its own and those of the territories below it."""
    found: dict[str, list[int]] = {}
    current = ""
    for count, part in enumerate(parts, 1):
        for block in part:
            current = block.anchor if block.indexed else current
            if current and (block.indexed or block.titled) and count not in found.get(current, ()):
                found.setdefault(current, []).append(count)
    return found


def _parts(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"


def _index(lines: Sequence[Line], lang: str) -> Block:
    title = _TITLE.get(lang, _TITLE["en"]) + _COLON.get(lang, ":").rstrip(" ")
    return Block(((Run(title, ("b",)),), *lines))


def _line(heading: Block, lang: str, *, anchors: bool = False, parts: str = "") -> Line:
    name = "".join(run.text for line in heading.lines for run in line)
    address = f"{WITHIN}{heading.anchor}" if anchors else ""
    return tuple(_runs(name, address, heading.indexed, lang, parts))


def _runs(name: str, address: str, codes: str, lang: str, parts: str) -> Iterator[Run]:
    yield Run(name, (), address)
    yield Run(f" ({codes})")
    if parts:
        words = _FROM_TO if "–" in parts else _IN
        yield Run(_COLON.get(lang, ": ") + words.get(lang, "{parts}").format(parts=parts))


def _before(body: Blocks, index: Block) -> Blocks:
    at = next(at for at, block in enumerate(body) if block.indexed)
    return (*body[:at], index, *body[at:])
