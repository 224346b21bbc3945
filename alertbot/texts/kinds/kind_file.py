"""Reading the files of a kind: typed values out of a YAML sheet, every fault with file and line."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from string import Formatter
from typing import TypeVar

from alertbot.config.yaml_reader import Node, plain
from alertbot.core.model import Approvals, Audience, Relation, WhenUncertain
from alertbot.core.words import _
from alertbot.texts.fields.moments import BadMoment, span
from alertbot.texts.fields.values import CERTAINTIES
from alertbot.texts.kinds.kind_spec import COMPLETENESS, FieldSpec, FieldType, Kind, Template

LANGUAGE = re.compile(r"[a-z]{2,3}")
E = TypeVar("E", bound=StrEnum)


@dataclass(slots=True)
class Checker:
    """Reads typed values and collects faults instead of stopping at the first."""

    faults: list[str] = field(default_factory=list)

    def fault(self, node: Node, sentence: str) -> None:
        self.faults.append(f"{node.mark}: {sentence}")

    def keys(self, node: Node, known: Iterable[str], needed: Iterable[str] = ()) -> None:
        """Report unknown keys (suggesting the nearest) and missing ones."""
        if not isinstance(node.value, Mapping):
            self.fault(node, _("Keys and values are expected here."))
            return
        for key, child in node.entries.items():
            if key not in known:
                self.fault(child, unknown(key, known))
        for key in needed:
            if key not in node.entries:
                self.fault(node, _("“{key}” is missing.").format(key=key))

    def text(self, node: Node) -> str:
        if isinstance(node.value, str) and node.value.strip():
            return node.value.strip()
        self.fault(node, _("A text is expected here."))
        return ""

    def words(self, node: Node | None) -> dict[str, str]:
        """A text per language."""
        if node is None:
            return {}
        if not node.entries:
            self.fault(
                node,
                _("A text per language is expected here, such as {example}.").format(
                    example="{fr: …, en: …}"
                ),
            )
        for lang, child in node.entries.items():
            if not LANGUAGE.fullmatch(lang):
                self.fault(child, _("“{lang}” is not a language code.").format(lang=lang))
        return {lang: self.text(child) for lang, child in node.entries.items()}

    def flag(self, node: Node | None, *, default: bool = False) -> bool:
        if node is None:
            return default
        if node.value not in ("true", "false"):
            self.fault(node, _("true or false is expected here."))
        return bool(node.value == "true")

    def number(self, node: Node | None, lowest: int, highest: int) -> int:
        raw = node.value if node else str(lowest)
        digits = isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 7
        if digits and lowest <= int(str(raw)) <= highest:
            return int(str(raw))
        if node:
            self.fault(
                node,
                _("A number from {lowest} to {highest} is expected here.").format(
                    lowest=lowest, highest=highest
                ),
            )
        return lowest

    def length(self, node: Node | None) -> timedelta:
        try:
            return span(node.value) if node else timedelta()
        except BadMoment as bad:
            assert node is not None
            self.fault(node, str(bad))
            return timedelta()

    def one_of(self, node: Node | None, choices: type[E], default: E) -> E:
        if node is None:
            return default
        try:
            return choices(str(node.value))
        except ValueError:
            self.fault(node, unknown(str(node.value), [str(one) for one in choices]))
            return default

    def names(self, node: Node | None, known: Iterable[str] | None) -> tuple[str, ...]:
        """A list of field names."""
        if node is None:
            return ()
        if not isinstance(node.value, list):
            self.fault(node, _("A list is expected here."))
            return ()
        for child in node.value:
            if known is not None and child.value not in known:
                self.fault(child, unknown(str(child.value), known))
        return tuple(self.text(child) for child in node.value)


def unknown(name: str, known: Iterable[str]) -> str:
    """A message about an unknown name, suggesting the nearest known one."""
    choices = list(known)
    near = difflib.get_close_matches(name, choices, n=1)
    if near:
        return _("“{name}” is not known here; did you mean “{near}”?").format(name=name, near=near[0])
    return _("“{name}” is not known here; use one of {choices}.").format(
        name=name, choices=", ".join(sorted(choices))
    )


SHORTENED = "shortened"
_WHEN = ("day", "time", "zone")
# What the edit of an earlier post says, by relation. A retraction is prepared before anybody knows when it
# goes out.
EDITS: Mapping[str, tuple[str, ...]] = {
    **{relation.value: ("alert", *_WHEN) for relation in Relation},
    Relation.RETRACTION.value: (),
    SHORTENED: (),
}
# What a number card says beside its numbers.
CARD: Mapping[str, tuple[str, ...]] = {
    "picture": ("title",),
    "what": (),
    "first": ("numbers",),
    "published": _WHEN,
    "urgent": (),
    "until": ("when", "zone"),
    "review": ("when", "zone"),
    "check": ("page",),
    "reference": ("alert",),
}
Lines = Mapping[str, Mapping[str, str]]  # by language, then by key


def read_lines(
    sheet: Node, earlier: Lines, known: Mapping[str, tuple[str, ...]], check: Checker
) -> dict[str, Mapping[str, str]]:
    """The lines by language, laid over those of earlier files. Faults go to `check`."""
    found: dict[str, Mapping[str, str]] = {}
    for lang, node in sheet.entries.items():
        if not LANGUAGE.fullmatch(lang):
            check.fault(node, _("“{lang}” is not a language code.").format(lang=lang))
        said = {key: _line(child, known.get(key, ()), check) for key, child in node.entries.items()}
        found[lang] = {**earlier.get(lang, {}), **said}
        check.keys(node, known, [key for key in known if key not in found[lang]])
    return found


def _line(node: Node, places: tuple[str, ...], check: Checker) -> str:
    text = check.text(node)
    try:
        named = [name for _words, name, _spec, _how in Formatter().parse(text) if name is not None]
    except ValueError:
        named = ["?"]
    for name in named:
        if name not in places:
            sentence = _("In this line, braces may contain {places}, not “{name}”.")
            check.fault(node, sentence.format(places=", ".join(places) or "–", name=name))
    return text


# Around times, places and numbers, in `ready_words/<language>.yaml`: what may stand in braces. `day`: a date pattern.
WORDS: Mapping[str, tuple[str, ...]] = {
    "clock": ("hour", "hh", "minute"),
    "whole_hour": ("hour", "hh"),
    "day": (),
    "day_first": (),
    "day_word": (),
    "and": (),
    "and_vowel": (),
    "at": ("day", "clock"),
    "local_time": ("here", "there"),
    "zone_time": ("city",),
    "colon": ("before",),
    "until": ("when",),
    "until_here": ("when",),
    "review_here": ("when",),
    "go_to": ("place",),
    "instead": ("number", "replaces"),
    "dial": ("number",),
    "dead": (),
    "by_region": (),
    "as_said": (),
    "summer_time": (),
    "winter_time": (),
    "relay_works": ("who", "how"),
    "relay_down": ("who", "how"),
    "relay_unknown": ("who", "how"),
}


Known = Mapping[str, tuple[str, ...]]  # wordings by name, each with what may stand in its braces


def read_words(sheet: Node, check: Checker, known: Known = WORDS) -> dict[str, str]:
    """Those that are known in a file of wordings. Faults go to `check`."""
    return {key: _line(node, known[key], check) for key, node in sheet.entries.items() if key in known}


NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
LONGEST_TEXT = 1000
MOST_APPROVERS = 5
LAST_PRIORITY = 1000

_OPTIONAL_KEYS = ("forbidden", "one_of", "completeness", "automatic", "audience")
_NEEDED_KEYS = (
    "title",
    "purpose",
    "approvals",
    "priority",
    "time_to_live",
    "when_uncertain",
    "final",
    "fields",
    "example",
)
_FIELD_KEYS = (
    *("type", "required", "longest", "label", "help", "choices", "needs", "default", "default_from"),
    *("struck", "past", "phrases"),
)
_APPROVAL_KEYS = ("approvers", "author_may_approve", "expires_after")
_CHOOSING = (FieldType.CHOICE, FieldType.CERTAINTY)
NEVER_AUTOMATIC = frozenset(
    {
        *("provisional_number", "apology", "correction", "withdrawal", "denial", "false_alert", "end"),
        *("inquiry", "planned_works"),
    }
)  # numbers, regret, what takes back, and the end, which people declare (R11, R33)


def read_kind(
    name: str,
    sheet: Node,
    shared: Mapping[str, Node],
    templates: Mapping[tuple[str, str], Template],
    check: Checker,
) -> Kind:
    """The kind with this name. `shared` holds the fields common to all kinds. Faults go to `check`."""
    check.keys(sheet, (*_NEEDED_KEYS, *_OPTIONAL_KEYS), _NEEDED_KEYS)
    part = sheet.entries
    specs = _fields(part.get("fields"), shared, check)
    names = [spec.name for spec in specs]
    one_of = _groups(part.get("one_of"), names, check)
    _check_needs(part.get("fields"), specs, check)
    return Kind(
        name=name,
        title=check.words(part.get("title")),
        purpose=check.words(part.get("purpose")),
        fields=specs,
        forbidden=_forbidden(part.get("forbidden"), names, check),
        one_of=one_of,
        approvals=_approvals(part.get("approvals"), check),
        priority=check.number(part.get("priority"), 0, LAST_PRIORITY),
        ttl=check.length(part.get("time_to_live")),
        when_uncertain=check.one_of(part.get("when_uncertain"), WhenUncertain, WhenUncertain.ASK),
        final=check.flag(part.get("final")),
        example=_example(part.get("example"), names, check),
        templates=templates,
        languages=tuple(sorted({lang for lang, _form in templates})),
        completeness=_completeness(part.get("completeness"), names, check),
        audiences=_audiences(part.get("audience"), check),
        automatic=_automatic(name, part.get("automatic"), specs, check),
    )


def _fields(node: Node | None, shared: Mapping[str, Node], check: Checker) -> tuple[FieldSpec, ...]:
    if node is None:
        return ()
    if not node.entries:
        check.fault(node, _("A kind needs at least one field."))
    return tuple(_field(name, child, shared.get(name), check) for name, child in node.entries.items())


def _field(name: str, node: Node, common: Node | None, check: Checker) -> FieldSpec:
    """A field; `node` is `required`, `optional` or a mapping laid over the shared field."""
    own = node
    if isinstance(node.value, str):
        if node.value not in ("required", "optional"):
            check.fault(node, _("required, optional or a field's keys are expected here."))
        own = Node(node.mark, {"required": Node(node.mark, str(node.value == "required").lower())})
    if not NAME.fullmatch(name):
        check.fault(node, _("“{name}” is not a valid field name.").format(name=name))
    check.keys(own, _FIELD_KEYS)
    merged = {**(common.entries if common else {}), **own.entries}
    if "type" not in merged:
        check.fault(node, _("The field “{name}” has no type.").format(name=name))
    return _field_spec(name, merged, node, check)


def _field_spec(name: str, part: Mapping[str, Node], place: Node, check: Checker) -> FieldSpec:
    type_ = check.one_of(part.get("type"), FieldType, FieldType.TEXT)
    needs, needs_value = _needs(part.get("needs"), check)
    choices = part.get("choices")
    if (type_ in _CHOOSING) != (choices is not None):
        check.fault(place, _("Only fields of type choice and certainty list choices, and they must."))
    default = part.get("default")
    return FieldSpec(
        name=name,
        type=type_,
        required=check.flag(part.get("required")),
        label=check.words(part.get("label")) or {"en": name},
        help=check.words(part.get("help")),
        choices=_choices(choices, type_, check),
        longest=check.number(part["longest"], 1, LONGEST_TEXT) if "longest" in part else None,
        needs=needs,
        needs_value=needs_value,
        default=plain(default) if default else None,
        default_from=check.text(part["default_from"]) if "default_from" in part else None,
        struck=check.flag(part.get("struck")),
        past=check.flag(part.get("past")),
        phrases=_phrases(part.get("phrases"), check),
    )


def _phrases(node: Node | None, check: Checker) -> tuple[Mapping[str, str], ...]:
    if node is None:
        return ()
    if not isinstance(node.value, list):
        check.fault(node, _("A list is expected here."))
        return ()
    return tuple(check.words(one) for one in node.value)


def _needs(node: Node | None, check: Checker) -> tuple[str | None, str | None]:
    if node is None:
        return None, None
    if len(node.entries) == 1:
        (name, value), *_rest = node.entries.items()
        return name, check.text(value)
    return check.text(node), None


def _choices(node: Node | None, type_: FieldType, check: Checker) -> Mapping[str, Mapping[str, str]]:
    if node is None:
        return {}
    if type_ is FieldType.CERTAINTY:
        check.keys(node, CERTAINTIES)
    elif not node.entries:
        check.fault(node, _("A choice needs keys with a text per language."))
    return {key: check.words(child) for key, child in node.entries.items()}


def _check_needs(node: Node | None, specs: tuple[FieldSpec, ...], check: Checker) -> None:
    names = [spec.name for spec in specs]
    for spec in specs:
        if node and spec.needs and spec.needs not in names:
            check.fault(node.entries[spec.name], unknown(spec.needs, names))


def _groups(node: Node | None, names: list[str], check: Checker) -> tuple[tuple[str, ...], ...]:
    if node is None:
        return ()
    if not isinstance(node.value, list):
        check.fault(node, _("A list is expected here."))
        return ()
    return tuple(check.names(group, names) for group in node.value)


def _forbidden(node: Node | None, names: list[str], check: Checker) -> tuple[str, ...]:
    forbidden = check.names(node, None)
    for name in forbidden:
        if node and name in names:
            check.fault(node, _("“{name}” is both a field and forbidden.").format(name=name))
    return forbidden


def _approvals(node: Node | None, check: Checker) -> Approvals:
    if node is None:
        return Approvals(1, False, timedelta())
    check.keys(node, _APPROVAL_KEYS, _APPROVAL_KEYS)
    part = node.entries
    return Approvals(
        approvers=check.number(part.get("approvers"), 1, MOST_APPROVERS),
        author_may_approve=check.flag(part.get("author_may_approve")),
        expires_after=check.length(part.get("expires_after")),
    )


def _audiences(node: Node | None, check: Checker) -> tuple[Audience, ...]:
    """Whom a kind is for that is not for the public."""
    known = [Audience.RELAY.value, Audience.TEAM.value]
    return tuple(Audience(one) for one in check.names(node, known) if one in known)


def _automatic(name: str, node: Node | None, specs: tuple[FieldSpec, ...], check: Checker) -> bool:
    automatic = check.flag(node)
    if node is None or not automatic:
        return False
    if name in NEVER_AUTOMATIC:
        check.fault(node, _("An alert of kind {kind} never goes out by itself.").format(kind=name))
    for spec in specs:
        if spec.required and spec.type in (FieldType.NUMBERS, FieldType.FIGURE):
            check.fault(
                node,
                _("{field} is required, and numbers and figures never go out by themselves.").format(
                    field=spec.name
                ),
            )
    return automatic


def _example(node: Node | None, names: list[str], check: Checker) -> Mapping[str, object]:
    if node is None:
        return {}
    check.keys(node, names)
    return {key: plain(child) for key, child in node.entries.items()}


def _completeness(node: Node | None, names: list[str], check: Checker) -> Mapping[str, tuple[str, ...]]:
    if node is None:
        return {
            row: fields
            for row, fields in COMPLETENESS.items()
            if not fields or any(name in names for name in fields)
        }
    check.keys(node, COMPLETENESS)
    return {row: check.names(child, names) for row, child in node.entries.items()}
