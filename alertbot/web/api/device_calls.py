"""Signing a machine in without copying anything (RFC 8628): it asks for a token and shows a code, its person types the code
at the desk, and it asks until the answer is there. The only operations without a token.
"""

import json
from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from alertbot.core.errors import Misuse
from alertbot.core.words import _
from alertbot.people import api_tokens
from alertbot.people.rules import Scope
from alertbot.people.store_api import DEVICE_LASTS, POLL_EVERY
from alertbot.web import reading
from alertbot.web.api.room import JSON, ROOT, ApiRoom, guarded

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LARGEST_FORM_BYTES, MOST_FIELDS = 4096, 10
LONGEST_CODE = 100
PAGE = "/desk/device"
Form = Mapping[str, str]
OAuthAct = Callable[[ApiRoom, Request, Form], Awaitable[Mapping[str, str | int]]]


class OAuthError(Exception):
    """An error as OAuth names it (RFC 6749, 5.2), with a sentence for people."""

    def __init__(self, name: str, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.name, self.sentence, self.status = name, sentence, status


def add(router: APIRouter, room: ApiRoom) -> None:
    async def ask(request: Request) -> Response:
        return await guarded(room, request, lambda: _answered(room, request, _asked))

    async def poll(request: Request) -> Response:
        return await guarded(room, request, lambda: _answered(room, request, _polled))

    router.add_route(f"{ROOT}/device", ask, ["POST"], include_in_schema=False)
    router.add_route(f"{ROOT}/token", poll, ["POST"], include_in_schema=False)


async def _answered(room: ApiRoom, request: Request, act: OAuthAct) -> Response:
    form = await reading.form(request, largest=LARGEST_FORM_BYTES, most=MOST_FIELDS)
    given = {name: values[-1] for name, values in form.items()}
    try:
        return _json(await act(room, request, given))
    except OAuthError as error:
        said = {"error": error.name, "error_description": error.sentence}
        return _json(said, error.status)


def _json(content: Mapping[str, str | int], status: int = 200) -> Response:
    return Response(json.dumps(content, ensure_ascii=False) + "\n", status, media_type=JSON)


async def _asked(room: ApiRoom, request: Request, given: Form) -> Mapping[str, str | int]:
    """A machine asks for a token with these scopes."""
    address = request.client.host if request.client else ""
    try:
        scopes = {Scope(word) for word in given.get("scope", "read").split()} or {Scope.READ}
    except ValueError:
        known = _("The scopes are: {known}.").format(known=", ".join(Scope))
        raise OAuthError("invalid_scope", known) from None
    if wait := room.asking.wait(address):
        said = _("Too many machines of your network ask for a token. Try again in {n} s.")
        raise OAuthError("slow_down", said.format(n=int(wait) + 1), 429)
    room.asking.note(address)
    machine = given.get("machine") or given.get("client_id", "")
    try:
        codes = await api_tokens.ask(room.service, machine, scopes, address)
    except Misuse as error:
        raise OAuthError("invalid_request", str(error)) from None
    if codes is None:
        said = _("Too many machines ask for a token. Try again in ten minutes.")
        raise OAuthError("temporarily_unavailable", said, 503)
    page = room.url + PAGE
    return {
        "device_code": codes.device_code,
        "user_code": codes.code,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?code={codes.code}",
        "expires_in": int(DEVICE_LASTS.total_seconds()),
        "interval": int(POLL_EVERY.total_seconds()),
    }


async def _polled(room: ApiRoom, _request: Request, given: Form) -> Mapping[str, str | int]:
    """A machine asks whether its person has answered."""
    if given.get("grant_type") != GRANT:
        said = _("The grant_type is {grant}.").format(grant=GRANT)
        raise OAuthError("unsupported_grant_type", said)
    code = given.get("device_code", "")
    if not code or len(code) > LONGEST_CODE:
        raise OAuthError("invalid_request", _("Send the device_code that you were given."))
    answer = await api_tokens.poll(room.service, code)
    if answer.error or answer.expires_at is None:
        raise OAuthError(answer.error, _why(answer.error))
    left = (answer.expires_at - room.service.now).total_seconds()
    return {
        "access_token": answer.token,
        "token_type": "Bearer",
        "expires_in": int(left),
        "scope": " ".join(answer.scopes),
    }


def _why(error: str) -> str:
    words = {
        "authorization_pending": _("Nobody has answered at the desk yet."),
        "slow_down": _("Ask less often: every five seconds."),
        "access_denied": _("It was refused at the desk."),
        "expired_token": _("This request is unknown, or over. Start again."),
    }
    return words[error]
