"""One timer for many calls ends each that takes too long, and no other."""

import asyncio

import pytest

from alertbot.delivery.deadlines import Deadlines


async def test_what_takes_too_long_ends_and_the_rest_goes_on() -> None:
    deadlines = Deadlines(0.05)

    async def call(seconds: float) -> str:
        try:
            return await deadlines.call(asyncio.sleep(seconds, "done"))
        except TimeoutError:
            return "late"

    found = await asyncio.gather(*(call(seconds) for seconds in (0, 30, 0.001, 30)))
    assert found == ["done", "late", "done", "late"]
    assert await call(0) == "done"  # the task that was late is not marked for good
    await asyncio.sleep(0.1)
    assert await call(30) == "late"  # and the timer comes back after a rest


async def test_somebody_else_s_cancellation_is_passed_on() -> None:
    deadlines = Deadlines(30)
    task = asyncio.create_task(deadlines.call(asyncio.sleep(30)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_is_the_call_s_own() -> None:
    async def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):
        await Deadlines(30).call(fail())
