"""Parsing field values: raw values in, typed values with every fault out. Pure except for reading number
files."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from alertbot.config.yaml_reader import parse_written, plain
from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.frozen import dataclass
from alertbot.core.model import Fault, RawValues
from alertbot.core.words import _, language, ngettext, way_out
from alertbot.numbers.rules_entry import NumberRow
from alertbot.texts.fields import readers
from alertbot.texts.fields.moments import BadMoment, moment
from alertbot.texts.fields.values import Choice, FieldError, Value
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Kind
from alertbot.texts.wording.language import language_name

if TYPE_CHECKING:
    from alertbot.numbers.reading import RowFault, RowsRead


def read_rows(raw: Any, *, now: datetime, base: Path | None) -> tuple["RowsRead", Any]:
    """The rows and their frozen form. `raw`: the path of a CSV or YAML file, or a list of rows.

    Raises `FieldError` if there is nothing to read.
    """
    from alertbot.numbers import reading, rules_rows  # few previews have numbers

    rows = _raw_rows(raw, base, reading.raw_rows)
    if not rows:
        raise FieldError("missing", _("It contains no numbers."))

    def at(given: object, zone: ZoneInfo) -> datetime:
        return moment(given, now=now, zone=zone)

    read = reading.read_numbers(rows, moment=at)
    bad = {fault.row for fault in read.faults}
    kept = [dict(row) for count, row in enumerate(rows, start=1) if count in bad]
    return read, [rules_rows.frozen_row(row) for row in read.rows] + kept


def _raw_rows(
    raw: Any, base: Path | None, from_file: Callable[[Path], list[RawValues]]
) -> list[RawValues]:
    if isinstance(raw, Mapping):
        return [dict(raw)]
    if isinstance(raw, list | tuple):
        if not all(isinstance(row, Mapping) for row in raw):
            raise FieldError("wrong_type", _("A list of rows is expected, each with its columns."))
        return [dict(row) for row in raw]
    if not isinstance(raw, str) or not raw.strip() or "\0" in raw:
        raise FieldError("wrong_type", _("The path of a CSV or YAML file is expected."))
    try:
        return from_file((base or Path()) / Path(raw.strip()).expanduser())
    except AlertbotError as error:
        raise FieldError("wrong_type", str(error)) from None


def lapsed(row: NumberRow, now: datetime) -> str | None:
    """Why a row cannot be published at `now` (R3, R5) on any channel; None if it can."""
    if row.valid_until and row.valid_until <= now:
        return _("{row}: it has expired.").format(row=row)
    if row.verified_at and row.verified_at > now:
        return _("{row}: its verification time is in the future.").format(row=row)
    return None


def row_fault(fault: "RowFault", field: str) -> Fault:
    """A fault or warning of a row, as one of the alert."""
    return Fault(fault.rule, fault.message, field=field)


_READERS: Mapping[FieldType, readers.Read] = {
    FieldType.TEXT: readers.read_text,
    FieldType.DATETIME: readers.read_datetime,
    FieldType.DURATION: readers.read_duration,
    FieldType.TERRITORY: readers.read_territory,
    FieldType.SERVICES: readers.read_services,
    FieldType.URL: readers.read_url,
    FieldType.CHOICE: readers.read_choice,
    FieldType.CERTAINTY: readers.read_choice,
    FieldType.FIGURE: readers.read_figure,
}
DEEPEST_PATH = 3
SHOWN_ROWS = 3


@dataclass(frozen=True, slots=True)
class Parsed:
    """The typed values of an alert and their faults.

    `frozen` is `given` as JSON values, with relative times resolved and number files included: parsed
    again at any later time, it gives the same values (and a `past_time` fault for a promise that has
    passed since).
    """

    values: Mapping[str, Value]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    frozen: RawValues


def parse(
    kind: Kind,
    given: Mapping[str, Any],
    *,
    languages: Sequence[str],
    timezone: ZoneInfo,
    now: datetime,
    base: Path | None = None,
    complete: bool = True,
) -> Parsed:
    """The values of an alert of this kind to be published in `languages`.

    `base`: what relative paths of number files start from. `complete` False: a draft in progress, whose
    defaults are not filled in yet; missing fields are still faults. Raises nothing.
    """
    work = _Work(kind, tuple(languages), readers.FieldReading(now, timezone, base))
    raw = {name: value for name, value in given.items() if not _empty(value)}
    work.refuse_strangers(raw)
    raw = _borrowed(kind, raw)
    for spec in kind.fields:
        value = raw.get(spec.name, _default(spec, kind, raw) if complete else None)
        if value is not None:
            work.read(spec, value)
    work.refuse_gaps()
    return Parsed(work.values, tuple(work.faults), tuple(work.warnings), work.frozen)


def merge_sets(sets: Sequence[str], values: Mapping[str, Any] | None = None) -> RawValues:
    """`FIELD=VALUE` and `FIELD.PART=VALUE` from the command line, laid over `values`.

    Raises `Misuse` for one that is neither, or contradicts another.
    """
    merged: RawValues = {key: _copied(value) for key, value in (values or {}).items()}
    seen: set[str] = set()
    for one in sets:
        path, equals, value = one.partition("=")
        path = path.strip()
        if not equals or not all(part.strip() for part in path.split(".")):
            raise Misuse(_("“{one}” is not FIELD=VALUE.").format(one=one[:60]))
        if path in seen:
            raise Misuse(
                _("{path} is set twice; separate several values with commas.").format(path=path)
            )
        seen.add(path)
        _put(merged, path.split("."), value, path)
    return merged


def _copied(value: Any) -> Any:
    return {key: _copied(part) for key, part in value.items()} if isinstance(value, Mapping) else value


def _put(merged: RawValues, parts: list[str], value: str, path: str) -> None:
    if len(parts) > DEEPEST_PATH:
        raise Misuse(_("{path} has too many parts.").format(path=path[:60]))
    place = merged
    for part in parts[:-1]:
        inner = place.setdefault(part, {})
        if not isinstance(inner, dict):
            raise Misuse(
                _("{path} cannot be set: {part} already has a value for all languages.").format(
                    path=path, part=part
                )
            )
        place = inner
    place[parts[-1]] = value


def _empty(value: Any) -> bool:
    return value is None or value == {} or (isinstance(value, str) and not value.strip())


def _borrowed(kind: Kind, raw: Mapping[str, Any]) -> RawValues:
    """The values, with fields that default to another field (`default_from`)."""
    lent = {
        spec.name: raw[lender]
        for spec in kind.fields
        if (lender := spec.default_from) and lender in raw and kind.field(lender)
    }
    return {**lent, **raw}


def _default(spec: FieldSpec, kind: Kind, raw: Mapping[str, Any]) -> object | None:
    """The field's default, unless an alternative field was given."""
    siblings = {name for group in kind.one_of if spec.name in group for name in group}
    return None if siblings & raw.keys() else spec.default


