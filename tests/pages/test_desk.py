"""The desk in a browser, with its script and without: the same evening; axe finds nothing, nothing scrolls sideways at
320 pixels or twice the text, pages and files stay small, and the browser reports nothing against the policy."""

import asyncio
import json
import os
import shutil
import statistics
import sys
from pathlib import Path

import pytest

from alertbot.db.database import Database
from alertbot.web.desk.room import files
from alertbot.web.serving import address_of, listen, serve_app
from tests.pages.test_pages import HERE, PATIENCE_SECONDS
from tests.web.officer import scene

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


@pytest.mark.parametrize("script", ["on", "off"])
async def test_an_evening_in_a_browser(script: str, sqlite_url: str, tmp_path: Path) -> None:
    node, chromium = browser()
    database = await Database.open(sqlite_url, migrate=False)
    stop = asyncio.Event()
    with listen("localhost", 0) as place:
        url = address_of(place).replace("127.0.0.1", "localhost")
        made = await scene(database, url=url)
        given = {"BASE": url, "SCRIPT": script, "CHROMIUM": chromium}
        given |= {"ADA": made.team.tokens["ada"], "BO": made.team.tokens["bo"]}
        serving = asyncio.create_task(serve_app(made.web, place, stop))

        async def work() -> None:
            while not stop.is_set():
                await made.team.work(0.1)
                await asyncio.sleep(0.2)

        working = asyncio.create_task(work())
        process = await asyncio.create_subprocess_exec(
            node, "desk.mjs", cwd=HERE, env=os.environ | given, stdout=asyncio.subprocess.PIPE
        )
        try:
            out, _err = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
        finally:
            stop.set()
            await asyncio.gather(working, serving)
    await database.close()
    *faults, last = out.decode().splitlines()
    assert last.startswith("{"), "\n".join([*faults, last])
    assert not faults, "\n".join(faults)
    measures = json.loads(last)["measures"]
    print(measures, file=sys.stderr)
    if script == "on":
        assert statistics.median(measures["previews"]) < 1000  # a slow machine; see the benchmark
