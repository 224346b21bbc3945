"""Everything that is served, put together: one router per subject, and the headers round all of them."""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from alertbot.approval.link_keys import Key
from alertbot.service.context import Context
from alertbot.web import approvals, health
from alertbot.web.headers import Headers


def build(service: Context, *, key: Key | None = None) -> FastAPI:
    """The web application. Without the key of the links there are no pages to approve on."""
    web = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    web.add_middleware(Headers)
    web.include_router(health.router(service))
    if key is not None:
        web.include_router(approvals.router(approvals.Desk(service, key)))
    web.add_exception_handler(404, _nothing_here)
    web.add_exception_handler(405, _nothing_here)
    return web


async def _nothing_here(_request: Request, error: Exception) -> Response:
    """In plain text: whoever gets this typed an address or is a machine."""
    return PlainTextResponse(
        "not found\n" if getattr(error, "status_code", 404) == 404 else "method not allowed\n",
        getattr(error, "status_code", 404),
        getattr(error, "headers", None),
    )
