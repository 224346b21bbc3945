"""What the drain does with every answer of a channel, on both databases."""

import asyncio
import time
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from alertbot.core.errors import ChannelDown, Rejected, StoreFailed, Throttled, Unavailable, Uncertain
from alertbot.core.model import (
    ChannelSpec,
    DeliveryState,
    ExercisePost,
    Markup,
    Pace,
    Purpose,
    Receipt,
    WhenUncertain,
)
from alertbot.db import audit
from alertbot.db.audit import AuditRow
from alertbot.db.database import Database
from alertbot.db.sql import NOW
from alertbot.db.tables import delivery, dispatch, pace
from alertbot.delivery import store_accounts, store_claim, store_listing, store_outbox, store_settle
from alertbot.delivery.ledger import Hooks, Ledger, Result
from alertbot.delivery.runners import LocalRunner, RunTally
from alertbot.delivery.store_accounts import Push, Want
from alertbot.delivery.store_content import DispatchFacts, Judgement
from alertbot.delivery.store_outbox import SettleDecision
from alertbot.delivery.store_settle import Settlement
from tests.delivery.scene import NullAdapter, channel, put, rows, states

MAIL = ChannelSpec(type="mail", limit=None, per_recipient=True, public_post=False, markup=Markup.EMAIL)
AWAY = Unavailable("down")
ASKABLE = ChannelSpec(type="askable", limit=None, can_reconcile=True)


async def once(database: Database, adapter: NullAdapter, **more: Any) -> RunTally:
    patience = more.pop("patience", 2.0)
    runner = LocalRunner(database, {adapter.channel.name: adapter}, **more)
    return await runner.run_once(patience)


def first(error: Exception):
    """Answers with `error` once, then with a receipt."""
    answers = [error]
    return lambda _post: answers.pop() if answers else None


async def test_everything_is_sent_once(database: Database) -> None:
    ids = await put(database, 300)
    adapter = NullAdapter(channel())
    tally = await once(database, adapter)
    assert tally == RunTally(sent=300)
    assert tally.fine
    assert sorted(adapter.sent) == ids
    assert {row.remote_id for row in await rows(database)} == {f"r{number}" for number in ids}


async def test_a_thread_goes_in_order_and_each_part_answers_the_one_before(database: Database) -> None:
    ids = await put(database, ["a", "b"], parts=3)
    adapter = NullAdapter(channel())
    assert (await once(database, adapter)).sent == 6
    for thread in (ids[:3], ids[3:]):
        mine = [post for post in adapter.posts if post.delivery in thread]
        assert [post.part for post in mine] == [1, 2, 3]
        assert [post.text for post in mine] == ["part 1", "part 2", "part 3"]
        assert [post.reply_to for post in mine] == [None, f"r{thread[0]}", f"r{thread[1]}"]


async def test_a_refusal_fails_one_and_lets_the_others_go(database: Database) -> None:
    ids = await put(database, 3)
    adapter = NullAdapter(
        channel(), lambda post: Rejected("unknown") if post.delivery == ids[1] else None
    )
    tally = await once(database, adapter)
    assert (tally.sent, tally.failed, tally.fine) == (2, 1, False)
    assert (await rows(database))[1].reason == "unknown"


async def test_unavailable_is_tried_again(database: Database) -> None:
    await put(database, 1)
    adapter = NullAdapter(channel(), first(Unavailable("down")))
    assert (await once(database, adapter)).sent == 1
    assert [post.attempt for post in adapter.posts] == [1, 2]


async def test_a_long_retry_is_not_waited_for(database: Database) -> None:
    await put(database, 1)
    adapter = NullAdapter(channel(), lambda _post: Throttled("slow", wait=60))
    tally = await once(database, adapter)
    assert (tally.waiting, tally.failed, tally.fine) == (1, 0, False)
    summary = await database.read(store_listing.summary)
    assert 50 < summary.accounts[0].blocked_for <= 60
    assert summary.accounts[0].blocked == "slow"


