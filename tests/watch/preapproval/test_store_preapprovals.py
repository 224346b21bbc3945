"""What was approved ahead, and countdowns, on both databases."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from alertbot.core.errors import StoreFailed
from alertbot.core.model import Person, Role
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.people import store_people
from alertbot.watch import store_preapprovals
from tests.team import gather

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
LASTS = timedelta(days=30)
DIGEST = "d" * 64


@pytest.fixture
async def two(database: Database) -> list[Person]:
    async def work(conn: Connection) -> list[Person]:
        first, _token = await store_people.add(conn, "bo", [Role.APPROVER], by=None, now=NOW)
        second, _token = await store_people.add(conn, "cy", [Role.APPROVER], by=first, now=NOW)
        return [first, second]

    return await database.transact(work)


async def propose(database: Database, by: Person, rule: str = "r", digest: str = DIGEST) -> int:
    return await database.transact(
        lambda conn: store_preapprovals.propose(conn, rule, digest, by=by, lasts=LASTS, now=NOW)
    )


async def approve(database: Database, number: int, by: Person, now: datetime = NOW) -> None:
    async def work(conn: Connection) -> None:
        await store_preapprovals.sign(conn, number, by=by, now=now)
        rows = await store_preapprovals.of_rule(conn, "r", now=now)
        await store_preapprovals.approve(conn, next(one for one in rows if one.id == number), now=now)

    await database.transact(work)


async def test_a_proposal_reads_back_with_its_signature(database: Database, two: list[Person]) -> None:
    number = await propose(database, two[0])
    (row,) = await database.read(lambda conn: store_preapprovals.of_rule(conn, "r", now=NOW))
    assert (row.id, row.rule, row.digest, row.lasts) == (number, "r", DIGEST, LASTS)
    assert (row.names, row.hands, row.approved_at) == (("bo",), {two[0].id}, None)
    assert row.expires_at == NOW + timedelta(days=7)
    assert row.stands(NOW)
    assert not row.stands(row.expires_at)
    assert await database.read(lambda conn: store_preapprovals.of_rule(conn, "other", now=NOW)) == ()


async def test_nobody_signs_twice(database: Database, two: list[Person]) -> None:
    number = await propose(database, two[0])
    with pytest.raises((StoreFailed, IntegrityError)):
        await database.transact(lambda conn: store_preapprovals.sign(conn, number, by=two[0], now=NOW))


async def test_what_is_approved_takes_the_place_of_what_was(
    database: Database, two: list[Person]
) -> None:
    first, later = await propose(database, two[0]), NOW + timedelta(hours=1)
    await approve(database, first, two[1])
    second = await propose(database, two[0], digest="e" * 64)
    await approve(database, second, two[1], later)
    new, old = await database.read(lambda conn: store_preapprovals.of_rule(conn, "r", now=later))
    assert (new.id, new.approved_at, new.expires_at) == (second, later, later + LASTS)
    assert (old.id, old.revoked_at, old.revoked_by) == (first, later, None)
    listed = await database.read(lambda conn: store_preapprovals.listing(conn, now=later))
    assert listed == {"r": (new, old)}


async def test_revoked_is_what_stands_and_nothing_else(database: Database, two: list[Person]) -> None:
    await propose(database, two[0])
    other = await propose(database, two[0], rule="other")
    late = NOW + timedelta(days=8)

    async def revoke(conn: Connection, now: datetime) -> int:
        return await store_preapprovals.revoke(conn, "r", by="ada", reason="why", now=now)

    assert await database.transact(lambda conn: revoke(conn, late)) == 0
    assert await database.transact(lambda conn: revoke(conn, NOW)) == 1
    assert await database.transact(lambda conn: revoke(conn, NOW)) == 0
    (row,) = await database.read(lambda conn: store_preapprovals.of_rule(conn, "r", now=NOW))
    assert (row.revoked_by, row.reason) == ("ada", "why")
    (kept,) = await database.read(lambda conn: store_preapprovals.of_rule(conn, "other", now=NOW))
    assert (kept.id, kept.revoked_at) == (other, None)


async def test_who_signed_is_read_as_they_stand_now(database: Database, two: list[Person]) -> None:
    await propose(database, two[0])
    await database.transact(lambda conn: store_people.revoke(conn, "bo", by=two[1], now=NOW))
    (row,) = await database.read(lambda conn: store_preapprovals.of_rule(conn, "r", now=NOW))
    assert (row.names, row.hands) == (("bo",), frozenset())


async def test_what_was_shown_last_counts(database: Database, two: list[Person]) -> None:
    async def work(conn: Connection) -> list[str | None]:
        found = [await store_preapprovals.shown_to(conn, two[0], "r")]
        for digest in ("a", "b"):
            await store_preapprovals.note_shown(conn, two[0], "r", digest, now=NOW)
        for who, rule in ((two[0], "r"), (two[1], "r"), (two[0], "s")):
            found.append(await store_preapprovals.shown_to(conn, who, rule))
        return found

    assert await database.transact(work) == [None, "b", None, None]


async def test_a_countdown_ends_once(database: Database) -> None:
    team = await gather(database)
    ids = [(await team.pending("holding")).id for _ in range(2)]

    async def plan(conn: Connection) -> None:
        for count, alert in enumerate(ids, start=1):
            at = NOW + timedelta(seconds=90 * count)
            await store_preapprovals.plan(conn, alert, service="sip", rule="r", goes_at=at)

    await database.transact(plan)
    first = NOW + timedelta(seconds=90)
    assert await database.read(lambda conn: store_preapprovals.due(conn, NOW)) == ()
    (due,) = await database.read(lambda conn: store_preapprovals.due(conn, first))
    assert (due.alert, due.service, due.rule, due.goes_at) == (ids[0], "sip", "r", first)
    assert await database.read(store_preapprovals.next_due) == first

    def settle(conn: Connection) -> object:
        return store_preapprovals.settle(conn, ids[0], outcome="x" * 300, now=first)

    ended = await asyncio.gather(*(database.transact(settle) for _ in range(3)))
    assert sorted(ended) == [False, False, True]
    assert await database.read(store_preapprovals.next_due) == NOW + timedelta(seconds=180)
    over = await database.read(lambda conn: store_preapprovals.get_planned(conn, ids[0]))
    assert over is not None
    assert (over.settled_at, over.outcome) == (first, "x" * 200)
    running = await database.read(lambda conn: store_preapprovals.running(conn, rule="r"))
    assert [one.alert for one in running] == [ids[1]]
    assert await database.read(lambda conn: store_preapprovals.running(conn, rule="s")) == ()
