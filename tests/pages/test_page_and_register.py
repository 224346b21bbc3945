"""With the real verbs and a page in a folder: what the page gives is what the register says the public was told."""

from pathlib import Path

import pytest
from sqlalchemy import select

from alertbot.alerts import following, taking_back
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists import public_numbers
from alertbot.alerts.lists.wrong_numbers import WrongNumbers
from alertbot.alerts.taking_back import NumberSelection
from alertbot.channels.page.witness import PageWitness
from alertbot.channels.witnessing import PublicAnswer, Sought, text_of
from alertbot.db import tables
from alertbot.db.database import Database
from alertbot.pages import html
from alertbot.pages.views import PageSite, PublicStanding
from alertbot.texts.document import from_json
from tests.alerts.test_following import ENDED, EXCUSED
from tests.alerts.test_withdrawing import RIGHT, brittany
from tests.pages.site import adapter_of, keep, team_with_page
from tests.pages.test_public_page import calls, words
from tests.team import Team


class Seen:
    """The last edition that a worker made."""

    standing: PublicStanding

    def __call__(self, standing: PublicStanding, site: PageSite) -> dict[str, bytes]:
        self.standing = standing
        return html.pages(standing, site)

    @property
    def entries(self) -> set[str]:
        return {one.number.entry for each in self.standing.numbers["fr"].values() for one in each}


@pytest.fixture
async def page(database: Database, tmp_path: Path) -> tuple[Team, Seen, Path]:
    team, keeper, root = await team_with_page(database, tmp_path)
    seen = Seen()
    adapter = adapter_of(keeper.channel, tmp_path)
    team.adapters["page"] = adapter  # type: ignore[assignment]
    keep(team, adapter, seen)
    return team, seen, root


async def known(team: Team, incident: str) -> set[str]:
    """The entries of which the register says that the public was told them and that they hold."""
    found = await team.service.database.read(
        lambda conn: public_numbers.by_incident(conn, incident, team.service.now, exercise=False)
    )
    return {row.entry for row in found.in_force}


async def seen_by_a_stranger(team: Team, root: Path) -> list[str]:
    """The messages of the page whose every word the page of that message shows."""
    one = tables.message.c
    published = (one.channel == "page", one.purpose == "publication", one.action == "publish")
    query = select(one.alert_id, one.lang, one.document).where(*published)
    rows = await team.service.database.read(lambda conn: conn.execute(query))
    witness, found = PageWitness("https://alert.example.org"), []
    for alert, lang, document in rows:
        text = text_of(from_json(document).html)
        path = f"{lang}/alerts/{alert}.html"
        (shown,) = witness.shown(Sought(text, path), PublicAnswer(200, (root / path).read_bytes()))
        assert witness.same(Sought(text, path), shown), (path, text)
        found.append(path)
    return found


async def test_over_an_evening_the_page_gives_what_the_register_has_in_force(
    page: tuple[Team, Seen, Path],
) -> None:
    team, seen, root = page
    first = await brittany(team)
    incident = first.partition("-")[0]
    assert seen.entries == await known(team, incident)
    assert len(seen.entries) == 12
    assert len(calls((root / "fr/29.html").read_bytes())) == 3

    samu = next(
        one.number.entry for one in seen.standing.numbers["fr"]["29"] if one.number.service == "samu"
    )
    wrong = WrongNumbers([samu])
    said = FollowRequest(RIGHT, submit=True)
    view = await following.correct(team.service, team.people["bo"], first, said, wrong)
    await team.approve(view.id, "bo")
    await team.work()
    assert seen.entries == await known(team, incident)
    assert len(seen.entries) == 11
    finistere = (root / "fr/29.html").read_bytes()
    assert "N’appelez plus SAMU (15) : 02 61 91 29 15" in words(finistere)
    assert len(calls(finistere)) == 2

    gone = NumberSelection(query="22,35", but="22/samu")
    view = await taking_back.withdraw(team.service, team.people["bo"], gone, FollowRequest(submit=True))
    await team.approve(view.id, "bo")
    await team.work()
    assert seen.entries == await known(team, incident)
    assert len(calls((root / "en/22.html").read_bytes())) == 1

    view = await following.end(
        team.service, team.people["ada"], incident, FollowRequest(ENDED, EXCUSED, submit=True)
    )
    await team.approve(view.id, "cy")
    await team.work()
    assert seen.entries == await known(team, incident) == set()
    assert len(await seen_by_a_stranger(team, root)) == 8
    assert not calls((root / "fr/22.html").read_bytes())
    assert "02 61 91 22 15 (n’appelez plus)" in words((root / f"fr/alerts/{first}.html").read_bytes())
