"""Intents and outcomes, in transactions that concurrent calls share.

One commit per call would allow about a thousand calls a second; shared commits allow many times that and
leave one writer per process, which suits SQLite.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from alertbot.core.errors import StoreFailed, safe
from alertbot.core.frozen import dataclass
from alertbot.core.loops import GroupCommit
from alertbot.core.model import DeliveryState, Purpose
from alertbot.db import audit
from alertbot.db.database import Database
from alertbot.db.engines import Work
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.delivery import store_accounts, store_claim, store_settle
from alertbot.delivery.calls import Moments
from alertbot.delivery.leaps import ClockWatch
from alertbot.delivery.store_accounts import Push, Want
from alertbot.delivery.store_claim import Claim
from alertbot.delivery.store_content import DispatchFacts, Judgement, ReadbackVerdict
from alertbot.delivery.store_deliveries import FINAL, Outcome, close, reopen, settled_alerts, wake
from alertbot.delivery.store_pace import NOTHING_GIVEN, Given
from alertbot.delivery.store_settle import Settlement

log = logging.getLogger(__name__)

NEVER = -1  # the turn of what has not begun
RETRIES = 60  # times that an outcome is tried to be written, a second apart
LONG_BLOCK = 3600.0  # seconds
LINGER = 0.015  # seconds between two groups of outcomes under load
FRESH = 0.05  # seconds for which the last look for a halt counts: a call that begins later looks again
JUST_BEFORE = 0.4 * FRESH  # seconds before it may begin
WITHOUT_HOOKS = 3  # from this try on without hooks that fail: the outcome itself must be kept


@dataclass(frozen=True, slots=True)
class Hooks:
    """Called inside the engine's transactions, once per transaction, with lists.

    `outcomes`: deliveries that changed state. `first_intent`: alerts about to make their first call
    (once per channel). `settled`: alerts whose publication has no open delivery left. `judge` (in a
    read transaction, before the first call of a dispatch and again after anything was resumed) says
    whether it may be sent; `refused`: it may not, and its deliveries have failed. `differs`: what a
    platform shows differently from what was approved, once per delivery. `clock`: why sending and expiry
    wait, or None when they resume. `blocked`: accounts to which the channel allows no call for an hour or
    more. `failed`, outside any transaction:
    the channel and error class of a failed call. `gone`, the same: an address that does not exist, what its server
    said, and the channel.
    """

    outcomes: Callable[[Connection, Sequence[Outcome]], Awaitable[None]] | None = None
    first_intent: Callable[[Connection, Sequence[str]], Awaitable[None]] | None = None
    settled: Callable[[Connection, Sequence[str]], Awaitable[None]] | None = None
    judge: Callable[[Connection, DispatchFacts], Awaitable[Judgement]] | None = None
    refused: Callable[[Connection, DispatchFacts, str], Awaitable[None]] | None = None
    differs: Callable[[Connection, Sequence[ReadbackVerdict]], Awaitable[None]] | None = None
    clock: Callable[[Connection, str | None], Awaitable[None]] | None = None
    blocked: Callable[[Connection, Sequence[Push]], Awaitable[None]] | None = None
    failed: Callable[[str, str], None] | None = None
    gone: Callable[[str, str, str], Awaitable[None]] | None = None


NO_HOOKS = Hooks()


class Result(NamedTuple):
    """An outcome to write: the row, and its effect on the account. `gone`: an address that does not exist, and what
    its server said."""

    settlement: Settlement
    dispatch: int
    channel: str
    push: Push | None = None
    pause: tuple[str, str] | None = None  # channel, reason
    gone: tuple[str, str] | None = None


class Ledger:
    """One per worker. `tally` counts the final states of its deliveries."""

    def __init__(
        self, database: Database, worker: str, *, hooks: Hooks = NO_HOOKS, lease: float = 10.0
    ) -> None:
        self.database = database
        self.worker = worker
        self.hooks = hooks
        self.lease = lease
        self.clock = ClockWatch()
        self.tally: Counter[DeliveryState] = Counter()
        self._started: dict[int, int | None] = {}  # dispatch: the turn in which it was judged
        self._intended: dict[int, float] = {}  # delivery: moment of its intent, until its outcome
        self._begun: Counter[int] = Counter()  # dispatch: intents whose outcome is not committed yet
        self.moments = Moments(database, worker)
        self._intents: GroupCommit[Want, float | None] = GroupCommit(self._write_intents)
        self._results: GroupCommit[Result, None] = GroupCommit(self._write_results, linger=LINGER)
        self._clear: dict[int, tuple[int | None, float]] = {}  # dispatch: turn, moment of the last look
        self._looks: dict[int, asyncio.Task[bool]] = {}  # dispatch: a look that nobody waits for
        self._questions: GroupCommit[tuple[int, int | None], bool] = GroupCommit(self._ask)
        self._backs: GroupCommit[int, None] = GroupCommit(self._write_backs)

    async def intend(self, want: Want) -> bool:
        """Commit that this call is about to be made. False: it must not be made."""
        seconds = await self._intents.add(want)
        if not seconds:
            return seconds is not None
        await asyncio.sleep(seconds)
        return await self.intend(want)

    async def turn(
        self, results: Sequence[Result], wants: Sequence[Want], claim: Work[Claim] | None
    ) -> tuple[Sequence[float | None], Claim | None]:
        """Outcomes, intents and a claim in one transaction, in this order: what outcomes lock comes before the
        fence that intents pass. Says of each intent: 0.0, it is committed; None, the call must not be made; or how
        many seconds later to ask again. If that fails, each by itself."""
        for result in results:
            self._intended.pop(result.settlement.id, None)
        if self.clock.reason is None:
            try:
                return await self._turn_at_once(results, wants, claim)
            except Exception as error:  # noqa: BLE001 - a hook's fault must not cost an outcome
                log.warning("What was to be written together is written apart: %s", safe(repr(error)))
        if results:
            await self._write_results(results)
        claimed = await self.database.transact(claim) if claim else None
        # last, so that no failure leaves them in vain
        return await self._write_intents(wants) if wants else (), claimed

    async def _turn_at_once(
        self, results: Sequence[Result], wants: Sequence[Want], claim: Work[Claim] | None
    ) -> tuple[Sequence[float | None], Claim | None]:
        last = self._last(results)
        if wants:
            self.database.require_same_file()
        later = await self.moments.before(wants)

        async def work(conn: Connection) -> tuple[list[Outcome], Intended, Claim | None]:
            outcomes = await self._outcomes(conn, results, last, hooks=True) if results else []
            intended = await self._intend(conn, wants, later) if wants else Intended({}, later)
            return outcomes, intended, await claim(conn) if claim else None

        looked = time.monotonic()
        outcomes, intended, claimed = await self.database.transact(work)
        self.count(outcomes)
        self._end(result.dispatch for result in results)
        self._note_intents(wants, intended, looked)
        return _once(wants, intended), claimed

    async def begin(self, want: Want) -> bool:
        """Wait until this intended call may begin. False: it must not be made. See `may_begin`."""
        try:
            while True:
                for before in (JUST_BEFORE, 0.0):  # so that no look makes it late
                    await self.moments.wait(want.id, before)
                    if not await self.may_begin(want.dispatch, want.turn, want.id):
                        return False
                if self.moments.begin(want):
                    return True
                if not await self.moments.again(want):
                    return False
        finally:
            self.moments.forget([want.id])

    async def may_begin(self, dispatch: int, turn: int | None, delivery: int | None = None) -> bool:
        """Whether an intended call of this dispatch, judged in this `turn`, may begin now: no halt, expiry
        or cancellation `FRESH` seconds ago. Every intent of the dispatch looks; if that is too long ago,
        this does, and where it soon will be it begins to, so that the next call need not wait. False also while the
        database does not respond, and for a `delivery` that is no longer this worker's: it stood still for so long
        that others took it for dead."""
        if delivery is not None and not await self._is_ours(delivery):
            return False
        seen, moment = self._clear.get(dispatch, (None, -FRESH))
        age = time.monotonic() - moment
        if seen != turn or age > FRESH:
            return await self._questions.add((dispatch, turn))
        if age > FRESH / 2 and dispatch not in self._looks:
            self._looks[dispatch] = asyncio.create_task(self._questions.add((dispatch, turn)))
            self._looks[dispatch].add_done_callback(lambda _look: self._looks.pop(dispatch))
        return True

    async def _is_ours(self, delivery: int) -> bool:
        since, now = self._intended.get(delivery), time.monotonic()
        if since is None or now - since < self.lease / 2:
            return True
        try:
            ours = await self.database.transact(
                lambda conn: store_claim.renew(conn, [delivery], worker=self.worker, lease=self.lease)
            )
        except StoreFailed as error:
            log.warning("Nothing was sent just now: %s", error)
            return False
        self._intended[delivery] = now
        return delivery in ours

    async def rest(self) -> None:
        """Wait for what was begun for later calls; after the last one."""
        await asyncio.gather(*self._looks.values(), return_exceptions=True)

    def call_back(self, delivery: int, dispatch: int) -> "asyncio.Future[None]":
        """Commit that an intended call was not made: the delivery is pending again."""
        self._intended.pop(delivery, None)
        back = self._backs.put(delivery)
        back.add_done_callback(lambda _back: self._end([dispatch]))
        return back

    def settle(self, result: Result) -> "asyncio.Future[None]":
        """Commit the outcome of a call. Retries for a minute, so that a busy database does not lose a
        known outcome. After that the reaper will mark it uncertain."""
        self._intended.pop(result.settlement.id, None)
        return self._results.put(result)

    async def _write_intents(self, wants: Sequence[Want]) -> Sequence[float | None]:
        if self.clock.reason is not None:
            return [None] * len(wants)
        try:
            self.database.require_same_file()
            later = await self.moments.before(wants)
            looked = time.monotonic()  # a wait for the database's lock counts
            intended = await self.database.transact(lambda conn: self._intend(conn, wants, later))
            self.moments.committed(time.monotonic() - looked)
        except StoreFailed as error:
            log.warning("Nothing was sent just now: %s", error)
            return [None] * len(wants)
        self._note_intents(wants, intended, looked)
        return _once(wants, intended)

    async def _intend(
        self, conn: Connection, asked: Sequence[Want], later: Mapping[int, float]
    ) -> "Intended":
        """Intents of those that need not wait `later`."""
        given = await self.moments.within(conn, asked) if self.moments.together else NOTHING_GIVEN
        later = {**later, **given.later}
        moments = self.moments.known | given.moments
        wants = [want for want in asked if not want.slot or want.id in moments]
        if not wants:
            return Intended({}, later, given)
        if any(self._is_new(want.dispatch, want.turn) for want in wants):
            await take_lock(conn, AUDIT)  # before the fence that intents pass
        rows = await store_claim.intend(conn, wants, worker=self.worker, moments=moments)
        made = {row.id: row.dispatch_id for row in rows}
        turns = {want.id: want.turn for want in wants}
        fresh = {one for number, one in made.items() if self._is_new(one, turns[number])}
        if fresh:
            alerts = await store_claim.mark_started(conn, sorted(fresh))
            if alerts and self.hooks.first_intent:
                await self.hooks.first_intent(conn, alerts)
        return Intended(made, later, given)

    def _note_intents(self, wants: Sequence[Want], intended: "Intended", looked: float) -> None:
        self.moments.note(intended.given)
        self.moments.forget(one.id for one in wants if one.id not in intended.made)
        known = {one.dispatch: one.turn for one in wants if one.id in intended.made}
        dispatches = {one.id: one.dispatch for one in wants if one.id in intended.made}
        self._started |= known
        self._clear |= {one: (turn, looked) for one, turn in known.items()}
        self._intended |= dict.fromkeys(dispatches, looked)
        self._begun.update(dispatches.values())

    def _is_new(self, dispatch: int, turn: int | None) -> bool:
        """Whether this worker has made no call of the dispatch yet, or none since it was judged last."""
        return self._started.get(dispatch, NEVER) != turn

    async def _ask(self, questions: Sequence[tuple[int, int | None]]) -> Sequence[bool]:
        asked = {one for one, _turn in questions}
        try:
            self.database.require_same_file()
            looked = time.monotonic()
            turns = await self.database.ask(lambda conn: store_claim.sendable(conn, asked))
        except StoreFailed as error:
            log.warning("Nothing was sent just now: %s", error)
            return [False] * len(questions)
        free = [one in turns and turn in (None, turns[one]) for one, turn in questions]
        self._clear |= {
            one: (turn, looked) for (one, turn), may in zip(questions, free, strict=True) if may
        }
        return free

    async def _write_backs(self, ids: Sequence[int]) -> Sequence[None]:
        for number in range(RETRIES):
            try:
                await self.database.transact(
                    lambda conn: store_claim.call_back(conn, ids, worker=self.worker)
                )
                break
            except StoreFailed as error:
                log.warning("%d calls that were not made wait to be given back: %s", len(ids), error)
            await asyncio.sleep(min(1.0, 0.1 * (number + 1)))
        return [None] * len(ids)

    async def _write_results(self, results: Sequence[Result]) -> Sequence[None]:
        for number in range(RETRIES):
            try:
                await self._write_once(results, hooks=number < WITHOUT_HOOKS)
                break
            except StoreFailed as error:
                log.warning("The outcomes of %d calls wait: %s", len(results), error)
            except Exception as error:  # noqa: BLE001 - a hook's fault must not cost an outcome
                log.error("What follows %d outcomes failed: %s", len(results), safe(repr(error)))  # noqa: TRY400
            await asyncio.sleep(min(1.0, 0.1 * (number + 1)))
        self._end(result.dispatch for result in results)
        return [None] * len(results)

    async def _write_once(self, results: Sequence[Result], *, hooks: bool) -> None:
        last = self._last(results)
        self.count(
            await self.database.transact(lambda conn: self._outcomes(conn, results, last, hooks=hooks))
        )

    async def _outcomes(
        self, conn: Connection, results: Sequence[Result], last: Collection[int], *, hooks: bool
    ) -> list[Outcome]:
        # without hooks nobody would be given what a person has to post: it is offered again when its lease is over
        settlements = [one.settlement for one in results if hooks or not one.settlement.handed]
        if any(result.pause or result.push for result in results):
            await take_lock(conn, AUDIT)  # before the accounts
        outcomes = await store_settle.settle(conn, settlements, worker=self.worker)
        for result in results:
            if result.pause:
                await store_accounts.pause(conn, *result.pause)
        pushes = _strongest(result.push for result in results)
        await store_accounts.push(conn, pushes)
        if hooks:
            long = [one for one in pushes if one.target is None and one.seconds >= LONG_BLOCK]
            if long and self.hooks.blocked:
                await self.hooks.blocked(conn, long)
            await self._after(conn, outcomes, last)
        else:
            await self._plainly(conn, outcomes)
        return outcomes

    def _end(self, dispatches: Iterable[int]) -> None:
        """A call of each of these has its outcome."""
        for one in dispatches:
            self._begun[one] -= 1
            if self._begun[one] <= 0:
                del self._begun[one]

    def _last(self, results: Sequence[Result]) -> set[int]:
        """Their dispatches, without those of which other calls of this worker are under way: they need not be asked
        whether everything has been sent."""
        done = Counter(result.dispatch for result in results)
        return {one for one, count in done.items() if self._begun[one] <= count}

    async def _after(
        self,
        conn: Connection,
        outcomes: Sequence[Outcome],
        dispatches: Collection[int] | None,
    ) -> None:
        if outcomes and self.hooks.outcomes:
            await self.hooks.outcomes(conn, outcomes)
        await reopen(conn, outcomes)
        over = await close(conn, dispatches) if dispatches is None or dispatches else ()
        again = _cleared_up(outcomes)
        settled = {*over, *(await settled_alerts(conn, again) if again else ())}
        if settled and self.hooks.settled:
            await self.hooks.settled(conn, sorted(settled))

    async def _plainly(self, conn: Connection, outcomes: Sequence[Outcome]) -> None:
        """Used when a hook fails: write bare audit rows and leave the dispatches open, so that the sweep
        calls the hooks again later."""
        try:
            async with conn.begin_nested():
                await audit.append_many(conn, [_bare(one) for one in outcomes])
        except Exception as error:  # noqa: BLE001 - the outcome itself must be kept
            ids = sorted(one.id for one in outcomes)
            log.error("No audit row for deliveries %s: %s", ids, safe(repr(error)))  # noqa: TRY400
        await reopen(conn, outcomes)

    async def record(self, work: Callable[[Connection], Awaitable[Sequence[Outcome]]]) -> int:
        """One transaction that changes deliveries, with everything that follows. Returns how many
        changed."""

        async def whole(conn: Connection) -> Sequence[Outcome]:
            await take_lock(conn, AUDIT)
            outcomes = await work(conn)
            await self._after(conn, outcomes, None)
            if outcomes:
                await wake(conn)
            return outcomes

        outcomes = await self.database.transact(whole)
        self.count(outcomes)
        return len(outcomes)

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Update the tally: a delivery counted as uncertain and now sent is no longer uncertain."""
        for outcome in outcomes:
            if outcome.before in FINAL and self.tally[outcome.before] > 0:
                self.tally[outcome.before] -= 1
            if outcome.state in FINAL:
                self.tally[outcome.state] += 1


