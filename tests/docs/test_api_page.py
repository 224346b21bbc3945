"""The commands of the API's page, run as they are printed."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from alertbot.core.model import Audience
from alertbot.db.database import Database
from alertbot.people import api_tokens
from alertbot.people.rules import Scope
from alertbot.web.serving import address_of, listen, serve_app
from tests.team import channel
from tests.web.officer import scene

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
SCRIPTS = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
CHANNELS = (channel("public"), channel("second"), channel("team", Audience.TEAM))


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
async def test_an_evening_with_curl(sqlite_url: str, tmp_path: Path) -> None:
    database = await Database.open(sqlite_url, migrate=False)
    place, stop = listen("127.0.0.1", 0), asyncio.Event()
    desk = await scene(database, CHANNELS)
    service, people = desk.team.service, desk.team.people
    serving = asyncio.create_task(serve_app(desk.web, place, stop))
    writing = [Scope.READ, Scope.DRAFT, Scope.SUBMIT]
    given = {
        "TOKEN": await api_tokens.make(service, people["ada"], "curl", writing),
        "BO": await api_tokens.make(service, people["bo"], "curl", [Scope.READ, Scope.APPROVE]),
    }
    script = "set -eu\n" + "".join(SCRIPTS).replace("https://desk.example.org", address_of(place))
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-o", "pipefail", "-c", script),
        cwd=tmp_path,
        env=os.environ | given,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = (text.decode() for text in await shell.communicate())
    stop.set()
    await serving
    await database.close()
    assert shell.returncode == 0, out + err
    said = out.splitlines()
    assert "holding" in said
    assert "approved" in said
    assert any(line.startswith("public (fr): ") for line in said)
    assert any(line.startswith("link: </api/v1/deliveries?alert=") for line in said)
    assert said[-1] == "Ce jeton de bo n’a pas la portée draft."
