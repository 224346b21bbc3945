"""A large list is queued by and by: everybody once, whoever dies or acts meanwhile."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, true

from alertbot.core.errors import StoreFailed
from alertbot.core.model import Channel, ChannelSpec, DeliveryState
from alertbot.db.database import Database
from alertbot.db.tables import delivery, dispatch, target
from alertbot.db.tables_lists import expansion
from alertbot.delivery import store_accounts, store_expansion, store_listing, store_outbox, store_settle
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_outbox import PackedDeliveries
from tests.cli import desk
from tests.delivery.scene import NullAdapter, add_alert, add_message, channel, put

READERS = 330
LIST = channel("mail", spec=ChannelSpec(type="null", limit=None, per_recipient=True))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_expansion, "AT_APPROVAL", 10)
    monkeypatch.setattr(store_expansion.go_on, "__defaults__", (50,))
    monkeypatch.setattr(store_settle, "CHUNK", 100)


async def queued(
    database: Database, name: str = "ABCD-1", *, on: Channel = LIST, priority: int = 5
) -> None:
    """An alert for `READERS`, a third of them in English; another alert's targets lie between."""

    async def work(conn) -> None:
        await store_accounts.sync(conn, [on])
        await add_alert(conn, name)
        await add_alert(conn, "ZZZZ-1" if name == "ABCD-1" else "ZZZZ-2")
        for lang in ("fr", "en"):
            await add_message(conn, name, on.name, lang=lang, text=lang, revision=1, action="publish")
        await add_message(conn, name, on.name, lang="fr", text="old", revision=0, action="publish")
        rows = [
            {
                "alert_id": name if place % 2 else "ZZZZ-1", "channel": on.name, "lang": "fr" if place % 3 else "en",
                "address": f"a{place}@example.org", "topics": [],
            }
            for place in range(2 * READERS)
        ]  # fmt: skip
        await conn.execute(insert(target), rows)
        packed = PackedDeliveries.of((), later=READERS)
        await store_outbox.enqueue(
            conn, name, on.name, digest="d", priority=priority, ttl_seconds=600, rows=packed
        )

    await database.transact(work)


def everybody() -> list[str]:
    return [f"a{place}@example.org" for place in range(1, 2 * READERS, 2)]


async def open_dispatches(database: Database) -> int:
    count = select(func.count()).select_from(dispatch).where(~dispatch.c.closed)
    return int(await database.read(lambda conn: conn.scalar(count)))


async def test_everybody_gets_one_in_their_language_and_in_order(database: Database) -> None:
    await queued(database)
    before = (await database.read(store_listing.summary)).counts
    assert [(one.state, one.number) for one in before] == [(DeliveryState.PENDING, READERS)]
    adapter = NullAdapter(LIST)
    tally = await LocalRunner(database, {"mail": adapter}).run_once()
    assert (tally.sent, tally.waiting) == (READERS, 0)
    assert [post.target for post in adapter.posts] == everybody()
    assert all(post.text == post.lang for post in adapter.posts)
    assert await open_dispatches(database) == 0
    assert await database.read(lambda conn: store_expansion.any_left(conn, true())) is False


async def test_a_portion_that_is_cut_off_is_queued_again(database: Database) -> None:
    await queued(database)
    count = select(func.count()).select_from(delivery)

    async def cut(conn) -> None:
        assert await store_expansion.go_on(conn, true())
        raise StoreFailed("the disk is full")

    with pytest.raises(StoreFailed):
        await database.transact(cut)
    assert await database.read(lambda conn: conn.scalar(count)) == 10
    while await database.transact(lambda conn: store_expansion.go_on(conn, true())):
        pass
    found = await database.read(
        lambda conn: conn.scalars(select(delivery.c.target).order_by(delivery.c.id))
    )
    assert list(found) == everybody()


async def test_two_workers_double_nobody(database: Database) -> None:
    await queued(database)
    adapters = [NullAdapter(LIST), NullAdapter(LIST)]
    other = await Database.open(database.url, migrate=False)
    runners = (LocalRunner(database, {"mail": adapters[0]}), LocalRunner(other, {"mail": adapters[1]}))
    await asyncio.gather(*(one.run_once() for one in runners))
    await other.close()
    got = Counter(post.target for one in adapters for post in one.posts)
    assert got == Counter(everybody())


async def test_what_is_cancelled_is_told_of_everybody(database: Database) -> None:
    await queued(database)
    await database.transact(lambda conn: store_settle.cancel(conn, "ABCD-1", "corrected"))
    adapter = NullAdapter(LIST)
    await LocalRunner(database, {"mail": adapter}).run_once()
    assert adapter.posts == []
    states = select(delivery.c.state, func.count()).group_by(delivery.c.state)
    rows = await database.read(lambda conn: conn.execute(states))
    assert [tuple(row) for row in rows] == [("cancelled", READERS)]
    assert await open_dispatches(database) == 0


async def test_a_halt_holds_the_rest_and_a_resumption_goes_on(database: Database) -> None:
    await queued(database)
    await database.transact(lambda conn: store_accounts.set_halt(conn, True))
    adapter = NullAdapter(LIST)
    await LocalRunner(database, {"mail": adapter}).run_once(patience=0.2)
    left = select(expansion.c.waiting)
    assert await database.read(lambda conn: conn.scalar(left)) == READERS - 10
    await database.transact(lambda conn: store_accounts.set_halt(conn, False))
    await LocalRunner(database, {"mail": adapter}).run_once()
    assert len(adapter.posts) == READERS


async def test_the_more_urgent_list_is_queued_first(database: Database) -> None:
    await put(database, 1, on=LIST, name="WXYZ-1")  # the account is in use
    await queued(database)
    await queued(database, "QRST-1", priority=1)
    await database.transact(lambda conn: store_expansion.go_on(conn, true()))
    by_alert = select(dispatch.c.alert_id, expansion.c.waiting).join(dispatch)
    rows = await database.read(lambda conn: conn.execute(by_alert.order_by(dispatch.c.alert_id)))
    assert [tuple(row) for row in rows] == [("ABCD-1", READERS - 10), ("QRST-1", READERS - 60)]


def test_an_approval_queues_the_first_and_leaves_the_rest_to_workers(tmp_path: Path) -> None:
    """Through the commands: `status` counts everybody, and the worker sends nothing to anybody else."""
    team = desk.opened(tmp_path)
    (tmp_path / "readers.csv").write_text(
        "address,lang\n"
        + "".join(f"{one},{'en' if place % 3 else ''}\n" for place, one in enumerate(everybody())),
        encoding="utf-8",
    )
    mail = {
        "type": "email", "host": "127.0.0.1", "port": 9, "security": "none",
        "sender": "a@example.org", "recipients": "readers.csv", "connect_within": "1s",
    }  # fmt: skip
    team.configure(channels={"mail": mail})
    alert = team.shown("holding")
    assert team.run("approve", alert, by="bo").code == 0
    counts = team.run("status", "--json").json
    assert READERS in _numbers(counts)
    deliveries = team.run("deliveries", alert, "--json").json
    assert [one["target"] for one in deliveries] == everybody()[:10]
    assert [one["lang"] for one in deliveries[:3]] == ["fr", "en", "en"]


def _numbers(document: object) -> set[object]:
    if isinstance(document, dict):
        return set().union(*map(_numbers, document.values())) if document else set()
    if isinstance(document, list):
        return set().union(*map(_numbers, document)) if document else set()
    return {document} if isinstance(document, int) else set()
