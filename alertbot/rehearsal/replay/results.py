"""The results of a replay: at every step what was decided, what was published, what was not and why; and
what the public could read at the time, according to the case."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import datetime

from alertbot.alerts import store_incidents, store_reading
from alertbot.alerts.store_reading import Alert
from alertbot.core.frozen import dataclass
from alertbot.core.model import AlertState
from alertbot.db.sql import Connection
from alertbot.people import store_tasks
from alertbot.rehearsal.replay.signals_of import (
    CALM,
    RESOLVED,
    TROUBLE,
    EntryRole,
    ReplayStep,
    fault_of,
    witnesses,
)
from alertbot.rehearsal.replay.stage import ChannelPost, Stage
from alertbot.rehearsal.replay.timeline import CaseEntry, Timeline
from alertbot.watch import store_decisions, store_signals
from alertbot.watch.reacting import STUCK
from alertbot.watch.rules_log import IncidentAction, Reason
from alertbot.watch.store_decisions import DecisionLine, Watched

SPOKEN = frozenset({*TROUBLE, *CALM, RESOLVED, "correction"})
"""States of entries that tell the public something, where their channel reaches it."""

_NOBODY = re.compile(
    r"^(none|no|aucun\w*|rien)\b|\b(internal|interne|later|plus tard)\b", re.IGNORECASE
)
_PRIVATE = re.compile(
    r"\b(phone|t[ée]l[ée]phone|calls?|appels?|drill|exercise|exercice|cell|cellule|meeting|r[ée]union|visite?"
    r"|notice to|avis aux?|network|r[ée]seau|alert system|plans?|observation)\b(?! social)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"[,;+&]")


def is_public(entry: CaseEntry) -> bool:
    """Whether anyone could read it: by the case's own `public:`, else by its channel's name. Of several
    channels one is enough; an entry without a channel is not public."""
    if entry.public is not None:
        return entry.public
    channel = re.sub(r"\(.*?\)", "", entry.channel).strip()
    if _NOBODY.search(channel):
        return False
    return any(part.strip() and not _PRIVATE.search(part) for part in _BETWEEN.split(channel))


def first_word(timeline: Timeline) -> CaseEntry | None:
    """The first entry after the fault that told the public about it, or None."""
    fault = fault_of(timeline)
    if fault is None:
        return None
    after = timeline.entries[timeline.entries.index(fault) :]
    return next((one for one in after if one.state in SPOKEN and is_public(one)), None)


@dataclass(frozen=True, slots=True)
class ReplayDecision:
    """A decision. `step`: the entry that led to it; None if only time did."""

    at: datetime
    action: str
    reason: str
    alert: str | None = None
    step: ReplayStep | None = None


@dataclass(frozen=True, slots=True)
class ReplayPost:
    """One post as the public would have read it, the `part`th of `parts`. `state`: of the incident, as the
    alert gives it."""

    at: datetime
    channel: str
    lang: str
    kind: str
    state: str | None
    text: str
    by_itself: bool
    alert: str = ""
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that was not published. `reason`: a fixed word; `sentence`: for people."""

    at: datetime
    what: str
    reason: str
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class FirstPostView:
    """The first post of ours. Delays are seconds from the fault; `signal_delay_seconds` from the first signal
    of trouble, `real_delay_seconds` that of the first public word at the time."""

    at: datetime | None
    delay_seconds: float | None
    signal_delay_seconds: float | None
    real_delay_seconds: float | None


@dataclass(frozen=True, slots=True)
class ReplayDecisionView:
    """A decision; `signal`: the state of the entry that led to it, None where time alone did."""

    at: datetime | None
    signal: str | None
    action: str
    reason: str
    alert: str | None


@dataclass(frozen=True, slots=True)
class ReplayPostView:
    """A post that would have gone out, the `part`th of `parts`. `state`: of the incident, as its alert tells
    it. `approval` is `auto` or `person`."""

    at: datetime | None
    alert: str
    channel: str
    lang: str
    part: int
    parts: int
    kind: str
    state: str | None
    text: str
    approval: str


@dataclass(frozen=True, slots=True)
class RefusedView:
    """What was held back or refused; `reason` is one word."""

    at: datetime | None
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReplayView:
    """A case that was played. `to_ask`: who could confirm that it is over, where nobody in the case has."""

    case: str
    fault_at: datetime | None
    first_public_post: FirstPostView
    decisions: tuple[ReplayDecisionView, ...]
    posts: tuple[ReplayPostView, ...]
    refused: tuple[RefusedView, ...]
    to_ask: tuple[str, ...]


