"""The API: an evening by programs alone; what it refuses, and how."""

from collections.abc import AsyncIterator

import pytest

from alertbot.db.database import Database
from tests.web.officer import DeskScene, scene
from tests.web.program import program


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


async def test_an_evening_by_programs_alone(desk: DeskScene) -> None:
    ada, bo = await program(desk, "ada"), await program(desk, "bo")
    assert "holding" in [one["kind"] for one in await ada.get("/kinds")]
    seen = await ada.does("/preview", {"kind": "holding"})
    assert seen["publishable"]
    made = await ada.does("/alerts", ada.wishes("holding"))
    alert = made["id"]
    assert ada.answer.status_code == 201
    assert ada.answer.headers["location"] == f"/api/v1/alerts/{alert}"
    asked = await ada.does(f"/alerts/{alert}/submit")
    assert asked["state"] == "pending"
    shown = await bo.get(f"/alerts/{alert}?shown=true")
    done = await bo.does(f"/alerts/{alert}/approve", {"digest": shown["digest"]})
    assert done["state"] == "approved"
    await desk.team.work()
    assert (await ada.get(f"/alerts/{alert}"))["state"] == "published"
    assert {one["state"] for one in await ada.get(f"/deliveries?alert={alert}")} == {"sent"}
    update = await ada.does(f"/alerts/{alert}/update", {"submit": False})
    assert update["references"] == [alert]
    assert (await ada.get("/status"))["alerts"]
    assert (await ada.get("/now"))["recent"]
    assert (await ada.get("/me"))["scopes"] == ["draft", "read", "submit"]
