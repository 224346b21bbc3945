"""`/healthz` (is the process running), `/readyz` (can it work) and `/metrics`."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from fastapi import APIRouter
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from alertbot.core.errors import AlertbotError, StoreFailed
from alertbot.delivery import store_accounts
from alertbot.ops.metrics import Measured, Measures
from alertbot.watch.context import WATCH, WatchContext
from alertbot.web.described import Ready


def router(service: WatchContext) -> APIRouter:
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
            worker, database = await service.database.read(store_accounts.any_alive), True
        except AlertbotError:
            worker, database = False, False
        watch = service.pulse.alive(WATCH)
        ready = database and worker and watch
        return JSONResponse(
            {"ready": ready, "database": database, "worker": worker, "watch": watch},
            200 if ready else 503,
        )

    return routes


BUCKETS = (1.0, 5.0, 15.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)  # seconds

Labels = TypeVar("Labels", bound=tuple[str, ...])


class _Found:
    """The result of one scrape, in the form the library collects."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    def collect(self) -> Iterator[Metric]:
        yield from _reports(self._measured)
        yield from _sending(self._measured)
        yield from _seen(self._measured)
        yield from _health(self._measured)


def metrics_router(service: WatchContext) -> APIRouter:
    routes, measures = APIRouter(tags=["metrics"]), Measures(service)

    @routes.get(
        "/metrics",
        summary="Counts, queues and health, for Prometheus",
        response_class=PlainTextResponse,
        responses={
            200: {"content": {"application/openmetrics-text": {"schema": {"type": "string"}}}},
            503: {"content": {"text/plain": {}}, "description": "The database cannot be used."},
        },
    )
    async def metrics(request: Request) -> Response:
        encode, kind = choose_encoder(request.headers.get("accept", ""))
        try:
            found = _Found(await measures.take())
        except StoreFailed:
            return PlainTextResponse("the database cannot be used\n", 503)
        return Response(encode(found), media_type=kind)

    return routes


def _reports(now: Measured) -> Iterator[Metric]:
    yield _counted(
        "alertbot_signals", "Reports stored, without repeats.", ("source", "observed"), now.signals
    )
    yield _counted(
        "alertbot_reports_unheeded",
        "Reports of this process that were cut, refused, or not decided about.",
        ("source", "why"),
        now.unheeded,
    )
    yield _standing(
        "alertbot_quarantined",
        "Bodies kept aside because nobody understood them.",
        ("source",),
        {(name,): count for name, count in now.quarantined.items()},
    )
    yield _counted(
        "alertbot_decisions",
        "Decisions that changed something.",
        ("action", "reason"),
        now.decisions,
    )
    yield _standing(
        "alertbot_incidents_open",
        "Open incidents by state; without a state: only written about, not watched.",
        ("state",),
        {(state,): count for state, count in now.incidents.items()},
    )
    yield _first_posts(now.first_posts)


def _sending(now: Measured) -> Iterator[Metric]:
    yield _standing("alertbot_deliveries", "Deliveries by state.", ("channel", "state"), now.deliveries)
    yield _standing(
        "alertbot_queue_age_seconds",
        "For how long the oldest delivery that could go has waited; 0 where none waits.",
        ("channel",),
        {(line.channel,): max(0.0, line.oldest or 0.0) for line in now.lines},
    )
    yield _standing(
        "alertbot_pace_wait_seconds",
        "How long until the channel's pace, quota or budget allows the next call.",
        ("channel",),
        {(line.channel,): line.wait for line in now.lines},
    )
    yield _standing(
        "alertbot_channel_stopped",
        "1 while a channel waits for a person.",
        ("channel", "why"),
        {
            (line.channel, why): float(stopped)
            for line in now.lines
            for why, stopped in (("halted", line.halted), ("paused", line.paused))
        },
    )
    yield _counted(
        "alertbot_call_failures",
        "Calls of this process that did not publish, by class; see the page on errors.",
        ("channel", "class"),
        now.failures,
    )


def _seen(now: Measured) -> Iterator[Metric]:
    yield _standing(
        "alertbot_witnessed",
        "Deliveries by what a stranger saw of them.",
        ("channel", "verdict"),
        now.witnessed,
    )
    yield _standing(
        "alertbot_visible_after_seconds",
        "From acceptance to the first look that saw the last delivery.",
        ("channel",),
        {(channel,): seconds for channel, seconds in now.visible_after.items()},
    )


def _health(now: Measured) -> Iterator[Metric]:
    yield _alone("alertbot_halted", "1 while everything is halted.", now.halted)
    yield _alone("alertbot_worker_alive", "1 while a worker sends what is due.", now.worker)
    yield _alone("alertbot_watch_alive", "1 while this process decides about reports.", now.watch)


def _first_posts(seconds: tuple[float, ...]) -> Metric:
    counted = [(edge, sum(one <= edge for one in seconds)) for edge in BUCKETS]
    made = HistogramMetricFamily(
        "alertbot_first_post_seconds",
        "From the first report of trouble to the first post, per incident opened.",
    )
    buckets = [(str(edge), count) for edge, count in counted] + [("+Inf", len(seconds))]
    made.add_metric([], buckets, sum(seconds))
    return made


def _counted(name: str, about: str, labels: tuple[str, ...], values: Mapping[Labels, float]) -> Metric:
    made = CounterMetricFamily(name, about, labels=labels)
    for key in sorted(values):
        made.add_metric(list(key), values[key])
    return made


def _standing(name: str, about: str, labels: tuple[str, ...], values: Mapping[Labels, float]) -> Metric:
    made = GaugeMetricFamily(name, about, labels=labels)
    for key in sorted(values):
        made.add_metric(list(key), values[key])
    return made


def _alone(name: str, about: str, holds: bool) -> Metric:
    return GaugeMetricFamily(name, about, value=float(holds))
