"""When to look again: never later than the first moment at which time alone changes what is decided."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.watch.rules_decide import PATIENCE, decide, look_again
from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State
from alertbot.watch.rules_rule import Confirmation, Policy, Window
from alertbot.watch.rules_signals import Observed, Signal
from tests.watch.test_decide import (
    CLOSED,
    DEGRADED,
    DOWN,
    MINUTE,
    OPEN,
    STABLE,
    UP,
    at,
    entry,
    live,
    reports,
    signal,
)

QUIET = Policy(remind_every=None)
SLOW = Policy(
    remind_every=None,
    confirm_down=Confirmation(2, 4 * MINUTE),
    confirm_up=Confirmation(1, 7 * MINUTE),
)
BUSY = tuple(
    one
    for n in range(10)
    for one in (
        entry(n * 20, IncidentAction.OPEN if n % 2 else IncidentAction.REOPEN, State.DOWN),
        entry(n * 20 + 9, IncidentAction.RESOLVE, State.RESOLVED),
    )
)


@pytest.mark.parametrize(
    ("log", "said", "policy", "now", "reason", "expected"),
    [
        ((), [signal(0, DOWN), signal(1, DOWN)], SLOW, 2, Reason.CONFIRMING_DOWN, 4),
        ((), [signal(0, DOWN)], SLOW, 5, Reason.CONFIRMING_DOWN, None),  # waits for a second report
        (OPEN, [signal(0, DOWN), signal(12, UP), signal(14, UP)], SLOW, 15, Reason.CONFIRMING_UP, 19),
        (OPEN, [signal(1, DEGRADED)], QUIET, 2, Reason.DWELL, 10),
        (STABLE, [signal(12, UP)], QUIET, 30, Reason.AWAITING_CONFIRMATION, None),
        (
            STABLE,
            [signal(12, UP), signal(30, UP, confirms=True), signal(50, UP, confirms=True)],
            QUIET,
            60,
            Reason.WATCHING,
            150,
        ),
        (BUSY, [signal(230, DOWN)], QUIET, 230, Reason.DAILY_CAP, 1440),
        (CLOSED, [signal(230, UP)], QUIET, 230, Reason.NOTHING_OPEN, None),
        (OPEN, [signal(0, DOWN)], Policy(), 10, Reason.UNCHANGED, 30),  # the next reminder
        (OPEN, [signal(0, DOWN)], QUIET, 10, Reason.UNCHANGED, None),
        (CLOSED, [signal(100, DOWN)], Policy(), 230, Reason.UNCHANGED, None),  # nothing to remind of
    ],
)
def test_the_moment_at_which_time_will_tell(
    log: tuple[LogEntry, ...],
    said: list[Signal],
    policy: Policy,
    now: float,
    reason: Reason,
    expected: float | None,
) -> None:
    assert decide(log, said, policy, at(now))[1] is reason
    again = look_again(log, said, policy, reason, at(now))
    assert again == (None if expected is None else at(expected))


def test_where_no_moment_can_be_named_it_is_soon() -> None:
    policy = Policy(maintenance=(Window(at(0), at(60)),), remind_every=None)
    for reason in (Reason.MAINTENANCE, Reason.FLAPPING):
        assert look_again((), [signal(0, DOWN)], policy, reason, at(1)) == at(1) + PATIENCE


def test_of_two_moments_the_first() -> None:
    """Held for ten minutes; a reminder is due after four."""
    policy = Policy(remind_every=4 * MINUTE)
    assert look_again(OPEN, [signal(1, DEGRADED)], policy, Reason.DWELL, at(2)) == at(4)
    told = (*OPEN, entry(8, IncidentAction.REMIND, State.DOWN, announced=False))
    assert look_again(told, [signal(1, DEGRADED)], policy, Reason.UNCHANGED, at(9)) == at(12)


def test_what_nobody_was_told_of_is_not_reminded_of() -> None:
    quiet = (entry(0, IncidentAction.OPEN, State.DOWN, announced=False),)
    assert look_again(quiet, [signal(0, DOWN)], Policy(), Reason.UNCHANGED, at(10)) is None


policies = st.builds(
    lambda down, up, dwell, watch, remind: Policy(
        confirm_down=Confirmation(*down),
        confirm_up=Confirmation(1, up),
        dwell=dwell,
        watch=watch,
        remind_every=remind or None,
    ),
    st.tuples(st.integers(1, 3), st.integers(0, 10).map(lambda n: n * MINUTE)),
    *(st.integers(0, longest).map(lambda n: n * MINUTE) for longest in (10, 30, 60, 40)),
)
LATER = (*range(1, 40), *range(40, 200, 5), 1440, 2880)  # minutes


@given(st.lists(reports, max_size=15), policies, st.integers(0, 600))
def test_nobody_looks_too_late(said: list[Signal], policy: Policy, now: int) -> None:
    log, seen = live(said, policy, now), [one for one in said if one.at <= at(now)]
    action, reason = decide(log, seen, policy, at(now))
    if action not in (IncidentAction.HOLD, IncidentAction.DROP):
        return
    again = look_again(log, seen, policy, reason, at(now))
    assert again is None or again > at(now)
    soon = PATIENCE if reason in (Reason.FLAPPING, Reason.MAINTENANCE) else timedelta()
    for minute in LATER:
        then = decide(log, seen, policy, at(now + minute))[0]
        if then not in (IncidentAction.HOLD, IncidentAction.DROP):
            assert again is not None
            assert again <= at(now + minute) + soon
            return


def test_a_reported_maintenance_is_looked_at_again() -> None:
    said = [signal(0, DOWN), signal(1, Observed.MAINTENANCE)]
    assert decide((), said, QUIET, at(2)) == (IncidentAction.HOLD, Reason.MAINTENANCE)
    assert look_again((), said, QUIET, Reason.MAINTENANCE, at(2)) == at(3)
