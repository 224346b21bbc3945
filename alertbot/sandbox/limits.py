"""The platforms' own limits: X counts calls in windows, Telegram spaces them. Times in seconds."""

from collections.abc import Callable
from dataclasses import dataclass

Timer = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a quota. `reset`: when the window ends (epoch seconds)."""

    limit: int
    remaining: int
    reset: float
    refused: bool = False


class Window:
    """At most `calls` in each window; a window opens with the first call after the last one ended."""

    def __init__(self, calls: int, seconds: float) -> None:
        self.calls, self.seconds = calls, seconds
        self._used, self._ends = 0, 0.0

    def look(self, now: float) -> Allowance:
        """What is left, without using any."""
        if now >= self._ends:
            self._used, self._ends = 0, now + self.seconds
        left = self.calls - self._used
        return Allowance(self.calls, left, self._ends, refused=left <= 0)

    def use(self, now: float) -> Allowance:
        """Count one call."""
        self.look(now)
        self._used += 1
        return Allowance(self.calls, self.calls - self._used, self._ends)


class Quota:
    """Several windows at once; the tightest one answers."""

    def __init__(self, windows: tuple[tuple[int, float], ...], speed: float) -> None:
        self._windows = [Window(calls, seconds / speed) for calls, seconds in windows]

    def use(self, now: float) -> Allowance:
        """Count one call, or refuse it where a window is full (which then counts nothing)."""
        full = [state for state in (window.look(now) for window in self._windows) if state.refused]
        if full:
            return max(full, key=lambda state: state.reset)
        return min((window.use(now) for window in self._windows), key=lambda state: state.remaining)


class Spacing:
    """One call every `seconds`, with `burst` at once tolerated after a rest."""

    def __init__(self, seconds: float, burst: int) -> None:
        self.seconds, self.burst = seconds, burst
        self._due = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a call is allowed; 0 when it is now."""
        return max(0.0, self._due - (self.burst - 1) * self.seconds - now)

    def use(self, now: float) -> None:
        self._due = max(self._due, now) + self.seconds
