"""What a call may do besides posting: edit, delete, pin, put a picture beside; and when it is done again."""

from hashlib import sha256

import pytest
from sqlalchemy import insert, select

from alertbot.channels.memory import MemoryAdapter, MemorySettings
from alertbot.core.errors import ChannelError, Rejected, Unavailable, Uncertain
from alertbot.core.model import Action, Audience, Channel, Picture, Post, Receipt
from alertbot.db.database import Database
from alertbot.db.tables import delivery, dispatch
from alertbot.delivery import store_accounts, store_outbox
from alertbot.delivery.runners import LocalRunner, RunTally
from alertbot.delivery.store_outbox import NewDelivery
from tests.delivery.scene import add_alert, add_message, rows

CARD = Picture(sha256(b"card").hexdigest(), "image/png", 800, 418, b"card")
TEAM = Channel("memory", MemoryAdapter.spec, ("fr",), Audience.TEAM)


def memory() -> MemoryAdapter:
    return MemoryAdapter(TEAM, MemorySettings(type="memory"))


async def once(database: Database, adapter: MemoryAdapter, patience: float = 15.0) -> RunTally:
    return await LocalRunner(database, {"memory": adapter}, lease=1.0).run_once(patience)


async def enqueue(
    database: Database, *given: NewDelivery, name: str = "ABCD-1", priority: int = 5, **text: object
) -> list[int]:
    """Write entries of one alert whose texts are `text` (those without a message get this one)."""

    async def work(conn):
        await store_accounts.sync(conn, [TEAM])
        await add_alert(conn, name)
        message = await add_message(conn, name, "memory", **text)
        entries = [NewDelivery(**{**_fields(one), "message_id": message}) for one in given]
        number = await store_outbox.enqueue(
            conn, name, "memory", digest="d", priority=priority, ttl_seconds=600, rows=entries
        )
        found = select(delivery.c.id).where(delivery.c.dispatch_id == number).order_by(delivery.c.id)
        return list(await conn.scalars(found))

    return await database.transact(work)


def _fields(entry: NewDelivery) -> dict[str, object]:
    return {name: getattr(entry, name) for name in NewDelivery.__slots__}


def acts(action: Action, on: str | None = None, after: int | None = None) -> NewDelivery:
    return NewDelivery("here", None, "fr", after=after, action=action, remote_ref=on)


async def test_each_action_reaches_the_channel_with_the_post_it_is_about(database: Database) -> None:
    adapter = memory()
    adapter.standing["old"] = adapter.standing["wrong"] = adapter.standing["rest"] = None  # type: ignore[assignment]
    await enqueue(
        database,
        acts(Action.EDIT, "old"),
        acts(Action.DELETE, "wrong"),
        acts(Action.PIN, "rest"),
        acts(Action.PUBLISH, "old"),
        text="La suite",
    )
    assert (await once(database, adapter)).sent == 4
    assert {(post.action, post.reply_to) for post in adapter.posts} == {
        (Action.EDIT, "old"),
        (Action.DELETE, "wrong"),
        (Action.PIN, "rest"),
        (Action.PUBLISH, "old"),
    }
    assert [row.remote_id for row in await rows(database)][:3] == ["old", "wrong", "rest"]


async def test_a_pin_waits_for_its_post_and_pins_it(database: Database) -> None:
    adapter = memory()
    await enqueue(database, acts(Action.PUBLISH, "old"), acts(Action.PIN, after=0))
    assert (await once(database, adapter)).sent == 2
    [post, _pin] = await rows(database)
    assert adapter.posts[1].reply_to == post.remote_id
    assert adapter.pinned == {post.remote_id}


async def test_an_edit_that_waits_for_another_is_still_about_its_own_post(database: Database) -> None:
    adapter = memory()
    adapter.standing["one"] = adapter.standing["two"] = None  # type: ignore[assignment]
    await enqueue(database, acts(Action.EDIT, "one"), acts(Action.EDIT, "two", after=0))
    await once(database, adapter)
    assert [post.reply_to for post in adapter.posts] == ["one", "two"]


async def test_what_waits_for_a_post_that_fails_is_skipped_with_the_reason(database: Database) -> None:
    adapter = memory()

    def refuse(_post: Post) -> Receipt:
        raise Rejected("no")

    adapter.handler = refuse
    await enqueue(database, acts(Action.PUBLISH), acts(Action.PIN, after=0))
    await once(database, adapter)
    assert [row.state for row in await rows(database)] == ["failed", "skipped"]


