"""`alertbot task`: what waits for a person, at the command line."""

import asyncio

from alertbot.app import build
from alertbot.people import tasks
from alertbot.people.tasks import NewTask
from tests.cli.desk import Desk


def raised(desk: Desk, key: str, text: str) -> None:
    """As the worker raises it."""

    async def go() -> None:
        app = build(desk.folder / "config.yaml")
        try:
            service = await app.open()
            chore = NewTask(key, "number-ends", text, number=12)
            await service.database.transact(lambda conn: tasks.raise_(service, conn, chore))
        finally:
            await app.close()

    asyncio.run(go())


def test_a_task_is_listed_done_and_gone(desk: Desk) -> None:
    assert desk.run("task", "list").out.strip() == "There are no tasks."
    raised(desk, "N12", "N12 ends at 20:00.")
    assert "N12 ends at 20:00." in desk.run("task", "list").out
    status = desk.run("status").out
    assert "N12 ends at 20:00." in status
    (row,) = desk.run("task", "list", "--json").json
    assert f"alertbot task done {row['id']}" in status
    answer = desk.run("task", "done", str(row["id"]), "--outcome", "Told the SAMU", "--json", by="ada")
    assert (answer.code, answer.json["done_by"]) == (0, "ada")
    assert desk.run("task", "list", "--json").json == []
    every = desk.run("task", "list", "--all").out
    assert "Told the SAMU" in every
    again = desk.run("task", "done", str(row["id"]), by="bo")
    assert again.code == 1
    assert "by ada" in again.err


def test_a_task_that_is_not_there_is_misuse(desk: Desk) -> None:
    for number in ("999", "x", "0", "99999999999"):
        answer = desk.run("task", "done", number, by="ada")
        assert answer.code == 2
        assert answer.err.count("\n") == 1
