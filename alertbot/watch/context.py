"""What the verbs of watching work with: settings, the inbox of reports, this process's pulse. Also the
check for silent sources."""

import asyncio
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from functools import partial

from alertbot.core.errors import safe
from alertbot.core.frozen import dataclass
from alertbot.core.loops import GroupCommit
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.people import store_tasks, tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask
from alertbot.watch import store_decisions, store_signals
from alertbot.watch.rules_log import IncidentAction, Reason
from alertbot.watch.rules_rule import Policy, Rule
from alertbot.watch.rules_signals import Signal, SignalGroup, telling

WATCH = "watch"  # `watching.keep`
ALIVE_SECONDS = 30.0


@dataclass(frozen=True)
class LoopHealth:
    """Each loop reports that it is alive in every round. `failures`: calls that did not publish, by
    (channel, class). `unheeded`: reports that were cut, refused or not decided about, by (source, why)."""

    clock: Callable[[], float] = time.monotonic
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    unheeded: Counter[tuple[str, str]] = field(default_factory=Counter)
    _seen: dict[str, float] = field(default_factory=dict)

    def beat(self, loop: str) -> None:
        self._seen[loop] = self.clock()

    def fail(self, channel: str, kind: str) -> None:
        """Count a failed call on this channel; `kind`: the class of its error."""
        self.failures[channel, kind] += 1

    def alive(self, loop: str) -> bool:
        """Whether the loop completed a round within `ALIVE_SECONDS`."""
        seen = self._seen.get(loop)
        return seen is not None and self.clock() - seen < ALIVE_SECONDS


@dataclass(frozen=True)
class Watch:
    """What is watched, how sceptically, and which rules apply.

    `titles`: the public name of a service or group, by language; "" if one name serves all.
    `silent_after`: per source, how long it may be silent before the team is told. `sources`: all that are
    configured. `named`: the services
    that the configuration names anywhere; they come first, and only of the others is there a limit.
    `confirmers`: who can confirm that a service works again, by service; "" for all others (R11).
    """

    policy: Policy = field(default_factory=Policy)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    groups: Mapping[str, SignalGroup] = field(default_factory=dict)
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    remind_before: timedelta = timedelta(minutes=10)
    silent_after: Mapping[str, timedelta] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()
    confirmers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def confirmers_of(self, service: str) -> tuple[str, ...]:
        """Who may confirm that this service works again; empty: anybody whom a person names (R11)."""
        return self.confirmers.get(service) or self.confirmers.get("", ())

    def may_confirm(self, service: str, by: str) -> bool:
        """Whether one of those who may confirm it is named in `by`, with or without accents."""
        listed = self.confirmers_of(service)
        return not listed or any(f" {_spelled(one)} " in f" {_spelled(by)} " for one in listed)

    def policy_of(self, service: str) -> Policy:
        return self.policies.get(service, self.policy)

    def group_of(self, service: str) -> str:
        """The name under which incidents of this service are opened: its group's, else its own."""
        found = (one.name for one in self.groups.values() if service in one.everybody)
        return next(found, service)

    def title(self, service: str, language: str) -> str:
        """The public name of a service; its own name if it has no title."""
        given = self.titles.get(service, {})
        return given.get(language) or given.get("") or service


def _spelled(name: str) -> str:
    plain = "".join(
        one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one)
    )
    return " ".join(re.sub(r"[^\w]+", " ", plain.casefold()).split())


MOST_READ = 4


class Inbox(GroupCommit["Item", tuple[Signal, ...]]):
    """Stores reports that arrive at the same time together: one transaction, one commit to wait for.

    `add((context, reports))` returns the new ones once they are stored. `reading`: large bodies that are
    read at once; each takes a multiple of its size in memory.
    """

    def __init__(self) -> None:
        super().__init__(_store)
        self.reading = asyncio.Semaphore(MOST_READ)


@dataclass(frozen=True)
class WatchContext(Context):
    """What the verbs of watching need in addition: the settings, this process's pulse, its inbox."""

    watch: Watch = field(default_factory=Watch)
    pulse: LoopHealth = field(default_factory=LoopHealth)
    inbox: Inbox = field(default_factory=Inbox)


Item = tuple[WatchContext, Sequence[Signal]]


async def _store(items: Sequence[Item]) -> list[tuple[Signal, ...]]:
    """Store all reports in a few statements, however many there are."""
    service = items[0][0]
    reports = [one for _service, given in items for one in given]

    async def work(conn: Connection) -> list[Signal]:
        await heard(service, conn, {one.source for one in reports})  # it may write into the audit
        fresh = await store_signals.keep(conn, reports, now=service.now)
        told = telling(fresh)
        left = await _left_alone(service, conn, told)
        concerned = {service.watch.group_of(one.service) for one in told} - left
        await store_decisions.make_due(conn, concerned, service.now)
        return fresh

    left = await service.database.transact(work)
    return [_mine(given, left) for _service, given in items]


