"""Whatever programs send to the API: it is done or refused as its description says, and never a fault of ours."""

import asyncio
import json
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from alertbot.db.database import Database
from alertbot.web.api import entry
from alertbot.web.serving import LONGEST_HEAD_BYTES
from tests.effort import examples
from tests.web.officer import URL, scene
from tests.web.program import Program, program

T = TypeVar("T")
CONFORMANCE = [
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance"),
]
DOCUMENT = json.loads(entry.text())
OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()
}
settings.register_profile("api", deadline=None, derandomize=True, database=None)
FUZZ = settings(
    settings.get_profile("api"), max_examples=examples(300), suppress_health_check=list(HealthCheck)
)


@dataclass
class FuzzedApi:
    """A team's API with a loop of its own, and what there is by the names in addresses."""

    loop: asyncio.AbstractEventLoop
    program: Program
    known: dict[str, list[str]]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def api(request: pytest.FixtureRequest) -> Iterator[FuzzedApi]:
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    loop = asyncio.new_event_loop()
    database = loop.run_until_complete(Database.open(str(request.getfixturevalue(name)), migrate=False))
    yield loop.run_until_complete(_lively(loop, database))
    loop.run_until_complete(database.close())
    loop.close()


async def _lively(loop: asyncio.AbstractEventLoop, database: Database) -> FuzzedApi:
    """A draft, a pending and a published alert, and a person who may do everything."""
    desk = await scene(database)
    team = desk.team
    await team.join("eve", "author", "approver")
    out = await team.approved("provisional_number")
    await team.work()
    pending = await team.pending("holding")
    draft = await team.draft("status")
    known = {
        "alert": [out.id, pending.id, draft.id, "NO-1"],
        "incident": [out.incident, "NO"],
        "entry": ["N1", "N9999"],
        "delivery": ["1", "9999"],
        "kind": ["status", "holding", "nothing"],
    }
    return FuzzedApi(loop, await program(desk, "eve"), known)


def test_the_description_is_valid() -> None:
    validate(DOCUMENT)


@seed(20210602)
@settings(FUZZ)
@given(data=st.data())
def test_every_answer_is_as_described(api: FuzzedApi, data: st.DataObject) -> None:
    operation = OPERATIONS[data.draw(st.sampled_from(sorted(OPERATIONS)))]
    names = [one.name for one in operation.path_parameters]
    path = {name: data.draw(st.sampled_from(api.known[name])) for name in names}
    mode = data.draw(st.sampled_from(list(GenerationMode)))
    case = data.draw(operation.as_strategy(path_parameters=path or None, generation_mode=mode))
    prepared = requests.Request(**case.as_transport_kwargs(base_url=URL)).prepare()
    assume(len(str(prepared.url)) < LONGEST_HEAD_BYTES)
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
    headers = [
        (name, value if isinstance(value, bytes) else value.encode("latin-1", "replace"))
        for name, value in prepared.headers.items()
        if name.lower() != "authorization"
    ]
    headers.append(("authorization", f"Bearer {api.program.token}".encode()))
    answer = api.run(
        api.program.client.request(
            str(prepared.method), str(prepared.url), content=body, headers=headers
        )
    )
    case.validate_response(answer, checks=[CHECKS.get_one(name) for name in CONFORMANCE])
