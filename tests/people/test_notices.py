"""What the team is told: however long it is it arrives, and nothing that follows takes it back."""

from dataclasses import replace

import pytest

from alertbot.alerts import approving, writing
from alertbot.channels import base
from alertbot.core.model import Audience
from alertbot.db.database import Database
from alertbot.delivery import store_accounts
from alertbot.ops import overview
from alertbot.people import notices, tasks
from alertbot.people.tasks import NewTask
from alertbot.texts.posts.measure import measure
from tests.alerts.test_following import approved, correct
from tests.team import CHANNELS, Team, channel, gather

SMALL = replace(base.MEMORY, limit=400)


@pytest.fixture
async def team(database: Database) -> Team:
    small = replace(channel("team", Audience.TEAM, ("en",)), spec=SMALL)
    return await gather(database, tuple(small if one.name == "team" else one for one in CHANNELS))


def told(team: Team) -> list[str]:
    return [post.text for post in team.adapters["team"].posts]


async def broken(team: Team, reason: str) -> str:
    view = await team.pending()
    await approving.break_glass(team.service, team.people["bo"], view.id, view.digest, reason)
    return str(view.id)


async def test_a_notice_that_is_too_long_arrives_with_its_other_lines_whole(team: Team) -> None:
    alert = await broken(team, "No other approver can be reached. " * 30)
    await team.work()
    [said] = [text for text in told(team) if "alone" in text]
    assert measure(said, SMALL.measure) <= 400
    assert f"alertbot countersign {alert}" in said
    assert f"alertbot show {alert}" in said
    assert "Reason:" not in said  # a line is there as a whole, or not at all


async def test_many_tasks_at_once_arrive(team: Team) -> None:
    long = [NewTask(f"key{n}", "read-back", f"Task {n}: {'look there, ' * 20}") for n in range(3)]
    short = NewTask("short", "read-back", "Call the operator.")
    await team.service.database.transact(
        lambda conn: tasks.raise_all(team.service, conn, [*long, short])
    )
    await team.work()
    [said] = told(team)
    assert "4 tasks for you" in said
    assert "Call the operator." in said
    assert measure(said, SMALL.measure) <= 400


def test_what_fits_is_left_alone_and_one_line_too_long_leaves_the_subject() -> None:
    small = replace(channel("team"), spec=SMALL)
    assert notices.shortened("Subject", "One\nTwo", "alertbot show X-1", small) == "One\nTwo"
    left = notices.shortened("Subject", "x" * 401, "alertbot show X-1", small)
    assert left.splitlines()[0] == "Subject"
    assert "alertbot show X-1" in left


async def test_a_correction_does_not_take_back_the_notice_of_a_broken_glass(team: Team) -> None:
    alert = await broken(team, "No other approver can be reached.")
    database = team.service.database
    await database.transact(lambda conn: store_accounts.pause(conn, "team", "The bot was removed."))
    await team.work()  # the public has it, the team has not
    view = await correct(team, alert)
    await approved(team, view, by="cy")  # alone, nobody could take it back while the team hears nothing
    assert not told(team)
    await database.transact(lambda conn: store_accounts.unpause(conn, "team"))
    await team.work()
    assert any("alone" in text for text in told(team))


async def test_an_edit_of_an_approved_alert_proves_what_it_cancelled(team: Team) -> None:
    alert = str((await team.approved()).id)
    before = len(await team.verbs())
    await writing.edit(
        team.service, team.people["ada"], alert, {"what_to_do": {"fr": "Attendez.", "en": "Wait."}}, {}
    )
    rows = (await overview.audit_export(team.service))[before:]
    cancelled = [row for row in rows if row["verb"] == "cancelled"]
    assert len(cancelled) == 4  # two channels in two languages
    assert {row["alert"] for row in cancelled} == {alert}
    assert {row["actor"] for row in cancelled} == {"ada"}


async def test_each_channel_is_told_in_its_own_first_language(database: Database) -> None:
    """Whatever the locale of the process that tells."""
    english = channel("team", Audience.TEAM, ("en", "fr"))
    french = channel("garde", Audience.TEAM, ("fr",))
    others = tuple(one for one in CHANNELS if one.name != "team")
    team = await gather(database, (*others, english, french))
    alert = await broken(team, "Nobody else.")
    await team.work()
    subjects = {
        name: [post.text for post in team.adapters[name].posts if alert in post.text]
        for name in ("team", "garde")
    }
    assert any("published" in text and "alone" in text for text in subjects["team"])
    assert all("published" not in text for text in subjects["garde"])
    assert any("a publié" in text for text in subjects["garde"])
