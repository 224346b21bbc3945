"""News on the desk: a stream per browser that says something has changed, one look at the database for all of them, and
an end with the session, the browser or the server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

import httpx
import pytest

from alertbot.alerts import live_check, writing
from alertbot.alerts.compose import DraftRequest
from alertbot.core.errors import StoreFailed
from alertbot.core.model import Audience
from alertbot.db.database import Database
from alertbot.ops import now
from alertbot.people import accounts, store_forms
from alertbot.people.context import Context
from alertbot.texts.preview.phrases import Sheet
from alertbot.web.desk import news, now_page
from alertbot.web.desk.news import MOST_OF_ONE_SESSION, NewsDesk
from alertbot.web.serving import address_of, listen, serve_app
from tests.team import channel
from tests.web.officer import DeskScene, Officer, scene

PATIENCE = 5.0
STREAM = {"accept": "text/event-stream"}


@dataclass
class Serving:
    """A desk on a port of this machine; `stop` as SIGTERM sets it."""

    made: DeskScene
    url: str
    stop: asyncio.Event
    task: "asyncio.Task[None]"

    async def signed_in(self, name: str) -> httpx.AsyncClient:
        client = httpx.AsyncClient(base_url=self.url, follow_redirects=True)
        officer = Officer(self.made.team, client)
        self.made.officers.append(officer)
        same = {"sec-fetch-site": "same-origin", "origin": self.url}
        token = {"token": self.made.team.tokens[name]}
        answer = await client.post("/desk/sign-in", data=token, headers=same)
        assert answer.url.path == "/desk", answer.text
        return client


@pytest.fixture
async def serving(database: Database) -> AsyncIterator[Serving]:
    with listen("127.0.0.1", 0) as place:
        url = address_of(place)
        made = await scene(database, (channel("public"), channel("team", Audience.TEAM)), url)
        stop = asyncio.Event()
        task = asyncio.create_task(serve_app(made.web, place, stop))
        yield Serving(made, url, stop, task)
        await made.close()
        stop.set()
        await task


@pytest.fixture
def desks(monkeypatch: pytest.MonkeyPatch) -> list[NewsDesk]:
    """Every news desk that was made."""
    found: list[NewsDesk] = []
    make = NewsDesk.__init__

    def noted(self: NewsDesk, *given: object) -> None:
        make(self, *given)  # type: ignore[arg-type]
        found.append(self)

    monkeypatch.setattr(NewsDesk, "__init__", noted)
    return found


@asynccontextmanager
async def stream(client: httpx.AsyncClient) -> AsyncIterator[AsyncIterator[str]]:
    async with client.stream("GET", "/desk/stream", headers=STREAM, timeout=PATIENCE) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        yield answer.aiter_lines()


async def said(lines: AsyncIterator[str], *, but: str = "") -> str:
    """The next thing that the stream says, another than `but`."""
    async with asyncio.timeout(PATIENCE):
        async for line in lines:
            if line.startswith("data: ") and line not in (but, "data: unknown"):
                return line
    raise AssertionError("the stream has ended")


async def ended(lines: AsyncIterator[str]) -> bool:
    async with asyncio.timeout(PATIENCE):
        return [line async for line in lines if line.startswith("never")] == []


async def until(gone: object) -> None:
    async with asyncio.timeout(PATIENCE):
        while not gone():  # type: ignore[operator]
            await asyncio.sleep(0.01)


async def test_a_stream_tells_of_what_another_process_writes(
    serving: Serving, database_url: str
) -> None:
    ada = await serving.signed_in("ada")
    team = serving.made.team
    other = await Database.open(database_url, migrate=False)
    async with stream(ada) as lines:
        first = await said(lines)
        view = await team.draft(given={"where": "29"})
        elsewhere = replace(team.service, database=other)
        drafted = await said(lines, but=first)
        begun = time.monotonic()
        await writing.discard(elsewhere, team.people["ada"], view.id)
        await said(lines, but=drafted)
        assert time.monotonic() - begun < 2
    await other.close()


async def test_one_look_serves_all_streams_and_there_is_none_without(
    serving: Serving, monkeypatch: pytest.MonkeyPatch, desks: list[NewsDesk]
) -> None:
    looks = []
    look = now.glance

    async def counted(service: object) -> now.DeskGlance:
        looks.append(1)
        return await look(service)  # type: ignore[arg-type]

    monkeypatch.setattr(now, "glance", counted)
    ada, bo = await serving.signed_in("ada"), await serving.signed_in("bo")
    async with AsyncExitStack() as open_:
        for client in (ada, bo):
            for _time in range(4):
                lines = await open_.enter_async_context(stream(client))
        first = await said(lines)
        (desk,) = desks
        assert desk.followers == 8
        looks.clear()
        await serving.made.team.draft(given={"where": "29"})
        await said(lines, but=first)
        assert len(looks) <= 4
    await until(lambda: desk.followers == 0)
    looks.clear()
    await serving.made.team.draft(given={"where": "29"}, new_incident=True)
    await asyncio.sleep(0.3)
    assert looks == []


async def test_a_page_never_goes_back_behind_what_it_showed(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "GATHER_SECONDS", 60.0)
    ada = await serving.signed_in("ada")
    async with stream(ada) as lines:
        await said(lines)
        await ada.get("/desk/news", headers={"x-desk-script": "1"})
        view = await serving.made.team.pending()
        before = (await ada.get("/desk/news", headers={"x-desk-script": "1"})).text
        head = (await ada.get("/desk")).text.partition('data-head="')[2].partition('"')[0]
        after = (await ada.get("/desk/news", headers={"x-desk-script": head})).text
    assert (view.id in before, view.id in after) == (False, True)


async def test_a_stream_ends_with_the_session(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(now_page, "BEAT_SECONDS", 0.1)
    ada, team = await serving.signed_in("ada"), serving.made.team
    async with stream(ada) as lines:
        async with asyncio.timeout(PATIENCE):
            alive = [line async for line in _take(lines, ": still here", 3)]
        assert len(alive) == 3
        await accounts.revoke(team.service, team.people["bo"], "ada")
        assert await ended(lines)
    assert (await ada.get("/desk/stream", headers=STREAM)).status_code == 401


async def _take(lines: AsyncIterator[str], wanted: str, times: int) -> AsyncIterator[str]:
    async for line in lines:
        if line == wanted:
            yield line
            times -= 1
        if not times:
            return


async def test_a_stream_keeps_nobody_signed_in(serving: Serving) -> None:
    ada, clock = await serving.signed_in("ada"), serving.made.team.clock
    clock.forward(minutes=20)
    async with stream(ada) as lines:
        await said(lines)
    clock.forward(minutes=11)
    assert (await ada.get("/desk/strip", headers={"x-desk-script": "1"})).status_code == 401


async def test_too_many_streams_are_refused_and_of_one_session_the_oldest_ends(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bo = await serving.signed_in("ada"), await serving.signed_in("bo")
    monkeypatch.setattr(news, "MOST_STREAMS", MOST_OF_ONE_SESSION + 1)
    async with AsyncExitStack() as open_:
        first = await open_.enter_async_context(stream(ada))
        for _time in range(MOST_OF_ONE_SESSION):
            lines = await open_.enter_async_context(stream(ada))
        assert await ended(first)
        await said(lines)
        await open_.enter_async_context(stream(bo))
        assert (await bo.get("/desk/stream", headers=STREAM)).status_code == 503


async def test_the_server_ends_within_three_seconds_however_many_look(serving: Serving) -> None:
    clients = [await serving.signed_in(name) for name in ("ada", "bo", "cy")]
    async with AsyncExitStack() as open_:
        all_ = [await open_.enter_async_context(stream(one)) for one in clients * MOST_OF_ONE_SESSION]
        await said(all_[-1])
        begun = time.monotonic()
        serving.stop.set()
        assert all(await asyncio.gather(*map(ended, all_)))
        await serving.task
    assert time.monotonic() - begun < 3


async def test_without_the_database_the_pages_are_told_to_ask(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await serving.signed_in("ada")
    async with stream(ada) as lines:
        first = await said(lines)

        async def away(_service: object) -> now.DeskGlance:
            raise StoreFailed("The database is away.")

        with monkeypatch.context() as patched:
            patched.setattr(now, "glance", away)
            async with asyncio.timeout(PATIENCE):
                async for line in lines:
                    if line == "data: unknown":
                        break
            answer = await ada.get("/desk/strip", headers={"x-desk-script": "1"})
            assert answer.status_code == 503
        strip, _everything = (await said(lines)).removeprefix("data: ").split()
        assert first.startswith(f"data: {strip} ")  # the second also says that a while has passed


async def test_a_preview_that_nobody_waits_for_any_more_is_not_made(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the first is made, two more are asked for and the second of the three is given up, as by whoever types on."""
    ada = await serving.signed_in("ada")
    made: list[str] = []
    begun, go_on = asyncio.Event(), asyncio.Event()
    real = live_check.as_typed

    async def slowly(service: Context, wishes: DraftRequest, alert: str | None = None) -> Sheet:
        made.append(str(wishes.given["cause"]["fr"]))
        begun.set()
        await go_on.wait()
        return await real(service, wishes, alert)

    monkeypatch.setattr(live_check, "as_typed", slowly)
    same = {"sec-fetch-site": "same-origin", "origin": serving.url}

    def typed(word: str) -> "asyncio.Task[httpx.Response]":
        form = {"f.cause.fr": word}
        return asyncio.create_task(ada.post("/desk/write/status/live", data=form, headers=same))

    async def kept(word: str) -> None:
        team = serving.made.team
        place = "new:status:"
        while True:
            found = await team.service.database.read(
                lambda conn: store_forms.kept(conn, team.people["ada"], place)
            )
            if found and word in found[0].values():
                return
            await asyncio.sleep(0.01)

    async with asyncio.timeout(60):
        first = typed("premier")
        await begun.wait()
        second = typed("deuxieme")
        await kept("deuxieme")
        second.cancel()
        third = typed("troisieme")
        await kept("troisieme")
        go_on.set()
        assert [(await one).status_code for one in (first, third)] == [200, 200]
    assert made == ["premier", "troisieme"]
