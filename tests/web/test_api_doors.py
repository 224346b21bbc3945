"""Who gets in at the API and who does not, at every address; what is refused before anything is looked at; and requests
that come twice."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from babel.messages.pofile import read_po
from starlette.routing import Route

from alertbot.alerts import writing
from alertbot.core.json import DEEPEST
from alertbot.db.database import Database
from alertbot.people import accounts, api_tokens, store_api
from alertbot.people.rules import Scope, scopes_of
from alertbot.web.api import entry, problems, room
from alertbot.web.api.room import LARGEST_BODY_BYTES, ApiRoom, Operation
from alertbot.web.app import build
from tests.team import example
from tests.web.officer import URL, DeskScene, scene
from tests.web.program import ROOT, Program, program, stranger

REPOSITORY = Path(__file__).parents[2]
OPEN = {("POST", f"{ROOT}/device"), ("POST", f"{ROOT}/token"), ("GET", f"{ROOT}/openapi.json")}
WALK = entry.operations()


@pytest.fixture
async def here(sqlite_url: str) -> AsyncIterator[DeskScene]:
    """A desk where what is tested asks nothing of the database that another would answer otherwise."""
    database = await Database.open(sqlite_url, migrate=False)
    made = await scene(database)
    yield made
    await made.close()
    await database.close()


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[DeskScene]:
    made = await scene(database)
    yield made
    await made.close()


def place(one: Operation) -> str:
    return re.sub(r"{\w+}", "1", one.path)


async def types(caller: Program, walk: tuple[Operation, ...] = WALK) -> dict[str, str]:
    """What each operation answers to an empty request, by its method and path: the type of the problem."""
    found = {}
    for one in walk:
        answer = await caller.call(one.method, place(one), {} if one.changes else None)
        told = answer.json()
        name = told.get("type", "") if isinstance(told, dict) else ""
        found[f"{one.method} {one.path}"] = name.removeprefix(problems.TYPE)
    return found


# --- every address --------------------------------------------------------------------------------


def test_the_walk_knows_every_route(here: DeskScene) -> None:
    found = {
        (method, route.path)
        for route in entry.router(ApiRoom(here.team.service, URL)).routes
        if isinstance(route, Route) and "{rest" not in route.path and route.path != ROOT
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert found == OPEN | {(one.method, ROOT + one.path) for one in WALK}


async def test_nothing_without_a_token(here: DeskScene) -> None:
    assert set((await types(stranger(here))).values()) == {"no-token"}
    for head in ("Basic YTpi", "Bearer", "Bearer  ", "bearer abt_x y"):
        answer = await stranger(here).call("GET", "/kinds", authorization=head)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", ["ada", "bo", "dee"])
async def test_each_role_with_each_scope_and_without(here: DeskScene, name: str) -> None:
    """An author, an approver, an admin alone: what is not among their scopes is refused, what is gets further."""
    await here.team.join("dee", "admin")
    who = here.team.people[name]
    for scope in scopes_of(who):
        caller = await program(here, name, scope)
        for operation, kind in (await types(caller)).items():
            needed = next(one.scope for one in WALK if f"{one.method} {one.path}" == operation)
            beyond = needed is not None and needed is not scope
            assert (kind == "scope-missing") is beyond, f"{operation} with {scope}: {kind}"


async def test_a_role_that_is_gone_takes_the_scope_with_it(desk: DeskScene) -> None:
    """A token from a time with more roles."""
    service, who = desk.team.service, desk.team.people["ada"]
    token = store_api.new_token()
    await service.database.transact(
        lambda conn: store_api.add(
            conn,
            who,
            token_hash=store_api.hashed(token),
            name="old",
            scopes=list(Scope),
            way="desk",
            lasts=timedelta(days=90),
            now=service.now,
        )
    )
    caller = stranger(desk, token)
    assert "approve" not in (await caller.get("/me"))["scopes"]
    assert (await caller.post("/alerts/1/approve", {"digest": "0" * 64})).status_code == 403


async def test_nothing_with_a_token_that_is_over(desk: DeskScene) -> None:
    await desk.team.join("dee", "approver")
    await desk.team.join("eve", "approver")
    revoked, expired = await program(desk, "bo"), await program(desk, "cy", days=1)
    gone, renewed = await program(desk, "dee"), await program(desk, "eve")
    service, people = desk.team.service, desk.team.people
    assert await api_tokens.revoke(service, people["bo"], 1)
    await accounts.revoke(service, people["bo"], "dee")
    await accounts.rotate(service, people["eve"], "eve", None)
    desk.team.clock.forward(days=2)
    for caller in (revoked, expired, gone, renewed):
        assert set((await types(caller)).values()) == {"token-invalid"}


async def test_no_other_origin_is_given_leave(here: DeskScene) -> None:
    caller = await program(here, "ada")
    for method in ("OPTIONS", "GET", "POST"):
        head = {"origin": "https://evil.example.com", "access_control_request_method": "POST"}
        answer = await caller.call(method, "/kinds", **head)
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert answer.headers["cache-control"] == "no-store"


async def test_what_is_not_there_is_a_problem_too(here: DeskScene) -> None:
    for path in ("", "/", "/nothing", "/kinds/", "/alerts/1/nothing"):
        answer = await stranger(here).call("GET", path)
        assert answer.json()["type"] == f"{problems.TYPE}not-found", path


def test_every_type_of_problem_stands_in_the_reference() -> None:
    page = (REPOSITORY / "docs" / "reference" / "api.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", page, re.MULTILINE))
    assert rows == {name: str(status) for name, status in problems.STATUS.items()}


def test_every_operation_stands_in_the_reference() -> None:
    page = (REPOSITORY / "docs" / "reference" / "api.md").read_text("utf-8")
    for one in WALK:
        row = f"| `{one.method} {one.path}` | {one.scope or 'any'} |"
        assert row in page, row


# --- bodies ---------------------------------------------------------------------------------------

TWICE = b'{"kind": "status", "kind": "holding"}'


BODIES = [
    (b"x" * (LARGEST_BODY_BYTES + 1), "too-large", "more than 200000 bytes"),
    (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), "not-json", "nested deeper"),
    (TWICE, "not-json", "appears twice"),
    (b'{"kind": NaN}', "not-json", "NaN"),
    (b'{"kind": ', "not-json", "it is not JSON"),
    (b"\xff\xfe", "not-json", "UTF-8"),
    (b"[]", "invalid", "must be an object"),
    (b"3", "invalid", "must be an object"),
    (b'{"kind": 3}', "invalid", "“kind”: must be a text."),
    (b'{"kindd": "status"}', "invalid", "“kindd”: is not known here; known are: kind, values"),
    (b"{}", "invalid", "“kind”: is missing."),
    (b'{"kind": "status", "values": {"where": 69}}', "invalid", "where must be a text"),
    (b'{"kind": "status", "exercise": "yes"}', "invalid", "“exercise”: must be true or false."),
    (b'{"kind": "st\\u0000"}', "invalid", "NUL"),
    (b'{"kind": "nothing"}', "unknown", "There is no kind"),
    (b'{"kind": "status", "channels": ["nowhere"]}', "misuse", "nowhere"),
]


async def test_each_body_that_does_not_fit_gets_one_sentence(here: DeskScene) -> None:
    caller = await program(here, "ada")
    for body, kind, said in BODIES:
        told = (await sent(caller, "/preview", body)).json()
        assert told["type"] == problems.TYPE + kind, body
        assert said in told["detail"], body
        assert "\n" not in told["detail"], body


async def sent(
    caller: Program, path: str, body: bytes, kind: str = "application/json"
) -> httpx.Response:
    head = {"authorization": f"Bearer {caller.token}", "content-type": kind}
    return await caller.client.post(ROOT + path, content=body, headers=head)


async def test_only_json_is_read(here: DeskScene) -> None:
    """A form that another site's page can send is none."""
    caller = await program(here, "ada")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = await sent(caller, "/preview", b'{"kind": "status"}', kind)
        assert answer.status_code == 415
    assert (await sent(caller, "/halt", b"", "")).status_code == 200


