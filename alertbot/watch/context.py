"""What the verbs of watching work with: settings, the inbox of reports, this process's pulse. Also the
check for silent sources."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery.ledger import GroupCommit
from alertbot.people import tasks
from alertbot.people.context import Context
from alertbot.people.tasks import NewTask
from alertbot.watch import store_decisions, store_signals
from alertbot.watch.rules_rule import Policy, Rule
from alertbot.watch.rules_signals import Group, Signal, telling

WATCH = "watch"  # `watching.keep`
ALIVE_SECONDS = 30.0


@dataclass(frozen=True)
class Pulse:
    """Each loop reports that it is alive in every round. `failures`: calls that did not publish, by
    (channel, class)."""

    clock: Callable[[], float] = time.monotonic
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
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
    `silent_after`: per source, how long it may be silent before the team is told.
    """

    policy: Policy = field(default_factory=Policy)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    remind_before: timedelta = timedelta(minutes=10)
    silent_after: Mapping[str, timedelta] = field(default_factory=dict)

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


class Inbox(GroupCommit["Item", tuple[Signal, ...]]):
    """Stores reports that arrive at the same time together: one transaction, one commit to wait for.

    `add((context, reports))` returns the new ones once they are stored.
    """

    def __init__(self) -> None:
        super().__init__(_store)


@dataclass(frozen=True)
class WatchContext(Context):
    """What the verbs of watching need in addition: the settings, this process's pulse, its inbox."""

    watch: Watch = field(default_factory=Watch)
    pulse: Pulse = field(default_factory=Pulse)
    inbox: Inbox = field(default_factory=Inbox)


Item = tuple[WatchContext, Sequence[Signal]]


async def _store(items: Sequence[Item]) -> list[tuple[Signal, ...]]:
    """Store all reports in a few statements, however many there are."""
    service = items[0][0]
    reports = [one for _service, given in items for one in given]

    async def work(conn: Connection) -> list[Signal]:
        await heard(service, conn, {one.source for one in reports})  # it may write into the audit
        fresh = await store_signals.keep(conn, reports, now=service.now)
        concerned = {service.watch.group_of(one.service) for one in telling(fresh)}
        await store_decisions.make_due(conn, concerned, service.now)
        return fresh

    left = await service.database.transact(work)
    return [_mine(given, left) for _service, given in items]


def _mine(given: Sequence[Signal], left: list[Signal]) -> tuple[Signal, ...]:
    """The new reports of one sender, taken from `left`, which is in sender order."""
    return tuple([left.pop(0) for one in given if left and left[0] is one])


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
    clock = last.astimezone(service.publisher.zone).strftime(_("%H:%M on %d/%m"))
    said = _(
        "The source {source} has been silent since {time}. Silence does not mean that all is well:"
        " check the source, and what it watches."
    ).format(source=source, time=clock)
    await tasks.raise_(service, conn, NewTask(_key(source), KIND, said))


def _key(source: str) -> str:
    return f"{KIND}:{source}"
