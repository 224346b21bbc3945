"""`status`: a channel on which nothing works is not shown as open."""

import pytest

from alertbot.cli.tables.show_tables import _stopped
from alertbot.core.errors import Unavailable
from alertbot.core.model import Post, Receipt
from alertbot.db.database import Database
from alertbot.ops import overview
from tests.team import Team, gather


async def failing(team: Team) -> dict[str, str | None]:
    status = await overview.status(team.service, None)
    return {one.name: one.failing for one in status.channels}


@pytest.fixture
def down() -> list[bool]:
    return [True]


@pytest.fixture
async def team(database: Database, down: list[bool]) -> Team:
    def answer(post: Post) -> Receipt:
        if down[0]:
            raise Unavailable("The server could not be reached: its name cannot be resolved.")
        return Receipt(f"r{post.delivery}")

    return await gather(database, handlers={"public": answer})


async def test_a_channel_of_which_all_that_waits_has_failed_is_not_open(
    team: Team, down: list[bool]
) -> None:
    await team.approved()
    assert set((await failing(team)).values()) == {None}  # nothing was tried yet
    await team.work(patience=0.0)
    told = await failing(team)
    assert told.pop("public") == "The server could not be reached: its name cannot be resolved."
    assert set(told.values()) == {None}
    shown = next(
        one for one in (await overview.status(team.service, None)).channels if one.name == "public"
    )
    assert "its name cannot be resolved" in _stopped(shown)
    down[0] = False
    await team.work(patience=15.0)
    assert set((await failing(team)).values()) == {None}
