"""Which kind of source a body seems to come from: for the sentence about one that does not fit. Nothing is
ever parsed on this guess."""

from collections.abc import Callable, Mapping

from alertbot.sources.base import Body, mapping


def looks_like(body: object) -> str | None:
    """The name of a type, or None. The first that fits counts."""
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
