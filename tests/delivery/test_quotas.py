"""What an account may spend: free calls beside an empty budget, how long to wait, what is counted."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, event, insert, select

from alertbot.core.model import Budget, Pace
from alertbot.db.database import Database
from alertbot.db.sql import NOW
from alertbot.db.tables import spent
from alertbot.delivery import store_accounts
from alertbot.delivery.rules_pace import SLACK
from alertbot.delivery.store_accounts import Account, AccountBlock, Want
from tests.delivery.scene import channel, put

DAY = timedelta(days=1)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


async def account_with(
    database: Database, *, budget: float | None = None, windows: Sequence[tuple[int, timedelta]] = ()
) -> Account:
    paid = Budget(budget, DAY) if budget is not None else None
    await put(database, on=channel(budget=paid, pace=Pace(windows=tuple(windows))))
    return (await database.read(lambda conn: store_accounts.named(conn, ["null"])))[0]


async def paid(database: Database, whose: Account, *, cost: float = 0.0, ago: float = 0.0) -> None:
    row = {"account_id": whose.id, "cost": cost, "ago": ago}
    booked = insert(spent).values(at=NOW - bindparam("ago"))
    await database.transact(lambda conn: conn.execute(booked, [row]))


async def ask(database: Database, wants: Sequence[Want]) -> tuple[list[int], list[AccountBlock]]:
    async def work(conn):
        limits = await store_accounts.limited(conn, wants)
        return await store_accounts.allowed(conn, limits, wants)

    good, blocks = await database.transact(work)
    return [want.id for want in good], blocks


def wants(whose: Account, *costs: float) -> list[Want]:
    return [Want(number, whose.id, cost) for number, cost in enumerate(costs, start=1)]


def test_a_want_costs_nothing_is_of_no_dispatch_and_was_not_judged_unless_it_says_so() -> None:
    assert Want(3, 4) == (3, 4, 0.0, 0, None, 0.0, "")


@pytest.mark.parametrize(
    ("before", "costs", "made"),
    [
        (1.0, (0.0, 0.0), 2),  # used up: what is free goes out
        (1.7, (0.0, 0.0), 2),  # overspent, as after the budget was lowered
        (1.7, (0.0, 0.1, 0.0), 1),  # in order: nothing overtakes what must wait
        (1.7, (0.1, 0.0), 0),
        (0.9, (0.1,), 1),  # to the last cent, whatever floats make of it
        (0.9, (0.2,), 0),
        (0.0, (0.1,) * 11, 10),
    ],
)
async def test_a_free_call_needs_no_budget_even_when_it_is_overspent(
    database: Database, before: float, costs: tuple[float, ...], made: int
) -> None:
    whose = await account_with(database, budget=1.0)
    await paid(database, whose, cost=before)
    good, blocks = await ask(database, wants(whose, *costs))
    assert good == list(range(1, made + 1))
    assert len(blocks) == (made < len(costs))
    for block in blocks:
        assert block.account == whose.id
        assert "null" in block.reason
        assert 86_300 < block.seconds <= 86_400


async def test_a_budget_of_which_nothing_was_paid_waits_for_its_whole_length(
    database: Database,
) -> None:
    whose = await account_with(database, budget=1.0)
    good, [block] = await ask(database, wants(whose, 2.0))
    assert not good
    assert block.seconds == 86_400


@pytest.mark.parametrize(
    ("used", "wanted", "made"), [(0, 3, 3), (0, 4, 3), (2, 1, 1), (2, 2, 1), (3, 1, 0), (5, 2, 0)]
)
async def test_a_window_has_room_for_what_it_says(
    database: Database, used: int, wanted: int, made: int
) -> None:
    whose = await account_with(database, windows=[(3, MINUTE)])
    for number in range(used):
        await paid(database, whose, ago=10.0 + number)
    await paid(database, whose, ago=61.0)  # has left it
    good, blocks = await ask(database, wants(whose, *(0.0,) * wanted))
    assert len(good) == made
    assert len(blocks) == (made < wanted)


@pytest.mark.parametrize(
    ("ages", "wait"),
    [
        ((50, 30, 10), 10),  # minutes, until the oldest has left
        ((50, 40, 30, 10), 20),  # one more than fits: until the second has
        ((50, 40, 30, 20, 10), 30),
    ],
)
async def test_a_full_window_waits_until_it_has_room_for_one(
    database: Database, ages: tuple[int, ...], wait: float
) -> None:
    whose = await account_with(database, windows=[(3, HOUR)])
    for age in ages:
        await paid(database, whose, ago=60.0 * age)
    _good, [block] = await ask(database, wants(whose, 0.0))
    assert 60 * wait - 60 < block.seconds <= 60 * wait + SLACK


@pytest.mark.parametrize(("limits", "cost"), [({"windows": [(1, DAY)]}, 0.0), ({"budget": 0.5}, 0.5)])
async def test_an_attempt_that_leaves_while_it_is_looked_at_costs_no_whole_day(
    database: Database, limits: dict[str, Any], cost: float
) -> None:
    """The only attempt of the day leaves right after the first look at the attempts."""
    whose = await account_with(database, **limits)
    await paid(database, whose, cost=cost, ago=86_370.0)
    looked: list[str] = []

    def leave(conn: Connection, _cursor: Any, statement: str, *_more: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")) and "spent" in statement:
            looked.append(statement)
            if len(looked) == 1:
                conn.exec_driver_sql("UPDATE spent SET at = at - 60")

    event.listen(database._writer.sync_engine, "after_cursor_execute", leave)
    good, [block] = await ask(database, wants(whose, cost))
    assert looked
    assert not good
    assert block.seconds < 60


async def test_the_tightest_of_several_limits_counts(database: Database) -> None:
    whose = await account_with(database, budget=1.0, windows=[(5, MINUTE), (2, DAY)])
    good, [block] = await ask(database, wants(whose, 0.1, 0.1, 0.1))
    assert good == [1, 2]
    assert "2 calls in 1440.0 minutes" in block.reason
    good, _blocks = await ask(database, wants(whose, 0.6, 0.6, 0.6))
    assert good == [1]


async def test_only_accounts_with_a_limit_are_counted(database: Database) -> None:
    whose = await account_with(database)
    free = wants(whose, 5.0, 5.0)
    assert await ask(database, free) == ([1, 2], [])

    async def note(conn):
        await store_accounts.note(conn, await store_accounts.limited(conn, free), free)

    await database.transact(note)
    assert (await database.read(lambda conn: conn.execute(select(spent.c.cost)))).all() == []


async def test_every_attempt_is_counted_with_its_cost(database: Database) -> None:
    whose = await account_with(database, budget=1.0)
    made = wants(whose, 0.25, 0.0)

    async def note(conn):
        await store_accounts.note(conn, await store_accounts.limited(conn, made), made)

    await database.transact(note)
    query = select(spent.c.account_id, spent.c.cost).order_by(spent.c.id)
    rows = (await database.read(lambda conn: conn.execute(query))).all()
    assert rows == [(whose.id, 0.25), (whose.id, 0.0)]


@pytest.mark.parametrize(("rate", "gap"), [(None, 0.0), (0, 0.0), (4, 0.25), (0.5, 2.0)])
async def test_a_rate_is_a_gap(database: Database, rate: float | None, gap: float) -> None:
    await put(database, on=channel(pace=Pace(per_second=rate, per_chat_second=rate)))
    [found] = await database.read(lambda conn: store_accounts.named(conn, ["null"]))
    assert (found.name, found.gap, found.chat_gap) == ("null", gap, gap)
