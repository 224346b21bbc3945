"""From bytes to JSON, for bodies that anyone may have written. Pure.

RFC 8259 leaves open what a reader does with repeated names, with deep nesting and with numbers too large
to represent; programs differ, so all of these are refused.
"""

import json
import re
from math import isfinite
from typing import Any
from urllib.parse import parse_qs

from alertbot.core.words import _
from alertbot.watch.sources.base import UnknownShape

DEEPEST = 64  # lists and objects within each other
MOST_FIELDS = 100
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FIELD = "data"  # of a form: where Uptime Kuma puts the JSON

_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,70})"?', re.IGNORECASE)
_NAMED = re.compile(rb'content-disposition:[^\r\n]*[; ]name="?data"?(?=[;\s]|$)', re.IGNORECASE)
_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


class _Unfit(ValueError):
    """Why a body is not acceptable JSON."""


def read(source: str, body: bytes, content_type: str = "") -> object:
    """The JSON in a body, whatever the content type; for a form, the JSON in its field `data`. Raises
    `UnknownShape` with the reason."""
    try:
        return _json(_within(body, content_type).decode("utf-8-sig"))
    except UnicodeDecodeError:
        why = _("it is no text in UTF-8")
    except _Unfit as error:
        why = str(error)
    except (ValueError, RecursionError):
        why = _("it is no JSON")
    raise UnknownShape(source, None, why) from None


def _within(body: bytes, content_type: str) -> bytes:
    """The field `data` of a form, else the body itself: many senders set a wrong content type."""
    kind = content_type.partition(";")[0].strip().lower()
    found = None
    if kind == FORM and not body.lstrip().startswith((b"{", b"[")):
        found = _field(body)
    elif kind == MULTIPART and (named := _BOUNDARY.search(content_type)):
        found = _part(body, named[1].encode("ascii", "replace"))
    return body if found is None else found


def _field(body: bytes) -> bytes | None:
    values = parse_qs(body, keep_blank_values=True, max_num_fields=MOST_FIELDS).get(FIELD.encode())
    return values[-1] if values else None


def _part(body: bytes, boundary: bytes) -> bytes | None:
    """The content of the part with this name (RFC 7578)."""
    for part in body.split(b"--" + boundary)[1 : MOST_FIELDS + 1]:
        head, blank, content = part.partition(b"\r\n\r\n")
        if blank and _NAMED.search(head):
            return content.removesuffix(b"\r\n")
    return None


def _json(text: str) -> object:
    _refuse_depth(text)
    return json.loads(
        text, object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_some_number
    )


def _refuse_depth(text: str) -> None:
    """Raises `_Unfit` for deep nesting, before parsing: parsers fail on depth in their own ways."""
    depth = 0
    for found in _BRACKETS.finditer(text):
        sign = found[0]
        depth += (sign in "[{") - (sign in "]}")
        if depth > DEEPEST:
            raise _Unfit(_("more than {n} levels within each other").format(n=DEEPEST))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Unfit(_("a name stands twice in one object"))
    return made


def _no_number(_word: str) -> Any:
    raise _Unfit(_("NaN and Infinity are no JSON"))


def _some_number(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise _Unfit(_("a number in it is too large"))
    return number
