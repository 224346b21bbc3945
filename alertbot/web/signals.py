"""`POST /signals/<source>`: where other systems report how services do.

2xx is answered once the reports are stored, and only then; 5xx only where they are not, so that a sender
tries again. A secret that is right is let in also from an address from which many wrong ones came: behind one
proxy, a stranger who guesses must not silence a source.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse

from alertbot.errors import StoreFailed, safe
from alertbot.service import intake
from alertbot.service.context import Context
from alertbot.service.intake import Inlet, SetAside
from alertbot.web import credentials, described, streams
from alertbot.web.attempts import Attempts
from alertbot.web.credentials import Door, OutOfTime, Shown, Stranger
from alertbot.web.pace import Bucket
from alertbot.web.replays import Answered
from alertbot.web.streams import Unreadable
from alertbot.words import _

log = logging.getLogger(__name__)

LARGEST_BODY_BYTES = 1_000_000
RETRY_SECONDS = 5  # after a failure of the database


@dataclass(frozen=True)
class Answer:
    """A status and a document; `wait`: seconds after which to try again."""

    status: int
    document: Mapping[str, Any]
    wait: float = 0.0

    def response(self) -> JSONResponse:
        headers = {"retry-after": str(ceil(self.wait))} if self.wait else {}
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return JSONResponse(self.document, self.status, headers)


@dataclass(frozen=True)
class Source:
    """One configured source, and what this process knows of it."""

    inlet: Inlet
    door: Door
    bucket: Bucket
    answered: Answered[Answer]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # of signed reports: one after the other


@dataclass(frozen=True)
class Intake:
    """Every source that posts to us, by name."""

    service: Context
    sources: Mapping[str, Source]
    attempts: Attempts = field(default_factory=Attempts)


def intake_of(service: Context, inlets: Mapping[str, Inlet]) -> Intake:
    """Reads every secret now. Raises `ConfigInvalid` for one that is missing or could be guessed."""
    return Intake(service, {name: _source(inlet) for name, inlet in inlets.items()})


def _source(inlet: Inlet) -> Source:
    settings = inlet.settings
    door = Door(settings.key(inlet.name), settings.signed, settings.replay_window)
    return Source(
        inlet,
        door,
        Bucket(settings.per_minute),
        Answered(settings.replay_window.total_seconds()),
    )


def router(taking: Intake) -> APIRouter:
    routes = APIRouter(tags=["signals"])

    @routes.post("/signals/{source}", **described.SIGNALS)
    async def report(source: str, request: Request) -> JSONResponse:
        return await _answered(taking, source, request, None)

    @routes.post("/signals/{source}/{secret}", **described.SIGNALS_BY_PATH)
    async def report_with_secret(source: str, secret: str, request: Request) -> JSONResponse:
        return await _answered(taking, source, request, secret)

    return routes


async def _answered(taking: Intake, name: str, request: Request, in_path: str | None) -> JSONResponse:
    try:
        answer = await _answer(taking, name, request, in_path)
    except Unreadable as error:
        answer = _refusal(error.status, _unreadable(error.status))
    return answer.response()


async def _answer(taking: Intake, name: str, request: Request, in_path: str | None) -> Answer:
    """Raises `Unreadable`."""
    source, given = taking.sources.get(name), credentials.shown(request.headers, in_path)
    body = None
    if given.signature is not None:  # it signs the body; read for unknown sources too
        body = await streams.body(request, largest=LARGEST_BODY_BYTES)
    try:
        now = taking.service.now.timestamp()
        credentials.admit(source.door if source else None, given, body or b"", now)
    except OutOfTime as error:
        return _refusal(401, str(error))
    except Stranger:
        return _strange(taking, request)
    assert source is not None
    if wait := source.bucket.take():
        return _too_many(wait)
    if body is None:
        body = await streams.body(request, largest=LARGEST_BODY_BYTES)
    return await _taken_once(taking, source, given, body, request.headers.get("content-type", ""))


def _strange(taking: Intake, request: Request) -> Answer:
    """The same for a source that is not there and a secret that is wrong."""
    address = request.client.host if request.client else ""
    if wait := taking.attempts.wait(address):
        return _too_many(wait)
    taking.attempts.note(address)
    return _refusal(401, _("There is no such source, or this is not its secret."))


async def _taken_once(taking: Intake, source: Source, given: Shown, body: bytes, kind: str) -> Answer:
    """A signed report that was answered is answered the same again."""
    if given.signature is None:
        return await _taken(taking.service, source, body, kind)
    async with source.turn:
        now = taking.service.now.timestamp()
        if (before := source.answered.recall(given.signature, now)) is not None:
            return before
        answer = await _taken(taking.service, source, body, kind)
        if answer.status < 500:
            source.answered.keep(given.signature, answer, now)
        return answer


async def _taken(service: Context, source: Source, body: bytes, kind: str) -> Answer:
    name = source.inlet.name
    try:
        taken = await intake.receive(service, source.inlet, body, kind)
    except SetAside as error:
        more = {"looks_like": error.looks_like} if error.looks_like else {}
        return _refusal(422, str(error), keys=error.keys, quarantine=error.number, **more)
    except StoreFailed as error:
        log.error("%s: a report was not stored: %s", name, error, extra={"source": name})  # noqa: TRY400
    except Exception as error:  # noqa: BLE001 - nothing is stored then: the sender shall try again
        log.error("%s: a report was not stored: %s", name, safe(repr(error)), extra={"source": name})  # noqa: TRY400
    else:
        log.info("%s: %d stored, %d new", name, taken.stored, taken.new, extra={"source": name})
        return Answer(202, {"stored": taken.stored, "new": taken.new})
    said = _("The report was not stored: the database cannot be used. Send it again.")
    return Answer(503, {"error": said}, RETRY_SECONDS)


def _refusal(status: int, said: str, **more: Any) -> Answer:
    return Answer(status, {"error": said, **more})


def _too_many(wait: float) -> Answer:
    said = _("Too many in a short time. Try again in {n} s.").format(n=ceil(wait))
    return Answer(429, {"error": said}, wait)


def _unreadable(status: int) -> str:
    if status == 413:
        return _("The report is larger than {n} bytes; nothing was stored.").format(
            n=LARGEST_BODY_BYTES
        )
    if status == 408:
        return _("The report did not arrive in time; nothing was stored.")
    return _("The report broke off; nothing was stored.")
