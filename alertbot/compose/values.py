"""What a parsed field holds. Frozen values; `seen` gives what a template of one language sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from alertbot.register.entry import NumberRow
from alertbot.register.services import Service
from alertbot.register.territories import Territory

CERTAINTIES = ("unknown", "suspected", "confirmed")  # of a cause (R10)


@dataclass(frozen=True, slots=True)
class Text:
    """Words for the public, per language. `bare`: one wording given for every language."""

    by_lang: Mapping[str, str]
    bare: str | None = None

    def in_lang(self, lang: str) -> str:
        """The wording in this language, else the bare one, else empty. May hold newlines: one step a
        line."""
        return self.by_lang.get(lang, self.bare or "")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a kind allows, with its wording per language."""

    key: str
    labels: Mapping[str, str]

    def in_lang(self, lang: str) -> str:
        """The wording in this language, else in English, else the key."""
        return self.labels.get(lang) or self.labels.get("en") or self.key


@dataclass(frozen=True, slots=True)
class Certainty(Choice):
    """How sure a cause is: `unknown`, `suspected` or `confirmed` (R10)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A counted or estimated quantity, dated and sourced (R13). `value` as it was written: `11 800`."""

    value: str
    unit: Text
    at: datetime
    source: Text
    provisional: bool = True


@dataclass(frozen=True, slots=True)
class SeenFigure:
    """A figure in one language."""

    value: str
    unit: str
    at: datetime
    source: str
    provisional: bool


@dataclass(frozen=True, slots=True)
class SeenChoice:
    """A choice in one language: prints as its label, `key` is for tests in templates."""

    key: str
    label: str

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True, slots=True)
class Url:
    """An address whose field's type is `url`: the only kind of value that becomes a link."""

    address: str

    def __str__(self) -> str:
        return self.address


Value: TypeAlias = (
    Text
    | datetime
    | timedelta
    | tuple[Territory, ...]
    | tuple[NumberRow, ...]
    | tuple[Service, ...]
    | tuple[Figure, ...]
    | Url
    | Choice
)
Seen: TypeAlias = (
    str
    | datetime
    | timedelta
    | tuple[Territory, ...]
    | tuple[NumberRow, ...]
    | tuple[Service, ...]
    | tuple[SeenFigure, ...]
    | Url
    | SeenChoice
)


def seen(value: Value, lang: str) -> Seen:
    """What a template in `lang` gets for this value; names of territories and numbers are chosen by the
    filters, which know the language."""
    if isinstance(value, Text):
        return value.in_lang(lang)
    if isinstance(value, Choice):
        return SeenChoice(value.key, value.in_lang(lang))
    if isinstance(value, tuple) and value and isinstance(value[0], Figure):
        return tuple(_seen_figure(one, lang) for one in value if isinstance(one, Figure))
    return value  # type: ignore[return-value]


def _seen_figure(figure: Figure, lang: str) -> SeenFigure:
    unit, source = figure.unit.in_lang(lang), figure.source.in_lang(lang)
    return SeenFigure(figure.value, unit, figure.at, source, figure.provisional)
