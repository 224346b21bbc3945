"""What all parsers of sources share: from bytes that anyone may have written to JSON, the parser's
signature, the refusal of unknown bodies, and reading values of any type. Pure.

RFC 8259 leaves open what a reader does with repeated names, with deep nesting and with numbers too large
to represent; programs differ, so all of these are refused.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import parse_qs

from alertbot.core.errors import Refused
from alertbot.core.json import UnfitJson, from_text
from alertbot.core.words import _
from alertbot.watch.rules_signals import Signal

LONGEST_TEXT = 500
MOST_SIGNALS = 20_000  # in one body; one that holds more is refused whole, never cut
Body = Mapping[str, Any]


class UnknownShape(Refused):
    """The body is not one that this source sends; `keys` are its top-level keys."""

    def __init__(self, source: str, body: object, why: str = "") -> None:
        self.keys = sorted(text(key)[:40] for key in body)[:20] if isinstance(body, Mapping) else []
        why, seen = why or _("its structure is unknown"), ", ".join(self.keys)
        said = (
            _("This is not a message from {source}: {why} (top level: {seen}).")
            if seen
            else _("This is not a message from {source}: {why}.")
        )
        super().__init__(said.format(source=source, why=why, seen=seen))


class Parse(Protocol):
    """The signature of a parser. Pure; raises `UnknownShape`.

    `body`: the parsed JSON. `now`: the time of arrival, aware. `options`: the source's own settings.
    """

    def __call__(
        self, body: object, *, source: str, now: datetime, options: Mapping[str, Any]
    ) -> tuple[Signal, ...]: ...


def mapping(value: object) -> Body:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> Sequence[Body]:
    """The mappings in a list; empty for anything else."""
    if not isinstance(value, list):
        return ()
    return [row for row in value if isinstance(row, Mapping)]


def text(*candidates: object) -> str:
    """The first non-empty value, as one line of limited length. Numbers count, booleans do not."""
    for one in candidates:
        if isinstance(one, int | float) and not isinstance(one, bool):
            return str(one)
        if isinstance(one, str) and one.strip():
            shown = one.lstrip()[: 4 * LONGEST_TEXT]
            return " ".join("".join(c if c.isprintable() else " " for c in shown).split())[
                :LONGEST_TEXT
            ]
    return ""


def moment(value: object) -> datetime | None:
    """An ISO 8601 time in UTC; None for anything else and for the zero year that means "still open". A
    time without an offset is UTC."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value.strip().replace(" ", "T", 1))
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return read if read.year > 1 else None


def no_later(value: datetime | None, now: datetime) -> datetime:
    """The time, or `now` if there is none or it is in the future: the other clock may be wrong."""
    return now if value is None or value > now else value


def looks_like(body: object) -> str | None:
    """The name of the first type of source that such a body fits, or None."""
    top = mapping(body)
    return next((name for name, fits in SHAPES.items() if fits(top)), None)


def _statuspage(top: Body) -> bool:
    return "component_update" in top or ("incident" in top and "page" in top)


def _alertmanager(top: Body) -> bool:
    return isinstance(top.get("alerts"), list) and top.get("version") == "4"


def _grafana(top: Body) -> bool:
    unified = isinstance(top.get("alerts"), list) and ("orgId" in top or top.get("version") == "1")
    return unified or "evalMatches" in top or {"ruleName", "state"} <= top.keys()


def _uptime_kuma(top: Body) -> bool:
    return {"heartbeat", "monitor", "msg"} <= top.keys()


def _gatus(top: Body) -> bool:
    return {"endpoint_name", "resolved"} <= top.keys() or top.get("source") == "gatus"


SHAPES: Mapping[str, Callable[[Body], bool]] = {
    "statuspage": _statuspage,
    "alertmanager": _alertmanager,
    "grafana": _grafana,
    "uptime_kuma": _uptime_kuma,
    "gatus": _gatus,
}


MOST_FIELDS = 100
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
FIELD = "data"  # of a form: where Uptime Kuma puts the JSON

_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,70})"?', re.IGNORECASE)
LONGEST_PART_HEAD = 4_096  # bytes of a form's part before its content
_DISPOSITION = b"content-disposition:"
_NAMES = (b"name=data", b'name="data"')


def read(source: str, body: bytes, content_type: str = "") -> object:
    """The JSON in a body, whatever the content type; for a form, the JSON in its field `data`. Raises
    `UnknownShape` with the reason."""
    try:
        return from_text(_within(body, content_type).decode("utf-8-sig"))
    except UnicodeDecodeError:
        why = _("it is not UTF-8 text")
    except UnfitJson as error:
        why = str(error)
    except (ValueError, RecursionError):
        why = _("it is not JSON")
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
    for part in body.split(b"--" + boundary, MOST_FIELDS + 1)[1 : MOST_FIELDS + 1]:
        end = part.find(b"\r\n\r\n", 0, LONGEST_PART_HEAD)
        if end >= 0 and _is_ours(part[:end]):
            return part[end + 4 :].removesuffix(b"\r\n")
    return None


def _is_ours(head: bytes) -> bool:
    """Whether the head of a part names the field. Split, not searched: an expression that may begin
    anywhere takes a time that grows with the square of a hostile head."""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(_DISPOSITION):
            return any(one.strip() in _NAMES for one in line.split(b";")[1:])
    return False