async def test_a_picture_travels_with_its_text_alternative(database: Database) -> None:
    await database.transact(lambda conn: store_outbox.keep(conn, [CARD]))
    adapter = memory()
    await enqueue(
        database,
        acts(Action.PUBLISH),
        acts(Action.PICTURE, after=0),
        picture=CARD.digest,
        alt="Numéros",
    )
    assert (await once(database, adapter)).sent == 2
    for post in adapter.posts:
        assert (post.picture, post.alt) == (CARD, "Numéros")
    assert adapter.posts[1].reply_to == "memory-1"


@pytest.mark.parametrize("content", [None, b"another"])
async def test_a_picture_that_is_not_the_approved_one_stops_the_dispatch(
    database: Database, content: bytes | None
) -> None:
    if content is not None:
        false = Picture(CARD.digest, CARD.mime, 800, 418, content)
        await database.transact(lambda conn: store_outbox.keep(conn, [false]))
    adapter = memory()
    await enqueue(database, acts(Action.PUBLISH), picture=CARD.digest, alt="Numéros")
    assert (await once(database, adapter)).failed == 1
    assert adapter.posts == []


@pytest.mark.parametrize("action", [Action.EDIT, Action.DELETE, Action.PIN])
async def test_what_may_be_repeated_is_done_again_when_the_answer_was_lost(
    database: Database, action: Action
) -> None:
    adapter = memory()
    adapter.standing["old"] = None  # type: ignore[assignment]
    answers: list[ChannelError | None] = [Uncertain("lost"), Unavailable("busy"), None]

    def answer(post: Post) -> Receipt:
        if error := answers.pop(0):
            raise error
        return Receipt("old")

    adapter.handler = answer
    await enqueue(database, acts(action, "old"))
    tally = await once(database, adapter)
    assert (tally.sent, tally.uncertain) == (1, 0)
    assert len(adapter.posts) == 3
    assert [post.uncertain_before for post in adapter.posts] == [False, True, True]


async def test_a_picture_is_a_post_and_never_repeated_blindly(database: Database) -> None:
    await database.transact(lambda conn: store_outbox.keep(conn, [CARD]))
    adapter = memory()

    def lose(_post: Post) -> Receipt:
        raise Uncertain("lost")

    adapter.handler = lose
    await enqueue(database, acts(Action.PICTURE, "old"), picture=CARD.digest)
    assert (await once(database, adapter)).uncertain == 1


@pytest.mark.parametrize("action", [Action.EDIT, Action.DELETE, Action.PIN])
async def test_an_action_whose_worker_died_is_done_again_and_a_post_is_not(
    database: Database, action: Action
) -> None:
    adapter = memory()
    adapter.standing["old"] = None  # type: ignore[assignment]
    [acted, posted] = await enqueue(database, acts(action, "old"), acts(Action.PUBLISH, "old"))

    async def die(conn):
        await conn.execute(
            delivery.update().values(
                state="sending", attempts=1, worker="dead", lease_until=1.0, attempted_at=1.0
            )
        )

    await database.transact(die)
    await once(database, adapter)
    found = {row.id: row.state for row in await rows(database)}
    assert found[acted] == "sent"
    assert len([post for post in adapter.posts if post.action is action]) == 1
    assert found[posted] == ("sent" if adapter.spec.can_reconcile else "uncertain")


async def test_a_channel_that_cannot_says_so(database: Database) -> None:
    from tests.delivery.scene import NullAdapter, channel

    bare = NullAdapter(channel("memory"))
    await enqueue(database, *(acts(one, one) for one in (Action.EDIT, Action.DELETE, Action.PIN)))
    await LocalRunner(database, {"memory": bare}).run_once()
    for row in await rows(database):
        assert row.state == "failed"
        assert "cannot" in row.reason
    assert bare.posts == []


async def test_rows_written_before_actions_existed_are_posts(database: Database) -> None:
    await enqueue(database, acts(Action.PUBLISH))

    async def old(conn):
        number = await conn.scalar(select(dispatch.c.id))
        message = await conn.scalar(select(delivery.c.message_id))
        plain = {"dispatch_id": number, "message_id": message, "target": "here", "part": 1}
        await conn.execute(insert(delivery).values(**plain, state="pending", retry_at=0))

    await database.transact(old)
    adapter = memory()
    assert (await once(database, adapter)).sent == 2
    assert {post.action for post in adapter.posts} == {Action.PUBLISH}
