"""Beside an alert: what was posted for it by hand, a test of it on the team's own channels, and the same values for those
who are not the public: the press, the radio, a town hall's door, who answers the telephone, the next shift."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from alertbot.alerts import for_others, publishing, showing
from alertbot.alerts.for_others import OtherTexts
from alertbot.alerts.rules_moves import OUT
from alertbot.core.errors import AlertbotError
from alertbot.core.model import Audience
from alertbot.core.words import _
from alertbot.people.rules import ROLES
from alertbot.texts import poster
from alertbot.texts.posts import writing
from alertbot.web.desk.exact_texts import in_pieces
from alertbot.web.desk.room import PAGE_HEADERS, ROOT, Routes, Visit, leaf, once, page, status_of

LONGEST_ADDRESS = 500


def add(routes: Routes) -> None:
    routes.get("/alerts/{alert}/elsewhere", _elsewhere)
    routes.post("/alerts/{alert}/record", _record)
    routes.post("/alerts/{alert}/test", _test)
    routes.get("/alerts/{alert}/as/{form}", _for_others)
    routes.get("/alerts/{alert}/as/{form}/file", _file)


def forms() -> Mapping[str, str]:
    """The texts for others, as people call them."""
    return {
        "press": _("a release for the press"),
        "radio": _("20 seconds to read aloud on the radio"),
        "poster": _("a poster for a door"),
        "relay": _("a brief for those who answer the public"),
        "handover": _("a handover for the next shift"),
    }


async def _elsewhere(visit: Visit) -> Response:
    return await _shown(visit)


async def _shown(visit: Visit, error: AlertbotError | None = None) -> Response:
    alert = await showing.brief(visit.service, visit.path("alert"))
    channels = visit.service.publisher.channels.values()
    return await page(
        visit,
        "elsewhere.html.j2",
        200 if error is None else status_of(error),
        alert=alert,
        forms=forms(),
        may=bool(visit.person.roles & ROLES["record"]),
        out=alert.state in OUT,
        outward=[one.name for one in channels if one.audience.outward],
        team=[one.name for one in channels if one.audience is Audience.TEAM],
        done=visit.request.query_params.get("done", "") if error is None else "",
        error=error,
        typed=visit.field,
        longest=LONGEST_ADDRESS,
    )


async def _record(visit: Visit) -> Response:
    async def act() -> str:
        alert, channel = visit.path("alert"), visit.field("channel")
        url = visit.field("url").strip()[:LONGEST_ADDRESS]
        view = await publishing.record(visit.service, visit.person, alert, channel, url)
        return f"{ROOT}/alerts/{view.id}/elsewhere?done=record"

    return await _sent(visit, act)


async def _test(visit: Visit) -> Response:
    async def act() -> str:
        alert, channel = visit.path("alert"), visit.field("channel")
        view = await publishing.test_send(visit.service, visit.person, alert, channel)
        return f"{ROOT}/alerts/{view.id}/elsewhere?done=test"

    return await _sent(visit, act)


async def _sent(visit: Visit, act: Callable[[], Awaitable[str]]) -> Response:
    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, error)


# --- for others -----------------------------------------------------------------------------------


async def _made(visit: Visit) -> OtherTexts:
    return await for_others.made(visit.service, visit.path("alert"), visit.path("form"), (), {})


async def _for_others(visit: Visit) -> Response:
    found, form = await _made(visit), visit.path("form")
    pieces = [
        (one, piece) for one in found.texts for piece in in_pieces(writing.plain(one.blocks).strip())
    ]
    return await page(
        visit,
        "for_others.html.j2",
        alert=await showing.brief(visit.service, visit.path("alert")),
        form=form,
        what=forms()[form],
        notes=found.notes,
        leaf=leaf(visit, pieces, 1),
    )


async def _file(visit: Visit) -> Response:
    """To be handed on: a poster as a page to print, the others as text."""
    found, form = await _made(visit), visit.path("form")
    if form == "poster":
        body = poster.html([(one.lang, one.title, one.blocks) for one in found.texts])
        kind, ending = "text/html", "html"
    else:
        body = "\n\n".join(writing.plain(one.blocks) for one in found.texts) + "\n"
        kind, ending = "text/plain", "txt"
    name = f'attachment; filename="{visit.path("alert")}-{form}.{ending}"'
    return Response(body, media_type=kind, headers=PAGE_HEADERS | {"content-disposition": name})
