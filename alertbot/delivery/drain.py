"""The only code that publishes, and the only place that waits for a slot.

For each delivery: claim it with its slot → wait for the slot → commit the intent → make the call →
decide what follows (`rules_retry.next_step`) → commit the outcome. A worker that dies at any point
leaves a row that says how far it got.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import inf
from typing import Any

from alertbot.channels.base import Adapter
from alertbot.core.errors import ChannelError, Rejected, Scope, Uncertain, safe
from alertbot.core.model import Action, DeliveryState, Markup, Receipt
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery import (
    store_accounts,
    store_claim,
    store_content,
    store_expansion,
    store_settle,
    store_suppressed,
)
from alertbot.delivery.calls import Calls, Flight, Turns, portion
from alertbot.delivery.content import WITHIN_THE_TEAM, ContentCache, DispatchContent
from alertbot.delivery.lanes import Lanes, want_of
from alertbot.delivery.ledger import Ledger, Result
from alertbot.delivery.rules_retry import (
    Answer,
    Circumstances,
    NextStep,
    Superseded,
    next_step,
    repeat_lapsed,
)
from alertbot.delivery.store_accounts import Account, Push
from alertbot.delivery.store_claim import Claim, Claimed
from alertbot.delivery.store_content import DispatchFacts
from alertbot.delivery.store_deliveries import Outcome
from alertbot.delivery.store_settle import Doubt, Settlement

log = logging.getLogger(__name__)

LONGEST_CALL = 900.0  # seconds, a last resort: the adapters have limits of their own
SHORT_WAIT = 1.0  # a drain waits this long for a slot itself; longer waits are the runner's
TO_A_TARGET = frozenset({Action.PUBLISH.value, Action.PICTURE.value})
REPEATABLE = frozenset({Action.EDIT.value, Action.DELETE.value, Action.PIN.value})
DOUBTS = 100  # that are asked about in one go
DOUBT_LEASE = 150.0  # how long one may take to ask a channel about an uncertain post


class Drain:
    """Sends what is due on the accounts of `adapters` (by channel name). `sent` is called with every
    channel on which something was published."""

    def __init__(
        self,
        adapters: Mapping[str, Adapter[Any]],
        ledger: Ledger,
        *,
        concurrency: int = 256,
        longest_call: float = LONGEST_CALL,
        sent: Callable[[str], None] = lambda _channel: None,
    ) -> None:
        self.adapters = adapters
        self.ledger = ledger
        self.stopping = False
        self.sent = sent
        self._concurrency = concurrency
        self.calls = Calls(adapters, ledger.database, longest_call)
        self.turns = Turns()
        self._letters = ContentCache(ledger.database, ledger.hooks)
        self._accounts: dict[str, Account] = {}
        self._flights: dict[int, float] = {}  # delivery id: monotonic moment of its claim
        self._jitter = random.Random()  # noqa: S311 - no secret
        self._places = {name: asyncio.Semaphore(one.at_once) for name, one in adapters.items()}
        self._ahead = {
            name: Flight(one.at_once) for name, one in adapters.items() if one.spec.per_recipient
        }
        self._lanes: dict[
            str, Lanes
        ] = {}  # of the accounts with many recipients that are being drained

    def hang_up(self) -> None:
        """Start no further call and stop waiting for those in progress: see `Calls.hang_up`."""
        self.stopping = True
        self.calls.hang_up()
        for lanes in self._lanes.values():
            lanes.hang_up()

    async def drain(self, name: str) -> None:
        """Send what is due on one account until nothing is, or another worker has booked its slots."""
        if name not in self._accounts:
            await self.ledger.database.read(self.learn_accounts)
        if name in self._accounts:
            await _DrainRound(self, self._accounts[name]).run()

    async def learn_accounts(self, conn: Connection) -> None:
        """Read the paces of this worker's accounts in advance, so that an alert does not wait for it."""
        found = await store_accounts.named(conn, sorted(self.adapters))
        self._accounts = {one.name: one for one in found}

    def places(self, name: str) -> int:
        """How many deliveries of a channel to hold at a time: no more than will soon be in progress, or
        more urgent ones would wait behind them."""
        ahead = self._ahead.get(name)
        return min(self._concurrency, 3 * ahead.size if ahead else 2 * self.adapters[name].at_once)

    def lanes(self, whose: Account, landed: Callable[[], None]) -> Lanes | None:
        """How an account with many recipients is served; None: each delivery is a task of its own."""
        name = whose.name
        if name in self._ahead:
            self._lanes[name] = Lanes(self, whose, self.adapters[name], self._ahead[name], landed)
        return self._lanes.get(name)

    async def expand(self, whose: Account) -> bool:
        """Queue the next portion of a large list on the account. Returns whether more may be left."""
        database, mine = self.ledger.database, store_expansion.of_account(whose.id)
        if not await database.read(lambda conn: store_expansion.any_left(conn, mine)):
            return False
        return await database.transact(lambda conn: store_expansion.go_on(conn, mine))

    async def claim(self, whose: Account, n: int) -> Claim:
        """Claim up to `n` deliveries of the account."""
        ledger = self.ledger
        return await ledger.database.transact(
            lambda conn: store_claim.claim(conn, whose, n, worker=ledger.worker, lease=ledger.lease)
        )

    async def content_of(self, whose: Account, claim: Claim) -> DispatchContent | None:
        """The content of claimed rows (all of one dispatch). None: they may not be sent and have been
        failed with the reason."""
        adapter, rows = self.adapters[whose.name], claim.rows
        letter = await self._letters.judged(rows, adapter.spec.markup, claim.turn)
        if letter.refusal is None:
            return letter
        ids = [row.id for row in rows]
        refusal, worker = letter.refusal, self.ledger.worker
        await self.ledger.database.transact(
            lambda conn: store_claim.give_back(conn, ids, worker=worker)
        )
        while await self.ledger.record(lambda conn: self._refuse(conn, letter.envelope, refusal)):
            pass
        return None

    async def wanted(self, rows: Sequence[Claimed], letter: DispatchContent) -> Sequence[Claimed]:
        """The claimed rows without those of addresses that are not to be written to; these are skipped."""
        to_the_team = letter.envelope.purpose in WITHIN_THE_TEAM
        if to_the_team or self.adapters[letter.envelope.channel].spec.markup is not Markup.EMAIL:
            return rows
        addresses = [row.target for row in rows]
        found = await self.ledger.database.read(lambda conn: store_suppressed.reasons(conn, addresses))
        if found:
            why, worker = (
                {one.id: found[one.target] for one in rows if one.target in found},
                self.ledger.worker,
            )
            await self.ledger.record(lambda conn: store_suppressed.skip(conn, why, worker=worker))
        return [row for row in rows if row.target not in found]

    async def _refuse(self, conn: Connection, envelope: DispatchFacts, why: str) -> Sequence[Outcome]:
        outcomes = await store_settle.fail_dispatch(conn, envelope.dispatch, why)
        if outcomes and self.ledger.hooks.refused:
            await self.ledger.hooks.refused(conn, envelope, why)
        return outcomes

    async def deliver(self, row: Claimed, slot: float, gap: float, letter: DispatchContent) -> None:
        """One post, from its slot to its committed outcome."""
        channel = letter.envelope.channel
        if letter.pictures:
            await self.calls.prepare(channel, letter.post(row))
        want = want_of(row, letter)
        moments = self.ledger.moments
        begins = await moments.reserve(want, slot)
        if begins is None:
            return
        apart, early = moments.turns(want, gap)
        await self.turns.take(channel, apart, begins - early)
        async with self._places[channel]:
            if self.calls.hung_up or not await self.ledger.intend(want):
                return
            may = await self.ledger.begin(want)
            if may and not self.calls.hung_up:
                result = self.result(row, letter, await self.call(row, letter))
                await self.ledger.settle(result)
                await self.told([result])
            else:
                await self.ledger.call_back(row.id, row.dispatch)

    def hold(self, rows: Iterable[Claimed]) -> None:
        """Their leases are renewed from now on."""
        self._flights |= dict.fromkeys((row.id for row in rows), time.monotonic())

    def let_go(self, rows: Iterable[Claimed]) -> None:
        """They are over, or somebody else's."""
        for row in rows:
            self._flights.pop(row.id, None)  # claimed anew after its lease was over, it is here twice

    def result(self, row: Claimed, letter: DispatchContent, answer: Answer) -> Result:
        """What is to be written of a call."""
        attempt = row.attempts + 1
        self._note(letter.envelope.channel, answer)
        result = _result(self._step(answer, row, letter, attempt), row, letter, attempt=attempt)
        gone = isinstance(answer, Rejected) and answer.gone
        return result._replace(gone=(row.target, gone)) if gone else result

    async def told(self, results: Sequence[Result]) -> None:
        """These results are committed."""
        for channel in {one.channel for one in results if one.settlement.state is DeliveryState.SENT}:
            self.sent(channel)
        for one in results:
            if one.gone and self.ledger.hooks.gone:
                await self.ledger.hooks.gone(*one.gone, one.channel)

    def refusal(self, row: Claimed, letter: DispatchContent) -> Rejected | None:
        """Why this delivery is not sent although its dispatch is."""
        if (
            letter.targets is not None
            and row.action in TO_A_TARGET
            and row.target not in letter.targets
        ):
            told = _("Not sent: this target is not among those approved for {alert}.")
            return Rejected(told.format(alert=letter.envelope.alert), scope=Scope.RECIPIENT)
        return None

    async def call(self, row: Claimed, letter: DispatchContent) -> Answer:
        """Make the call of a delivery whose intent is committed."""
        channel = letter.envelope.channel
        if refused := self.refusal(row, letter):
            return refused
        if row.action == Action.EDIT and (superseded := await self._superseded(row, letter)):
            return superseded
        if repeat_lapsed(self._circumstances(row, letter, attempt=row.attempts)):
            return await self.calls.find_late(channel, letter.post(row))
        return await self.calls.publish(channel, letter.post(row))

    def _note(self, channel: str, answer: Answer) -> None:
        if self.ledger.hooks.failed and isinstance(answer, ChannelError):
            self.ledger.hooks.failed(channel, type(answer).__name__)

    async def _superseded(self, row: Claimed, letter: DispatchContent) -> Superseded | None:
        """Whether a later edit has overtaken this one, which waited (a pause, a retry) and must not undo
        it (R35)."""
        database = self.ledger.database
        if await database.read(lambda conn: store_content.superseded(conn, row.id)):
            return Superseded(
                _("Not done: the post now has a later text than {alert}, or is gone.").format(
                    alert=letter.envelope.alert
                )
            )
        return None

    def _step(
        self, answer: Answer, row: Claimed | Doubt, letter: DispatchContent, attempt: int
    ) -> NextStep:
        return next_step(answer, self._circumstances(row, letter, attempt))

    def _circumstances(
        self, row: Claimed | Doubt, letter: DispatchContent, attempt: int
    ) -> Circumstances:
        spec, held = self.adapters[letter.envelope.channel].spec, self._flights.get(row.id)
        waited = 0.0 if held is None else time.monotonic() - held
        return Circumstances(
            attempt=attempt,
            when_uncertain=letter.envelope.when_uncertain,
            resent=row.resent,
            may_resend=spec.per_recipient and not spec.public_post,
            repeatable=row.action in REPEATABLE,
            side=row.action != Action.PUBLISH,
            repeat_safe=spec.repeat_safe.total_seconds() if spec.repeat_safe else 0.0,
            age=inf if row.age is None else row.age + waited,
            jitter=self._jitter.random(),
        )

    async def renew(self) -> None:
        """Keep the leases of calls that take long."""
        lease, worker = self.ledger.lease, self.ledger.worker
        old = time.monotonic() - lease / 4
        ids = [number for number, since in self._flights.items() if since < old]
        if ids:
            await self.ledger.database.transact(
                lambda conn: store_claim.renew(conn, ids, worker=worker, lease=lease)
            )

    async def resolve(self) -> bool:
        """Look up deliveries whose worker died during the call; those that cannot be looked up follow
        the kind's policy. Returns whether there may be more of them."""
        asked = {name for name, one in self.adapters.items() if one.spec.can_reconcile}
        more = await self._resolve_some(sorted(asked), DOUBT_LEASE)
        return await self._resolve_some(sorted(self.adapters.keys() - asked), self.ledger.lease) or more

    async def _resolve_some(self, names: Sequence[str], lease: float) -> bool:
        """`lease`: if this worker dies over them too, another has to wait for so long."""
        doubts = await self.ledger.database.transact(
            lambda conn: store_settle.take_doubts(conn, names, lease=lease, limit=DOUBTS)
        )
        left = [doubt.id for doubt in doubts if not await self._resolve(doubt)]
        if left:
            await self.ledger.database.transact(lambda conn: store_settle.leave_doubts(conn, left))
        return len(doubts) == DOUBTS

    async def _resolve(self, doubt: Doubt) -> bool:
        """Look up one delivery. Returns whether it is no longer uncertain."""
        adapter = self.adapters[doubt.channel]
        letter = await self._letters.get([doubt], adapter.spec.markup)
        answer: Answer = Uncertain(_("May have been sent: the worker stopped during the call."))
        if adapter.spec.can_reconcile and doubt.action == Action.PUBLISH:
            answer = await self.calls.find(doubt.channel, letter.post(doubt)) or answer
        step = self._step(answer, doubt, letter, attempt=doubt.attempts)
        if step.state is DeliveryState.UNCERTAIN:
            return False
        settlement = _result(step, doubt, letter, attempt=doubt.attempts).settlement
        await self.ledger.record(lambda conn: store_settle.settle(conn, [settlement], worker=None))
        return True