async def test_throttled_holds_the_whole_account_or_one_target(database: Database) -> None:
    on = channel(pace=Pace(per_second=200))
    ids = await put(database, ["a", "b", "b2"], on=on)
    whole = NullAdapter(on, first(Throttled("slow", wait=0.4)))
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert (await once(database, whole)).sent == 3
    assert loop.time() - begun >= 0.4
    ids = await put(database, ["a", "b"], name="ABCD-2", on=on)
    one = NullAdapter(on, first(Throttled("slow", wait=0.4, whole_account=False)))
    assert (await once(database, one)).sent == 2
    assert one.sent == [ids[0], ids[1], ids[0]]


async def test_a_channel_that_is_down_is_paused_until_a_person_mends_it(database: Database) -> None:
    await put(database, 5)
    adapter = NullAdapter(channel(), lambda _post: ChannelDown("401: token revoked"))
    tally = await once(database, adapter, concurrency=1)
    assert (tally.waiting, len(adapter.posts)) == (5, 1)
    assert (await database.read(store_listing.summary)).accounts[0].paused == "401: token revoked"
    adapter.answer = None
    assert (await once(database, adapter)).sent == 0
    await database.transact(lambda conn: store_accounts.unpause(conn, "null"))
    assert (await once(database, adapter)).sent == 5


@pytest.mark.parametrize("error", [Uncertain("lost"), RuntimeError("bug"), TimeoutError()])
async def test_perhaps_sent_is_left_to_a_person(database: Database, error: Exception) -> None:
    await put(database, 1, when_uncertain=WhenUncertain.RESEND)  # a public post: never resent blindly
    adapter = NullAdapter(channel(), lambda _post: error)
    tally = await once(database, adapter)
    assert (tally.uncertain, len(adapter.posts)) == (1, 1)


async def test_a_channel_that_can_be_asked_is_asked(database: Database) -> None:
    ids = await put(database, 2, on=channel(spec=ASKABLE))
    adapter = NullAdapter(channel(spec=ASKABLE), lambda _post: Uncertain("lost"))
    adapter.kept = {ids[0]: Receipt("found")}
    tally = await once(database, adapter)
    assert (tally.sent, tally.uncertain) == (1, 1)
    assert (await rows(database))[0].remote_id == "found"


async def test_to_single_recipients_it_is_resent_at_most_once(database: Database) -> None:
    on = channel(spec=MAIL)
    await put(database, 1, on=on, when_uncertain=WhenUncertain.RESEND)
    adapter = NullAdapter(on, lambda _post: Uncertain("lost"))
    assert (await once(database, adapter)).uncertain == 1
    assert [post.uncertain_before for post in adapter.posts] == [False, True]
    assert len({post.message_id for post in adapter.posts}) == 1


KEYED = ChannelSpec(type="keyed", limit=None, repeat_safe=timedelta(hours=1))


async def test_where_a_repeat_is_harmless_the_engine_repeats_by_itself(database: Database) -> None:
    on = channel(spec=KEYED)
    await put(database, 1, on=on)
    adapter = NullAdapter(on, first(Uncertain("lost")))
    assert await once(database, adapter) == RunTally(sent=1)
    born = {(post.message_id, post.born) for post in adapter.posts}
    assert [post.uncertain_before for post in adapter.posts] == [False, True]
    assert len(born) == 1
    assert abs(next(iter(born))[1].timestamp() - time.time()) < 60


