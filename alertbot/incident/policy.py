"""How patient and how sceptical to be with one service."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What turns reports into a fact: at least so many in a row, over at least so long."""

    count: int = 1
    length: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Flapping:
    """Two marks on the share of changes among the last results (as in Nagios): at `high` a service flaps,
    and it does so until the share is below `low`. Results older than `within` count no more: where only
    changes are reported, quiet is what ends the flapping."""

    results: int = 21
    within: timedelta = timedelta(hours=1)
    high: float = 0.5
    low: float = 0.25


@dataclass(frozen=True, slots=True)
class Window:
    """Maintenance: between two moments, or every week between two clock times. Ends are not part of it."""

    starts: datetime | None = None
    ends: datetime | None = None
    days: tuple[int, ...] = ()  # 0: Monday; of the evening where the window crosses midnight
    from_: time | None = None
    until: time | None = None

    def holds(self, now: datetime, zone: ZoneInfo) -> bool:
        """Whether `now` lies in the window; clock times are read in `zone`."""
        if self.starts is not None and self.ends is not None:
            return self.starts <= now < self.ends
        if self.from_ is None or self.until is None:
            return False
        local = now.astimezone(zone)
        if self.from_ < self.until:
            return self._on(local.weekday()) and self.from_ <= local.time() < self.until
        late = self._on(local.weekday()) and local.time() >= self.from_
        early = self._on((local.weekday() - 1) % 7) and local.time() < self.until
        return late or early

    def _on(self, day: int) -> bool:
        return not self.days or day in self.days


@dataclass(frozen=True, slots=True)
class Policy:
    """The default lets one firing signal open at once: its source has waited before it spoke."""

    confirm_down: Confirmation = Confirmation()
    confirm_up: Confirmation = Confirmation(1, timedelta(minutes=5))
    dwell: timedelta = timedelta(minutes=10)  # least time that an incident stays in one state
    reopen_within: timedelta = timedelta(hours=24)
    watch: timedelta = timedelta(hours=2)  # after a confirmation, before "resolved" (R11)
    flapping: Flapping = Flapping()
    remind_every: timedelta | None = timedelta(minutes=30)
    daily_cap: int = 10  # openings and reopenings in 24 hours
    stale_after: timedelta = timedelta(minutes=30)
    propose_stale: bool = False  # old news is proposed as history instead of dropped
    maintenance: tuple[Window, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Paris"))
    critical_bypass: bool = True  # a critical signal is held back by nothing but its own confirmation

    def in_maintenance(self, now: datetime) -> bool:
        return any(window.holds(now, self.zone) for window in self.maintenance)
