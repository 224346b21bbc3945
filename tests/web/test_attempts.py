"""How often one address may ask for what does not exist."""

from hypothesis import given
from hypothesis import strategies as st

from alertbot.web.reading import MOST_ADDRESSES, WINDOW_SECONDS, Attempts


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 300), max_size=60))
def test_no_window_holds_more_than_the_most(gaps: list[float]) -> None:
    clock = Clock()
    attempts, noted = Attempts(5, clock), list[float]()
    for gap in gaps:
        clock.now += gap
        wait = attempts.wait("203.0.113.9")
        recent = [at for at in noted if at > clock.now - WINDOW_SECONDS]
        assert (wait > 0) == (len(recent) >= 5)
        if not wait:
            attempts.note("203.0.113.9")
            noted.append(clock.now)


def test_after_the_wait_it_is_answered_again() -> None:
    clock = Clock()
    attempts = Attempts(2, clock)
    attempts.note("a")
    clock.now = 10.0
    attempts.note("a")
    assert attempts.wait("a") == WINDOW_SECONDS - 10.0
    assert attempts.wait("b") == 0.0
    clock.now += attempts.wait("a")
    assert attempts.wait("a") == 0.0


def test_one_household_of_ipv6_is_one_address() -> None:
    attempts = Attempts(1, Clock())
    attempts.note("2001:db8:1:2:3:4:5:6")
    assert attempts.wait("2001:db8:1:2::1") > 0
    assert attempts.wait("2001:db8:1:3::1") == 0
    attempts.note("::ffff:203.0.113.9")
    assert attempts.wait("203.0.113.9") > 0
    assert attempts.wait("::ffff:203.0.113.10") == 0


def test_memory_is_bounded() -> None:
    attempts = Attempts(1, Clock())
    for number in range(MOST_ADDRESSES + 10):
        attempts.note(str(number))
    assert attempts.wait("0") == 0.0
    assert attempts.wait(str(MOST_ADDRESSES + 9)) > 0
