"""Pictures on X: handed over before the post, described, and never in the way of the words (R24)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from alertbot.channels.x.adapter import XAdapter
from alertbot.core.errors import ChannelDown, Throttled
from alertbot.core.model import Picture, Post
from alertbot.rehearsal.sandbox.accounts import XPost
from alertbot.rehearsal.sandbox.faults import OrderedFault
from alertbot.rehearsal.sandbox.server import Sandbox
from tests.channels.contract import CARD
from tests.channels.test_x import OAUTH1, TestContract, adapter_for


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in OAUTH1.items():
        monkeypatch.setenv(variable, value)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as running:
        yield running


@pytest.fixture
async def x(sandbox: Sandbox) -> AsyncIterator[XAdapter]:
    adapter = adapter_for(sandbox.x_url)
    yield adapter
    await adapter.close()


def a_post(**changes: Any) -> Post:
    post = TestContract().post()
    return replace(post, **{"picture": CARD, "alt": "Rhône, SAMU : 04 65 71 00 01", **changes})


def uploads(sandbox: Sandbox) -> int:
    return len(sandbox.x._pictures)


def stands(sandbox: Sandbox) -> XPost:
    [post] = sandbox.posts.x()
    return post


async def test_the_picture_stands_beside_the_text_with_its_alternative(
    x: XAdapter, sandbox: Sandbox
) -> None:
    receipt = await x.publish(a_post())
    [picture] = stands(sandbox).pictures
    assert (picture.description, picture.content) == (a_post().alt, CARD.content)
    assert not receipt.note
    assert await x.read_back(a_post(), receipt) == a_post().text + " "


async def test_it_is_handed_over_before_the_call_is_announced_and_once_for_all_attempts(
    x: XAdapter, sandbox: Sandbox
) -> None:
    sandbox.faults.add("x:rate_limited:reset=1")
    for attempt in (1, 2):
        post = a_post(attempt=attempt)
        await x.prepare(post)
        assert uploads(sandbox) == 1
        if attempt == 1:
            with pytest.raises(Throttled):
                await x.publish(post)
    await x.publish(post)
    assert uploads(sandbox) == 1
    assert len(stands(sandbox).pictures) == 1


async def test_the_next_post_hands_it_over_afresh(x: XAdapter, sandbox: Sandbox) -> None:
    await x.publish(a_post())
    await x.publish(a_post(text="Une suite", delivery=8))
    assert uploads(sandbox) == 2


@pytest.mark.parametrize("fault", ["x:drop_before", "x:server_error_json", "x:server_error_html"])
async def test_a_picture_call_whose_answer_was_lost_is_made_again(
    x: XAdapter, sandbox: Sandbox, fault: str
) -> None:
    sandbox.faults.add(f"{fault}:on=media")
    receipt = await x.publish(a_post())
    assert len(stands(sandbox).pictures) == 1
    assert (receipt.note, receipt.without) == ("", "")


@pytest.mark.parametrize(
    "fault", ["server_error_json", "drop_before", "credits", "rate_limited", "html_200"]
)
async def test_the_words_do_not_wait_for_a_picture_that_x_does_not_take(
    x: XAdapter, sandbox: Sandbox, fault: str
) -> None:
    sandbox.faults.add(f"x:{fault}:on=media:times=always")
    receipt = await x.publish(a_post())
    assert stands(sandbox).pictures == ()
    assert "Without its picture" in receipt.note
    assert receipt.without == receipt.note


async def test_a_picture_that_cannot_be_described_is_left_out(x: XAdapter, sandbox: Sandbox) -> None:
    sandbox.faults.add("x:server_error_json:on=media:match=alt_text:times=always")
    receipt = await x.publish(a_post())
    assert stands(sandbox).pictures == ()
    assert receipt.note


async def test_what_is_no_picture_is_left_out(x: XAdapter, sandbox: Sandbox) -> None:
    receipt = await x.publish(a_post(picture=Picture("d" * 64, "image/svg+xml", 1, 1, b"<svg/>")))
    assert stands(sandbox).pictures == ()
    assert "not a supported image" in receipt.note


async def test_a_picture_that_x_has_forgotten_does_not_cost_the_post(
    x: XAdapter, sandbox: Sandbox
) -> None:
    await x.prepare(a_post())
    sandbox.x._pictures.clear()
    receipt = await x.publish(a_post())
    assert stands(sandbox).pictures == ()
    assert "media IDs are invalid" in receipt.note


async def test_refused_keys_stop_the_channel_with_a_picture_too(x: XAdapter, sandbox: Sandbox) -> None:
    sandbox.faults.add(OrderedFault(kind=_kind("unauthorized"), times=None))
    await x.prepare(a_post())
    with pytest.raises(ChannelDown):
        await x.publish(a_post())


def _kind(name: str) -> Any:
    from alertbot.rehearsal.sandbox.faults import FAULTS

    return next(kind for kind in FAULTS if (kind.platform, kind.name) == ("x", name))


async def test_a_reply_with_a_picture_that_is_refused_as_a_reply_keeps_its_picture(
    x: XAdapter, sandbox: Sandbox
) -> None:
    receipt = await x.publish(a_post(reply_to="12345", attempt=2))
    assert stands(sandbox).reply_to is None
    assert len(stands(sandbox).pictures) == 1
    assert "on its own" in receipt.note


async def test_an_answer_to_a_post_that_is_gone_waits_once_and_then_stands_alone(
    x: XAdapter, sandbox: Sandbox
) -> None:
    gone = a_post(picture=None, reply_to="12345")
    with pytest.raises(Throttled):
        await x.publish(gone)
    assert (await x.publish(replace(gone, attempt=2))).note
    assert stands(sandbox).reply_to is None


async def test_what_is_read_back_is_nothing_where_it_was_deleted(x: XAdapter, sandbox: Sandbox) -> None:
    receipt = await x.publish(a_post())
    sandbox.posts.change(stands(sandbox), deleted_at=stands(sandbox).at)
    assert await x.read_back(a_post(), receipt) is None
