"""Now: everything that an officer has to know first, one line each, the urgent first."""

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import PlainTextResponse, Response

from alertbot.core.errors import Misuse
from alertbot.core.words import _, language
from alertbot.ops import now
from alertbot.people import signing_in, tasks
from alertbot.watch import incidents
from alertbot.watch.incidents import StateReport
from alertbot.watch.rules_log import State
from alertbot.web.desk.news import BEAT_SECONDS, NewsStream
from alertbot.web.desk.room import ROOT, STREAM, Routes, Visit, fresh, once, page, part, whole_number

UNBUFFERED = {"x-accel-buffering": "no", "content-security-policy": "default-src 'none'"}


def add(routes: Routes) -> None:
    routes.get("", _now)
    routes.get("/stream", _stream)
    routes.get("/strip", _strip)
    routes.get("/news", _news)
    routes.post("/incidents/{incident}/state", _set_state)
    routes.post("/tasks/{task}/done", _task_done)


# --- news -----------------------------------------------------------------------------------------


async def _stream(visit: Visit) -> Response:
    """Says that something has changed, each time; ends with the session, the browser or the server."""
    news = visit.desk.news
    if news.full:
        return PlainTextResponse("too many look at once\n", 503)
    return NewsStream(_told(visit), media_type=STREAM, headers=UNBUFFERED)


async def _told(visit: Visit) -> AsyncIterator[str]:
    news, stop = visit.desk.news, visit.request.app.state.stop
    assert visit.here is not None
    clock = asyncio.get_running_loop().time
    async with news.following(visit.here.id, stop) as mine:
        yield "retry: 1000\n\n"
        said, beat = "", clock()
        while not (stop.is_set() or mine.over):
            late = clock() >= beat + BEAT_SECONDS
            if late and not await _still_in(visit):
                return
            beat = clock() if late else beat
            if late or not said or said != news.version:
                said = news.version
                yield f": still here\ndata: {said or 'unknown'}\n\n"
            await news.changed(mine, said, beat + BEAT_SECONDS - clock())


async def _still_in(visit: Visit) -> bool:
    secret = visit.request.cookies.get(visit.desk.cookie, "")
    return await signing_in.session(visit.service, secret, used=False) is not None


async def _strip(visit: Visit) -> Response:
    return await fresh(visit, _nothing_else)


async def _nothing_else() -> str:
    return ""


async def _news(visit: Visit) -> Response:
    async def lines() -> str:
        found = await visit.desk.news.shared(("now", language()), lambda: now.for_all(visit.service))
        view = now.seen_by(visit.service, found, visit.person)
        return part(visit, "now_lines.html.j2", now=view, strip=view.strip)

    return await fresh(visit, lines)


# --- the page -------------------------------------------------------------------------------------


async def _now(visit: Visit) -> Response:
    found = await now.now(visit.service, visit.person)
    return await page(visit, "now.html.j2", now=found, live=f"{ROOT}/news")


async def _set_state(visit: Visit) -> Response:
    """The state of an incident, as a person knows it; who besides the operator confirms that it is over."""

    async def act() -> str:
        try:
            state = State(visit.field("state"))
        except ValueError:
            raise Misuse(_("Choose a state.")) from None
        confirmed, note = (visit.field(name).strip() or None for name in ("confirmed_by", "note"))
        report = StateReport(state, confirmed, note)
        await incidents.set_(visit.service, visit.person, visit.path("incident"), report)
        return ROOT

    return await once(visit, act)


async def _task_done(visit: Visit) -> Response:
    async def act() -> str:
        number = whole_number(visit.path("task"))
        await tasks.done(visit.service, visit.person, number, visit.field("outcome"))
        return ROOT

    return await once(visit, act)
