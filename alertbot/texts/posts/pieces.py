"""From a template to the posts of one channel. Pure.

A text is written as pieces: lead, places, details, foot. A short form makes each piece a post of its own; a long form
puts as many whole pieces into a message as fit. Nothing is ever cut: a piece that does not fit is written in its tighter
wording, a territory's numbers are divided between posts, each with the same heading; what is too long then is told.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from alertbot.core.frozen import dataclass
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.region import Territory
from alertbot.texts.posts.writing import WITHIN, has_link
from alertbot.texts.wording.language import phrase
from alertbot.texts.wording.markup import Block, Run, Shape
from alertbot.texts.wording.numbers import STOPPED, by_place
from alertbot.texts.wording.phrasing import MOST_NAMED
from alertbot.texts.wording.render import DETAIL, FOOT, LEAD, PLACE, STOP, TemplateText

Blocks = tuple[Block, ...]
Length = Callable[[Sequence[Block]], int]


@dataclass(frozen=True, slots=True)
class PostLimit:
    """How much one post may contain, and how it is counted."""

    limit: int
    length: Length

    def over(self, blocks: Sequence[Block]) -> int:
        """By how much these blocks are too long; 0 or less: they fit."""
        return self.length(blocks) - self.limit


@dataclass(frozen=True, slots=True)
class Place:
    """The numbers of one territory in one list of an alert. `struck`: numbers that must not be called."""

    territory: Territory
    rows: tuple[NumberRow, ...]
    struck: bool = False


@dataclass(frozen=True, slots=True)
class Marks:
    """What opens and closes every post of an exercise; `brief`: only the word, where space is short. `notice` and
    `farewell`: what the full marks say in addition."""

    opening: Blocks
    closing: Blocks
    brief: Blocks
    notice: Blocks
    farewell: Blocks


@dataclass(frozen=True, slots=True)
class Edition:
    """One language of an alert before it is fitted to a channel. `marks`: it is an exercise."""

    lang: str
    text: TemplateText
    places: tuple[Place, ...]
    subject: str
    marks: Marks | None = None
    brief: str = ""  # a shorter subject, where that is too long
    has_page: bool = False  # the alert stands on a public page too


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands whole. `tight`: the same in fewer words, if the template has that. `heading` goes before it where
    the text has one for each region."""

    name: str
    full: Blocks
    tight: Blocks = ()
    place: Place | None = None
    heading: Blocks = ()


@dataclass(frozen=True, slots=True)
class Excess:
    """A piece that fits into no post, and by how much it is too long in its shortest wording."""

    piece: Piece
    over: int

    @property
    def blocks(self) -> Blocks:
        return self.piece.tight or self.piece.full


@dataclass(frozen=True, slots=True)
class WrittenPost:
    """One finished post. `territories`: those whose numbers to call it gives."""

    blocks: Blocks
    territories: tuple[str, ...] = ()
    tight: bool = False


@dataclass(frozen=True, slots=True)
class Thread:
    """The posts in order; or what is too long. `unsaid`: the names of pieces that went for lack of posts, because
    the text says where they stand (a link)."""

    posts: tuple[WrittenPost, ...]
    excess: tuple[Excess, ...] = ()
    unsaid: tuple[str, ...] = ()
    needed: int = 0  # posts, where the channel takes fewer and the text has no link


# --- the pieces of a text ------------------------------------------------------------------------


def places_of(lists: Iterable[tuple[Sequence[NumberRow], bool]]) -> tuple[Place, ...]:
    """The numbers by list and territory; each list with whether its numbers are struck."""
    return tuple(
        Place(territory, tuple(rows), struck)
        for listed, struck in lists
        for territory, rows in by_place(listed)
    )


def pieces(one: Edition) -> Iterator[Piece]:
    """The pieces in the order of the template. Raises `TemplateBrokenError`."""
    for name in one.text.posts:
        if name == LEAD:
            yield from _said(Piece(LEAD, one.text.piece(LEAD), one.text.piece(LEAD, tight=True)))
        elif name == DETAIL:
            yield from details(one.text.piece(DETAIL))
        else:
            for place in one.places:
                if place.struck == (name == STOP):
                    yield from _said(written_place(one, place))


def _said(piece: Piece) -> Iterator[Piece]:
    if piece.full:
        yield piece


def written_place(one: Edition, place: Place) -> Piece:
    """The piece of one territory's numbers."""
    name = STOP if place.struck else PLACE
    full, tight = (
        one.text.piece(
            name, tight=tight, place=place.territory, rows=place.rows, **{STOPPED: place.struck}
        )
        for tight in (False, True)
    )
    return Piece(name, full, tight, place)


def details(blocks: Sequence[Block]) -> Iterator[Piece]:
    """One piece for each paragraph or list; a heading stays with what follows."""
    gathered: Blocks = ()
    for at, block in enumerate(blocks):
        gathered = (*gathered, block)
        following = blocks[at + 1] if at + 1 < len(blocks) else None
        if block.shape is Shape.HEADING and following:
            continue
        if following and following.shape is Shape.ITEM:
            continue  # a list stays with its lead-in
        yield Piece(DETAIL, gathered)
        gathered = ()


