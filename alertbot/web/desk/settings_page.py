"""The settings that the desk runs with, never a secret; and what a check of the file finds."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from starlette.responses import Response

from alertbot.core.errors import AlertbotError
from alertbot.core.loops import in_thread
from alertbot.ops.settings_shown import SettingsOf
from alertbot.ops.views import ConfigCheckView
from alertbot.web.desk.room import ROOT, Routes, Visit, once, page, status_of


@dataclass
class _LastFindings:
    """What the last check of this process found, in whose language, and when. One at a time."""

    at: datetime | None = None
    found: ConfigCheckView | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


def add(routes: Routes) -> None:
    settings, last = routes.desk.settings, _LastFindings()
    if settings is None:
        return

    async def show(visit: Visit) -> Response:
        return await _shown(visit, settings, last)

    async def check(visit: Visit) -> Response:
        async def act() -> str:
            async with last.turn:
                last.found = await in_thread(settings.check)
                last.at = visit.service.now
            return f"{ROOT}/settings#check"

        try:
            return await once(visit, act)
        except AlertbotError as error:
            return await _shown(visit, settings, last, error)

    routes.get("/settings", show)
    routes.post("/settings/check", check)


async def _shown(
    visit: Visit, settings: SettingsOf, last: _LastFindings, error: AlertbotError | None = None
) -> Response:
    return await page(
        visit,
        "settings.html.j2",
        200 if error is None else status_of(error),
        shown=await in_thread(settings.shown),
        last=last,
        error=error,
    )
