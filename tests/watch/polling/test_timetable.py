"""When a source is asked next."""

from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.watch.polling.loop import LONGEST_BACKOFF, LONGEST_START, after, first

seconds = st.floats(0, 1e6)
intervals = st.floats(1, 1e5)


def test_turns_stay_on_the_grid() -> None:
    assert after(due=100, now=103, every=30, failures=0) == 130
    assert after(due=100, now=131, every=30, failures=0) == 160  # the one at 130 was missed
    assert after(due=100, now=130, every=30, failures=0) == 160


def test_failures_wait_longer_and_longer() -> None:
    waits = [after(due=0, now=0, every=30, failures=n) for n in range(1, 9)]
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]
    assert after(due=0, now=0, every=3600, failures=1000) == 3600


def test_all_do_not_begin_at_once() -> None:
    assert [first(5, 60, share) for share in (0, 0.5, 1)] == [5, 10, 15]
    assert first(5, 2, 1) == 7


@settings(deadline=None)
@given(seconds, seconds, intervals, st.integers(0, 2000))
def test_the_next_turn_is_ahead_and_not_too_far(
    due: float, late: float, every: float, failures: int
) -> None:
    now = due + late
    wait = after(due, now, every, failures) - now
    assert -1e-6 <= wait <= (max(every, LONGEST_BACKOFF) if failures else every) + 1e-6


@settings(deadline=None)
@given(seconds, intervals, st.floats(0, 1))
def test_the_first_turn_is_soon(now: float, every: float, share: float) -> None:
    assert now <= first(now, every, share) <= now + LONGEST_START
