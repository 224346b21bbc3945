"""The worker: the delivery engine with its hooks and background tasks, until stopped or until nothing is
due."""

import asyncio
import logging
import os
import signal
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from alertbot.alerts import approving, judging, progress
from alertbot.alerts.addresses import erasing
from alertbot.alerts.requests import queue
from alertbot.core import loops
from alertbot.core.errors import AlertbotError
from alertbot.core.words import _, ngettext
from alertbot.db.portions import Portions
from alertbot.db.sql import Connection
from alertbot.delivery.ledger import Hooks
from alertbot.delivery.runners import Chore, LocalRunner, Runner, RunTally
from alertbot.delivery.store_accounts import Push
from alertbot.delivery.store_content import ReadbackVerdict
from alertbot.delivery.store_deliveries import Outcome
from alertbot.ops import overview, public_page
from alertbot.ops.leading import ASK, WATCH, Leadership
from alertbot.ops.returning import ReturnsKeeper
from alertbot.ops.views import StoppedView
from alertbot.pages.keeping import PageKeeper
from alertbot.people import recipients, store_tasks, tasks
from alertbot.people.tasks import NewTask
from alertbot.watch import context, reminders, watching
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import validity
from alertbot.watch.rules_signals import Signal
from alertbot.watch.witness import looking
from alertbot.watch.witness.looking import Witnesses

if TYPE_CHECKING:
    from alertbot.app import App
    from alertbot.config.root import Config

log = logging.getLogger(__name__)

CLOCK_TASK = "clock"
LOCAL = "local"  # a runner
WITNESS_SECONDS = 2.0  # between two looks at what the public sees, as a job
TIDY_SECONDS = 3600.0
SETTLING_SECONDS = 0.5  # for writing what became of calls that were not waited for
CLOCK_SECONDS = 5.0  # between two looks at what has expired

CHORES: tuple[tuple[str, float, Callable[[WatchContext], Awaitable[object]]], ...] = (
    ("Tidying up", TIDY_SECONDS, watching.tidy),
    ("Erasing addresses", TIDY_SECONDS, erasing.tidy),
    ("Letting pending alerts expire", CLOCK_SECONDS, approving.expire_overdue),
    ("Telling what ends or is late", CLOCK_SECONDS, reminders.look),
)
"""What the worker does by the clock: its name in the log, seconds between two rounds, the verb."""


async def run_once(app: "App") -> RunTally:
    """Work until no row can be claimed; returns the tally, with `waiting` for what is still open."""
    service = await app.open()
    runner = _runner(app, service)
    if await runner.clock_is_right():
        await approving.expire_overdue(service)
        await reminders.look(service)
        await watching.look(service)
    pages = public_page.keepers(app, service)
    tally = await runner.run_once()
    for page in pages:
        await page.look()
    await queue.attend(service, app.ways(service))
    return tally


async def run_until_stopped(app: "App") -> StoppedView:
    """Work until SIGTERM or SIGINT; calls in progress finish first. Raises `StoreReplaced` if the
    database file was replaced."""
    service = await app.open()
    await work_until(app, service, stop_signal())
    service.database.require_same_file()
    return StoppedView()


async def work_beside(app: "App") -> StoppedView:
    """Send, and do the jobs there are, until SIGTERM or SIGINT: beside processes that watch. Raises `StoreReplaced`
    if the database file was replaced."""
    service, stop = await app.open(), stop_signal()
    await warm(app)
    runner = _runner(app, service, _chores(app, service))
    await runner.prepare()
    await loops.keep("Publishing", partial(runner.run, stop), stop)
    service.database.require_same_file()
    return StoppedView()


def stop_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set instead of ending the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    return stop


async def work_until(
    app: "App", service: WatchContext, stop: asyncio.Event, *, grace: float | None = None
) -> None:
    """Everything that one worker does, until `stop` is set or the database file is replaced; the caller
    then checks `require_same_file`. `grace`: how many seconds calls in progress may still take; None:
    as long as they need."""
    await warm(app)
    chores, as_jobs = _chores(app, service), app.config.runner != LOCAL
    runner = _runner(app, service, chores)
    await runner.prepare()
    everywhere, led = Loops(runner), Loops(runner)
    for name, seconds, work in () if as_jobs else chores:
        led.chore(name, seconds, work)
    _share_out(app, service, everywhere, led)
    leadership = Leadership(
        service.database, WATCH, runner.worker, idle=partial(service.pulse.beat, context.WATCH)
    )
    async with asyncio.TaskGroup() as group:
        begun = everywhere.begin(group, stop)
        begun.append(group.create_task(leadership.keep(led.until, stop)))
        publish = partial(runner.run, stop, grace)
        begun.append(group.create_task(loops.keep("Publishing", publish, stop)))
        if grace is not None:
            group.create_task(_leave(begun, stop, grace + SETTLING_SECONDS))


