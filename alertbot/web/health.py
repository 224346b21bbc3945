"""Whether the process lives and whether it can work: for whatever watches over it."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, PlainTextResponse

from alertbot.errors import AlertbotError
from alertbot.service.context import Context
from alertbot.service.pulse import WATCH
from alertbot.store import workers
from alertbot.web.described import Ready


def router(service: Context) -> APIRouter:
    routes = APIRouter(tags=["health"])

    @routes.head("/healthz", include_in_schema=False)
    @routes.get("/healthz", summary="The process answers", response_class=PlainTextResponse)
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @routes.head("/readyz", include_in_schema=False)
    @routes.get(
        "/readyz",
        summary="The database answers, what is approved is sent, and what is reported is decided about",
        response_model=Ready,
        responses={503: {"model": Ready, "description": "Something of it is not so."}},
    )
    async def readyz() -> JSONResponse:
        try:
            worker, database = await service.database.read(workers.any_alive), True
        except AlertbotError:
            worker, database = False, False
        watch = service.pulse.alive(WATCH)
        ready = database and worker and watch
        return JSONResponse(
            {"ready": ready, "database": database, "worker": worker, "watch": watch},
            200 if ready else 503,
        )

    return routes