def _mine(given: Sequence[Signal], left: list[Signal]) -> tuple[Signal, ...]:
    """The new reports of one sender, taken from `left`, which is in sender order."""
    return tuple([left.pop(0) for one in given if left and left[0] is one])


MOST_UNNAMED = (
    10  # services that no configuration names, in trouble as one source says within that time
)
UNNAMED_WITHIN = timedelta(minutes=10)
NAMES_SHOWN = 5
UNHEEDED = "reports-unheeded"


async def _left_alone(
    service: WatchContext, conn: Connection, told: Collection[Signal]
) -> frozenset[str]:
    """The services in trouble that are not decided about: those that no configuration names, where one
    source tells of many. The team gets one task instead of an incident, a draft and a task for each."""
    strange: dict[str, set[str]] = {}
    for one in told:
        if one.trouble and not _is_named(service.watch, one.service):
            strange.setdefault(one.source, set()).add(one.service)
    left: set[str] = set()
    for source, names in strange.items():
        since = service.now - UNNAMED_WITHIN
        every = await store_signals.in_trouble(conn, source, since=since)
        many = [name for name in every if not _is_named(service.watch, name)]
        mine = sorted(names - await store_decisions.with_incident(conn, names))
        if len(many) > MOST_UNNAMED and mine:
            await store_signals.note(
                conn, mine, incident=None, action=IncidentAction.HOLD, reason=Reason.UNNAMED
            )
            await unheeded(service, conn, source, Reason.UNNAMED, _of_unnamed(source, mine), len(mine))
            left |= set(mine)
    return frozenset(left)


def _is_named(watch: Watch, name: str) -> bool:
    return name in watch.named or watch.group_of(name) != name


def _of_unnamed(source: str, names: Sequence[str]) -> str:
    shown = ", ".join(safe(name) for name in names[:NAMES_SHOWN])
    return _(
        "{source} reports {n} services out of order that the configuration does not name ({names} …). No"
        " incident was opened for them: alertbot signals lists them. If callers are affected, write an"
        " alert by hand (alertbot draft holding). Give the services that matter a name under `sources:"
        " {source}: names:`."
    ).format(source=source, n=len(names), names=shown)


async def unheeded(
    service: WatchContext, conn: Connection, source: str, why: str, said: str, times: int = 1
) -> None:
    """Count what a source told and nobody acts on, and tell the team: once an hour for each reason."""
    service.pulse.unheeded[source, why] += times
    key = f"{UNHEEDED}:{source}:{why}:{service.now:%Y-%m-%dT%H}"
    if not await store_tasks.ever_raised(conn, [key]):
        await tasks.raise_(service, conn, NewTask(key, UNHEEDED, said))


KIND = "source-silent"


async def heard(service: WatchContext, conn: Connection, sources: Collection[str]) -> None:
    """These sources have reported; if the team had been told of their silence, it is told that it is
    over."""
    for source in await store_signals.heard(conn, sources, now=service.now):
        await tasks.close(
            service, conn, _key(source), _("{source} is reporting again.").format(source=source)
        )


async def look(service: WatchContext) -> datetime | None:
    """Tell the team about sources silent for longer than their settings allow. Returns the next time to
    check, or None."""
    if not service.watch.silent_after:
        return None
    now = service.now
    seen = await service.database.read(store_signals.silent)
    for source, patience in service.watch.silent_after.items():
        last, told = seen.get(source, (None, None))
        if last is None:
            await service.database.transact(partial(store_signals.heard, sources=[source], now=now))
        elif told is None and now - last >= patience:
            await service.database.transact(partial(_tell, service, source=source, last=last))
    ahead = [
        seen[name][0] + patience
        for name, patience in service.watch.silent_after.items()
        if name in seen and seen[name][1] is None
    ]
    return min((moment for moment in ahead if moment > now), default=None)


async def _tell(service: WatchContext, conn: Connection, source: str, last: datetime) -> None:
    await store_signals.note_silence(conn, source, now=service.now)
    said = _(
        "The source {source} has been silent since {time}. Silence does not mean that all is well:"
        " check the source, and what it watches."
    ).format(source=source, time=service.clock(last))
    await tasks.raise_(service, conn, NewTask(_key(source), KIND, said))


def _key(source: str) -> str:
    return f"{KIND}:{source}"
