"""Incidents: all of them, and one from the first report to its end, with its state and what follows by one press."""

from starlette.responses import Response

from alertbot.core.errors import AlertbotError, Misuse
from alertbot.core.words import _
from alertbot.ops import now
from alertbot.watch import incidents, timeline
from alertbot.watch.incidents import StateReport
from alertbot.watch.rules_log import State, decided
from alertbot.watch.views import IncidentDetails, IncidentLine
from alertbot.web.desk.room import ROOT, Routes, Visit, leaf, once, page, see, status_of

HERE = f"{ROOT}/incidents"
MOST_INCIDENTS, MOST_LINES = 40, 80  # lines of one page
BEGINNINGS = (State.INVESTIGATING, State.IDENTIFIED, State.DEGRADED, State.DOWN, State.MAINTENANCE)


def add(routes: Routes) -> None:
    routes.get("/incidents", _all)
    routes.post("/incidents", _open)
    routes.get("/incidents/{incident}", _one)
    routes.post("/incidents/{incident}/set", _set)


async def _all(visit: Visit) -> Response:
    return await _shown_all(visit)


async def _shown_all(visit: Visit, error: AlertbotError | None = None) -> Response:
    found = await incidents.listing(visit.service)
    watch = visit.service.watch
    grouped = {name for group in watch.groups.values() for name in group.members}
    return await page(
        visit,
        "incidents.html.j2",
        200 if error is None else status_of(error),
        error=error,
        incidents=leaf(visit, sorted(found, key=_closed), MOST_INCIDENTS),
        services=sorted(watch.named - grouped | watch.groups.keys()),
        beginnings=[str(one) for one in BEGINNINGS],
        typed=visit.field,
    )


def _closed(one: IncidentLine) -> bool:
    return one.closed_at is not None


async def _open(visit: Visit) -> Response:
    """Open an incident before anything is said in public; of a watched service, the rules act at once."""

    async def act() -> str:
        title, watched = visit.field("title").strip() or None, visit.field("service").strip() or None
        if title is None and watched is None:
            raise Misuse(_("Say what it is about: a title, or the service that is watched."))
        state = _state(visit) if watched else State.INVESTIGATING
        opened = await incidents.open_(visit.service, visit.person, title, watched=watched, state=state)
        return f"{HERE}/{opened.id}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown_all(visit, error)


def _state(visit: Visit) -> State:
    try:
        return State(visit.field("state"))
    except ValueError:
        raise Misuse(_("Choose a state.")) from None


async def _one(visit: Visit) -> Response:
    reference = visit.path("incident")
    if reference != reference.upper():
        return see(f"{HERE}/{reference.upper()}")
    return await _shown(visit, reference)


async def _shown(visit: Visit, reference: str, error: AlertbotError | None = None) -> Response:
    found = await incidents.show(visit.service, reference)
    lines = await timeline.of_incident(visit.service, found.id)
    out = [one for one in found.alerts if one.last_sent_at and not one.exercise]
    overview = await now.now(visit.service, visit.person)
    return await page(
        visit,
        "incident.html.j2",
        200 if error is None else status_of(error),
        error=error,
        incident=found,
        lines=leaf(visit, lines[::-1], MOST_LINES),
        waiting=_waiting(visit, found),
        last=out[-1].id if out else "",
        standing=next((one for one in overview.incidents if one.id == found.id), None),
        countdowns=[one for one in overview.countdowns if one.alert.startswith(f"{found.id}-")],
        confirmers=visit.service.watch.confirmers_of(found.service or ""),
        typed=visit.field,
    )


def _waiting(visit: Visit, found: IncidentDetails) -> str:
    """What was last decided about its service, and when time may change it."""
    one = found.waiting
    if one is None or one.action is None:
        return ""
    said = decided(one.action, one.reason)
    if one.look_again_at and one.look_again_at > visit.service.now:
        said += " · " + _("decided again at {time}").format(time=visit.service.clock(one.look_again_at))
    return said


async def _set(visit: Visit) -> Response:
    """The state of an incident as a person knows it, and why they think so."""
    reference = visit.path("incident")

    async def act() -> str:
        confirmed, note = (visit.field(name).strip() or None for name in ("confirmed_by", "note"))
        report = StateReport(_state(visit), confirmed, note)
        await incidents.set_(visit.service, visit.person, reference, report)
        return f"{HERE}/{reference}"

    try:
        return await once(visit, act)
    except AlertbotError as error:
        return await _shown(visit, reference, error)
