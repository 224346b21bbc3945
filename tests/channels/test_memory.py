"""The test double that is shipped."""

import pytest

from alertbot.channels.memory import Handler, MemoryAdapter, MemorySettings
from alertbot.core.errors import Rejected, Unavailable
from alertbot.core.model import Action, Audience, Channel, Post, Receipt
from tests.channels.contract import ChannelContract


class TestContract(ChannelContract):
    adapter_type = MemoryAdapter


def remembering(handler: Handler | None = None) -> MemoryAdapter:
    channel = Channel("memory", MemoryAdapter.spec, ("fr",), Audience.TEAM)
    return MemoryAdapter(channel, MemorySettings(type="memory"), handler)


def a_post(**changes: object) -> Post:
    return TestContract().post(**changes)


async def test_posts_are_kept_in_order() -> None:
    memory = remembering()
    receipts = [await memory.publish(a_post(text=text)) for text in "ab"]
    assert [post.text for post in memory.posts] == ["a", "b"]
    assert receipts[0].id != receipts[1].id


async def test_a_handler_answers() -> None:
    memory = remembering(lambda post: Receipt(post.text))
    assert (await memory.publish(a_post(text="a"))).id == "a"


async def test_a_handler_may_be_a_coroutine_and_may_raise() -> None:
    async def down(_post: Post) -> Receipt:
        raise Unavailable("down")

    memory = remembering(down)
    with pytest.raises(Unavailable):
        await memory.publish(a_post())
    assert len(memory.posts) == 1
    assert not memory.standing


async def test_edit_pin_delete_find() -> None:
    memory = remembering()
    receipt = await memory.publish(a_post(text="a"))
    await memory.publish(a_post(text="b", action=Action.EDIT, reply_to=receipt.id))
    assert await memory.find(a_post(text="a")) is None
    assert await memory.find(a_post(text="b")) == Receipt(receipt.id)
    await memory.publish(a_post(action=Action.PIN, reply_to=receipt.id))
    assert memory.pinned == {receipt.id}
    away = a_post(action=Action.DELETE, reply_to=receipt.id)
    assert not (await memory.publish(away)).note
    assert (await memory.publish(away)).note
    with pytest.raises(Rejected):
        await memory.publish(a_post(action=Action.EDIT, reply_to=receipt.id))
    assert [post.action for post in memory.posts] == ["publish", "edit", "pin", "delete", "delete"]


async def test_what_is_shown_is_read_back() -> None:
    memory = remembering()
    receipt = await memory.publish(a_post(text="a"))
    assert await memory.read_back(a_post(), receipt) == "a"
    memory.shows[receipt.id] = "A"
    assert await memory.read_back(a_post(), receipt) == "A"
    assert await memory.read_back(a_post(), Receipt("gone")) is None


class Three:
    """Posts one after the other, of which the second may no longer begin; the third is refused."""

    def __init__(self) -> None:
        self.left = [a_post(text=text) for text in "abc"]
        self.ended: list[tuple[str, object]] = []

    def take(self) -> Post | None:
        return self.left.pop(0) if self.left else None

    async def begin(self, post: Post) -> bool:
        return post.text != "b"

    def end(self, post: Post, answer: object) -> None:
        self.ended.append((post.text, type(answer)))


async def test_from_a_supply_each_post_that_may_begin_ends_once() -> None:
    def but_c(post: Post) -> Receipt:
        if post.text == "c":
            raise Unavailable("down")
        return Receipt(post.text)

    memory, posts = remembering(but_c), Three()
    await memory.publish_from(posts)
    assert posts.ended == [("a", Receipt), ("c", Unavailable)]
