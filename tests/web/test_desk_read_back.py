"""Reading numbers back at the desk: never shown, typed again, called; each territory by one person at a time."""

from collections.abc import AsyncIterator

import pytest

from alertbot.alerts.lists import still_public
from alertbot.db.database import Database
from alertbot.numbers import consulting
from alertbot.numbers.rules_entry import Standing
from tests.web.officer import DeskScene, Officer, scene

ROWS = [
    {
        "territory": "22",
        "service": "samu",
        "number": "04 65 71 22 15",
        "source_url": "https://a.example/1",
    },
    {"territory": "22", "service": "pompiers", "number": "04 65 71 22 18"},
    {"territory": "29", "service": "samu", "number": "04 65 71 29 15"},
]


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    await made.team.register(ROWS, verified=False)
    yield made
    await made.close()


async def begun(desk: DeskScene, name: str, territory: str = "22") -> Officer:
    officer = await desk.officer(name)
    await officer.get("/desk/numbers/read-back")
    await officer.press(territory)
    assert officer.answer.status_code == 200, officer.page.text
    return officer


async def standing(desk: DeskScene, name: str) -> Standing:
    return (await consulting.show(desk.team.service, name)).standing


async def test_a_territory_is_read_back_number_by_number(desk: DeskScene) -> None:
    bo = await begun(desk, "bo")
    assert "0 of 2 read back" in bo.page.text
    assert "https://a.example/1" in bo.page.text
    for name, digits, next_words in (
        ("N1", "0465712215", "N1 is verified. 1 of 2"),
        ("N2", "+33 465712218", "N2 is verified. 2 of 2"),
    ):
        assert digits[-4:] not in bo.answer.text.replace(" ", "")
        await bo.press("check", digits=digits, call="answered")
        assert next_words in bo.page.text, bo.page.text
        assert await standing(desk, name) is Standing.IN_FORCE
    assert "Nothing is left for you here" in bo.page.text
    await bo.get("/desk/numbers/read-back")
    assert "22 Côtes-d'Armor" not in bo.page.text.replace("’", "'")


async def test_an_attempt_that_fails_is_kept_and_said(desk: DeskScene) -> None:
    bo = await begun(desk, "bo")
    await bo.press("check", digits="0465712200", call="answered")
    assert bo.answer.status_code == 200
    assert "the digits did not match the register" in bo.page.text
    assert "04 65 71" not in bo.page.text
    await bo.press("check", digits="0465712215", call="no-answer", called_at="-5m")
    assert "the digits matched · nobody answered" in bo.page.text
    checks = (await consulting.show(desk.team.service, "N1")).checks
    assert [(one.matched, one.call) for one in checks] == [(False, "answered"), (True, "no-answer")]
    assert await standing(desk, "N1") is Standing.UNVERIFIED


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"call": "answered"}, "Type the digits"),
        ({"digits": "0465712215"}, "Say how the test call went"),
        ({"digits": "0465712215", "call": "answered", "called_at": "+2h"}, "in the future"),
        (
            {"digits": "0465712215", "call": "answered", "called_at": "soon"},
            "The time of the test call",
        ),
        ({"digits": "0465712215", "call": "shouted"}, "There is no call result"),
    ],
)
async def test_what_is_missing_is_said_and_nothing_recorded(
    desk: DeskScene, typed: dict[str, str], said: str
) -> None:
    bo = await begun(desk, "bo")
    await bo.press("check", **typed)
    assert bo.answer.status_code == 400
    assert said in bo.page.text, bo.page.text
    assert bo.page.form("check").fields["digits"] == typed.get("digits", "")  # they stay
    assert not (await consulting.show(desk.team.service, "N1")).checks


async def test_two_people_share_the_country_and_not_a_territory(desk: DeskScene) -> None:
    bo, cy = await begun(desk, "bo"), await desk.officer("cy")
    await cy.get("/desk/numbers/read-back")
    assert "bo is at it until 15:15" in cy.page.text
    assert not any(button.get("value") == "22" for form in cy.page.forms for button in form.buttons)
    await cy.get("/desk/numbers/read-back/22")
    assert "bo is reading these numbers back" in cy.page.text
    await cy.get("/desk/numbers/read-back")
    await cy.press("29")
    await cy.press("check", digits="0465712915", call="answered")
    assert "N3 is verified" in cy.page.text
    await bo.press("leave")
    await cy.get("/desk/numbers/read-back")
    await cy.press("22")
    assert "0 of 2 read back" in cy.page.text


async def test_what_was_put_off_comes_last_and_what_changed_meanwhile_is_not_verified(
    desk: DeskScene,
) -> None:
    bo = await begun(desk, "bo")
    await bo.press("skip")
    assert bo.page.form("check").fields["entry"] == "N2"
    ada = await desk.officer("ada")
    await ada.get("/desk/numbers/read-back")
    assert "3 that you entered wait for somebody else" in ada.page.text
    await bo.get("/desk/numbers/read-back/22?entry=N1")
    await still_public.edit(desk.team.service, desk.team.people["ada"], "N1", {"zone": "Guingamp"})
    await bo.press("check", digits="0465712215", call="answered")
    assert bo.answer.status_code == 403
    assert "has changed since you opened it" in bo.page.text
    assert not (await consulting.show(desk.team.service, "N1")).checks
