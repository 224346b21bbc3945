"""Several services that make one incident: what they report together, as if one service had reported it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from alertbot.incident.signals import TROUBLE, Observed, Signal, telling


@dataclass(frozen=True, slots=True)
class Group:
    """`members` make one incident under `name`; while `parent` fails, it alone is named."""

    name: str
    members: tuple[str, ...]
    parent: str | None = None

    @property
    def everybody(self) -> tuple[str, ...]:
        return self.members if self.parent is None else (self.parent, *self.members)


def merged(group: Group, signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """The group's own signals: one for each of its members' reports, in their order, saying how the whole
    did from then on and which services failed. What is up while others fail is still trouble."""
    standing: dict[str, Observed] = {}
    found = []
    for one in telling(signals):
        standing[one.service] = one.observed
        found.append(_as_group(group, one, standing))
    return tuple(found)


def _as_group(group: Group, one: Signal, standing: Mapping[str, Observed]) -> Signal:
    failing = failing_of(group, standing)
    observed = _whole(failing, standing, one.observed)
    return replace(
        one,
        service=group.name,
        observed=observed,
        failing=failing,
        confirms=one.confirms and not failing,
        still_firing=one.still_firing or bool(failing),
    )


def failing_of(group: Group, standing: Mapping[str, Observed]) -> tuple[str, ...]:
    """The members in trouble, in the group's order; the parent alone while it is in trouble itself."""
    if group.parent is not None and standing.get(group.parent) in TROUBLE:
        return (group.parent,)
    return tuple(name for name in group.members if standing.get(name) in TROUBLE)


def _whole(failing: tuple[str, ...], standing: Mapping[str, Observed], newest: Observed) -> Observed:
    if not failing:
        return Observed.UP if newest in TROUBLE else newest
    down = any(standing[name] is Observed.DOWN for name in failing)
    return Observed.DOWN if down else Observed.DEGRADED
