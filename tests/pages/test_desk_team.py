"""Tasks, people, the audit and the settings in a browser, with the script and without: axe finds nothing, nothing scrolls
sideways, a link is copied, and whoever is about to be signed out is told so without losing the focus."""

import json
from pathlib import Path

import pytest

from alertbot.app import build as build_app
from alertbot.core.model import Audience
from alertbot.db.database import Database
from alertbot.ops.settings_shown import SettingsOf
from alertbot.people import accounts, tasks
from alertbot.people.tasks import NewTask
from alertbot.web.app import build
from alertbot.web.desk.provider import Provider
from alertbot.web.desk.room import DeskRoom
from alertbot.web.serving import address_of, listen
from tests.cli.desk import opened
from tests.pages.test_desk import Shown, browser, port_of, served
from tests.team import channel, hand
from tests.web.officer import scene

pytestmark = pytest.mark.thorough  # a browser for minutes; without one: tests/web


@pytest.mark.parametrize("script", ["on", "off"])
async def test_the_pages_of_the_team(script: str, sqlite_url: str, tmp_path: Path) -> None:
    browser()
    database = await Database.open(sqlite_url, migrate=False)
    with listen("localhost", 0) as place:
        url = address_of(place).replace("127.0.0.1", "localhost")
    made = await scene(database, (hand(), channel("public"), channel("team", Audience.TEAM)), url)
    team, service = made.team, made.team.service
    made.web = build(
        service,
        desk=DeskRoom(
            service,
            url,
            provider=Provider(url, "desk", "Préfecture", str),
            settings=SettingsOf(build_app(opened(tmp_path / "settings").folder / "config.yaml")),
        ),
    )
    await team.approved()
    await team.work()
    chore = NewTask("call", "call", "Call the SAMU of Lyon.", due_at=service.now)
    await service.database.transact(lambda conn: tasks.raise_(service, conn, chore))
    await accounts.invite(service, team.people["bo"], "ada")
    await accounts.change_roles(service, team.people["cy"], "ada", ["author", "approver"])
    open_ = await tasks.listing(service)
    people = {one.name: one.id for one in await accounts.everybody(service)}
    places = [
        "/desk/tasks",
        *(f"/desk/tasks/{one.id}" for one in open_),
        "/desk/people",
        f"/desk/people/{people['ada']}",
        f"/desk/people/{people['bo']}",
        "/desk/audit",
        "/desk/audit/3",
        "/desk/settings",
        "/desk/you",
    ]
    shown = Shown(made, url)
    async with served(made.web, port_of(shown)):
        await shown.browse(SCRIPT=script, TEAM=json.dumps(places))
    await database.close()
