"""Atlassian Statuspage, by webhook or as the page's `summary.json`.

Two things are told: the state of a component, and the matters that touch it (incidents and planned works).
Each matter is a subject of its own, so that a component works when the last of them is over. The page's own
indicator may lag behind and decides nothing. Updates come newest first; `display_at` may be set back by
whoever writes the page, `created_at` not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alertbot.watch.rules_signals import TROUBLE, Observed, Signal
from alertbot.watch.sources.base import Body, UnknownShape, mapping, moment, no_later, rows, text

_COMPONENT = {
    "operational": Observed.UP,
    "degraded_performance": Observed.DEGRADED,
    "partial_outage": Observed.DEGRADED,
    "major_outage": Observed.DOWN,
    "under_maintenance": Observed.MAINTENANCE,
}
_ANNOUNCED = "scheduled"  # works to come: they say nothing about now
_AT_WORK = frozenset({"in_progress", "verifying"})
_TROUBLE = frozenset({"investigating", "identified"})
_AFTERWARDS = "postmortem"  # what it says of components may be days old
_OVER = frozenset({"resolved", _AFTERWARDS, "completed"})
_IMPACT = {"critical": Observed.DOWN, "major": Observed.DEGRADED, "minor": Observed.DEGRADED}


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
        return tuple(_incident(mapping(top["incident"]), source, now))
    if "components" in top and "status" in top:
        return _summary(top, source, now)
    raise UnknownShape(source, body)


def _component_change(top: Body, source: str, now: datetime) -> Signal:
    update, component = mapping(top["component_update"]), mapping(top["component"])
    status, told = text(update.get("new_status")), moment(update.get("created_at"))
    number = text(update.get("component_id"), component.get("id"))
    return Signal(
        source=source,
        service=text(component.get("name"), number),
        observed=_COMPONENT.get(status, Observed.UNKNOWN),
        at=no_later(told, now),
        key=text(update.get("id")) or f"{number}/{status}",
        subject=number,
        title=text(component.get("name")),
        summary=status,
        received=now,
        told_at=None if told is None else no_later(told, now),
    )


def _incident(incident: Body, source: str, now: datetime) -> Iterator[Signal]:
    """One signal for each component that the incident touches; one under its own name if it touches none.
    When it is over, what the page then says of each component is told besides: another matter may go on."""
    updates = rows(incident.get("incident_updates"))
    newest: Body = updates[0] if updates else {}
    status = text(newest.get("status"), incident.get("status"))
    touched = _touched(incident, updates, over=status in _OVER)
    said = {number: _COMPONENT.get(state) for number, (_name, state) in touched.items()}
    impact = _IMPACT.get(text(incident.get("impact")))
    if incident.get("impact") is None and not any(said.values()):
        impact = Observed.DEGRADED  # old pages say neither
    if any(state in TROUBLE for state in said.values()):
        impact = None  # the components say which of them it is
    told = moment(newest.get("created_at"))
    whole = _matter(incident, newest, source, now)
    for number, (name, state) in touched.items() or {"": (text(incident.get("name")), "")}.items():
        observed = _observed(status, said.get(number), impact)
        yield replace(
            whole,
            service=name,
            observed=observed,
            key=f"{whole.key}/{number}/{observed}",
            subject=f"{text(incident.get('id'))}/{number}",
        )
        now_said = status in _OVER and status != _AFTERWARDS and told is not None
        if now_said and state in _COMPONENT and not whole.history:
            yield replace(
                whole,
                service=name,
                observed=_COMPONENT[state],
                key=f"{whole.key}/{number}/={state}",
                subject=number,
                summary=state,
            )


def _matter(incident: Body, newest: Body, source: str, now: datetime) -> Signal:
    """What the signals of all components of an incident have in common."""
    told = moment(newest.get("created_at"))
    seen = moment(newest.get("display_at")) or told or moment(incident.get("created_at"))
    status = text(newest.get("status"), incident.get("status"))
    return Signal(
        source=source,
        service="",
        observed=Observed.UNKNOWN,
        at=no_later(seen, now),
        key=text(newest.get("id")) or f"{text(incident.get('id'))}/{status}",
        started_at=moment(incident.get("created_at")),
        ended_at=moment(incident.get("resolved_at")),
        title=text(incident.get("name")),
        summary=text(newest.get("body")),
        url=text(incident.get("shortlink")),
        history=incident.get("backfilled") is True,
        received=now,
        told_at=None if told is None else no_later(told, now),
    )


def _touched(incident: Body, updates: Sequence[Body], *, over: bool) -> dict[str, tuple[str, str]]:
    """By id: the name and the newest state of each component; with `over` also of those that only an
    earlier update touched, without a state. Old pages give a name and nothing else."""
    found: dict[str, tuple[str, str]] = {}
    lists = [rows(one.get("affected_components")) for one in updates[: None if over else 1]]
    for place, affected in enumerate(lists):
        for one in affected:
            number = text(one.get("code"), one.get("id"), one.get("name"))
            state = "" if place else text(one.get("new_status"))
            found.setdefault(number, (text(one.get("name"), number), state))
    for one in rows(incident.get("components")):
        number = text(one.get("id"), one.get("name"))
        name, state = found.get(number, (text(one.get("name"), number), ""))
        found[number] = (name, state or text(one.get("status")))
    return {number: one for number, one in found.items() if number}


def _observed(status: str, component: Observed | None, impact: Observed | None) -> Observed:
    """The state of a component as one matter has it. `component`: what the update says of it; `impact`:
    that of the whole incident, where no component is said to be in trouble."""
    if status in _OVER:
        return Observed.UP
    if status in _AT_WORK:
        return Observed.MAINTENANCE if component not in TROUBLE else component or Observed.MAINTENANCE
    if status == _ANNOUNCED:
        return Observed.UNKNOWN
    if component in TROUBLE:
        return component or Observed.UNKNOWN
    if status in _TROUBLE and impact is not None:
        return impact
    return component or Observed.UNKNOWN  # `monitoring` too, where it says no more


def _summary(top: Body, source: str, now: datetime) -> tuple[Signal, ...]:
    """Every component that is not only a group heading, and every matter that is under way: an operator
    may write of an incident long before a component changes. Repeated names are prefixed with their group:
    `Europe: API`."""
    components = rows(top["components"])
    headings = {text(one.get("id")): text(one.get("name")) for one in components}
    told = [one for one in components if one.get("group") is not True]
    often = Counter(text(one.get("name")) for one in told)

    def name(one: Body) -> str:
        own, heading = text(one.get("name")), headings.get(text(one.get("group_id")), "")
        return text(f"{heading}: {own}" if own and heading and often[own] > 1 else own, one.get("id"))

    names = {text(one.get("id"), one.get("name")): name(one) for one in told}
    found = [_component(one, name(one), source, now) for one in told]
    for matter in (*rows(top.get("incidents")), *rows(top.get("scheduled_maintenances"))):
        for one in _incident(matter, source, now):
            number = one.subject.rpartition("/")[2]
            if (
                one.observed in (Observed.UP, Observed.UNKNOWN)
                or number in headings.keys() - names.keys()
            ):
                continue  # over, yet to come, or told of each member: the component's own state counts
            found.append(replace(one, service=names.get(number, one.service), still_firing=one.trouble))
    return tuple(found)


def _component(one: Body, service: str, source: str, now: datetime) -> Signal:
    """The signal of one component. `updated_at` tells changes apart; without it, the minute does as well
    as it can."""
    status, number = text(one.get("status")), text(one.get("id"), one.get("name"))
    changed = text(one.get("updated_at")) or f"{now:%Y-%m-%dT%H:%M}"
    return Signal(
        source=source,
        service=service,
        observed=_COMPONENT.get(status, Observed.UNKNOWN),
        at=now,
        key=f"{number}/{status}/{changed}",
        subject=number,
        title=service,
        summary=status,
        still_firing=status in ("partial_outage", "major_outage"),
        received=now,
    )
