"""Uptime Kuma. Status 0 is down, 1 up, 2 pending (never down), 3 maintenance.

Its times have no offset and are UTC. Tests and certificate notices come without a heartbeat.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import UnknownShape, mapping, moment, no_later, text

_STATES = {0: Observed.DOWN, 1: Observed.UP, 3: Observed.MAINTENANCE}


def parse(
    body: object,
    *,
    source: str,
    now: datetime,
    options: Mapping[str, Any],  # noqa: ARG001 - every source is called alike
) -> tuple[Signal, ...]:
    """One signal; for a test or a notice, one that says nothing about any service. Raises `UnknownShape`
    for another body."""
    top = mapping(body)
    if not {"heartbeat", "monitor", "msg"} <= top.keys():
        raise UnknownShape(source, body)
    beat, monitor = mapping(top["heartbeat"]), mapping(top["monitor"])
    status = beat.get("status")
    known = isinstance(status, int) and not isinstance(status, bool)
    observed = _STATES.get(status, Observed.UNKNOWN) if known else Observed.UNKNOWN  # type: ignore[arg-type]
    said = moment(beat.get("time"))
    name = text(monitor.get("pathName"), monitor.get("name"), monitor.get("id"))
    signal = Signal(
        source=source,
        service=name,
        observed=Observed.MAINTENANCE if monitor.get("maintenance") is True else observed,
        at=no_later(said, now),
        key=f"{text(beat.get('monitorID'), name)}/{status if known else None}/{text(beat.get('time'))}",
        subject=text(beat.get("monitorID"), monitor.get("id")),
        title=name,
        summary=text(top.get("msg")),
        url=text(monitor.get("url")),
        confirmed=True,
        is_repeat=beat.get("important") is False,
        is_test=not beat or not monitor,
        told_at=None if said is None else no_later(said, now),
        received=now,
    )
    return (signal,)
