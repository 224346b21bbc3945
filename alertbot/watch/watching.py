"""From reports to decisions: reports are stored first, then decided about, service by service.

Anything that brings a report (the intake, a poll, a person) only stores it and marks the service as due.
Decisions read only the store, so that a report survives a process that dies right after answering, and
changes caused by time alone (a confirmation, a watch period) take the same path.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from alertbot.alerts import store_incidents
from alertbot.core.errors import StoreFailed
from alertbot.core.frozen import dataclass
from alertbot.core.loops import Backoff
from alertbot.core.model import MACHINE
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.db.wake import Alarm
from alertbot.watch import context, reacting, rules_rule, store_decisions, store_signals
from alertbot.watch.context import WATCH, WatchContext
from alertbot.watch.preapproval import validity
from alertbot.watch.proposing import Change
from alertbot.watch.rules_decide import decide, in_turn, look_again, state_after
from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State, current, opened
from alertbot.watch.rules_signals import (
    PEOPLE,
    Signal,
    begun,
    ended,
    joined,
    last_run,
    merged,
    since,
    telling,
)

log = logging.getLogger(__name__)

MOST_ROUNDS = 10
AT_ONCE = 5  # services decided about before looking who is due now
MOST_LOOKS = 50  # in a second
LOOK_SECONDS = 5.0  # behind every wake-up: promises and silence have no signal of their own
DAY = timedelta(days=1)
LONGEST_KEPT = 100_000  # bytes of a body that was refused
KEPT = timedelta(days=30)  # reports that led to nothing
DECIDING = "Deciding about reports"  # in the log
CHANGES_NOTHING = (IncidentAction.HOLD, IncidentAction.DROP)


@dataclass(frozen=True, slots=True)
class ServiceHistory:
    """What is known about a service when it is decided about."""

    service: str
    log: tuple[LogEntry, ...]
    reports: tuple[Signal, ...]


async def take(service: WatchContext, reports: Sequence[Signal]) -> tuple[Signal, ...]:
    """Store reports; once this returns they are stored. Returns the new ones: a repeat is only counted.
    Raises `StoreFailed`."""
    return await service.inbox.add((service, reports))


async def heard(service: WatchContext, source: str) -> None:
    """Record that a source reported, even if nothing new."""
    await service.database.transact(lambda conn: context.heard(service, conn, [source]))


async def quarantine(
    service: WatchContext, source: str, body: bytes, *, why: str, keys: Sequence[str]
) -> int:
    """Quarantine a body for people to look at; returns its number."""

    async def work(conn: Connection) -> int:
        await context.heard(service, conn, [source])
        return await store_signals.put_aside(conn, source, body, why=why, keys=keys, now=service.now)

    return await service.database.transact(work)


async def unheeded(
    service: WatchContext, source: str, why: str, said: str, body: bytes | None = None
) -> int | None:
    """Tell the team that something a source sent was cut or refused, and keep what there is of the body;
    returns its number in quarantine."""

    async def work(conn: Connection) -> int | None:
        await context.heard(service, conn, [source])
        await context.unheeded(service, conn, source, why, said)
        if body is None:
            return None
        kept = body[:LONGEST_KEPT]
        return await store_signals.put_aside(conn, source, kept, why=said, keys=(), now=service.now)

    return await service.database.transact(work)


async def tidy(service: WatchContext) -> int:
    """Delete old reports that led to nothing: a probe leaves thousands a day. Returns how many."""
    before = service.now - KEPT
    return await service.database.transact(lambda conn: store_signals.forget(conn, before=before))


async def look(service: WatchContext) -> datetime | None:
    """Decide about every service that is due, handle promises, and notice silent sources. Returns when
    to look again, if time alone can change anything. Raises `StoreFailed`; any other failure about
    one service is logged and does not affect the others."""
    moments = [await _decide_all(service, Backoff())]
    moments += [await chore(service) for chore in CHORES.values()]
    return min(filter(None, moments), default=None)


async def _decide_all(service: WatchContext, backoff: Backoff) -> datetime | None:
    """Decide until nothing is due, since one decision may cause the next. Returns when to look again."""
    for _round in range(MOST_ROUNDS):
        if not await _decide_due(service, backoff):
            break
    return await _next_look(service, backoff)


async def _decide_due(service: WatchContext, backoff: Backoff) -> bool:
    """Decide about the next few services that are due; returns whether anything was decided. Few, so that
    what arrives meanwhile gets its turn soon. A service that fails does not affect the others and is held
    back for a while. Raises `StoreFailed`: then the others would fail too."""
    waiting = await service.database.read(lambda conn: store_decisions.to_look_at(conn, service.now))
    ready = [one for one in waiting if backoff.wait(f"{DECIDING} of {one[0]}") <= 0]
    decided = False
    for name in in_turn(ready, service.watch.named | service.watch.groups.keys())[:AT_ONCE]:
        trying = f"{DECIDING} of {name}"
        try:
            await service.database.transact(partial(decide_now, service, name=name))
        except StoreFailed:
            raise
        except Exception as error:  # noqa: BLE001 - told by `failed`; the others are decided about
            backoff.failed(trying, error)
        else:
            backoff.worked(trying)
            decided = True
        service.pulse.beat(WATCH)  # a storm takes long, and is no standstill
    return decided


async def _next_look(service: WatchContext, backoff: Backoff) -> datetime | None:
    """When time alone may change something; services held back have their own time."""
    prefix = f"{DECIDING} of "
    held = [name.removeprefix(prefix) for name in backoff.failing if name.startswith(prefix)]
    return await service.database.read(lambda conn: store_decisions.next_look(conn, without=held))


async def _keep_promises_ahead(service: WatchContext) -> None:
    await validity.look(service)


CHORES: Mapping[str, Callable[[WatchContext], Awaitable[datetime | None]]] = {
    "Looking after what was approved ahead": _keep_promises_ahead,
    "Letting out what was planned": reacting.look,
    "Keeping promised updates": reacting.look_at_promises,
    "Noticing silent sources": context.look,
}
"""What is done at every look besides deciding, each by its name in the log; when to look again."""


async def keep(service: WatchContext, stop: asyncio.Event) -> None:
    """Look whenever a report was stored, by any process, and whenever time may have changed something,
    until `stop` is set. Failures are retried with growing delays and block nothing else."""
    backoff = Backoff()
    async with Alarm(service.database) as alarm:
        stopping = asyncio.create_task(_ring_at(stop, alarm))
        while not stop.is_set():
            wait = await _look_and_survive(service, backoff)
            if DECIDING not in backoff.failing:
                service.pulse.beat(WATCH)
            await _until_due(service, stop, alarm, wait, backoff)
        await stopping


async def _look_and_survive(service: WatchContext, backoff: Backoff) -> float:
    """Do each part of `look` on its own; returns the seconds until the next look."""
    moments = [await backoff.attempt(DECIDING, partial(_decide_all, service, backoff))]
    moments += [await backoff.attempt(name, partial(one, service)) for name, one in CHORES.items()]
    waits = [(moment - service.now).total_seconds() for moment in moments if moment is not None]
    held = backoff.next()
    return min([LOOK_SECONDS, *waits, *([] if held is None else [held])])


async def _until_due(
    service: WatchContext, stop: asyncio.Event, alarm: Alarm, seconds: float, backoff: Backoff
) -> None:
    """Wait this long, deciding meanwhile about services with new reports. Every commit wakes this loop,
    also those of deliveries: that costs one small query, at most `MOST_LOOKS` times a second."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    await asyncio.sleep(1 / MOST_LOOKS)
    while not stop.is_set() and (left := ends - loop.time()) > 0:
        if not await alarm.wait(left):
            return
        again = await backoff.attempt(DECIDING, partial(_decide_news, service, backoff))
        if again is not None:
            ends = min(ends, loop.time() + max(0.0, (again - service.now).total_seconds()))
        await asyncio.sleep(1 / MOST_LOOKS)


