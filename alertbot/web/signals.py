"""Receiving reports over HTTP: authentication by the source's secret or a signature, rate limits (in memory, per
process), repeated signatures, and the responses.

Secrets and signatures are compared in constant time, and an unknown source costs as much as a known one, so that
nobody learns which sources exist."""

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from math import ceil
from secrets import token_bytes
from typing import Any, Generic, TypeVar

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse

from alertbot.core.errors import AlertbotError, Refused, StoreFailed, safe
from alertbot.core.words import _
from alertbot.watch import reports, watching
from alertbot.watch.context import WatchContext
from alertbot.watch.reports import ReportQuarantined, SourceIntake
from alertbot.web import described, reading
from alertbot.web.reading import Attempts, Unreadable

TIMESTAMP = "x-alertbot-timestamp"
SIGNATURE = "x-alertbot-signature"
SCHEME = "sha256="
LONGEST_TIMESTAMP = 12  # digits of Unix seconds


class Stranger(Refused):
    """There is no source with this name, or the secret is wrong."""


class OutOfTime(Refused):
    """The signature is right, but its time is too far from our clock."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What came with a report. `token`: the secret itself; `signature`: None if there is none."""

    token: bytes = field(default=b"", repr=False)
    timestamp: str = ""
    signature: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SourceCredentials:
    """What a source accepts: its secret, or a signature no older than `window`."""

    secret: bytes = field(repr=False)
    signed: bool = False
    window: timedelta = timedelta(minutes=5)


def shown(headers: Headers, in_path: str | None) -> Credentials:
    """The secret that was sent; the header takes precedence over the path."""
    return Credentials(
        _bearer(headers) or (in_path or "").encode("utf-8", "replace"),
        headers.get(TIMESTAMP, ""),
        headers.get(SIGNATURE),
    )


def admit(door: SourceCredentials | None, given: Credentials, body: bytes, now: float) -> None:
    """Check the credentials. Raises `Stranger` or `OutOfTime`. `door`: None for an unknown source;
    `body`: complete if it is signed; `now`: Unix seconds."""
    known = door or SourceCredentials(token_bytes(32))
    by_signature = given.signature is not None
    genuine = (
        _signed_by(known.secret, given, body) if by_signature else _same(known.secret, given.token)
    )
    if door is None or not genuine or by_signature is not door.signed:
        raise Stranger
    if by_signature:
        _refuse_old(door, given, now)


def signature_of(secret: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) over the timestamp, a full stop and the body, in hexadecimal."""
    signed = timestamp.encode("latin-1", "replace") + b"." + body
    return hmac.new(secret, signed, sha256).hexdigest()


def _signed_by(secret: bytes, given: Credentials, body: bytes) -> bool:
    expected = SCHEME + signature_of(secret, given.timestamp, body)
    return _same(expected.encode(), (given.signature or "").encode("latin-1", "replace"))


def _refuse_old(door: SourceCredentials, given: Credentials, now: float) -> None:
    seconds = _seconds(given.timestamp)
    longest = door.window.total_seconds()
    if seconds is None or abs(now - seconds) > longest:
        raise OutOfTime(
            _(
                "The report is signed for another time: its clock may differ from ours by at most {n}"
                " s. Check the sender's clock."
            ).format(n=int(longest))
        )


def _seconds(timestamp: str) -> int | None:
    fits = timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= LONGEST_TIMESTAMP
    return int(timestamp) if fits else None


def _same(one: bytes, other: bytes) -> bool:
    """Constant-time comparison, also for different lengths: digests are compared."""
    return hmac.compare_digest(sha256(one).digest(), sha256(other).digest())


def _bearer(headers: Headers) -> bytes:
    """The bearer token (RFC 6750, 2.1), as the bytes that arrived."""
    scheme, _blank, token = headers.get("authorization", "").partition(" ")
    return token.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""


MINUTE = 60.0


class Bucket:
    """A rate limit: a minute's worth at once, and as many in every minute after that."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = float(per_minute), clock
        self._left, self._at = self._most, clock()

    def take(self) -> float:
        """Take one: 0; or, if none is left, the seconds until there is one."""
        now = self._clock()
        self._left = min(self._most, self._left + (now - self._at) * self._most / MINUTE)
        self._at = now
        if self._left < 1:
            return (1 - self._left) * MINUTE / self._most
        self._left -= 1
        return 0.0


MOST_REMEMBERED = 10_000

T = TypeVar("T")


class Answered(Generic[T]):
    """Responses by signature, for as long as the signature would be accepted. Times are Unix seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()

    def recall(self, signature: str, now: float) -> T | None:
        self._forget(now)
        found = self._known.get(signature)
        return None if found is None else found[1]

    def keep(self, signature: str, answer: T, now: float) -> None:
        """Remember a response. A signature may be ahead of our clock by the window and is valid for
        another window."""
        self._known[signature] = (now + 2 * self._seconds, answer)
        while len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    def _forget(self, now: float) -> None:
        while self._known and next(iter(self._known.values()))[0] < now:
            self._known.popitem(last=False)


log = logging.getLogger(__name__)

LARGEST_BODY_BYTES = 4_000_000  # some 8,000 alerts
LARGEST_SIGNED_BYTES = 1_000_000  # read before anything is known of the sender
TOLD_EVERY = 60.0  # seconds between two notes of the same refusal
_WHY = {413: "too_large", 408: "too_slow", 400: "broken_off"}
RETRY_SECONDS = 5  # after a failure of the database


@dataclass(frozen=True)
class SignalAnswer:
    """A status and a document; `wait`: seconds after which to retry."""

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
    """One configured source, and this process's state about it."""

    inlet: SourceIntake
    door: SourceCredentials
    bucket: Bucket
    answered: Answered[SignalAnswer]
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # of signed reports: one after the other
    told: dict[str, float] = field(default_factory=dict)  # when a refusal was last noted, by reason


