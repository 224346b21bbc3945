"""Tasks: the team hears of each once, `status` shows it, a person closes it."""

import pytest

from alertbot.alerts import publishing
from alertbot.channels.memory import MemoryAdapter
from alertbot.core.errors import Misuse, Refused, Uncertain
from alertbot.core.model import Post, Receipt
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import tasks
from alertbot.people.tasks import NewTask
from tests.team import Team, gather

ENDS = NewTask(
    "number-ends:12:1", "number-ends", "N12 ends at 20:00: extend it or let it end.", number=12
)


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def raise_(team: Team, *chores: NewTask) -> tuple[NewTask, ...]:
    return await team.service.database.transact(
        lambda conn: tasks.raise_all(team.service, conn, chores)
    )


async def test_the_team_is_told_once_though_there_is_no_alert(team: Team) -> None:
    assert await raise_(team, ENDS) == (ENDS,)
    assert await raise_(team, ENDS) == ()
    tally = await team.work()
    assert (tally.sent, tally.failed, tally.waiting) == (1, 0, 0)
    (post,) = team.adapters["team"].posts
    assert ENDS.text in post.text
    assert not team.adapters["public"].posts
    assert (await team.verbs()).count("task") == 1
    (row,) = await overview.deliveries(team.service, None, None, None)
    assert (row.alert, row.state) == (None, "sent")


async def test_many_at_once_are_one_message_that_says_how_many(team: Team) -> None:
    many = [NewTask(f"k{count}", "number-ends", f"N{count} ends.") for count in range(50)]
    assert len(await raise_(team, *many)) == 50
    await team.work()
    (post,) = team.adapters["team"].posts
    assert "50" in post.text
    assert "N19 ends." in post.text
    assert "N20 ends." not in post.text


async def test_status_shows_it_until_somebody_has_done_it(team: Team) -> None:
    await raise_(team, ENDS)
    status = await overview.status(team.service, None)
    (task,) = status.tasks
    assert (task.number, task.done_at) == ("N12", None)
    assert any(ENDS.text in one.message for one in status.open)
    done = await tasks.done(team.service, team.people["ada"], task.id, " Told them. ")
    assert (done.done_by, done.outcome) == ("ada", "Told them.")
    assert (await overview.status(team.service, None)).tasks == ()
    assert [one.id for one in await tasks.listing(team.service, every=True)] == [task.id]
    assert await tasks.listing(team.service) == []


async def test_the_status_of_an_alert_shows_what_is_about_it(team: Team) -> None:
    view = await team.draft()
    await raise_(team, ENDS, NewTask("late", "something", "Late.", incident=view.incident))
    found = (await overview.status(team.service, view.id)).tasks
    assert [one.text for one in found] == ["Late."]


async def test_done_twice_or_never_there_is_said(team: Team) -> None:
    await raise_(team, ENDS)
    (task,) = await tasks.listing(team.service)
    await tasks.done(team.service, team.people["bo"], task.id)
    with pytest.raises(Refused, match="by bo"):
        await tasks.done(team.service, team.people["ada"], task.id)
    with pytest.raises(Misuse, match="no task 99"):
        await tasks.done(team.service, team.people["ada"], 99)


async def test_a_notice_about_no_alert_that_was_perhaps_sent_is_settled(database: Database) -> None:
    async def unsure(_adapter: MemoryAdapter, _post: Post) -> Receipt:
        raise Uncertain("lost")

    team = await gather(database, handlers={"team": unsure})
    await raise_(team, ENDS)
    await team.work()
    (row,) = await overview.deliveries(team.service, None, "uncertain", None)
    assert any("notice" in one.message for one in (await overview.status(team.service, None)).open)
    settled = await publishing.settle(team.service, team.people["bo"], row.id, "sent", None)
    assert (settled.state, settled.alert) == ("sent", None)
