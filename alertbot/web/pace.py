"""How many reports of one source are taken. In memory, forgotten with the process."""

import time
from collections.abc import Callable

MINUTE = 60.0


class Bucket:
    """Holds a minute's worth: so many may come at once, and then so many in each minute."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = float(per_minute), clock
        self._left, self._at = self._most, clock()

    def take(self) -> float:
        """Take one: 0; or, where none is left, the seconds until there is one."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._most / MINUTE)
        self._at = now
        if self._left < 1:
            return (1 - self._left) * MINUTE / self._most
        self._left -= 1
        return 0.0
