"""The form of an alert: a field per field of its kind, from values and back to values. Numbers are never typed here:
they come from the register."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from alertbot.core.model import RawValues
from alertbot.core.words import _, language
from alertbot.regions.facts import all_territories, find, services
from alertbot.texts.fields.moments import BadMoment, moment
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Kind, in_words

PREFIX = "f."
LONG_TEXT = 60  # characters; a longer one gets several lines
FIGURE_KEYS = ("value", "unit", "at", "source")
LONGEST_INPUT = 4000
NAMED = (FieldType.TERRITORY, FieldType.SERVICES)


@dataclass(frozen=True, slots=True)
class TypedInput:
    """One control: a field, or a field in one language. `list`: the name of what is suggested."""

    id: str
    name: str
    label: str
    value: str
    lang: str | None
    type: str  # line, lines, choice
    list: str | None = None
    choices: tuple[tuple[str, str], ...] = ()
    placeholder: str = ""
    phrases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FormField:
    """One field of the kind with its controls. `fault`: why it cannot stay as it is."""

    name: str
    label: str
    help: str
    required: bool
    inputs: tuple[TypedInput, ...]
    fault: str = ""
    last: str = ""


def form_fields(
    kind: Kind,
    given: Mapping[str, Any],
    languages: Sequence[str],
    *,
    faults: Mapping[str, str],
    last: Mapping[str, Any],
) -> list[FormField]:
    """The fields: those that are needed first, then the others; numbers are left out."""
    shown = [spec for spec in kind.fields if spec.type is not FieldType.NUMBERS]
    needed = {name for group in kind.one_of for name in group}
    numbers = kind.field("numbers")
    queries = {"territories", "services"} if numbers and numbers.required else set()
    wanted = needed | queries | {spec.name for spec in shown if spec.required}
    places = FieldType.TERRITORY  # first: without a place there is nothing to look at
    shown.sort(key=lambda spec: (spec.name not in wanted, spec.type is not places))
    return [
        FormField(
            name=spec.name,
            label=in_words(spec.label),
            help=in_words(spec.help),
            required=spec.required,
            inputs=tuple(_inputs(spec, given.get(spec.name), languages)),
            fault=faults.get(spec.name, ""),
            last=_told(spec, last.get(spec.name))
            if last.get(spec.name) != given.get(spec.name)
            else "",
        )
        for spec in shown
    ]


@dataclass(frozen=True, slots=True)
class FieldLink:
    """Where a field of the form begins, and what it is called there."""

    id: str
    label: str


def links(kind: Kind, languages: Sequence[str]) -> Mapping[str, FieldLink]:
    """Every field that the form has, by its name."""
    found = {}
    for spec in kind.fields:
        if spec.type is not FieldType.NUMBERS:
            spoken = f".{languages[0]}" if spec.type is FieldType.TEXT and languages else ""
            found[spec.name] = FieldLink(_id(f"{PREFIX}{spec.name}{spoken}"), in_words(spec.label))
    return found


def _told(spec: FieldSpec, value: Any) -> str:
    """What the incident said last, in one line."""
    if spec.type in NAMED:
        return _as_typed(spec, value)
    if isinstance(value, Mapping):
        value = value.get(language()) or next(iter(value.values()), "")
    if isinstance(value, list):
        value = ", ".join(str(one) for one in value if not isinstance(one, Mapping))
    return str(value or "")


def with_times(kind: Kind, given: RawValues, *, now: datetime, zone: ZoneInfo) -> RawValues:
    """The values with stored times as people type them, `2 March, 18:20`: with the day, because what is typed may be
    read tomorrow. A time that would be read as another stays as it is stored."""
    moments = {spec.name: spec for spec in kind.fields if spec.type is FieldType.DATETIME}
    return {
        name: time_typed(value, moments[name].past, now, zone) if name in moments else value
        for name, value in given.items()
    }


def times_as_stored(
    kind: Kind, typed: RawValues, stored: RawValues, *, now: datetime, zone: ZoneInfo
) -> RawValues:
    """What was typed, with each time that means the stored one as it is stored: it was not changed."""
    found = dict(typed)
    for spec in kind.fields:
        if spec.type is FieldType.DATETIME and spec.name in typed and stored.get(spec.name):
            try:
                at = moment(str(typed[spec.name]), now=now, zone=zone, past=spec.past)
                if at == datetime.fromisoformat(str(stored[spec.name])):
                    found[spec.name] = stored[spec.name]
            except (ValueError, BadMoment):
                continue
    return found


def time_typed(value: Any, past: bool, now: datetime, zone: ZoneInfo) -> Any:
    """A stored time (ISO 8601) as people type it, `2 March, 18:20`; as it is stored if that would be read as another.
    `past`: it is read as one that has passed."""

    try:
        at = datetime.fromisoformat(str(value)).astimezone(zone)
        typed = format_datetime(at, "d MMMM, HH:mm", locale=language())
        same = moment(typed, now=now, zone=zone, past=past) == at
    except (ValueError, BadMoment):
        return value
    return typed if same else value


def _inputs(spec: FieldSpec, value: Any, languages: Sequence[str]) -> Iterator[TypedInput]:
    if spec.type is FieldType.TEXT:
        texts = value if isinstance(value, Mapping) else dict.fromkeys(languages, value or "")
        for lang in languages:
            name = f"{PREFIX}{spec.name}.{lang}"
            said = tuple(one[lang] for one in spec.phrases if one.get(lang))
            long = (spec.longest or LONG_TEXT + 1) > LONG_TEXT
            yield TypedInput(
                _id(name), name, lang, str(texts.get(lang) or ""), lang, "lines" if long else "line",
                phrases=said,
            )  # fmt: skip
        return
    name = f"{PREFIX}{spec.name}"
    if spec.choices:
        options = (("", "–"), *((key, in_words(words)) for key, words in spec.choices.items()))
        chosen = str(value or spec.default or "")
        yield TypedInput(_id(name), name, "", chosen, None, "choice", choices=options)
        return
    lists = {FieldType.TERRITORY: "territories", FieldType.SERVICES: "services"}
    hints = {
        FieldType.DATETIME: _("2 hours ago, yesterday 14:58")
        if spec.past
        else _("in 30 minutes, 18:00"),
        FieldType.URL: "https://…",
        FieldType.DURATION: "2h",
        FieldType.TERRITORY: _("Names, one after the other, with commas"),
    }
    kind = "lines" if spec.type is FieldType.FIGURE else "line"
    usual = spec.default if value is None else value
    yield TypedInput(
        _id(name), name, "", _as_typed(spec, usual), None, kind,
        list=lists.get(spec.type), placeholder=hints.get(spec.type, _figure_hint(spec)),
    )  # fmt: skip


def _figure_hint(spec: FieldSpec) -> str:
    return _("value; unit; time; source") if spec.type is FieldType.FIGURE else ""


def _id(name: str) -> str:
    return name.replace(".", "-")


def _as_typed(spec: FieldSpec, value: Any) -> str:
    if value is None:
        return ""
    if spec.type is FieldType.FIGURE:
        rows = value if isinstance(value, list) else [value]
        return "\n".join("; ".join(str(row.get(key, "")) for key in FIGURE_KEYS) for row in rows)
    if isinstance(value, list | tuple):
        named = spec.type in NAMED
        return ", ".join(_named(spec, str(one)) if named else str(one) for one in value)
    return str(value)


def _named(spec: FieldSpec, one: str) -> str:
    """The name of a place or service that was given by its code, as long as the name says which it is."""
    if spec.type is FieldType.SERVICES:
        known = services().get(one)
        return known.name_in(language()) if known else one
    place = find(one)
    name = place.name_in(language()) if place else one
    return name if place and find(name) == place and "," not in name else one


def suggestions() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """What can be typed into fields of places and services, each with its name."""
    spoken = language()
    return {
        "territories": tuple((one.name_in(spoken), code) for code, one in all_territories().items()),
        "services": tuple((one.name_in(spoken), key) for key, one in services().items()),
    }


def values_of(kind: Kind, fields: Mapping[str, Sequence[str]]) -> RawValues:
    """The values of a sent form; what was left empty is not given. Only fields of the kind are read, and never
    numbers: a text there would name a file."""
    found: RawValues = {}
    for spec in kind.fields:
        name = f"{PREFIX}{spec.name}"
        if spec.type is FieldType.TEXT:
            texts = {
                key.removeprefix(f"{name}."): _clean(values)
                for key, values in fields.items()
                if key.startswith(f"{name}.")
            }
            found |= {spec.name: said} if (said := {k: v for k, v in texts.items() if v}) else {}
        elif spec.type is not FieldType.NUMBERS and (text := _clean(fields.get(name, [""]))):
            found[spec.name] = _figures(text) if spec.type is FieldType.FIGURE else text
    return found


def _clean(values: Iterable[str]) -> str:
    """The last value, with line ends as everywhere else."""
    return next(reversed(list(values)), "").replace("\r\n", "\n").strip()[:LONGEST_INPUT]


def _figures(text: str) -> list[RawValues]:
    rows = []
    for line in filter(str.strip, text.split("\n")):
        parts = [part.strip() for part in line.split(";")]
        rows.append({key: part for key, part in zip(FIGURE_KEYS, parts, strict=False) if part})
    return rows


def flat(fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What was typed, to be kept."""
    return {
        name: values[-1] for name, values in fields.items() if name.startswith(PREFIX) and values[-1]
    }