async def _decide_news(service: WatchContext, backoff: Backoff) -> datetime | None:
    """Decide about what is due; returns when to look again if anything was decided."""
    return await _next_look(service, backoff) if await _decide_due(service, backoff) else None


async def _ring_at(stop: asyncio.Event, alarm: Alarm) -> None:
    await stop.wait()
    alarm.ring()


async def decide_now(
    service: WatchContext, conn: Connection, name: str
) -> tuple[IncidentAction, Reason]:
    """Decide about one service under its lock, and carry out what follows in the same transaction."""
    await store_decisions.lock_service(conn, name)
    known = await _known(service, conn, name)
    policy, now = service.watch.policy_of(name), service.now
    action, reason = decide(known.log, known.reports, policy, now)
    again: datetime | None = now  # what was just done may be the ground for more
    if action in CHANGES_NOTHING:
        again = look_again(known.log, known.reports, policy, reason, now)
        if reason is Reason.STALE and policy.propose_stale:
            await reacting.history(service, conn, name, known.reports)
    else:
        await _change(service, conn, known, action, reason)
    incident = await store_incidents.of_service(conn, name)
    incident_id = incident.id if incident else None
    await store_signals.note(
        conn,
        _sources_of(service, name),
        incident=incident_id,
        action=str(action),
        reason=str(reason),
    )
    await store_decisions.remember(
        conn, name, incident_id=incident_id, action=action, reason=reason, now=now, look_again_at=again
    )
    return action, reason