async def test_a_repeat_that_comes_too_late_is_not_made(database: Database) -> None:
    """It waited for its repeat through a halt of two hours."""
    on = channel(spec=KEYED)
    [number] = await put(database, 1, on=on)
    adapter = NullAdapter(on, first(Uncertain("lost")))
    assert (await once(database, adapter, patience=0.0)).waiting == 1
    long_ago = update(delivery).values(born=time.time() - 7200, retry_at=1.0)
    await database.transact(lambda conn: conn.execute(long_ago))
    assert (await once(database, adapter)).uncertain == 1
    assert len(adapter.posts) == 1
    again = await database.transact(
        lambda conn: store_outbox.decide(conn, number, SettleDecision.RESEND)
    )
    assert again
    assert (await once(database, adapter)).sent == 1  # a person has looked: it is as if born now


async def test_what_expires_before_its_repeat_was_perhaps_sent(database: Database) -> None:
    on = channel(spec=KEYED)
    lost, never = await put(database, 2, on=on)
    adapter = NullAdapter(on, lambda post: Uncertain("lost") if post.delivery == lost else AWAY)
    await once(database, adapter, patience=0.0)
    await database.transact(lambda conn: conn.execute(update(dispatch).values(expires_at=1.0)))
    await once(database, adapter)
    assert await states(database) == {lost: "uncertain", never: "expired"}


async def test_what_never_led_to_a_call_is_born_with_the_claim_that_does(database: Database) -> None:
    await put(database, 1)
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    claim = await database.transact(
        lambda conn: store_claim.claim(conn, whose, 1, worker="slow", lease=-1.0)
    )
    await database.transact(lambda conn: conn.execute(update(delivery).values(born=1.0)))
    adapter = NullAdapter(channel())
    assert (await once(database, adapter)).sent == 1
    assert adapter.posts[0].born.timestamp() >= claim.rows[0].born


async def test_mails_know_the_earlier_ones_to_the_same_recipient(database: Database) -> None:
    on = channel(spec=MAIL)
    await put(database, ["a@example.org", "b@example.org"], on=on)
    adapter = NullAdapter(on)
    await once(database, adapter)
    before = {post.target: f"r{post.delivery}" for post in adapter.posts}
    await put(database, ["b@example.org"], on=on, name="ABCD-2", references=["ABCD-1"])
    await once(database, adapter)
    assert adapter.posts[-1].references == (before["b@example.org"],)


async def test_an_exercise_has_its_own_type_and_no_live_channel_takes_it(database: Database) -> None:
    await put(database, 1, exercise=True)
    adapter = NullAdapter(channel())
    assert (await once(database, adapter)).failed == 1
    assert adapter.posts == []
    from alertbot.core.model import Audience

    team = channel("team", audience=Audience.EXERCISE)
    await put(database, 1, exercise=True, on=team, name="ABCD-2")
    drill = NullAdapter(team)
    assert (await once(database, drill)).sent == 1
    assert isinstance(drill.posts[0], ExercisePost)


async def test_what_is_not_what_was_approved_is_not_sent(database: Database) -> None:
    await put(database, 40)
    asked: list[tuple[str, Purpose, str]] = []
    told: list[tuple[str, str]] = []

    async def judge(_conn: Any, facts: DispatchFacts) -> Judgement:
        asked.append((facts.alert, facts.purpose, facts.digest))
        return Judgement("The texts of ABCD-1 are not the ones that were approved.")

    async def refused(_conn: Any, facts: DispatchFacts, why: str) -> None:
        told.append((facts.alert, why))

    adapter = NullAdapter(channel())
    tally = await once(database, adapter, hooks=Hooks(judge=judge, refused=refused))
    assert (tally.failed, adapter.posts) == (40, [])
    assert asked == [("ABCD-1", Purpose.PUBLICATION, "d")]
    assert told == [("ABCD-1", "The texts of ABCD-1 are not the ones that were approved.")]
    assert "approved" in str((await rows(database))[0].reason)


