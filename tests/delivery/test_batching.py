"""Group commit: many callers, few transactions, and everybody hears of his own."""

import asyncio
from collections.abc import Sequence

import pytest

from alertbot.core.loops import LARGEST, GroupCommit


class Writer:
    """Writes down the groups that it is given; fails those that hold one of `broken`."""

    def __init__(self, *broken: int) -> None:
        self.groups: list[list[int]] = []
        self.broken = set(broken)
        self.gate: asyncio.Event | None = None

    async def __call__(self, items: Sequence[int]) -> Sequence[str]:
        self.groups.append(list(items))
        if self.gate:
            await self.gate.wait()
        await asyncio.sleep(0)
        if self.broken & set(items):
            raise RuntimeError("the disk is full")
        return [f"answer {item}" for item in items]


@pytest.mark.parametrize("count", [1, 2, LARGEST - 1, LARGEST, LARGEST + 1, 2 * LARGEST + 7])
async def test_what_comes_together_is_written_together_up_to_a_size(count: int) -> None:
    write = Writer()
    group: GroupCommit[int, str] = GroupCommit(write)
    answers = await asyncio.gather(*(group.add(number) for number in range(count)))
    assert answers == [f"answer {number}" for number in range(count)]
    assert [one for each in write.groups for one in each] == list(range(count))
    assert [len(each) for each in write.groups[:-1]] == [LARGEST] * ((count - 1) // LARGEST)


async def test_what_comes_while_a_group_is_written_goes_into_the_next() -> None:
    write = Writer()
    write.gate = asyncio.Event()
    group: GroupCommit[int, str] = GroupCommit(write)
    first = asyncio.create_task(group.add(1))
    await asyncio.sleep(0.01)
    others = [asyncio.create_task(group.add(number)) for number in (2, 3)]
    await asyncio.sleep(0.01)
    assert write.groups == [[1]]
    write.gate.set()
    assert await asyncio.gather(first, *others) == ["answer 1", "answer 2", "answer 3"]
    assert write.groups == [[1], [2, 3]]


async def test_a_group_that_fails_costs_no_other_group() -> None:
    write = Writer(1)
    group: GroupCommit[int, str] = GroupCommit(write)
    found = await asyncio.gather(*(group.add(n) for n in range(LARGEST + 2)), return_exceptions=True)
    assert {str(one) for one in found[:LARGEST]} == {"the disk is full"}
    assert found[LARGEST:] == [f"answer {LARGEST}", f"answer {LARGEST + 1}"]
    assert await group.add(7) == "answer 7"  # and the next one is written as ever


async def test_a_caller_that_goes_away_takes_nobody_along() -> None:
    for broken in ((), (2,)):
        write = Writer(*broken)
        write.gate = asyncio.Event()
        group: GroupCommit[int, str] = GroupCommit(write)
        gone, stays = (asyncio.create_task(group.add(number)) for number in (1, 2))
        await asyncio.sleep(0.01)
        gone.cancel()
        await asyncio.sleep(0)
        write.gate.set()
        if broken:
            with pytest.raises(RuntimeError, match="disk"):
                await stays
        else:
            assert await stays == "answer 2"
        assert gone.cancelled()
        assert write.groups == [[1, 2]]  # what was handed in is written all the same


async def test_one_writer_at_a_time() -> None:
    busy, most = 0, 0

    async def write(items: Sequence[int]) -> Sequence[None]:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.001)
        busy -= 1
        return [None] * len(items)

    group: GroupCommit[int, None] = GroupCommit(write)

    async def caller(number: int) -> None:
        for turn in range(5):
            await asyncio.sleep(number * turn / 10_000)
            await group.add(number)

    await asyncio.gather(*(caller(number) for number in range(20)))
    assert most == 1


async def test_under_load_a_group_waits_a_little_for_more() -> None:
    groups: list[list[int]] = []

    async def write(items: Sequence[int]) -> Sequence[None]:
        groups.append(list(items))
        await asyncio.sleep(0)
        return [None] * len(items)

    commits: GroupCommit[int, None] = GroupCommit(write, linger=0.05)
    await commits.add(0)  # alone: at once, and no load
    await asyncio.gather(*(commits.add(number) for number in (1, 2)))

    async def later(number: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await commits.add(number)

    await asyncio.gather(later(3, 0.0), later(4, 0.01), later(5, 0.02))
    assert groups == [[0], [1, 2], [3, 4, 5]]
