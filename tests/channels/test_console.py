"""The dry run."""

import io

import pytest

from alertbot.channels.console import ConsoleAdapter, ConsoleSettings
from alertbot.core.errors import Unavailable
from alertbot.core.model import Audience, Channel, ExercisePost
from tests.channels.contract import ChannelContract, post_as


class TestContract(ChannelContract):
    adapter_type = ConsoleAdapter


def printing(stream: io.TextIOBase) -> ConsoleAdapter:
    channel = Channel("dry_run", ConsoleAdapter.spec, ("fr",), Audience.TEAM)
    return ConsoleAdapter(channel, ConsoleSettings(type="console"), stream)  # type: ignore[arg-type]


async def test_everything_that_would_be_published_is_printed() -> None:
    stream = io.StringIO()
    post = TestContract().post(subject="Panne", part=2, parts=3)
    await printing(stream).publish(post_as(ExercisePost, post))
    for word in ("dry_run", "BKRT-1", "fr", "2/3", "Panne", post.text, "exercise"):
        assert word in stream.getvalue()


async def test_each_post_has_an_id_of_its_own() -> None:
    adapter = printing(io.StringIO())
    ids = {(await adapter.publish(TestContract().post())).id for _ in range(3)}
    assert len(ids) == 3


async def test_a_stream_that_is_closed_is_an_ordinary_error() -> None:
    stream = io.StringIO()
    stream.close()
    with pytest.raises(Unavailable):
        await printing(stream).publish(TestContract().post())


async def test_letters_that_a_terminal_lacks_are_an_ordinary_error() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with pytest.raises(Unavailable):
        await printing(stream).publish(TestContract().post())
