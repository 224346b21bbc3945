"""Loops that live: whatever one round raises, the next comes, ever more slowly, and the log says so."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from sqlalchemy import text

from alertbot.app import App
from alertbot.core.errors import Refused, StoreFailed
from alertbot.core.loops import Backoff, each, keep
from alertbot.db.database import Database
from alertbot.ops import working
from alertbot.watch import reacting, reminders, store_preapprovals, watching
from alertbot.watch.rules_signals import Observed, Signal
from tests.team import Team, gather
from tests.watch.test_watching import alerts, watched


def test_what_fails_again_and_again_waits_ever_longer_and_starts_anew_once_it_worked() -> None:
    now = [0.0]
    backoff = Backoff(clock=lambda: now[0])
    waits = []
    for _failure in range(6):
        backoff.failed("one", StoreFailed("The disk is full."))
        waits.append(backoff.wait("one"))
        now[0] += waits[-1]
    assert waits == [1, 2, 4, 8, 10, 10]
    assert (backoff.wait("another"), backoff.next(), backoff.failing) == (0, 0, {"one"})
    backoff.worked("one")
    assert backoff.next() is None
    backoff.failed("one", StoreFailed("The disk is full."))
    assert backoff.wait("one") == 1


async def test_what_is_held_back_is_not_tried(caplog: pytest.LogCaptureFixture) -> None:
    backoff, tries = Backoff(), []

    async def work() -> None:
        tries.append(1)
        raise KeyError("12345678:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

    for _round in range(50):
        assert await backoff.attempt("Sweeping", work) is None
    assert len(tries) == 1
    assert "Sweeping: an unexpected fault, KeyError('***')" in caplog.text


async def test_a_loop_outlives_its_rounds_and_ends_at_once_when_it_is_stopped() -> None:
    stop, rounds = asyncio.Event(), []

    async def work() -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise RuntimeError("once")
        await asyncio.sleep(0)
        stop.set()

    async with asyncio.timeout(5):
        await keep("Sweeping", work, stop, every=3600)
    assert len(rounds) == 2


@asynccontextmanager
async def unwritable(database: Database) -> AsyncIterator[None]:
    """Nothing can be written for a while, as on a disk that is full or a server that has failed over."""
    if database.dialect == "sqlite":
        await database.transact(lambda conn: conn.execute(text("PRAGMA query_only = ON")))
        yield
        await database._writer.dispose()  # a new connection knows nothing of it
        return
    name = database.url.rpartition("/")[2].partition("?")[0]
    await _change(database, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    try:
        yield
    finally:
        await _change(database, f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


async def _change(database: Database, statement: str) -> None:
    """Beside the pool, whose connections then begin again."""
    url = database.url.replace("+psycopg", "")

    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as conn:
        await conn.execute("SET default_transaction_read_only = off")
        await conn.execute(statement.encode())
    await database._writer.dispose()


async def _until(condition: Callable[[], Awaitable[Any]], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_the_watcher_does_not_spin_while_nothing_can_be_written(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    team = watched(await gather(database))
    now = team.clock.now
    report = Signal("am", "calls", Observed.DOWN, now, key="a", received=now, confirmed=True)
    await watching.take(team.service, [report])
    stop = asyncio.Event()
    async with unwritable(database):
        keeping = asyncio.create_task(watching.keep(team.service, stop))
        await asyncio.sleep(2.0)
    tries = [record for record in caplog.records if "read-only" in record.getMessage()]
    assert 1 <= len(tries) <= 4, len(tries)
    await _until(lambda: alerts(team), 15)  # and what was reported meanwhile is not forgotten
    stop.set()
    await keeping


async def test_a_service_that_cannot_be_decided_about_holds_up_no_other(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = watched(await gather(database))
    decide_now, tried = watching.decide_now, []

    async def decide(service: Any, conn: Any, name: str) -> Any:
        tried.append(name)
        if name == "broken":
            raise KeyError(name)
        return await decide_now(service, conn, name)

    monkeypatch.setattr(watching, "decide_now", decide)
    now = team.clock.now
    reports = [
        Signal("am", name, Observed.DOWN, now, key=name, received=now, confirmed=True)
        for name in ("broken", "calls")
    ]
    await watching.take(team.service, reports)
    stop = asyncio.Event()
    keeping = asyncio.create_task(watching.keep(team.service, stop))
    await _until(lambda: alerts(team), 10)
    await asyncio.sleep(1.0)
    stop.set()
    await keeping
    assert tried.count("broken") <= 4
    assert "Deciding about reports of broken: an unexpected fault" in caplog.text


@dataclass
class Wired:
    """The parts of an `App` that the worker asks for."""

    team: Team
    made: dict[str, Any] = field(default_factory=dict)
    config: Any = field(default_factory=lambda: SimpleNamespace(runner="local"))

    def adapters(self) -> Any:
        return self.team.adapters

    def returns(self) -> dict[str, Any]:
        return {}

    def ways(self, _service: Any) -> tuple[Any, ...]:
        return ()


async def test_a_fault_in_one_chore_does_not_end_publishing(
    database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_service: Any) -> None:
        raise ZeroDivisionError("a fault of ours")

    chores = tuple(
        (name, every, broken if verb is reminders.look else verb)
        for name, every, verb in working.CHORES
    )
    assert chores != working.CHORES
    monkeypatch.setattr(working, "CHORES", chores)
    team = await gather(database)
    stop = asyncio.Event()
    working_on = asyncio.create_task(working.work_until(cast(App, Wired(team)), team.service, stop))
    async with asyncio.timeout(10):
        while "Telling what ends or is late: an unexpected fault" not in caplog.text:
            await asyncio.sleep(0.05)
    view = await team.approved()

    async def published() -> bool:
        return await team.state(view.id) == "published"

    await _until(published, 20)
    stop.set()
    await asyncio.wait_for(working_on, 20)
    assert "TaskGroup" not in caplog.text


async def test_what_fails_holds_up_nothing_behind_it(caplog: pytest.LogCaptureFixture) -> None:
    done: list[int] = []

    async def work(one: int) -> None:
        if one % 2:
            raise Refused(f"{one} is odd.")
        done.append(one)

    with pytest.raises(Refused, match="1 is odd"):
        await each("Counting", range(5), work)
    assert done == [0, 2, 4]
    assert "Counting: 3 is odd." in caplog.text


async def test_a_countdown_that_cannot_end_holds_up_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = await gather(database)
    first, second = [(await team.pending()).id for _alert in range(2)]
    for alert in (first, second):
        await database.transact(
            lambda conn, alert=alert: store_preapprovals.plan(
                conn, alert, service="sip", rule="gone", goes_at=team.service.now
            )
        )
    settle, tried = store_preapprovals.settle, []

    async def broken(conn: Any, alert: str, **named: Any) -> bool:
        tried.append(alert)
        if len(tried) == 1:
            raise ZeroDivisionError("a fault of ours")
        return await settle(conn, alert, **named)

    monkeypatch.setattr(store_preapprovals, "settle", broken)
    with pytest.raises(ZeroDivisionError):
        await reacting.look(team.service)
    assert sorted(tried) == sorted([first, second])
    left = await database.read(lambda conn: store_preapprovals.due(conn, team.service.now))
    assert [one.alert for one in left] == [tried[0]]


HANGING = """
import asyncio, socket, time
from alertbot.core import loops
socket.getaddrinfo = lambda *given, **named: time.sleep(60)
async def main():
    looking = asyncio.create_task(asyncio.get_running_loop().getaddrinfo("nowhere.example", 25))
    await asyncio.sleep(0.2)
    looking.cancel()
loops.run(main())
"""


def test_a_name_server_that_hangs_does_not_keep_the_program_alive() -> None:
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", HANGING], check=True, timeout=30)
    assert time.monotonic() - begun < 15


async def test_who_connects_to_a_server_that_does_not_answer_is_left_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        opening = asyncio.create_task(Database.open(f"postgresql://a:b@127.0.0.1:{port}/alertbot"))
        await asyncio.sleep(0.5)
        assert not opening.done()
        begun = time.monotonic()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        assert time.monotonic() - begun < 2
