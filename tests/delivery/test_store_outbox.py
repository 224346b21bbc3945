"""The outbox: what goes in, what a person decides, what holds it back, what it tells."""

from datetime import timedelta

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from alertbot.core.errors import Refused, StoreFailed
from alertbot.core.model import Budget, DeliveryState, Pace, Purpose
from alertbot.db.database import Database
from alertbot.db.sql import NOW
from alertbot.db.tables import account, dispatch, pace, spent
from alertbot.delivery import store_accounts, store_claim, store_listing, store_outbox, store_settle
from alertbot.delivery.rules_pace import SLACK
from alertbot.delivery.store_accounts import Push, Want
from alertbot.delivery.store_outbox import NewDelivery, SettleDecision
from alertbot.delivery.store_settle import Settlement
from tests.delivery.scene import add_alert, channel, put, rows, states

ME = "worker-1"


async def _account(database: Database, name: str = "null") -> store_accounts.Account:
    return (await database.read(lambda conn: store_accounts.named(conn, [name])))[0]


async def _claim(database: Database, n: int = 10, worker: str = ME, lease: float = 10.0):
    whose = await _account(database)
    return await database.transact(
        lambda conn: store_claim.claim(conn, whose, n, worker=worker, lease=lease)
    )


async def _intend(database: Database, ids, worker: str = ME) -> list[int]:
    whose = await _account(database)
    wants = [Want(number, whose.id) for number in ids]
    done = await database.transact(lambda conn: store_claim.intend(conn, wants, worker=worker))
    return sorted(row.id for row in done)


async def _settle(database: Database, number: int, state: str, worker=ME, attempt=1, **more):
    one = Settlement(number, attempt, DeliveryState(state), **more)
    return await database.transact(lambda conn: store_settle.settle(conn, [one], worker=worker))


async def _uncertain(database: Database, parts: int = 1) -> list[int]:
    ids = await put(database, parts=parts)
    await _claim(database)
    await _intend(database, ids[:1])
    await _settle(database, ids[0], "uncertain", reason="lost", followed=parts > 1)
    return ids


async def test_what_is_enqueued_is_due_unless_it_was_skipped(database: Database) -> None:
    [first] = await put(database)

    async def more(conn):
        row = NewDelivery("t9", None, skipped="no text in German")
        await add_alert(conn, "WXYZ-1")
        await store_outbox.enqueue(
            conn, "WXYZ-1", "null", digest="d", priority=1, ttl_seconds=60, rows=[row]
        )

    await database.transact(more)
    assert list((await states(database)).values()) == ["pending", "skipped"]
    assert await database.read(lambda conn: store_claim.due(conn, ["null"])) == ["null"]
    assert [row.id for row in (await _claim(database)).rows] == [first]


async def test_an_unknown_channel_is_refused(database: Database) -> None:
    async def work(conn):
        await add_alert(conn, "WXYZ-1")
        await store_outbox.enqueue(
            conn, "WXYZ-1", "nowhere", digest="d", priority=1, ttl_seconds=60, rows=[]
        )

    with pytest.raises(Refused, match="nowhere"):
        await database.transact(work)


async def test_an_alert_is_published_once_per_channel_but_tested_often(database: Database) -> None:
    await put(database)
    await put(database, purpose=Purpose.TEST)
    await put(database, purpose=Purpose.TEST)
    with pytest.raises(StoreFailed) as caught:
        await put(database)
    assert isinstance(caught.value.__cause__, IntegrityError)


async def test_nothing_before_its_time(database: Database) -> None:
    await put(database, delay=60)
    assert not (await _claim(database)).rows
    assert 55 < await database.read(lambda conn: store_claim.next_due(conn, ["null"])) <= 60


async def test_two_workers_never_hold_the_same_row(database: Database) -> None:
    await put(database, 10)
    one = {row.id for row in (await _claim(database, 6, "a")).rows}
    other = {row.id for row in (await _claim(database, 6, "b")).rows}
    assert len(one) == 6
    assert len(other) == 4
    assert not one & other


async def test_the_more_urgent_alert_is_claimed_first(database: Database) -> None:
    await put(database, 5, name="ABCD-1", priority=9)
    [urgent] = await put(database, 1, name="ABCD-2", priority=1)
    assert [row.id for row in (await _claim(database, 3)).rows] == [urgent]


