"""Plays a case: its entries at their times, people's actions after their delay, and the watcher's own
checks in between."""

import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from alertbot.alerts import store_reading
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import Refused
from alertbot.core.model import AlertState
from alertbot.core.words import _, ngettext
from alertbot.numbers import changing
from alertbot.numbers.reading import read_numbers
from alertbot.numbers.rules_entry import NumberRow, Standing
from alertbot.regions import facts
from alertbot.rehearsal.replay import signals_of
from alertbot.rehearsal.replay.by_hand import (
    END,
    INQUIRY,
    NUMBERS,
    WITHDRAWAL,
    NotDone,
    ReplayedPeople,
    reason_of,
)
from alertbot.rehearsal.replay.results import Refusal, Replay, ReplayBuilder, ReplayDecision, first_word
from alertbot.rehearsal.replay.signals_of import (
    EntryRole,
    ReplayStep,
    Supply,
    began_at,
    fault_of,
    first_trouble,
    steps_of,
)
from alertbot.rehearsal.replay.stage import Playbook, Stage, languages_of, staged
from alertbot.rehearsal.replay.timeline import NumberItem, Timeline, said
from alertbot.watch import watching
from alertbot.watch.rules_log import State

Job = Callable[[], Awaitable[None]]
A_MOMENT, A_MINUTE = timedelta(seconds=1), timedelta(minutes=1)
EMERGENCY_CALLS = {"fr": "des appels d’urgence", "en": "some emergency calls"}


async def play(
    timeline: Timeline,
    playbook: Playbook,
    *,
    approver_delay: timedelta,
    progress: Callable[[datetime], None] = lambda _at: None,
) -> Replay:
    """Play the case with alertbot. `approver_delay`: how long a person takes to answer. `progress` is
    called at every step. Raises `Misuse` for an unusable case, `StoreFailed`."""
    steps = steps_of(timeline)
    replay = Replay(timeline, steps, fault_of(timeline), first_trouble(steps), first_word(timeline))
    if all(step.silent for step in steps):
        replay.decisions += [_untold(step) for step in steps]
        return replay
    with facts.using(timeline.region):
        await _play(replay, playbook, approver_delay, progress)
    return replay


async def _play(
    replay: Replay, playbook: Playbook, delay: timedelta, progress: Callable[[datetime], None]
) -> None:
    timeline, steps = replay.timeline, replay.steps
    service, title = timeline.case, {**EMERGENCY_CALLS, **timeline.service}
    where = timeline.where
    begins = min(step.entry.at for step in steps if not step.silent)
    languages = languages_of(timeline.region)
    names = {lang: {"service": said(title, lang), "where": where} for lang in languages}
    async with staged(
        playbook,
        timeline.region,
        begins,
        service=service,
        title=title,
        zone=timeline.zone.key,
        where=where,
    ) as stage:
        since = began_at(timeline) or replay.known
        desk = ReplayedPeople(stage, playbook.by_hand, names, where, service, since)
        gathering = ReplayBuilder(stage, replay, service)
        await _Player(stage, desk, replay, gathering, delay, progress).run()


def _untold(step: ReplayStep) -> ReplayDecision:
    """An entry that says nothing to the watcher."""
    reasons = {EntryRole.FAULT: "not_known_yet", EntryRole.UNKNOWN: "unknown_state"}
    return ReplayDecision(step.entry.at, "drop", reasons.get(step.role, "history"), step=step)


