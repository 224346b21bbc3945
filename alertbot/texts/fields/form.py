"""The values of an alert as a file for an editor: every field of its kind with its hint, in each language; what is
not given stands behind a `#`. The file is one for `--vars`. Pure."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from alertbot.config.yaml_reader import in_yaml, parse_written
from alertbot.core.errors import AlertbotError
from alertbot.core.model import Fault, RawValues
from alertbot.core.words import _
from alertbot.texts.kinds.kind_spec import FieldSpec, FieldType, Kind, in_words

WIDTH = 88  # cells of a comment
FAULT = "# ! "  # begins a line that tells of a fault; whoever saves the file again need not remove it


def written(kind: Kind, given: Mapping[str, Any], languages: Sequence[str], *, title: str) -> str:
    """The file. `title` says what it is; `given`: the values there are; `languages`: those to be written in."""
    pieces = [_comment(title), _comment(_heading())]
    for spec in kind.fields:
        head = [_comment(line) for line in _hint(spec, kind)]
        pieces.append("\n".join([*head, _value(spec, given.get(spec.name), languages)]))
    strangers = {name: given[name] for name in given if kind.field(name) is None}
    if strangers:
        pieces.append(_yaml(strangers))
    return "\n\n".join(pieces) + "\n"


def _heading() -> str:
    return _(
        "A line that begins with # is not read. To give a field, remove its #; to take it away, put # before each of"
        " its lines. Times: now, +30m, -1h30, 16:45 or a date with a time."
    )


def _comment(text: str) -> str:
    return "\n".join(f"# {line}" for line in textwrap.wrap(text, WIDTH, break_long_words=False))


def _hint(spec: FieldSpec, kind: Kind) -> Iterator[str]:
    needed = _("required") if spec.required else _("optional")
    group = next((names for names in kind.one_of if spec.name in names), ())
    if group:
        needed = _("one of {names} is required").format(names=", ".join(group))
    yield f"{in_words(spec.label)} ({needed}). {in_words(spec.help)}".strip()
    if spec.choices:
        known = (f"{key} ({in_words(words)})" for key, words in spec.choices.items())
        yield _("One of: {choices}").format(choices=", ".join(known))


def _value(spec: FieldSpec, value: Any, languages: Sequence[str]) -> str:
    """The lines of one field; those without a value behind a `#`."""
    by_language = spec.type is FieldType.TEXT and len(languages) > 1
    if isinstance(value, Mapping) and spec.type is FieldType.TEXT:
        lacking = [lang for lang in languages if not value.get(lang)]
        there = {lang: text for lang, text in value.items() if text}
        return "\n".join([_yaml({spec.name: there}), *(f"#  {lang}:" for lang in lacking)])
    if value not in (None, "", {}):
        return _yaml({spec.name: value})
    lines = [f"{spec.name}:", *(f"  {lang}:" for lang in languages if by_language)]
    return "\n".join(f"#{line}" for line in lines)


def _yaml(values: Mapping[str, Any]) -> str:
    return in_yaml(values).rstrip("\n")


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> RawValues:
    """What an edited file changes: null for a field, or a language of one, that is there no longer."""
    found: RawValues = {name: None for name in before if after.get(name) in (None, "", {})}
    for name, now in after.items():
        old, value = before.get(name), now
        if value == old or name in found:
            continue
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            value = {**dict.fromkeys(old), **value}
        found[name] = value
    return {name: value for name, value in found.items() if name in before or value}


def with_lines(text: str, faults: Sequence[Fault]) -> dict[int, list[str]]:
    """The faults by the line of their field in the file, from 1; 0 for those that have none there."""
    try:
        root = parse_written(text, "")
    except AlertbotError:
        return {0: [one.message for one in faults]}
    found: dict[int, list[str]] = {}
    for one in faults:
        node = root.entries.get(one.field or "")
        place = node and (node.entries.get(one.lang or "") or node)
        line = (place.key or place.mark).line if place else 0
        found.setdefault(line, []).append(one.message)
    return found


def annotated(text: str, faults: Mapping[int, Sequence[str]]) -> str:
    """The file with each fault above its line, without those of an earlier time."""
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        lines += [FAULT + words for words in faults.get(number, ())]
        lines += [line] if not line.startswith(FAULT) else []
    return "\n".join([*(FAULT + words for words in faults.get(0, ())), *lines]) + "\n"


def bare(text: str) -> str:
    """The file without the faults that `annotated` wrote into it."""
    return "".join(line for line in text.splitlines(True) if not line.startswith(FAULT))
