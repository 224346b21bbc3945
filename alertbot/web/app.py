"""The web application of `alertbot serve`: its routes put together, the headers of every response, and
the route that receives Telegram's calls. One router per subject; no other room knows the web libraries."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alertbot import __version__
from alertbot.alerts.requests.links import Key
from alertbot.alerts.requests.telegram.webhook import HEADER, Hook
from alertbot.channels.email.tokens import RecipientSeal
from alertbot.watch.context import WatchContext
from alertbot.web import approvals, health, reading, signals, unsubscribing
from alertbot.web.api import entry
from alertbot.web.api.room import ApiRoom
from alertbot.web.described import SECURITY_SCHEMES
from alertbot.web.desk import entrance
from alertbot.web.desk.room import BY_ITSELF, ROOT, STREAMS, DeskRoom
from alertbot.web.public import PublicFirst, ServedPage
from alertbot.web.reading import household
from alertbot.web.signals import Intake
from alertbot.web.unsubscribing import Unsubscribing

LARGEST_BODY_BYTES = 1_000_000


def router(hook: Hook) -> APIRouter:
    """The route for Telegram's calls, at the path of the registered address."""
    routes = APIRouter()
    hook.served = True

    @routes.post(hook.path, include_in_schema=False)
    async def called(request: Request) -> Response:
        return Response(status_code=await _status(hook, request))

    return routes


async def _status(hook: Hook, request: Request) -> int:
    if not hook.open:
        return 503
    if not hook.knows(request.headers.get(HEADER, "")):
        return 403
    try:
        update = _update(await reading.read_body(request, largest=LARGEST_BODY_BYTES))
    except reading.Unreadable as unreadable:
        return unreadable.status
    if update is None:
        return 400
    await hook.take(update)
    return 200


def _update(body: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and "update_id" in content else None


NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
USUALLY = {  # unless a page says otherwise
    "content-security-policy": NOTHING,
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}
ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow, noarchive",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Headers:
    """Adds headers to every response that forbid caching, framing, type guessing, indexing and
    referrers. A page may set its own content security policy, and the desk what it needs of the others; everything
    else gets a policy that allows nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ALWAYS)
                for name, value in USUALLY.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)


MOST_REQUESTS = 200  # under way at once
MOST_OF_ONE_ADDRESS = 100
MOST_LOOKS = 2000  # of pages that ask for news, all at once when there are some, whole offices behind one address
ALWAYS_ANSWERED = ("/healthz", "/readyz", STREAMS)  # streams are counted where they are kept


class Limits:
    """Answers 503 where too many requests are under way, in all or of one address; small questions for news are
    counted by themselves. Connections that say nothing are no requests: see `serving`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ALWAYS_ANSWERED:
            await self._app(scope, receive, send)
            return
        address = household(scope["client"][0]) if scope.get("client") else ""
        looks = self._under_way[LOOKS]
        if _looks(scope):
            address, full = LOOKS, looks >= MOST_LOOKS
        else:
            full = self._under_way.total() - looks >= MOST_REQUESTS
            full = full or self._under_way[address] >= MOST_OF_ONE_ADDRESS
        if full:
            busy = PlainTextResponse("too many requests at once\n", 503, {"retry-after": "5"})
            await busy(scope, receive, send)
            return
        self._under_way[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]


LOOKS = "looks"  # in place of an address


def _looks(scope: Scope) -> bool:
    """Whether a page of the desk asks for news."""
    mine = scope["method"] == "GET" and scope["path"].startswith(f"{ROOT}/")
    return mine and any(name == BY_ITSELF.encode() for name, _value in scope["headers"])


def build(
    service: WatchContext,
    *,
    key: Key | None = None,
    seals: Mapping[str, RecipientSeal] | None = None,
    intake: Intake | None = None,
    metrics: bool = False,
    hook: Hook | None = None,
    pages: tuple[ServedPage, ...] = (),
    desk: DeskRoom | str | None = None,
) -> FastAPI:
    """The web application. Without the key of the links there are no approval pages, without an intake
    no sources, without `seals` no unsubscribe links, without a hook no route for Telegram, without an address no desk. `/openapi.json` describes the machine
    interfaces, not the pages."""
    web = FastAPI(
        title="alertbot",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # a redirect would send the secret in the path to whatever Host says
    )
    web.add_middleware(Headers)
    web.add_middleware(Limits)
    if pages:
        web.add_middleware(PublicFirst, pages=pages)
    web.include_router(health.router(service))
    web.include_router(signals.router(intake or Intake(service, {})))
    if metrics:
        web.include_router(health.metrics_router(service))
    _add_links(web, service, key, seals)
    if desk is not None:
        _add_desk(web, DeskRoom(service, desk) if isinstance(desk, str) else desk)
    if hook is not None:  # last: no address of ours is taken by it
        web.include_router(router(hook))
    _describe_secrets(web)
    web.add_exception_handler(404, _nothing_here)
    web.add_exception_handler(405, _nothing_here)
    return web


def _add_links(
    web: FastAPI, service: WatchContext, key: Key | None, seals: Mapping[str, RecipientSeal] | None
) -> None:
    """The pages behind the links of mails: to approve, and to unsubscribe."""
    if key is not None:
        deciding = approvals.ApprovalPages(service, key)
        web.include_router(approvals.router(deciding), include_in_schema=False)
    if seals:
        leaving = Unsubscribing(service, seals)
        web.include_router(unsubscribing.router(leaving), include_in_schema=False)


def _add_desk(web: FastAPI, desk: DeskRoom) -> None:
    """The desk and its API, and the bare address leads to the desk."""
    web.include_router(entrance.router(desk), include_in_schema=False)
    web.include_router(entry.router(ApiRoom(desk.service, desk.url)), include_in_schema=False)
    for path in ("/", f"{ROOT}/"):
        web.add_route(path, _to_the_desk, ["GET"], include_in_schema=False)


def _describe_secrets(web: FastAPI) -> None:
    """Add the sources' authentication to the OpenAPI description; FastAPI documents only its own kinds."""
    made = web.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        document.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
        return document

    web.openapi = openapi  # type: ignore[method-assign]


async def _to_the_desk(_request: Request) -> Response:
    """What people type is seldom the whole path."""
    return RedirectResponse(ROOT, 303)


async def _nothing_here(_request: Request, error: Exception) -> Response:
    """The 404 response as plain text: its reader mistyped an address or is a machine."""
    return PlainTextResponse(
        "not found\n" if getattr(error, "status_code", 404) == 404 else "method not allowed\n",
        getattr(error, "status_code", 404),
        getattr(error, "headers", None),
    )
