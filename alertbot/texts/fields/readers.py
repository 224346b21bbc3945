"""One reader for each type of field: a raw value in, a typed value and its frozen form out. Each raises
`FieldError` for a value that its type cannot take."""

import difflib
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from alertbot.core.frozen import dataclass
from alertbot.core.model import RawValues
from alertbot.core.words import _, language
from alertbot.numbers.rules_entry import NumberRow
from alertbot.regions.facts import all_territories, find, services
from alertbot.regions.region import Service, Territory, plain_name
from alertbot.texts.fields.moments import moment, span
from alertbot.texts.fields.values import (
    Certainty,
    Choice,
    FieldError,
    Figure,
    Text,
    Url,
    Value,
    clean,
    text_value,
)
from alertbot.texts.kinds.kind_file import unknown
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType

LONGEST_ADDRESS = 500
MOST_FIGURES = 10
MOST_MEANT = 6
_FIGURE_KEYS = ("value", "unit", "at", "source", "provisional")
_QUANTITY = re.compile(r"[<>≈~]?\s?(?:0|[1-9]\d{0,2}(?:[  .,  ]?\d{3})*)(?:[.,]\d{1,2})?(?:\s?%)?")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FieldReading:
    """What a reader needs to know. `base`: what relative paths start from."""

    now: datetime
    zone: ZoneInfo
    base: Path | None


Read: TypeAlias = Callable[[FieldSpec, Any, FieldReading], tuple[Value, Any]]


def read_text(spec: FieldSpec, raw: Any, reading: FieldReading) -> tuple[Value, Any]:  # noqa: ARG001
    """A text, one for all languages or one per language."""
    return text_value(raw, spec.longest)


def read_datetime(spec: FieldSpec, raw: Any, reading: FieldReading) -> tuple[Value, Any]:
    """A time."""
    at = moment(raw, now=reading.now, zone=reading.zone, past=spec.past)
    return at, at.isoformat()


def mistimed(spec: FieldSpec, at: datetime, now: datetime) -> str | None:
    """The fault of a promise that has passed, or of a start in the future; None if there is none."""
    if spec.past and at > now + timedelta(minutes=1):
        return _("{at} is in the future; give a time in the past.").format(at=_written(at))
    if not spec.past and at <= now:
        return _("{at} has passed; give a later time.").format(at=_written(at))
    return None


def read_duration(spec: FieldSpec, raw: Any, reading: FieldReading) -> tuple[Value, Any]:  # noqa: ARG001
    """A duration."""
    length = span(raw)
    return length, f"{int(length.total_seconds() // 60)}m"


def read_territory(spec: FieldSpec, raw: Any, reading: FieldReading) -> tuple[Value, Any]:  # noqa: ARG001
    """One or several territories, by code or name: `69, 42` or a list. Raises `FieldError` for an
    unknown one."""
    asked = raw if isinstance(raw, list | tuple) else re.split(r"[,;\n]", _plain_text(raw))
    found = [_territory(_plain_text(one)) for one in asked if str(one).strip()]
    unique = tuple({place.code: place for place in found}.values())
    if not unique:
        raise FieldError("missing", _("No territory is given."))
    return unique, [place.code for place in unique]


def read_services(spec: FieldSpec, raw: Any, reading: FieldReading) -> tuple[Value, Any]:  # noqa: ARG001
    """One or several services, by key or name: `samu, pompiers` or a list. Raises `FieldError` for an
    unknown one."""
    asked = raw if isinstance(raw, list | tuple) else re.split(r"[,;\n]", _plain_text(raw))
    found = [_service(_plain_text(one)) for one in asked if str(one).strip()]
    unique = tuple({service.key: service for service in found}.values())
    if not unique:
        raise FieldError("missing", _("No service is given."))
    return unique, [service.key for service in unique]


def _service(text: str) -> Service:
    asked = text.strip().casefold()
    for service in services().values():
        if asked in {service.key, *(name.casefold() for name in service.names.values())}:
            return service
    raise FieldError(
        "wrong_type", _("There is no such service: {why}").format(why=unknown(text[:40], services()))
    )


def read_url(spec: FieldSpec, raw: Any, reading: FieldReading) -> tuple[Value, Any]:  # noqa: ARG001
    """A web address, https only. Raises `FieldError` for anything else."""
    address = clean(raw, LONGEST_ADDRESS)
    try:
        parts = urlsplit(address)
        sound = parts.scheme == "https" and _HOST.fullmatch(parts.hostname or "")
    except ValueError:
        sound = None
    if not sound or "@" in parts.netloc or not address.isascii() or re.search(r"[\s<>\"\\]", address):
        raise FieldError(
            "wrong_type",
            _("“{raw}” is not a web address; write https://….").format(raw=address[:60]),
        )
    return Url(address), address


def read_choice(spec: FieldSpec, raw: Any, reading: FieldReading) -> tuple[Value, Any]:  # noqa: ARG001
    """One of the kind's choices, by key or by its words in any language. Raises `FieldError` for
    anything else."""
    asked = _plain_text(raw).strip()
    for key, labels in spec.choices.items():
        if asked.casefold() in {key.casefold(), *(label.casefold() for label in labels.values())}:
            made = Certainty if spec.type is FieldType.CERTAINTY else Choice
            return made(key, labels), key
    raise FieldError("wrong_type", unknown(asked[:40], spec.choices))


