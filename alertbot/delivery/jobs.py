"""The runner for several machines: procrastinate's jobs on PostgreSQL call `drain`, the sweep and the other chores.

A job is a call to look and carries nothing else. The outbox says what is to be done, so a job that is lost, late or
done twice does no harm; the sweep, which one worker does per tick, queues what is missing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from procrastinate import App
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Status

from alertbot.channels.base import Adapter
from alertbot.core import loops
from alertbot.db import job_queue
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts
from alertbot.delivery.runners import LOOKING, Chore, Runner

log = logging.getLogger(__name__)

QUEUE = "alertbot"
DRAIN, SWEEP = "drain", "sweep"
SWEEP_SECONDS = 2
GOODBYE_SECONDS = 0.3  # for chores under way when it stops; drains have their own
HEARTBEAT_SECONDS, STALLED_SECONDS = 10.0, 30.0
MOST_CONNECTIONS = 4


class JobRunner(Runner):
    """Its jobs run on any worker of the same database."""

    def __init__(
        self,
        database: Database,
        adapters: Mapping[str, Adapter[Any]],
        *,
        chores: Sequence[Chore] = (),
        **more: Any,
    ) -> None:
        super().__init__(database, adapters, **more)
        self._besides = chores
        self._app: App | None = None  # while it is open

    async def prepare(self) -> None:
        await job_queue.prepare(self._database.url)

    def _chores(self) -> list[tuple[str, float, Callable[[], Awaitable[None]]]]:
        """As of every worker, but what is overdue is looked after by the sweep."""
        *others, (name, seconds, _look) = super()._chores()
        return [*others, (name, seconds, self._look_after_mine)]

    async def _look_after_mine(self) -> None:
        await self._drain.renew()
        await self._database.read(self._drain.learn_accounts)

    async def _run(self, stop: asyncio.Event) -> None:
        working = asyncio.create_task(loops.keep("Running jobs", partial(self._work, stop), stop))
        while not stop.is_set():
            if self._app is not None:
                await self._backoff.attempt(LOOKING, partial(self._queue_due, self._app))
            await self._alarm.wait(self._pause(self._poll))
        await working

    async def _work(self, stop: asyncio.Event) -> None:
        """Run jobs until `stop` is set. Raises what procrastinate raises if the database fails."""
        await self.prepare()
        app = job_queue.app(self._database.url, MOST_CONNECTIONS)
        self._give(app)
        async with app.open_async():
            self._app = app
            self._alarm.ring()  # something may have become due meanwhile
            running = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    name=self.worker,
                    concurrency=len(self._names) + len(self._besides) + 2,
                    install_signal_handlers=False,
                    delete_jobs="always",
                    fetch_job_polling_interval=self._poll,
                    shutdown_graceful_timeout=GOODBYE_SECONDS,
                    update_heartbeat_interval=HEARTBEAT_SECONDS,
                    stalled_worker_timeout=STALLED_SECONDS,
                )
            )
            stopping = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._app = None
                stopping.cancel()
                running.cancel()  # it finishes or leaves what it does, and says goodbye
                with suppress(asyncio.CancelledError):
                    await running

    def _give(self, app: App) -> None:
        """Make the jobs known."""

        async def drain(channel: str) -> None:
            await asyncio.wait({self._start(channel)})

        async def sweep(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives it
            await self._look_after()
            await self._tidy(app)
            await self._queue_due(app, everywhere=True)

        app.task(name=DRAIN, queue=QUEUE, priority=10)(drain)
        ticking = app.task(name=SWEEP, queue=QUEUE, queueing_lock=SWEEP)(sweep)
        app.periodic(cron=cron(SWEEP_SECONDS))(ticking)
        for one in self._besides:
            task = app.task(name=one.name, queue=QUEUE, queueing_lock=one.name)(_ticked(one))
            app.periodic(cron=cron(one.every))(task)

    async def _queue_due(self, app: App, *, everywhere: bool = False) -> None:
        """Queue a drain of each account that has something due; `everywhere`: as many as there are workers, for one
        that drains it already takes no second."""
        due = await self._database.read(lambda conn: self._due(conn, self._names))
        wanted = due if everywhere else [name for name in due if name not in self._drains]
        if not wanted:
            return
        workers = await self._database.read(_alive) if everywhere else 1
        queued = await app.job_manager.list_jobs_async(queue=QUEUE, status=str(Status.TODO.value))
        known = {job.queueing_lock for job in queued}
        for name in wanted:
            for number in range(workers):
                lock = f"{DRAIN}:{name}:{number}"
                if lock not in known:
                    with suppress(AlreadyEnqueued):
                        await app.configure_task(DRAIN, queueing_lock=lock).defer_async(channel=name)

    async def _tidy(self, app: App) -> None:
        """Delete the jobs of workers that have died."""
        found = await app.job_manager.get_stalled_jobs(
            queue=QUEUE, seconds_since_heartbeat=STALLED_SECONDS
        )
        for job in found:
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)


async def _alive(conn: Connection) -> int:
    return sum(one.alive for one in await store_accounts.seen(conn))


def _ticked(one: Chore) -> Callable[[int], Awaitable[None]]:
    async def work(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives it
        await one.work()

    return work


def cron(seconds: float) -> str:
    """Every so many seconds, as procrastinate reads it: the seconds come last."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"* * * * * */{whole}"
    return f"*/{whole // 60} * * * * 0" if whole < 3600 else "0 * * * * 0"
