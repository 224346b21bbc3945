"""What a source reports, in the one form that every source's parser gives."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Observed(StrEnum):
    """How a service does, as a source sees it. What a source says and we do not know is `unknown`: it never
    means down, and absence never means up."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    MAINTENANCE = "maintenance"
    UNKNOWN = "unknown"


TROUBLE = frozenset({Observed.DEGRADED, Observed.DOWN})


@dataclass(frozen=True, slots=True)
class Signal:
    """One report about one service. Moments are aware, in UTC.

    `at`: when the source saw it. `confirmed`: the source has waited itself before it reported (the `for` of
    Alertmanager and Grafana). `confirms`: somebody other than the operator vouches that it works again (R11).
    Texts are the source's own: for the team only, never for the public unread.
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

    @property
    def trouble(self) -> bool:
        return self.observed in TROUBLE

    @property
    def known(self) -> datetime:
        """Since when we can have known of it."""
        return self.received or self.at

    @property
    def critical(self) -> bool:
        return self.severity.casefold() == "critical"


def telling(signals: Iterable[Signal]) -> tuple[Signal, ...]:
    """Those that say something about the service, in the order in which they were seen."""
    said = [
        one
        for one in signals
        if not one.is_test and not one.history and one.observed is not Observed.UNKNOWN
    ]
    return tuple(sorted(said, key=lambda one: one.at))


def since(signals: Sequence[Signal]) -> datetime | None:
    """When the trouble began that the last signals speak of: as the source says, else when it was first
    seen. None while there is none."""
    said = telling(signals)
    if not said or not said[-1].trouble:
        return None
    first = last_run(said)[0]
    return min(filter(None, (first.started_at, first.at)))


def works_since(signals: Sequence[Signal]) -> datetime | None:
    """When the last signals that call it up began; None while it is in trouble, or nothing is known."""
    said = telling(signals)
    if not said or said[-1].observed is not Observed.UP:
        return None
    first = last_run(said)[0]
    return first.ended_at or first.at


def last_run(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """The signals at the end that agree on whether there is trouble."""
    run: list[Signal] = []
    for one in reversed(signals):
        if run and one.trouble is not run[-1].trouble:
            break
        run.append(one)
    return tuple(reversed(run))
