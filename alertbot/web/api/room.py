"""What all operations of the API share: whose token it is and what it may do, what was sent, requests that come twice, and
the answer or the problem.

A cookie opens nothing here, a token of the API nothing else. A request that changes something needs a token in its head
and JSON in its body, which no other site's page can send without being asked for leave, and nobody gives it.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from alertbot.core.errors import AlertbotError
from alertbot.core.json import UnfitJson, as_json, from_text
from alertbot.core.model import Person
from alertbot.core.words import LANGUAGES, _, language, spoken
from alertbot.people import api_tokens, store_api
from alertbot.people.rules import Scope, scopes_of
from alertbot.people.store_api import ApiToken, KeptAnswer
from alertbot.watch.context import WatchContext
from alertbot.web import approvals, reading
from alertbot.web.api import problems
from alertbot.web.api.bodies import LONGEST_NAME, Asked, Said
from alertbot.web.api.problems import Problem
from alertbot.web.reading import Attempts, Unreadable

ROOT = "/api/v1"
JSON = "application/json"
READER, BY_COMMAND = "x-alertbot-reader", "command-line"
LARGEST_BODY_BYTES = 200_000
LONGEST_KEY = 255
WAIT_SECONDS, LOOK_SECONDS = 10.0, 0.05  # for the answer to the same request, under way
CHANGING = frozenset({"POST", "PATCH"})

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ApiRoom:
    """The API of one service. `url`: the desk's origin; `asking`: machines that ask for a token."""

    service: WatchContext
    url: str
    attempts: Attempts = field(default_factory=Attempts)
    asking: Attempts = field(default_factory=Attempts)


@dataclass(frozen=True)
class Call:
    """One request of a program, with the token that it showed."""

    room: ApiRoom
    request: Request
    token: ApiToken

    @property
    def service(self) -> WatchContext:
        return self.room.service

    @property
    def person(self) -> Person:
        return self.token.person

    @property
    def scopes(self) -> frozenset[Scope]:
        """What it may do now: what the token says, as far as the person may do it."""
        return self.token.scopes & scopes_of(self.person)

    def path(self, name: str) -> str:
        """A part of the address. Raises `Problem` for one that no name can be."""
        found = str(self.request.path_params[name])
        if "\0" in found or len(found) > LONGEST_NAME:
            raise nothing_here()
        return found

    def require(self, scope: Scope) -> None:
        """Raises `Problem` unless the token may do this."""
        if scope not in self.scopes:
            sentence = _("This token of {name} does not have the scope {scope}.")
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            said = sentence.format(name=self.person.name, scope=scope)
            raise Problem("scope-missing", said, {"www-authenticate": challenge}, scope=str(scope))


Act = Callable[[Call, Any], Awaitable[object]]


@dataclass(frozen=True)
class Operation:
    """One thing that programs may do. `scope` None: any token that counts. `said`: what is sent, as body or query;
    `answer`: the type of view that comes back, or a list of it."""

    method: str
    path: str
    act: Act
    summary: str
    answer: Any
    scope: Scope | None
    said: type[BaseModel]
    status: int = 200

    @property
    def changes(self) -> bool:
        return self.method in CHANGING


@dataclass(frozen=True)
class Reply:
    """A view, with what its answer says in the head."""

    view: object
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Made:
    """An answer as it is sent, and kept for when the request comes again."""

    status: int
    headers: Mapping[str, str]
    body: str

    def response(self, **more: str) -> Response:
        return Response(self.body, self.status, {**self.headers, **more})


def read(path: str, act: Act, summary: str, answer: Any, said: type[BaseModel] = Asked) -> Operation:
    """An operation that changes nothing."""
    return Operation("GET", path, act, summary, answer, Scope.READ, said)


def change(
    path: str,
    act: Act,
    summary: str,
    answer: Any,
    scope: Scope | None,
    said: type[BaseModel] = Said,
    **more: Any,
) -> Operation:
    """An operation that changes something, or only looks as `POST` because it is given much."""
    return Operation(more.pop("method", "POST"), path, act, summary, answer, scope, said, **more)


def add(router: APIRouter, room: ApiRoom, operation: Operation) -> None:
    async def answer(request: Request) -> Response:
        return await guarded(room, request, lambda: _answered(room, operation, request))

    router.add_route(ROOT + operation.path, answer, [operation.method], include_in_schema=False)


