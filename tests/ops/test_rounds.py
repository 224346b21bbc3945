"""The worker compares the tables with the audit by itself: a portion at a time, and the team is told once."""

from typing import Any

import pytest
from sqlalchemy import event, update

from alertbot.db import tables
from alertbot.db.database import Database
from alertbot.db.portions import Portions
from alertbot.ops import overview, working
from alertbot.ops.working import Rounds
from alertbot.people import tasks
from tests.team import Team, gather


@pytest.fixture
async def team(database: Database) -> Team:
    made = await gather(database)
    for kind in ("holding", "status", "provisional_number"):
        await made.approved(kind)
    await made.work()
    await made.draft("status")
    return made


async def a_round(team: Team, portions: Portions, rows: int) -> tuple[int, tuple[str, ...]]:
    """How many portions it took, and what was found."""
    for number in range(1, 1000):
        found = await team.service.database.read(lambda conn: portions.go_on(conn, rows))
        if found is not None:
            return number, found
    raise AssertionError("it never ends")


async def forged(team: Team, name: str = "Mallory") -> None:
    """Somebody else writes into the database."""
    person = tables.person
    change = update(person).where(person.c.id == team.people["ada"].id).values(name=name)

    async def beside(conn: Any) -> None:
        conn.sync_connection.info.pop("written", None)  # as through another program
        await conn.execute(change)

    await team.service.database.transact(beside)


@pytest.mark.parametrize("rows", [7, 100, 100_000])
async def test_a_round_finds_what_verify_finds(team: Team, rows: int) -> None:
    portions = Portions(overview.other_texts)
    count, found = await a_round(team, portions, rows)
    assert found == ()
    assert (count > 3) is (rows < 100_000)
    await forged(team)
    _count, found = await a_round(team, portions, rows)
    assert found == (await overview.audit_verify(team.service, None)).problems
    assert "name is ada in the audit and Mallory in the table" in found[0]
    portions.close()


async def test_what_is_written_meanwhile_is_no_difference(team: Team) -> None:
    portions = Portions(overview.other_texts)
    for number in range(200):
        found = await team.service.database.read(lambda conn: portions.go_on(conn, 20))
        if found is not None:
            break
        if number % 5 == 0:
            await team.approved("status")
            await team.work()
    assert found == ()
    portions.close()


async def test_a_portion_reads_no_more_after_much_was_sent(team: Team) -> None:
    """The number of rows in one portion does not depend on how many there are."""
    read: list[int] = []
    engine = team.service.database._reader.sync_engine

    def count(*_args: Any) -> None:
        read.append(1)

    async def first(portions: Portions) -> int:
        read.clear()
        await team.service.database.read(lambda conn: portions.go_on(conn, 50))
        portions.close()
        return len(read)

    event.listen(engine, "before_cursor_execute", count)
    before = await first(Portions(overview.other_texts))
    for _number in range(5):
        await team.approved("status")
    await team.work()
    assert await first(Portions(overview.other_texts)) == before
    event.remove(engine, "before_cursor_execute", count)


async def test_the_team_is_told_once(team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(working, "REST_SECONDS", 0.0)
    compared = Rounds(team.service, first=0.0)
    assert await compared.look() == ()
    assert await tasks.listing(team.service) == []
    await forged(team)
    for _number in range(3):
        await compared.look()
    (task,) = await tasks.listing(team.service)
    assert task.kind == "audit"
    assert "name is ada in the audit and Mallory in the table" in task.text
    await team.work()
    assert any("Mallory" in post.text for post in team.adapters["team"].posts)
    await tasks.done(team.service, team.people["bo"], task.id, "it was a test")
    await compared.look()
    assert await tasks.listing(team.service) == []
    await forged(team, "ada")
    assert await compared.look() == ()
    compared.close()


async def test_it_rests_between_two_rounds(team: Team) -> None:
    compared = Rounds(team.service, first=0.0)
    assert await compared.look() == ()
    await forged(team)
    assert await compared.look() is None
    compared.close()
