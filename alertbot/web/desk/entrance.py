"""Signing in and out, the ways in that a person has, the language; and all routes of the desk put together."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from alertbot.core.errors import Refused
from alertbot.core.words import LANGUAGES, _, ngettext
from alertbot.people import accounts, organisation, signing_in
from alertbot.people.signing_in import SignInRefused
from alertbot.web.desk import (
    alert_page,
    audit_page,
    by_organisation,
    delivery_page,
    elsewhere_page,
    entering_page,
    exact_texts,
    incidents_page,
    now_page,
    numbers_page,
    people_page,
    read_back_page,
    recipients_page,
    settings_page,
    standing_page,
    tasks_page,
    token_page,
    watching_page,
    write_page,
)
from alertbot.web.desk.by_organisation import page_of_desk, session_cookie, with_session
from alertbot.web.desk.looks import files
from alertbot.web.desk.room import (
    ROOT,
    DeskRoom,
    Routes,
    Visit,
    once,
    page,
    rendered,
    said,
    see,
    whole_number,
)

if TYPE_CHECKING:
    from alertbot.people.passkeys import Site

PAGES = (
    now_page,
    alert_page,
    exact_texts,
    elsewhere_page,
    write_page,
    delivery_page,
    tasks_page,
    audit_page,
    incidents_page,
    watching_page,
    entering_page,
    read_back_page,
    numbers_page,  # after those whose addresses it would take
    people_page,
    by_organisation,
    settings_page,
    recipients_page,
    standing_page,
)
FOREVER = {"cache-control": "public, max-age=31536000, immutable"}


def router(desk: DeskRoom) -> APIRouter:
    """Every route of the desk."""
    routes = Routes(desk)
    routes.get("/static/{name}", _static, public=True)
    routes.get("/sign-in", _sign_in, public=True)
    routes.post("/sign-in", _signed_in, public=True)
    routes.post("/sign-in/options", _passkey_options, public=True)
    routes.post("/sign-in/passkey", _by_passkey, public=True)
    routes.get("/in/{code}", _invited, public=True)
    routes.post("/in/{code}", _by_invitation, public=True)
    routes.post("/sign-out", _sign_out)
    routes.post("/stay", _stay)
    routes.get("/left", _left)
    routes.post("/language", _language)
    routes.get("/you", _you)
    routes.post("/you/codes", _new_codes)
    routes.post("/you/renew", _renew)
    routes.post("/you/end", _end_session)
    routes.post("/you/passkey-options", _passkey_to_add)
    routes.post("/you/passkey", _add_passkey)
    routes.post("/you/passkey-remove", _drop_passkey)
    for part in PAGES:
        part.add(routes)
    token_page.add(routes, _account)
    return routes.router


async def _static(visit: Visit) -> Response:
    found = files().get(visit.path("name"))
    if found is None:
        return Response(status_code=404)
    kind, body = found
    return Response(body, media_type=kind, headers=FOREVER)


# --- sign in --------------------------------------------------------------------------------------


async def _sign_in(visit: Visit) -> Response:
    if visit.here is not None:
        return see(page_of_desk(visit.request.query_params.get("next", "")))
    provider = visit.desk.provider
    leaving = None
    if provider is not None and "left" in visit.request.query_params:
        leaving = await provider.leaving(f"{visit.desk.url}{ROOT}/sign-in")
    return _form(visit, leaving=leaving)


def _form(
    visit: Visit,
    status: int = 200,
    error: str | None = None,
    tried: str = "",
    leaving: str | None = None,
) -> Response:
    place = visit.field("next") or visit.request.query_params.get("next", "")
    return rendered(
        visit,
        "sign_in.html.j2",
        status,
        strip=None,
        error=error,
        tried=tried,
        next=page_of_desk(place),
        name=visit.field("name"),
        passkeys=_can_have_passkeys(visit),
        leaving=leaving,
    )


def _can_have_passkeys(visit: Visit) -> bool:
    """Browsers bind passkeys to a name, never to a bare address."""
    try:
        ip_address(urlsplit(visit.desk.url).hostname or "")
    except ValueError:
        return True
    return False


async def _signed_in(visit: Visit) -> Response:
    by_code = bool(visit.field("code"))
    tried = "code" if by_code else "token"
    if not visit.field(tried).strip():
        return _form(visit, 422, _("Give your token, or your name and a recovery code."), tried)
    if by_code:
        return await _limited(visit, lambda: _by_code(visit), tried)

    async def by_token() -> str:
        return await signing_in.by_token(visit.service, visit.field("token"), visit.device)

    return await _limited(visit, by_token, tried)


async def _by_code(visit: Visit) -> str:
    return await signing_in.by_recovery_code(
        visit.service, visit.field("name"), visit.field("code"), visit.device
    )


async def _limited(visit: Visit, act: Callable[[], Awaitable[str]], tried: str = "token") -> Response:
    """Sign in. After many wrong attempts a network is told to wait, but what is right works: nobody can keep an
    officer of the same network out."""
    attempts = visit.desk.attempts
    try:
        secret = await act()
    except SignInRefused as refused:
        if wait := attempts.wait(visit.address):
            return _form(visit, 429, _too_often(wait), tried)
        attempts.note(visit.address)
        return _form(visit, 403, str(refused), tried)
    return await with_session(visit, secret, page_of_desk(visit.field("next")))


def _too_often(wait: float) -> str:
    minutes = int(wait // 60) + 1
    return ngettext(
        "Too many attempts. Try again in {n} minute.",
        "Too many attempts. Try again in {n} minutes.",
        minutes,
    ).format(n=minutes)


def _site(visit: Visit) -> "Site":
    from alertbot.people.passkeys import Site  # its libraries take 15 MB

    return Site(visit.desk.url, visit.service.publisher.organisation.name)


async def _passkey_options(visit: Visit) -> Response:
    return _json(await _site(visit).to_sign_in(visit.service))


async def _by_passkey(visit: Visit) -> Response:
    async def act() -> str:
        answer = visit.field("answer")
        return await _site(visit).sign_in(visit.service, answer, visit.device)

    return await _limited(visit, act, "passkey")


def _json(document: str) -> Response:
    return Response(document, media_type="application/json")


async def _invited(visit: Visit) -> Response:
    """Mail programs open every link: only the button signs in."""
    try:
        who = await signing_in.invited(visit.service, visit.path("code"))
    except SignInRefused:
        if wait := visit.desk.attempts.wait(visit.address):
            return said(visit, 429, _("Too many attempts"), _too_often(wait))
        visit.desk.attempts.note(visit.address)
        raise
    return rendered(visit, "invited.html.j2", strip=None, name=who.name)


async def _by_invitation(visit: Visit) -> Response:
    async def act() -> str:
        return await signing_in.by_invitation(visit.service, visit.path("code"), visit.device)

    answer = await _limited(visit, act, "token")
    if answer.status_code == 303:
        answer.headers["location"] = f"{ROOT}/you?first=1"
    return answer


async def _sign_out(visit: Visit) -> Response:
    assert visit.here is not None
    await signing_in.end(visit.service, visit.person, visit.here.id)
    left = "?left" if visit.here.way == "oidc" else ""
    answer = see(f"{ROOT}/sign-in{left}")
    answer.headers.append("set-cookie", session_cookie(visit.desk, ""))
    answer.headers["clear-site-data"] = '"cache"'
    return answer


async def _stay(visit: Visit) -> Response:
    """Being asked is enough: the session was just used."""
    if "fetch" in visit.fields:
        return await _left(visit)
    return see(page_of_desk(visit.field("next")))


async def _left(visit: Visit) -> Response:
    """How many seconds the session lasts; asked by a page's script, that does not prolong it."""
    assert visit.here is not None
    return JSONResponse({"left": (visit.here.ends_at - visit.service.now).total_seconds()})


