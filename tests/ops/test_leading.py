"""One process has a duty at a time; another takes it over when that one ends, stands still or is cut off, and one that
wakes again notices before it does anything."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from alertbot.db.database import Database
from alertbot.delivery.leaps import uptime
from alertbot.ops import leading, store_leading
from alertbot.ops.leading import WATCH, Leadership, Term
from alertbot.ops.views import WatchersView
from tests.severing import door_to

ROOT = Path(__file__).parents[2]
LIMIT = 60.0  # for what happens in a moment, on a busy machine
LEASE = 2.0


async def until(condition, seconds: float = LIMIT) -> None:
    async with asyncio.timeout(seconds):
        while not await condition() if asyncio.iscoroutinefunction(condition) else not condition():
            await asyncio.sleep(0.02)


class Candidate:
    """Somebody who may lead, in this process."""

    def __init__(self, database: Database, name: str, lease: float = LEASE) -> None:
        self.terms: list[int] = []
        self.leads = False
        self.idle = 0
        self.stop = asyncio.Event()
        leadership = Leadership(database, WATCH, name, lease=lease, idle=self._wait)
        self.task = asyncio.create_task(leadership.keep(self._act, self.stop))

    async def _act(self, term: asyncio.Event) -> None:
        assert isinstance(term, Term)
        self.terms.append(term.number)
        self.leads = True
        await term.wait()
        self.leads = False

    def _wait(self) -> None:
        self.idle += 1

    async def end(self) -> None:
        self.stop.set()
        await asyncio.wait_for(self.task, LIMIT)


async def test_one_leads_the_other_stands_by_and_takes_over_at_once(database: Database) -> None:
    one = Candidate(database, "a:1:x", lease=30.0)
    await until(lambda: one.leads)
    other = Candidate(database, "b:2:y", lease=0.3)
    await until(lambda: other.idle > 1)
    found = await database.read(leading.watchers)
    assert (found.by, found.standing_by) == ("a:1", ("b:2",))
    assert not other.leads
    await one.end()
    await until(lambda: other.terms, 20.0)  # before the lease of 30 s would have ended

    async def alone() -> bool:
        found = await database.read(leading.watchers)
        return (found.by, found.standing_by) == ("b:2", ())

    await until(alone)
    await other.end()
    assert (one.terms, other.terms[0]) == ([1], 2)
    assert (await database.read(leading.watchers)).by is None


async def test_a_term_is_over_by_the_clock_although_nobody_ends_it() -> None:
    assert Term(1, uptime() - 0.001).is_set()
    assert not Term(1, uptime() + 60).is_set()


async def test_a_renewal_of_a_term_that_is_over_is_refused(database: Database) -> None:
    one = store_leading.Member("a", "h", "")

    async def take(conn):
        return await store_leading.take(conn, WATCH, one, -1.0)

    first = await database.transact(take)
    assert first is not None
    assert not await database.transact(lambda conn: store_leading.renew(conn, WATCH, first, 9.0))
    assert await database.transact(take) == first + 1
    assert not await database.transact(lambda conn: store_leading.renew(conn, WATCH, first, 9.0))


async def test_a_lease_written_by_a_clock_far_ahead_holds_nobody_up(database: Database) -> None:
    one, other = store_leading.Member("a", "h", ""), store_leading.Member("b", "h", "")
    await database.transact(lambda conn: store_leading.take(conn, WATCH, one, 7200.0))
    assert await database.transact(lambda conn: store_leading.take(conn, WATCH, other, 9.0)) == 2


def test_whether_a_process_is_gone() -> None:
    mine = leading.process_mark()
    if not mine:
        pytest.skip("this system does not tell processes apart")
    where, pid, started = mine.split()
    assert not leading.is_gone(mine)
    assert leading.is_gone(f"{where} {pid} {int(started) + 1}")  # another process with its number
    assert leading.is_gone(f"{where} 4194305 {started}")  # beyond every process id
    assert not leading.is_gone(f"elsewhere/{where.partition('/')[2]} {pid} 1")
    assert not leading.is_gone("")


def test_who_stands_by_is_said_only_where_somebody_does() -> None:
    assert WatchersView(by="a:1").said == ""
    assert WatchersView(by="a:1", standing_by=("b:2",)).said == "a:1 watches; b:2 stands by."
    assert WatchersView(by="a:1", standing_by=("b:2", "c:3")).said == "a:1 watches; b:2, c:3 stand by."
    nobody = "Nobody watches at the moment; b:2 will take over."
    assert WatchersView(standing_by=("b:2",)).said == nobody


# --- processes ----------------------------------------------------------------------------------


class Standing:
    """A process of `tests.ops.standing`, and what it did."""

    def __init__(self, process: asyncio.subprocess.Process, path: Path) -> None:
        self.process, self._path = process, path

    def send(self, sign: signal.Signals) -> None:
        os.kill(self.process.pid, sign)

    @property
    def acts(self) -> list[tuple[int, float]]:
        """The term and the moment of each."""
        whole = self._path.read_text().rpartition("\n")[0].splitlines() if self._path.exists() else []
        return [(int(line.split()[1]), float(line.split()[2])) for line in whole]

    @property
    def terms(self) -> set[int]:
        return {term for term, _moment in self.acts}


@asynccontextmanager
async def standing(url: str, folder: Path, name: str, lease: float) -> AsyncIterator[Standing]:
    path = folder / name.replace(":", "-")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.ops.standing",
        *(url, str(path), name, str(lease)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        await asyncio.wait_for(process.stdout.readline(), LIMIT)
        yield Standing(process, path)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def in_turn(*who: Standing) -> bool:
    """Whether each term was over, for whoever led in it, before the next began."""
    acts = sorted(act for one in who for act in one.acts)
    moments = [moment for _term, moment in acts]
    return moments == sorted(moments)


@pytest.mark.thorough
async def test_who_was_killed_is_followed_at_once(database: Database, tmp_path: Path) -> None:
    """Without waiting for the lease: the other sees that there is no such process."""
    async with standing(database.url, tmp_path, "a:1:x", 59.0) as one:
        await until(lambda: one.acts)
        async with standing(database.url, tmp_path, "b:2:y", 3.0) as other:
            one.send(signal.SIGKILL)
            await one.process.wait()
            await until(lambda: other.acts, 30.0)
            assert one.terms == {1}
            assert min(other.terms) == 2


@pytest.mark.thorough
async def test_who_stood_still_notices_before_doing_anything(
    database: Database, tmp_path: Path
) -> None:
    async with standing(database.url, tmp_path, "a:1:x", LEASE) as one:
        await until(lambda: one.acts)
        async with standing(database.url, tmp_path, "b:2:y", LEASE) as other:
            one.send(signal.SIGSTOP)
            await until(lambda: len(other.acts) > 5)
            one.send(signal.SIGCONT)

            async def waits() -> bool:
                return (await database.read(leading.watchers)).standing_by == ("a:1",)

            await until(waits)
            assert in_turn(one, other)
            other.send(signal.SIGKILL)
            await until(lambda: len(one.terms) > 1)  # and it leads again when its turn comes
            assert in_turn(one, other)


@pytest.mark.thorough
async def test_who_is_cut_from_the_database_stops_and_is_followed(
    postgres_url: str, tmp_path: Path
) -> None:
    async with door_to(postgres_url) as door, standing(door.address, tmp_path, "a:1:x", LEASE) as one:
        await until(lambda: one.acts)
        async with standing(postgres_url, tmp_path, "b:2:y", LEASE) as other:
            door.shut()
            await until(lambda: len(other.acts) > 5)
            assert in_turn(one, other)
            assert not one.terms & other.terms
