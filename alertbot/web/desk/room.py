"""What all pages of the desk share: who is there, whether a form is ours, and how a page is answered.

Every page works without its script, every change is a form that is sent once. A form counts only if the browser says
that it comes from the desk itself; a browser that says nothing is refused.
"""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import APIRouter
from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from alertbot.alerts.rules_moves import state_word
from alertbot.channels.email.tokens import RecipientSeal
from alertbot.core.errors import AlertbotError, Faulty, Misuse, PastMoment, Refused, StoreFailed
from alertbot.core.model import Person
from alertbot.core.words import LANGUAGES, _, at_desk, language, spoken
from alertbot.ops import now
from alertbot.ops.settings_shown import SettingsOf
from alertbot.pages.views import PageView
from alertbot.people import signing_in, store_forms
from alertbot.people.signing_in import SignInRefused
from alertbot.people.store_sign_in import DeskSession
from alertbot.texts.preview import html_page
from alertbot.texts.wording.language import language_name
from alertbot.watch.context import WatchContext
from alertbot.watch.rules_log import State, incident_word
from alertbot.web import approvals, reading
from alertbot.web.desk import wording
from alertbot.web.desk.looks import HERE, asset
from alertbot.web.desk.news import TURN_SECONDS, NewsDesk
from alertbot.web.desk.ways_out import for_desk
from alertbot.web.reading import Attempts, Unreadable

if TYPE_CHECKING:
    from alertbot.web.desk.provider import Provider

ROOT = "/desk"
STREAMS = f"{ROOT}/stream"
LONGEST_HEAD = 18  # digits
LARGEST_FORM_BYTES, MOST_FIELDS = 200_000, 400
LONGEST_NUMBER = 10  # digits
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self';"
    " frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {"content-security-policy": POLICY, "referrer-policy": "same-origin"}
BY_ITSELF, STREAM = "x-desk-script", "text/event-stream"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeskRoom:
    """The desk of one service. `url`: its origin, as people's browsers see it. `provider`: the organisation's own
    sign-in, where there is one; `settings`: what it runs with, where that may be looked at; `seals`: of return addresses;
    `pages`: looks at the public pages."""

    service: WatchContext
    url: str
    attempts: Attempts = field(default_factory=Attempts)
    provider: "Provider | None" = None
    settings: SettingsOf | None = None
    seals: Mapping[str, RecipientSeal] = field(default_factory=dict)
    pages: Callable[[], Awaitable[Sequence[PageView]]] | None = None

    @property
    def secure(self) -> bool:
        return self.url.startswith("https://")

    @property
    def cookie(self) -> str:
        """Its name; the prefix binds it to this host, and browsers take it over https only."""
        return "__Host-desk" if self.secure else "desk"

    @cached_property
    def news(self) -> NewsDesk:
        """One for all who look at this desk."""
        return NewsDesk(self.service)

    def clock(self, moment: Any) -> str:
        return self.service.clock(moment)


@dataclass(frozen=True)
class Visit:
    """One request. `here`: the session of whoever is signed in."""

    desk: DeskRoom
    request: Request
    here: DeskSession | None
    fields: Mapping[str, list[str]]

    @property
    def service(self) -> WatchContext:
        return self.desk.service

    @property
    def person(self) -> Person:
        assert self.here is not None, "a page that needs nobody asked for somebody"
        return self.here.person

    def field(self, name: str) -> str:
        """The last value of a field; empty if it was not sent."""
        return self.fields.get(name, [""])[-1]

    def path(self, name: str) -> str:
        return str(self.request.path_params[name])

    @property
    def device(self) -> str:
        """A short word for the browser, by which a person knows their own."""
        agent = self.request.headers.get("user-agent", "")
        known = ("iPhone", "iPad", "Android", "Windows", "Macintosh", "Linux")
        browsers = ("Firefox", "Edg", "Chrome", "Safari")
        found = [next((one for one in names if one in agent), "") for names in (browsers, known)]
        return " · ".join(filter(None, found)) or "–"

    @property
    def address(self) -> str:
        return self.request.client.host if self.request.client else ""


