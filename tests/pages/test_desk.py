"""The desk in a browser, with its script and without: the same evening; axe finds nothing, nothing scrolls sideways at
320 pixels or twice the text, pages and files stay small, and the browser reports nothing against the policy."""

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI
from starlette.routing import Route

from alertbot.alerts import approving, following
from alertbot.alerts.following import FollowRequest
from alertbot.alerts.lists import still_public
from alertbot.core.errors import Uncertain
from alertbot.core.model import Audience
from alertbot.db.database import Database
from alertbot.delivery.runners import LocalRunner
from alertbot.delivery.views import Suppressed
from alertbot.numbers import verifying
from alertbot.ops import working
from alertbot.people import accounts, api_tokens, recipients, store_forms, tasks
from alertbot.people.rules import Scope
from alertbot.people.tasks import NewTask
from alertbot.watch import incidents
from alertbot.watch.rules_signals import Observed
from alertbot.web.app import build
from alertbot.web.desk import entrance
from alertbot.web.desk.entering_page import FILE
from alertbot.web.desk.looks import files
from alertbot.web.desk.room import DeskRoom
from alertbot.web.serving import address_of, listen, serve_app
from tests.cli.desk import Desk, opened
from tests.pages.test_pages import HERE, NINETEEN, PATIENCE_SECONDS
from tests.team import channel, memory
from tests.watch.preapproval.test_by_itself import SLOW, approved_ahead
from tests.watch.test_watching import says, watched
from tests.web.officer import DeskScene, scene
from tests.web.reader import PLATFORMS
from tests.web.test_desk_numbers import ROWS, everywhere, given

pytestmark = pytest.mark.thorough  # a browser for minutes; without one: tests/web

REGISTERED = {"territory": "29", "service": "samu", "number": "04 65 71 29 15"}
MOST_LOADS = 12  # from the sign-in of three people to their first approved alert with numbers
MOST_KEYS = 60  # pressed or typed, for a first word from the page of an incident
MANY_PAGES = 20  # of the route table
LARGEST = {"css": 15_000, "js": 10_000, "svg": 1_000}


def browser() -> tuple[str, str]:
    """Node and Chromium; in CI they have to be there."""
    found = {name: shutil.which(name) or "" for name in ("node", "chromium")}
    missing = [name for name, path in found.items() if not path]
    if not (HERE / "node_modules").is_dir():
        missing.append("what `make pages` brings")
    if missing:
        said = f"to try the desk in a browser, install {', '.join(missing)}"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)
    return found["node"], found["chromium"]


def test_the_files_of_the_desk_are_small() -> None:
    sizes = {name.rpartition(".")[2]: len(body) for name, (_kind, body) in files().items()}
    assert sizes.keys() == LARGEST.keys()
    assert all(sizes[name] <= LARGEST[name] for name in sizes), sizes


@dataclass
class Shown:
    """A desk on a port of this machine, and what a browser said of it."""

    made: DeskScene
    url: str
    measures: dict[str, Any] = field(default_factory=dict)

    async def browse(self, heard: "Heard | None" = None, **how: str) -> None:
        """Run the browser to its end."""
        self.measures = await browsed(self.url, self.made.team.tokens, heard, **how)


Heard = Callable[[str], Awaitable[None]]


async def browsed(
    url: str, tokens: Mapping[str, str], heard: Heard | None = None, **how: str
) -> dict[str, Any]:
    """What a browser measures, which finds no fault. `heard`: told each line that it says beside the faults."""
    node, chromium = browser()
    given = {"BASE": url, "SCRIPT": "on", **{who.upper(): one for who, one in tokens.items()}}
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(node, "desk.mjs"),
        cwd=HERE,
        env=os.environ | given | how | {"CHROMIUM": chromium},
        stdout=pipe,
        stderr=pipe if heard else None,
    )
    if heard and process.stderr:
        async for line in process.stderr:
            await heard(line.decode().strip())
    out, _err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    *faults, last = out.decode().splitlines()
    assert last.startswith("{"), "\n".join([*faults, last])
    assert not faults, "\n".join(faults)
    measures: dict[str, Any] = json.loads(last)["measures"]
    return measures


@asynccontextmanager
async def served(web: FastAPI, port: int) -> AsyncIterator[None]:
    stop = asyncio.Event()
    with listen("localhost", port) as place:
        serving = asyncio.create_task(serve_app(web, place, stop))
        try:
            yield
        finally:
            stop.set()
            await serving


@pytest.fixture
async def desk(sqlite_url: str) -> AsyncIterator[Shown]:
    browser()
    database = await Database.open(sqlite_url, migrate=False)
    with listen("localhost", 0) as place:
        url = address_of(place).replace("127.0.0.1", "localhost")
    made = await scene(database, (*PLATFORMS, channel("team", Audience.TEAM)), url)
    yield Shown(made, url)
    await database.close()


def port_of(desk: Shown) -> int:
    return int(desk.url.rpartition(":")[2])


