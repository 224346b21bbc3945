"""How many calls of one account may be in flight, and turns after a stall."""

import time

import pytest

from alertbot.delivery.calls import AHEAD, IN_FLIGHT, SHARE, Flight, Turns, until


def flight(at_once: int, *seconds: float) -> Flight:
    made = Flight(at_once)
    for one in seconds:
        made.took(one)
    return made


@pytest.mark.parametrize(
    ("at_once", "seconds", "size"),
    [
        (4, (), 4),  # before a first call nothing is known
        (4, (1.0,), 4),  # a slow account has no more waiting
        (4, (AHEAD,), 4),
        (4, (AHEAD / 2,), 8),
        (4, (AHEAD / 10,), 40),
        (4, (0.0005,), IN_FLIGHT),
        (4, (0.0,), IN_FLIGHT),
        (300, (0.0,), 300),  # what may be called at once may be in flight
        (100, (9.0,), 100),
    ],
)
def test_as_many_are_in_flight_as_an_account_soon_makes(
    at_once: int, seconds: tuple[float, ...], size: int
) -> None:
    assert flight(at_once, *seconds).size == size


def test_one_odd_call_moves_the_mean_by_its_share() -> None:
    mean = 0.05 + SHARE * (1.0 - 0.05)
    assert flight(10, AHEAD / 2).size == 20
    assert flight(10, AHEAD / 2, AHEAD / 2).size == 20
    assert flight(10, 0.05, 1.0).size == max(10, int(10 * AHEAD / mean))
    assert flight(10, 0.005, 0.05).size == int(10 * AHEAD / (0.005 + SHARE * 0.045))


async def test_a_slot_is_waited_for_and_without_a_pace_nothing_else() -> None:
    begun = time.monotonic()
    await until(time.monotonic() - 5.0)
    turns = Turns()
    for _number in range(50):
        await turns.take("x", 0.0, time.monotonic() - 1.0)
    assert time.monotonic() - begun < 0.5
    slot = time.monotonic() + 0.03
    await turns.take("x", 0.0, slot)
    assert time.monotonic() >= slot


async def test_channels_do_not_wait_for_each_other() -> None:
    turns, begun = Turns(), time.monotonic()
    for name in "abcdefgh":
        await turns.take(name, 10.0, time.monotonic() - 1.0)
    assert time.monotonic() - begun < 5.0