Act = Callable[[Visit], Awaitable[Response]]
Keep = Callable[[Visit], Awaitable[None]]
T = TypeVar("T")


def see(place: str) -> Response:
    """Go on to another page of the desk, with GET."""
    return RedirectResponse(place, 303, PAGE_HEADERS)


def address(place: str, **asked: object) -> str:
    """An address with a query; what is empty is left out."""
    given = {name: value for name, value in asked.items() if value not in (None, "")}
    return f"{place}?{urlencode(given)}" if given else place


# --- whose form it is -----------------------------------------------------------------------------


def is_ours(request: Request, url: str) -> bool:
    """Whether the browser says that this request comes from the desk's own pages. Browsers that hide where a page
    came from send the origin `null`, which counts only with the other header."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site == "same-origin" and origin in (None, "null", url)
    return origin == url


def by_itself(request: Request) -> bool:
    """Whether the page's script asks without anybody's doing: it keeps nobody signed in."""
    return BY_ITSELF in request.headers or request.headers.get("accept") == STREAM


# --- routes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Routes:
    """A router of which every route looks at who is there, and every changing one at where it comes from."""

    desk: DeskRoom
    router: APIRouter = field(default_factory=APIRouter)

    def get(self, path: str, act: Act, *, public: bool = False) -> None:
        self._add(path, act, ["GET"], public=public)

    def post(
        self,
        path: str,
        act: Act,
        *,
        public: bool = False,
        file: bool = False,
        keep: Keep | None = None,
    ) -> None:
        """`file`: the form sends a file, which `act` reads by itself, for somebody who is signed in. `keep`: keeps what
        was typed where the session ended for want of use."""
        self._add(path, act, ["POST"], public=public, file=file, keep=keep)

    def _add(
        self,
        path: str,
        act: Act,
        methods: list[str],
        *,
        public: bool,
        file: bool = False,
        keep: Keep | None = None,
    ) -> None:
        async def answer(request: Request) -> Response:
            return await _answered(self.desk, request, act, public=public, file=file, keep=keep)

        self.router.add_route(ROOT + path, answer, methods, include_in_schema=False)


async def _answered(
    desk: DeskRoom, request: Request, act: Act, *, public: bool, file: bool, keep: Keep | None
) -> Response:
    """The page that `act` makes, or one that says why not; never a library's own message, never a traceback."""
    chosen = approvals.reader_language(request, _default(desk))
    visit = Visit(desk, request, None, {})
    with spoken(chosen), at_desk():
        try:
            if request.method == "POST" and not is_ours(request, desk.url):
                return said(visit, 403, _("Not allowed"), wording.foreign())
            visit = await _visit(desk, request, file=file)
            with spoken((visit.here and visit.here.lang) or chosen):
                return await _let_in(visit, act, public=public, keep=keep)
        except Unreadable as error:
            return said(
                visit, error.status, _("Request not understood"), wording.unreadable(error.status)
            )
        except AlertbotError as error:
            return refusal(visit, error)
        except Exception as error:  # noqa: BLE001 - the last net: a page, never a traceback
            where = approvals.place_of(error)
            log.error("a page of the desk failed: %s in %s", type(error).__name__, where)  # noqa: TRY400 - its text may hold anything
            return said(visit, 500, _("Something went wrong"), wording.failed())


async def _visit(desk: DeskRoom, request: Request, *, file: bool) -> Visit:
    secret = request.cookies.get(desk.cookie, "")
    used = not by_itself(request)
    here = await signing_in.session(desk.service, secret, used=used) if secret else None
    given: Mapping[str, list[str]] = {}
    if request.method == "POST" and not file:
        given = await reading.form(request, largest=LARGEST_FORM_BYTES, most=MOST_FIELDS)
    return Visit(desk, request, here, given)


