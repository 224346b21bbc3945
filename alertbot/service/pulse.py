"""What this process knows of itself, for whatever watches over it: in memory, gone with the process."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

WATCH = "watch"  # `watching.keep`
ALIVE_SECONDS = 30.0


@dataclass(frozen=True)
class Pulse:
    """Each loop says in every round that it lives; one that hangs falls silent. `failures`: calls that did
    not publish, by (channel, class)."""

    clock: Callable[[], float] = time.monotonic
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    _seen: dict[str, float] = field(default_factory=dict)

    def beat(self, loop: str) -> None:
        self._seen[loop] = self.clock()

    def fail(self, channel: str, kind: str) -> None:
        """A call on this channel did not publish; `kind`: the class of its error."""
        self.failures[channel, kind] += 1

    def alive(self, loop: str) -> bool:
        """Whether it has come round within `ALIVE_SECONDS`."""
        seen = self._seen.get(loop)
        return seen is not None and self.clock() - seen < ALIVE_SECONDS