def read_figure(spec: FieldSpec, raw: Any, reading: FieldReading) -> tuple[Value, Any]:  # noqa: ARG001
    """One figure or a list, each with value, unit, time and source (R13). Raises `FieldError` if one of
    these is missing or wrong."""
    asked = raw if isinstance(raw, list | tuple) else [raw]
    if not 0 < len(asked) <= MOST_FIGURES:
        raise FieldError("wrong_type", _("Give 1 to {most} figures.").format(most=MOST_FIGURES))
    read = [_figure(one, reading) for one in asked]
    return tuple(figure for figure, _frozen in read), [frozen for _figure, frozen in read]


def _figure(raw: Any, reading: FieldReading) -> tuple[Figure, RawValues]:
    if not isinstance(raw, Mapping):
        raise FieldError(
            "wrong_type",
            _("A figure has {keys}; set each one, such as FIELD.value=….").format(
                keys=", ".join(_FIGURE_KEYS)
            ),
        )
    for key in raw:
        if key not in _FIGURE_KEYS:
            raise FieldError("unknown_field", unknown(str(key)[:40], _FIGURE_KEYS))
    for key in ("value", "unit", "at", "source"):
        if raw.get(key) in (None, "", {}):
            raise FieldError("missing", _("A figure is missing its {key}.").format(key=key))
    unit, frozen_unit = text_value(raw["unit"], 60)
    source, frozen_source = text_value(raw["source"], 100)
    at = moment(raw["at"], now=reading.now, zone=reading.zone, past=True)
    figure = Figure(_quantity(raw["value"]), unit, at, source, _yes(raw.get("provisional", True)))
    frozen = {"value": figure.value, "unit": frozen_unit, "at": at.isoformat(), "source": frozen_source}
    return figure, frozen | {"provisional": figure.provisional}


def _quantity(raw: Any) -> str:
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else clean(raw, 30)
    if not _QUANTITY.fullmatch(text):
        raise FieldError(
            "wrong_type", _("“{raw}” is not a quantity such as 11 800 or 12 %.").format(raw=text)
        )
    return text


def _yes(raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    if str(raw).strip().lower() in ("true", "yes", "false", "no"):
        return str(raw).strip().lower() in ("true", "yes")
    raise FieldError("wrong_type", _("provisional must be true or false."))


def _territory(text: str) -> Territory:
    if place := find(text):
        return place
    typed = _without_accents(text)  # as people type them at night, if it can only be one
    alike = {
        one.code: one
        for one in all_territories().values()
        if typed in map(_without_accents, one.names.values())
    }
    if len(alike) == 1:
        return next(iter(alike.values()))
    names = [place.name_in(language()) for place in all_territories().values()]
    raise FieldError(
        "wrong_type",
        _("There is no such territory: {why}").format(why=_nearest(text, names)),
    )


def _without_accents(name: str) -> str:
    signs = unicodedata.normalize("NFKD", plain_name(name))
    return "".join(sign for sign in signs if not unicodedata.combining(sign))


def _nearest(text: str, names: Sequence[str]) -> str:
    """What may have been meant: the names that hold what was typed, else those that are written much like it."""
    asked = text.strip()[:40]
    within = dict.fromkeys(
        one for one in names if len(asked) > 2 and _without_accents(asked) in _without_accents(one)
    )
    near = list(within) or difflib.get_close_matches(asked, names, n=MOST_MEANT)
    if 0 < len(near) <= MOST_MEANT:
        sentence = _("“{text}” is not known here; did you mean {names}?")
        quoted = (_("“{name}”").format(name=one) for one in near)
        return sentence.format(text=asked, names=", ".join(quoted))
    return _("“{text}”; give a territory's code or name.").format(text=asked)


def _plain_text(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    if isinstance(raw, int) and not isinstance(raw, bool):
        return str(raw)  # a département that YAML made a number
    raise FieldError("wrong_type", _("A word is expected here."))


def _written(at: datetime) -> str:
    comes_twice = at.utcoffset() != at.replace(fold=1 - at.fold).utcoffset()
    return f"{at:%Y-%m-%d %H:%M (%Z)}" if comes_twice else f"{at:%Y-%m-%d %H:%M}"


def untranslated(value: Value) -> bool:
    """Whether one text was given for all languages."""
    texts = [value] if isinstance(value, Text) else []
    if isinstance(value, tuple):
        texts = [text for one in value if isinstance(one, Figure) for text in (one.unit, one.source)]
    return any(text.bare and any(sign.isalpha() for sign in text.bare) for text in texts)


def lacks_words(row: NumberRow, lang: str) -> bool:
    """Whether this number says where, for whom or under what condition it serves, but not in this language."""
    return any(words and lang not in words for words in (row.zone, row.condition, row.place))


def languages_lacking(value: Value, languages: Sequence[str]) -> list[str]:
    """The published languages for which this value has no text."""
    if not isinstance(value, Text):
        return []
    return [lang for lang in languages if not value.in_lang(lang)]
