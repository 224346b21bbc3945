"""Several workers, each a process with procrastinate's jobs, on one PostgreSQL: how many deliveries a second, how well they
share a pace, and how soon a halt reaches all. Counted at the receiving end. Figures only, nothing is asserted."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from alertbot.channels.base import Adapter
from alertbot.config.channel import ChannelSettings
from alertbot.core.model import Channel, Pace, Post, Receipt
from alertbot.db.database import Database
from alertbot.delivery import store_accounts
from alertbot.delivery.jobs import JobRunner
from benchmarks.engine import on_a_fresh_database
from tests.delivery.scene import NullAdapter, channel, put, states

FLEETS = (1, 2, 4)
RUNS = 3
DELIVERIES = 4000
ALLOWED = 30.0  # a second
PACE = 29.6  # what is kept to, for that
PACED = 600
HALTED_AFTER = 300
LIMIT = 300.0


class Receiver:
    """What the platform sees: each line is a call and is answered. `moments`: of their arrival, by delivery."""

    def __init__(self) -> None:
        self.moments: list[tuple[float, int]] = []
        self.came = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.CancelledError):
            while line := await reader.readline():
                self.moments.append((time.monotonic(), int(line)))
                self.came.set()
                writer.write(line)
        writer.close()

    async def wait_for(self, number: int) -> None:
        async with asyncio.timeout(LIMIT):
            while len(self.moments) < number:
                self.came.clear()
                await self.came.wait()


class Caller(NullAdapter):
    """Calls the receiver over one connection, as many at once as the engine wants."""

    def __init__(
        self, whose: Channel, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        super().__init__(whose)
        self._writer = writer
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._hearing = asyncio.create_task(self._hear(reader))

    async def _send(self, post: Post) -> Receipt:
        answered = asyncio.get_running_loop().create_future()
        self._waiting[post.delivery] = answered
        self._writer.write(f"{post.delivery}\n".encode())
        await answered
        return Receipt(str(post.delivery))

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            self._waiting.pop(int(line)).set_result(None)


async def work(url: str, port: int, rate: float) -> None:
    """A worker, until it is killed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    adapter: Adapter[ChannelSettings] = Caller(_channel(rate), reader, writer)
    database = await Database.open(url, migrate=False)
    await JobRunner(database, {"null": adapter}).run(asyncio.Event())


def _channel(rate: float) -> Channel:
    return channel(pace=Pace(per_second=rate or None))


@asynccontextmanager
async def fleet(url: str, number: int, rate: float) -> AsyncIterator[Receiver]:
    """So many workers at work, all of them connected."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "benchmarks.workers",
        "work",
        url,
        str(port),
        str(rate),
    ]
    processes = [
        await asyncio.create_subprocess_exec(*command, stderr=subprocess.DEVNULL)
        for _one in range(number)
    ]
    database = await Database.open(url, migrate=False)
    try:
        async with asyncio.timeout(LIMIT):
            while sum(one.alive for one in await database.read(store_accounts.seen)) < number:
                await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)  # they listen by then
        yield receiver
    finally:
        await database.close()
        for one in processes:
            one.kill()
            await one.wait()
        server.close()


async def rate(url: str, number: int) -> dict[str, float]:
    """Deliveries per second, from the first call to the last."""
    async with fleet(url, number, 0.0) as receiver:
        database = await Database.open(url, migrate=False)
        await put(database, DELIVERIES)
        await receiver.wait_for(DELIVERIES)
        await database.close()
    moments = [moment for moment, _delivery in receiver.moments]
    doubled = len(moments) - len({delivery for _moment, delivery in receiver.moments})
    return {"per_second": (len(moments) - 1) / (max(moments) - min(moments)), "doubled": doubled}


async def shared(url: str) -> dict[str, float]:
    """How much of a pace four workers use, and the most in any second."""
    async with fleet(url, 4, PACE) as receiver:
        database = await Database.open(url, migrate=False)
        await put(database, PACED, on=_channel(PACE))
        await receiver.wait_for(PACED)
        await database.close()
    moments = sorted(moment for moment, _delivery in receiver.moments)
    use = (len(moments) - 1) / (moments[-1] - moments[0]) / ALLOWED
    return {"use": use, "most": most_in_a_second(moments)}


def most_in_a_second(moments: Sequence[float]) -> int:
    """The most that any window of one second holds."""
    most, first = 0, 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


async def halted(url: str) -> dict[str, float]:
    """Milliseconds from the commit of a halt to the last call that arrived, and how many did."""
    async with fleet(url, 4, 0.0) as receiver:
        database = await Database.open(url, migrate=False)
        await put(database, DELIVERIES)
        await receiver.wait_for(HALTED_AFTER)
        await database.transact(lambda conn: store_accounts.set_halt(conn, True))
        committed = time.monotonic()
        await asyncio.sleep(2.0)
        left = sum(state == "pending" for state in (await states(database)).values())
        await database.close()
    late = [moment - committed for moment, _delivery in receiver.moments if moment > committed]
    return {"late_ms": 1000 * max(late, default=0.0), "late": len(late), "left": left}


def measure() -> dict[str, object]:
    """Medians of some runs; what must not happen at its worst."""
    figures: dict[str, object] = {"deliveries": DELIVERIES, "runs of each": RUNS}
    for number in FLEETS:
        runs = [_run(partial(rate, number=number)) for _one in range(RUNS)]
        who = "1 worker" if number == 1 else f"{number} workers"
        figures[f"{who}, deliveries per second (median)"] = round(_median(runs, "per_second"))
        figures[f"{who}, calls made twice"] = round(sum(one["doubled"] for one in runs))
    runs = [_run(shared) for _one in range(RUNS)]
    figures[f"of {ALLOWED:.0f}/s used by 4 workers (%, median; goal 98)"] = round(
        100 * _median(runs, "use"), 1
    )
    figures["most in a second (worst; goal 30)"] = round(max(one["most"] for one in runs))
    runs = [_run(halted) for _one in range(RUNS)]
    figures["halt to the last call begun by any of 4 (ms, worst)"] = round(
        max(one["late_ms"] for one in runs), 1
    )
    figures["load of the machine at the end, all its programs"] = round(os.getloadavg()[0], 1)
    figures["calls begun after a halt had committed (worst)"] = round(max(one["late"] for one in runs))
    return figures


def _run(what) -> dict[str, float]:  # type: ignore[no-untyped-def]
    return on_a_fresh_database("postgresql", what)


def _median(runs: Sequence[dict[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in runs)


if __name__ == "__main__":
    if sys.argv[1:2] == ["work"]:
        asyncio.run(work(sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
    else:
        print(json.dumps(measure(), indent=1))
