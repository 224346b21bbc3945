"""After every moment of a replay: what was decided, what went out, and what did not, with its reason."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alertbot.alerts import store_incidents, store_reading
from alertbot.alerts.store_reading import Alert
from alertbot.core.model import AlertState, Post
from alertbot.db.sql import Connection
from alertbot.people import store_tasks
from alertbot.rehearsal.replay.results import Refusal, Replay, ReplayDecision, ReplayPost
from alertbot.rehearsal.replay.signals_of import EntryRole, ReplayStep
from alertbot.rehearsal.replay.stage import Stage
from alertbot.watch import store_decisions, store_signals
from alertbot.watch.reacting import STUCK
from alertbot.watch.rules_log import IncidentAction, Reason
from alertbot.watch.store_decisions import DecisionLine, Watched

LAPSED = "lapsed"  # a promised update did not come (R19)
RECENT = 20  # alerts that may have changed since the last moment
HELD_BACK = {
    Reason.CONFIRMING_DOWN: "open",
    Reason.FLAPPING: "open",
    Reason.DAILY_CAP: "open",
    Reason.MAINTENANCE: "open",
    Reason.STALE: "open",
    Reason.CONFIRMING_UP: "stabilised",
    Reason.DWELL: "change",
    Reason.AWAITING_CONFIRMATION: "resolved",
    Reason.WATCHING: "resolved",
}
"""What is not done for the time being, by the reason that is given."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store holds at one moment."""

    lines: tuple[DecisionLine, ...]  # decisions, oldest first
    alerts: tuple[Alert, ...]
    standing: Watched | None
    stuck: tuple[tuple[str, str], ...]  # tasks about rules that could not be carried out
    states: dict[str, str | None]  # by incident


@dataclass
class Gathering:
    """Fills a `Replay`. `by_hand`: alerts that a person wrote."""

    stage: Stage
    replay: Replay
    service: str
    _lines: int = 0
    _held: str | None = None
    _told: set[str] = field(default_factory=set)  # alerts and tasks that were reported
    _states: dict[str, str | None] = field(
        default_factory=dict
    )  # by alert: the incident's, as it tells it
    _kinds: dict[str, str] = field(default_factory=dict)
    _by_itself: set[str] = field(default_factory=set)

    async def after(self, published: Sequence[Post], step: ReplayStep | None = None) -> Seen:
        """Take down what happened at this moment; `step`: the entry that was just heard."""
        at = self.stage.clock()
        seen = await self.stage.service.database.read(self._look)
        fresh = [line for line in seen.lines if line.id > self._lines]
        self._lines = max([self._lines, *(line.id for line in fresh)])
        await self._note_alerts(seen, fresh, {one.alert for one in published})
        heard = await self._heard(step, fresh, at) if step and step.signal else None
        self.replay.decisions += [*([heard] if heard else ()), *self._by_time(seen, fresh, heard, at)]
        self.replay.posts += [self._post(one, at) for one in published]
        self.replay.refused += [*self._held_back(seen, step, at), *self._not_sent(seen, at)]
        return seen

    async def _look(self, conn: Connection) -> Seen:
        lines = tuple(reversed(await store_decisions.lines(conn, limit=RECENT)))
        mine = [one for one in await store_decisions.standing(conn) if one.service == self.service]
        open_ = await store_tasks.open_tasks(conn, [STUCK])
        return Seen(
            lines,
            await store_reading.listing(conn, limit=RECENT),
            mine[0] if mine else None,
            tuple((one.key, one.text) for one in open_),
            {one.id: one.state for one in await store_incidents.listing(conn)},
        )

    async def _heard(
        self, step: ReplayStep, fresh: Sequence[DecisionLine], at: datetime
    ) -> ReplayDecision:
        """The decision on a signal."""
        key = step.signal.key if step.signal else ""
        stored = await self.stage.service.database.read(
            lambda conn: store_signals.listing(conn, service=self.service, limit=50)
        )
        mine = next(one for one in stored if one.signal.key == key)
        action, reason = str(mine.action), str(mine.reason)
        led = [
            one for one in fresh if (str(one.entry.action), str(one.entry.reason)) == (action, reason)
        ]
        return ReplayDecision(at, action, reason, led[0].alert if led else None, step)

    def _by_time(
        self, seen: Seen, fresh: Sequence[DecisionLine], heard: ReplayDecision | None, at: datetime
    ) -> Iterator[ReplayDecision]:
        """What was decided because time had passed, and what a lapsed promise led to."""
        known = (heard.action, heard.reason) if heard else None
        for line in fresh:
            mine = (str(line.entry.action), str(line.entry.reason))
            if mine != known:
                yield ReplayDecision(at, *mine, line.alert)
            known = None if mine == known else known
        ledger = {line.alert for line in seen.lines}
        for alert in seen.alerts:
            if not self._first_time(alert.id) or alert.author_id is not None:
                continue
            if alert.id not in ledger:
                yield ReplayDecision(at, str(IncidentAction.REMIND), LAPSED, alert.id)

    async def _note_alerts(
        self, seen: Seen, fresh: Sequence[DecisionLine], out: Collection[str]
    ) -> None:
        for name in out:
            if not await self.stage.signed(name):
                self._by_itself.add(name)
        said = {line.alert: str(line.entry.state) for line in fresh if line.alert}
        for alert in seen.alerts:
            self._kinds[alert.id] = alert.kind
            self._states.setdefault(alert.id, said.get(alert.id) or seen.states.get(alert.incident))

    def _post(self, one: Post, at: datetime) -> ReplayPost:
        return ReplayPost(
            at,
            "memory",
            one.lang,
            self._kinds[one.alert],
            self._states[one.alert],
            one.text,
            one.alert in self._by_itself,
            one.alert,
        )

    def _held_back(self, seen: Seen, step: ReplayStep | None, at: datetime) -> Iterator[Refusal]:
        """What waits, once for each reason, and again for every claim that it is over."""
        reason = Reason(seen.standing.reason) if seen.standing and seen.standing.reason else None
        news = reason != self._held or (step is not None and step.role is EntryRole.CLAIM)
        self._held = reason
        if reason in HELD_BACK and news:
            yield Refusal(at, HELD_BACK[reason], str(reason))

    def _not_sent(self, seen: Seen, at: datetime) -> Iterator[Refusal]:
        for alert in seen.alerts:
            expired = alert.state is AlertState.EXPIRED
            gone = expired or (alert.state is AlertState.DISCARDED and alert.author_id is None)
            if gone and self._first_time(f"-{alert.id}"):
                yield Refusal(at, alert.kind, "expired" if expired else "overtaken", alert.reason or "")
        for key, text in seen.stuck:
            if self._first_time(key):
                yield Refusal(at, "rule", "rule_stuck", text)

    def _first_time(self, key: str) -> bool:
        fresh = key not in self._told
        self._told.add(key)
        return fresh
