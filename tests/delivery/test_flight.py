"""How many calls of one account may be in flight, and turns after a stall."""

import asyncio
import time

import pytest

from alertbot.delivery.calls import AHEAD, IN_FLIGHT, PORTIONS, SHARE, Flight, Turns, until


def flight(at_once: int, *seconds: float, ahead: bool = True) -> Flight:
    made = Flight(at_once, ahead=ahead)
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
        (4, (0.001,), IN_FLIGHT),
        (4, (0.0,), IN_FLIGHT),
        (100, (0.0,), 100),  # what may be called at once may be in flight
        (100, (9.0,), 100),
    ],
)
def test_as_many_are_in_flight_as_an_account_soon_makes(
    at_once: int, seconds: tuple[float, ...], size: int
) -> None:
    assert flight(at_once, *seconds).size == size
    assert flight(at_once, *seconds, ahead=False).size == at_once


def test_one_odd_call_moves_the_mean_by_its_share() -> None:
    mean = 0.05 + SHARE * (1.0 - 0.05)
    assert flight(10, AHEAD / 2).size == 20
    assert flight(10, AHEAD / 2, AHEAD / 2).size == 20
    assert flight(10, 0.05, 1.0).size == max(10, int(10 * AHEAD / mean))
    assert flight(10, 0.01, 0.05).size == int(10 * AHEAD / (0.01 + SHARE * 0.04))


async def test_a_place_is_waited_for_and_given_on_in_order() -> None:
    places, order = flight(2), []

    async def call(number: int, leave: asyncio.Event) -> None:
        async with places:
            order.append(number)
            await leave.wait()

    leaves = [asyncio.Event() for _ in range(4)]
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for number, leave in enumerate(leaves):
            group.create_task(call(number, leave))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert order == [0, 1]
        leaves[1].set()
        while len(order) < 3:
            await asyncio.sleep(0)
        assert order == [0, 1, 2]
        for leave in leaves:
            leave.set()
    assert order == [0, 1, 2, 3]


async def test_one_who_gave_up_waiting_takes_no_place() -> None:
    places = flight(1)
    entered = []

    async def call(number: int) -> None:
        async with places:
            entered.append(number)

    async with asyncio.timeout(5):
        async with places:
            gone, patient = asyncio.create_task(call(1)), asyncio.create_task(call(2))
            await asyncio.sleep(0)
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        await patient
    assert entered == [2]


async def test_a_call_that_fails_gives_its_place_back() -> None:
    places = flight(1)
    for _number in range(3):
        with pytest.raises(ValueError, match="broken"):
            async with places:
                raise ValueError("broken")
    async with asyncio.timeout(5), places:
        pass


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


async def test_many_recipients_get_their_places_a_portion_at_a_time() -> None:
    """So that their intents share a commit."""
    places = flight(1, 0.0)
    leave, entered = asyncio.Event(), 0

    async def call() -> None:
        nonlocal entered
        async with places:
            entered += 1
            await (leave.wait() if entered > IN_FLIGHT // PORTIONS else one_leaves.acquire())

    one_leaves = asyncio.Semaphore(0)
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        for _number in range(2 * IN_FLIGHT):
            group.create_task(call())
        seen = []
        for _number in range(IN_FLIGHT // PORTIONS):
            await asyncio.sleep(0.001)
            seen.append(entered)
            one_leaves.release()
        await asyncio.sleep(0.001)
        assert set(seen) == {IN_FLIGHT}
        assert entered == IN_FLIGHT + IN_FLIGHT // PORTIONS
        leave.set()


async def test_a_place_that_comes_too_late_is_given_on() -> None:
    places = flight(1)
    async with asyncio.timeout(5):
        async with places:
            gone = asyncio.create_task(places.__aenter__())
            await asyncio.sleep(0)
        gone.cancel()  # the place is its own already
        await asyncio.gather(gone, return_exceptions=True)
        async with places:
            pass
