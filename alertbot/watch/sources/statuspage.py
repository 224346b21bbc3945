"""Atlassian Statuspage, by webhook or as the page's `summary.json`.

The page's own indicator may lag behind and decides nothing. Updates come newest first.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import Body, UnknownShape, mapping, moment, no_later, rows, text

_COMPONENT = {
    "operational": Observed.UP,
    "degraded_performance": Observed.DEGRADED,
    "partial_outage": Observed.DEGRADED,
    "major_outage": Observed.DOWN,
    "under_maintenance": Observed.MAINTENANCE,
}
_MAINTENANCE = frozenset({"scheduled", "in_progress", "verifying", "completed"})
_TROUBLE = frozenset({"investigating", "identified"})
_OVER = frozenset({"resolved", "postmortem"})


def parse(
    body: object,
    *,
    source: str,
    now: datetime,
    options: Mapping[str, Any],  # noqa: ARG001 - every source is called alike
) -> tuple[Signal, ...]:
    """The signals of a component's change, of an incident, or of a whole summary. Raises `UnknownShape`
    for another body."""
    top = mapping(body)
    if "component_update" in top and "component" in top:
        return (_component_change(top, source, now),)
    if "incident" in top and "page" in top:
        return (_incident(mapping(top["incident"]), source, now),)
    if "components" in top and "status" in top:
        return _summary(top, source, now)
    raise UnknownShape(source, body)


def _component_change(top: Body, source: str, now: datetime) -> Signal:
    update, component = mapping(top["component_update"]), mapping(top["component"])
    status = text(update.get("new_status"))
    return Signal(
        source=source,
        service=text(component.get("name"), update.get("component_id")),
        observed=_COMPONENT.get(status, Observed.UNKNOWN),
        at=no_later(moment(update.get("created_at")), now),
        key=text(update.get("id")) or f"{text(update.get('component_id'))}/{status}",
        title=text(component.get("name")),
        summary=status,
        received=now,
    )


def _incident(incident: Body, source: str, now: datetime) -> Signal:
    updates = rows(incident.get("incident_updates"))
    newest: Body = updates[0] if updates else {}
    touched = rows(newest.get("affected_components")) or rows(incident.get("components"))
    status = text(newest.get("status"), incident.get("status"))
    return Signal(
        source=source,
        service=text(*(one.get("name") for one in touched[:1]), incident.get("name")),
        observed=_observed(status, text(incident.get("impact"))),
        at=no_later(moment(newest.get("display_at")) or moment(incident.get("created_at")), now),
        key=text(newest.get("id")) or f"{text(incident.get('id'))}/{status}",
        started_at=moment(incident.get("created_at")),
        ended_at=moment(incident.get("resolved_at")),
        title=text(incident.get("name")),
        summary=text(newest.get("body")),
        url=text(incident.get("shortlink")),
        history=incident.get("backfilled") is True,
        received=now,
    )


def _observed(status: str, impact: str) -> Observed:
    if status in _MAINTENANCE:
        return Observed.UP if status == "completed" else Observed.MAINTENANCE
    if status in _OVER:
        return Observed.UP
    if status in _TROUBLE:
        return Observed.DOWN if impact == "critical" else Observed.DEGRADED
    return Observed.UNKNOWN  # `monitoring` too: it says neither that it works nor that it does not


def _summary(top: Body, source: str, now: datetime) -> tuple[Signal, ...]:
    """Every component that is not only a group heading. Repeated names are prefixed with their group:
    `Europe: API`."""
    components = rows(top["components"])
    headings = {text(one.get("id")): text(one.get("name")) for one in components}
    told = [one for one in components if one.get("group") is not True]
    often = Counter(text(one.get("name")) for one in told)

    def name(one: Body) -> str:
        own, heading = text(one.get("name")), headings.get(text(one.get("group_id")), "")
        return text(f"{heading}: {own}" if own and heading and often[own] > 1 else own, one.get("id"))

    return tuple(_component(one, name(one), source, now) for one in told)


def _component(one: Body, service: str, source: str, now: datetime) -> Signal:
    """The signal of one component. `updated_at` tells changes apart; without it, the minute does as well
    as it can."""
    status = text(one.get("status"))
    changed = text(one.get("updated_at")) or f"{now:%Y-%m-%dT%H:%M}"
    return Signal(
        source=source,
        service=service,
        observed=_COMPONENT.get(status, Observed.UNKNOWN),
        at=now,
        key=f"{text(one.get('id'), one.get('name'))}/{status}/{changed}",
        title=service,
        summary=status,
        still_firing=status in ("partial_outage", "major_outage"),
        received=now,
    )