@dataclass(frozen=True)
class Intake:
    """Every source that posts reports, by name."""

    service: WatchContext
    sources: Mapping[str, Source]
    attempts: Attempts = field(default_factory=Attempts)


def intake_of(service: WatchContext, inlets: Mapping[str, SourceIntake]) -> Intake:
    """The intake of this configuration; reads every secret now. Raises `ConfigInvalid` for one that is
    missing or could be guessed."""
    return Intake(service, {name: _source(inlet) for name, inlet in inlets.items()})


def _source(inlet: SourceIntake) -> Source:
    settings = inlet.settings
    door = SourceCredentials(settings.key(inlet.name), settings.signed, settings.replay_window)
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


async def _refused(taking: Intake, source: Source, why: str, said: str, body: bytes | None) -> None:
    """Note that a report of a known source was refused: in the log, the metrics and a task. Where it comes
    again and again, once a minute; what cannot be stored now is at least logged."""
    name, now = source.inlet.name, time.monotonic()
    if now - source.told.get(why, -TOLD_EVERY) < TOLD_EVERY:
        taking.service.pulse.unheeded[name, why] += 1
        return
    source.told[why] = now
    log.warning("%s: a report was refused (%s): %s", name, why, said, extra={"source": name})
    words = _("A report of {source} was refused: {why} What it said is not known here; look there.")
    try:
        task = words.format(source=name, why=said)
        await watching.unheeded(taking.service, name, why, task, body)
    except AlertbotError as error:
        log.error("%s: that could not be stored: %s", name, error, extra={"source": name})  # noqa: TRY400


async def _answer(taking: Intake, name: str, request: Request, in_path: str | None) -> SignalAnswer:
    """The response to a report. Raises `Unreadable`."""
    source, given = taking.sources.get(name), shown(request.headers, in_path)
    body = None
    if given.signature is not None:  # it signs the body; read for unknown sources too
        body = await reading.read_body(request, largest=LARGEST_SIGNED_BYTES)
    try:
        now = taking.service.now.timestamp()
        admit(source.door if source else None, given, body or b"", now)
    except OutOfTime as error:
        if source is not None:
            await _refused(taking, source, "out_of_time", str(error), None)
        return _refusal(401, str(error))
    except Stranger:
        return _strange(taking, request)
    assert source is not None
    if wait := source.bucket.take():
        answer = _too_many(wait)
        await _refused(taking, source, "too_many", str(answer.document["error"]), None)
        return answer
    if body is None:
        try:
            most = watching.LONGEST_KEPT
            body = await reading.read_body(request, largest=LARGEST_BODY_BYTES, shown=most)
        except Unreadable as error:
            why = _WHY[error.status]
            await _refused(taking, source, why, _unreadable(error.status), error.begin)
            raise
    return await _taken_once(taking, source, given, body, request.headers.get("content-type", ""))


def _strange(taking: Intake, request: Request) -> SignalAnswer:
    """The response for an unknown source and for a wrong secret: the same for both."""
    address = request.client.host if request.client else ""
    if wait := taking.attempts.wait(address):
        return _too_many(wait)
    taking.attempts.note(address)
    return _refusal(401, _("There is no such source, or the secret is wrong."))


async def _taken_once(
    taking: Intake, source: Source, given: Credentials, body: bytes, kind: str
) -> SignalAnswer:
    """The earlier response to a repeated signature, else a new one."""
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


async def _taken(service: WatchContext, source: Source, body: bytes, kind: str) -> SignalAnswer:
    name = source.inlet.name
    try:
        taken = await reports.receive(service, source.inlet, body, kind)
    except ReportQuarantined as error:
        more = {"looks_like": error.looks_like} if error.looks_like else {}
        return _refusal(422, str(error), keys=error.keys, quarantine=error.number, **more)
    except StoreFailed as error:
        log.error("%s: a report was not stored: %s", name, error, extra={"source": name})  # noqa: TRY400
    except Exception as error:  # noqa: BLE001 - nothing is stored then: the sender shall try again
        log.error("%s: a report was not stored: %s", name, safe(repr(error)), extra={"source": name})  # noqa: TRY400
    else:
        log.info("%s: %d stored, %d new", name, taken.stored, taken.new, extra={"source": name})
        return SignalAnswer(202, {"stored": taken.stored, "new": taken.new})
    said = _("The report was not stored: the database is not available. Send it again.")
    return SignalAnswer(503, {"error": said}, RETRY_SECONDS)


def _refusal(status: int, said: str, **more: Any) -> SignalAnswer:
    return SignalAnswer(status, {"error": said, **more})


def _too_many(wait: float) -> SignalAnswer:
    said = _("Too many reports. Try again in {n} s.").format(n=ceil(wait))
    return SignalAnswer(429, {"error": said}, wait)


def _unreadable(status: int) -> str:
    if status == 413:
        return _("The report is larger than {n} bytes; nothing was stored.").format(
            n=LARGEST_BODY_BYTES
        )
    if status == 408:
        return _("The report did not arrive in time; nothing was stored.")
    return _("The report broke off; nothing was stored.")
