"""Entering numbers at the desk: a file row by row before anything is entered, and one entry by hand."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from alertbot.db.database import Database
from alertbot.numbers import consulting
from alertbot.numbers.rules_sheet import to_csv
from tests.web.officer import SAME, DeskScene, Officer, scene
from tests.web.test_desk_numbers import everywhere, given

HEADING = "territory,service,number,zone,source_url\n"
GOOD = "22,samu,04 65 71 22 15,,https://a.example/22\n29,samu,04 65 71 29 15,Quimper,https://a.example/29\n"
BROKEN = "56,samu,122,,https://a.example/56\n"


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


async def sent(officer: Officer, content: str | bytes, name: str = "numéros.csv") -> httpx.Response:
    """Choose a file and send it, as a browser does."""
    await officer.get("/desk/numbers/import")
    form = officer.page.form("/desk/numbers/import")
    data = content.encode() if isinstance(content, str) else content
    files = {"file": (name, data, "text/csv")}
    answer = await officer.client.post(form.action, data=form.fields, files=files, headers=SAME)
    return officer._seen(answer)


async def entries(desk: DeskScene) -> list[str]:
    return [one.said for one in await consulting.listing(desk.team.service, None, None)]


async def test_a_file_is_shown_row_by_row_and_taken_in_by_one_press(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await sent(ada, HEADING + GOOD)
    assert ada.answer.status_code == 200, ada.page.text
    assert "What numéros.csv would do" in ada.page.text
    assert "Row 1 · new · 22 samu 04 65 71 22 15" in ada.page.text
    assert await entries(desk) == []
    form = ada.page.form("/import/take")
    await ada.press("all")
    assert "2 entries were taken in" in ada.page.text
    assert len(await entries(desk)) == 2
    await ada.send(form, "all")  # the same form again
    assert len(await entries(desk)) == 2
    await sent(ada, HEADING + GOOD)
    assert "2 known already" in ada.page.text


async def test_one_broken_row_is_named_and_keeps_the_others_out_until_a_person_says_so(
    desk: DeskScene,
) -> None:
    ada = await desk.officer("ada")
    await sent(ada, HEADING + GOOD + BROKEN)
    text = ada.page.text
    assert "Row 3 · cannot be used" in text
    assert "122 is not an emergency number" in text
    assert text.index("Row 3") < text.index("Row 1 ·")
    with pytest.raises(AssertionError):
        ada.page.form("all")
    await ada.press("good")
    assert "2 entries were taken in" in ada.page.text
    assert len(await entries(desk)) == 2


async def test_what_the_public_reads_and_a_file_changes_is_loud_before_and_after(
    desk: DeskScene,
) -> None:
    team = desk.team
    await team.register([{"territory": "22", "service": "samu", "number": "04 65 71 22 15"}])
    view = await team.approved("provisional_number", given=given(desk, "22"))
    await team.work()
    text = to_csv(await consulting.export(team.service, None)).replace(
        "04 65 71 22 15", "04 65 71 22 16"
    )
    ada = await desk.officer("ada")
    await sent(ada, text)
    assert f"has to be told: N1 ( {view.id} )" in ada.page.text, ada.page.text
    await ada.press("all")
    assert "The public still reads what these entries said before N1" in ada.page.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "Choose a file first"),
        ("nothing of use\n", "numéros.csv"),
        (b"PK\x03\x04 a workbook", "save it as “CSV UTF-8”"),
        ("x" * 1_005_000, "larger than 1 MB"),
        (HEADING.replace("zone", "colour") + GOOD, "there is no column “colour”"),
    ],
)
async def test_what_is_no_file_of_numbers_gets_a_sentence(
    desk: DeskScene, content: str | bytes, said: str
) -> None:
    ada = await desk.officer("ada")
    await sent(ada, content)
    assert said in ada.page.text, ada.page.text
    assert "alertbot" not in ada.page.text
    assert await entries(desk) == []


async def test_a_file_that_is_too_large_or_of_a_stranger_is_not_read(desk: DeskScene) -> None:
    ada, stranger = await desk.officer("ada"), desk.browser()
    assert (await sent(ada, "x" * 2_000_000)).status_code == 413
    files = {"file": ("a.csv", (HEADING + GOOD).encode(), "text/csv")}
    answer = await stranger.client.post("/desk/numbers/import", files=files, headers=SAME)
    assert answer.status_code == 401
    answer = await ada.client.post("/desk/numbers/import", files=files)
    assert answer.status_code == 403


async def test_another_file_than_the_one_shown_is_not_taken_in(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await sent(ada, HEADING + GOOD)
    old = ada.page.form("/import/take")
    await sent(ada, HEADING + GOOD.replace("22 15", "22 16"))
    await ada.send(old, "all")
    assert ada.answer.status_code == 403
    assert "not the file that was shown" in ada.page.text
    assert await entries(desk) == []


async def test_a_file_for_all_of_the_country_fits_on_pages(desk: DeskScene) -> None:
    rows = everywhere()
    columns = ("territory", "service", "number", "source_url")
    text = ",".join(columns) + "\n"
    text += "".join(",".join(str(row[name]) for name in columns) + "\n" for row in rows)
    ada = await desk.officer("ada")
    await sent(ada, text)
    assert f"{len(rows)} rows · {len(rows)} not in the register yet" in ada.page.text
    assert len(ada.answer.content) <= 40_000
    await ada.press("all")
    assert f"{len(rows)} entries were taken in" in ada.page.text


# --- one entry ------------------------------------------------------------------------------------


async def test_a_number_is_added_by_hand(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers/new")
    form = next(one for one in ada.page.forms if "c.number" in one.fields)
    typed = {"c__territory": "Finistère", "c__service": "samu", "c__zone__fr": "Quimper"}
    await ada.send(form, c__number="122", **typed)
    assert "122 is not an emergency number" in ada.page.text
    form = next(one for one in ada.page.forms if "c.number" in one.fields)
    assert form.fields["c.zone.fr"] == "Quimper"
    await ada.send(form, c__number="0465712915")
    assert ada.answer.url.path == "/desk/numbers/N1", ada.page.text
    assert "04 65 71 29 15" in ada.page.text


async def test_only_what_was_changed_changes(desk: DeskScene) -> None:
    await desk.team.register(
        [{"territory": "29", "service": "samu", "number": "04 65 71 29 15", "zone": "Brest"}]
    )
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers/N1/edit")
    form = next(one for one in ada.page.forms if "c.number" in one.fields)
    assert form.fields["c.zone.fr"] == form.fields["c.zone.en"] == "Brest"
    await ada.send(form)
    assert "Nothing was changed" in ada.page.text
    form = next(one for one in ada.page.forms if "c.number" in one.fields)
    await ada.send(form, c__zone__en="Brest only")
    assert ada.answer.status_code == 200, ada.page.text
    found = await consulting.show(desk.team.service, "N1")
    assert dict(found.zone) == {"fr": "Brest", "en": "Brest only"}
    assert (found.version, found.number, found.standing) == (2, "04 65 71 29 15", "unverified")


async def test_a_stored_time_is_shown_as_people_type_it_and_stays_if_nobody_types_another(
    desk: DeskScene,
) -> None:
    ends = (desk.team.service.now + timedelta(days=40)).replace(
        hour=14, minute=30, second=0, microsecond=0
    )
    row = {
        "territory": "29",
        "service": "samu",
        "number": "04 65 71 29 15",
        "review_at": ends.isoformat(),
    }
    await desk.team.register([row])
    before = await consulting.show(desk.team.service, "N1")
    assert before.review_at is not None
    here = before.review_at.astimezone(desk.team.service.publisher.zone)
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers/N1/edit")
    form = next(one for one in ada.page.forms if "c.number" in one.fields)
    assert form.fields["c.review_at"] == f"{here.day} {here:%B}, {here:%H:%M}"
    await ada.send(form)
    assert "Nothing was changed" in ada.page.text
    await ada.get("/desk/numbers/N1/edit")
    form = next(one for one in ada.page.forms if "c.number" in one.fields)
    await ada.send(form, c__review_at=f"{here.day} {here:%B}, 09:05")
    changed = await consulting.show(desk.team.service, "N1")
    assert changed.review_at == here.replace(hour=9, minute=5)
    assert changed.version == before.version + 1
