"""Where Telegram calls the team's bot: one address, and a secret that every call must show."""

import json
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from alertbot.alerts.requests.telegram.webhook import HEADER, Hook
from alertbot.web import reading

LARGEST_BODY_BYTES = 1_000_000


def router(hook: Hook) -> APIRouter:
    """The route that Telegram's calls take, at the path of the address that it was told."""
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