async def _known(service: WatchContext, conn: Connection, name: str) -> ServiceHistory:
    log = await store_decisions.log_of(conn, name)
    earliest = min([service.now, *(entry.at for entry in log[opened(log) :])]) - DAY
    group = service.watch.groups.get(name)
    found: list[Signal] = []
    for one in _sources_of(service, name):
        found += joined(await store_signals.of_service(conn, one, since=earliest))
    return ServiceHistory(name, log, merged(group, found) if group else tuple(found))


def _sources_of(service: WatchContext, name: str) -> tuple[str, ...]:
    """The services whose reports concern this service or group."""
    group = service.watch.groups.get(name)
    return group.everybody if group else (name,)


async def _change(
    service: WatchContext,
    conn: Connection,
    known: ServiceHistory,
    action: IncidentAction,
    reason: Reason,
) -> None:
    """Store a decision that changes something, and let the rules act on it."""
    before, said = current(known.log), telling(known.reports)
    state = state_after(before, action, known.reports) or State.DOWN
    failing = said[-1].failing if said else ()
    entry = LogEntry(service.now, action, reason, state, failing=failing)
    incident = await _incident(service, conn, known, action)
    number = await record(conn, known.service, incident, entry, before)
    if reason is Reason.CONFIRMED_AND_WATCHED:
        await _note_source(service, conn, incident, said)
    await reacting.react(
        service,
        conn,
        Change(
            decision=number,
            service=known.service,
            incident=incident,
            transition=rules_rule.transition(action, reason),
            state=state,
            failing=failing,
            since=begun(known.reports),
            seen=since(known.reports),
            works_since=ended(known.reports),
        ),
    )


async def _note_source(
    service: WatchContext, conn: Connection, incident: str, said: Sequence[Signal]
) -> None:
    """Name the source that confirmed the end, unless a person said who did (R11)."""
    found = await store_incidents.get(conn, incident)
    sources = [one.source for one in last_run(said) if one.confirms and one.source != PEOPLE]
    if found.confirmed_by is None and sources:
        await store_incidents.confirm(conn, incident, by=sources[0], now=service.now)


async def record(
    conn: Connection,
    name: str,
    incident: str,
    entry: LogEntry,
    before: State | None,
    *,
    by: str = MACHINE.name,
    note: str | None = None,
) -> int:
    """Store a decision and its audit row."""
    number = await store_decisions.append(conn, name, incident, entry, before=before, by=by, note=note)
    detail = {
        "incident": incident,
        "service": name,
        "action": str(entry.action),
        "reason": str(entry.reason),
        "state": str(entry.state),
        "note": note,
    }
    told = {key: value for key, value in detail.items() if value is not None}
    await audit.append(conn, actor=by, verb="decide", at=entry.at, detail=told)
    return number


async def _incident(
    service: WatchContext, conn: Connection, known: ServiceHistory, action: IncidentAction
) -> str:
    """The service's own incident; a new one for an opening, unless the end of the last one is not out yet."""
    present = await store_incidents.of_service(conn, known.service)
    if present is None or (action is IncidentAction.OPEN and present.closed_at is not None):
        fresh = await store_incidents.start(conn, by=None, now=service.now, service=known.service)
        return fresh.id
    return present.id
