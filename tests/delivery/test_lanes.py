"""Deliveries to many recipients: several over one connection, outcomes and the next intents in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import update

from alertbot.channels.base import PostSupply
from alertbot.core.errors import ChannelDown, ChannelError, StoreFailed, Unavailable
from alertbot.core.model import ChannelSpec, Post, Receipt
from alertbot.db.database import Database
from alertbot.db.sql import Connection
from alertbot.db.tables import delivery
from alertbot.delivery import store_accounts, store_listing
from alertbot.delivery.calls import IN_FLIGHT
from alertbot.delivery.ledger import Hooks, Ledger
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_deliveries import Outcome
from tests.delivery.scene import NullAdapter, channel, paced, put, rows, states

MANY = ChannelSpec(type="null", limit=None, per_recipient=True, public_post=False)
WAIT = 60.0  # seconds, for what comes at once on an idle machine


class Streaming(NullAdapter):
    """Takes one ahead, as mail does: the next is taken before the last has ended."""

    streams = True
    at_once = 3

    def __init__(self, answer: Callable[[Post], Any] | None = None, **more: Any) -> None:
        super().__init__(channel(spec=MANY, **more), answer)
        self.taken: list[int] = []

    async def publish_from(self, posts: PostSupply) -> None:
        post = self._take(posts)
        while post is not None:
            following = None
            if await posts.begin(post):
                following = self._take(posts)
                try:
                    answer: Receipt | ChannelError = await self._send(post)
                except ChannelError as error:
                    answer = error
                posts.end(post, answer)
            post = following or self._take(posts)

    def _take(self, posts: PostSupply) -> Post | None:
        post = posts.take()
        if post is not None:
            self.taken.append(post.delivery)
        return post


async def once(database: Database, adapter: NullAdapter, **more: Any) -> Any:
    patience = more.pop("patience", 10.0)
    return await LocalRunner(database, {"null": adapter}, **more).run_once(patience)


async def test_each_is_sent_once_and_many_share_a_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[tuple[int, int]] = []
    turn = Ledger.turn

    async def counted(self: Ledger, results: Sequence[Any], wants: Sequence[Any], claim: Any) -> Any:
        groups.append((len(results), len(wants)))
        return await turn(self, results, wants, claim)

    monkeypatch.setattr(Ledger, "turn", counted)
    ids = await put(database, 600, on=channel(spec=MANY))
    adapter = Streaming()
    assert (await once(database, adapter)).sent == 600
    assert sorted(adapter.sent) == ids
    assert {row.remote_id for row in await rows(database)} == {f"r{number}" for number in ids}
    assert sum(done for done, _wanted in groups) == sum(wanted for _done, wanted in groups) == 600
    assert max(done for done, _wanted in groups) <= IN_FLIGHT
    assert any(done and wanted for done, wanted in groups)


async def test_a_pace_holds_over_several_lanes(database: Database) -> None:
    on = paced(50.0)
    await put(database, 20, on=channel(spec=MANY, pace=on.pace))
    adapter = Streaming(pace=on.pace)
    loop = asyncio.get_running_loop()
    moments: list[float] = []
    adapter.answer = lambda _post: moments.append(loop.time())
    assert (await once(database, adapter)).sent == 20
    assert moments[-1] - moments[0] >= 19 * 0.97 / 50.0 - 0.02


async def test_what_a_broken_channel_had_begun_is_uncertain_and_the_rest_goes_out(
    database: Database,
) -> None:
    ids = await put(database, 30, on=channel(spec=MANY))

    def answer(post: Post) -> Any:
        if post.delivery == ids[5] and post.attempt == 1:
            raise RuntimeError("a fault of ours")

    adapter = Streaming(answer)
    tally = await once(database, adapter)
    assert (tally.sent, tally.uncertain, tally.waiting) == (29, 1, 0)
    found = await states(database)
    assert found[ids[5]] == "uncertain"
    assert sorted(adapter.sent) == ids  # nothing twice
    assert "RuntimeError" in (await rows(database))[5].reason


async def test_a_channel_that_cannot_even_begin_is_paused(database: Database) -> None:
    await put(database, 5, on=channel(spec=MANY))

    class Locked(Streaming):
        async def publish_from(self, posts: PostSupply) -> None:
            raise ChannelDown("the password is missing")

    tally = await once(database, Locked(), patience=0.5)
    assert (tally.sent, tally.waiting) == (0, 5)
    flags = (await database.read(store_listing.summary)).accounts[0]
    assert flags.paused == "the password is missing"


async def test_a_halt_takes_back_what_has_not_begun(database: Database) -> None:
    """Also what a lane has taken ahead: it is pending again, and no attempt."""
    ids = await put(database, 60, on=channel(spec=MANY))
    gate, slow = asyncio.Event(), asyncio.Event()

    async def answer(_post: Post) -> Receipt:
        if len(adapter.posts) > 30:
            slow.set()
            await gate.wait()
        return Receipt("x")

    adapter = Streaming(lambda post: answer(post))
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run(stop))
    async with asyncio.timeout(WAIT):
        await slow.wait()
        await database.transact(lambda conn: store_accounts.set_halt(conn, True))
        await asyncio.sleep(0.1)  # the last look is too old for whatever begins from here on
        begun = len(adapter.posts)
        gate.set()
        while {"sending", "claimed"} & set((await states(database)).values()):
            await asyncio.sleep(0.01)
    assert len(adapter.posts) == begun
    assert set((await states(database)).values()) == {"sent", "pending"}
    pending = [row for row in await rows(database) if row.state == "pending"]
    assert {row.attempts for row in pending} == {0}
    await database.transact(lambda conn: store_accounts.set_halt(conn, False))
    async with asyncio.timeout(WAIT):
        while set((await states(database)).values()) != {"sent"}:
            await asyncio.sleep(0.01)
    assert sorted(adapter.sent) == ids
    stop.set()
    await running


async def test_who_may_not_wait_leaves_what_has_begun_as_perhaps_sent(database: Database) -> None:
    await put(database, 40, on=channel(spec=MANY))
    begun = asyncio.Event()

    async def answer(_post: Post) -> Receipt:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    adapter = Streaming(lambda post: answer(post))
    stop = asyncio.Event()
    running = asyncio.create_task(LocalRunner(database, {"null": adapter}).run(stop, grace=0.1))
    async with asyncio.timeout(WAIT):
        await begun.wait()
        stop.set()
        await running
    found = await states(database)
    posts = set(adapter.sent)
    assert {number for number, state in found.items() if state == "uncertain"} == posts
    assert {state for number, state in found.items() if number not in posts} == {"pending"}


async def test_outcomes_survive_a_hook_that_fails(database: Database) -> None:
    await put(database, 20, on=channel(spec=MANY))

    async def broken(_conn: Connection, _moved: Sequence[Outcome]) -> None:
        raise RuntimeError("a hook")

    tally = await once(database, Streaming(), hooks=Hooks(outcomes=broken))
    assert tally.sent == 20


async def test_a_turn_that_fails_as_a_whole_is_written_in_parts(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await put(database, 200, on=channel(spec=MANY))
    at_once = Ledger._turn_at_once
    failing = [2]

    async def sometimes(self: Ledger, results: Any, wants: Any, claim: Any) -> Any:
        if results and wants and failing[0]:
            failing[0] -= 1
            raise StoreFailed("the disk is full")
        return await at_once(self, results, wants, claim)

    monkeypatch.setattr(Ledger, "_turn_at_once", sometimes)
    adapter = Streaming()
    assert (await once(database, adapter)).sent == 200
    assert sorted(adapter.sent) == ids
    assert failing == [0]


async def test_one_who_is_away_is_tried_again_and_delays_nobody(database: Database) -> None:
    ids = await put(database, 10, on=channel(spec=MANY))
    away = {ids[3]}
    adapter = Streaming(
        lambda post: Unavailable("away") if post.delivery in away and post.attempt == 1 else None
    )
    tally = await once(database, adapter)
    assert (tally.sent, tally.waiting) == (10, 0)
    assert adapter.sent.count(ids[3]) == 2
    assert adapter.sent[-1] == ids[3]


async def test_the_rate_of_a_large_sending_is_that_of_the_last_deliveries(database: Database) -> None:
    ids = await put(database, 400, on=channel(spec=MANY))

    async def half_sent(conn: Connection) -> None:
        sent = update(delivery).where(delivery.c.id < ids[300])
        await conn.execute(sent.values(state="sent", settled_at=1000.0 + delivery.c.id / 50.0))

    assert await database.read(lambda conn: store_listing.rates(conn, "ABCD-1")) == {}
    await database.transact(half_sent)
    rates = await database.read(lambda conn: store_listing.rates(conn, "ABCD-1"))
    assert rates == {"null": pytest.approx(50.0)}
    assert await database.read(lambda conn: store_listing.rates(conn, "ABCD-2")) == {}
