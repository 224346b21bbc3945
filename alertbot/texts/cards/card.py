"""The content of a number card as finished text, and its text alternative for people who cannot see it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from alertbot.core.frozen import dataclass
from alertbot.numbers.rules_entry import NumberRow
from alertbot.texts.fields.values import Choice
from alertbot.texts.posts import writing
from alertbot.texts.posts.messages import marks
from alertbot.texts.request import ComposeRequest, relay
from alertbot.texts.wording.markup import Setting
from alertbot.texts.wording.numbers import SEPARATOR, Promised, by_place, named, replaced_by, row_words
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
class CardSection:
    """A territory and its numbers."""

    title: str
    entries: tuple[CardEntry, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """One picture. `band`: what it is and how things stand, on a band of the colour of `stage`. `head` and `foot` are
    lines in order; `page` the address to type; `mark` opens and closes an exercise (R23)."""

    title: str
    head: tuple[str, ...]
    sections: tuple[CardSection, ...]
    foot: tuple[str, ...]
    mark: str = ""
    band: str = ""
    stage: str = ""
    page: str = ""

    @property
    def rows(self) -> int:
        return sum(len(section.entries) for section in self.sections)


def alternative(card: Card, named: str) -> str:
    """Everything the card shows, line by line. `named`: the words that say it is a picture."""
    return "\n".join(filter(None, _lines(card, named)))


def _lines(card: Card, named: str) -> Iterator[str]:
    yield card.mark
    yield named
    yield card.band
    yield from card.head
    for section in card.sections:
        yield section.title
        yield from map(str, section.entries)
    yield from card.foot
    yield card.page
    yield card.mark


class CardWords:
    """Writes this alert's cards in one language, with the lines of `card.yaml`."""

    def __init__(self, request: ComposeRequest, lang: str, lines: Mapping[str, str]) -> None:
        self._request, self._lang, self._lines = request, lang, lines
        self._setting: Setting = Setting(lang, request.zone, request.now, typography(lang))
        self._promised: Promised = Promised(self._time("valid_until"), self._time("review_at"), ())
        frame = request.marked
        self._mark = writing.plain(marks(frame, lang).brief) if frame else ""

    def card(self, rows: Sequence[NumberRow]) -> Card:
        """The card of these rows."""
        public = self._request.page
        page = public.url if public else self._request.organisation.verification_page
        stage = self._request.parsed.values.get("stage")
        said = [self._line("what"), stage.in_lang(self._lang) if isinstance(stage, Choice) else ""]
        return Card(
            title=self._title(rows),
            band=" – ".join(filter(None, said)),
            stage=stage.key if isinstance(stage, Choice) else "",
            head=tuple(filter(None, (self._first(rows), self._line("urgent")))),
            sections=self._sections(rows),
            foot=self._foot(),
            page=page.removeprefix("https://").rstrip("/"),
            mark=self._mark,
        )

    def _title(self, rows: Sequence[NumberRow]) -> str:
        """Where the numbers hold: the territory if it is one, else the alert's kind."""
        places = [place for place, _rows in by_place(rows)]
        kind = self._request.kind
        if len(places) == 1:
            return named(places[0], self._setting, self._promised)
        return kind.title.get(self._lang, kind.name)

    def _first(self, rows: Sequence[NumberRow]) -> str:
        numbers = replaced_by(rows, self._lang)
        return self._line("first", numbers=numbers) if numbers else ""

    def alternative(self, card: Card) -> str:
        """Everything on the card as text; every number with its zone and condition (R4)."""
        return alternative(card, self._line("picture", title=card.title))

    def _sections(self, rows: Sequence[NumberRow]) -> tuple[CardSection, ...]:
        places = by_place(rows)
        return tuple(
            CardSection(
                named(place, self._setting, self._promised) if len(places) > 1 else "",
                tuple(map(self._entry, group)),
            )
            for place, group in places
        )

    def _entry(self, row: NumberRow) -> CardEntry:
        words = row_words(row, self._setting, self._promised)
        return CardEntry(words.label.rstrip(" "), words.said, SEPARATOR.join(words.details))

    def _published(self) -> str:
        here = self._request.now.astimezone(self._request.zone)
        day = day_name(here.date(), self._lang)
        return self._line("published", day=day, time=clock_time(here, self._lang), zone=self._zone())

    def _foot(self) -> tuple[str, ...]:
        line = relay(self._lang)
        state = self._request.parsed.values.get("relay_state")
        works = not (isinstance(state, Choice) and state.key == "down")
        found = [line.brief] if line and works else []
        for key, at in (("until", self._promised.until), ("review", self._promised.review)):
            if at is not None:
                when = local(self._setting, at, self._request.zone)
                found.append(self._line(key, when=when, zone=self._zone()))
        name = self._request.organisation.name
        reference = self._line("reference", alert=self._request.identity.alert)
        return (*filter(None, found), f"{name}. {self._published()}. {reference}")

    def _zone(self) -> str:
        return zone_name(str(self._request.zone), self._lang)

    def _time(self, field: str) -> datetime | None:
        value = self._request.parsed.values.get(field)
        return value if isinstance(value, datetime) else None

    def _line(self, key: str, **places: str) -> str:
        return self._setting.typography(self._lines[key]).format(**places)
