"""The register at the desk: found, what is missing, one number, taken out, told to the public."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from alertbot.alerts import showing
from alertbot.alerts.lists import still_public
from alertbot.db.database import Database
from alertbot.numbers import consulting
from alertbot.numbers.verifying import Verification
from alertbot.regions import packs
from alertbot.regions.facts import all_territories, using
from tests.team import example
from tests.web.officer import DeskScene, scene

SERVICES = ("samu", "pompiers", "police", "gendarmerie")
LARGEST_PAGE = 40_000


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


def everywhere() -> list[dict[str, Any]]:
    """A number of its own for each service of each territory, from a range that reaches nobody."""
    elsewhere = ("986", "987", "988")  # with a numbering plan of their own
    known = all_territories().values()
    places = [place for place in known if not place.whole and place.code not in elsewhere]
    spots = [(place.code, service) for place in places for service in SERVICES]
    return [
        {
            "territory": code,
            "service": service,
            "number": f"04 65 71 {at // 100:02} {at % 100:02}",
            "source_url": f"https://www.example.org/{code}",
        }
        for at, (code, service) in enumerate(spots)
    ]


ROWS = [
    {"territory": "22", "service": "samu", "number": "04 65 71 00 15"},
    {"territory": "22", "service": "pompiers", "number": "04 65 71 00 18"},
    {"territory": "29", "service": "samu", "number": "04 65 71 29 15"},
]


async def test_all_of_the_country_fits_and_is_found(desk: DeskScene) -> None:
    await desk.team.register(everywhere(), verified=False)
    bo = await desk.officer("bo")
    await bo.get("/desk/numbers")
    assert f"{len(everywhere())} entries" in bo.page.text, bo.page.text[:800]
    assert "69 Rhône · 4 not verified" in bo.page.text
    sizes = {"/desk/numbers": len(bo.answer.content)}
    for place in (
        "/desk/numbers?standing=unverified",
        "/desk/numbers?q=FR&page=3",
        "/desk/numbers/coverage?q=FR",
        "/desk/numbers/withdraw?q=FR",
    ):
        await bo.get(place)
        assert bo.answer.status_code == 200, bo.page.text
        sizes[place] = len(bo.answer.content)
    assert max(sizes.values()) <= LARGEST_PAGE, sizes
    await bo.get("/desk/numbers/coverage")
    assert f"{len(everywhere())} numbers are not verified" in bo.page.text
    assert "01 Ain · none in force: SAMU (medical), Fire and rescue" in bo.page.text


@pytest.mark.parametrize(
    ("asked", "seen", "unseen"),
    [
        ("22", ("N1", "N2"), ("N3",)),
        ("29/samu", ("N3",), ("N1", "N2")),
        ("Finistère, N2", ("N2", "N3"), ("N1",)),
        ("0465710015", ("N1",), ("N2", "N3")),
        ("+33 4 65 71 29 15", ("N3",), ("N1", "N2")),
    ],
)
async def test_numbers_are_found_by_place_service_entry_and_digits(
    desk: DeskScene, asked: str, seen: tuple[str, ...], unseen: tuple[str, ...]
) -> None:
    await desk.team.register(ROWS)
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers")
    await ada.send(ada.page.form("/desk/numbers"), q=asked)
    assert all(f"/desk/numbers/{name}" in ada.answer.text for name in seen), ada.page.text
    assert not any(f"/desk/numbers/{name}" in ada.answer.text for name in unseen)


async def test_what_cannot_be_found_is_said_without_a_command(desk: DeskScene) -> None:
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers?q=Atlantis")
    assert ada.answer.status_code == 400
    assert "There is no territory “Atlantis”" in ada.page.text
    for place in ("/desk/numbers/N77", "/desk/numbers/withdraw?q=69"):
        await ada.get(place)
        assert ada.answer.status_code in (400, 403)
        assert "alertbot" not in ada.page.text


async def test_a_number_that_is_to_be_read_back_is_covered_for_whoever_may_do_it(
    desk: DeskScene,
) -> None:
    await desk.team.register(ROWS, verified=False)
    ada, bo = await desk.officer("ada"), await desk.officer("bo")
    for place in ("/desk/numbers?q=22", "/desk/numbers?standing=unverified"):
        await bo.get(place)
        assert "04 65 71 00 15" not in bo.page.text
        await ada.get(place)
        assert "04 65 71 00 15" in ada.page.text
    await bo.get("/desk/numbers/N1")
    assert "<summary>The digits</summary>" in bo.answer.text
    assert "N1 04 65" not in bo.page.text


@pytest.mark.parametrize("changes", [{"zone": "Guingamp"}, {"number": "04 65 71 00 16"}])
async def test_the_page_of_a_number_tells_its_story(desk: DeskScene, changes: dict[str, str]) -> None:
    team = desk.team
    await team.register(ROWS)
    view = await team.approved("provisional_number", given=given(desk, "22/samu"))
    await team.work()
    await still_public.edit(team.service, team.people["ada"], "N1", changes)
    bo = await desk.officer("bo")
    await bo.get("/desk/numbers/N1")
    assert bo.answer.status_code == 200, bo.page.text
    for words in (
        "The public still reads what this entry said before",
        f"Draft the correction of {view.id}",
        "the digits matched",
        "the right service answered",
        "version 2",
        "ada",
        "public",
    ):
        assert words in bo.page.text, words
    assert ("Guingamp" in bo.page.text) is ("zone" in changes)
    assert "04 65 71 00 16" not in bo.answer.text.partition("<summary>The digits")[0]
    await bo.press("changed")
    assert bo.answer.url.path.endswith("/edit"), bo.page.text
    draft = bo.answer.url.path.split("/")[3]
    assert (await showing.brief(team.service, draft)).kind == "correction"


async def test_a_changed_number_that_is_read_back_still_asks_for_its_correction(
    desk: DeskScene,
) -> None:
    team = desk.team
    await team.register(ROWS)
    await team.approved("provisional_number", given=given(desk, "22/samu"))
    await team.work()
    await still_public.edit(team.service, team.people["ada"], "N1", {"number": "04 65 71 00 16"})
    await still_public.verify(
        team.service, team.people["bo"], "N1", Verification("04 65 71 00 16", "answered")
    )
    bo = await desk.officer("bo")
    await bo.get("/desk/numbers/N1")
    assert "The public still reads what this entry said before" in bo.page.text
    await bo.press("changed")
    assert bo.answer.url.path.endswith("/edit"), bo.page.text
    correction = bo.answer.url.path.split("/")[3]
    await bo.press("submit")
    await team.approve(correction, "cy")
    await team.work()
    assert await team.state(correction) == "published"
    await bo.get("/desk/numbers/N1")
    assert "still reads" not in bo.page.text


def given(desk: DeskScene, where: str) -> dict[str, Any]:
    """The example of a number alert, with the numbers that a query of the register finds."""
    values = example(desk.team.service, "provisional_number")
    del values["numbers"]
    return values | {"territories": where, "where": "22"}


async def test_withdrawing_shows_first_then_asks_why_then_offers_to_tell(desk: DeskScene) -> None:
    team = desk.team
    await team.register(ROWS)
    view = await team.approved("provisional_number", given=given(desk, "22"))
    await team.work()
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers/withdraw")
    await ada.send(ada.page.forms[0], q="22", but="22/samu")
    assert "1 entry would be withdrawn" in ada.page.text
    assert f"The public reads it {view.id}" in ada.page.text
    form = next(one for one in ada.page.forms if "reason" in one.fields)
    await ada.send(form, reason=" ")
    assert "Say why these numbers are withdrawn" in ada.page.text
    assert not await consulting.listing(team.service, None, "withdrawn")
    form = next(one for one in ada.page.forms if "reason" in one.fields)
    await ada.send(form, reason="18 works again")
    assert "the public still reads them" in ada.page.text
    gone = await consulting.listing(team.service, None, "withdrawn")
    assert [one.entry for one in gone] == ["N2"]
    await ada.send(form, reason="18 works again")  # the same form again: nothing more
    await ada.send(ada.page.form("/numbers/tell"), "withdraw")
    draft = ada.answer.url.path.split("/")[3]
    assert (await showing.brief(team.service, draft)).kind == "withdrawal"
    await ada.get("/desk/numbers?q=22")
    assert "1 in force" in ada.page.text


async def test_a_number_that_reaches_another_service_leads_to_a_correction(desk: DeskScene) -> None:
    team = desk.team
    await team.register(ROWS)
    view = await team.approved("provisional_number", given=given(desk, "22/samu"))
    await team.work()
    wrong = Verification("04 65 71 00 15", "wrong-service")
    with pytest.raises(Exception, match="wrong service"):
        await still_public.verify(team.service, team.people["bo"], "N1", wrong)
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers/N1")
    assert "it reaches another service" in ada.page.text
    await ada.press("wrong")
    draft = ada.answer.url.path.split("/")[3]
    assert draft.startswith(view.incident)
    assert (await showing.brief(team.service, draft)).kind == "correction"


async def test_the_register_leaves_as_a_file_that_can_come_back(desk: DeskScene) -> None:
    await desk.team.register(ROWS)
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers/register.csv?q=22")
    lines = ada.answer.content.decode("utf-8-sig").splitlines()
    assert ada.answer.headers["content-disposition"].startswith("attachment")
    assert len(lines) == 3
    assert "04 65 71 00 15" in lines[1]


async def test_a_british_desk_has_british_places_services_and_numbers(database: Database) -> None:
    with using(packs.load("GB")):
        desk = await scene(database)
        places = [place for place in all_territories().values() if not place.whole]
        rows = [
            {"territory": one.code, "service": "police", "number": f"01632 9600{at:02}"}
            for at, one in enumerate(places[:90])
        ]
        await desk.team.register(rows[1:], verified=False)
        await desk.team.register(rows[:1])
        bo = await desk.officer("bo")
        await bo.get("/desk/numbers")
        first, second = places[0], places[1]
        assert f"{first.code} {first.name} · 1 in force" in bo.page.text, bo.page.text
        assert f"{second.code} {second.name} · 1 not verified" in bo.page.text
        await bo.get("/desk/numbers?q=%2B44 1632 960000".replace(" ", "%20"))
        assert "01632 960000" in bo.page.text
        await bo.get("/desk/numbers/coverage?q=GB")
        assert bo.answer.status_code == 200
        assert len(bo.answer.content) <= LARGEST_PAGE
        await bo.get("/desk/numbers/read-back")
        await bo.press(second.code)
        await bo.press("check", digits="01632 960001", call="answered")
        assert "is verified" in bo.page.text
        await desk.close()