def narrower(one: Edition, piece: Piece) -> tuple[Piece, ...]:
    """The same numbers in two pieces, each with the same heading; the numbers of a service stay together while they
    can. Empty if there is only one number."""
    place = piece.place
    if place is None or len(place.rows) < 2:
        return ()
    groups = [tuple(rows) for _service, rows in groupby(place.rows, key=lambda row: row.service)]
    if len(groups) < 2:
        groups = [(row,) for row in place.rows]
    half = (len(groups) + 1) // 2
    return tuple(
        written_place(one, replace(place, rows=tuple(row for group in part for row in group)))
        for part in (groups[:half], groups[half:])
    )


# --- short forms: each piece is a post -------------------------------------------------------------


def thread(one: Edition, room: PostLimit | None, most: int | None) -> Thread:
    """One post for each piece. `most`: how many posts the channel takes; above it details go first, then everything
    but the lead if that has a link. Raises `TemplateBrokenError`."""
    said = [*pieces(one)]
    too_many = most is not None and sum(piece.name != DETAIL for piece in said) > most
    if too_many and (alone := _lead_alone(one, said, room)):
        return alone  # no other post has to be written for that
    found = [(piece, _posts(one, piece, room)) for piece in said]
    kept = [(piece, posts) for piece, posts in found if piece.name != DETAIL]
    for pairs, unsaid in ((found, ()), (kept, (DETAIL,))):
        made, excess = [posts for _piece, posts in pairs], _excess(pairs)
        posts = _opened(one, made)
        if most is None or len(posts) + len(excess) <= most:
            return Thread((), excess) if excess else Thread(posts, unsaid=unsaid)
    if alone := _lead_alone(one, said, room):
        return alone
    excess = _excess(found)
    needed = 0 if excess else len(_opened(one, [posts for _piece, posts in found]))
    return Thread((), excess, needed=needed)


Pairs = Sequence[tuple[Piece, Sequence[WrittenPost | Excess]]]


def _excess(found: Pairs) -> tuple[Excess, ...]:
    return tuple(entry for _piece, posts in found for entry in posts if isinstance(entry, Excess))


def _lead_alone(one: Edition, said: Sequence[Piece], room: PostLimit | None) -> Thread | None:
    """The lead, if it fits and has a link."""
    for posts in (_posts(one, piece, room) for piece in said if piece.name == LEAD):
        if isinstance(posts[0], WrittenPost) and has_link(posts[0].blocks):
            return Thread(_opened(one, [posts]), unsaid=_others(said))
    return None


def _others(found: Iterable[Piece]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(piece.name for piece in found if piece.name not in (LEAD, FOOT)))


def _posts(one: Edition, piece: Piece, room: PostLimit | None) -> list[WrittenPost | Excess]:
    places = (piece.place.territory.code,) if piece.place and not piece.place.struck else ()
    shortest = 0
    for blocks, tight in _wordings(one, piece):
        if room is None or room.over(blocks) <= 0:
            return [WrittenPost(blocks, places, tight)]
        shortest = room.over(blocks)
    assert room is not None
    if parts := narrower(one, piece):
        return [entry for part in parts for entry in _posts(one, part, room)]
    return [Excess(piece, shortest)]


def _wordings(one: Edition, piece: Piece) -> Iterator[tuple[Blocks, bool]]:
    """The possible wordings, the fullest first."""
    for blocks, tight in ((piece.full, False), (piece.tight, True)):
        if blocks and one.marks is None:
            yield blocks, tight
        elif blocks and one.marks:
            yield (*one.marks.opening, *blocks, *one.marks.closing), tight
            yield (*one.marks.brief, *blocks, *one.marks.brief), tight


def _opened(one: Edition, made: Sequence[Sequence[WrittenPost | Excess]]) -> tuple[WrittenPost, ...]:
    """The posts; in an exercise whose full marks found no room in each of them, these are posts of their own."""
    posts = tuple(entry for each in made for entry in each if isinstance(entry, WrittenPost))
    marks = one.marks
    if marks is None or all(post.blocks[: len(marks.opening)] == marks.opening for post in posts):
        return posts
    return (WrittenPost(marks.opening), *posts, WrittenPost(marks.closing))


# --- long forms: as many whole pieces in a message as fit -------------------------------------------


def long_text(
    one: Edition, room: PostLimit | None, *, parts: bool, anchors: bool, foot: bool = True
) -> Thread:
    """As few messages as possible, each ending at the end of a piece. `parts`: there may be more than one. `anchors`:
    links within the text work. `foot`: with whose message it is and where to check it. Raises `TemplateBrokenError`."""
    found = [*_by_area(one, [*pieces(one)])]
    last = one.text.piece(FOOT) if foot else ()
    found += [Piece(FOOT, last)] if last else []
    whole = _framed(one, _joined(found, one.lang, anchors=anchors))
    if room is None or room.over(whole) <= 0:
        return Thread((WrittenPost(whole, _territories(found)),))
    if not parts:
        return _one_message(one, found, room)
    return _packed(one, found, room)