class _DrainRound:
    """One run of `drain` for one account."""

    def __init__(self, drain: Drain, whose: Account) -> None:
        self._drain = drain
        self._whose = whose
        self._tasks: set[asyncio.Task[None]] = set()
        self._landed = asyncio.Event()
        self._unqueued = True  # a large list may have recipients that are not queued yet
        self._lanes = drain.lanes(whose, self._landed.set)

    @property
    def _held(self) -> int:
        return self._lanes.held if self._lanes else len(self._tasks)

    async def run(self) -> None:
        try:
            full = True
            while not self._drain.stopping:
                n = await self._room()
                if not (full or await self._due()):
                    if not self._held:
                        break
                    await self._landing()
                    continue
                self._unqueued = self._unqueued and await self._drain.expand(self._whose)
                claim = await self._claim(n)
                full = len(claim.rows) == n
                if claim.rows:
                    await self._start(claim)
                elif not await self._wait(claim.retry):
                    break
        finally:
            await self._land()

    async def _claim(self, n: int) -> Claim:
        return await (self._lanes.claim(n) if self._lanes else self._drain.claim(self._whose, n))

    async def _due(self) -> bool:
        """Whether something is due. Asked through a reader, so that an idle look takes no write lock."""
        names = [self._whose.name]
        due = await self._drain.ledger.database.read(lambda conn: store_claim.due(conn, names))
        self._unqueued = self._unqueued or bool(due)
        return bool(due)

    async def _room(self) -> int:
        """How many to claim; waits until a quarter of the places is free."""
        places = self._drain.places(self._whose.name)
        while places - self._held < max(1, places // 4):
            await self._landing()
        return portion(self._whose.gap, places - self._held)

    async def _start(self, claim: Claim) -> None:
        now = time.monotonic()
        letter = await self._drain.content_of(self._whose, claim)
        if letter is None:
            return
        rows = await self._drain.wanted(claim.rows, letter)
        self._drain.hold(rows)
        if self._lanes:
            self._lanes.take(rows, letter, now)
            return
        for row in rows:
            slot = now + row.wait
            task = asyncio.create_task(self._drain.deliver(row, slot, self._whose.gap, letter))
            self._tasks.add(task)
            task.add_done_callback(partial(self._ended, row))

    def _ended(self, row: Claimed, task: "asyncio.Task[None]") -> None:
        self._drain.let_go([row])
        self._tasks.discard(task)
        self._landed.set()
        if not task.cancelled() and task.exception() is not None:
            log.error("A delivery was interrupted: %s", safe(repr(task.exception())))

    async def _wait(self, retry: float | None) -> bool:
        """After an empty claim: wait for the next slot. Returns whether it is worth trying again."""
        if self._held:
            await self._landing(retry)
            return True
        if retry is None or retry > SHORT_WAIT:
            return False
        await asyncio.sleep(retry)
        return True

    async def _landing(self, seconds: float | None = None) -> None:
        self._landed.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._landed.wait()
        except TimeoutError:
            pass

    async def _land(self) -> None:
        while self._held:
            await self._landing()
        await self._drain.ledger.rest()


def _result(step: NextStep, row: Claimed | Doubt, letter: DispatchContent, *, attempt: int) -> Result:
    receipt = step.receipt or Receipt("")
    channel = letter.envelope.channel
    settlement = Settlement(
        row.id,
        attempt,
        step.state,
        step.reason,
        receipt.id or None,
        receipt.url,
        receipt.note or None,
        delay=step.delay,
        resent=step.resent,
        without=receipt.without or None,
        followed=row.followed,
    )
    reason = step.reason or ""
    push = None
    if step.push_account is not None:
        push = Push(channel, step.push_account, reason)
    elif step.push_target is not None:
        push = Push(channel, step.push_target, reason, row.target)
    pause = (channel, reason) if step.pause else None
    return Result(settlement, row.dispatch, channel, push, pause)