@dataclass
class _Player:
    stage: Stage
    desk: ReplayedPeople
    replay: Replay
    gathering: ReplayBuilder
    delay: timedelta
    progress: Callable[[datetime], None]
    _place: int = 0  # the next step
    _jobs: list[tuple[datetime, int, Job]] = field(default_factory=list)
    _numbered: "count[int]" = field(default_factory=count)
    _asked: set[str] = field(default_factory=set)  # alerts that people will answer
    _supply: Supply = field(default_factory=Supply)
    _confirmed: datetime | None = None  # when somebody last vouched that it works again
    _inquiry: ReplayStep | None = None  # to be told once it is over
    _over: bool = False  # the public was told so
    _until: datetime = field(init=False)  # nothing can change after this

    def __post_init__(self) -> None:
        self._until = self._end()

    async def run(self) -> None:
        """Every step, until nothing can change any more."""
        for rule, why in self.stage.not_ahead.items():
            self._refuse(rule, "not_approved_ahead", why)
        self._supply = await self._read_numbers()
        while (job := self._next(self._until)) is not None:
            await job()
        if self._inquiry:
            sentence = _("It is told once it is over, and nobody concerned has said so yet.")
            self._refuse(INQUIRY, "not_over", sentence)
        replay = self.replay
        replay.decisions.sort(key=lambda one: one.at)
        replay.refused.sort(key=lambda one: one.at)
        replay.titles = self.stage.titles({one.kind for one in replay.posts})

    def _next(self, end: datetime) -> Job | None:
        """The next event: a person's answer before a new entry, an entry before another check."""
        steps = self.replay.steps
        moments: list[tuple[datetime, int, Job]] = []
        if self._jobs and self._jobs[0][0] <= end:
            moments.append((self._jobs[0][0], 0, self._answer))
        if self._place < len(steps):
            moments.append((steps[self._place].entry.at, 1, self._entry))
        ahead = self.stage.looked_ahead
        if ahead is not None:
            ahead = max(ahead, self.stage.clock() + A_MOMENT)
            if ahead <= end:
                moments.append((ahead, 2, self._look))
        return min(moments, key=lambda one: one[:2])[2] if moments else None

    def _end(self) -> datetime:
        """The last entry that says something, plus the watch period and the delays."""
        last = max(step.entry.at for step in self.replay.steps if not step.silent)
        policy = self.stage.service.watch.policy_of(self.gathering.service)
        return last + policy.watch + policy.confirm_up.length + policy.dwell + 3 * self.delay + A_MINUTE

    # --- one moment -------------------------------------------------------------------------------

    async def _answer(self) -> None:
        at, _number, job = heapq.heappop(self._jobs)
        self._at(at)
        await job()
        await self._work()

    async def _look(self) -> None:
        self._at(max(self.stage.looked_ahead or self.stage.clock(), self.stage.clock() + A_MOMENT))
        await self._work()

    async def _entry(self) -> None:
        step = self.replay.steps[self._place]
        self._place += 1
        if step.role is EntryRole.INQUIRY:
            await self._inquired(step)
        if step.silent:
            self.replay.decisions.append(_untold(step))
            return
        self._at(step.entry.at)
        if step.role is EntryRole.CONFIRMATION:
            self._confirmed = step.entry.at
            await self.desk.note_confirmation(step.entry.actor)
        if step.signal:
            await watching.take(self.stage.service, [step.signal])
            await self._work(step)
        elif step.role in (EntryRole.HISTORY, EntryRole.UNKNOWN):
            self.replay.decisions.append(_untold(step))
        await self._by_hand(step)
        await self._work()

    def _at(self, moment: datetime) -> None:
        self.stage.clock.set(moment)
        self.progress(moment)

    async def _work(self, step: ReplayStep | None = None) -> None:
        seen = await self.gathering.after(await self.stage.work(), step)
        for alert in seen.alerts:
            if alert.state is AlertState.PENDING and alert.id not in self._asked:
                self._asked.add(alert.id)
                await self._date_end(alert)
                self._later(self._approval(alert.id))
        said = [one.state == State.RESOLVED for one in self.replay.posts[-1:]]
        self._over = said[0] if said else False
        if self._over:
            await self._tell_inquiry()

    def _later(self, job: Job) -> None:
        heapq.heappush(self._jobs, (self.stage.clock() + self.delay, next(self._numbered), job))

    def _approval(self, name: str) -> Job:
        async def answer() -> None:
            alert = await self.stage.service.database.read(lambda conn: store_reading.get(conn, name))
            if alert.state is not AlertState.PENDING:
                return
            try:
                await self.stage.approve(alert)
            except Refused as error:
                self._refuse(alert.kind, reason_of(error), str(error))

        return answer

    async def _date_end(self, alert: Alert) -> None:
        if alert.kind != END or alert.author_id is not None or self._confirmed is None:
            return
        try:
            await self.desk.date_end(alert.id, self._confirmed)
        except NotDone as error:
            self._refuse(error.what, error.reason, str(error))

    # --- what people do by themselves -------------------------------------------------------------

    async def _by_hand(self, step: ReplayStep) -> None:
        """What an entry makes people do: deny, withdraw, enter numbers."""
        named = {one.action for one in step.entry.numbers}
        if step.role is EntryRole.FALSE_ALERT:
            await self._note_result(step, "open", self.desk.deny_alert(step.entry))
        if step.role is EntryRole.FALSE_NUMBER or "false" in named:
            for item in _false(step.entry.numbers):
                await self._note_result(step, "update", self.desk.deny_number(item))
        if step.role is EntryRole.FEWER_NUMBERS or "withdraw" in named:
            await self._withdraw(step)
        await self._more_numbers(step)

    async def _note_result(self, step: ReplayStep, action: str, writing: Awaitable[str]) -> None:
        """Record what a person wrote because of this entry, or why they could not."""
        alert = None
        try:
            alert = await writing
        except NotDone as error:
            self._refuse(error.what, error.reason, str(error))
        done = (action, "by_hand") if alert else ("drop", "not_done")
        self.replay.decisions.append(ReplayDecision(step.entry.at, *done, alert, step))

    async def _inquired(self, step: ReplayStep) -> None:
        """The first entry that promises findings is told; the next reports them."""
        if self._findings(step) is None:
            return
        self._inquiry = self._inquiry or step
        if self._over and self._inquiry is step:
            self._at(step.entry.at)
            self._until = max(self._until, step.entry.at + 2 * self.delay)
            await self._tell_inquiry()

    def _findings(self, step: ReplayStep) -> datetime | None:
        """When the findings are due: as the entry says, else when the next inquiry of the case reports."""
        later = (
            one.entry.at
            for one in self.replay.steps
            if one.role is EntryRole.INQUIRY and one.entry.at > step.entry.at
        )
        return step.entry.findings_at or next(later, None)

    async def _tell_inquiry(self) -> None:
        step, self._inquiry = self._inquiry, None
        due = self._findings(step) if step else None
        if step is None or due is None or due <= self.stage.clock():
            return
        try:
            await self.desk.tell_inquiry(step.entry, due)
        except NotDone as error:
            self._refuse(error.what, error.reason, str(error))
        await self._work()

    async def _withdraw(self, step: ReplayStep) -> None:
        items = step.entry.numbers
        for query in await self.desk.missing(items):
            sentence = _("The register never had a number for {query}.").format(query=query)
            self._refuse(WITHDRAWAL, "no_such_row", sentence)
        if any(one.action == "withdraw" for one in items):
            await self._note_result(step, "update", self.desk.withdraw(items))
            return
        sentence = _("The entry names no rows, and they are not guessed from its text.")
        self._refuse(WITHDRAWAL, "names_no_rows", sentence)
        self.replay.decisions.append(ReplayDecision(step.entry.at, "drop", "names_no_rows", None, step))

    async def _more_numbers(self, step: ReplayStep) -> None:
        """Enter numbers; nobody publishes them before another person has called them (R3)."""
        rows = (*self._supply.at(step), *self._added(step))
        if not rows:
            return
        try:
            await self.desk.enter(rows, signals_of.FILE)
            await self.desk.tell_numbers(Standing.UNVERIFIED)
        except NotDone as error:
            self._refuse(error.what, error.reason, str(error))
        self._later(self._verified)

    async def _verified(self) -> None:
        try:
            if await self.desk.read_back():
                await self.desk.tell_numbers()
        except NotDone as error:
            self._refuse(error.what, error.reason, str(error))

    def _added(self, step: ReplayStep) -> tuple[NumberRow, ...]:
        added = [dict(one.row) for one in step.entry.numbers if one.action == "add"]
        read = read_numbers(added)
        for fault in read.faults:
            self._refuse(NUMBERS, fault.rule, fault.message)
        return read.rows

    async def _read_numbers(self) -> Supply:
        """The rows of the case's file, by the entry that they are imported with."""
        path = self.replay.timeline.folder / signals_of.FILE
        door = signals_of.gate(self.replay.steps)
        if not path.exists():
            return Supply()
        read = changing.read(path, door.entry.at if door else self.stage.clock())
        supply = signals_of.supply(read.rows, self.replay.steps, self.replay.timeline.zone)
        for fault in read.faults:
            self._refuse(NUMBERS, fault.rule, fault.message)
        if supply.late:
            said = ngettext(
                "{n} number came after the last disruption.",
                "{n} numbers came after the last disruption.",
                len(supply.late),
            )
            self._refuse(NUMBERS, "too_late", said.format(n=len(supply.late)))
        return supply

    def _refuse(self, what: str, reason: str, sentence: str) -> None:
        self.replay.refused.append(Refusal(self.stage.clock(), what, reason, sentence))


def _false(items: tuple[NumberItem, ...]) -> list[NumberItem | None]:
    """The false numbers of an entry; one without a number if none is named."""
    return [one for one in items if one.action == "false"] or [None]
