"""Grafana: from version 8 the shape of Alertmanager, before that one message per rule."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources import alertmanager
from alertbot.watch.sources.base import Body, UnknownShape, mapping, text

_LEGACY = {"alerting": Observed.DOWN, "ok": Observed.UP}  # no_data, paused, pending: not outages


def parse(
    body: object, *, source: str, now: datetime, options: Mapping[str, Any]
) -> tuple[Signal, ...]:
    """The signals of either shape. Raises `UnknownShape` for another body."""
    top = mapping(body)
    if isinstance(top.get("alerts"), list):
        return alertmanager.parse(body, source=source, now=now, options=options)
    if "evalMatches" in top or ("ruleName" in top and "state" in top):
        return (_legacy(top, source, now),)
    raise UnknownShape(source, body)


def _legacy(top: Body, source: str, now: datetime) -> Signal:
    state = text(top.get("state"))
    observed = _LEGACY.get(state, Observed.UNKNOWN)
    name = text(top.get("ruleName"), top.get("title"), top.get("ruleId"))
    return Signal(
        source=source,
        service=name,
        observed=observed,
        at=now,
        key=f"{text(top.get('ruleId'), name)}/{state}/{now:%Y-%m-%dT%H:%M}",
        title=text(top.get("title"), name),
        summary=text(top.get("message")),
        url=text(top.get("ruleUrl")),
        confirmed=True,
        still_firing=observed is Observed.DOWN,
        is_test=name == "Test notification" or top.get("ruleId") == 0,
        received=now,
    )