class _Work:
    """Collects the values and faults of one alert."""

    def __init__(self, kind: Kind, languages: tuple[str, ...], reading: readers.FieldReading) -> None:
        self.kind, self.languages, self.reading = kind, languages, reading
        self.values: dict[str, Value] = {}
        self.frozen: RawValues = {}
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []

    def read(self, spec: FieldSpec, raw: Any) -> None:
        """Read one field; a value that cannot be read stays in `frozen` as given."""
        self.frozen[spec.name] = _jsonable(raw)
        try:
            if spec.type is FieldType.NUMBERS:
                self._read_numbers(spec, raw)
            else:
                value, frozen = _READERS[spec.type](spec, raw, self.reading)
                self._keep(spec, value, frozen)
        except FieldError as error:
            sentence = about(spec, str(error))
            self.faults.append(Fault(error.rule, sentence, spec.name, lang=error.lang))
        except BadMoment as error:
            self.faults.append(Fault("wrong_type", about(spec, str(error)), spec.name))

    def _keep(self, spec: FieldSpec, value: Value, frozen: Any) -> None:
        self.values[spec.name], self.frozen[spec.name] = value, frozen
        if isinstance(value, datetime) and (late := readers.mistimed(spec, value, self.reading.now)):
            self.faults.append(Fault("past_time", about(spec, late), spec.name))
        for lang in readers.languages_lacking(value, self.languages):
            sentence = about(spec, _("There is no text in {lang}.").format(lang=language_name(lang)))
            self.faults.append(Fault("language_missing", sentence, spec.name, lang=lang))
        if len(self.languages) > 1 and readers.untranslated(value):
            sentence = _("The same text goes out in every language. Give it in each: {languages}.")
            said = sentence.format(languages=", ".join(map(language_name, self.languages)))
            self.warnings.append(Fault("untranslated", about(spec, said), spec.name))

    def _read_numbers(self, spec: FieldSpec, raw: Any) -> None:
        reading, frozen = read_rows(raw, now=self.reading.now, base=self.reading.base)
        self.frozen[spec.name] = frozen
        self.faults += [row_fault(fault, spec.name) for fault in reading.faults]
        self.warnings += [row_fault(doubt, spec.name) for doubt in reading.warnings]
        if reading.rows:
            self.values[spec.name] = reading.rows
            self.warnings += _untranslated(spec, reading.rows, self.languages)
        if not spec.struck:
            late = (lapsed(row, self.reading.now) for row in reading.rows)
            self.faults += [Fault("past_time", about(spec, why), spec.name) for why in late if why]

    def refuse_strangers(self, raw: Mapping[str, Any]) -> None:
        """Report fields that the kind forbids or does not know."""
        for name in raw:
            if name in self.kind.forbidden:
                sentence = _("An alert of kind {kind} must not include “{name}”; remove it.")
                self.faults.append(
                    Fault("forbidden_field", sentence.format(kind=self.kind.name, name=name), name)
                )
            elif self.kind.field(name) is None:
                self.faults.append(Fault("unknown_field", _stranger(name, self.kind), name))

    def refuse_gaps(self) -> None:
        """Report missing fields."""
        self.faults += [
            Fault("missing", about(spec, _("This value is missing.")), spec.name)
            for spec in self.kind.fields
            if spec.required and spec.name not in self.frozen
        ]
        for group in self.kind.one_of:
            if not any(name in self.frozen for name in group):
                labels = (_label(spec) for name in group if (spec := self.kind.field(name)))
                named = way_out(", ".join(group), ", ".join(labels))
                sentence = _("One of these is needed: {names}.").format(names=named)
                self.faults.append(Fault("missing", sentence, group[0]))
        for spec in self.kind.fields:
            if spec.needs and spec.name in self.frozen:
                self.faults += self._lacking(spec, spec.needs)

    def _lacking(self, spec: FieldSpec, needed: str) -> Iterator[Fault]:
        rule = "cause_without_certainty" if spec.name == "cause" else "missing"
        value = self.values.get(needed)
        if needed not in self.frozen:
            sentence = about(spec, _("Give {needed} as well.").format(needed=needed))
            yield Fault(rule, sentence, spec.name)
        elif spec.needs_value and isinstance(value, Choice) and value.key != spec.needs_value:
            sentence = _("This is allowed only if {needed} is {value}; it is {key}.").format(
                needed=needed, value=spec.needs_value, key=value.key
            )
            judgement = value.key != "unknown"
            yield Fault(rule, about(spec, sentence), spec.name, acceptable=judgement)


