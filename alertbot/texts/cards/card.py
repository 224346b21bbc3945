"""The content of a number card as finished text, and its text alternative for people who cannot see it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alertbot.numbers.rules_entry import NumberRow
from alertbot.texts.posts import writing
from alertbot.texts.posts.messages import marks
from alertbot.texts.request import ComposeRequest
from alertbot.texts.wording.markup import Setting
from alertbot.texts.wording.numbers import SEPARATOR, Promised, by_place, named, row_words
from alertbot.texts.wording.phrasing import clock_time, day_name, local, zone_name
from alertbot.texts.wording.render import typography


@dataclass(frozen=True, slots=True)
class CardEntry:
    """One number, or a place to go to. `detail`: zone, condition and end, which always stay with it
    (R4)."""

    label: str
    number: str
    detail: str = ""

    def __str__(self) -> str:
        return " – ".join(filter(None, (f"{self.label} {self.number}", self.detail)))


@dataclass(frozen=True, slots=True)
class Section:
    """A territory and its numbers."""

    title: str
    entries: tuple[CardEntry, ...]


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
    """Everything the card shows, line by line. `named`: the words that say it is a picture."""
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


class CardWords:
    """Writes this alert's cards in one language, with the lines of `card.yaml`."""

    def __init__(self, request: ComposeRequest, lang: str, lines: Mapping[str, str]) -> None:
        self._request, self._lang, self._lines = request, lang, lines
        self._setting: Setting = Setting(lang, request.zone, request.now, typography(lang))
        self._promised: Promised = Promised(self._time("valid_until"), self._time("review_at"), ())
        frame = request.marked
        self._mark = writing.plain(marks(frame, lang).brief) if frame else ""

    def card(self, rows: Sequence[NumberRow], count: str = "") -> Card:
        """The card of these rows. `count`: such as ` (1/2)`."""
        kind = self._request.kind
        return Card(
            title=kind.title.get(self._lang, kind.name) + count,
            head=(self._request.organisation.name, self._published(), self._line("urgent")),
            sections=self._sections(rows),
            foot=self._foot(),
            mark=self._mark,
        )

    def alternative(self, card: Card) -> str:
        """Everything on the card as text; every number with its zone and condition (R4)."""
        return alternative(card, self._line("picture", title=card.title))

    def _sections(self, rows: Sequence[NumberRow]) -> tuple[Section, ...]:
        return tuple(
            Section(named(place, self._setting, self._promised), tuple(map(self._entry, group)))
            for place, group in by_place(rows)
        )

    def _entry(self, row: NumberRow) -> CardEntry:
        words = row_words(row, self._setting, self._promised)
        return CardEntry(words.label.rstrip(" "), words.said, SEPARATOR.join(words.details))

    def _published(self) -> str:
        here = self._request.now.astimezone(self._request.zone)
        day = day_name(here.date(), self._lang)
        return self._line("published", day=day, time=clock_time(here, self._lang), zone=self._zone())

    def _foot(self) -> tuple[str, ...]:
        found = []
        for key, at in (("until", self._promised.until), ("review", self._promised.review)):
            if at is not None:
                when = local(self._setting, at, self._request.zone)
                found.append(self._line(key, when=when, zone=self._zone()))
        if page := self._request.organisation.verification_page:
            found.append(self._line("check", page=page))
        return (*found, self._line("reference", alert=self._request.identity.alert))

    def _zone(self) -> str:
        return zone_name(str(self._request.zone), self._lang)

    def _time(self, field: str) -> datetime | None:
        value = self._request.parsed.values.get(field)
        return value if isinstance(value, datetime) else None

    def _line(self, key: str, **places: str) -> str:
        return self._setting.typography(self._lines[key]).format(**places)
