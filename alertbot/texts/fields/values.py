"""Typed field values, frozen; and `seen`, what a template of one language sees of them."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias

from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.signs import hidden_place, named
from alertbot.core.words import _
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.region import Service, Territory

CERTAINTIES = ("unknown", "suspected", "confirmed")  # of a cause (R10)


@dataclass(frozen=True, slots=True)
class Text:
    """Text for the public, per language. `bare`: one text given for all languages."""

    by_lang: Mapping[str, str]
    bare: str | None = None

    def in_lang(self, lang: str) -> str:
        """The text in this language, else the bare one, else empty. May contain newlines: one step per
        line."""
        return self.by_lang.get(lang, self.bare or "")


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a kind allows, with its text per language."""

    key: str
    labels: Mapping[str, str]

    def in_lang(self, lang: str) -> str:
        """The text in this language, else in English, else the key."""
        return self.labels.get(lang) or self.labels.get("en") or self.key


@dataclass(frozen=True, slots=True)
class Certainty(Choice):
    """How sure a cause is: `unknown`, `suspected` or `confirmed` (R10)."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A counted or estimated quantity with date and source (R13). `value` as written: `11 800`."""

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
    """A choice in one language: prints as its label; `key` is for tests in templates."""

    key: str
    label: str

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True, slots=True)
class Url:
    """An address from a field of the type `url`: the only kind of value that becomes a link."""

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
    """What a template in `lang` gets for this value. Names of territories and numbers are chosen by the
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


LONGEST = 600  # characters, where the kind names no other length
MOST_MARKS = 3  # accents upon one letter
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_SPACES = re.compile(r"[^\S\n]+")


class FieldError(Refused):
    """A value that its field cannot take; `rule` is the rule of the fault."""

    def __init__(self, rule: str, sentence: str, *, lang: str | None = None) -> None:
        super().__init__(sentence)
        self.rule = rule
        self.lang = lang


def text_value(raw: object, longest: int | None) -> tuple[Text, Any]:
    """The text and its frozen form. `raw`: one text, a list of steps, or either per language. Raises
    `FieldError`."""
    if isinstance(raw, Mapping):
        by_lang = {_language(key): clean(value, longest, key) for key, value in raw.items() if value}
        if not any(by_lang.values()):
            raise FieldError("missing", _("There is no text in any language."))
        return Text(by_lang), dict(by_lang)
    bare = clean(raw, longest)
    if not bare:
        raise FieldError("missing", _("There is no text."))
    return Text({}, bare), bare


def clean(raw: object, longest: int | None = None, lang: object = None) -> str:
    """One text with normalised spaces. Raises `FieldError` for control characters or an empty text."""
    where = lang if isinstance(lang, str) else None
    text = "\n".join(_one(part) for part in raw) if isinstance(raw, list | tuple) else _one(raw)
    _refuse_length(text, longest or LONGEST, where)
    _refuse_hidden(text, where)
    lines = (_SPACES.sub(" ", line).strip() for line in unicodedata.normalize("NFC", text).splitlines())
    return "\n".join(line for line in lines if line)


def _refuse_length(text: str, most: int, lang: str | None) -> None:
    if len(text) > most:
        sentence = _("This has {length} characters, at most {most} are allowed. Shorten it.")
        raise FieldError("too_long", sentence.format(length=len(text), most=most), lang=lang)


def _one(raw: object) -> str:
    if isinstance(raw, str):
        return raw.replace("\r\n", "\n").replace("\t", " ").strip()
    if isinstance(raw, bool | int | float | date):
        raise FieldError(
            "wrong_type",
            _("A text is expected, not {raw}; put it in quotes.").format(raw=str(raw)[:40]),
        )
    raise FieldError(
        "wrong_type", _("A text is expected here: one for all languages, or one per language.")
    )


def _language(key: object) -> str:
    if isinstance(key, str) and _LANGUAGE.fullmatch(key):
        return key
    raise FieldError(
        "unknown_field", _("“{key}” is not a language code such as fr.").format(key=str(key)[:40])
    )


def _refuse_hidden(text: str, lang: str | None) -> None:
    if place := hidden_place(text, "\n"):
        sentence = _("{place}; type the text again.").format(place=place)
        raise FieldError("control_characters", sentence[:1].upper() + sentence[1:], lang=lang)
    marks = 0
    for at, sign in enumerate(text, start=1):
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks > MOST_MARKS:
            sentence = _("Character {at} ({name}) stands upon others; type the text again.")
            words = sentence.format(at=at, name=named(sign))
            raise FieldError("control_characters", words, lang=lang)
