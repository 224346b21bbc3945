"""Detects a clock that jumps. On SQLite the database's clock is the machine's: two hours ahead, it would
expire everything; two hours behind, it would send nothing. Until the clock is right, sending and
expiry stop, with a reason."""

import time

from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts

TOLERANCE = 60.0  # seconds; a clock that is put right by less does no harm


def uptime() -> float:
    """Monotonic seconds, including the time the machine sleeps where the system counts it."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


@dataclass(frozen=True, slots=True)
class Reading:
    """The database's clock (epoch seconds) and `uptime` at the same moment."""

    wall: float
    up: float


def leap(first: Reading, now: Reading, newest: float | None) -> str | None:
    """What is wrong with the clock, as a sentence; None if it agrees with the first reading and no
    heartbeat or audit row (`newest`) is ahead of it."""
    drift = (now.wall - first.wall) - (now.up - first.up)
    if drift > TOLERANCE:
        return _sentence(_("jumped ahead by {minutes} min"), drift)
    if drift < -TOLERANCE:
        return _sentence(_("jumped back by {minutes} min"), -drift)
    if newest is not None and newest - now.wall > TOLERANCE:
        return _sentence(_("is {minutes} min behind what was last recorded here"), newest - now.wall)
    return None


def _sentence(what: str, seconds: float) -> str:
    sentence = _(
        "The clock of this machine {what}: nothing is sent and nothing expires. Set the clock."
        " If it is right now, restart the worker, then resume (`alertbot resume`)."
    )
    return sentence.format(what=what.format(minutes=round(seconds / 60)))


class ClockWatch:
    """Watches the clock of one database; `reason` says why sending and expiry wait."""

    def __init__(self) -> None:
        self._first: Reading | None = None
        self.reason: str | None = None

    async def look(self, conn: Connection) -> None:
        """Compare now with the first reading. A database server's clock is not this machine's and is not
        checked."""
        if conn.dialect.name != "sqlite":
            return
        wall, newest = await store_accounts.clock(conn)
        now = Reading(wall, uptime())
        first = self._first or now
        self.reason = leap(first, now, newest)
        if self.reason is None:
            self._first = first  # a clock that was wrong from the beginning is nothing to compare with
