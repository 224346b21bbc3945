"""The public page from memory: what readers and caches are told, and that nothing else is shadowed."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import brotli
import httpx
import pytest

from alertbot.db.database import Database
from alertbot.web.app import build
from alertbot.web.public import ServedPage
from tests.pages.site import team_with_page
from tests.team import Team

SHORTLY = "public, max-age=15, s-maxage=15, stale-while-revalidate=60, stale-if-error=86400"


class Served:
    """A team's page, behind the whole web application."""

    def __init__(self, team: Team, page: ServedPage, root: Path) -> None:
        self.team, self.page, self.root = team, page, root
        transport = httpx.ASGITransport(build(team.service, pages=(page,)))
        self.web = httpx.AsyncClient(transport=transport, base_url="http://here")


@pytest.fixture(params=["/public/", "/"])
async def served(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> AsyncIterator[Served]:
    team, keeper, root = await team_with_page(database, tmp_path)
    made = Served(team, ServedPage(keeper, request.param), root)
    await team.approved()
    await team.work()
    await made.page.refresh()
    async with made.web:
        yield made


async def test_what_stands_is_served_as_it_is(served: Served) -> None:
    at = served.page.path
    for path in ("fr/index.html", "state.json", "assets/style.0a.css"):
        found = await served.web.get(f"{at}{path}")
        assert found.content == (served.root / path).read_bytes()
    for short, whole in (("", "index.html"), ("fr/", "fr/index.html")):
        assert (await served.web.get(f"{at}{short}")).content == (served.root / whole).read_bytes()
    assert (await served.web.get(f"{at}fr/../../alertbot.db")).status_code == 404
    assert (await served.web.get(f"{at}nothing.html")).status_code == 404
    assert (await served.web.post(f"{at}index.html")).status_code in (404, 405)


async def test_readers_and_caches_are_told_how_long_it_holds(served: Served) -> None:
    at = served.page.path
    page = await served.web.get(f"{at}index.html")
    assert page.headers["cache-control"] == SHORTLY
    assert "set-cookie" not in page.headers
    asset = await served.web.get(f"{at}assets/style.0a.css")
    assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asset.headers["content-type"].startswith("text/css")
    for known in (page.headers["etag"], f'"x", W/{page.headers["etag"]}', "*"):
        again = await served.web.get(f"{at}index.html", headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["cache-control"] == SHORTLY
    head = await served.web.head(f"{at}index.html")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == page.headers["content-length"]


async def test_each_reader_gets_the_encoding_that_his_program_takes(served: Served) -> None:
    path = f"{served.page.path}state.json"
    whole = (served.root / "state.json").read_bytes()
    wanted = {
        "br": "br",
        "gzip, deflate, br": "br",
        "gzip": "gzip",
        "br;q=0, gzip": "gzip",
        "identity": None,
    }
    for accepted, encoding in wanted.items():
        async with served.web.stream("GET", path, headers={"accept-encoding": accepted}) as found:
            body = b"".join([part async for part in found.aiter_raw()])
        assert found.headers.get("content-encoding") == encoding
        assert found.headers["vary"] == "accept-encoding"
        plain = {"br": brotli.decompress, "gzip": gzip.decompress}.get(encoding or "", bytes)(body)
        assert plain == whole


async def test_no_address_of_ours_is_taken(served: Served) -> None:
    assert (await served.web.get("/healthz")).text == "ok\n"
    ready = await served.web.get("/readyz")
    assert ready.headers["cache-control"] == "no-store"
    assert (await served.web.get("/openapi.json")).status_code == 200


async def test_the_next_edition_is_served_as_soon_as_it_stands(served: Served) -> None:
    stop = asyncio.Event()
    kept = asyncio.create_task(served.page.keep(stop))
    await asyncio.sleep(0)
    view = await served.team.approved()
    await served.team.work()
    path = f"{served.page.path}fr/alerts/{view.id}.html"
    for _wait in range(100):
        if (found := await served.web.get(path)).status_code == 200:
            break
        await asyncio.sleep(0.02)
    assert found.content == (served.root / f"fr/alerts/{view.id}.html").read_bytes()
    stop.set()
    await asyncio.wait_for(kept, 2)
