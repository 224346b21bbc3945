"""What all parsers of sources share: their signature, the refusal of unknown bodies, and reading values
of any type."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from alertbot.core.errors import Refused
from alertbot.core.words import _
from alertbot.watch.rules_signals import Signal

LONGEST_TEXT = 500
MOST_SIGNALS = 1000
Body = Mapping[str, Any]


class UnknownShape(Refused):
    """The body is not one that this source sends; `keys` are its top-level keys."""

    def __init__(self, source: str, body: object, why: str = "") -> None:
        self.keys = sorted(text(key)[:40] for key in body)[:20] if isinstance(body, Mapping) else []
        why, seen = why or _("its shape is unknown"), ", ".join(self.keys)
        said = (
            _("This is no message of {source}: {why} (seen at its top: {seen}).")
            if seen
            else _("This is no message of {source}: {why}.")
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
    """The mappings in a list, up to a limit; empty for anything else."""
    if not isinstance(value, list):
        return ()
    return [row for row in value[:MOST_SIGNALS] if isinstance(row, Mapping)]


def text(*candidates: object) -> str:
    """The first non-empty value, as one line of limited length. Numbers count, booleans do not."""
    for one in candidates:
        if isinstance(one, int | float) and not isinstance(one, bool):
            return str(one)
        if isinstance(one, str) and one.strip():
            return " ".join("".join(c if c.isprintable() else " " for c in one).split())[:LONGEST_TEXT]
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
