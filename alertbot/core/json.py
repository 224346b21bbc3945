"""From a view to JSON: the one way in which what a verb returns becomes the document that `--json` prints; and reading
JSON that anyone may have written.

A room's `views.py` holds frozen, slotted dataclasses of plain values: text, numbers, moments, tuples, mappings
by name, and other views. The fields' names are the document's keys, in the order in which they stand.
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from math import isfinite
from types import NoneType, UnionType
from typing import Any, TypeAlias, Union, get_args, get_origin, get_type_hints

from alertbot.core.words import _

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

NOT_JSON: Mapping[str, Any] = {
    "json": "never"
}  # `field(metadata=NOT_JSON)`: for terminal and page only
IF_SET: Mapping[str, Any] = {
    "json": "if set"
}  # `field(default=None, metadata=IF_SET)`: no key for None


def as_json(view: object) -> Json:
    """A view, or a list or mapping of views, as plain JSON values.

    Moments are ISO 8601 to the second, with the zone they have (views hold them in UTC); tuples become
    lists, enums their values; None stays. Raises `TypeError` for a value that has no such form.
    """
    if view is None or isinstance(view, bool | int | float):
        return view
    if isinstance(view, str):
        return str(view)
    if isinstance(view, datetime):
        return view.isoformat(timespec="seconds")
    if isinstance(view, date):
        return view.isoformat()
    if isinstance(view, list | tuple):
        return [as_json(one) for one in view]
    if isinstance(view, Mapping):
        return {str(key): as_json(value) for key, value in view.items()}
    if is_dataclass(view) and not isinstance(view, type):
        return as_document(view)
    raise TypeError(f"{type(view).__name__} has no form in JSON")


def as_document(view: Any) -> dict[str, Json]:
    """One view as the mapping that its JSON is; raises as `as_json` does."""
    found = {}
    for each in fields(view):
        marked, value = each.metadata.get("json"), getattr(view, each.name)
        if marked != "never" and not (marked == "if set" and value is None):
            found[each.name] = as_json(value)
    return found


# --- reading --------------------------------------------------------------------------------------

DEEPEST = 64  # lists and objects within each other
_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


class UnfitJson(ValueError):
    """Why a body is not acceptable JSON."""


def from_text(text: str) -> object:
    """JSON that everybody reads alike. Raises `UnfitJson` with what is wrong about it, `ValueError` for what is no JSON."""
    _refuse_depth(text)
    return json.loads(
        text, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_some_number
    )


def _refuse_depth(text: str) -> None:
    """Raises `UnfitJson` for deep nesting, before parsing: parsers fail on depth in their own ways."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        sign = found[0]
        depth += (sign in "[{") - (sign in "]}")
        if depth > DEEPEST:
            raise UnfitJson(_("nested deeper than {n} levels").format(n=DEEPEST))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise UnfitJson(_("a name appears twice in one object"))
    return made


def _no_number(_word: str) -> Any:
    raise UnfitJson(_("NaN and Infinity are not JSON"))


def _some_number(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise UnfitJson(_("it contains a number that is too large"))
    return number


# --- and back -------------------------------------------------------------------------------------


class OtherShape(ValueError):
    """A document that is no such view, as a program of another version may send it."""


def as_view(kind: Any, document: Json) -> Any:
    """The view, or list or mapping of views, that `as_json` made this document of. Keys that it does not know are left
    out; fields that have no form in JSON are None. Raises `OtherShape`."""
    origin = get_origin(kind)
    if kind is Any:
        return document
    if origin in (Union, UnionType):
        return _one_of(get_args(kind), document)
    if is_dataclass(kind):
        return _view(kind, document)
    if origin in (tuple, list, Sequence):
        return _several(kind, origin, document)
    if origin is Mapping or origin is dict:
        if not isinstance(document, dict):
            raise OtherShape(str(kind))
        return {key: as_view(get_args(kind)[1], value) for key, value in document.items()}
    return _plain(kind, document)


def _one_of(kinds: Sequence[Any], document: Json) -> Any:
    if document is None and NoneType in kinds:
        return None
    for kind in kinds:
        with suppress(OtherShape):
            return as_view(kind, document)
    raise OtherShape(str(kinds))


def _view(kind: Any, document: Json) -> Any:
    if not isinstance(document, dict):
        raise OtherShape(kind.__name__)
    hints, given = get_type_hints(kind), {}
    for each in fields(kind):
        if each.name in document:
            given[each.name] = as_view(hints[each.name], document[each.name])
        elif each.metadata.get("json") == "never":
            given[each.name] = None if each.default is MISSING else each.default
        elif each.default is MISSING and each.default_factory is MISSING:
            raise OtherShape(f"{kind.__name__}.{each.name}")
    return kind(**given)


def _several(kind: Any, origin: Any, document: Json) -> Any:
    if not isinstance(document, list):
        raise OtherShape(str(kind))
    inner = get_args(kind)
    if origin is tuple and len(inner) > 1 and inner[1] is not Ellipsis:
        if len(inner) != len(document):
            raise OtherShape(str(kind))
        return tuple(as_view(one, value) for one, value in zip(inner, document, strict=True))
    found = [as_view(inner[0], value) for value in document]
    return tuple(found) if origin is tuple else found


def _plain(kind: Any, document: Json) -> Any:
    try:
        if isinstance(kind, type) and issubclass(kind, Enum):
            return kind(document)
        if kind is datetime and isinstance(document, str):
            return datetime.fromisoformat(document)
    except ValueError:
        raise OtherShape(str(kind)) from None
    if kind is float and isinstance(document, int) and not isinstance(document, bool):
        return float(document)
    if not isinstance(kind, type) or not isinstance(document, kind):
        raise OtherShape(str(kind))
    return document
