"""Everything that is served, put together: one router per subject, and the headers round all of them."""

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from alertbot import __version__
from alertbot.approval.link_keys import Key
from alertbot.service.context import Context
from alertbot.teambot.webhook import Hook
from alertbot.web import approvals, health, signals, telegram
from alertbot.web.described import SECURITY_SCHEMES
from alertbot.web.headers import Headers
from alertbot.web.signals import Intake


def build(
    service: Context,
    *,
    key: Key | None = None,
    intake: Intake | None = None,
    metrics: bool = False,
    hook: Hook | None = None,
) -> FastAPI:
    """The web application. Without the key of the links there are no pages to approve on; without an
    intake no source is known, and without a hook Telegram calls nobody. `/openapi.json` describes what machines use, not the pages."""
    web = FastAPI(title="alertbot", version=__version__, docs_url=None, redoc_url=None)
    web.add_middleware(Headers)
    web.include_router(health.router(service))
    web.include_router(signals.router(intake or Intake(service, {})))
    if metrics:
        from alertbot.web import metrics as measured

        web.include_router(measured.router(service))
    if key is not None:
        desk = approvals.Desk(service, key)
        web.include_router(approvals.router(desk), include_in_schema=False)
    if hook is not None:  # last: no address of ours is taken by it
        web.include_router(telegram.router(hook))
    _describe_secrets(web)
    web.add_exception_handler(404, _nothing_here)
    web.add_exception_handler(405, _nothing_here)
    return web


def _describe_secrets(web: FastAPI) -> None:
    """FastAPI writes down only schemes of its own dependencies."""
    made = web.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        document.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
        return document

    web.openapi = openapi  # type: ignore[method-assign]


async def _nothing_here(_request: Request, error: Exception) -> Response:
    """In plain text: whoever gets this typed an address or is a machine."""
    return PlainTextResponse(
        "not found\n" if getattr(error, "status_code", 404) == 404 else "method not allowed\n",
        getattr(error, "status_code", 404),
        getattr(error, "headers", None),
    )
