"""Several services as one: what fails is named, the parent hides its children, and time is waited for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.watch.rules_decide import decide, look_again, state_after
from alertbot.watch.rules_log import IncidentAction, LogEntry, State, current
from alertbot.watch.rules_rule import Policy
from alertbot.watch.rules_signals import TROUBLE, Observed, Signal, SignalGroup, merged

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
GROUP = SignalGroup("regions", ("north", "south", "east"), "core")
NAMES = st.sampled_from([*GROUP.members, "core"])
SEEN = st.sampled_from(list(Observed))


def reports(rows: list[tuple[str, Observed]]) -> list[Signal]:
    return [
        Signal("am", name, observed, NOW + timedelta(minutes=n), key=str(n), confirmed=True)
        for n, (name, observed) in enumerate(rows)
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(NAMES, SEEN), max_size=30))
def test_a_group_is_in_trouble_while_any_of_it_is(rows: list[tuple[str, Observed]]) -> None:
    standing: dict[str, Observed] = {}
    said = iter(merged(GROUP, reports(rows)))
    for name, observed in rows:
        if observed is Observed.UNKNOWN:
            continue
        standing[name] = observed
        one = next(said)
        failing = {place for place, how in standing.items() if how in TROUBLE}
        assert one.trouble is bool(failing)
        assert set(one.failing) == ({"core"} if "core" in failing else failing)
        assert one.service == "regions"
    assert next(said, None) is None


def test_the_last_one_that_works_again_ends_the_trouble_of_all() -> None:
    rows = [
        ("north", Observed.DOWN),
        ("south", Observed.DOWN),
        ("north", Observed.UP),
        ("south", Observed.UP),
    ]
    found = merged(GROUP, reports(rows))
    assert [one.observed for one in found] == [Observed.DOWN, Observed.DOWN, Observed.DOWN, Observed.UP]


def test_no_member_confirms_for_the_others() -> None:
    down, up = reports([("north", Observed.DOWN), ("south", Observed.UP)])
    assert not merged(GROUP, [down, replace(up, confirms=True)])[-1].confirms


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([Observed.UP, Observed.DOWN, Observed.DEGRADED]), st.integers(0, 90)),
        max_size=12,
    )
)
def test_waiting_for_time_alone_comes_to_an_end(rows: list[tuple[Observed, int]]) -> None:
    """Looking again at the named moments never stands still and never runs wild: with no new report a
    service comes to rest within a bounded number of looks."""
    policy = replace(Policy(), remind_every=None)
    log: list[LogEntry] = []
    now, known = NOW, []
    for observed, minutes in rows:
        now += timedelta(minutes=minutes)
        known.append(
            Signal("am", "x", observed, now, key=str(len(known)), confirmed=True, confirms=True)
        )
        log = _settle(log, known, policy, now)


def _settle(log: list[LogEntry], known: list[Signal], policy: Policy, now: datetime) -> list[LogEntry]:
    for _look in range(200):
        action, reason = decide(log, known, policy, now)
        if action not in (IncidentAction.HOLD, IncidentAction.DROP):
            state = state_after(current(log), action, known) or State.DOWN
            log = [*log, LogEntry(now, action, reason, state, announced=True)]
            continue
        again = look_again(log, known, policy, reason, now)
        if again is None:
            return log
        assert again > now
        now = again
    raise AssertionError("it never comes to rest")
