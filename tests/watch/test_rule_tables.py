"""Which rule applies to what happened, windows to the minute, and since when a service fails or works."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from alertbot.watch.rules_log import IncidentAction, Reason
from alertbot.watch.rules_rule import Policy, Rule, Transition, Window, first, placed, transition
from alertbot.watch.rules_signals import Observed, Signal, last_run, since, telling, works_since

T = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)  # a Monday
PARIS = ZoneInfo("Europe/Paris")
MINUTE = timedelta(minutes=1)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS)


DATED = Window(starts=local("2026-03-02T22:00"), ends=local("2026-03-03T02:00"))
DAILY = Window(from_=time(9), until=time(17))
MONDAYS = Window(from_=time(9), until=time(17), days=(0,))
MONDAY_NIGHTS = Window(from_=time(22), until=time(2), days=(0,))
SUNDAY_NIGHTS = Window(from_=time(22), until=time(2), days=(6,))


@pytest.mark.parametrize(
    ("window", "when", "holds"),
    [
        (DATED, "2026-03-02T21:59", False),
        (DATED, "2026-03-02T22:00", True),
        (DATED, "2026-03-03T01:59", True),
        (DATED, "2026-03-03T02:00", False),
        (DATED, "2026-03-09T23:00", False),
        (DAILY, "2026-03-02T08:59", False),
        (DAILY, "2026-03-02T09:00", True),
        (DAILY, "2026-03-07T16:59", True),
        (DAILY, "2026-03-02T17:00", False),
        (MONDAYS, "2026-03-02T09:00", True),
        (MONDAYS, "2026-03-03T09:00", False),
        (MONDAYS, "2026-03-02T17:00", False),
        (MONDAY_NIGHTS, "2026-03-02T21:59", False),
        (MONDAY_NIGHTS, "2026-03-02T22:00", True),
        (MONDAY_NIGHTS, "2026-03-03T01:59", True),  # of the evening before
        (MONDAY_NIGHTS, "2026-03-03T02:00", False),
        (MONDAY_NIGHTS, "2026-03-02T01:00", False),
        (MONDAY_NIGHTS, "2026-03-03T22:00", False),
        (SUNDAY_NIGHTS, "2026-03-02T01:00", True),  # the week turns
        (Window(), "2026-03-02T12:00", False),
        (Window(from_=time(9)), "2026-03-02T12:00", False),
        (Window(until=time(17)), "2026-03-02T12:00", False),
        (Window(starts=local("2026-03-01T00:00")), "2026-03-02T12:00", False),
        (Window(ends=local("2026-03-05T00:00")), "2026-03-02T12:00", False),
    ],
)
def test_a_maintenance_window(window: Window, when: str, holds: bool) -> None:
    at = local(when)
    assert window.holds(at, PARIS) is holds
    assert window.holds(at.astimezone(UTC), PARIS) is holds
    assert Policy(maintenance=(Window(), window), zone=PARIS).in_maintenance(at) is holds


def rule(name: str, *on: Transition, services: tuple[str, ...] = ()) -> Rule:
    return Rule(name, frozenset(on), "status", services=frozenset(services))


MEANT_BY_UPDATE = {Transition.WORSE, Transition.BETTER, Transition.WIDER, Transition.RELAPSE}


@pytest.mark.parametrize("happened", Transition)
@pytest.mark.parametrize("on", Transition)
def test_a_rule_is_for_what_it_names_and_update_for_every_update(
    on: Transition, happened: Transition
) -> None:
    fits = on is happened or (on is Transition.UPDATE and happened in MEANT_BY_UPDATE)
    assert rule("a", on).fits("112", happened) is fits
    assert rule("a", on, services=("112", "15")).fits("112", happened) is fits
    assert not rule("a", on, services=("15",)).fits("112", happened)


def test_the_rule_that_names_the_service_comes_before_one_for_all() -> None:
    general, named = rule("general", Transition.OPEN), rule("112", Transition.OPEN, services=("112",))
    again = rule("again", Transition.OPEN, services=("112",))
    assert first([general, named, again], "112", Transition.OPEN) is named
    assert first([general, named], "15", Transition.OPEN) is general
    assert first([named, general], "112", Transition.RESOLVE) is None
    assert first([], "112", Transition.OPEN) is None


BY_REASON = {
    Reason.STALE: "history",
    Reason.WORSE: "worse",
    Reason.BETTER: "better",
    Reason.WIDER: "wider",
    Reason.RELAPSE_UNDER_WATCH: "relapse",
}


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("action", IncidentAction)
def test_the_name_that_rules_have_for_a_decision(action: IncidentAction, reason: Reason) -> None:
    names = {"open", "reopen", "update", "stabilise", "resolve", "remind"}
    usual = action.value if action.value in names else None
    assert transition(action, reason) == BY_REASON.get(reason, usual)


def test_words_are_placed_everywhere_in_a_value() -> None:
    value = {"a": "{service} {x} {service}", "b": ["{service}", 3, ("{zone}",)], "{service}": None}
    assert placed(value, {"service": "112", "zone": "69"}) == {
        "a": "112 {x} 112",
        "b": ["112", 3, ["69"]],
        "{service}": None,
    }


def signal(minute: int, observed: str, **more: object) -> Signal:
    return Signal("s", "112", Observed(observed), T + minute * MINUTE, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "fails_since", "works"),
    [
        ("", None, None),
        ("unknown", None, None),
        ("up", None, 0),
        ("up up", None, 0),
        ("down", 0, None),
        ("up down", 1, None),
        ("down degraded down", 0, None),  # one trouble
        ("down up down", 2, None),
        ("down up up", None, 1),
        ("down unknown down", 0, None),
        ("up unknown up", None, 0),
        ("down maintenance", None, None),
        ("down maintenance up", None, 2),  # whether it worked meanwhile, nobody knows
        ("down up maintenance up up", None, 3),
        ("down up unknown up", None, 1),
        ("up maintenance down", 2, None),
    ],
)
def test_since_when(seen: str, fails_since: int | None, works: int | None) -> None:
    signals = [signal(minute, word) for minute, word in enumerate(seen.split())]
    for order in (signals, signals[::-1]):  # by their time, however they came
        assert since(order) == (None if fails_since is None else T + fails_since * MINUTE)
        assert works_since(order) == (None if works is None else T + works * MINUTE)


def test_the_source_knows_better_when_it_began_and_ended() -> None:
    earlier, later = T - 9 * MINUTE, T + 9 * MINUTE
    assert since([signal(0, "down", started_at=earlier)]) == earlier
    assert since([signal(0, "down", started_at=later)]) == T  # not after it was seen
    assert since([signal(0, "down"), signal(1, "down", started_at=earlier)]) == T
    assert works_since([signal(0, "up", ended_at=earlier)]) == earlier
    assert works_since([signal(0, "up", ended_at=later)]) == T
    assert works_since([signal(0, "up"), signal(1, "up", ended_at=earlier)]) == T


def test_tests_history_and_the_unknown_say_nothing() -> None:
    heard = signal(3, "down")
    quiet = [signal(0, "down", is_test=True), signal(1, "down", history=True), signal(2, "unknown")]
    assert telling([heard, *quiet]) == (heard,)
    assert since(quiet) is None


def test_the_last_run_ends_where_trouble_changes() -> None:
    signals = [signal(n, word) for n, word in enumerate(["down", "up", "maintenance", "up"])]
    assert last_run(signals) == tuple(signals[1:])
    assert last_run(signals[:1]) == tuple(signals[:1])
    assert last_run([]) == ()


@pytest.mark.parametrize(
    ("severity", "critical"), [("critical", True), ("CRITICAL", True), ("crit", False), ("", False)]
)
def test_a_critical_signal(severity: str, critical: bool) -> None:
    assert signal(0, "down", severity=severity).critical is critical


@pytest.mark.parametrize("observed", Observed)
def test_what_is_trouble(observed: Observed) -> None:
    assert signal(0, observed).trouble is (observed in {"down", "degraded"})
    assert signal(0, observed).known == T
    assert replace(signal(0, observed), received=T + MINUTE).known == T + MINUTE
