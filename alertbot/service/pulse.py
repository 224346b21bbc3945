"""Whether the loops of this process still come round: in memory, for whatever watches over it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

WATCH = "watch"  # `watching.keep`
ALIVE_SECONDS = 30.0


@dataclass(frozen=True)
class Pulse:
    """Each loop says in every round that it lives; one that hangs falls silent."""

    clock: Callable[[], float] = time.monotonic
    _seen: dict[str, float] = field(default_factory=dict)

    def beat(self, loop: str) -> None:
        self._seen[loop] = self.clock()

    def alive(self, loop: str) -> bool:
        """Whether it has come round within `ALIVE_SECONDS`."""
        seen = self._seen.get(loop)
        return seen is not None and self.clock() - seen < ALIVE_SECONDS
