"""What a delivery that did not go out says about itself, and who may still settle one that did."""

from hashlib import sha256

import pytest
from sqlalchemy import insert, select, update

from alertbot.core.model import DeliveryState, Markup, Purpose
from alertbot.db.database import Database
from alertbot.db.sql import NOW
from alertbot.db.tables import account, delivery, dispatch, message, picture
from alertbot.delivery import store_accounts, store_claim, store_settle
from alertbot.delivery.content import ContentCache, DispatchContent
from alertbot.delivery.ledger import Hooks
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_settle import Settlement
from tests.delivery.scene import NullAdapter, channel, put, rows

LATE = "Not sent before it expired."


@pytest.mark.parametrize(
    ("of_dispatch", "of_account", "state", "reason"),
    [
        ({}, {}, "expired", LATE),
        ({"halted": True}, {}, "expired", f"{LATE} It was halted."),
        ({}, {"halted": True}, "expired", f"{LATE} It was halted."),
        ({}, {"paused": "no token"}, "expired", f"{LATE} The channel was paused: no token"),
        ({}, {"blocked": "full"}, "expired", f"{LATE} full"),
        ({"halted": True}, {"paused": "no token"}, "expired", f"{LATE} It was halted."),
        (
            {},
            {"paused": "no token", "blocked": "full"},
            "expired",
            f"{LATE} The channel was paused: no token",
        ),
        ({"cancelled": "a false alert", "halted": True}, {}, "cancelled", "a false alert"),
    ],
)
async def test_what_expired_or_was_cancelled_says_why(
    database: Database, of_dispatch: dict, of_account: dict, state: str, reason: str
) -> None:
    await put(database, 2)

    async def pass_by(conn):
        await conn.execute(update(dispatch).values(expires_at=NOW - 1, **of_dispatch))
        if of_account:
            await conn.execute(update(account).values(**of_account))
        return await store_settle.sweep(conn)

    outcomes = await database.transact(pass_by)
    assert [(one.state, one.reason) for one in outcomes] == [(state, reason)] * 2
    assert [(row.state, row.reason) for row in await rows(database)] == [(state, reason)] * 2
    assert await database.transact(store_settle.sweep) == []


async def test_what_was_tried_before_is_not_forgotten_when_it_expires(database: Database) -> None:
    await put(database, 2)

    async def pass_by(conn):
        first = select(delivery.c.id).order_by(delivery.c.id).limit(1).scalar_subquery()
        await conn.execute(update(delivery).where(delivery.c.id == first).values(reason="No answer."))
        await conn.execute(update(dispatch).values(expires_at=NOW - 1))
        await store_settle.sweep(conn)

    await database.transact(pass_by)
    assert [row.reason for row in await rows(database)] == [f"{LATE} No answer.", LATE]


async def test_what_is_not_over_is_left_alone(database: Database) -> None:
    await put(database, 1, ttl=60)
    assert await database.transact(store_settle.sweep) == []
    assert [row.state for row in await rows(database)] == ["pending"]


async def test_cancelling_stops_an_alert_and_not_the_notice_about_it(database: Database) -> None:
    await put(database, 1)
    await put(database, 1, purpose=Purpose.NOTICE)
    await put(database, 1, name="ABCD-2")
    await database.transact(lambda conn: store_settle.cancel(conn, "ABCD-1", "wrong"))
    assert [row.state for row in await rows(database)] == ["cancelled", "pending", "pending"]


@pytest.mark.parametrize(
    ("state", "worker", "attempt", "counts"),
    [
        ("sending", "me", 1, True),
        ("sending", "another", 1, False),
        ("sending", None, 1, False),  # nobody looks up what is under way
        ("sending", "me", 2, False),  # an answer to another attempt
        ("uncertain", "me", 1, True),  # late, and better than not at all
        ("uncertain", "another", 1, False),
        ("uncertain", None, 1, True),  # looked up
        ("pending", "me", 1, True),
        ("pending", None, 1, False),
        ("claimed", "me", 1, False),
        ("sent", "me", 1, False),
        ("failed", "me", 1, False),
        ("cancelled", "me", 1, False),
        ("expired", "me", 1, False),
        ("skipped", "me", 1, False),
    ],
)
async def test_whose_outcome_counts(
    database: Database, state: str, worker: str | None, attempt: int, counts: bool
) -> None:
    [number] = await put(database)

    async def work(conn):
        await conn.execute(update(delivery).values(state=state, worker="me", attempts=1))
        one = Settlement(number, attempt, DeliveryState.FAILED, reason="refused", note="n")
        return await store_settle.settle(conn, [one], worker=worker)

    outcomes = await database.transact(work)
    assert [(one.id, one.state, one.before) for one in outcomes] == [(number, "failed", state)] * counts
    [row] = await rows(database)
    assert (row.state, row.reason) == (("failed", "refused") if counts else (state, None))


async def _content(database: Database) -> DispatchContent:
    async def work(conn):
        [whose] = await store_accounts.named(conn, ["null"])
        return await store_claim.claim(conn, whose, 5, worker="me", lease=10.0)

    claim = await database.transact(work)
    return await ContentCache(database, Hooks()).get(claim.rows, Markup.PLAIN)


@pytest.mark.parametrize(
    ("digest", "kept", "refusal"),
    [
        (sha256(b"png").hexdigest(), b"png", None),
        (sha256(b"png").hexdigest(), b"another", "picture"),  # not what was approved
        (sha256(b"png").hexdigest(), None, "picture"),
        (None, None, None),
    ],
)
async def test_only_the_picture_that_was_approved_goes_out(
    database: Database, digest: str | None, kept: bytes | None, refusal: str | None
) -> None:
    await put(database)

    async def work(conn):
        await conn.execute(update(message).values(picture=digest))
        if kept is not None:
            row = {"digest": digest, "mime": "image/png", "width": 1, "height": 1, "content": kept}
            await conn.execute(insert(picture).values(**row))

    await database.transact(work)
    content = await _content(database)
    assert bool(content.refusal) is bool(refusal)
    assert (refusal or "") in (content.refusal or "")


async def test_what_is_refused_is_not_sent_and_says_so(database: Database) -> None:
    await put(database)
    await database.transact(lambda conn: conn.execute(update(message).values(picture="0" * 64)))
    adapter = NullAdapter(channel())
    await LocalRunner(database, {"null": adapter}).run_once()
    assert adapter.posts == []
    [row] = await rows(database)
    assert row.state == "failed"
    assert "picture" in row.reason
