"""What to do about one service: examples of each rule, and what holds for any history."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.watch.rules_decide import decide, flaps, look_again, share, state_after
from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State, current
from alertbot.watch.rules_rule import Confirmation, Flapping, Policy, Window
from alertbot.watch.rules_signals import Observed, Signal

T = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DOWN, UP, DEGRADED = Observed.DOWN, Observed.UP, Observed.DEGRADED
DEFAULT = Policy()


def signal(minute: float, observed: Observed, **more: object) -> Signal:
    return replace(Signal("test", "112", observed, T + minute * MINUTE), **more)  # type: ignore[arg-type]


def entry(minute: float, action: IncidentAction, state: State, announced: bool = True) -> LogEntry:
    return LogEntry(T + minute * MINUTE, action, Reason.CONFIRMED, state, announced)


OPEN = (entry(0, IncidentAction.OPEN, State.DOWN),)
STABLE = (*OPEN, entry(20, IncidentAction.STABILISE, State.STABILISED))
CLOSED = (*STABLE, entry(200, IncidentAction.RESOLVE, State.RESOLVED))


def at(minute: float) -> datetime:
    return T + minute * MINUTE


def test_one_firing_signal_opens_at_once() -> None:
    assert decide((), [signal(0, DOWN)], DEFAULT, T) == (IncidentAction.OPEN, Reason.CONFIRMED)


@pytest.mark.parametrize(
    "said",
    [
        signal(0, DOWN, is_test=True),
        signal(0, Observed.UNKNOWN),
        signal(0, DOWN, history=True),
    ],
)
def test_what_is_no_news_opens_nothing(said: Signal) -> None:
    assert decide((), [said], DEFAULT, T) == (IncidentAction.DROP, Reason.NO_SIGNAL)


def test_patience_before_down() -> None:
    policy = Policy(confirm_down=Confirmation(3, 2 * MINUTE))
    reports = [signal(0, DOWN), signal(1, DOWN), signal(2, DOWN)]
    assert decide((), reports[:2], policy, at(5)) == (IncidentAction.HOLD, Reason.CONFIRMING_DOWN)
    assert decide((), reports, policy, at(1.5)) == (IncidentAction.HOLD, Reason.CONFIRMING_DOWN)
    assert decide((), reports, policy, at(2)) == (IncidentAction.OPEN, Reason.CONFIRMED)


def test_a_source_that_waited_counts_as_enough_reports() -> None:
    policy = Policy(confirm_down=Confirmation(3))
    assert decide((), [signal(0, DOWN, confirmed=True)], policy, T)[0] is IncidentAction.OPEN


def test_old_news_is_dropped_unless_it_still_fires() -> None:
    assert decide((), [signal(0, DOWN)], DEFAULT, at(31)) == (IncidentAction.DROP, Reason.STALE)
    assert decide((), [signal(0, DOWN, still_firing=True)], DEFAULT, at(3000))[0] is IncidentAction.OPEN


def test_maintenance_holds_unless_critical() -> None:
    policy = Policy(maintenance=(Window(T, at(60)),))
    assert decide((), [signal(0, DOWN)], policy, T) == (IncidentAction.HOLD, Reason.MAINTENANCE)
    assert decide((), [signal(0, DOWN, severity="critical")], policy, T)[0] is IncidentAction.OPEN


def test_maintenance_is_neither_a_confirmation_nor_watched() -> None:
    policy = Policy(confirm_up=Confirmation(2, 10 * MINUTE), dwell=timedelta(), remind_every=None)
    reports = [signal(0, DOWN), signal(1, Observed.MAINTENANCE), signal(30, UP)]
    held = IncidentAction.HOLD, Reason.CONFIRMING_UP
    assert decide(OPEN, reports, policy, at(45)) == held
    reports.append(signal(31, UP))
    assert decide(OPEN, reports, policy, at(39)) == held
    assert look_again(OPEN, reports, policy, Reason.CONFIRMING_UP, at(39)) == at(40)
    assert decide(OPEN, reports, policy, at(40)) == (IncidentAction.STABILISE, Reason.RECOVERED)


def test_the_watch_period_begins_again_after_a_maintenance() -> None:
    policy = Policy(watch=60 * MINUTE, remind_every=None)
    reports = [signal(25, UP, confirms=True), signal(40, Observed.MAINTENANCE), signal(80, UP)]
    watching = IncidentAction.HOLD, Reason.WATCHING
    assert decide(STABLE, reports, policy, at(139)) == watching
    assert look_again(STABLE, reports, policy, Reason.WATCHING, at(139)) == at(140)
    resolved = IncidentAction.RESOLVE, Reason.CONFIRMED_AND_WATCHED
    assert decide(STABLE, reports, policy, at(140)) == resolved
    late = [signal(25, UP), signal(40, UP, confirms=True), signal(80, UP)]
    assert decide(STABLE, late, policy, at(99)) == watching
    assert decide(STABLE, late, policy, at(100)) == resolved


def test_flapping_holds() -> None:
    reports = [signal(n, DOWN if n % 2 else UP) for n in range(22)]
    assert decide((), reports, DEFAULT, at(22)) == (IncidentAction.HOLD, Reason.FLAPPING)


def test_the_daily_cap_holds() -> None:
    log = tuple(
        one
        for n in range(10)
        for one in (entry(n * 20, IncidentAction.OPEN, State.DOWN), entry(n * 20 + 9, IncidentAction.RESOLVE, State.RESOLVED))
    )  # fmt: skip
    assert decide(log, [signal(230, DOWN)], DEFAULT, at(230)) == (IncidentAction.HOLD, Reason.DAILY_CAP)


def test_worse_at_once_better_after_a_while() -> None:
    degraded = (entry(0, IncidentAction.OPEN, State.DEGRADED),)
    assert decide(degraded, [signal(1, DOWN)], DEFAULT, at(1)) == (IncidentAction.UPDATE, Reason.WORSE)
    assert decide(OPEN, [signal(1, DEGRADED)], DEFAULT, at(1)) == (IncidentAction.HOLD, Reason.DWELL)
    assert decide(OPEN, [signal(1, DEGRADED)], DEFAULT, at(11)) == (
        IncidentAction.UPDATE,
        Reason.BETTER,
    )


def test_recovered_is_stabilised_and_no_more() -> None:
    back = [signal(0, DOWN), signal(12, UP)]
    assert decide(OPEN, back, DEFAULT, at(13)) == (IncidentAction.HOLD, Reason.CONFIRMING_UP)
    assert decide(OPEN, back, DEFAULT, at(17)) == (IncidentAction.STABILISE, Reason.RECOVERED)
    assert decide(STABLE, back, Policy(remind_every=None), at(5000)) == (
        IncidentAction.HOLD,
        Reason.AWAITING_CONFIRMATION,
    )


def test_resolved_needs_a_confirmation_and_a_watch() -> None:
    vouched = [signal(0, DOWN), signal(12, UP), signal(30, UP, confirms=True)]
    policy = Policy(remind_every=None)
    assert decide(STABLE, vouched, policy, at(149)) == (IncidentAction.HOLD, Reason.WATCHING)
    assert decide(STABLE, vouched, policy, at(150)) == (
        IncidentAction.RESOLVE,
        Reason.CONFIRMED_AND_WATCHED,
    )


def test_trouble_under_watch_takes_the_confirmation_back() -> None:
    again = [signal(0, DOWN), signal(12, UP), signal(30, UP, confirms=True), signal(40, DOWN)]
    assert decide(STABLE, again, DEFAULT, at(40)) == (IncidentAction.REOPEN, Reason.RELAPSE_UNDER_WATCH)
    after = (
        *STABLE,
        entry(40, IncidentAction.REOPEN, State.DOWN),
        entry(60, IncidentAction.STABILISE, State.STABILISED),
    )
    up = [*again, signal(50, UP)]
    assert decide(after, up, Policy(remind_every=None), at(5000)) == (
        IncidentAction.HOLD,
        Reason.AWAITING_CONFIRMATION,
    )


def test_a_relapse_reopens_within_its_time() -> None:
    assert decide(CLOSED, [signal(210, DOWN)], DEFAULT, at(210)) == (
        IncidentAction.REOPEN,
        Reason.RELAPSE,
    )
    late = at(200) + timedelta(hours=25)
    assert decide(CLOSED, [Signal("test", "112", DOWN, late)], DEFAULT, late)[0] is IncidentAction.OPEN


def test_what_was_closed_in_full_knowledge_stays_closed() -> None:
    reports = [signal(0, DOWN, still_firing=True)]
    assert decide(CLOSED, reports, DEFAULT, at(201)) == (IncidentAction.DROP, Reason.UNCHANGED)


def test_a_reminder_when_it_is_due() -> None:
    reports = [signal(0, DOWN)]
    assert decide(OPEN, reports, DEFAULT, at(29)) == (IncidentAction.DROP, Reason.UNCHANGED)
    assert decide(OPEN, reports, DEFAULT, at(30)) == (IncidentAction.REMIND, Reason.DUE)
    reminded = (*OPEN, entry(30, IncidentAction.REMIND, State.DOWN))
    assert decide(reminded, reports, DEFAULT, at(31)) == (IncidentAction.DROP, Reason.UNCHANGED)


def test_over_before_anybody_was_told() -> None:
    quiet = tuple(replace(one, announced=False) for one in STABLE)
    assert decide(quiet, [signal(0, DOWN), signal(12, UP)], DEFAULT, at(21)) == (
        IncidentAction.RESOLVE,
        Reason.NEVER_ANNOUNCED,
    )


def test_silence_says_nothing() -> None:
    assert decide(OPEN, [], Policy(remind_every=None), at(5000)) == (
        IncidentAction.DROP,
        Reason.NO_SIGNAL,
    )


observations = st.sampled_from([*Observed])
reports = st.builds(
    lambda minute, observed, confirms, critical: signal(
        minute,
        observed,
        confirms=confirms and observed is UP,
        severity="critical" if critical else "",
    ),
    st.integers(0, 600),
    observations,
    st.booleans(),
    st.booleans(),
)
policies = st.builds(
    lambda count, dwell, watch, remind: Policy(
        confirm_down=Confirmation(count), dwell=dwell * MINUTE, watch=watch * MINUTE,
        remind_every=remind * MINUTE if remind else None,
    ),
    st.integers(1, 3), st.integers(0, 30), st.integers(0, 60), st.integers(0, 40),
)  # fmt: skip


def live(signals: list[Signal], policy: Policy, steps: int = 700) -> list[LogEntry]:
    """A service from minute to minute, the log written as the product writes it."""
    log: list[LogEntry] = []
    for minute in range(0, steps, 5):
        seen = [one for one in signals if one.at <= at(minute)]
        action, reason = decide(log, seen, policy, at(minute))
        if action not in (IncidentAction.HOLD, IncidentAction.DROP):
            state = state_after(current(log), action, seen)
            assert state is not None
            log.append(
                LogEntry(at(minute), action, reason, state, reason is not Reason.NEVER_ANNOUNCED)
            )
    return log


@given(st.lists(reports, max_size=25), policies)
def test_any_history_makes_sense(signals: list[Signal], policy: Policy) -> None:
    log = live(signals, policy)
    is_open = False
    for before, one in zip([None, *log], log, strict=False):
        if one.action in (IncidentAction.OPEN, IncidentAction.REOPEN):
            under_watch = before is not None and before.state is State.STABILISED
            assert not is_open or (one.action is IncidentAction.REOPEN and under_watch)
            is_open = True
        else:
            assert is_open  # no update, reminder or end without a beginning
        if one.action is IncidentAction.RESOLVE:
            assert before is not None
            confirmations = [s for s in signals if s.confirms and s.at <= one.at]
            assert confirmations
            assert min(one.at - s.at for s in confirmations) >= timedelta()
            assert any(one.at - s.at >= policy.watch for s in confirmations)
            is_open = False


@given(st.lists(reports, max_size=25), policies)
def test_the_same_input_twice_changes_nothing(signals: list[Signal], policy: Policy) -> None:
    log = live(signals, policy)
    action, reason = decide(log, signals, policy, at(700))
    if action in (IncidentAction.HOLD, IncidentAction.DROP):
        return
    state = state_after(current(log), action, signals)
    assert state is not None
    again = [*log, LogEntry(at(700), action, reason, state, announced=True)]
    follow = decide(again, signals, policy, at(700))[0]
    assert follow in (
        IncidentAction.HOLD,
        IncidentAction.DROP,
        IncidentAction.RESOLVE,
        IncidentAction.STABILISE,
    )


@given(st.lists(reports, max_size=25))
def test_order_of_arrival_does_not_matter(signals: list[Signal]) -> None:
    distinct = list({one.at: one for one in signals}.values())
    assert decide((), distinct, DEFAULT, at(600)) == decide((), distinct[::-1], DEFAULT, at(600))


@given(st.lists(st.booleans(), max_size=60))
def test_flap_score_stays_a_share(results: list[bool]) -> None:
    assert 0.0 <= share(results) <= 1.0


def test_flapping_has_two_marks() -> None:
    marks = Flapping(10, 0.5, 0.25)
    wild, calm = [n % 2 == 0 for n in range(12)], [True] * 6
    assert flaps(wild, marks)
    assert flaps(wild + calm[:4], marks)  # calmer, and still above the low mark
    assert not flaps(wild + calm * 2, marks)
    assert not flaps([True, False, True], marks)  # too little to judge by


def test_windows_cross_midnight() -> None:
    from datetime import time

    night = Window(days=(0,), from_=time(23), until=time(2))
    zone = DEFAULT.zone
    monday = datetime(2026, 3, 2, 23, 30, tzinfo=zone)
    assert night.holds(monday, zone)
    assert night.holds(monday + timedelta(hours=2), zone)
    assert not night.holds(monday + timedelta(hours=3), zone)
    assert not night.holds(monday + timedelta(days=1), zone)


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        (24, (IncidentAction.HOLD, Reason.DWELL)),
        (24.999, (IncidentAction.HOLD, Reason.DWELL)),
        (25, (IncidentAction.STABILISE, Reason.RECOVERED)),
    ],
)
def test_what_has_just_become_worse_is_not_called_stabilised_at_once(
    minute: float, expected: tuple[IncidentAction, Reason]
) -> None:
    """Confirmed since minute 21; the state has stood since minute 15 and stays ten minutes at least."""
    log = (
        entry(0, IncidentAction.OPEN, State.DEGRADED),
        entry(15, IncidentAction.UPDATE, State.DOWN),
    )
    reports = [signal(0, DEGRADED), signal(15, DOWN), signal(16, UP)]
    assert decide(log, reports, Policy(remind_every=None), at(minute)) == expected


@pytest.mark.parametrize("when", ["at", "received"])
@pytest.mark.parametrize(
    ("log", "observed"),
    [(CLOSED, DOWN), (STABLE, DOWN), (OPEN, UP)],
    ids=["closed", "under watch", "open"],
)
def test_a_report_of_the_moment_of_the_last_decision_was_known_to_it(
    log: tuple[LogEntry, ...], observed: Observed, when: str
) -> None:
    """It reopens nothing and ends nothing; one that reached us a second later does."""
    policy = Policy(remind_every=None, confirm_up=Confirmation(), stale_after=timedelta(days=1))
    moment = log[-1].at
    later = moment + timedelta(seconds=1)
    known = signal(-30, observed, received=moment) if when == "received" else signal(0, observed)
    known = known if when == "received" else replace(known, at=moment)
    assert decide(log, [known], policy, later) == (IncidentAction.DROP, Reason.UNCHANGED)
    news = replace(known, received=later)
    done, _reason = decide(log, [news], policy, later + policy.dwell)
    assert done is (IncidentAction.STABILISE if observed is UP else IncidentAction.REOPEN)


def test_maintenance_that_a_source_announces_holds_whatever_was_decided_before() -> None:
    reports = [signal(0, DOWN), signal(1, Observed.MAINTENANCE)]
    for log in ((), OPEN, STABLE, CLOSED):
        assert decide(log, reports, DEFAULT, at(300)) == (IncidentAction.HOLD, Reason.MAINTENANCE)


@pytest.mark.parametrize(
    ("failing", "minute", "expected"),
    [
        (("sms", "voice"), 11, (IncidentAction.UPDATE, Reason.WIDER)),
        (("sms", "voice"), 10, (IncidentAction.UPDATE, Reason.WIDER)),
        (("sms", "voice"), 9, (IncidentAction.HOLD, Reason.DWELL)),
        (("voice",), 11, (IncidentAction.DROP, Reason.UNCHANGED)),
        ((), 11, (IncidentAction.DROP, Reason.UNCHANGED)),
    ],
)
def test_a_service_of_the_group_that_was_not_named_yet_is_told_after_a_while(
    failing: tuple[str, ...], minute: float, expected: tuple[IncidentAction, Reason]
) -> None:
    log = (
        replace(entry(-90, IncidentAction.OPEN, State.DOWN), failing=("sms",)),  # an earlier incident
        entry(-60, IncidentAction.RESOLVE, State.RESOLVED),
        replace(entry(0, IncidentAction.OPEN, State.DOWN), failing=("voice",)),
    )
    reports = [signal(1, DOWN, failing=failing)]
    assert decide(log, reports, Policy(remind_every=None), at(minute)) == expected


QUIET = Policy(remind_every=None)
LATE = timedelta(seconds=1) / MINUTE  # in minutes
OPENINGS = tuple(
    one
    for n in range(10)
    for one in (
        entry(n * 20, IncidentAction.OPEN, State.DOWN),
        entry(n * 20 + 9, IncidentAction.RESOLVE, State.RESOLVED),
    )
)
FLAPS = [signal(n, UP if n % 2 else DOWN) for n in range(22)]
CALM = [signal(12, UP), signal(30, UP, confirms=True), signal(50, UP, confirms=True)]


@pytest.mark.parametrize(
    ("log", "said", "policy", "minute", "expected"),
    [
        # old news: up to half an hour it is news
        ((), [signal(0, DOWN)], DEFAULT, 30, (IncidentAction.OPEN, Reason.CONFIRMED)),
        ((), [signal(0, DOWN)], DEFAULT, 30 + LATE, (IncidentAction.DROP, Reason.STALE)),
        # a relapse reopens within 24 hours
        (CLOSED, [signal(1640, DOWN)], DEFAULT, 1640, (IncidentAction.REOPEN, Reason.RELAPSE)),
        (CLOSED, [signal(1640, DOWN)], DEFAULT, 1640 + LATE, (IncidentAction.OPEN, Reason.CONFIRMED)),
        # what begun a day ago counts no more towards the cap; ten are the cap, nine are not
        (OPENINGS, [signal(1440 - LATE, DOWN)], DEFAULT, 1440 - LATE, (IncidentAction.HOLD, Reason.DAILY_CAP)),
        (OPENINGS, [signal(1440, DOWN)], DEFAULT, 1440, (IncidentAction.REOPEN, Reason.RELAPSE)),
        (OPENINGS[2:], [signal(300, DOWN)], DEFAULT, 300, (IncidentAction.REOPEN, Reason.RELAPSE)),
        # confirmations: as many as asked, over as long as asked, since the trouble began
        (
            (),
            [signal(0, DOWN), signal(1, UP), signal(2, DOWN), signal(3, DOWN)],
            Policy(confirm_down=Confirmation(3)),
            4,
            (IncidentAction.HOLD, Reason.CONFIRMING_DOWN),
        ),
        (
            (),
            [signal(0, DOWN), signal(1, DEGRADED), signal(2, DOWN)],
            Policy(confirm_down=Confirmation(3)),
            4,
            (IncidentAction.OPEN, Reason.CONFIRMED),
        ),
        # "critical" says the newest report, and passes by maintenance only where that is allowed
        (
            (),
            [signal(0, DOWN, severity="critical"), signal(1, DOWN)],
            Policy(maintenance=(Window(T, at(60)),)),
            2,
            (IncidentAction.HOLD, Reason.MAINTENANCE),
        ),
        (
            (),
            [signal(0, DOWN, severity="CRITICAL")],
            Policy(maintenance=(Window(T, at(60)),), critical_bypass=False),
            2,
            (IncidentAction.HOLD, Reason.MAINTENANCE),
        ),
        ((), [signal(0, DOWN)], Policy(maintenance=(Window(at(-60), T),)), 0, (IncidentAction.OPEN, Reason.CONFIRMED)),
        # better only after the dwell, to the minute
        (OPEN, [signal(1, DEGRADED)], DEFAULT, 10 - LATE, (IncidentAction.HOLD, Reason.DWELL)),
        (OPEN, [signal(1, DEGRADED)], DEFAULT, 10, (IncidentAction.UPDATE, Reason.BETTER)),
        # up for five minutes
        (OPEN, [signal(0, DOWN), signal(12, UP)], DEFAULT, 17 - LATE, (IncidentAction.HOLD, Reason.CONFIRMING_UP)),
        # what flaps is neither announced nor called off
        (OPEN, FLAPS, Policy(remind_every=None, confirm_up=Confirmation()), 22, (IncidentAction.HOLD, Reason.FLAPPING)),
        (OPEN, FLAPS, Policy(remind_every=None, confirm_up=Confirmation()), 82, (IncidentAction.STABILISE, Reason.RECOVERED)),
        # the watch runs from the first confirmation of this quiet time
        (STABLE, CALM, QUIET, 150 - LATE, (IncidentAction.HOLD, Reason.WATCHING)),
        (STABLE, CALM, QUIET, 150, (IncidentAction.RESOLVE, Reason.CONFIRMED_AND_WATCHED)),
        # trouble under watch has to be confirmed like any other
        (
            STABLE,
            [signal(12, UP), signal(40, DOWN)],
            Policy(confirm_down=Confirmation(2)),
            41,
            (IncidentAction.HOLD, Reason.CONFIRMING_DOWN),
        ),
        # reminders: to the minute, of what was told, in no closed incident
        (OPEN, [signal(0, DOWN)], DEFAULT, 30 - LATE, (IncidentAction.DROP, Reason.UNCHANGED)),
        (STABLE, [signal(0, DOWN), signal(12, UP)], DEFAULT, 50, (IncidentAction.REMIND, Reason.DUE)),
        (CLOSED, [signal(190, UP)], DEFAULT, 900, (IncidentAction.DROP, Reason.NOTHING_OPEN)),
        (CLOSED, [], DEFAULT, 900, (IncidentAction.DROP, Reason.NO_SIGNAL)),
        (
            (entry(0, IncidentAction.OPEN, State.DOWN, announced=False),),
            [signal(0, DOWN)],
            DEFAULT,
            90,
            (IncidentAction.DROP, Reason.UNCHANGED),
        ),
        (
            (entry(-90, IncidentAction.OPEN, State.DOWN), entry(-60, IncidentAction.RESOLVE, State.RESOLVED),
             entry(0, IncidentAction.OPEN, State.DOWN, announced=False)),
            [signal(0, DOWN)],
            DEFAULT,
            90,
            (IncidentAction.DROP, Reason.UNCHANGED),  # the earlier incident was told, this one was not
        ),
    ],
)  # fmt: skip
def test_where_one_decision_becomes_another(
    log: tuple[LogEntry, ...],
    said: list[Signal],
    policy: Policy,
    minute: float,
    expected: tuple[IncidentAction, Reason],
) -> None:
    assert decide(log, said, policy, at(minute)) == expected


@pytest.mark.parametrize(
    ("state", "action", "said", "after"),
    [
        (None, IncidentAction.OPEN, [signal(0, DOWN)], State.DOWN),
        (None, IncidentAction.OPEN, [signal(0, DEGRADED)], State.DEGRADED),
        (State.RESOLVED, IncidentAction.REOPEN, [signal(0, UP), signal(1, DOWN)], State.DOWN),
        (State.DOWN, IncidentAction.UPDATE, [signal(1, DEGRADED), signal(0, DOWN)], State.DEGRADED),
        (State.DOWN, IncidentAction.UPDATE, [signal(0, UP)], State.DOWN),
        (State.DOWN, IncidentAction.UPDATE, [], State.DOWN),
        (State.DOWN, IncidentAction.STABILISE, [signal(0, DOWN)], State.STABILISED),
        (State.STABILISED, IncidentAction.RESOLVE, [signal(0, DOWN)], State.RESOLVED),
        *(
            (State.DEGRADED, quiet, [signal(0, DOWN)], State.DEGRADED)
            for quiet in (IncidentAction.HOLD, IncidentAction.DROP, IncidentAction.REMIND)
        ),
    ],
)
def test_the_state_after_what_was_done(
    state: State | None, action: IncidentAction, said: list[Signal], after: State
) -> None:
    assert state_after(state, action, said) is after
