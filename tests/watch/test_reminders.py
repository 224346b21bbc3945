"""What ends while nobody looks: a task, the team told, once; closed by itself once it is settled."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertbot.alerts import writing
from alertbot.alerts.lists import still_public
from alertbot.db.database import Database
from alertbot.numbers import changing
from alertbot.ops import overview
from alertbot.people import tasks
from alertbot.watch import reminders
from tests.team import START, Team, gather

ROW = {"territory": "69", "service": "samu", "number": "04 65 71 00 15"}


def ending(**span: float) -> dict[str, Any]:
    return ROW | {"valid_until": (START + timedelta(**span)).isoformat()}


@pytest.fixture
async def team(database: Database) -> Team:
    return await gather(database)


async def kinds(team: Team, *, every: bool = False) -> list[str]:
    return [one.kind for one in await tasks.listing(team.service, every=every)]


async def test_a_number_about_to_end_is_told_in_time_and_once(team: Team) -> None:
    (name,) = await team.register([ending(minutes=40)])
    assert not await reminders.look(team.service)
    team.clock.forward(minutes=15)
    status = await overview.status(team.service, None)
    (task,) = status.tasks
    assert (task.kind, task.number) == ("number-ends", name)
    assert task.due_at == datetime(2026, 3, 2, 14, 40, tzinfo=UTC)
    assert "15:40" in task.text  # in the organisation's zone
    assert not await reminders.look(team.service)
    await team.work()
    (post,) = team.adapters["team"].posts
    assert task.text in post.text


async def test_done_by_a_person_it_is_not_raised_again(team: Team) -> None:
    await team.register([ending(minutes=10)])
    await reminders.look(team.service)
    (task,) = await tasks.listing(team.service)
    await tasks.done(team.service, team.people["ada"], task.id, "It may end.")
    assert not await reminders.look(team.service)
    assert await kinds(team) == []


async def test_how_long_before_is_configured(database: Database) -> None:
    team = await gather(database)
    team.service = replace(team.service, warn_before=timedelta(hours=2))
    await team.register([ending(minutes=100)])
    assert len((await reminders.look(team.service)).chores) == 1


@pytest.mark.parametrize("verified", [True, False])
async def test_only_what_is_in_force_is_worth_a_task(team: Team, verified: bool) -> None:
    later = {"valid_from": (START + timedelta(minutes=20)).isoformat()} if verified else {}
    await team.register([ending(minutes=25) | later], verified=verified)
    assert not await reminders.look(team.service)


async def test_past_its_end_it_is_another_task_in_place_of_the_first(team: Team) -> None:
    (name,) = await team.register([ending(minutes=10)])
    await reminders.look(team.service)
    team.clock.forward(minutes=10)
    await reminders.look(team.service)
    (task,) = await tasks.listing(team.service)
    assert (task.kind, task.number) == ("number-ended", name)
    assert await kinds(team, every=True) == ["number-ends", "number-ended"]


async def test_a_published_one_names_the_alert_and_closes_once_the_public_knows(team: Team) -> None:
    (name,) = await team.register([ending(minutes=50)])
    changes = {"territories": ["69"], "services": ["samu"], "next_update": "+4h", "numbers": None}
    changes |= {"where": ["69"]}
    first = await team.approved("provisional_number", changes=changes)
    team.clock.forward(minutes=51)
    await reminders.look(team.service)
    (task,) = await tasks.listing(team.service)
    assert first.id in task.text
    assert "no longer valid" in task.text
    update = await team.draft("status", incident=first.incident)
    assert update.faults == ()
    await writing.submit(team.service, team.people["ada"], update.id)
    await team.approve(update.id)
    await reminders.look(team.service)
    (task,) = await tasks.listing(team.service, every=True)
    assert name in task.outcome
    assert task.done_by == "alertbot"


@pytest.mark.parametrize("how", ["edit", "withdraw"])
async def test_it_closes_itself_once_the_row_was_changed(team: Team, how: str) -> None:
    (name,) = await team.register([ending(minutes=10)])
    await reminders.look(team.service)
    if how == "edit":
        await changing.edit(team.service, team.people["ada"], name, {"valid_until": "+5h"})
    else:
        await still_public.withdraw(team.service, team.people["bo"], name, "17 works again.")
    await reminders.look(team.service)
    (task,) = await tasks.listing(team.service, every=True)
    assert (task.done_by, name in task.outcome) == ("alertbot", True)
    assert await kinds(team) == []


async def test_many_are_one_message(team: Team) -> None:
    rows = [ending(minutes=10) | {"number": f"04 65 71 00 {last}"} for last in range(10, 14)]
    await team.register(rows)
    assert len((await reminders.look(team.service)).chores) == 4
    await team.work()
    assert len(team.adapters["team"].posts) == 1


# --- promised updates -----------------------------------------------------------------------------


async def test_a_promise_that_is_not_kept_is_a_task_until_it_is(team: Team) -> None:
    first = await team.approved("status", changes={"next_update": "+30m"})
    assert not await reminders.look(team.service)
    team.clock.forward(minutes=30)
    await reminders.look(team.service)
    await reminders.look(team.service)
    (task,) = await tasks.listing(team.service)
    assert (task.kind, task.alert, task.incident) == (
        "update-late",
        first.id,
        first.incident,
    )
    await team.approved("status", incident=first.incident)
    await reminders.look(team.service)
    assert await kinds(team) == []
    assert await kinds(team, every=True) == ["update-late"]


async def test_the_last_promise_counts_and_an_apology_keeps_none(team: Team) -> None:
    first = await team.approved("status", changes={"next_update": "+30m"})
    second = await team.approved("status", incident=first.incident, changes={"next_update": "+1h"})
    await team.approved("apology", incident=first.incident)
    team.clock.forward(minutes=45)
    assert not await reminders.look(team.service)
    team.clock.forward(minutes=15)
    await reminders.look(team.service)
    assert [one.alert for one in await tasks.listing(team.service)] == [second.id]


async def test_the_end_promises_nothing(team: Team) -> None:
    first = await team.approved("status", changes={"next_update": "+30m"})
    await team.approved("end", incident=first.incident, changes={"where": ["69", "42"]})
    team.clock.forward(hours=2)
    assert not await reminders.look(team.service)


async def test_what_never_went_out_promised_nothing(team: Team) -> None:
    await team.pending("status", changes={"next_update": "+10m"})
    team.clock.forward(minutes=20)
    found = await reminders.look(team.service)
    assert {one.kind for one in found.chores} == {"approval-lapses"}  # its own, and no promise


# --- several who look -----------------------------------------------------------------------------


async def test_of_several_workers_one_raises_it(team: Team, database_url: str) -> None:
    await team.register([ending(minutes=10)])
    others = [await Database.open(database_url, migrate=False) for _ in range(3)]
    try:
        services = [replace(team.service, database=one) for one in others]
        await asyncio.gather(*(reminders.look(service) for service in services * 2))
        assert await kinds(team) == ["number-ends"]
        assert (await team.verbs()).count("task") == 1
    finally:
        for one in others:
            await one.close()


async def test_over_restarts_it_is_raised_once(team: Team, database_url: str) -> None:
    await team.register([ending(minutes=10)])
    for _start in range(3):
        database = await Database.open(database_url, migrate=False)
        try:
            await reminders.look(replace(team.service, database=database))
        finally:
            await database.close()
    assert await kinds(team, every=True) == ["number-ends"]
    await team.work()
    assert len(team.adapters["team"].posts) == 1
