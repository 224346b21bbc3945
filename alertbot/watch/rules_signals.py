"""Signals: what a source reports, in the one form that every parser returns; joining those about one
service or group. Pure."""

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from alertbot.core.frozen import dataclass


class Observed(StrEnum):
    """The state of a service as a source sees it. An unrecognised state is `unknown`: it never means
    down, and absence never means up."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


TROUBLE = frozenset({Observed.DEGRADED, Observed.DOWN})


@dataclass(frozen=True, slots=True)
class Signal:
    """One report about one service. Times are aware, in UTC.

    `at`: when the source saw it. `told_at`: when the source itself says that it told this; only a time
    that it sets anew with every report (a heartbeat's, an update's), never the begin or the end of the
    trouble. `confirmed`: the source has already waited before reporting (the `for` of Alertmanager and
    Grafana). `confirms`: someone other than the operator confirms that it works again (R11). Texts are
    the source's own: for the team only, never for the public unread.
    """

    source: str
    service: str
    observed: Observed
    at: datetime
    key: str = ""  # what one report and its repeats have in common
    subject: str = ""  # what the source watches of the service: one alert, one monitor, one check
    severity: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    title: str = ""
    summary: str = ""
    url: str = ""
    confirmed: bool = False
    confirms: bool = False
    still_firing: bool = False  # the source says so now, whenever it began
    is_repeat: bool = False
    is_test: bool = False
    history: bool = False  # told afterwards, not news (Statuspage: backfilled)
    received: datetime | None = None  # when it reached us; a report may be late
    failing: tuple[str, ...] = ()  # of a group: the services that fail at this moment
    told_at: datetime | None = None
    entry: str = (
        ""  # what the source says again and again, where that is not the subject: one text of a feed
    )
    stands: bool = False  # in trouble because of another subject; no further report of trouble

    @property
    def thread(self) -> str:
        """What a repeat of this report would be about."""
        return self.entry or self.subject

    @property
    def trouble(self) -> bool:
        return self.observed in TROUBLE

    @property
    def known(self) -> datetime:
        """The earliest time at which this could be known."""
        return self.received or self.at

    @property
    def critical(self) -> bool:
        return self.severity.casefold() == "critical"


def telling(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """The signals that say something about the service, in the order in which they were told."""
    return in_order(
        one
        for one in signals
        if not one.is_test and not one.history and one.observed is not Observed.UNKNOWN
    )


def in_order(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """By arrival; those that arrived at once stay as given. Where a source says itself when it told two
    reports about one subject, that counts between the two: one may have been held up on the way. The
    begin and the end of trouble never count: both may lie before another report's arrival."""
    arrived = sorted(signals, key=lambda one: one.known)
    places: dict[tuple[str, str, str], list[int]] = {}
    for place, one in enumerate(arrived):
        if one.told_at is not None:
            places.setdefault((one.source, one.service, one.subject), []).append(place)
    found = list(arrived)
    for mine in places.values():
        told = sorted((arrived[place] for place in mine), key=lambda one: one.told_at or one.known)
        for place, one in zip(mine, told, strict=True):
            found[place] = one
    return tuple(found)


def since(signals: Sequence[Signal]) -> datetime | None:
    """When the current trouble began: as the source says, else when it was first seen. None if there is
    none."""
    said = telling(signals)
    if not said or not said[-1].trouble:
        return None
    first = last_run(said)[0]
    return min(filter(None, (first.started_at, first.at)))


def works_since(signals: Sequence[Signal]) -> datetime | None:
    """Since when it is known to work: the beginning of the last unbroken run of `up`, which neither
    trouble nor maintenance interrupts. None while there is trouble or nothing is known."""
    run = working_run(telling(signals))
    if not run:
        return None
    return min(filter(None, (run[0].ended_at, run[0].at)))


def begun(signals: Sequence[Signal]) -> datetime | None:
    """When the current trouble began, as a source says; None where none does. That a source saw it at some time says
    nothing of that."""
    said = telling(signals)
    if not said or not said[-1].trouble:
        return None
    return min((one.started_at for one in last_run(said) if one.started_at), default=None)


