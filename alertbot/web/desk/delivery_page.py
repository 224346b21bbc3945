"""Deliveries: what went where, what is uncertain and what a person found out about it; and stopping, in one press."""

from itertools import groupby
from urllib.parse import urlencode

from starlette.responses import Response

from alertbot.alerts import halting, publishing
from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.model import DeliveryState
from alertbot.core.words import _
from alertbot.delivery.views import DeliveryView
from alertbot.ops import now, overview
from alertbot.web.desk.room import ROOT, Routes, Visit, once, page, status_of

MOST = 60  # rows of one page, and of what is uncertain
LARGEST_NUMBER = 2**31 - 1


def add(routes: Routes) -> None:
    routes.get("/deliveries", _deliveries)
    routes.post("/deliveries/settle", _settle)
    routes.post("/halt", _halt)
    routes.post("/resume", _resume)


async def _deliveries(visit: Visit) -> Response:
    return await _shown(visit)


async def _shown(visit: Visit, error: AlertbotError | None = None) -> Response:
    asked = visit.request.query_params
    alert = asked.get("alert") or visit.field("alert") or None
    state, channel = asked.get("state") or None, asked.get("channel") or None
    doubtful = await overview.deliveries(visit.service, alert, DeliveryState.UNCERTAIN, MOST)
    before = _number(asked.get("before") or "") or None
    rows = await overview.deliveries(
        visit.service, alert, state, MOST + 1, channel=channel, before=before
    )
    older, rows = len(rows) > MOST, rows[-MOST:]
    wanted = {"alert": alert, "channel": channel, "state": state}
    found = await now.now(visit.service, visit.person)
    return await page(
        visit,
        "deliveries.html.j2",
        200 if error is None else status_of(error),
        alert=alert,
        wanted=wanted,
        doubtful=doubtful,
        more_doubt=sum(found.uncertain.values()) if not alert else found.uncertain.get(alert, 0),
        groups=_grouped(rows),
        older=urlencode({name: text for name, text in wanted.items() if text} | {"before": rows[0].id})
        if older
        else "",
        paged=before is not None,
        now=found,
        all_states=tuple(map(str, DeliveryState)),
        channels=visit.service.publisher.channels,
        error=error,
    )


def _number(text: str) -> int:
    """The number of a delivery; 0 for anything else."""
    known = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_NUMBER))
    return int(text) if known and int(text) <= LARGEST_NUMBER else 0


def _grouped(rows: list[DeliveryView]) -> list[tuple[str, str, list[DeliveryView]]]:
    """By alert and channel, the newest alert first."""
    ordered = sorted(rows, key=lambda one: (-one.id, one.channel))
    newest = {one.alert: index for index, one in reversed(list(enumerate(ordered)))}
    ordered.sort(key=lambda one: (newest[one.alert], one.channel, one.id))
    return [
        (alert or "", channel, list(found))
        for (alert, channel), found in groupby(ordered, key=lambda one: (one.alert, one.channel))
    ]


async def _settle(visit: Visit) -> Response:
    async def act() -> str:
        number, url = visit.field("delivery"), visit.field("url").strip() or None
        if not _number(number):
            raise Misuse(_("This form is not valid. Load the page again."))
        word = visit.field("word")
        if word not in ("sent", "resend", "drop"):
            raise Misuse(_("Say what you found: it stands, send it again, or leave it."))
        await publishing.settle(
            visit.service, visit.person, int(number), word, url if word == "sent" else None
        )
        return f"{ROOT}/deliveries"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


async def _halt(visit: Visit) -> Response:
    """Anybody who is signed in may stop; nothing else is asked."""
    alert, channel = visit.field("alert") or None, visit.field("channel") or None

    async def act() -> str:
        await halting.halt(visit.service, alert, channel, by=visit.person.name)
        return f"{ROOT}/deliveries"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


async def _resume(visit: Visit) -> Response:
    alert, channel = visit.field("alert") or None, visit.field("channel") or None

    async def act() -> str:
        await halting.resume(visit.service, visit.person, alert, channel)
        return f"{ROOT}/deliveries"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)