@pytest.mark.parametrize("script", ["on", "off"])
async def test_an_evening_in_a_browser(script: str, desk: Shown) -> None:
    team, stop = desk.made.team, asyncio.Event()
    await team.register([REGISTERED])
    hooks = working.hooks(team.service)
    worker = asyncio.create_task(
        LocalRunner(team.service.database, team.adapters, hooks=hooks).run(stop)
    )
    async with served(desk.made.web, port_of(desk)):
        await desk.browse(SCRIPT=script)
    stop.set()
    await worker
    assert desk.measures["first"]["loads"] <= MOST_LOADS, desk.measures
    if script == "on":  # with the pause of 150 ms, on a machine that does other things too
        assert statistics.median(desk.measures["previews"]) < 1000


UNSEEN = (
    "/static/",
    "/stream",
    "/strip",
    "/left",
    "/news",
    "/progress",
    "/picture",
    "/mail/",
    "/export",
    "/file",
    ".csv",
    "/{rule}",  # there is none here
)
"""Addresses that are no pages of their own."""


def pages(desk: Shown, known: Mapping[str, str]) -> list[str]:
    """Every page of the route table, with what this desk has in place of what stands in braces."""
    made = entrance.router(DeskRoom(desk.made.team.service, desk.url)).routes
    found = [one.path for one in made if isinstance(one, Route) and "GET" in (one.methods or ())]
    places = [path for path in found if not any(part in path for part in UNSEEN)]
    assert len(places) > MANY_PAGES, "the walk would look at nothing"
    missing = {name for path in places for name in re.findall(r"{(\w+)}", path)} - known.keys()
    assert not missing, f"say in this test which {missing} there is"
    return [path.format_map(known) for path in places]


@pytest.mark.parametrize("how", [{}, {"NARROW": "yes"}], ids=["english", "french, 320 pixels"])
async def test_every_page_of_a_bad_night_is_accessible(how: dict[str, str], desk: Shown) -> None:
    """Numbers for 19 territories that wait, a broken glass, an uncertain delivery, a task, an exercise. In French words
    are longer: nothing is cut off, and no button is out of reach."""
    team = desk.made.team
    entries = await team.register(NINETEEN["numbers"])
    waits = await team.pending("provisional_number", changes=dict(NINETEEN))
    alone = await team.pending(new_incident=True)
    await approving.break_glass(team.service, team.people["bo"], alone.id, alone.digest, "no answer")
    team.adapters["press"] = memory(team.adapters["press"].channel, no_answer)
    await team.work()
    draft = await team.draft(given={"where": "29"}, new_incident=True)
    follow = await following.correct(team.service, team.people["ada"], alone.id, FollowRequest())
    wanted = NewTask("radio", "clock", "Ask the radio to say it.")
    await team.service.database.transact(lambda conn: tasks.raise_(team.service, conn, wanted))
    task = next(one.id for one in await tasks.listing(team.service))
    gone = ["maire.de.saint-martin@communaute-de-communes.example.fr", "samu@example.org"]
    await recipients.suppress(team.service, team.people["bo"], gone, Suppressed.UNSUBSCRIBED)
    known = {  # a rule approved ahead there is none
        "alert": waits.id,
        "kind": "provisional_number",
        "incident": waits.incident,
        "entry": entries[0],
        "territory": NINETEEN["numbers"][0]["territory"],
        "person": str(team.people["ada"].id),
        "task": str(task),
        "seq": "3",
        "number": "0",
        "form": "poster",
        "key": (await recipients.listing(team.service))[0].key,
        "code": (await accounts.invite(team.service, team.people["bo"], "cy")).url.rpartition("/")[2],
    }
    more = [
        *await places_of_programs(desk.made),
        f"/desk/alerts/{draft.id}",
        f"/desk/alerts/{draft.id}/edit",
        f"/desk/alerts/{waits.id}?lang=fr",
        f"/desk/alerts/{alone.id}",
        f"/desk/alerts/{follow.id}",
        "/desk/write/provisional_number?exercise=yes",
    ]
    async with served(desk.made.web, port_of(desk)):
        await desk.browse(PLACES=json.dumps([*pages(desk, known), *more]), **how)


async def places_of_programs(made: DeskScene) -> tuple[str, ...]:
    """The page with one's name, with a token of each person; and a machine that asks ada for one."""
    for name in ("ada", "bo"):
        await api_tokens.make(made.team.service, made.team.people[name], "statistics", [Scope.READ])
    asked = await api_tokens.ask(made.team.service, "laptop", list(Scope), "203.0.113.9")
    assert asked
    return "/desk/you", "/desk/you?lang=fr", "/desk/device", f"/desk/device?code={asked.code}"


async def no_answer(_post: object) -> None:
    raise Uncertain("The answer was lost.")


async def test_a_page_that_lost_its_desk_says_so_and_finds_it_again(desk: Shown) -> None:
    running = AsyncExitStack()
    await running.enter_async_context(served(desk.made.web, port_of(desk)))

    async def heard(line: str) -> None:
        if line == "ready":
            await running.aclose()
        elif line == "lost":
            await running.enter_async_context(served(desk.made.web, port_of(desk)))

    await desk.browse(heard, LOST="yes")
    await running.aclose()


