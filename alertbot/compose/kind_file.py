"""One `kind.yaml`, checked to the last key: every fault is kept, with file and line."""

import re
from collections.abc import Mapping
from datetime import timedelta

from alertbot.compose.checking import Checker, unknown
from alertbot.compose.kinds import COMPLETENESS, FieldSpec, FieldType, Kind, Template
from alertbot.compose.values import CERTAINTIES
from alertbot.model import Approvals, WhenUncertain
from alertbot.settings.yaml_text import Node, plain
from alertbot.words import _

NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
LONGEST_TEXT = 1000
MOST_APPROVERS = 5
LAST_PRIORITY = 1000

_OPTIONAL_KEYS = ("forbidden", "one_of", "completeness", "automatic")
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
    *("struck", "past"),
)
_APPROVAL_KEYS = ("approvers", "author_may_approve", "expires_after")
_CHOOSING = (FieldType.CHOICE, FieldType.CERTAINTY)
NEVER_AUTOMATIC = frozenset(
    {"provisional_number", "apology", "correction", "withdrawal", "denial", "end"}
)  # numbers, regret, what takes back, and the end, which people declare (R11, R33)


def read_kind(
    name: str,
    sheet: Node,
    shared: Mapping[str, Node],
    templates: Mapping[tuple[str, str], Template],
    check: Checker,
) -> Kind:
    """The kind of this name. `shared` holds the fields common to all kinds. Faults go to `check`."""
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
        automatic=_automatic(name, part.get("automatic"), specs, check),
    )


def _fields(node: Node | None, shared: Mapping[str, Node], check: Checker) -> tuple[FieldSpec, ...]:
    if node is None:
        return ()
    if not node.entries:
        check.fault(node, _("A kind needs at least one field."))
    return tuple(_field(name, child, shared.get(name), check) for name, child in node.entries.items())


def _field(name: str, node: Node, common: Node | None, check: Checker) -> FieldSpec:
    """`node` is `required`, `optional` or a mapping that is laid over the shared field."""
    own = node
    if isinstance(node.value, str):
        if node.value not in ("required", "optional"):
            check.fault(node, _("required, optional or the keys of a field are expected here."))
        own = Node(node.mark, {"required": Node(node.mark, str(node.value == "required").lower())})
    if not NAME.fullmatch(name):
        check.fault(node, _("“{name}” is not a field name.").format(name=name))
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
        check.fault(place, _("Fields of type choice and certainty list their choices; no other."))
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
    )


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


def _automatic(name: str, node: Node | None, specs: tuple[FieldSpec, ...], check: Checker) -> bool:
    automatic = check.flag(node)
    if node is None or not automatic:
        return False
    if name in NEVER_AUTOMATIC:
        check.fault(node, _("An alert of the kind {kind} never goes out by itself.").format(kind=name))
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
