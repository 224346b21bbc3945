"""All operations of the API put together, its description, and what stands at every other address below it."""

import json
from functools import cache

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from alertbot.core.words import _
from alertbot.web.api import alert_calls, device_calls, following_calls, openapi, watching_calls
from alertbot.web.api.problems import Problem
from alertbot.web.api.room import JSON, ROOT, ApiRoom, Operation, add, guarded, nothing_here

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


@cache
def operations() -> tuple[Operation, ...]:
    """Everything that needs a token."""
    parts = (alert_calls, following_calls, watching_calls)
    return tuple(one for part in parts for one in part.operations())


def router(room: ApiRoom) -> APIRouter:
    """Every route of the API."""
    routes = APIRouter()
    for operation in operations():
        add(routes, room, operation)
    device_calls.add(routes, room)

    async def described(_request: Request) -> Response:
        return Response(text(), media_type=JSON)

    async def elsewhere(request: Request) -> Response:
        async def refuse() -> Response:
            raise _not_here(routes, request)

        return await guarded(room, request, refuse)

    routes.add_route(f"{ROOT}/openapi.json", described, ["GET"], include_in_schema=False)
    for path in (ROOT, ROOT + "/{rest:path}"):
        routes.add_route(path, elsewhere, METHODS, include_in_schema=False)
    return routes


def _not_here(routes: APIRouter, request: Request) -> Problem:
    methods = {
        method
        for route in routes.routes[:-2]  # but those that bring it here
        if route.matches(request.scope)[0].value
        for method in getattr(route, "methods", ())
    }
    if not methods:
        return nothing_here()
    said = _("At this address there is only: {known}.").format(known=", ".join(sorted(methods)))
    return Problem("no-method", said, {"allow": ", ".join(sorted(methods))})


@cache
def text() -> str:
    """The description of the API, as OpenAPI 3.1."""
    return json.dumps(openapi.document(operations()), ensure_ascii=False, indent=1) + "\n"
