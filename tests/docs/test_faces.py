"""The table of commands and where they work is about the commands, servers and pages that there are."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from alertbot import cli
from alertbot.cli.parsing import ANYWHERE, ListedCommand
from alertbot.db.database import Database
from alertbot.web.desk import entrance
from alertbot.web.desk.room import DeskRoom
from tests.team import gather

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "from-a-laptop.md"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
ROWS = {name: tuple(map(str.strip, cells)) for name, *cells in ROW.findall(PAGE.read_text("utf-8"))}
COMMANDS = {
    f"{name} {sub}".strip(): command.server
    for name, entry in cli.commands().listing.items()
    for sub, command in ({"": entry} if isinstance(entry, ListedCommand) else entry.commands).items()
}
PAGES = {
    "Right now": "",
    "Write": "/write",
    "an alert": "/alerts/{alert}",
    "Deliveries and stop": "/deliveries",
    "Tasks": "/tasks",
    "a task": "/tasks/{task}",
    "Incidents": "/incidents",
    "an incident": "/incidents/{incident}",
    "Watching": "/watching",
    "a rule": "/watching/rules/{rule}",
    "Numbers": "/numbers",
    "a number": "/numbers/{entry}",
    "People": "/people",
    "a person": "/people/{person}",
    "Settings": "/settings",
    "Audit": "/audit",
    "your name": "/you",
    "Recipients of mail": "/recipients",
    "an address": "/recipients/{key}",
    "The country's facts": "/country",
    "The public page": "/public-page",
    "Sign in": "/sign-in",
    "Sign out": "/sign-out",
    "for others: Elsewhere": "/alerts/{alert}/elsewhere",
}


def test_every_command_stands_in_the_table_once_and_in_the_order_of_the_help() -> None:
    assert list(ROWS) == list(COMMANDS)
    assert len(ROW.findall(PAGE.read_text("utf-8"))) == len(ROWS)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_works_at_a_server_is_there(command: str) -> None:
    server, (said, desk, why) = COMMANDS[command], ROWS[command]
    assert said == {"": "–", ANYWHERE: "needs none"}.get(server, "yes")
    if said == "–" or desk == "–":
        assert why, f"say why `{command}` is not everywhere"
    if said == "yes":
        file, _, function = server.partition(":")
        assert file.startswith("remote.")
        assert callable(getattr(import_module(f"alertbot.cli.{file}"), function))


async def test_the_pages_of_the_desk_are_there(database: Database) -> None:
    team = await gather(database)
    room = DeskRoom(team.service, "https://desk.example.org")
    routes = entrance.router(room).routes
    served = {one.path for one in routes if isinstance(one, APIRoute | Route)} | {"/desk/settings"}
    for command, (_server, desk, _why) in ROWS.items():
        if desk == "–":
            continue
        for name in desk.split(";"):
            first = re.sub(r" \(from .*\)", "", name).partition(",")[0].strip()
            assert f"/desk{PAGES[first]}" in served, f"`{command}`: {name}"