async def test_what_follows_happens_with_the_outcome(database: Database) -> None:
    await put(database, 30)
    seen: dict[str, list[Any]] = {"outcomes": [], "first": [], "settled": []}

    async def note(key: str, values: Any) -> None:
        seen[key] += values

    hooks = Hooks(
        outcomes=lambda _conn, found: note("outcomes", found),
        first_intent=lambda _conn, alerts: note("first", alerts),
        settled=lambda _conn, alerts: note("settled", alerts),
    )
    adapter = NullAdapter(channel(), first(Rejected("no")))
    await once(database, adapter, hooks=hooks)
    assert len(seen["outcomes"]) == 30
    assert {outcome.state for outcome in seen["outcomes"]} == {"sent", "failed"}
    assert seen["first"] == seen["settled"] == ["ABCD-1"]


async def test_a_hook_that_fails_costs_no_outcome(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_conn, _outcomes):
        raise RuntimeError("audit is broken")

    await put(database, 3)
    tally = await once(database, NullAdapter(channel()), hooks=Hooks(outcomes=broken))
    assert tally.sent == 3
    assert set((await states(database)).values()) == {"sent"}
    assert "audit is broken" in caplog.text


async def test_no_secret_of_a_fault_is_logged(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await put(database, 1)
    secret = "123456789:AAHq4mPzT7fVb2YxKcW9rLd0sNeUjGiOa1B"
    adapter = NullAdapter(channel(), lambda _post: RuntimeError(f"https://x/bot{secret}/send"))
    await once(database, adapter)
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text


async def test_an_earlier_post_with_the_same_words_is_not_taken_for_this_one(
    database: Database,
) -> None:
    on = channel(spec=ASKABLE)
    await put(database, 1, on=on)
    await once(database, NullAdapter(on))  # delivery 1 has the remote id r1
    [again] = await put(database, 1, on=on, name="ABCD-2")
    adapter = NullAdapter(on, lambda _post: Uncertain("lost"))
    adapter.kept = {again: Receipt("r1")}
    assert (await once(database, adapter)).uncertain == 1


async def test_outcomes_that_a_hook_would_not_note_are_in_the_audit_all_the_same(
    database: Database,
) -> None:
    broken = [True]
    settled: list[str] = []

    async def note(_conn, outcomes):
        if broken:
            raise RuntimeError("no notes")

    async def settle(_conn, alerts):
        settled.extend(alerts)

    await put(database, 3)
    hooks = Hooks(outcomes=note, settled=settle)
    assert (await once(database, NullAdapter(channel()), hooks=hooks)).sent == 3
    assert (await database.read(audit.verify)).whole
    noted = [row for row in await database.read(_audit_rows) if row["verb"] != audit.ROWS]
    assert sorted(row["detail"]["delivery"] for row in noted) == [1, 2, 3]
    broken.clear()
    await once(database, NullAdapter(channel()), hooks=hooks)
    assert settled == ["ABCD-1"]


async def _audit_rows(conn) -> list[AuditRow]:
    return [row async for row in audit.export(conn)]


async def test_what_a_dead_worker_perhaps_sent_is_resent_at_most_once(database: Database) -> None:
    on = channel(spec=MAIL)
    [number] = await put(database, 1, on=on, when_uncertain=WhenUncertain.RESEND)
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))

    async def die_in_mid_call(conn) -> None:
        await store_claim.claim(conn, whose, 1, worker="dead", lease=-1.0)
        await store_claim.intend(conn, [Want(number, whose.id)], worker="dead")

    await database.transact(die_in_mid_call)
    adapter = NullAdapter(on, lambda _post: Uncertain("lost"))
    tally = await once(database, adapter)
    assert (tally.uncertain, tally.waiting) == (1, 0)
    assert [(post.uncertain_before, post.message_id) for post in adapter.posts] == [
        (True, f"ABCD-1.{number}")
    ]