class Loops:
    """What a worker does again and again until it is told to stop."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._all: list[Callable[[asyncio.Event], Coroutine[Any, Any, None]]] = []

    def chore(self, name: str, every: float, work: Callable[[], Awaitable[object]]) -> None:
        """Do this every so many seconds, except while the clock is wrong."""
        held = partial(_unless_held, self._runner, work)
        self._all.append(lambda stop: loops.keep(name, held, stop, every=every))

    def loop(self, name: str, work: Callable[[asyncio.Event], Awaitable[object]]) -> None:
        """Keep this going, which ends by itself once its event is set."""
        self._all.append(lambda stop: loops.keep(name, partial(work, stop), stop))

    def begin(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> list["asyncio.Task[None]"]:
        """Begin everything."""
        return [group.create_task(one(stop)) for one in self._all]

    async def until(self, stop: asyncio.Event) -> None:
        """Do everything until `stop` is set."""
        async with asyncio.TaskGroup() as group:
            self.begin(group, stop)


def _share_out(app: "App", service: WatchContext, everywhere: Loops, led: Loops) -> None:
    """What each worker does for itself, and what only the one does that leads, besides the chores."""
    for page in public_page.keepers(app, service):
        if not page.shared:
            everywhere.chore(_keeping(page), CLOCK_SECONDS, page.look)
    led.chore("Comparing the tables with the audit", LOOK_SECONDS, Rounds(service).look)
    ways = app.ways(service)
    for way in ways:
        if isinstance(way, queue.Listening):
            (everywhere if way.is_called else led).loop(f"Listening on {way.name}", way.listen)
    if app.config.runner == LOCAL and (seen := looking.watched(app.adapters())):
        led.loop("Looking", Witnesses(service, seen, hooks(service)).keep)
    for keeper in _returns(app, service) if app.config.runner == LOCAL else ():
        led.loop(_reading(keeper), keeper.keep)
    if ways:
        led.loop("Asking approvers", partial(queue.keep, service, ways))
    led.loop("Watching", partial(watching.keep, service))


def _chores(app: "App", service: WatchContext) -> list[Chore]:
    """What one worker at a time does by the clock: a job of procrastinate's, or what the one does that leads."""
    found = [Chore(name, every, partial(chore, service)) for name, every, chore in CHORES]
    pages = public_page.keepers(app, service)
    found += [Chore(_keeping(one), CLOCK_SECONDS, one.look) for one in pages if one.shared]
    for keeper in _returns(app, service) if app.config.runner != LOCAL else ():
        found.append(Chore(_reading(keeper), keeper.every.total_seconds(), keeper.look))
    if app.config.runner != LOCAL and (seen := looking.watched(app.adapters())):
        witnesses = Witnesses(service, seen, hooks(service))
        found.append(Chore("Looking at what the public sees", WITNESS_SECONDS, witnesses.round))
    return found


def _returns(app: "App", service: WatchContext) -> list[ReturnsKeeper]:
    return [ReturnsKeeper(service, name, at, app.seals) for name, at in app.returns().items()]


def _reading(keeper: ReturnsKeeper) -> str:
    return f"Reading what came back on {keeper.channel}"


def _keeping(page: PageKeeper) -> str:
    return f"Keeping the page {page.channel.name}"


async def _leave(begun: Sequence["asyncio.Task[None]"], stop: asyncio.Event, seconds: float) -> None:
    """Leave tasks that have not ended in time after `stop`; their work is picked up later. Transactions
    still finish (see `Database`)."""
    await stop.wait()
    _ended, left = await asyncio.wait(begun, timeout=seconds)
    for task in left:
        task.cancel()


async def _unless_held(runner: Runner, chore: Callable[[], Awaitable[object]]) -> None:
    """Skip work that depends on the time while the clock is wrong."""
    if runner.held is None:
        await chore()


async def warm(app: "App") -> None:
    """Load every channel's library and secrets now, so that the first post does not wait for them. A
    channel that cannot be used is logged here, and again when something is sent on it."""
    for name, adapter in app.adapters().items():
        try:
            await adapter.warm()
        except AlertbotError as error:
            log.warning("%s: %s", name, error, extra={"channel": name})


