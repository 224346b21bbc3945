"""The audit at the desk: its state, the search, a row by itself, and files of it."""

import csv
import io
from collections.abc import AsyncIterator

import pytest

from alertbot.db.database import Database
from alertbot.ops import audit_search
from alertbot.people import accounts
from tests.web.officer import DeskScene, scene


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


async def test_the_audit_is_checked_in_one_press_and_says_since_when(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/audit")
    assert "Not checked since this desk was started" in ada.page.text
    await ada.press("/audit/verify")
    assert "intact up to row" in ada.page.text, ada.page.text
    await ada.press("/audit/verify", head="0123456789ab")
    assert "NOT intact" in ada.page.text
    assert "The head 0123456789ab is not in the audit" in ada.page.text
    await ada.press("/audit/verify", head="1")
    assert ada.answer.status_code == 400
    assert "Give at least the first 12 characters" in ada.page.text


async def test_the_search_finds_by_person_alert_verb_and_day(desk: DeskScene) -> None:
    alert = await desk.team.approved()
    desk.team.clock.forward(days=2)
    ada = await desk.officer("ada")

    async def found(**asked: str) -> str:
        await ada.get("/desk/audit?" + "&".join(f"{name}={value}" for name, value in asked.items()))
        assert ada.answer.status_code == 200, ada.page.text
        return ada.page.text.partition("Search")[2].partition("Older")[0]

    assert " approve " in await found(alert=alert.id.lower())
    assert "sign-in" not in await found(alert=alert.id)
    assert "bo" in await found(verb="approve")
    assert "people-add" in await found(person="ada")  # about her, by an admin
    assert "approve" not in await found(person="ada")
    assert "approve" in await found(until="2026-03-02")
    assert "approve" not in await found(since="2026-03-03")
    assert "sign-in" in await found(since="2026-03-04", until="2026-03-04")
    await ada.get("/desk/audit?since=yesterday")
    assert ada.answer.status_code == 400
    assert "'yesterday' is not a day" in ada.page.text


async def test_pages_of_the_audit_have_every_row_once(
    desk: DeskScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_search, "PAGE", 7)
    monkeypatch.setattr(audit_search, "PORTION", 5)
    service = desk.team.service
    seen: list[int] = []
    before = None
    while True:
        found = await audit_search.search(service, audit_search.AuditQuery(), before=before, limit=7)
        seen += [row["seq"] for row in found.rows]
        before = found.before
        if before is None:
            break
    total = len(await desk.team.verbs())
    assert seen == list(range(total, 0, -1))
    ada = await desk.officer("ada")
    rows = (await ada.get("/desk/audit/export?form=json")).json()
    assert [row["seq"] for row in rows] == list(range(1, total + 2))


async def test_a_spreadsheet_runs_no_cell_of_it(desk: DeskScene) -> None:
    team = desk.team
    await accounts.add(
        team.service, team.tokens["bo"], '=HYPERLINK("https://evil.example")', ["author"], None
    )
    ada = await desk.officer("ada")
    answer = await ada.get("/desk/audit/export?form=csv&verb=people-add")
    assert answer.headers["content-disposition"] == 'attachment; filename="audit-2026-03-02.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {row["verb"] for row in rows} == {"people-add"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    assert "evil.example" in answer.text
    assert (await ada.get("/desk/audit/export?form=xls")).status_code == 400


async def test_one_row_says_whether_it_is_what_was_written(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/audit/2")
    assert "Its hash is that of what it says" in ada.page.text
    assert "person 2" in ada.page.text
    assert "token_hash" in ada.page.text
    await ada.get("/desk/audit/99999")
    assert ada.answer.status_code == 400
    assert "There is no row 99999" in ada.page.text