async def test_a_late_answer_that_says_try_again_is_heard_though_all_was_closed(
    database: Database,
) -> None:
    """A worker that slept through its lease: another called its delivery uncertain, and its alert settled."""
    [number] = await put(database, 1)

    async def sleep(_post):
        await database.transact(lambda conn: conn.execute(update(delivery).values(lease_until=1.0)))
        await LocalRunner(database, {}).run_once(0.0)
        assert (await states(database)) == {number: "uncertain"}
        return Unavailable("not reached")

    calls = [sleep]

    async def answer(post):
        if calls:
            raise await calls.pop()(post)
        return Receipt("late")

    adapter = NullAdapter(channel(), answer)
    assert (await once(database, adapter)).sent == 1
    assert len(adapter.posts) == 2


@pytest.mark.parametrize("waits", [(60.0, 30.0), (30.0, 60.0)])
@pytest.mark.parametrize("whole", [True, False], ids=["account", "target"])
async def test_of_several_pushes_in_one_transaction_the_longest_holds(
    database: Database, waits: tuple[float, float], whole: bool
) -> None:
    """Two calls are answered at the same moment: one platform asks for half a minute, then for a whole."""
    await put(database, ["a", "a2"], name="ABCD-1")
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    claim = await database.transact(
        lambda conn: store_claim.claim(conn, whose, 10, worker="me", lease=10.0)
    )
    ledger = Ledger(database, "me")
    assert all([await ledger.intend(Want(row.id, whose.id)) for row in claim.rows])
    results = [
        Result(
            Settlement(row.id, 1, DeliveryState.PENDING, "slow", delay=wait),
            row.dispatch,
            "null",
            Push("null", wait, f"{wait}", None if whole else "a"),
        )
        for row, wait in zip(claim.rows, waits, strict=True)
    ]
    await asyncio.gather(*(ledger.settle(result) for result in results))
    flags = (await database.read(store_listing.summary)).accounts[0]
    free = await database.read(lambda conn: conn.scalar(select(pace.c.next_free - NOW)))
    assert (flags.blocked, free) == (("60.0", None) if whole else (None, pytest.approx(60, abs=5)))
    assert not whole or 55 < flags.blocked_for <= 60


async def test_what_only_lay_claimed_when_its_worker_died_is_sent_as_a_first_attempt(
    database: Database,
) -> None:
    on = channel(spec=MAIL)
    [number] = await put(database, 1, on=on)
    [whose] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    await database.transact(lambda conn: store_claim.claim(conn, whose, 1, worker="dead", lease=-1.0))
    adapter = NullAdapter(on)
    assert (await once(database, adapter)) == RunTally(sent=1)
    assert [(post.delivery, post.attempt, post.uncertain_before) for post in adapter.posts] == [
        (number, 1, False)
    ]
    assert (await rows(database))[0].attempts == 1


async def test_where_the_intent_cannot_be_written_nothing_is_sent_until_it_can(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    ids = await put(database, 3)
    failing = [StoreFailed("the disk is full")]
    adapter = NullAdapter(channel())
    posts_at_failure: list[int] = []

    async def first_intent(_conn, _alerts):
        if failing:
            posts_at_failure.append(len(adapter.posts))
            raise failing.pop()

    tally = await once(database, adapter, hooks=Hooks(first_intent=first_intent), lease=0.3)
    assert posts_at_failure == [0]
    assert "the disk is full" in caplog.text
    assert (tally.sent, sorted(adapter.sent)) == (3, ids)
    assert {post.attempt for post in adapter.posts} == {1}  # nothing was tried before


async def test_the_tally_counts_what_became_of_the_uncertain_once(database: Database) -> None:
    """What another worker left uncertain was never in this tally, so that it cannot leave it either."""
    ledger = Ledger(database, "me")
    [one] = await put(database, 1)
    await database.transact(
        lambda conn: conn.execute(update(delivery).values(state="uncertain", attempts=1))
    )
    settled = Settlement(one, 1, DeliveryState.SENT, remote_id="r")
    assert await ledger.record(lambda conn: store_settle.settle(conn, [settled], worker=None)) == 1
    assert dict(ledger.tally) == {DeliveryState.SENT: 1}