def _one_message(one: Edition, found: Sequence[Piece], room: PostLimit) -> Thread:
    """The text in tighter words, else without its details, else the lead alone if it has a link."""
    kept = [piece for piece in found if piece.name != DETAIL]
    for said, unsaid in ((found, ()), (kept, (DETAIL,))):
        tight = tuple(
            block for piece in said for block in (*piece.heading, *(piece.tight or piece.full))
        )
        post = WrittenPost(_framed(one, tight), _territories(said), tight=True)
        if room.over(post.blocks) <= 0:
            return Thread((post,), unsaid=unsaid)
    for lead in (piece for piece in found if piece.name == LEAD and has_link(piece.full)):
        (made,) = _posts(one, lead, room)
        if isinstance(made, WrittenPost):
            return Thread((made,), unsaid=_others(found))
        return Thread((), (made,))
    return Thread((), (Excess(found[0], room.over(post.blocks)),))


def _packed(one: Edition, found: Sequence[Piece], room: PostLimit) -> Thread:
    fitting: list[Piece] = []
    excess: list[Excess] = []
    for piece in found:
        for part in _that_fit(one, piece, room):
            if isinstance(part, Excess):
                excess.append(part)
            else:
                fitting.append(part)
    if excess:
        return Thread((), tuple(excess))
    parts: list[list[Piece]] = [[]]
    for piece in fitting:
        if parts[-1] and room.over(_numbered(one, [*parts[-1], piece], 99, 99)) > 0:
            parts.append([])
        parts[-1].append(piece)
    return Thread(
        tuple(
            WrittenPost(_numbered(one, part, at, len(parts)), _territories(part))
            for at, part in enumerate(parts, 1)
        )
    )


def _that_fit(one: Edition, piece: Piece, room: PostLimit) -> Iterator[Piece | Excess]:
    over = room.over(_numbered(one, [piece], 99, 99))
    if over <= 0:
        yield piece
    elif divided := narrower(one, piece):
        for part in divided:
            yield from _that_fit(one, part, room)
    else:
        yield Excess(piece, over)


def _numbered(one: Edition, part: Sequence[Piece], at: int, parts: int) -> Blocks:
    count = Block(((Run(f"{at}/{parts}"),),)) if parts > 1 else None
    blocks = _joined(part, one.lang, anchors=None)
    return _framed(one, (*blocks, count) if count else blocks)


def _framed(one: Edition, blocks: Blocks) -> Blocks:
    return (*one.marks.opening, *blocks, *one.marks.closing) if one.marks else blocks


def _territories(found: Sequence[Piece]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(
            piece.place.territory.code for piece in found if piece.place and not piece.place.struck
        )
    )


# --- many territories -------------------------------------------------------------------------------


def _by_area(one: Edition, found: Sequence[Piece]) -> Iterator[Piece]:
    """The pieces; more than `MOST_NAMED` territories stand under a heading for each region."""
    called = [piece for piece in found if piece.name == PLACE and piece.place]
    areas = list(dict.fromkeys(_area(piece, one.lang) for piece in called))
    if len(called) <= MOST_NAMED or len(areas) < 2:
        yield from found
        return
    ordered = iter(sorted(called, key=lambda piece: areas.index(_area(piece, one.lang))))
    before = ""
    for piece in found:
        if piece not in called:
            yield piece
            continue
        following = next(ordered)
        area = _area(following, one.lang)
        heading = _area_heading(area, areas.index(area) + 1, called, one.lang) if area != before else ()
        yield replace(following, full=_deeper(following.full), heading=heading)
        before = area


def _area(piece: Piece, lang: str) -> str:
    return piece.place.territory.area_in(lang) if piece.place else ""


def _area_heading(area: str, at: int, called: Sequence[Piece], lang: str) -> Blocks:
    codes = [
        piece.place.territory.code for piece in called if piece.place and _area(piece, lang) == area
    ]
    return (Block(((Run(area),),), Shape.HEADING, depth=1, indexed=", ".join(codes), anchor=f"r{at}"),)


def _deeper(blocks: Blocks) -> Blocks:
    return tuple(
        replace(block, depth=block.depth + 1) if block.shape is Shape.HEADING else block
        for block in blocks
    )


def _joined(found: Sequence[Piece], lang: str, *, anchors: bool | None) -> Blocks:
    """The blocks of these pieces. `anchors` True: an index of the regions, with links, stands before the first."""
    blocks = tuple(block for piece in found for block in (*piece.heading, *piece.full))
    headings = [block for block in blocks if block.indexed]
    if not anchors or not headings:
        return blocks
    at = blocks.index(headings[0])
    lines = [_index_line(block) for block in headings]
    title = (Run(phrase("colon", lang, before=phrase("by_region", lang)), ("b",)),)
    return (*blocks[:at], Block((title, *lines)), *blocks[at:])


def _index_line(heading: Block) -> tuple[Run, ...]:
    name = "".join(run.text for line in heading.lines for run in line)
    return (Run(name, (), f"{WITHIN}{heading.anchor}"), Run(f" ({heading.indexed})"))
