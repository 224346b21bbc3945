"""What a card says, in finished words; and the same as a text for those who cannot see it."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One number, or a place to go to. `detail`: zone, condition and end, which never leave it (R4)."""

    label: str
    number: str
    detail: str = ""

    def __str__(self) -> str:
        return " – ".join(filter(None, (f"{self.label} {self.number}", self.detail)))


@dataclass(frozen=True, slots=True)
class Section:
    """A territory and its numbers."""

    title: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One picture. `head` and `foot` are lines in order; `mark` opens and closes an exercise (R23)."""

    title: str
    head: tuple[str, ...]
    sections: tuple[Section, ...]
    foot: tuple[str, ...]
    mark: str = ""

    @property
    def rows(self) -> int:
        return sum(len(section.entries) for section in self.sections)


def alternative(card: Card, named: str) -> str:
    """Everything that the card shows, line by line. `named`: how it says that it is a picture."""
    return "\n".join(filter(None, _lines(card, named)))


def _lines(card: Card, named: str) -> Iterator[str]:
    yield card.mark
    yield named
    yield from card.head
    for section in card.sections:
        yield section.title
        yield from map(str, section.entries)
    yield from card.foot
    yield card.mark