async def _let_in(visit: Visit, act: Act, *, public: bool, keep: Keep | None) -> Response:
    if visit.here is not None or public:
        try:
            return await act(visit)
        except AlertbotError as error:
            return refusal(visit, error)
    posted = visit.request.method == "POST"
    kept = bool(posted and keep and await _kept_for_later(visit, keep))
    if posted or by_itself(visit.request):
        return said(visit, 401, _("You are signed out"), wording.signed_out(kept=kept))
    return see(f"{ROOT}/sign-in?next={quote(visit.request.url.path)}")


async def _kept_for_later(visit: Visit, keep: Keep) -> bool:
    """What was typed belongs to whoever typed it, also when the session has ended for want of use meanwhile. Nothing
    else is done in its name. Whether it was kept: not where nobody can tell whose it is."""
    secret = visit.request.cookies.get(visit.desk.cookie, "")
    late = await signing_in.session(visit.service, secret, used=False, idle=True) if secret else None
    if late is not None:
        await keep(replace(visit, here=late))
    return late is not None


def _default(desk: DeskRoom) -> str:
    first = desk.service.publisher.organisation.languages[0]
    return first if first in LANGUAGES else "en"


# --- forms that are sent once ---------------------------------------------------------------------


async def once(visit: Visit, act: Callable[[], Awaitable[str]]) -> Response:
    """Do what a form asks for, and go where that leads; sent again, it only leads there again. A form that is
    refused has done nothing, and may be sent again."""
    key, who, database = visit.field("key"), visit.person, visit.service.database
    place = await _claimed(visit, act)
    if place is None:
        place = await database.read(lambda conn: store_forms.answer_of(conn, who, key)) or ROOT
    else:
        await database.transact(lambda conn: store_forms.answer(conn, key, place))
    return see(place)


async def shown_once(visit: Visit, place: str, act: Callable[[], Awaitable[Response]]) -> Response:
    """As `once`, for an answer with a secret in it, which no second page shows: sent again, it leads to `place`."""
    return await _claimed(visit, act) or see(place)


async def _claimed(visit: Visit, act: Callable[[], Awaitable[T]]) -> T | None:
    """What `act` gave; None if the form was sent before. What is refused gives the form back."""
    key, who, moment = visit.field("key"), visit.person, visit.service.now
    transact = visit.service.database.transact
    if not key:
        raise Unreadable(400)
    if not await transact(lambda conn: store_forms.claim(conn, who, key, now=moment)):
        return None
    try:
        return await act()
    except BaseException:
        await transact(lambda conn: store_forms.release(conn, key))
        raise


def whole_number(text: str) -> int:
    """A number that a page put into a form or an address. Raises `Misuse`."""
    if not (text.isascii() and text.isdigit() and len(text) < LONGEST_NUMBER):
        raise Misuse(_("This form is not valid. Load the page again."))
    return int(text)


# --- pages ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page of a long list: its rows, from 1 to `last`. `before`, `after`: the addresses of those beside it."""

    rows: Sequence[Any]
    number: int
    last: int
    before: str
    after: str