async def test_slots_are_booked_a_gap_apart_and_not_far_ahead(database: Database) -> None:
    await put(database, 50, on=channel(pace=Pace(per_second=20)))
    claim = await _claim(database, 10)
    waits = [row.wait for row in claim.rows]
    assert waits == pytest.approx([waits[0] + n * 0.05 for n in range(10)])
    second = await _claim(database, 10)
    if not second.rows:  # the half second is taken
        assert second.retry is not None
    third = await _claim(database, 10)
    assert not third.rows
    assert third.retry is not None
    assert third.retry > 0


async def test_one_call_per_chat_and_gap(database: Database) -> None:
    await put(database, ["a", "b"], on=channel(pace=Pace(per_chat_second=1)), parts=1)
    await put(database, ["a", "b"], name="ABCD-2", on=channel(pace=Pace(per_chat_second=1)))
    assert len((await _claim(database)).rows) == 2
    assert not (await _claim(database)).rows  # put back until the chats are free
    assert 0.2 < await database.read(lambda conn: store_claim.next_due(conn, ["null"])) <= 1.0


@pytest.mark.parametrize("what", ["everything", "channel", "alert", "paused", "cancelled", "expired"])
async def test_the_intent_asks_once_more(database: Database, what: str) -> None:
    ids = await put(database, 2)
    claim = await _claim(database)

    async def stop(conn):
        match what:
            case "everything":
                await store_accounts.set_halt(conn, True)
            case "channel":
                await store_accounts.set_halt(conn, True, channel="null")
            case "alert":
                await store_accounts.set_halt(conn, True, alert="ABCD-1")
            case "paused":
                await store_accounts.pause(conn, "null", "credentials")
            case "cancelled":
                await store_settle.cancel(conn, "ABCD-1", "a false alert")
            case "expired":
                await conn.execute(update(dispatch).values(expires_at=0.0))

    assert len(claim.rows) == 2
    await database.transact(stop)
    assert await _intend(database, ids) == []
    assert set((await states(database)).values()) == {"pending"}
    assert not (await _claim(database)).rows


async def test_resume_lets_go_on(database: Database) -> None:
    ids = await put(database)
    await database.transact(lambda conn: store_accounts.set_halt(conn, True))
    assert not (await _claim(database)).rows
    await database.transact(lambda conn: store_accounts.set_halt(conn, False))
    assert [row.id for row in (await _claim(database)).rows] == ids


async def test_halting_what_is_not_there_is_refused(database: Database) -> None:
    for where in ({"channel": "nowhere"}, {"alert": "WXYZ-9"}):
        with pytest.raises(Refused):
            await database.transact(lambda conn, w=where: store_accounts.set_halt(conn, True, **w))


async def test_only_the_holder_may_intend(database: Database) -> None:
    ids = await put(database)
    await _claim(database)
    assert await _intend(database, ids, worker="another") == []
    assert await _intend(database, ids) == ids


async def test_a_full_window_blocks_the_account_with_a_reason(database: Database) -> None:
    await put(database, 5, on=channel(pace=Pace(windows=((3, timedelta(minutes=15)),))))
    claim = await _claim(database)
    intended = await _intend(database, [row.id for row in claim.rows])
    assert len(intended) == 3
    assert not (await _claim(database)).rows
    flags = (await database.read(store_listing.summary)).accounts[0]
    assert 800 < flags.blocked_for <= 900
    assert "3 calls" in str(flags.blocked)


async def _spent_ago(database: Database, *seconds: float) -> None:
    """Calls of the past, booked as the intent books them."""
    whose = await _account(database)
    rows_ = [{"account_id": whose.id, "cost": 0.0, "ago": ago} for ago in seconds]
    booked = insert(spent).values(at=NOW - bindparam("ago"))
    await database.transact(lambda conn: conn.execute(booked, rows_))


async def _blocked_for(database: Database) -> float:
    return (await database.read(store_listing.summary)).accounts[0].blocked_for


@pytest.mark.parametrize("groups", [(3,), (1, 1, 1), (2, 1), (1, 2)])
async def test_a_window_allows_exactly_its_number_of_calls(
    database: Database, groups: tuple[int, ...]
) -> None:
    """However they are grouped into transactions: three are made and hold nothing back, the fourth waits."""
    await put(database, 4, on=channel(pace=Pace(windows=((3, timedelta(minutes=15)),))))
    ids = [row.id for row in (await _claim(database)).rows]
    for size in groups:
        mine, ids = ids[:size], ids[size:]
        assert await _intend(database, mine) == mine
        assert await _blocked_for(database) == 0.0
    assert await _intend(database, ids) == []
    assert 890 < await _blocked_for(database) <= 900 + SLACK
    assert (await states(database))[ids[0]] == "pending"


