"""How many reports are taken, and what is remembered of signed ones."""

from hypothesis import given
from hypothesis import strategies as st

from alertbot.web.signals import MINUTE, MOST_REMEMBERED, Answered, Bucket


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 20), st.lists(st.floats(0, 30), max_size=80))
def test_never_more_than_a_minutes_worth_and_what_has_flown_in(most: int, gaps: list[float]) -> None:
    clock = Clock()
    bucket, taken = Bucket(most, clock), list[float]()
    for gap in gaps:
        clock.now += gap
        if not bucket.take():
            taken.append(clock.now)
    for place, begin in enumerate(taken):
        for count, end in enumerate(taken[place:], 1):
            assert count <= most + (end - begin) * most / MINUTE + 1e-6


@given(st.integers(1, 1000))
def test_after_the_wait_there_is_one(most: int) -> None:
    clock = Clock()
    bucket = Bucket(most, clock)
    assert [bucket.take() for _number in range(most)] == [0.0] * most
    wait = bucket.take()
    assert 0 < wait <= MINUTE / most
    clock.now += wait + 1e-6
    assert bucket.take() == 0.0
    assert bucket.take() > 0


def test_an_answer_is_known_for_as_long_as_its_signature_would_be_taken() -> None:
    known = Answered[str](300)
    known.keep("a", "first", 1000)
    assert known.recall("a", 1600) == "first"
    assert known.recall("a", 1601) is None
    assert known.recall("b", 1000) is None


def test_what_is_remembered_is_bounded() -> None:
    known = Answered[int](300)
    for number in range(MOST_REMEMBERED + 5):
        known.keep(str(number), number, 1000)
    assert known.recall("4", 1000) is None
    assert known.recall("5", 1000) == 5