def _untranslated(
    spec: FieldSpec, rows: Sequence[NumberRow], languages: Sequence[str]
) -> Iterator[Fault]:
    """The warning that zones or conditions come out in a language in which nobody wrote them."""
    lacking = [lang for lang in languages if any(readers.lacks_words(row, lang) for row in rows)]
    if len(languages) < 2 or not lacking:
        return
    found = [row for row in rows if any(readers.lacks_words(row, lang) for lang in lacking)]
    sentence = ngettext(
        "{count} number has a zone, condition or place that nobody wrote in {languages}; it goes out as it is:"
        " {rows}. Give it per language, in columns such as zone.{lang} and condition.{lang}.",
        "{count} numbers have a zone, condition or place that nobody wrote in {languages}; it goes out as it is:"
        " {rows}. Give it per language, in columns such as zone.{lang} and condition.{lang}.",
        len(found),
    )
    more = "; …" if len(found) > SHOWN_ROWS else ""
    words = sentence.format(
        count=len(found),
        languages=", ".join(lacking),
        rows="; ".join(map(str, found[:SHOWN_ROWS])) + more,
        lang=lacking[-1],
    )
    lang = lacking[0] if len(lacking) == 1 else None
    yield Fault("untranslated", about(spec, words), spec.name, lang=lang)


def _stranger(name: str, kind: Kind) -> str:
    names = [spec.name for spec in kind.fields]
    near = difflib.get_close_matches(str(name), names, n=1)
    if near:
        return _("There is no field “{name}”; did you mean “{near}”?").format(
            name=name[:60], near=near[0]
        )
    return _("There is no field “{name}” in {kind}; the fields are {names}.").format(
        name=str(name)[:60], kind=kind.name, names=", ".join(names)
    )


def about(spec: FieldSpec, sentence: str) -> str:
    told = _("{field} ({label}): {sentence}")
    return told.format(field=spec.name, label=_label(spec), sentence=sentence)


def _label(spec: FieldSpec) -> str:
    return spec.label.get(language()) or spec.label.get("en") or spec.name


def _jsonable(raw: Any) -> Any:
    if isinstance(raw, Mapping):
        return {str(key): _jsonable(value) for key, value in raw.items()}
    if isinstance(raw, list | tuple):
        return [_jsonable(value) for value in raw]
    return raw if isinstance(raw, str | int | float | bool | None) else str(raw)


def load_values(text: str, name: str) -> RawValues:
    """The values by field. `name` stands for the file in messages, which give the line. `16:45`, `01`
    and `no` remain text. Raises `Misuse` for YAML that cannot be read."""
    values = plain(parse_written(text, name))
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise Misuse(
            _("{name} must contain fields and their values, such as {example}.").format(
                name=name, example="since: -1h30"
            )
        )
    return dict(values)