async def guarded(room: ApiRoom, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of `work` in the reader's language, or the problem that kept it from one; never a library's own message,
    never a traceback."""
    with spoken(approvals.reader_language(request, _default(room))):
        try:
            return await work()
        except Unreadable as error:
            return problem(_unreadable(error.status)).response()
        except Problem as error:
            return problem(error).response()
        except AlertbotError as error:
            return problem(problems.of(error, commands=_knows_commands(request))).response()
        except Exception as error:  # noqa: BLE001 - the last net: a problem, never a traceback
            return problem(_failed(error)).response()


def _knows_commands(request: Request) -> bool:
    """Whether it is the command line that asks: to its readers sentences name commands, as on the service's machine."""
    return request.headers.get(READER) == BY_COMMAND


def _default(room: ApiRoom) -> str:
    first = room.service.publisher.organisation.languages[0]
    return first if first in LANGUAGES else "en"


async def _answered(room: ApiRoom, operation: Operation, request: Request) -> Response:
    call = await _let_in(room, request)
    if operation.scope is not None:
        call.require(operation.scope)
    said = await _said(operation, request)
    key = request.headers.get("idempotency-key")
    if operation.changes and key is not None:
        return await _once(operation, call, said, _key(key))
    return (await _made(operation, call, said)).response()


# --- who it is ------------------------------------------------------------------------------------


async def _let_in(room: ApiRoom, request: Request) -> Call:
    scheme, _blank, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        said = _("Send a token of the API in the header: `Authorization: Bearer TOKEN`.")
        raise Problem("no-token", said, {"www-authenticate": "Bearer"})
    found = await api_tokens.bearer(room.service, token.strip())
    if found is None:
        refuse_guess(room, request)
        raise _invalid(
            _("This token opens nothing here. Make one on the desk, on the page with your name.")
        )
    why = found.refusal(room.service.now)
    if why == "expired":
        raise _invalid(
            _("This token has expired. Make a new one on the desk, on the page with your name.")
        )
    if why is not None:
        raise _invalid(_("This token was revoked, or the person's own token was renewed since."))
    return Call(room, request, found)


def _invalid(sentence: str) -> Problem:
    return Problem("token-invalid", sentence, {"www-authenticate": 'Bearer error="invalid_token"'})


def refuse_guess(room: ApiRoom, request: Request) -> None:
    """Count a wrong secret of this network. Raises `Problem` after many; what is right works all the same."""
    address = request.client.host if request.client else ""
    if wait := room.attempts.wait(address):
        said = _("Too many wrong tokens came from your network. Try again later.")
        raise Problem("too-many", said, {"retry-after": str(int(wait) + 1)})
    room.attempts.note(address)


# --- what was sent --------------------------------------------------------------------------------


async def _said(operation: Operation, request: Request) -> BaseModel:
    query = request.query_params
    if not operation.changes:
        return _fitting(operation.said, dict(query))
    if query:
        _fitting(Asked, dict(query))
    return _fitting(operation.said, await _document(request))


async def _document(request: Request) -> object:
    """The JSON of a body; none is an empty object."""
    body = await reading.read_body(request, largest=LARGEST_BODY_BYTES)
    if not body.strip():
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Problem("media-type", _("Send the body as application/json."), {"accept": JSON})
    try:
        return from_text(body.decode())
    except UnicodeDecodeError:
        why = _("it is not UTF-8 text")
    except UnfitJson as error:
        why = str(error)
    except (ValueError, RecursionError):
        why = _("it is not JSON")
    raise Problem("not-json", _("The body cannot be read: {why}.").format(why=why))


def _fitting(model: type[BaseModel], document: object) -> BaseModel:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise problems.misfit(error, tuple(model.model_fields)) from None


# --- the answer -----------------------------------------------------------------------------------


async def _made(operation: Operation, call: Call, said: BaseModel) -> Made:
    """What was done, or why not. A refusal is an answer, too: it is kept with the key."""
    try:
        view = await operation.act(call, said)
    except Problem as error:
        return problem(error)
    except AlertbotError as error:
        return problem(problems.of(error, commands=_knows_commands(call.request)))
    except Exception as error:  # noqa: BLE001 - it may have been done: the key must say so
        return problem(_failed(error))
    reply = view if isinstance(view, Reply) else Reply(view, {})
    return document(reply.view, operation.status, reply.headers)


def document(view: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Made:
    """A view as the JSON that the command line prints."""
    return Made(status, _head(JSON) | dict(headers or {}), _written(as_json(view)))


def problem(error: Problem) -> Made:
    return Made(error.status, _head(problems.MEDIA_TYPE) | error.headers, _written(error.document()))


def nothing_here() -> Problem:
    return Problem("not-found", _("There is nothing at this address."))


def _head(kind: str) -> dict[str, str]:
    return {"content-type": kind, "content-language": language()}


def _written(content: object) -> str:
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def _failed(error: Exception) -> Problem:
    where = approvals.place_of(error)
    log.error("a request to the API failed: %s in %s", type(error).__name__, where)
    said = _("Look at the alert before you try again: it says whether anything was done.")
    return Problem("failed", said)


def _unreadable(status: int) -> Problem:
    if status == 413:
        most = LARGEST_BODY_BYTES
        return Problem("too-large", _("The body has more than {n} bytes.").format(n=most))
    if status == 408:
        return Problem("slow", _("The body did not arrive in time; nothing was done."))
    return Problem("incomplete", _("The body broke off; nothing was done."))


# --- requests that come twice ---------------------------------------------------------------------


def _key(key: str) -> str:
    if not (1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        sentence = _("Idempotency-Key must have 1 to {n} printable ASCII characters.")
        raise Problem("invalid", sentence.format(n=LONGEST_KEY), errors=[])
    return key


async def _once(operation: Operation, call: Call, said: BaseModel, key: str) -> Response:
    """Do what is asked for, once for each key of this person; asked again, it gets the same answer."""
    database, who, now = call.service.database, call.person, call.service.now
    wanted = _fingerprint(call.request, said)
    if not await database.transact(lambda conn: store_api.claim(conn, who, key, wanted, now=now)):
        kept = await _kept(call, key, wanted)
        if kept is not None:
            return kept.response(**{"idempotency-replayed": "true"})
    made = await _made(operation, call, said)
    await database.transact(
        lambda conn: store_api.keep(
            conn, who, key, status=made.status, headers=made.headers, body=made.body
        )
    )
    return made.response()


async def _kept(call: Call, key: str, wanted: str) -> Made | None:
    """What the request with this key was answered; None if it did nothing and is to be done now. Raises `Problem`."""
    database, who = call.service.database, call.person
    waited = 0.0
    while (found := await database.read(lambda conn: store_api.kept(conn, who, key))) is not None:
        if found.request_hash != wanted:
            said = _("This Idempotency-Key was used for another request. Take a new one for each.")
            raise Problem("key-reused", said)
        if found.status is not None:
            return Made(found.status, found.headers, found.body)
        if call.service.now - found.at >= store_api.LOST_AFTER:
            await _unanswered(call, key, found)
            return None
        if waited >= WAIT_SECONDS:
            break
        await asyncio.sleep(LOOK_SECONDS)
        waited += LOOK_SECONDS
    raise _under_way()


def _under_way() -> Problem:
    said = _(
        "A request with this Idempotency-Key is under way, or was interrupted. Ask again with the same key in a minute:"
        " then its outcome is known."
    )
    return Problem("under-way", said, {"retry-after": "5"})


async def _unanswered(call: Call, key: str, lost: KeptAnswer) -> None:
    """The request began and whoever did it was killed. Returns if it did nothing. Raises `Problem` with what may have
    come of it."""
    service, who = call.service, call.person
    done = await service.database.transact(
        lambda conn: store_api.reclaim(conn, who, key, lost.at, now=service.now)
    )
    if done is None:
        return
    if not done:
        raise _under_way()  # the same request came twice: the other does it
    told = ", ".join(f"{one['verb']} {one['alert'] or ''}".strip() for one in reversed(done))
    said = _(
        "The request with this Idempotency-Key began at {time}, and its answer is lost. Since then {person} did: {done}."
        " If it is among that, it is done; if not, ask again with a new key."
    )
    words = said.format(time=service.clock(lost.at), person=who.name, done=told)
    alerts = sorted({one["alert"] for one in done if one["alert"]})
    raise Problem("answer-lost", words, done=[*alerts])


def _fingerprint(request: Request, said: BaseModel) -> str:
    sent = json.dumps(said.model_dump(mode="json", exclude_unset=True), sort_keys=True)
    return sha256(f"{request.method}\0{request.url.path}\0{sent}".encode()).hexdigest()
