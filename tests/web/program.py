"""A program at the API: a person's token, and requests with it."""

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from alertbot.people import api_tokens
from alertbot.people.rules import Scope, scopes_of
from alertbot.web.api import entry
from tests.team import Team, example
from tests.web.officer import URL, DeskScene

ROOT = "/api/v1"


@cache
def _described() -> dict[str, Any]:
    """The description, in which answers hold no more than it says."""
    document: dict[str, Any] = json.loads(entry.text())
    for schema in document["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    return document


@cache
def _validator(method: str, path: str, status: int) -> Draft202012Validator:
    document = _described()
    for pattern, operations in document["paths"].items():
        if method.lower() in operations and re.fullmatch(re.sub(r"{\w+}", "[^/]+", pattern), path):
            answer = operations[method.lower()]["responses"][str(status)]
            if "$ref" in answer:
                answer = document["components"]["responses"][str(status)]
            (content,) = answer["content"].values()
            return Draft202012Validator(content["schema"] | {"components": document["components"]})
    raise AssertionError(f"{method} {path} is not described")


def as_described(answer: httpx.Response) -> None:
    """Check an answer against the description of its operation."""
    where = answer.request.url.path
    _validator(answer.request.method, where, answer.status_code).validate(answer.json())


@dataclass
class Program:
    """Requests with one token."""

    team: Team
    client: httpx.AsyncClient
    token: str
    answer: httpx.Response = field(default_factory=lambda: httpx.Response(200))

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        given = {"authorization": f"Bearer {self.token}"} if self.token else {}
        given |= {name.replace("_", "-"): text for name, text in headers.items()}
        more: dict[str, Any] = {} if body is None else {"json": body}
        self.answer = await self.client.request(method, ROOT + path, headers=given, **more)
        if self.answer.status_code not in (404, 405):
            as_described(self.answer)
        return self.answer

    async def get(self, path: str, **headers: str) -> Any:
        answer = await self.call("GET", path, **headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.call("POST", path, body, **headers)

    async def does(self, path: str, body: Any = None, **headers: str) -> Any:
        """The document of a request that has to succeed."""
        answer = await self.post(path, body, **headers)
        assert answer.is_success, answer.text
        return answer.json()

    def wishes(self, kind: str = "status", **more: Any) -> dict[str, Any]:
        """The kind's example as a new alert."""
        return {"kind": kind, "values": example(self.team.service, kind), "new_incident": True, **more}


def stranger(desk: DeskScene, token: str = "", address: str = "203.0.113.9") -> Program:
    """A program with a token that may be anything."""
    transport = httpx.ASGITransport(desk.web, client=(address, 4711))
    client = httpx.AsyncClient(
        transport=transport, base_url=URL, headers={"accept-language": "en", "user-agent": "curl"}
    )
    return Program(desk.team, client, token)


async def program(desk: DeskScene, name: str, *scopes: Scope, days: int = 90) -> Program:
    """A program of this person, with all that their roles carry or these scopes."""
    who = desk.team.people[name]
    wanted = frozenset(scopes) or scopes_of(who)
    return stranger(desk, await api_tokens.make(desk.team.service, who, "test", wanted, days))
