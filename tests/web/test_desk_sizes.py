"""Pages of the desk stay small, however much an alert says: numbers for every territory, in two languages, on every
channel; and what is folded stands whole, word for word, behind its link."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import pytest

from alertbot.alerts import showing, writing
from alertbot.channels import base
from alertbot.core.model import Audience, Channel, Target
from alertbot.db.database import Database
from alertbot.texts.preview.phrases import threads, visible
from tests.team import channel
from tests.texts.test_whole_posts import SITUATIONS
from tests.web.officer import DeskScene, Officer, posted, scene
from tests.web.reader import PLATFORMS

LARGEST = 40_000  # bytes of HTML
READERS = tuple(Target(f"{n}@example.org", ("fr", "en")[n % 2]) for n in range(70))
MANY = (
    *PLATFORMS[:2],
    Channel("press", base.EMAIL, ("fr", "en"), Audience.LIVE, READERS),
    Channel("bluesky", base.BLUESKY, ("fr", "en"), Audience.LIVE, (Target("@b"),)),
    Channel("mastodon", base.MASTODON, ("fr", "en"), Audience.LIVE, (Target("@m"),)),
    channel("team", Audience.TEAM),
)
ALL_OF_FRANCE = dict(SITUATIONS["101 territories"])


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database, MANY)
    yield made
    await made.close()


async def small(officer: Officer, place: str) -> None:
    await officer.get(place)
    assert officer.answer.status_code == 200, officer.page.text
    assert len(officer.answer.content) <= LARGEST, (place, len(officer.answer.content))


def words(text: str) -> list[str]:
    return text.split()


async def read_whole(officer: Officer, place: str) -> list[str]:
    """The words of a text from all its pages."""
    found: list[str] = []
    while place:
        await small(officer, place)
        source = officer.answer.text
        for piece in re.findall(r'<div class="text"[^>]*>(.*?)</div>', source, re.DOTALL):
            found += words(unescape(piece))
        onward = re.search(r'rel="next" href="([^"]+)"', source)
        place = unescape(onward[1]) if onward else ""
    return found


@pytest.mark.thorough
async def test_no_page_is_larger_than_a_phone_takes_at_night(desk: DeskScene) -> None:
    team = desk.team
    await team.register(ALL_OF_FRANCE["numbers"])
    first = await team.approved()
    await team.work()
    alert = await team.pending("provisional_number", changes=ALL_OF_FRANCE, incident=first.incident)
    bo, ada = await desk.officer("bo"), await desk.officer("ada")
    for one in (bo, ada):
        await one.get("/desk")
        await one.press("fr")
    await small(bo, f"/desk/alerts/{alert.id}")
    await changed(desk, alert.id)
    await small(bo, f"/desk/alerts/{alert.id}")
    assert "Changé depuis" in bo.page.text
    whole = sorted(
        set(re.findall(rf"/desk/alerts/{alert.id}/(?:texts|retraction)/\d+", bo.answer.text))
    )
    assert len(whole) >= 6
    await exactly(bo, alert.id, [whole[0], whole[len(whole) // 2], whole[-1]])
    await small(bo, f"/desk/alerts/{alert.id}/numbers")
    assert "Page 1 sur" in bo.page.text
    await small(ada, f"/desk/alerts/{alert.id}/edit")
    form = ada.page.form("submit")
    live = await posted(ada.client, f"{form.action}/live", form.fields)
    assert (live.status_code, len(live.content) < LARGEST) == (200, True)
    await bo.get(f"/desk/alerts/{alert.id}")
    await bo.press("approve", read="yes")
    if await team.state(alert.id) == "pending":
        await team.approve(alert.id, "cy")
    await team.work(5)
    for place in (
        f"/desk/alerts/{alert.id}",
        "/desk",
        "/desk/write",
        f"/desk/deliveries?alert={alert.id}",
    ):
        await small(bo, place)
    assert "Plus anciens" in bo.page.text
    assert await rows_of_all_pages(bo) >= len(READERS)


async def changed(desk: DeskScene, alert: str) -> None:
    team, change = desk.team, {"what_fails": {"fr": "tous les appels", "en": "every call"}}
    await writing.edit(team.service, team.people["ada"], alert, change, {})
    await writing.submit(team.service, team.people["ada"], alert)


async def exactly(bo: Officer, alert: str, places: list[str]) -> None:
    """What stands behind the links is what will be sent, word for word."""
    said = (await showing.show(bo.team.service, alert, None)).sheet.composition
    every = [*threads(said.messages), *threads(said.retraction)]
    texts = [[word for part in one.parts for word in words(visible(part.text))] for one in every]
    for place in places:
        assert await read_whole(bo, place) in texts, place


async def rows_of_all_pages(officer: Officer) -> int:
    count = 0
    while True:
        count += officer.answer.text.count("<li><b>")
        onward = re.search(r'href="(\?[^"]+)" rel="next"', officer.answer.text)
        if onward is None:
            return count
        await small(officer, officer.answer.url.path + unescape(onward[1]))


async def test_what_is_small_is_shown_at_once(desk: DeskScene) -> None:
    alert = await desk.team.pending()
    bo = await desk.officer("bo")
    await small(bo, f"/desk/alerts/{alert.id}")
    given: dict[str, Any] = (await showing.opened(desk.team.service, alert.id)).values
    assert given["what_fails"]["en"] in bo.page.text