async def test_of_several_windows_the_tightest_counts(database: Database) -> None:
    windows = ((4, timedelta(hours=3)), (2, timedelta(minutes=15)))
    await put(database, 6, on=channel(pace=Pace(windows=windows)))
    ids = [row.id for row in (await _claim(database)).rows]
    assert await _intend(database, ids) == ids[:2]
    assert 800 < await _blocked_for(database) <= 900
    assert "2 calls in 15.0 minutes" in str(
        (await database.read(store_listing.summary)).accounts[0].blocked
    )


@pytest.mark.parametrize(
    ("ago", "made", "wait"),
    [
        ((901.0, 902.0, 903.0), 3, None),  # all have left the window
        ((901.0, 100.0, 50.0), 1, 800.0),  # one place; the next when the oldest within has left
        ((800.0, 100.0, 50.0), 0, 100.0),
        ((800.0, 700.0, 100.0, 50.0), 0, 200.0),  # one too many: two have to leave
    ],
)
async def test_room_in_a_window_comes_back_as_its_calls_leave_it(
    database: Database, ago: tuple[float, ...], made: int, wait: float | None
) -> None:
    await put(database, 3, on=channel(pace=Pace(windows=((3, timedelta(minutes=15)),))))
    await _spent_ago(database, *ago)
    ids = [row.id for row in (await _claim(database)).rows]
    assert await _intend(database, ids) == ids[:made]
    blocked = await _blocked_for(database)
    assert blocked == 0.0 if wait is None else wait - 5 < blocked <= wait + SLACK


async def test_a_window_is_its_own_accounts(database: Database) -> None:
    windows = ((2, timedelta(minutes=15)),)
    await put(database, 2, on=channel(pace=Pace(windows=windows)))
    await put(database, 2, on=channel("other", pace=Pace(windows=windows)), name="ABCD-2")
    ids = [row.id for row in (await _claim(database)).rows]
    assert await _intend(database, ids) == ids
    other = await _account(database, "other")
    claim = await database.transact(
        lambda conn: store_claim.claim(conn, other, 10, worker=ME, lease=10.0)
    )
    wants = [Want(row.id, other.id) for row in claim.rows]
    made = await database.transact(lambda conn: store_claim.intend(conn, wants, worker=ME))
    assert len(made) == 2


@pytest.mark.parametrize(
    ("costs", "made"),
    [
        ((0.5, 0.5, 0.5), 2),  # to the last cent
        ((0.4, 0.4, 0.4), 2),
        ((1.2, 0.1, 0.1), 0),  # in order: what is dear is not overtaken
        ((0.0, 0.0, 1.0), 3),
        ((1.0, 0.0, 0.0), 3),  # what costs nothing needs no budget
    ],
)
async def test_a_budget_is_spent_to_the_last_cent_and_no_further(
    database: Database, costs: tuple[float, ...], made: int
) -> None:
    await put(database, len(costs), on=channel(budget=Budget(1.0, timedelta(days=1))))
    whose = await _account(database)
    claimed = (await _claim(database)).rows
    wants = [Want(row.id, whose.id, cost) for row, cost in zip(claimed, costs, strict=True)]
    found = await database.transact(lambda conn: store_claim.intend(conn, wants, worker=ME))
    assert sorted(row.id for row in found) == [want.id for want in wants[:made]]
    blocked = await _blocked_for(database)
    assert (blocked > 86_300) is (made < len(costs))


