"""After publishing: what the channel shows is compared with what was approved."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from alertbot.channels.memory import MemoryAdapter, MemorySettings
from alertbot.core.errors import Unavailable
from alertbot.core.model import Action, Post, Receipt
from alertbot.db.database import Database
from alertbot.db.tables import account, delivery
from alertbot.delivery import readback
from alertbot.delivery.ledger import Hooks
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.store_content import ReadbackVerdict
from tests.delivery.scene import rows
from tests.delivery.test_actions import CARD, TEAM, acts, enqueue


class Watched(MemoryAdapter):
    """Counts the looks; `blind` times it cannot tell."""

    looks = 0
    blind = 0

    async def read_back(self, post: Post, receipt: Receipt) -> str | None:
        self.looks += 1
        if self.looks <= self.blind:
            raise Unavailable("not now")
        return await super().read_back(post, receipt)


def memory(*, read_back: bool = True) -> Watched:
    return Watched(replace(TEAM, read_back=read_back), MemorySettings(type="memory"))


@pytest.fixture
def told() -> list[ReadbackVerdict]:
    return []


async def once(database: Database, adapter: MemoryAdapter, told: list[ReadbackVerdict]) -> None:
    async def differs(_conn: object, verdicts: object) -> None:
        told.extend(verdicts)  # type: ignore[call-overload]

    runner = LocalRunner(database, {"memory": adapter}, hooks=Hooks(differs=differs), lease=1.0)
    await runner.run_once()


async def verdicts(database: Database) -> list[str | None]:
    return [row.read_back for row in await rows(database)]


async def test_what_is_shown_as_approved_is_the_same(
    database: Database, told: list[ReadbackVerdict]
) -> None:
    adapter = memory()
    await enqueue(database, acts(Action.PUBLISH), text="Appelez le 112")
    await once(database, adapter, told)
    assert await verdicts(database) == ["same"]
    assert adapter.looks == 1
    assert told == []


async def test_a_difference_is_told_once_after_a_second_look(
    database: Database, told: list[ReadbackVerdict]
) -> None:
    adapter = memory()
    adapter.shows["memory-1"] = "Appelez le 12"
    [number] = await enqueue(database, acts(Action.PUBLISH), text="Appelez le 112")
    await once(database, adapter, told)
    [found] = await verdicts(database)
    assert found == "it says “12” where “112” was approved"
    assert adapter.looks == 2
    assert [(one.id, one.alert, one.channel, one.differs) for one in told] == [
        (number, "ABCD-1", "memory", True)
    ]
    await once(database, adapter, told)
    assert len(told) == 1
    assert adapter.looks == 2


async def test_a_post_that_somebody_deleted_is_missed(
    database: Database, told: list[ReadbackVerdict]
) -> None:
    adapter = memory()

    def vanish(_post: Post) -> Receipt:
        return Receipt("elsewhere")

    adapter.handler = vanish
    await enqueue(database, acts(Action.PUBLISH))
    adapter.standing = _Forgetful()  # type: ignore[assignment]
    await once(database, adapter, told)
    assert await verdicts(database) == ["nothing is there any more"]


class _Forgetful(dict[str, Post]):
    def __setitem__(self, key: str, value: Post) -> None:
        pass


async def test_a_platform_that_is_slow_to_show_is_asked_again(
    database: Database, told: list[ReadbackVerdict]
) -> None:
    adapter = memory()
    adapter.blind = 1
    await enqueue(database, acts(Action.PUBLISH))
    await once(database, adapter, told)
    assert await verdicts(database) == ["same"]


async def test_what_cannot_be_told_is_unknown_and_nobody_is_alarmed(
    database: Database, told: list[ReadbackVerdict]
) -> None:
    adapter = memory()
    adapter.blind = 99
    await enqueue(database, acts(Action.PUBLISH))
    await once(database, adapter, told)
    assert await verdicts(database) == ["unknown"]
    assert adapter.looks == 2
    assert told == []


async def test_a_channel_that_is_not_to_be_asked_is_not_asked(
    database: Database, told: list[ReadbackVerdict]
) -> None:
    adapter = memory(read_back=False)
    await enqueue(database, acts(Action.PUBLISH))
    await once(database, adapter, told)
    assert await verdicts(database) == [None]
    assert adapter.looks == 0


async def test_deletions_and_pins_leave_nothing_to_read(
    database: Database, told: list[ReadbackVerdict]
) -> None:
    adapter = memory()
    await enqueue(database, acts(Action.PUBLISH), acts(Action.PIN, after=0), acts(Action.DELETE, "x"))
    await once(database, adapter, told)
    assert await verdicts(database) == ["same", None, None]


@pytest.mark.parametrize("action", [Action.EDIT, Action.DELETE])
async def test_a_post_that_was_changed_on_purpose_is_no_difference(
    database: Database, told: list[ReadbackVerdict], action: Action
) -> None:
    adapter = memory()
    await enqueue(database, acts(Action.PUBLISH), text="Un")
    await once(database, memory(read_back=False), told)
    adapter.standing["memory-1"] = None  # type: ignore[assignment]
    await enqueue(database, acts(action, "memory-1"), name="ABCD-2", text="Deux")
    await once(database, adapter, told)
    assert told == []
    assert (await verdicts(database))[0] is None


async def test_other_workers_posts_are_left_to_them_for_a_while(
    database: Database, told: list[ReadbackVerdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    await enqueue(database, acts(Action.PUBLISH))
    await once(database, memory(read_back=False), told)
    other = memory()
    other.shows["memory-1"] = "Bonjour"
    other.standing["memory-1"] = None  # type: ignore[assignment]
    await once(database, other, told)
    assert await verdicts(database) == [None]
    monkeypatch.setattr(readback, "OTHERS_SECONDS", 0.0)
    monkeypatch.setattr(other, "standing", {"memory-1": Post("", 1, 1, "", "", "Bonjour")})
    await once(database, other, told)
    assert await verdicts(database) == ["same"]


async def test_a_paused_account_is_not_asked(database: Database, told: list[ReadbackVerdict]) -> None:
    adapter = memory()
    await enqueue(database, acts(Action.PUBLISH))
    await once(database, memory(read_back=False), told)
    await database.transact(lambda conn: conn.execute(update(account).values(paused="keys")))
    await once(database, adapter, told)
    assert adapter.looks == 0


async def test_a_worker_that_goes_on_reads_back_beside_its_work(
    database: Database, told: list[ReadbackVerdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readback, "FIRST_LOOK_SECONDS", 0.0)
    adapter = memory()
    runner = LocalRunner(database, {"memory": adapter})
    stop = asyncio.Event()
    await enqueue(database, acts(Action.PUBLISH))
    working = asyncio.create_task(runner.run(stop))
    for _again in range(200):
        if await verdicts(database) == ["same"]:
            break
        await asyncio.sleep(0.05)
    stop.set()
    await working
    assert await verdicts(database) == ["same"]


async def test_an_edit_that_was_overtaken_does_not_undo_the_later_one(database: Database) -> None:
    adapter = memory(read_back=False)
    adapter.standing["post"] = None  # type: ignore[assignment]
    [old] = await enqueue(database, acts(Action.EDIT, "post"), priority=9, text="update")
    [new] = await enqueue(
        database, acts(Action.EDIT, "post"), name="ABCD-2", priority=1, text="correction"
    )
    await once(database, adapter, [])
    assert adapter.standing["post"].text == "correction"
    found = {row.id: (row.state, row.reason) for row in await rows(database)}
    assert found[new] == ("sent", None)
    assert found[old][0] == "skipped"
    assert "later text" in found[old][1]


async def test_an_edit_that_comes_in_turn_is_made(database: Database) -> None:
    adapter = memory()
    adapter.standing["post"] = None  # type: ignore[assignment]
    await enqueue(database, acts(Action.EDIT, "post"), text="one")
    await enqueue(database, acts(Action.EDIT, "post"), name="ABCD-2", text="two")
    await once(database, adapter, [])
    assert adapter.standing["post"].text == "two"
    assert [row.state for row in await rows(database)] == ["sent", "sent"]


async def test_a_picture_is_read_back_by_its_alternative(
    database: Database, told: list[ReadbackVerdict]
) -> None:
    from alertbot.delivery import store_outbox

    await database.transact(lambda conn: store_outbox.keep(conn, [CARD]))
    adapter = memory()
    adapter.shows["memory-1"] = "Rhône"
    await enqueue(database, acts(Action.PICTURE, "post"), picture=CARD.digest, alt="Rhône")
    await once(database, adapter, told)
    found = await database.read(lambda conn: conn.execute(select(delivery.c.read_back)))
    assert found.scalar() == "same"