class Intended(NamedTuple):
    """`made`: the dispatch of each call that may be made, by delivery. `later`: those still claimed, each with the
    seconds to wait before asking again. `given`: moments to note."""

    made: dict[int, int]
    later: Mapping[int, float]
    given: Given = NOTHING_GIVEN


def _once(wants: Sequence[Want], intended: Intended) -> list[float | None]:
    """What `Ledger.turn` says. One that was claimed anew, after its lease was over, is here twice: it is called once."""
    left = {**dict.fromkeys(intended.made, 0.0), **intended.later}
    return [left.pop(want.id, None) for want in wants]


def _bare(one: Outcome) -> audit.AuditEntry:
    return audit.AuditEntry(
        actor="alertbot",
        verb=str(one.state),
        at=datetime.fromtimestamp(one.at, UTC),
        alert=one.alert,
        digest=one.digest,
        remote_id=one.remote_id,
        detail={"delivery": one.id, "channel": one.channel, "attempt": one.attempt, "bare": True},
    )


def _cleared_up(outcomes: Iterable[Outcome]) -> set[str]:
    """The alerts of which it is known by now what became of an uncertain delivery: their dispatches were closed
    before."""
    return {
        one.alert
        for one in outcomes
        if one.alert
        and one.before is DeliveryState.UNCERTAIN
        and one.state in FINAL
        and one.purpose == Purpose.PUBLICATION
    }


def _strongest(pushes: Iterable[Push | None]) -> list[Push]:
    """The longest of several delays for one account or target in one transaction."""
    longest: dict[tuple[str, str | None], Push] = {}
    for push in pushes:
        if push is not None:
            key = (push.account, push.target)
            if key not in longest or longest[key].seconds < push.seconds:
                longest[key] = push
    return list(longest.values())