def ended(signals: Sequence[Signal]) -> datetime | None:
    """When the last trouble ended, as a source says; None where none does, and while there is trouble."""
    run = working_run(telling(signals))
    return next((one.ended_at for one in run if one.ended_at), None)


def last_run(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """The latest signals that agree on whether there is trouble."""
    run: list[Signal] = []
    for one in reversed(signals):
        if run and one.trouble is not run[-1].trouble:
            break
        run.append(one)
    return tuple(reversed(run))


def working_run(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """The latest signals that all say `up`. Maintenance ends a run: nobody knows whether it worked
    meanwhile, so it counts neither as working nor as watched (R11)."""
    up = itertools.takewhile(lambda one: one.observed is Observed.UP, reversed(signals))
    return tuple(up)[::-1]


PEOPLE = "people"  # the source of what people say by hand: it counts over everything before it
_SEVERITY = (Observed.DOWN, Observed.DEGRADED)


class _Standing:
    """What each source last said of each of its subjects, and how often each state is among that."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], Observed] = {}
        self._counts: Counter[Observed] = Counter()

    def say(self, source: str, subject: str, observed: Observed) -> None:
        self.forget(source, subject)
        self._said[source, subject] = observed
        self._counts[observed] += 1

    def forget(self, source: str, subject: str) -> None:
        before = self._said.pop((source, subject), None)
        if before is not None:
            self._counts[before] -= 1

    def clear(self) -> None:
        self._said.clear()
        self._counts.clear()

    @property
    def worst(self) -> Observed | None:
        """The worst trouble; None if there is none."""
        return next((state for state in _SEVERITY if self._counts[state]), None)


def joined(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """The reports about one service, each giving its overall state from then on: the worst of what its
    sources last said about each of their subjects. What a source says without a subject is replaced by
    whatever it says next, and what people say by whatever comes next without a subject. It works when
    the last of several matters is over."""
    standing = _Standing()
    found = []
    for one in telling(signals):
        if one.source == PEOPLE:
            standing.clear()
        if not one.subject:
            standing.forget(PEOPLE, "")
        standing.forget(one.source, "")
        standing.say(one.source, one.subject, one.observed)
        found.append(_as_whole(one, standing.worst))
    return tuple(found)


def _as_whole(one: Signal, worst: Observed | None) -> Signal:
    if worst is None or worst is one.observed:
        return one
    return replace(one, observed=worst, confirms=False, still_firing=True, stands=True)


@dataclass(frozen=True, slots=True)
class SignalGroup:
    """`members` share one incident under `name`; while `parent` fails, only it is named."""

    name: str
    members: tuple[str, ...]
    parent: str | None = None

    @property
    def everybody(self) -> tuple[str, ...]:
        return self.members if self.parent is None else (self.parent, *self.members)


def merged(group: SignalGroup, signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """The group's own signals: one for each report about a member, in order, giving the overall state
    from then on and the failing services. While any member fails, the group is in trouble."""
    standing: dict[str, Observed] = {}
    found = []
    for one in telling(signals):
        standing[one.service] = one.observed
        found.append(_as_group(group, one, standing))
    return tuple(found)


def _as_group(group: SignalGroup, one: Signal, standing: Mapping[str, Observed]) -> Signal:
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


def failing_of(group: SignalGroup, standing: Mapping[str, Observed]) -> tuple[str, ...]:
    """The failing members, in the group's order; only the parent while the parent fails."""
    if group.parent is not None and standing.get(group.parent) in TROUBLE:
        return (group.parent,)
    return tuple(name for name in group.members if standing.get(name) in TROUBLE)


def _whole(failing: tuple[str, ...], standing: Mapping[str, Observed], newest: Observed) -> Observed:
    if not failing:
        return Observed.UP if newest in TROUBLE else newest
    down = any(standing[name] is Observed.DOWN for name in failing)
    return Observed.DOWN if down else Observed.DEGRADED