async def test_each_query_that_does_not_fit_gets_one_sentence(here: DeskScene) -> None:
    caller = await program(here, "ada")
    for query in ("limit=0", "limit=1001", "limit=x", "cursor=-1", "state=lost", "what=1", "alert=%00"):
        answer = await caller.call("GET", f"/deliveries?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["errors"][0]["place"] == query.partition("=")[0]


async def test_a_failure_of_ours_is_a_problem_and_says_nothing_of_itself(
    here: DeskScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_given: Any, **_more: Any) -> None:
        raise RuntimeError("secret words")

    monkeypatch.setattr("alertbot.ops.overview.status", fails)
    answer = await (await program(here, "ada")).call("GET", "/status")
    assert answer.status_code == 500
    assert "secret" not in answer.text


# --- no refusal sends a program to the command line -----------------------------------------------


def test_no_refusal_names_a_command() -> None:
    """Every sentence of the catalogue that names one keeps something to say without it."""
    path = REPOSITORY / "alertbot/core/locale/fr/LC_MESSAGES/alertbot.po"
    with path.open("rb") as file:
        catalogue = read_po(file)
    named = re.compile(r"alertbot [a-z]|--[a-z]|ALERTBOT_")
    for message in catalogue:
        ids = [message.id] if isinstance(message.id, str) else list(message.id)
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        for text in filter(named.search, [*ids, *texts]):
            kept = problems.for_programs(text)
            assert not named.search(kept), f"{text}\n→ {kept}"
            assert kept


# --- requests that come twice ---------------------------------------------------------------------


async def alerts(caller: Program) -> int:
    return len((await caller.get("/status"))["alerts"])


async def test_the_same_key_gets_the_same_answer_and_does_it_once(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    body, key = ada.wishes("holding"), {"idempotency_key": "k1"}
    first = await ada.post("/alerts", body, **key)
    again = await ada.post("/alerts", body, **key)
    assert first.status_code == again.status_code == 201
    assert first.text == again.text
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert await alerts(ada) == 1


async def test_also_after_a_restart_and_with_another_token_of_the_person(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    body = ada.wishes("holding")
    first = await ada.does("/alerts", body, idempotency_key="k1")
    restarted = DeskScene(desk.team, build(desk.team.service, desk=URL))
    other = await program(restarted, "ada")
    assert await other.does("/alerts", body, idempotency_key="k1") == first
    assert other.answer.headers["idempotency-replayed"] == "true"
    assert await alerts(ada) == 1


async def test_two_at_once_do_it_once(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    body = ada.wishes("holding")
    calls = (stranger(desk, ada.token).post("/alerts", body, idempotency_key="k1") for _one in range(4))
    answers = await asyncio.gather(*calls)
    assert len({one.text for one in answers}) == 1
    assert sorted("idempotency-replayed" in one.headers for one in answers) == [False, True, True, True]
    assert await alerts(ada) == 1


async def test_the_same_key_with_another_request_is_refused(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    body = ada.wishes("holding")
    alert = (await ada.does("/alerts", body, idempotency_key="k1"))["id"]
    for path, other in (("/alerts", body | {"exercise": True}), (f"/alerts/{alert}/submit", {})):
        answer = await ada.post(path, other, idempotency_key="k1")
        assert answer.status_code == 422
        assert answer.json()["type"] == f"{problems.TYPE}key-reused"
    bo = await program(desk, "bo")
    assert (await bo.post("/alerts", body, idempotency_key="k1")).status_code == 201


async def test_a_refusal_is_an_answer_too(desk: DeskScene) -> None:
    """What was typed wrongly and is recorded as such is recorded once."""
    team = desk.team
    rows = example(team.service, "provisional_number")["numbers"]
    name = (await team.register(rows, verified=False))[0]
    bo, body = await program(desk, "bo"), {"digits": "1", "call": "answered"}
    first = await bo.post(f"/numbers/{name}/verify", body, idempotency_key="k1")
    again = await bo.post(f"/numbers/{name}/verify", body, idempotency_key="k1")
    assert first.status_code == again.status_code == 403
    assert first.text == again.text
    assert len((await bo.get(f"/numbers/{name}"))["checks"]) == 1


async def test_a_key_is_kept_for_a_day(desk: DeskScene) -> None:
    ada = await program(desk, "ada")
    body = ada.wishes("holding")
    await ada.does("/alerts", body, idempotency_key="k1")
    desk.team.clock.forward(hours=23, minutes=59)
    assert await ada.post("/alerts", body, idempotency_key="k1")
    assert await alerts(ada) == 1
    desk.team.clock.forward(minutes=2)
    await ada.does("/alerts", body, idempotency_key="k1")
    assert await alerts(ada) == 2


async def test_one_that_was_interrupted_is_not_done_again(
    desk: DeskScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "WAIT_SECONDS", 0.1)
    ada = await program(desk, "ada")
    desk.team.clock.forward(minutes=1)  # her token was made before
    kept = store_api.keep

    async def dies(*_given: Any, **_more: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(store_api, "keep", dies)
    with pytest.raises(asyncio.CancelledError):
        await ada.post("/alerts", ada.wishes("holding"), idempotency_key="k1")
    monkeypatch.setattr(store_api, "keep", kept)
    answer = await ada.post("/alerts", ada.wishes("holding"), idempotency_key="k1")
    assert answer.json()["type"] == f"{problems.TYPE}under-way"
    desk.team.clock.forward(minutes=2)
    answer = await ada.post("/alerts", ada.wishes("holding"), idempotency_key="k1")
    told = answer.json()
    assert (told["type"], len(told["done"])) == (f"{problems.TYPE}answer-lost", 1)
    assert f"draft {told['done'][0]}" in told["detail"]
    assert await alerts(ada) == 1


async def test_one_that_was_killed_before_it_did_anything_is_done_when_it_comes_again(
    desk: DeskScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await program(desk, "ada")
    desk.team.clock.forward(minutes=1)  # her token was made before
    drafted = writing.draft

    async def dies(*_given: Any, **_more: Any) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(writing, "draft", dies)
    with pytest.raises(asyncio.CancelledError):
        await ada.post("/alerts", ada.wishes("holding"), idempotency_key="k1")
    monkeypatch.setattr(writing, "draft", drafted)
    desk.team.clock.forward(minutes=2)
    both = [
        await ada.post("/alerts", ada.wishes("holding"), idempotency_key="k1") for _twice in range(2)
    ]
    assert [one.status_code for one in both] == [201, 201]
    assert both[0].json() == both[1].json()
    assert await alerts(ada) == 1


async def test_a_key_is_short_and_plain(here: DeskScene) -> None:
    ada = await program(here, "ada")
    for key in (b"", b"x" * 256, "caf\xe9".encode("latin-1")):
        head = {b"authorization": f"Bearer {ada.token}".encode(), b"idempotency-key": key}
        answer = await ada.client.post(f"{ROOT}/alerts", json=ada.wishes(), headers=head)
        assert answer.status_code == 422
        assert json.loads(answer.text)["detail"].startswith("Idempotency-Key")
