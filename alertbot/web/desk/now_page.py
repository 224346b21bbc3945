"""Now: everything that an officer has to know first, one line each, the urgent first."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import sha256

from starlette.responses import Response

from alertbot.core.errors import Misuse
from alertbot.core.words import _, language
from alertbot.ops import now
from alertbot.people import tasks
from alertbot.watch import incidents
from alertbot.watch.incidents import StateReport
from alertbot.watch.rules_log import State
from alertbot.web.desk.room import ROOT, Routes, Visit, once, page, rendered, whole_number

FRESH_SECONDS = 0.5  # many who look at once cost one look
CHANGES_EVERY = 20.0  # what only time changes: minutes that go by


@dataclass
class _Seen:
    """What the database was last found like."""

    at: float = field(default=-1.0)
    version: str = ""


def add(routes: Routes) -> None:
    seen = _Seen()

    async def fresh(visit: Visit, made: Callable[[], Awaitable[Response]]) -> Response:
        """The part of a page that changes, unless the browser has it already."""
        tag = await _tag(visit, seen)
        if visit.request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        answer = await made()
        answer.headers["etag"] = tag
        return answer

    async def news(visit: Visit) -> Response:
        return await fresh(visit, lambda: _lines(visit))

    async def strip(visit: Visit) -> Response:
        return await fresh(visit, lambda: _strip(visit))

    routes.get("/strip", strip)
    routes.get("", _now)
    routes.get("/news", news)
    routes.post("/incidents/{incident}/state", _set_state)
    routes.post("/tasks/{task}/done", _task_done)


async def _lines(visit: Visit) -> Response:
    found = await now.now(visit.service, visit.person)
    return rendered(visit, "now_lines.html.j2", now=found, strip=found.strip)


async def _strip(visit: Visit) -> Response:
    strip = await now.strip(visit.service, visit.person)
    return rendered(visit, "strip.html.j2", strip=strip)


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


async def _tag(visit: Visit, seen: _Seen) -> str:
    moment = time.monotonic()
    if moment - seen.at >= FRESH_SECONDS:
        seen.version, seen.at = await now.version(visit.service), moment
    turn = int(moment // CHANGES_EVERY)
    mine = f"{seen.version} {turn} {visit.person.id} {language()}"
    return f'"{sha256(mine.encode()).hexdigest()[:20]}"'