@pytest.fixture
def team(tmp_path: Path) -> Desk:
    """A team in a folder, with a desk on a port that is free."""
    browser()
    with listen("localhost", 0) as place:
        port = int(address_of(place).rpartition(":")[2])
    made = opened(tmp_path)
    made.configure(serve={"port": port}, desk={"url": f"http://localhost:{port}"})
    return made


async def test_a_page_whose_server_was_killed_says_so_and_finds_the_next_one(team: Desk) -> None:
    config = yaml.safe_load((team.folder / "config.yaml").read_text(encoding="utf-8"))
    url = config["desk"]["url"]
    running = [await begun(team.folder, url)]

    async def heard(line: str) -> None:
        if line == "ready":
            running[-1].kill()
            await running[-1].wait()
        elif line == "lost":
            running.append(await begun(team.folder, url))

    try:
        await browsed(url, team.tokens, heard, LOST="yes")
    finally:
        running[-1].kill()
        await running[-1].wait()
    assert [one.returncode for one in running] == [-signal.SIGKILL] * 2


async def begun(folder: Path, url: str) -> asyncio.subprocess.Process:
    """`alertbot serve` in a process of its own, once it answers."""
    program = Path(sys.executable).parent / "alertbot"
    process = await asyncio.create_subprocess_exec(program, "serve", cwd=folder, stdout=-3, stderr=-3)
    async with asyncio.timeout(PATIENCE_SECONDS), httpx.AsyncClient(base_url=url) as client:
        while True:
            with suppress(httpx.TransportError):
                if (await client.get("/readyz")).status_code == 200:
                    return process
            await asyncio.sleep(0.1)


async def test_a_first_word_from_an_incident_takes_few_keys(desk: Shown) -> None:
    team = desk.made.team
    found = await incidents.open_(team.service, team.people["ada"], "15 in Finistère")
    async with served(desk.made.web, port_of(desk)):
        await desk.browse(FIRST=f"/desk/incidents/{found.id}")
    assert desk.measures["keys"] <= MOST_KEYS, desk.measures


async def test_the_register_incidents_and_watching_are_accessible(sqlite_url: str) -> None:
    """Every page of numbers, incidents and rules on a night when all of the country is in the register."""
    browser()
    database = await Database.open(sqlite_url, migrate=False)
    with listen("localhost", 0) as place:
        url = address_of(place).replace("127.0.0.1", "localhost")
    made = await scene(database, (*PLATFORMS, channel("team", Audience.TEAM)), url)
    shown = Shown(await a_night(made, url), url)
    team = made.team
    await team.register(everywhere(), verified=False)
    await verifying.take(team.service, team.people["bo"], "01")
    places = [
        *(
            "/desk",
            "/desk/numbers",
            "/desk/numbers?lang=fr",
            "/desk/numbers?q=22,29",
            "/desk/numbers/coverage?q=FR",
        ),
        *(
            "/desk/numbers/N1",
            "/desk/numbers/N2",
            "/desk/numbers/N1/edit",
            "/desk/numbers/new",
            "/desk/numbers/import",
        ),
        *("/desk/numbers/read-back", "/desk/numbers/read-back/01", "/desk/numbers/read-back/02"),
        *("/desk/numbers/withdraw?q=22", "/desk/numbers/withdraw?q=N1", "/desk/incidents"),
        *(f"/desk/incidents/{one.id}" for one in await incidents.listing(team.service)),
        *("/desk/watching", "/desk/watching/rules/slow"),
    ]
    async with served(shown.made.web, port_of(shown)):
        await shown.browse(PLACES=json.dumps(places))
        await shown.browse(PLACES=json.dumps(places), SCRIPT="off")
    await database.close()


async def a_night(made: DeskScene, url: str) -> DeskScene:
    """A desk with a rule approved ahead that counts down, a silent source, an incident in public, a file that waits to be
    taken in, and a number that changed while the public reads it."""
    team = watched(
        made.team, SLOW, named=frozenset({"calls"}), silent_after={"pager": timedelta(minutes=5)}
    )
    await approved_ahead(team, SLOW)
    await says(team, Observed.UP, source="pager")
    team.clock.forward(minutes=10)
    await says(team, Observed.DOWN, title="sip-1")
    await team.register(ROWS)
    await team.approved("provisional_number", given=given(replace(made, team=team), "22"))
    await team.work()
    await still_public.edit(team.service, team.people["ada"], "N1", {"number": "04 65 71 00 19"})
    table = b"territory,service,number\n22,samu,04 65 71 00 20\n22,police,122\n"
    kept = {"name": "numbers.csv", "data": base64.b64encode(table).decode()}
    await team.service.database.transact(
        lambda conn: store_forms.keep(conn, team.people["bo"], FILE, kept, now=team.clock.now)
    )
    return replace(made, team=team, web=build(team.service, desk=url))
