"""Signing in by the organisation's own accounts: off to its provider, and back. What begins in a browser ends in that
browser, each by its own cookie, so that two tabs do not disturb each other. And the cookie of a session."""

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING

from starlette.responses import Response

from alertbot.core.words import _
from alertbot.people import organisation, signing_in
from alertbot.people.organisation import ProviderFailed
from alertbot.people.signing_in import SignInRefused
from alertbot.web.desk.room import (
    ROOT,
    DeskRoom,
    Routes,
    Visit,
    once,
    rendered,
    said,
    see,
)

if TYPE_CHECKING:
    from alertbot.web.desk.provider import Provider

BACK = "/sign-in/back"
LONGEST_STATE, LONGEST_CODE = 100, 4000
COOKIE_SECONDS = 600


def add(routes: Routes) -> None:
    if routes.desk.provider is None:
        return
    routes.post("/sign-in/organisation", _off, public=True)
    routes.post("/in/{code}/organisation", _off_with_invitation, public=True)
    routes.post("/you/organisation", _off_to_link)
    routes.post("/you/organisation-remove", _unlink)
    routes.get(BACK, _back, public=True)


# --- the session of a browser ---------------------------------------------------------------------


async def with_session(visit: Visit, secret: str, place: str) -> Response:
    """Go on with a new session; whatever the browser had before ends."""
    if visit.here is not None:
        await signing_in.end(visit.service, visit.here.person, visit.here.id)
    answer = see(place)
    answer.headers.append("set-cookie", session_cookie(visit.desk, secret))
    return answer


def session_cookie(desk: DeskRoom, secret: str) -> str:
    """The header that gives a browser its session, or takes it away."""
    return _cookie(desk, desk.cookie, secret, None if secret else 0)


def _cookie(desk: DeskRoom, name: str, value: str, seconds: int | None) -> str:
    made: SimpleCookie = SimpleCookie()
    made[name] = value
    morsel = made[name]
    morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Lax"
    morsel["secure"] = desk.secure
    if seconds is not None:
        morsel["max-age"] = seconds
    return morsel.OutputString()


def page_of_desk(place: str) -> str:
    """A page of the desk; anything else is its first."""
    fits = (
        place.startswith(f"{ROOT}/") and "//" not in place and place.isprintable() and "\\" not in place
    )
    return place if fits and not place.startswith(f"{ROOT}/sign-in") else ROOT


# --- off, and back --------------------------------------------------------------------------------


def _provider(visit: Visit) -> "Provider":
    assert visit.desk.provider is not None, "routes of a provider without one"
    return visit.desk.provider


async def _off(visit: Visit) -> Response:
    return await _depart(visit, page_of_desk(visit.field("next")))


async def _off_with_invitation(visit: Visit) -> Response:
    return await _depart(visit, f"{ROOT}/you?first=1", invitation=visit.path("code"))


async def _off_to_link(visit: Visit) -> Response:
    return await _depart(visit, f"{ROOT}/you", link=True)


async def _depart(
    visit: Visit, place: str, *, invitation: str | None = None, link: bool = False
) -> Response:
    provider = _provider(visit)
    here = visit.here if link else None
    try:
        begun = await organisation.depart(visit.service, place, invitation=invitation, here=here)
        address = await provider.departure(begun, _back_address(visit.desk))
    except (ProviderFailed, SignInRefused) as error:
        return _not_in(visit, error)
    answer = rendered(visit, "to_provider.html.j2", strip=None, address=address, called=provider.called)
    answer.headers.append(
        "set-cookie",
        _cookie(visit.desk, _cookie_name(visit.desk, begun.state), begun.browser, COOKIE_SECONDS),
    )
    return answer


def _back_address(desk: DeskRoom) -> str:
    return f"{desk.url}{ROOT}{BACK}"


async def _back(visit: Visit) -> Response:
    """The provider sent the browser back, with a code or with a reason why not."""
    asked = visit.request.query_params
    state, code = asked.get("state", "")[:LONGEST_STATE], asked.get("code", "")[:LONGEST_CODE]
    try:
        answer = await _arrived(visit, state, code)
    except (ProviderFailed, SignInRefused) as error:
        if not isinstance(error, ProviderFailed):
            visit.desk.attempts.note(visit.address)
        answer = _not_in(visit, error)
    if state:
        ended = _cookie(visit.desk, _cookie_name(visit.desk, state), "", 0)
        answer.headers.append("set-cookie", ended)
    return answer


async def _arrived(visit: Visit, state: str, code: str) -> Response:
    service, provider = visit.service, _provider(visit)
    browser = visit.request.cookies.get(_cookie_name(visit.desk, state), "")
    way = await organisation.take(service, state, browser)
    asked = visit.request.query_params
    if asked.get("iss", provider.issuer) != provider.issuer:
        raise SignInRefused(_("Another provider answered than was asked. Begin again."))
    if "error" in asked or not code:
        raise SignInRefused(
            _("You were not signed in at {name}. Begin again, or sign in otherwise.").format(
                name=provider.called
            )
        )
    claimed = await provider.arrival(way, code, _back_address(visit.desk), service.now)
    secret = await organisation.arrive(service, way, claimed, visit.here, visit.device)
    return await with_session(visit, secret, way.place) if secret else see(way.place)


def _not_in(visit: Visit, error: ProviderFailed | SignInRefused) -> Response:
    status = 503 if isinstance(error, ProviderFailed) else 403
    back = f"{ROOT}/you" if visit.here else f"{ROOT}/sign-in"
    return said(visit, status, _("Not signed in"), str(error), back=back)


def _cookie_name(desk: DeskRoom, state: str) -> str:
    plain = "".join(one for one in state[:16] if one.isalnum() and one.isascii())
    return f"{'__Host-' if desk.secure else ''}desk-{plain}"


async def _unlink(visit: Visit) -> Response:
    async def act() -> str:
        await organisation.unlink(visit.service, visit.person)
        return f"{ROOT}/you"

    return await once(visit, act)
