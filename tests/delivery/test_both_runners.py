"""What every runner does, whoever calls `drain`; and that jobs which are lost, late or done twice change nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from alertbot.core.errors import StoreFailed, Unavailable
from alertbot.core.model import Pace
from alertbot.db import job_queue
from alertbot.db.database import Database
from alertbot.db.engines import server_arguments
from alertbot.delivery import jobs, store_accounts, store_claim
from alertbot.delivery.jobs import QUEUE, JobRunner
from alertbot.delivery.runners import Chore, LocalRunner, Runner
from alertbot.delivery.store_accounts import Want
from tests.delivery.scene import NullAdapter, channel, put, rows, states

pytestmark = pytest.mark.postgres
LIMIT = 60.0  # for what takes a moment, on a busy machine

KINDS = [LocalRunner, JobRunner]
Kind = type[LocalRunner] | type[JobRunner]


@pytest.fixture(params=KINDS, ids=["local", "jobs"])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(postgres_url, migrate=False)
    yield opened
    await opened.close()


@asynccontextmanager
async def running(*runners: Runner) -> AsyncIterator[None]:
    stop = asyncio.Event()
    begun = [asyncio.create_task(one.run(stop)) for one in runners]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*begun), LIMIT)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():
            await asyncio.sleep(0.01)


async def until_all(database: Database, wanted: Sequence[str]) -> None:
    async with asyncio.timeout(LIMIT):
        while sorted((await states(database)).values()) != sorted(wanted):
            await asyncio.sleep(0.02)


async def test_it_sends_what_another_process_writes_and_stops_in_order(
    database: Database, kind: Kind
) -> None:
    adapter = NullAdapter(channel(), seconds=0.02)
    async with running(kind(database, {"null": adapter})):
        other = await Database.open(database.url, migrate=False)
        await put(other, 20)
        await until(lambda: len(adapter.posts) == 20)
    assert set((await states(database)).values()) == {"sent"}  # the calls under way were finished
    assert not await database.read(store_accounts.seen)
    await other.close()


async def test_after_a_halt_nothing_is_intended_and_after_it_all_of_it(
    database: Database, kind: Kind
) -> None:
    await put(database, 300)
    adapter = NullAdapter(channel(), seconds=0.01)
    async with running(kind(database, {"null": adapter}, concurrency=20)):
        await until(lambda: len(adapter.posts) > 20)
        await database.transact(lambda conn: store_accounts.set_halt(conn, True))
        attempted = await _attempts(database)
        await asyncio.sleep(0.3)
        assert await _attempts(database) == attempted
        assert attempted < 300
        await database.transact(lambda conn: store_accounts.set_halt(conn, False))
        await until_all(database, ["sent"] * 300)
    assert sorted(adapter.sent) == sorted({*adapter.sent})


async def _attempts(database: Database) -> int:
    query = text("SELECT sum(attempts) FROM delivery")
    return int(await database.read(lambda conn: conn.scalar(query)))


async def test_what_a_dead_worker_held_is_sent_and_what_it_was_sending_is_uncertain(
    database: Database, kind: Kind
) -> None:
    ids = await put(database, 2)
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))

    async def die_in_mid_call(conn: Any) -> None:
        await store_claim.claim(conn, whose, 2, worker="dead", lease=0.5)
        await store_claim.intend(conn, [Want(ids[0], whose.id)], worker="dead")

    await database.transact(die_in_mid_call)
    adapter = NullAdapter(channel())
    async with running(kind(database, {"null": adapter})):
        await until_all(database, ["sent", "uncertain"])
    assert adapter.sent == [ids[1]]


async def test_a_retry_comes_at_its_time(database: Database, kind: Kind) -> None:
    await put(database, 1)
    adapter = NullAdapter(
        channel(), lambda _post: Unavailable("not now") if len(adapter.posts) < 2 else None
    )
    async with running(kind(database, {"null": adapter})):
        await until_all(database, ["sent"])
    [row] = await rows(database)
    assert row.attempts == 2


async def test_two_share_a_pace_and_double_nothing(database: Database, kind: Kind) -> None:
    rate, number = 50.0, 60
    paced = channel(pace=Pace(per_second=rate))
    clock = asyncio.get_running_loop().time
    begun, moments = clock(), list[float]()
    adapters = [NullAdapter(paced, lambda _post: moments.append(clock())) for _one in range(2)]
    async with running(*(kind(database, {"null": one}) for one in adapters)):
        ids = await put(database, number, on=paced)
        await until_all(database, ["sent"] * number)
    assert sorted(adapters[0].sent + adapters[1].sent) == sorted(ids)
    # slots are booked by the database's clock: a slow machine makes calls later, never earlier
    assert max(moments) - begun >= (number - 1) / rate * 0.99


# --- jobs ---------------------------------------------------------------------------------------


async def _connection(database: Database) -> "psycopg.AsyncConnection[Any]":
    return await psycopg.AsyncConnection.connect(**server_arguments(database.url), autocommit=True)


async def _job_rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    async with await _connection(database) as connection:
        await connection.execute(f"SET search_path TO {job_queue.namespace()}")
        found = await connection.execute(query.encode())
        return list(await found.fetchall()) if found.description else []


async def test_procrastinate_keeps_to_a_namespace_of_its_own(database: Database) -> None:
    async with running(JobRunner(database, {"null": NullAdapter(channel())})):
        async with asyncio.timeout(LIMIT):
            while not await _job_rows(database, "SELECT to_regclass('procrastinate_jobs')::text"):
                await asyncio.sleep(0.05)
        ours = text(
            "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = 'public' AND relname LIKE 'procrastinate%'"
        )
        assert await database.read(lambda conn: conn.scalar(ours)) == 0


async def test_a_namespace_that_nobody_uses_any_more_is_dropped(database: Database) -> None:
    for name, beaten in (("old", "2 days"), ("young", "1 hour")):
        await _execute(
            database,
            f"CREATE SCHEMA {job_queue.PREFIX}{name}",
            f"CREATE TABLE {job_queue.PREFIX}{name}.procrastinate_workers (last_heartbeat timestamptz)",
            f"INSERT INTO {job_queue.PREFIX}{name}.procrastinate_workers VALUES (now() - interval '{beaten}')",
        )
    await job_queue.prepare(database.url)
    await job_queue.prepare(database.url)  # a second worker finds it made
    query = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'alertbot_jobs_') ORDER BY 1"
    found = {name for (name,) in await _job_rows(database, query)}
    assert found == {job_queue.namespace(), f"{job_queue.PREFIX}young"}


async def test_a_user_who_may_not_make_the_tables_is_told_before_anything_begins(
    database: Database,
) -> None:
    there = make_url(database.url)
    await _execute(
        database,
        f"REVOKE ALL ON DATABASE {there.database} FROM PUBLIC",
        "DROP ROLE IF EXISTS narrow",
        "CREATE ROLE narrow LOGIN",
        f"GRANT CONNECT ON DATABASE {there.database} TO narrow",
    )
    narrow = there.set(username="narrow").render_as_string(hide_password=False)
    try:
        with pytest.raises(StoreFailed, match="GRANT CREATE ON DATABASE"):
            await job_queue.prepare(narrow)
    finally:
        await _execute(database, "DROP OWNED BY narrow", "DROP ROLE narrow")


async def _execute(database: Database, *statements: str) -> None:
    async with await _connection(database) as connection:
        for one in statements:
            await connection.execute(one.encode())


async def test_jobs_that_are_lost_doubled_or_out_of_date_change_nothing(database: Database) -> None:
    ids = await put(database, 40)
    adapter = NullAdapter(channel(), seconds=0.01)
    app = job_queue.app(database.url, 1)
    await job_queue.prepare(database.url)
    async with app.open_async():
        doubled = app.configure_task(jobs.DRAIN, queue=QUEUE)
        for _number in range(5):
            await doubled.defer_async(channel="null")
        await doubled.defer_async(channel="gone")  # of an account that there is no more
        await app.configure_task("a chore of another version", queue=QUEUE).defer_async(timestamp=1)
        async with running(JobRunner(database, {"null": adapter}, concurrency=2)):
            await until(lambda: len(adapter.posts) > 2)
            await _job_rows(database, "DELETE FROM procrastinate_jobs WHERE status = 'todo'")
            await until_all(database, ["sent"] * 40)
    assert sorted(adapter.sent) == ids


async def test_a_chore_is_done_by_one_worker_at_a_time(database: Database) -> None:
    """Ticks of one second; two workers."""
    done: list[float] = []
    clock = asyncio.get_running_loop().time

    async def work() -> None:
        done.append(clock())

    chores = [Chore("Looking", 1.0, work)]
    adapter = NullAdapter(channel())
    begun = clock()
    async with running(*(JobRunner(database, {"null": adapter}, chores=chores) for _one in range(2))):
        await until(lambda: len(done) >= 3)
    # ticks are those of the wall clock; the first may be the one before it began
    assert len(done) <= clock() - begun + 2


async def test_the_jobs_of_a_dead_worker_are_cleared_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "STALLED_SECONDS", 0.5)
    await job_queue.prepare(database.url)
    app = job_queue.app(database.url, 1)
    async with app.open_async():
        await app.configure_task(jobs.DRAIN, queue=QUEUE).defer_async(channel="null")
    await _job_rows(
        database,
        "WITH w AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
        " RETURNING id) UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM w)",
    )
    async with running(JobRunner(database, {"null": NullAdapter(channel())})):
        async with asyncio.timeout(LIMIT):
            while await _job_rows(
                database, "SELECT 1 FROM procrastinate_jobs WHERE task_name = 'drain'"
            ):
                await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.3, "* * * * * */1"), (5.0, "* * * * * */5"), (120.0, "*/2 * * * * 0"), (3600.0, "0 * * * * 0")],
)
def test_the_seconds_come_last(seconds: float, said: str) -> None:
    assert jobs.cron(seconds) == said
