"""Talking to the desk of a service over its API: requests that are made once, and every refusal as our own error."""

import json
import time
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from alertbot import __version__
from alertbot.cli import kept
from alertbot.core.errors import AlertbotError, Faulty, Misuse, Refused, StoreFailed, safe
from alertbot.core.frozen import dataclass
from alertbot.core.json import Json, OtherShape, as_view
from alertbot.core.model import Conflict, Fault
from alertbot.core.words import _, language

T = TypeVar("T")

ROOT = "/api/v1"
PROBLEM = "urn:alertbot:problem:"
TIMEOUT = httpx.Timeout(60.0, connect=10.0)  # an answer may wait for a database that is busy
PAUSES = (0.5, 1.0, 2.0)  # seconds before a request is made again whose answer did not come
WRONG_USE = frozenset(
    {"misuse", "unknown", "invalid", "not-json", "too-large", "media-type", "key-reused"}
)
NOT_DONE = frozenset({"database", "failed", "slow", "incomplete"})
ELSEWHERE = frozenset({"not-found", "no-method"})


@dataclass(frozen=True, slots=True)
class Server:
    """The desk of a service, and the token with which a person asks it."""

    url: str
    token: str | None

    def get(self, kind: Any, path: str, **query: str | int | None) -> Any:
        """What is at this address, as a view of this type."""
        given = {name: str(value) for name, value in query.items() if value is not None}
        return self.view(kind, self.ask("GET", path, query=given).document)

    def change(self, kind: Any, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Do something there, once: if the answer is lost, the request is made again under the same key, now or when the
        same command is given again."""
        said = {name: value for name, value in body.items() if value not in (None, [], {}, "", False)}
        mark = json.dumps([self.url, self.token, method, path, said], sort_keys=True)
        key = kept.request_key(mark) or uuid4().hex
        kept.note_request(mark, key)
        answer = self.ask(method, path, body=said, key=key)
        kept.forget_request(mark)
        return self.view(kind, answer.document)

    def view(self, kind: Any, document: Json) -> Any:
        try:
            return as_view(kind, document)
        except OtherShape:
            raise self._other_version() from None

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> "ServerAnswer":
        """The answer of one request. Raises the error that the refusal is."""
        headers = {
            "accept-language": language(),
            "user-agent": f"alertbot/{__version__}",
            "x-alertbot-reader": "command-line",  # who finds commands in sentences and can give them
        }
        headers |= {"authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"idempotency-key": key} if key else {}
        made = {"headers": headers, "params": query or None}
        if body is not None:
            made["json"] = body
        answer = self._made(method, path, made, again=method == "GET" or key is not None)
        if answer.is_success:
            return ServerAnswer(self._document(answer), dict(answer.headers))
        refusal = self._refusal(answer)
        if key and body is not None and _is_final(answer):
            kept.forget_key(key)
        raise refusal

    def form(self, path: str, fields: Mapping[str, str]) -> tuple[int, Mapping[str, Json]]:
        """Send a form without a token, as signing in asks; its status and document."""
        headers = {"accept-language": language(), "user-agent": f"alertbot/{__version__}"}
        answer = self._made("POST", path, {"data": fields, "headers": headers}, again=False)
        found = self._document(answer)
        if not isinstance(found, dict):
            raise self._other_version()
        return answer.status_code, found

    def _made(self, method: str, path: str, made: Mapping[str, Any], *, again: bool) -> httpx.Response:
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False) as client:
            for pause in (*PAUSES, None):
                try:
                    return client.request(method, f"{self.url}{ROOT}{path}", **made)
                except httpx.TransportError as error:
                    if pause is None or not again or _is_certificate(error):
                        raise self._unreached(method, error) from None
                time.sleep(pause)
        raise AssertionError("the last try returns or raises")

    def _document(self, answer: httpx.Response) -> Json:
        try:
            found: Json = answer.json()
        except ValueError:
            raise self._no_desk(answer) from None
        return found

    def _unreached(self, method: str, error: httpx.TransportError) -> AlertbotError:
        why = safe(str(error) or type(error).__name__)
        if _is_certificate(error):
            said = _("The certificate of {server} cannot be trusted, so nothing was sent: {why}")
        elif isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            said = _("{server} cannot be reached: {why}")
        elif method == "GET":
            said = _("{server} did not answer: {why}")
        else:
            said = _(
                "The answer of {server} did not come, so nobody knows here whether it was done ({why}). Give the same"
                " command again: it is not done twice."
            )
        return StoreFailed(said.format(server=self.url, why=why))

    def _no_desk(self, answer: httpx.Response) -> AlertbotError:
        said = _(
            "What answers at {server} is no desk of alertbot (status {status}). Check the address."
        )
        return StoreFailed(said.format(server=self.url, status=answer.status_code))

    def _other_version(self) -> AlertbotError:
        said = _(
            "{server} is of another version than this alertbot ({version}), and the two do not understand each other"
            " here. Do it on the desk, or install the server's version."
        )
        return StoreFailed(said.format(server=self.url, version=__version__))

    def _refusal(self, answer: httpx.Response) -> AlertbotError:
        found = self._document(answer)
        kind = found.get("type") if isinstance(found, dict) else None
        if not isinstance(found, dict) or not str(kind).startswith(PROBLEM):
            return self._no_desk(answer)
        name, said = str(kind).removeprefix(PROBLEM), str(found.get("detail") or found.get("title"))
        if name in ELSEWHERE:
            return self._other_version()
        if name == "faulty":
            faults = self.view(list[Fault], found.get("faults") or [])
            beside = self.view(list[Conflict], found.get("contradictions") or [])
            return Faulty(said, faults, beside)
        if name == "invalid":
            return Misuse("\n".join([said, *_places(found.get("errors"))]))
        if name in ("no-token", "token-invalid"):
            return Refused(
                f"{said} {_('Or: alertbot login --server {server}').format(server=self.url)}"
            )
        if name in WRONG_USE:
            return Misuse(said)
        return StoreFailed(said) if name in NOT_DONE else Refused(said)


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What a server answered, and what it said in the head."""

    document: Json
    headers: Mapping[str, str]


def part(name: object) -> str:
    """A name as a part of an address."""
    return quote(str(name), safe="")


def _is_certificate(error: httpx.TransportError) -> bool:
    return "CERTIFICATE" in str(error).upper()


def _is_final(answer: httpx.Response) -> bool:
    """Whether this refusal answers the request: after others its outcome is not known yet, and the key stays."""
    return "under-way" not in answer.text and answer.status_code < 500


def _places(errors: Json) -> list[str]:
    found = errors if isinstance(errors, list) else []
    return [f"  - {one.get('place')}: {one.get('message')}" for one in found if isinstance(one, dict)]