@pytest.mark.parametrize(
    ("spent_before", "wait"),
    [
        ({25: 0.9}, None),  # of yesterday
        ({20: 0.6, 1: 0.4}, 4),  # until the oldest leaves the day
        ({23: 0.0, 20: 0.6, 1: 0.4}, 4),  # which costs something: what was free gives no room
        ({1: 1.0}, 23),
    ],
)
async def test_a_budget_has_room_again_once_what_was_paid_has_left_it(
    database: Database, spent_before: dict[int, float], wait: float | None
) -> None:
    await put(database, 1, on=channel(budget=Budget(1.0, timedelta(days=1))))
    whose = await _account(database)
    paid = [
        {"account_id": whose.id, "cost": cost, "ago": hours * 3600.0}
        for hours, cost in spent_before.items()
    ]
    booked = insert(spent).values(at=NOW - bindparam("ago"))
    await database.transact(lambda conn: conn.execute(booked, paid))
    [row] = (await _claim(database)).rows
    wants = [Want(row.id, whose.id, 0.4)]
    made = await database.transact(lambda conn: store_claim.intend(conn, wants, worker=ME))
    assert len(made) == (1 if wait is None else 0)
    blocked = await _blocked_for(database)
    assert blocked == 0.0 if wait is None else wait * 3600 - 60 < blocked <= wait * 3600


async def test_a_lapsed_claim_is_no_attempt(database: Database) -> None:
    """Nothing was tried: the next claim is the first attempt, and no answer of the first holder counts."""
    [number] = await put(database)
    await _claim(database, worker="dead", lease=-1.0)
    assert await database.transact(store_settle.reap) == []
    row = (await rows(database))[0]
    assert (row.state, row.attempts, row.worker, row.lease_until, row.resent) == (
        "pending", 0, None, None, False,
    )  # fmt: skip
    assert await _intend(database, [number], worker="dead") == []
    [again] = (await _claim(database)).rows
    assert (again.id, again.attempts, again.resent) == (number, 0, False)
    assert await _intend(database, [number]) == [number]
    assert (await rows(database))[0].attempts == 1


async def test_a_claim_that_holds_is_not_reaped(database: Database) -> None:
    ids = await put(database, 2)
    await _claim(database, lease=5.0)
    await _intend(database, ids[:1])
    assert not await database.read(store_settle.lapsed)
    assert await database.transact(store_settle.reap) == []
    assert await states(database) == {ids[0]: "sending", ids[1]: "claimed"}


async def test_only_the_holder_renews_and_gives_back(database: Database) -> None:
    [number] = await put(database)
    await _claim(database, lease=-1.0)
    await database.transact(lambda conn: store_claim.renew(conn, [number], worker="another", lease=60))
    assert await database.read(store_settle.lapsed)
    await database.transact(lambda conn: store_claim.give_back(conn, [number], worker="another"))
    assert await states(database) == {number: "claimed"}
    await database.transact(lambda conn: store_claim.renew(conn, [number], worker=ME, lease=60))
    assert not await database.read(store_settle.lapsed)
    await database.transact(lambda conn: store_claim.give_back(conn, [number], worker=ME))
    assert await states(database) == {number: "pending"}


@pytest.mark.parametrize("waits", [(60.0, 30.0), (30.0, 60.0), (60.0, 60.0)])
async def test_a_push_never_shortens_an_earlier_one(
    database: Database, waits: tuple[float, float]
) -> None:
    await put(database, ["a"], on=channel(pace=Pace(per_chat_second=1)))
    for wait in waits:
        pushes = [Push("null", wait, f"{wait}"), Push("null", wait, f"{wait}", "a")]
        await database.transact(lambda conn, p=pushes: store_accounts.push(conn, p))
    assert 55 < await _blocked_for(database) <= 60
    assert (await database.read(store_listing.summary)).accounts[0].blocked == "60.0"
    free = await database.read(lambda conn: conn.scalar(select(pace.c.next_free - NOW)))
    assert 55 < free <= 60


async def test_a_budget_is_not_overspent(database: Database) -> None:
    rich = channel(budget=Budget(1.0, timedelta(days=1)))
    await put(database, 5, on=rich, cost=0.4)
    whose = await _account(database)
    claim = await _claim(database)
    wants = [Want(row.id, whose.id, row.cost) for row in claim.rows]
    intended = await database.transact(lambda conn: store_claim.intend(conn, wants, worker=ME))
    assert len(intended) == 2
    flags = (await database.read(store_listing.summary)).accounts[0]
    assert "budget" in str(flags.blocked)
    more = channel(budget=Budget(5.0, timedelta(days=1)))
    await database.transact(lambda conn: store_accounts.sync(conn, [more]))
    assert len((await _claim(database)).rows) == 3


