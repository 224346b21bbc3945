"""The audit: its head and whether it is intact, the search, a row by itself, and handing it over as a file."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.words import _
from alertbot.db.audit import AuditQuery
from alertbot.ops import audit_search, overview
from alertbot.ops.audit_search import AuditEntryView
from alertbot.ops.views import AuditVerdictView
from alertbot.people import accounts
from alertbot.web.desk.room import (
    PAGE_HEADERS,
    ROOT,
    Routes,
    Visit,
    once,
    page,
    status_of,
    whole_number,
)

ASKED = ("person", "alert", "verb", "since", "until")
MOST_PROBLEMS = 50
MOST_WRITTEN, LONGEST_VALUE = 60, 200  # of what one row tells of the tables
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass
class _LastCheck:
    """What the last check of this process found, and when. One check at a time: it reads everything."""

    at: datetime | None = None
    verdict: AuditVerdictView | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def add(routes: Routes) -> None:
    last = _LastCheck()

    async def listing(visit: Visit) -> Response:
        return await _shown(visit, last)

    async def verify(visit: Visit) -> Response:
        async def act() -> str:
            head = visit.field("head").strip() or None
            async with last.turn:
                last.verdict = await overview.audit_verify(visit.service, head)
                last.at = visit.service.now
            return f"{ROOT}/audit#state"

        try:
            return await once(visit, act)
        except AlertbotError as error:
            return await _shown(visit, last, error)

    routes.get("/audit", listing)
    routes.post("/audit/verify", verify)
    routes.get("/audit/export", _export)
    routes.get("/audit/{seq}", _entry)


def _given(visit: Visit) -> dict[str, str]:
    return {name: visit.request.query_params.get(name, "") for name in ASKED}


async def _shown(visit: Visit, last: _LastCheck, error: AlertbotError | None = None) -> Response:
    given = _given(visit)
    asked, before = AuditQuery(), visit.request.query_params.get("before")
    try:
        asked = audit_search.query(visit.service, **given)
    except Misuse as wrong:
        error = error or wrong
    found = await audit_search.search(
        visit.service, asked, before=whole_number(before) if before else None
    )
    everybody = await accounts.everybody(visit.service)
    kept = {name: value for name, value in given.items() if value}
    return await page(
        visit,
        "audit.html.j2",
        200 if error is None else status_of(error),
        head=await overview.audit_head(visit.service),
        last=last,
        problems=last.verdict.problems[:MOST_PROBLEMS] if last.verdict else (),
        found=found,
        given=given,
        people=["alertbot", *(one.name for one in everybody)],
        link=lambda **more: f"{ROOT}/audit?{urlencode(kept | more)}",
        export=lambda form: f"{ROOT}/audit/export?{urlencode({**kept, 'form': form})}",
        when=lambda text: visit.service.clock(datetime.fromisoformat(text)),
        error=error,
    )


async def _entry(visit: Visit) -> Response:
    found = await audit_search.entry(visit.service, whole_number(visit.path("seq")))
    return await page(
        visit,
        "audit_entry.html.j2",
        found=found,
        row=found.row,
        written=_written(found),
        cut=len(found.written) > MOST_WRITTEN,
        when=lambda text: visit.service.clock(datetime.fromisoformat(text)),
    )


def _written(found: AuditEntryView) -> list[tuple[str, str]]:
    """Each row of a table that it tells of, and what was written there."""
    lines = []
    for one in found.written[:MOST_WRITTEN]:
        if one.values is None:
            lines.append((f"{one.table} {one.key}", _("deleted")))
        else:
            values = (f"{name}: {value[:LONGEST_VALUE]}" for name, value in one.values.items())
            lines.append((f"{one.table} {one.key}", "; ".join(values)))
    return lines


async def _export(visit: Visit) -> Response:
    form = visit.request.query_params.get("form", "")
    if form not in TYPES:
        raise Misuse(_("This form is not valid. Load the page again."))
    asked = audit_search.query(visit.service, **_given(visit))
    body = (audit_search.as_csv if form == "csv" else audit_search.as_json)(visit.service, asked)
    named = f'attachment; filename="audit-{visit.service.now:%Y-%m-%d}.{form}"'
    return StreamingResponse(
        body, media_type=TYPES[form], headers=PAGE_HEADERS | {"content-disposition": named}
    )
