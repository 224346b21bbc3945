"""Now: everything that an officer has to know first, one line each, the urgent first."""

import time
from dataclasses import dataclass, field
from hashlib import sha256

from starlette.responses import Response

from alertbot.core.words import language
from alertbot.ops import now
from alertbot.web.desk.room import ROOT, Routes, Visit, page, rendered

FRESH_SECONDS = 0.5  # many who look at once cost one look
CHANGES_EVERY = 20.0  # what only time changes: minutes that go by


@dataclass
class _Seen:
    """What the database was last found like."""

    at: float = field(default=-1.0)
    version: str = ""


def add(routes: Routes) -> None:
    seen = _Seen()

    async def news(visit: Visit) -> Response:
        """The part of the page that changes, unless the browser has it already."""
        tag = await _tag(visit, seen)
        if visit.request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"etag": tag})
        found = await now.now(visit.service, visit.person)
        answer = rendered(visit, "now_lines.html.j2", now=found, strip=found.strip)
        answer.headers["etag"] = tag
        return answer

    routes.get("", _now)
    routes.get("/news", news)


async def _now(visit: Visit) -> Response:
    found = await now.now(visit.service, visit.person)
    return await page(visit, "now.html.j2", now=found, live=f"{ROOT}/news")


async def _tag(visit: Visit, seen: _Seen) -> str:
    moment = time.monotonic()
    if moment - seen.at >= FRESH_SECONDS:
        seen.version, seen.at = await now.version(visit.service), moment
    turn = int(moment // CHANGES_EVERY)
    mine = f"{seen.version} {turn} {visit.person.id} {language()}"
    return f'"{sha256(mine.encode()).hexdigest()[:20]}"'
