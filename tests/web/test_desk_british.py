"""An evening of a British sender at the desk, in English and Welsh, from the first word to the end; and what its pages say."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from alertbot.core.model import Audience
from alertbot.db.database import Database
from alertbot.regions import packs
from alertbot.regions.facts import in_force, using
from alertbot.web.app import build
from tests.team import channel, registered
from tests.web.officer import URL, DeskScene, scene
from tests.web.reader import PLATFORMS

pytestmark = pytest.mark.thorough

FAILS = {
    "f__where": "kent, east sussex",
    "f__what_fails__en": "999 and 112 calls from mobiles",
    "f__what_fails__cy": "galwadau 999 a 112 o ffonau symudol",
    "f__what_works__en": "landlines",
    "f__what_works__cy": "llinellau tir",
    "f__what_to_do__en": "Call from a landline.",
    "f__what_to_do__cy": "Ffoniwch o linell dir.",
    "f__next_update": "in 30 minutes",
}
WRONG = {
    "f__what_was_wrong__en": "The ambulance number for East Sussex",
    "f__what_was_wrong__cy": "Rhif yr ambiwlans yn East Sussex",
    "f__what_is_right__en": "The number below is right.",
    "f__what_is_right__cy": "Mae’r rhif isod yn gywir.",
}
OVER = {
    "f__what_works__en": "999 and 112",
    "f__what_works__cy": "999 a 112",
    "f__confirmed_by__en": "Kent Police",
    "f__confirmed_by__cy": "Heddlu Caint",
    "f__what_to_do__en": "Call 999 as usual.",
    "f__what_to_do__cy": "Ffoniwch 999 fel arfer.",
    "f__restored_at": "10 minutes ago",
}
NOT_FOR_PEOPLE = re.compile(r"a\(c\)|ISO 8601|\b[a-z]+_[a-z_]+ \(|approvals_by|“cy”|\(en\)|samu|{")


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    with using(packs.load("GB")):
        outward = tuple(replace(one, languages=("en", "cy")) for one in PLATFORMS)
        made = await scene(database, (*outward, channel("team", Audience.TEAM, ("en",))))
        service = made.team.service
        sender = replace(
            service.publisher.organisation,
            name="Example Telecom",
            languages=("en", "cy"),
            timezone="Europe/London",
        )
        publisher = replace(service.publisher, organisation=sender)
        made.team.service = replace(service, publisher=publisher)
        made.web = build(made.team.service, desk=URL)
        yield made
        await made.close()


async def test_a_british_evening_from_the_first_word_to_the_end(desk: DeskScene) -> None:
    team, read = desk.team, list[str]()
    ada, bo, cy = [await desk.officer(name) for name in ("ada", "bo", "cy")]

    async def written(**typed: str) -> str:
        """What ada has before her is submitted; the others approve it, and it goes out."""
        read.append(ada.page.text)
        await ada.press("submit", **typed)
        assert "It was submitted" in ada.page.text, ada.page.text
        alert = ada.answer.url.path.rpartition("/")[2]
        for officer in (bo, cy):
            await officer.get(f"/desk/alerts/{alert}")
            read.append(officer.page.text)
            if await team.state(alert) == "pending":
                await officer.press("approve", read="yes")
        await team.work()
        assert await team.state(alert) == "published"
        team.clock.forward(minutes=15)
        await ada.get("/desk")
        read.append(ada.page.text)
        return alert

    await ada.get("/desk/write/holding")
    first = await written(**FAILS)
    incident = first.partition("-")[0]
    await ada.press("status")
    await ada.press("look", f__services="ambulance")
    assert "Give these too: KEN, ESX." in ada.page.text
    await written(f__services="", f__since="1:40 pm", f__next_update="in 30 minutes")
    rows = [
        {name: text for name, text in row.items() if not name.startswith("verified")}
        for row in in_force().example.numbers
    ]
    await registered(team.service, team.people["ada"], team.people["cy"], rows)
    await ada.get(f"/desk/write/provisional_number?incident={incident}")
    numbers = await written(
        f__territories="Kent, East Sussex", f__valid_until="in 4 hours", f__next_update="+30m"
    )
    assert "01632 960011" in read[-2]
    await ada.press("correct")
    await written(**WRONG)
    await ada.press("withdraw")
    await written()
    await bo.get("/desk")
    state = bo.page.form(f"/incidents/{incident}/state")
    await bo.send(state, state="resolved", confirmed_by="Kent Police")
    assert bo.answer.status_code == 200, bo.page.text
    team.clock.forward(minutes=90)
    for officer, name in ((ada, "ada"), (bo, "bo"), (cy, "cy")):
        await officer.sign_in(name)
    await ada.get("/desk")
    await ada.press("end")
    await ada.press("save", **OVER)
    assert "the watch period" in ada.page.text
    read.append(ada.page.text)
    await ada.send(ada.page.form("/accept"), accept__unconfirmed="Kent Police and the operator agree.")
    last = await written()
    await ada.get(f"/desk/incidents/{incident}")
    read.append(ada.page.text)
    assert {first, numbers, last} <= set(re.findall(rf"{incident}-\d+", ada.page.text))
    assert [one for text in read for one in NOT_FOR_PEOPLE.findall(text)] == []
    whole = " ".join(read)
    assert "Caint ac East Sussex" in whole
    assert "East Sussex a Caint" in whole
    assert "Y sefyllfa am 14:00, dydd Llun 2 Mawrth" in whole
    assert "MAE DROSODD" in whole
