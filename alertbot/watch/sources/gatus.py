"""Gatus: the body that our documentation gives for its `custom` provider, or that of its `n8n` provider."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import Body, UnknownShape, mapping, text


def parse(
    body: object, *, source: str, now: datetime, options: Mapping[str, Any]
) -> tuple[Signal, ...]:
    """One signal. Options `triggered` and `resolved`: the words, if Gatus was configured with others.
    Raises `UnknownShape` for another body."""
    top = mapping(body)
    if "endpoint_name" in top and isinstance(top.get("resolved"), bool):
        observed = Observed.UP if top["resolved"] else Observed.DOWN
        return (_signal(top, "endpoint_", "alert_description", observed, source, now),)
    if "service" in top and "state" in top:
        words = {
            str(options.get("triggered", "TRIGGERED")).casefold(): Observed.DOWN,
            str(options.get("resolved", "RESOLVED")).casefold(): Observed.UP,
        }
        state = text(top["state"]).casefold()
        observed = words.get(state, Observed.UNKNOWN)
        return (_signal(top, "", "summary", observed, source, now),)
    raise UnknownShape(source, body)


def _signal(
    top: Body, prefix: str, summary: str, observed: Observed, source: str, now: datetime
) -> Signal:
    """The signal. Gatus gives neither id nor time: the minute of arrival identifies repeats."""
    name = text(top.get(f"{prefix}name"), top.get("service"))
    group = text(top.get(f"{prefix}group"))
    return Signal(
        source=source,
        service=f"{group}/{name}" if group else name,
        observed=observed,
        at=now,
        key=f"{group}/{name}/{observed}/{now:%Y-%m-%dT%H:%M}",
        title=text(top.get("title"), name),
        summary=text(top.get(summary)),
        url=text(top.get(f"{prefix}url")),
        confirmed=True,
        still_firing=observed is Observed.DOWN,
        received=now,
    )