async def _language(visit: Visit) -> Response:
    assert visit.here is not None
    if visit.field("lang") in LANGUAGES:
        await signing_in.speak(visit.service, visit.here, visit.field("lang"))
    return see(page_of_desk(visit.field("next")))


# --- you ------------------------------------------------------------------------------------------


async def _you(visit: Visit) -> Response:
    return await _account(visit)


async def _account(visit: Visit, status: int = 200, **values: Any) -> Response:
    ways = await signing_in.ways_in(visit.service, visit.person)
    given: dict[str, object] = {
        "codes": (),
        "token": None,
        "first": "first" in visit.request.query_params,
        "passkeys": _can_have_passkeys(visit),
        "linked": await organisation.linked(visit.service, visit.person),
    } | await token_page.values(visit)
    return await page(visit, "you.html.j2", status, ways=ways, **(given | values))


async def _new_codes(visit: Visit) -> Response:
    """Answered at once, without going on: the codes are shown only here."""
    return await _account(visit, codes=await signing_in.new_codes(visit.service, visit.person))


async def _renew(visit: Visit) -> Response:
    """A new token of one's own ends every session, passkey and code; this browser begins a new session."""
    issued = await accounts.rotate(visit.service, visit.person, visit.person.name, None)
    secret = await signing_in.by_token(visit.service, issued.token, visit.device)
    here = await signing_in.session(visit.service, secret)
    fresh = Visit(visit.desk, visit.request, here, visit.fields)
    answer = await _account(fresh, token=issued.token)
    answer.headers.append("set-cookie", session_cookie(visit.desk, secret))
    return answer


async def _end_session(visit: Visit) -> Response:
    async def act() -> str:
        await signing_in.end(visit.service, visit.person, whole_number(visit.field("session")))
        return f"{ROOT}/you"

    return await once(visit, act)


async def _passkey_to_add(visit: Visit) -> Response:
    assert visit.here is not None
    return _json(await _site(visit).to_add(visit.service, visit.here))


async def _add_passkey(visit: Visit) -> Response:
    assert visit.here is not None
    answer, name = visit.field("answer"), visit.field("name")
    try:
        await _site(visit).add(visit.service, visit.here, answer, name)
    except Refused as refused:
        return await _account(visit, error=str(refused))
    return see(f"{ROOT}/you")


async def _drop_passkey(visit: Visit) -> Response:
    async def act() -> str:
        assert visit.here is not None
        number = whole_number(visit.field("passkey"))
        await signing_in.drop_passkey(visit.service, visit.here, number)
        return f"{ROOT}/you"

    return await once(visit, act)
