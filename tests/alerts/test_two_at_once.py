"""Two people at once: one wins, the other is told, and nothing is done twice."""

import asyncio
from typing import Any

import pytest

from alertbot.alerts import approving, halting, showing, writing
from alertbot.core.errors import AlertbotError
from alertbot.db.database import Database
from alertbot.ops import overview
from alertbot.people import accounts
from tests.team import Team, gather


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def together(*acts: Any) -> tuple[list[Any], list[AlertbotError]]:
    """What came of acts that began at the same moment: answers, and sentences for those who were late."""
    results = await asyncio.gather(*acts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, AlertbotError):
            raise result
    return (
        [one for one in results if not isinstance(one, BaseException)],
        [one for one in results if isinstance(one, AlertbotError)],
    )


async def seen_by_both(team: Team, kind: str = "status") -> str:
    view = await team.pending(kind)
    for name in ("bo", "cy"):
        await showing.show(team.service, view.id, team.tokens[name])
    return str(view.id)


async def test_two_approvers_at_once_publish_once(team: Team) -> None:
    alert = await seen_by_both(team)
    done, late = await together(
        *(approving.approve(team.service, team.people[name], alert, None) for name in ("bo", "cy"))
    )
    assert len(done) == len(late) == 1
    assert alert in str(late[0])
    await team.work()
    rows = await overview.deliveries(team.service, alert, None, None)
    assert len([row for row in rows if row.purpose == "publication"]) == 4
    assert (await team.verbs()).count("approve") == 1


async def test_two_approvers_of_numbers_at_once_are_two(team: Team) -> None:
    alert = await seen_by_both(team, "provisional_number")
    done, late = await together(
        *(approving.approve(team.service, team.people[name], alert, None) for name in ("bo", "cy"))
    )
    assert not late
    assert sorted(one.state for one in done) == ["approved", "pending"]


async def test_one_person_twice_at_once_counts_once(team: Team) -> None:
    alert = await seen_by_both(team, "provisional_number")
    done, late = await together(
        *(approving.approve(team.service, team.people["bo"], alert, None) for _ in range(3))
    )
    assert len(done) == 1
    assert len(late) == 2
    assert await team.state(alert) == "pending"


async def test_an_edit_and_an_approval_at_once_never_send_what_was_not_seen(team: Team) -> None:
    alert = await seen_by_both(team)
    done, late = await together(
        approving.approve(team.service, team.people["bo"], alert, None),
        writing.edit(team.service, team.people["ada"], alert, {"next_update": "+50m"}, {}),
    )
    state = await team.state(alert)
    assert state == "draft"  # the edit came second and took the approval back, or it came first
    assert len(done) + len(late) == 2
    await team.work()
    rows = await overview.deliveries(team.service, alert, None, None)
    assert not [row for row in rows if row.purpose == "publication" and row.state == "sent"]


async def test_approving_and_rejecting_at_once(team: Team) -> None:
    alert = await seen_by_both(team)
    done, late = await together(
        approving.approve(team.service, team.people["bo"], alert, None),
        approving.reject(team.service, team.people["cy"], alert, "not ours"),
    )
    assert len(done) == len(late) == 1
    assert await team.state(alert) in ("approved", "rejected")


async def test_two_submitters_at_once(team: Team) -> None:
    view = await team.draft()
    done, late = await together(
        *(writing.submit(team.service, team.people["ada"], view.id) for _ in range(2))
    )
    assert len(done) == len(late) == 1


async def test_two_drafts_of_one_incident_at_once_have_two_numbers(team: Team) -> None:
    first = await team.draft()
    views = await asyncio.gather(*(team.draft(incident=first.incident) for _ in range(4)))
    assert len({view.id for view in views}) == 4


async def test_one_name_for_two_people_at_once(database: Database) -> None:
    team = await gather(database)
    done, late = await together(
        *(accounts.add(team.service, team.tokens["bo"], "eve", ["author"], None) for _ in range(2))
    )
    assert len(done) == len(late) == 1
    assert "eve" in str(late[0])


async def test_the_audit_stays_one_chain_under_rivals(team: Team) -> None:
    await asyncio.gather(*(team.draft() for _ in range(5)), halting.halt(team.service, None, None))
    verdict = await overview.audit_verify(team.service, None)
    assert verdict.sound, verdict.reason
    assert (await team.verbs()).count("draft") == 5
