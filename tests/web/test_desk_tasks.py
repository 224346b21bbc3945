"""Tasks at the desk: the words of a post by hand, what became of it, and what else waits for people."""

from collections.abc import AsyncIterator

import pytest

from alertbot.core.model import Audience
from alertbot.db.database import Database
from alertbot.people import tasks
from alertbot.people.tasks import NewTask
from tests.team import channel, hand
from tests.web.officer import DeskScene, Officer, scene


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database, (hand(), channel("public"), channel("team", Audience.TEAM)))
    yield made
    await made.close()


async def to_post(desk: DeskScene) -> tuple[str, Officer]:
    """An alert that ada is to post, and ada at the page of her task."""
    alert = await desk.team.approved()
    await desk.team.work()
    ada = await desk.officer("ada")
    await ada.get("/desk/tasks")
    assert f"{alert.id} (fr) is to be posted" in ada.page.text
    assert "Posts to make by hand" in ada.page.text
    number = (await tasks.listing(desk.team.service))[0].id
    await ada.get(f"/desk/tasks/{number}")
    return alert.id, ada


async def test_the_words_to_post_stand_there_exactly_and_the_link_settles_it(desk: DeskScene) -> None:
    alert, ada = await to_post(desk)
    assert "Post exactly these words in WhatsApp" in ada.page.text
    await ada.press("posted", link="https://example.org/post/1")
    assert "sent by ada" in ada.page.text
    assert "https://example.org/post/1" in ada.page.text
    await desk.team.work()
    assert await desk.team.state(alert) == "published"
    row = [one for one in await desk.team.verbs() if one == "task-done"]
    assert row


async def test_a_post_that_was_not_made_needs_a_reason(desk: DeskScene) -> None:
    _alert, ada = await to_post(desk)
    await ada.press("not-posted")
    assert ada.answer.status_code == 400
    assert "Say why it was not posted" in ada.page.text
    await ada.press("not-posted", reason="the account is locked")
    assert ada.answer.status_code == 200, ada.page.text
    assert "not posted, says ada: the account is locked" in ada.page.text


async def test_an_answer_without_link_or_time_names_no_command(desk: DeskScene) -> None:
    _alert, ada = await to_post(desk)
    await ada.press("posted")
    assert ada.answer.status_code == 400
    assert "Say where it stands, or when it was posted." in ada.page.text
    assert "alertbot task" not in ada.page.text


async def test_what_is_halted_says_that_it_must_not_be_posted(desk: DeskScene) -> None:
    _alert, ada = await to_post(desk)
    await ada.get("/desk/deliveries")
    await ada.press("/halt")
    number = (await tasks.listing(desk.team.service))[0].id
    await ada.get(f"/desk/tasks/{number}")
    assert "DO NOT POST IT" in ada.page.text
    await ada.get("/desk/tasks")
    assert "DO NOT POST IT" in ada.page.text


async def test_any_other_task_is_done_once_and_overdue_ones_come_first(desk: DeskScene) -> None:
    service = desk.team.service
    chores = [
        NewTask("b", "call", "Call the SAMU.", due_at=service.now),
        NewTask("a", "reports-unheeded", "sms reports 14 services that no configuration names."),
    ]
    await service.database.transact(lambda conn: tasks.raise_all(service, conn, chores))
    ada, bo = await desk.officer("ada"), await desk.officer("bo")
    await ada.get("/desk/tasks")
    words = ada.page.text
    assert words.index("Overdue") < words.index("Call the SAMU") < words.index("14 services")
    number = next(one.id for one in await tasks.listing(service) if one.kind == "call")
    for one in (ada, bo):
        await one.get(f"/desk/tasks/{number}")
    await ada.press("done", outcome="They know.")
    assert "They know." in ada.page.text
    await bo.press("done", outcome="Twice")
    assert f"Task {number} was already done by ada." in bo.page.text
    await bo.get("/desk/tasks?done")
    assert "Call the SAMU. · done by ada" in bo.page.text


async def test_an_unknown_task_is_a_sentence(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    for place, said in (("999", "There is no task 999."), ("9x", "This form is not valid")):
        await ada.get(f"/desk/tasks/{place}")
        assert ada.answer.status_code == 400
        assert said in ada.page.text


async def test_who_may_do_nothing_about_tasks_is_refused(desk: DeskScene) -> None:
    await desk.team.join("eve", "admin")
    service = desk.team.service
    chore = NewTask("b", "call", "Call the SAMU.")
    await service.database.transact(lambda conn: tasks.raise_(service, conn, chore))
    eve = await desk.officer("eve")
    number = (await tasks.listing(service))[0].id
    await eve.get(f"/desk/tasks/{number}")
    await eve.press("done")
    assert eve.answer.status_code == 403
    assert (await tasks.listing(service))[0].done_at is None