async def test_the_reaper_tells_attempted_from_not_attempted(database: Database) -> None:
    ids = await put(database, 2)
    await _claim(database, lease=-1.0)
    await database.transact(lambda conn: store_claim.renew(conn, ids[:1], worker=ME, lease=5))
    await _intend(database, ids[:1])
    await database.transact(lambda conn: store_claim.renew(conn, ids[:1], worker=ME, lease=-1))
    outcomes = await database.transact(store_settle.reap)
    assert await states(database) == {ids[0]: "uncertain", ids[1]: "pending"}
    assert [outcome.id for outcome in outcomes] == ids[:1]


async def test_a_late_answer_of_the_same_worker_still_settles(database: Database) -> None:
    ids = await put(database)
    await _claim(database, lease=-1.0)
    await _intend(database, ids)
    await database.transact(store_settle.reap)
    assert await _settle(database, ids[0], "sent", worker="another") == []
    [outcome] = await _settle(database, ids[0], "sent", remote_id="7")
    assert outcome.before is DeliveryState.UNCERTAIN
    assert (await rows(database))[0].remote_id == "7"


async def test_an_answer_of_an_earlier_attempt_does_not_settle(database: Database) -> None:
    ids = await put(database)
    await _claim(database)
    await _intend(database, ids)
    await _settle(database, ids[0], "pending")
    await _claim(database)
    await _intend(database, ids)
    assert await _settle(database, ids[0], "failed", attempt=1) == []
    assert len(await _settle(database, ids[0], "sent", attempt=2)) == 1


async def test_a_thread_goes_out_part_by_part(database: Database) -> None:
    ids = await put(database, parts=3)
    for place, number in enumerate(ids):
        [row] = (await _claim(database)).rows
        assert row.id == number
        assert row.reply_to == (f"r{ids[place - 1]}" if place else None)
        await _intend(database, [number])
        await _settle(database, number, "sent", remote_id=f"r{number}", followed=place < 2)
    assert set((await states(database)).values()) == {"sent"}


async def test_a_thread_ends_where_a_part_fails(database: Database) -> None:
    ids = await put(database, parts=3)
    await _claim(database)
    await _intend(database, ids[:1])
    outcomes = await _settle(database, ids[0], "failed", reason="no", followed=True)
    assert [outcome.state for outcome in outcomes] == ["failed", "skipped", "skipped"]
    assert list((await states(database)).values()) == ["failed", "skipped", "skipped"]


@pytest.mark.parametrize(
    ("decision", "becomes"),
    [
        (SettleDecision.SENT, ["sent", "pending"]),
        (SettleDecision.RESEND, ["pending", "pending"]),
        (SettleDecision.DROP, ["failed", "skipped"]),
    ],
)
async def test_a_person_settles_what_is_uncertain(
    database: Database, decision: SettleDecision, becomes: list[str]
) -> None:
    ids = await _uncertain(database, parts=2)
    assert not (await _claim(database)).rows  # the second part waits
    outcomes, _settled = await database.transact(
        lambda conn: store_outbox.decide(conn, ids[0], decision, remote_id="9")
    )
    assert outcomes[0].before is DeliveryState.UNCERTAIN
    assert list((await states(database)).values()) == becomes
    claimed = [row.id for row in (await _claim(database)).rows]
    assert claimed == {"sent": [ids[1]], "resend": [ids[0]], "drop": []}[decision.value]


async def test_only_what_is_uncertain_can_be_settled(database: Database) -> None:
    [number] = await put(database)
    for unknown in (number, 4711):
        with pytest.raises(Refused, match=str(unknown)):
            await database.transact(
                lambda conn, n=unknown: store_outbox.decide(conn, n, SettleDecision.DROP)
            )


async def test_a_settled_delivery_closes_its_alert(database: Database) -> None:
    [number] = await _uncertain(database)
    _outcomes, settled = await database.transact(
        lambda conn: store_outbox.decide(conn, number, SettleDecision.SENT)
    )
    assert settled == ["ABCD-1"]


async def test_what_is_past_its_time_is_not_resent(database: Database) -> None:
    [number] = await _uncertain(database)
    await database.transact(lambda conn: store_settle.cancel(conn, "ABCD-1", "over"))
    with pytest.raises(Refused, match="has expired"):
        await database.transact(lambda conn: store_outbox.decide(conn, number, SettleDecision.RESEND))


async def test_what_expires_says_why(database: Database) -> None:
    import asyncio

    await put(database, 2, ttl=0.02)
    await database.transact(lambda conn: store_accounts.pause(conn, "null", "no credits"))
    await asyncio.sleep(0.05)
    assert await database.read(store_settle.lapsed)
    await database.transact(store_settle.sweep)
    found = await rows(database)
    assert {row.state for row in found} == {"expired"}
    assert "no credits" in found[0].reason