def leaf(visit: Visit, rows: Sequence[Any], most: int) -> Leaf:
    """The page of a list that the address asks for (`page`), so that no page of the desk grows without end."""
    asked = visit.request.query_params.get("page", "")
    last = max(1, -(-len(rows) // most))
    number = (
        min(max(1, int(asked)), last) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    )
    kept = [(name, text) for name, text in visit.request.query_params.multi_items() if name != "page"]

    def beside(wanted: int) -> str:
        inside = 1 <= wanted <= last
        return f"{visit.request.url.path}?{urlencode([*kept, ('page', wanted)])}" if inside else ""

    shown = rows[(number - 1) * most : number * most]
    return Leaf(shown, number, last, beside(number - 1), beside(number + 1))


@cache
def templates() -> Environment:
    """The templates of the desk, and those of previews."""
    made = html_page.environment(HERE / "templates", html_page.HERE)
    made.filters["role_words"] = wording.role_words
    made.filters["said"] = for_desk
    made.globals.update(
        ROOT=ROOT,
        asset=asset,
        form_key=partial(secrets.token_urlsafe, 16),
        named=language_name,
        link=address,
        call_words=wording.call_words,
        asked_for=wording.asked_for,
        alert_words=state_word,
        delivery_words=wording.delivery_words,
        state_words=incident_word,
        role_words=wording.role_words,
        way_words=wording.way_words,
        states=tuple(map(str, State)),
    )
    return made


async def page(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """A page for whoever is signed in, with what stands on every page."""
    strip = await now.strip(visit.service, visit.person)
    return rendered(visit, template, status, strip=strip, **values)


def rendered(visit: Visit, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    return HTMLResponse(part(visit, template, **values), status, PAGE_HEADERS)


def part(visit: Visit, template: str, **values: Any) -> str:
    """A page, or what stands in one."""
    return templates().get_template(template).render(_common(visit) | values)


async def fresh(visit: Visit, made: Callable[[], Awaitable[str]]) -> Response:
    """The part of a page that changes, with the strip of every page before it; nothing if the browser has both."""
    seen = visit.request.headers.get(BY_ITSELF, "")
    head = int(seen) if seen.isascii() and seen.isdigit() and len(seen) < LONGEST_HEAD else 0
    found = await visit.desk.news.glance(head)
    turn = int(time.monotonic() // TURN_SECONDS)
    mine = f"{found.all} {found.strip} {turn} {visit.person.id} {language()} {visit.request.url.path}"
    tag = f'"{sha256(mine.encode()).hexdigest()[:20]}"'
    if visit.request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    strip = now.strip_of(visit.service, found, visit.person)
    above = part(visit, "strip.html.j2", strip=strip)
    text = f'<template data-head="{found.head}">{above}</template>{await made()}'
    return HTMLResponse(text, headers=PAGE_HEADERS | {"etag": tag})


def _common(visit: Visit) -> dict[str, object]:
    organisation = visit.service.publisher.organisation
    values: dict[str, object] = {
        "visit": visit,
        "here": visit.here,
        "organisation": organisation.name,
        "sandbox": organisation.sandbox,
        "wall": visit.service.reach.wall if organisation.sandbox else None,
        "clock": visit.service.clock,
        "hour": lambda moment: f"{moment.astimezone(visit.service.publisher.zone):%H:%M}",
        "at": visit.service.now,
        "minutes": lambda moment: max(0, int((visit.service.now - moment).total_seconds() // 60)),
        "done_words": wording.done_words(),
        "page_language": language(),
        "other": [lang for lang in LANGUAGES if lang != language()],
        "path": visit.request.url.path,
        "error": None,
    }
    return values if visit.here else values | {"strip": None}


def said(visit: Visit, status: int, title: str, sentence: str, **more: Any) -> Response:
    """A page with one message."""
    values = {"strip": None, "title": title, "sentence": sentence, "faults": (), "back": None, **more}
    return rendered(visit, "said.html.j2", status, **values)


STATUS: Mapping[type[AlertbotError], int] = {
    SignInRefused: 403,
    Faulty: 409,
    PastMoment: 409,
    Refused: 403,
    StoreFailed: 503,
    Misuse: 400,
    AlertbotError: 500,
}
"""The first that fits, narrow before wide."""


def status_of(error: AlertbotError) -> int:
    return next(code for kind, code in STATUS.items() if isinstance(error, kind))


def refusal(visit: Visit, error: AlertbotError) -> Response:
    """The page that says why something was not done."""
    status = status_of(error)
    headings = {400: _("That cannot be done"), 403: _("Not allowed"), 409: _("No longer possible")}
    heading = headings.get(status, _("Not working"))
    sentence = wording.down() if isinstance(error, StoreFailed) else str(error)
    faults = error.faults if isinstance(error, Faulty) else ()
    return said(visit, status, heading, sentence, faults=faults)