def hooks(service: WatchContext) -> Hooks:
    """What the engine does in its transactions for alerts and the audit."""

    async def outcomes(conn: Connection, moved: Sequence[Outcome]) -> None:
        await progress.note_outcomes(service, conn, moved)

    async def advance(conn: Connection, alert_ids: Sequence[str]) -> None:
        await progress.advance_all(service, conn, alert_ids)

    async def start(conn: Connection, alert_ids: Sequence[str]) -> None:
        await judging.tell_unheard(service, conn, alert_ids)
        await progress.start_all(service, conn, alert_ids)

    async def differs(conn: Connection, verdicts: Sequence[ReadbackVerdict]) -> None:
        await progress.note_differences(service, conn, verdicts)

    async def clock(conn: Connection, reason: str | None) -> None:
        if reason is None:
            await tasks.close(service, conn, CLOCK_TASK, _("The clock is right again."))
        else:
            await tasks.raise_(service, conn, NewTask(CLOCK_TASK, CLOCK_TASK, reason))

    async def blocked(conn: Connection, pushes: Sequence[Push]) -> None:
        await tasks.raise_all(service, conn, [_blocked(one) for one in pushes])

    return Hooks(
        blocked=blocked,
        clock=clock,
        outcomes=outcomes,
        first_intent=start,
        settled=advance,
        judge=judging.Judge(service, partial(validity.objection, service)),
        refused=partial(judging.call_the_team, service),
        differs=differs,
        failed=service.pulse.fail,
        gone=partial(recipients.gone, service),
    )


def _blocked(push: Push) -> NewTask:
    told = _(
        "{channel} accepts nothing for {hours} h: {reason} What cannot wait has to be posted there by hand; then run"
        " `alertbot record`."
    )
    text = told.format(channel=push.account, hours=round(push.seconds / 3600), reason=push.reason)
    return NewTask(f"blocked:{push.account}", "blocked", text)


def _runner(app: "App", service: WatchContext, chores: Sequence[Chore] = ()) -> Runner:
    """The configured runner; one that has jobs does the `chores` too."""
    if app.config.runner == LOCAL:
        return LocalRunner(service.database, app.adapters(), hooks=hooks(service))
    from alertbot.delivery.jobs import JobRunner  # its library is of no use elsewhere

    return JobRunner(service.database, app.adapters(), hooks=hooks(service), chores=chores)


async def ask_in_turn(service: WatchContext, config: "Config", stop: asyncio.Event) -> None:
    """Poll the sources whenever this process is the one that does, until `stop` is set."""
    if all(one.pushes for one in config.sources.values()):
        await stop.wait()
        return
    name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    asking = partial(ask_sources, service, config)
    await Leadership(service.database, ASK, name).keep(
        lambda term: loops.keep("Asking sources", partial(asking, term), term), stop
    )


async def ask_sources(service: WatchContext, config: "Config", stop: asyncio.Event) -> None:
    """Poll every polled source at its interval, until `stop` is set. What arrives after that is dropped."""
    asked = {name: one for name, one in config.sources.items() if not one.pushes}
    from alertbot.watch.polling import loop

    async def take(source: str, reports: Sequence[Signal]) -> None:
        if stop.is_set():
            return  # another process asks by now
        if reports:
            await watching.take(service, reports)
        else:
            await watching.heard(service, source)

    await loop.keep(asked, config.watch, take, stop)


LOOK_SECONDS = 10.0  # between two portions
PORTION = 2000  # rows
FIRST_SECONDS = 60.0  # after the start, when everything else is under way
REST_SECONDS = 3600.0  # from the end of a round to the next
CHANGED = "audit"  # a kind of task


class Rounds:
    """One per worker."""

    def __init__(self, service: WatchContext, *, first: float = FIRST_SECONDS) -> None:
        self._service = service
        self._portions = Portions(overview.other_texts)
        self._next = time.monotonic() + first

    async def look(self) -> tuple[str, ...] | None:
        """Compare a portion, unless the last round was a moment ago. At the end of a round, what was found."""
        if time.monotonic() < self._next:
            return None
        found = await self._service.database.read(lambda conn: self._portions.go_on(conn, PORTION))
        if found is not None:
            self._next = time.monotonic() + REST_SECONDS
        if found:
            await self._service.database.transact(lambda conn: self._tell(conn, found))
        return found

    def close(self) -> None:
        self._portions.close()

    async def _tell(self, conn: Connection, found: tuple[str, ...]) -> None:
        key = f"{CHANGED}:{sha256(repr(found).encode()).hexdigest()[:16]}"
        if key in await store_tasks.ever_raised(conn, [key]):
            return
        left = ngettext("{n} more.", "{n} more.", len(found) - 1).format(n=len(found) - 1)
        text = _(
            "The database is not as the audit says: {first} {more}Somebody may have written to it beside the program."
            " Run `alertbot audit verify`, and tell those who run the machine."
        ).format(first=found[0], more=f"{left} " if len(found) > 1 else "")
        await tasks.raise_(self._service, conn, NewTask(key, CHANGED, text))