async def test_looking_shows_everything(database: Database) -> None:
    ids = await put(database, 3)
    await _claim(database, 1)
    await _intend(database, ids[:1])
    await _settle(database, ids[0], "failed", reason="unknown chat")
    await database.transact(lambda conn: store_accounts.beat(conn, "w", "host"))
    summary = await database.read(lambda conn: store_listing.summary(conn, "ABCD-1"))
    assert [(c.state, c.reason, c.number) for c in summary.counts] == [
        ("failed", "unknown chat", 1),
        ("pending", None, 2),
    ]
    assert summary.alive
    assert await database.read(store_accounts.any_alive)
    lines = await database.read(lambda conn: store_listing.deliveries(conn, limit=2))
    assert [line.id for line in lines] == ids[1:]
    failed = await database.read(
        lambda conn: store_listing.deliveries(conn, "ABCD-1", states=[DeliveryState.FAILED])
    )
    assert [(line.target, line.attempts) for line in failed] == [("t0", 1)]


async def test_syncing_keeps_what_people_have_set(database: Database) -> None:
    await put(database)
    await database.transact(lambda conn: store_accounts.pause(conn, "null", "why"))
    faster = channel(pace=Pace(per_second=30))
    await database.transact(lambda conn: store_accounts.sync(conn, [faster]))
    row = await database.read(lambda conn: conn.execute(select(account)))
    found = row.one()
    assert (found.paused, round(found.gap, 4)) == ("why", round(1 / 30, 4))
    assert await database.transact(lambda conn: store_accounts.unpause(conn, "null"))


async def test_an_alert_halted_on_one_channel_goes_on_elsewhere(database: Database) -> None:
    for name in ("one", "two"):
        for alert in ("ABCD-1", "ABCD-2"):
            await put(database, name=alert, on=channel(name))
    await database.transact(
        lambda conn: store_accounts.set_halt(conn, True, channel="one", alert="ABCD-1")
    )
    halted = text("SELECT alert_id, account_id FROM dispatch WHERE halted")
    found = (await database.read(lambda conn: conn.execute(halted))).all()
    assert [tuple(row) for row in found] == [("ABCD-1", (await _account(database, "one")).id)]


async def test_only_a_channel_on_which_all_that_waits_has_failed_is_failing(database: Database) -> None:
    await put(database, 2)
    expected: list[dict[str, str]] = [{}, {"null": "closed port"}]
    for failing in expected:
        [row] = (await _claim(database, 1)).rows
        await _intend(database, [row.id])
        await _settle(database, row.id, "pending", reason="closed port", delay=60.0)
        assert await database.read(store_listing.failing) == failing
    await database.transact(lambda conn: conn.execute(text("UPDATE dispatch SET closed = true")))
    assert await database.read(store_listing.failing) == {}


async def test_what_was_cancelled_by_an_edit_does_not_count_once_it_goes_out_anew(
    database: Database,
) -> None:
    await put(database, 3)
    await database.transact(lambda conn: store_settle.cancel(conn, "ABCD-1", "edited"))
    begun = text("UPDATE alert SET state = 'publishing'")
    await database.transact(lambda conn: conn.execute(begun))
    taken_back = {DeliveryState.CANCELLED: 3}
    counted = await database.read(lambda conn: store_listing.publication(conn, "ABCD-1"))
    assert counted == taken_back
    await put(database, 1, purpose=Purpose.TEST)
    assert await database.read(lambda conn: store_listing.publication(conn, "ABCD-1")) == taken_back
    await put(database, 2)
    counted = await database.read(lambda conn: store_listing.publication(conn, "ABCD-1"))
    assert counted == {DeliveryState.PENDING: 2}


async def test_deliveries_of_one_alert(database: Database) -> None:
    await put(database, 2)
    ids = await put(database, 3, name="ABCD-2")
    shown = await database.read(lambda conn: store_listing.deliveries(conn, "ABCD-2"))
    assert [one.id for one in shown] == ids
    assert {one.alert for one in shown} == {"ABCD-2"}
    newest = await database.read(lambda conn: store_listing.deliveries(conn, "ABCD-2", limit=2))
    assert [one.id for one in newest] == ids[1:]
