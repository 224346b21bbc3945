"""Whatever comes in: it is stored, kept aside or refused, as `/openapi.json` says, and never a fault of ours."""

import asyncio
import copy
import json
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate
from schemathesis.checks import CHECKS

from alertbot.core.json import DEEPEST
from alertbot.db.database import Database
from alertbot.delivery import store_accounts
from alertbot.watch.context import WATCH
from alertbot.watch.sources.base import SHAPES, looks_like, read
from tests.effort import examples
from tests.web.sender import OTHER, SECRET, TYPES, Sender, sender, source

T = TypeVar("T")

SAMPLES = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in (Path(__file__).parents[1] / "watch" / "sources" / "samples").glob("*.json")
}
ROOT = "http://alertbot.example.org"
SAID = (202, 422)  # to whom the secret is known: nothing else, whatever the body
KEPT_WORDS = ("firing", "resolved", "critical", "down", "TRIGGERED", "", "\x00", "\ud800", "é" * 400)
CONFORMANCE = [
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_schema_conformance", "response_headers_conformance"),
]
settings.register_profile("fuzz", deadline=None, derandomize=True, database=None)
FUZZ = settings(
    settings.get_profile("fuzz"),
    max_examples=examples(80),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@dataclass
class Target:
    """A team's intake with a loop of its own, because what fuzzes it knows none."""

    loop: asyncio.AbstractEventLoop
    sender: Sender

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def post(self, name: str, body: bytes, kind: str = "application/json") -> httpx.Response:
        headers = {"authorization": f"Bearer {SECRET}", "content-type": kind}
        return self.run(self.sender.post(name, body, headers))

    def kept(self) -> int:
        return self.run(self.sender.rows())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    monkeypatch.setenv("SOURCE_SECRET", SECRET)
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url = str(request.getfixturevalue(name))
    loop = asyncio.new_event_loop()
    database = loop.run_until_complete(Database.open(url, migrate=False))
    mapped = {"items": "checks || [@]", "service": "name || service", "at": "at", "key": "key"}
    fast = {name: source(name, per_minute=100_000) for name in TYPES}
    fast["mapped"] = source("generic", per_minute=100_000, map=mapped)
    made = Target(loop, loop.run_until_complete(sender(database, **fast)))
    service = made.sender.team.service
    made.run(database.transact(lambda conn: store_accounts.beat(conn, "worker", "here")))
    service.pulse.beat(WATCH)  # ready, as a server that works
    yield made
    loop.run_until_complete(made.sender.client.aclose())
    loop.run_until_complete(database.close())
    loop.close()


words = st.text(max_size=20) | st.sampled_from(KEPT_WORDS)
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words
)
names = st.sampled_from(sorted({key for one in SAMPLES.values() for key in one})) | words
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5),
    max_leaves=20,
)


@st.composite
def altered(draw: st.DrawFn) -> Any:
    """A sample in which some values are others, are missing, or are new."""
    body = copy.deepcopy(draw(st.sampled_from([SAMPLES[name] for name in sorted(SAMPLES)])))
    for _number in range(draw(st.integers(1, 4))):
        place: Any = body
        while True:
            key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
            deeper = place[key]
            if not isinstance(deeper, dict | list) or not deeper or draw(st.booleans()):
                break
            place = deeper
        if draw(st.booleans()):
            place[key] = draw(documents)
        elif isinstance(place, dict) and len(place) > 1:
            del place[key]
    return body


def stored_or_kept_aside(target: Target, name: str, body: bytes, kind: str = "") -> None:
    before = target.kept()
    answer = target.post(name, body, kind)
    assert answer.status_code in SAID, answer.text
    document = answer.json()
    expected = document["stored"] if answer.status_code == 202 else 1
    assert target.kept() - before >= expected
    assert SECRET not in answer.text


@seed(20210602)
@settings(FUZZ, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_json_is_stored_or_kept_aside(target: Target, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from((*TYPES, "mapped")))
    body = data.draw(altered() | documents)
    stored_or_kept_aside(target, name, json.dumps(body).encode())


@seed(20210602)
@settings(FUZZ, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_bytes_are_stored_or_kept_aside(target: Target, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(TYPES))
    kinds = ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    body = data.draw(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
    wrapped = data.draw(
        st.sampled_from([b"", b"data=", b'--x\r\nContent-Disposition: x; name="data"\r\n\r\n'])
    )
    stored_or_kept_aside(target, name, wrapped + body, data.draw(st.sampled_from(kinds)))


def described(target: Target) -> dict[str, Any]:
    document: dict[str, Any] = target.run(target.sender.client.get("/openapi.json")).json()
    return document


def operations(document: dict[str, Any]) -> dict[str, Any]:
    schema = schemathesis.openapi.from_dict(document)
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


def test_the_description_is_one_and_only_of_what_machines_use(target: Target) -> None:
    document = described(target)
    validate(document)
    assert set(operations(document)) == {
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "POST /signals/{source}",
        "POST /signals/{source}/{secret}",
    }


@seed(20210602)
@settings(FUZZ, suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.parametrize(
    "label",
    [
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "POST /signals/{source}",
        "POST /signals/{source}/{secret}",
    ],
)
def test_every_answer_is_as_described(target: Target, label: str, data: st.DataObject) -> None:
    operation = operations(described(target))[label]
    known = {"source": data.draw(st.sampled_from((*TYPES, "signed", "nowhere")))}
    secret = data.draw(st.sampled_from([SECRET, OTHER]))
    path = known | ({"secret": secret} if "{secret}" in label else {})
    case = data.draw(operation.as_strategy(path_parameters=path if "{" in label else None))
    prepared = requests.Request(**case.as_transport_kwargs(base_url=ROOT)).prepare()
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
    headers = {key: value for key, value in prepared.headers.items() if key.lower() != "authorization"}
    if "{secret}" not in label:
        headers["authorization"] = f"Bearer {secret}"
    answer = target.run(
        target.sender.client.request(
            str(prepared.method), str(prepared.url), content=body, headers=headers
        )
    )
    case.validate_response(answer, checks=[CHECKS.get_one(name) for name in CONFORMANCE])


@given(documents)
@settings(deadline=None)
def test_what_a_body_looks_like_is_a_type_or_nothing(body: object) -> None:
    assert looks_like(body) in (None, *SHAPES)


@given(st.integers(1, 200))
def test_depth_is_counted_outside_of_texts_alone(levels: int) -> None:
    from alertbot.watch.sources.base import UnknownShape

    body = b"[" * levels + b'"[[[[{{{{\\"[["' + b"]" * levels
    if levels <= DEEPEST:
        assert read("x", body)
    else:
        with pytest.raises(UnknownShape):
            read("x", body)


@given(documents)
@settings(deadline=None)
def test_what_is_json_is_read_as_json(body: object) -> None:
    assert read("x", json.dumps(body).encode()) == json.loads(json.dumps(body))
