"""Who is on duty, over midnight and over the nights in which the clock is changed; whose turn it is then."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.people.rules import Candidate, Duty, Shift, first_asked, next_deputy, on_duty

PARIS = ZoneInfo("Europe/Paris")
TEN = timedelta(minutes=10)

clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
zones = st.sampled_from(["Europe/Paris", "Indian/Reunion", "America/Miquelon", "Australia/Lord_Howe"])
names = st.lists(st.sampled_from(["Ada", "Bo", "Cy", "Dan", "Eve"]), unique=True)


def duty(*shifts: Shift, deputies: tuple[str, ...] = (), zone: ZoneInfo = PARIS) -> Duty:
    return Duty(TEN, zone, shifts, deputies)


def paris(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=PARIS, fold=fold)


DAY = Shift("Bo", time(8), time(20))
NIGHT = Shift("Cy", time(20), time(8))


@pytest.mark.parametrize(
    ("when", "who"),
    [
        ("2026-03-02T08:00", ("Bo",)),
        ("2026-03-02T19:59", ("Bo",)),
        ("2026-03-02T20:00", ("Cy",)),
        ("2026-03-03T00:00", ("Cy",)),
        ("2026-03-03T07:59", ("Cy",)),
    ],
)
def test_a_shift_begins_at_its_time_and_ends_just_before_the_other(when: str, who: tuple) -> None:
    assert on_duty(duty(DAY, NIGHT), paris(when)) == who


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday = duty(Shift("Bo", time(22), time(6), frozenset({4})))
    assert on_duty(friday, paris("2026-03-07T05:59")) == ("Bo",)  # Saturday morning
    assert on_duty(friday, paris("2026-03-06T05:59")) == ()
    assert on_duty(friday, paris("2026-03-06T22:00")) == ("Bo",)
    assert on_duty(friday, paris("2026-03-07T22:00")) == ()


def test_a_shift_that_ends_when_it_begins_lasts_a_day() -> None:
    monday = duty(Shift("Bo", time(9), time(9), frozenset({0})))
    assert on_duty(monday, paris("2026-03-03T08:59")) == ("Bo",)
    assert on_duty(monday, paris("2026-03-03T09:00")) == ()


def test_the_hour_that_is_left_out_and_the_one_that_comes_twice_have_somebody() -> None:
    early = Shift("Bo", time(20), time(2, 30))
    late = Shift("Cy", time(2, 30), time(20))
    both = duty(early, late)
    assert on_duty(both, paris("2026-03-29T01:59")) == ("Bo",)
    assert on_duty(both, paris("2026-03-29T03:29")) == ("Bo",)  # 02:30 does not exist
    assert on_duty(both, paris("2026-03-29T03:30")) == ("Cy",)
    assert on_duty(both, paris("2026-10-25T02:29")) == ("Bo",)
    assert on_duty(both, paris("2026-10-25T02:29", fold=1)) == ("Cy",)  # the second time


@given(start=clocks, middle=clocks, moment=moments, zone=zones)
def test_two_shifts_that_fill_the_day_leave_no_moment_without_somebody(
    start: time, middle: time, moment: datetime, zone: str
) -> None:
    rota = duty(Shift("Bo", start, middle), Shift("Cy", middle, start), zone=ZoneInfo(zone))
    found = on_duty(rota, moment)
    assert found
    if start == middle:
        assert found == ("Bo", "Cy")


@given(start=clocks, end=clocks, moment=moments, days=st.sets(st.integers(0, 6), min_size=1))
def test_who_is_on_duty_has_a_turn_that_began_on_one_of_its_days(
    start: time, end: time, moment: datetime, days: set[int]
) -> None:
    rota = duty(Shift("Bo", start, end, frozenset(days)))
    everyday = duty(Shift("Bo", start, end))
    local = moment.astimezone(PARIS)
    if on_duty(rota, moment):
        assert on_duty(everyday, moment) == ("Bo",)
        assert {local.weekday(), (local.weekday() - 1) % 7} & days


@given(able=names, on=names, deputies=names, needed=st.integers(1, 3))
def test_somebody_who_may_approve_is_always_asked_and_nobody_else(
    able: list[str], on: list[str], deputies: list[str], needed: int
) -> None:
    now = paris("2026-03-02T12:00")
    shifts = tuple(Shift(name.lower(), time(0), time(0)) for name in on)
    asked = first_asked(duty(*shifts, deputies=tuple(deputies)), able, needed, now)
    found = [one.name for one in asked]
    assert len(set(found)) == len(found)
    assert set(found) <= set(able)
    assert bool(found) == bool(able)
    present = [one.name for one in asked if not one.deputy]
    if set(able) & set(on):
        assert present == [name for name in on if name in able]
        assert len(found) <= max(needed, len(present))


def test_without_duty_every_approver_is_asked() -> None:
    now = paris("2026-03-02T12:00")
    assert first_asked(None, ["Bo", "Cy"], 1, now) == (Candidate("Bo"), Candidate("Cy"))
    assert next_deputy(None, ["Bo", "Cy"], [], now, now + timedelta(days=1)) is None


def test_deputies_fill_up_where_an_alert_needs_two() -> None:
    rota = duty(DAY, deputies=("Dan", "Cy"))
    asked = first_asked(rota, ["Bo", "Cy", "Dan"], 2, paris("2026-03-02T12:00"))
    assert asked == (Candidate("Bo"), Candidate("Dan", deputy=True))


@given(able=names, deputies=names, waits=st.lists(st.integers(0, 30), max_size=30))
def test_every_deputy_who_may_approve_is_asked_once_in_order_and_not_too_soon(
    able: list[str], deputies: list[str], waits: list[int]
) -> None:
    rota = duty(DAY, deputies=tuple(deputies))
    now = last = paris("2026-03-02T12:00").astimezone(UTC)
    asked: list[str] = []
    for wait in waits:
        now += timedelta(minutes=wait)
        name = next_deputy(rota, able, asked, last, now)
        if name is not None:
            assert now - last >= TEN
            asked.append(name)
            last = now
    wanted = [name for name in deputies if name in able]
    assert asked == wanted[: len(asked)]
    if sum(1 for wait in waits if wait >= 10) >= len(wanted):
        assert asked == wanted


@pytest.mark.parametrize(
    ("able", "asked"),
    [
        (
            ["Eve", "Fay"],
            [("Eve", False), ("Fay", False)],
        ),  # nobody named may approve: everybody is asked
        (["Eve", "dan"], [("dan", True)]),  # spelt as people are, whatever the rota writes
        (["BO", "Dan"], [("BO", False)]),
        ([], []),
    ],
)
def test_whom_a_rota_asks_first(able: list[str], asked: list[tuple[str, bool]]) -> None:
    found = first_asked(duty(DAY, deputies=("Dan",)), able, 1, paris("2026-03-02T12:00"))
    assert [(one.name, one.deputy) for one in found] == asked


def test_the_next_deputy_is_asked_at_the_minute_and_not_twice() -> None:
    rota = duty(DAY, deputies=("Dan", "Cy"))
    now = paris("2026-03-02T12:00")
    able = ["Bo", "Cy", "Dan"]
    assert next_deputy(rota, able, ["Bo"], now - TEN, now) == "Dan"
    assert next_deputy(rota, able, ["Bo"], now - TEN + timedelta(seconds=1), now) is None
    assert next_deputy(rota, able, ["Bo", "DAN"], now - TEN, now) == "Cy"
    assert next_deputy(rota, able, ["Dan", "Cy"], now - TEN, now) is None


def test_everyone_named_is_named_once() -> None:
    rota = duty(DAY, NIGHT, Shift("bo", time(1), time(2)), deputies=("Dan", "CY"))
    assert rota.names == ("Bo", "Cy", "Dan")