@dataclass
class Replay:
    """A played case. `fault`: when it began; `known`: when it could first have been known; `reality`:
    the first entry that told the public at the time; `titles`: of kinds, by language."""

    timeline: Timeline
    steps: tuple[ReplayStep, ...]
    fault: CaseEntry | None
    known: datetime | None
    reality: CaseEntry | None
    decisions: list[ReplayDecision] = field(default_factory=list)
    posts: list[ReplayPost] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    titles: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def first_post(self) -> ReplayPost | None:
        return min(self.posts, key=lambda one: one.at, default=None)

    @property
    def over(self) -> ReplayPost | None:
        """The last post, if it says that it is over."""
        last = next((one for one in reversed(self.posts) if one.kind != "inquiry"), None)
        return last if last and last.state == RESOLVED else None

    @property
    def to_ask(self) -> tuple[str, ...]:
        """Who could confirm that it is over: those who saw the trouble. Empty if it was over, or was no fault."""
        failed = any(step.role is EntryRole.TROUBLE for step in self.steps)
        return witnesses(self.timeline) if failed and self.posts and not self.over else ()

    def since_fault(self, at: datetime | None) -> float | None:
        """Seconds from the fault until this time."""
        return _between(self.fault.at if self.fault else None, at)

    def view(self) -> ReplayView:
        """What `alertbot replay --json` prints; None where a thing did not happen."""
        first = self.first_post
        return ReplayView(
            case=self.timeline.case,
            fault_at=self._local(self.fault.at if self.fault else None),
            first_public_post=FirstPostView(
                at=self._local(first.at if first else None),
                delay_seconds=self.since_fault(first.at if first else None),
                signal_delay_seconds=_between(self.known, first.at if first else None),
                real_delay_seconds=self.since_fault(self.reality.at if self.reality else None),
            ),
            decisions=tuple(self._decision(one) for one in self.decisions),
            posts=tuple(self._post(one) for one in self.posts),
            refused=tuple(
                RefusedView(self._local(one.at), one.what, one.reason) for one in self.refused
            ),
            to_ask=self.to_ask,
        )

    def _decision(self, one: ReplayDecision) -> ReplayDecisionView:
        signal = one.step.entry.state if one.step else None
        return ReplayDecisionView(self._local(one.at), signal, one.action, one.reason, one.alert)

    def _post(self, one: ReplayPost) -> ReplayPostView:
        return ReplayPostView(
            at=self._local(one.at),
            alert=one.alert,
            channel=one.channel,
            lang=one.lang,
            part=one.part,
            parts=one.parts,
            kind=one.kind,
            state=one.state,
            text=one.text,
            approval="auto" if one.by_itself else "person",
        )

    def _local(self, at: datetime | None) -> datetime | None:
        """A time with the case's own offset."""
        return at.astimezone(self.timeline.zone) if at else None


def _between(begin: datetime | None, end: datetime | None) -> float | None:
    return (end - begin).total_seconds() if begin and end else None


LEFT_OUT = "left_out"  # of one channel and language, because the text does not fit
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
    """The content of the store at one step."""

    lines: tuple[DecisionLine, ...]  # decisions, oldest first
    alerts: tuple[Alert, ...]
    standing: Watched | None
    stuck: tuple[tuple[str, str], ...]  # tasks about rules that could not be carried out
    states: dict[str, str | None]  # by incident


@dataclass
class ReplayBuilder:
    """Fills a `Replay`. `by_hand`: alerts that a person wrote."""

    stage: Stage
    replay: Replay
    service: str
    _lines: int = 0
    _held: str | None = None
    _local: set[str] = field(default_factory=set)  # alerts and tasks that were reported
    _states: dict[str, str | None] = field(
        default_factory=dict
    )  # by alert: the incident's, as it tells it
    _kinds: dict[str, str] = field(default_factory=dict)
    _by_itself: set[str] = field(default_factory=set)

    async def after(self, published: Sequence[ChannelPost], step: ReplayStep | None = None) -> Seen:
        """Record what happened at this step; `step`: the entry just processed."""
        at = self.stage.clock()
        seen = await self.stage.service.database.read(self._look)
        fresh = [line for line in seen.lines if line.id > self._lines]
        self._lines = max([self._lines, *(line.id for line in fresh)])
        await self._note_alerts(seen, fresh, {one.post.alert for one in published})
        heard = await self._heard(step, fresh, at) if step and step.signal else None
        self.replay.decisions += [*([heard] if heard else ()), *self._by_time(seen, fresh, heard, at)]
        self.replay.posts += [self._post(one, at) for one in published]
        self.replay.refused += self._left_out(seen, {one.post.alert for one in published}, at)
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
        """What was decided because time had passed, and what an overdue promise led to."""
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

    def _post(self, published: ChannelPost, at: datetime) -> ReplayPost:
        one = published.post
        return ReplayPost(
            at=at,
            channel=published.channel,
            lang=one.lang,
            kind=self._kinds[one.alert],
            state=self._states[one.alert],
            text=one.text,
            by_itself=one.alert in self._by_itself,
            alert=one.alert,
            part=one.part,
            parts=one.parts,
        )

    def _left_out(self, seen: Seen, out: Collection[str], at: datetime) -> Iterator[Refusal]:
        """Where an alert did not go although it went elsewhere: its text does not fit there."""
        for alert in seen.alerts:
            if alert.id in out and self._first_time(f"omitted {alert.id}"):
                for one in alert.omitted:
                    yield Refusal(at, alert.kind, LEFT_OUT, one.reason)

    def _held_back(self, seen: Seen, step: ReplayStep | None, at: datetime) -> Iterator[Refusal]:
        """What is held back, once for each reason, and again for every claim that it is over."""
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
        fresh = key not in self._local
        self._local.add(key)
        return fresh
