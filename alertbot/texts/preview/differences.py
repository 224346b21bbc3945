"""What differs between two texts, word by word, for somebody who reads the second and knows the first. Pure."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from enum import StrEnum

from alertbot.core.frozen import dataclass
from alertbot.core.model import Message
from alertbot.texts.preview.phrases import ShownThread, threads

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


class PieceChange(StrEnum):
    """What became of a piece of text."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class ComparedText:
    """The texts of one channel in one language: pieces in reading order. `before`: whether there was any."""

    channel: str
    lang: str
    pieces: tuple[tuple[PieceChange, str], ...]
    before: bool

    @property
    def same(self) -> bool:
        return all(piece is PieceChange.SAME for piece, _text in self.pieces)


def compared(before: Sequence[Message], after: Sequence[Message]) -> tuple[ComparedText, ...]:
    """The texts of `after` against those that stood on the same channel in the same language; then those that are
    gone altogether."""
    earlier = {(one.channel, one.lang): _text(one) for one in threads(tuple(before))}
    found = []
    for one in threads(tuple(after)):
        old = earlier.pop((one.channel, one.lang), None)
        pieces = tuple(words(old or "", _text(one)))
        found.append(ComparedText(one.channel, one.lang, pieces, old is not None))
    gone = ((channel, lang, ((PieceChange.GONE, text),)) for (channel, lang), text in earlier.items())
    return (*found, *(ComparedText(*one, before=True) for one in gone))


def _text(thread: ShownThread) -> str:
    subject = [thread.subject] if thread.subject else []
    return "\n\n".join([*subject, *(part.text.strip() for part in thread.parts)])


def words(before: str, after: str) -> Iterator[tuple[PieceChange, str]]:
    """The pieces from `before` to `after`: by line first, then by word within lines that changed."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    for tag, one, two, three, four in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was, now = "".join(old[one:two]), "".join(new[three:four])
        if tag == "replace":
            yield from _within(was, now)
        else:
            yield from _pieces(was, now, same=tag == "equal")


def _within(before: str, after: str) -> Iterator[tuple[PieceChange, str]]:
    """Word by word; a space or sign between two changes belongs to them, so that a reader sees whole phrases."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    was, now = "", ""
    for tag, one, two, three, four in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, fresh = "".join(old[one:two]), "".join(new[three:four])
        if tag != "equal" or ((was or now) and two < len(old) and not any(map(str.isalnum, fresh))):
            was, now = was + gone, now + fresh
            continue
        yield from _pieces(was, now, same=False)
        yield from _pieces(gone, fresh, same=True)
        was, now = "", ""
    yield from _pieces(was, now, same=False)


def _pieces(was: str, now: str, *, same: bool) -> Iterator[tuple[PieceChange, str]]:
    if same:
        yield PieceChange.SAME, now
        return
    if was:
        yield PieceChange.GONE, was
    if now:
        yield PieceChange.NEW, now
