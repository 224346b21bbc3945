"""Whether the process lives and whether it can work: for whatever watches over it."""

from fastapi import APIRouter
from starlette.responses import JSONResponse, PlainTextResponse

from alertbot.errors import AlertbotError
from alertbot.service.context import Context
from alertbot.store import workers


def router(service: Context) -> APIRouter:
    routes = APIRouter()

    @routes.api_route("/healthz", methods=["GET", "HEAD"])
    async def healthz() -> PlainTextResponse:
        """The process answers."""
        return PlainTextResponse("ok\n")

    @routes.api_route("/readyz", methods=["GET", "HEAD"])
    async def readyz() -> JSONResponse:
        """The database answers, and a worker is alive to send what is approved."""
        try:
            worker, database = await service.database.read(workers.any_alive), True
        except AlertbotError:
            worker, database = False, False
        ready = database and worker
        return JSONResponse(
            {"ready": ready, "database": database, "worker": worker}, 200 if ready else 503
        )

    return routes
