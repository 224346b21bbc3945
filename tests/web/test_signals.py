"""The intake over HTTP: who is let in, what is kept, and what is answered."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from alertbot.core.errors import ConfigInvalid, StoreFailed
from alertbot.db.database import Database
from alertbot.watch import store_signals, watching
from alertbot.watch.reports import inlets
from alertbot.watch.rules_signals import Observed
from alertbot.web import reading
from alertbot.web.reading import MOST_WRONG
from alertbot.web.signals import LARGEST_BODY_BYTES, intake_of
from tests.web.sender import OTHER, SECRET, Sender, sender, source

SAMPLES = Path(__file__).parents[1] / "watch" / "sources" / "samples"
FIRING = (SAMPLES / "alertmanager.json").read_bytes()


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_SECRET", SECRET)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Sender]:
    made = await sender(database)
    yield made
    await made.client.aclose()


# --- what is kept -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("alertmanager", "alertmanager"),
        ("grafana", "grafana"),
        ("grafana", "grafana_legacy"),
        ("grafana", "alertmanager"),
        ("uptime_kuma", "uptime_kuma"),
        ("uptime_kuma", "uptime_kuma_test"),
        ("statuspage", "statuspage_component"),
        ("statuspage", "statuspage_incident"),
        ("gatus", "gatus"),
        ("gatus", "gatus_n8n"),
    ],
)
async def test_what_a_source_sends_is_stored_before_it_is_answered(
    desk: Sender, name: str, body: str
) -> None:
    answer = await desk.post(name, sample(body))
    assert answer.status_code == 202, answer.text
    stored = await desk.stored()
    assert answer.json() == {"stored": len(stored), "new": len(stored)}
    assert {one.signal.source for one in stored} == {name}


async def test_a_repeat_is_counted(desk: Sender) -> None:
    first = (await desk.post("alertmanager", FIRING)).json()
    again = (await desk.post("alertmanager", FIRING)).json()
    assert again == {"stored": first["stored"], "new": 0}
    assert {one.repeats for one in await desk.stored()} == {1}


async def test_a_report_is_heard_of_its_source(desk: Sender) -> None:
    await desk.post("alertmanager", FIRING)
    await desk.post("gatus", b"{}")
    heard = await desk.team.service.database.read(store_signals.silent)
    assert set(heard) == {"alertmanager", "gatus"}


async def test_a_test_notice_is_stored_and_answered(desk: Sender) -> None:
    assert (await desk.post("uptime_kuma", sample("uptime_kuma_test"))).status_code == 202
    (only,) = await desk.stored()
    assert only.signal.is_test
    assert only.signal.observed is Observed.UNKNOWN


async def test_names_and_confirmation_come_from_the_configuration(database: Database) -> None:
    settings = source("gatus", names={"urgences/portail": "portal"}, confirms=True)
    desk = await sender(database, samu=settings)
    assert (await desk.post("samu", sample("gatus"))).status_code == 202
    over = sample("gatus").replace(b"TRIGGERED", b"RESOLVED")
    assert (await desk.post("samu", over)).status_code == 202
    stored = {str(one.signal.observed): one.signal for one in await desk.stored()}
    assert {one.service for one in stored.values()} == {"portal"}
    assert {state: one.confirms for state, one in stored.items()} == {"down": False, "up": True}


async def test_the_reports_without_a_name_are_kept_aside(desk: Sender) -> None:
    body = json.loads(FIRING)
    body["alerts"].append({"status": "firing", "labels": {}})
    body["commonLabels"] = {}
    answer = await desk.post("alertmanager", json.dumps(body).encode())
    assert answer.json() == {"stored": 2, "new": 2}
    (aside,) = await desk.aside()
    assert "names no service" in aside.why


# --- how it may be written ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "nonsense", "a/b; charset=x"])
async def test_the_content_type_does_not_matter(desk: Sender, kind: str) -> None:
    headers = {"authorization": f"bearer {SECRET}", "content-type": kind}
    assert (await desk.post("alertmanager", FIRING, headers)).status_code == 202


async def test_a_form_holds_the_json_in_its_field_data(desk: Sender) -> None:
    headers = {"authorization": f"Bearer {SECRET}"}
    body = sample("uptime_kuma").decode()
    for way in ({"data": {"data": body}}, {"files": {"data": (None, body), "more": (None, "x")}}):
        answer = await desk.client.post("/signals/uptime_kuma", headers=headers, **way)  # type: ignore[arg-type]
        assert answer.status_code == 202, answer.text
    (only,) = await desk.stored()
    assert only.repeats == 1


async def test_json_that_calls_itself_a_form_is_json(desk: Sender) -> None:
    """As `curl --data` sends it."""
    headers = {
        "authorization": f"Bearer {SECRET}",
        "content-type": "application/x-www-form-urlencoded",
    }
    assert (await desk.post("alertmanager", FIRING, headers)).status_code == 202


async def test_a_byte_order_mark_is_no_fault(desk: Sender) -> None:
    assert (await desk.post("alertmanager", b"\xef\xbb\xbf" + FIRING)).status_code == 202


# --- what is not understood ---------------------------------------------------------------------

BOMBS = {
    "depth": b"[" * 200_000,
    "closed depth": b"[" * 100 + b"]" * 100,
    "deep objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "NaN": b'{"alerts": [{"status": NaN}]}',
    "Infinity": b'{"alerts": -Infinity}',
    "too large": b'{"alerts": 1e999}',
    "digits": b'{"alerts": ' + b"9" * 10_000 + b"}",
    "twice": b'{"alerts": [], "alerts": [{"status": "firing"}]}',
    "no UTF-8": b'{"alerts": "\xff\xfe"}',
    "UTF-16": '{"alerts": []}'.encode("utf-16"),
    "not JSON": b"status=down",
    "nothing": b"",
    "zeros": b"\x00" * 100,
    "a list": b"[1, 2, 3]",
    "half": FIRING[:100],
    "a surrogate": b'{"\\ud800": "\\udfff", "a\\u0000b": 1}',
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("type_", ["alertmanager", "generic"])
async def test_what_is_not_understood_is_kept_aside(desk: Sender, type_: str, name: str) -> None:
    answer = await desk.post(type_, BOMBS[name])
    assert answer.status_code == 422
    (kept,) = await desk.aside()
    assert answer.json()["quarantine"] == kept.id
    assert answer.json()["error"] == kept.why
    assert kept.size == len(BOMBS[name])
    assert await desk.stored() == ()


async def test_the_names_that_were_seen_are_told(desk: Sender) -> None:
    answer = await desk.post("alertmanager", b'{"hello": 1, "world": 2}')
    assert answer.json()["keys"] == ["hello", "world"]
    assert "looks_like" not in answer.json()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("statuspage_incident", "statuspage"),
        ("statuspage_component", "statuspage"),
        ("alertmanager", "alertmanager"),
        ("grafana", "grafana"),
        ("grafana_legacy", "grafana"),
        ("uptime_kuma", "uptime_kuma"),
        ("gatus_n8n", "gatus"),
    ],
)
async def test_another_types_body_is_not_guessed_at(desk: Sender, body: str, expected: str) -> None:
    name = "gatus" if expected != "gatus" else "statuspage"
    answer = await desk.post(name, sample(body))
    assert answer.status_code == 422
    assert answer.json()["looks_like"] == expected
    assert expected in answer.json()["error"]
    assert await desk.stored() == ()


async def test_a_parser_that_fails_costs_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("Bearer of-bad-news")

    monkeypatch.setattr("alertbot.watch.sources.gatus.parse", broken)
    other = await sender(database)
    answer = await other.post("gatus", sample("gatus"))
    assert answer.status_code == 422
    assert len(await other.aside()) == 1
    assert "RuntimeError" in caplog.text
    assert "of-bad-news" not in caplog.text + answer.text


# --- who is let in ------------------------------------------------------------------------------

STRANGERS: dict[str, dict[str, str]] = {
    "nothing": {},
    "wrong": {"authorization": f"Bearer {OTHER}"},
    "empty": {"authorization": "Bearer "},
    "another scheme": {"authorization": f"Basic {SECRET}"},
    "a part": {"authorization": f"Bearer {SECRET[:-1]}"},
    "odd bytes": {"authorization": "Bearer \xe9\xff"},
    "signed for nothing": {"x-alertbot-signature": "sha256=", "x-alertbot-timestamp": "1"},
    "signed by nobody": {
        "x-alertbot-signature": f"sha256={'0' * 64}",
        "x-alertbot-timestamp": "1772460000",
    },
}


@pytest.mark.parametrize("name", ["alertmanager", "signed", "nowhere"])
@pytest.mark.parametrize("how", STRANGERS)
async def test_a_stranger_learns_nothing(desk: Sender, name: str, how: str) -> None:
    headers = {key: value.encode("latin-1") for key, value in STRANGERS[how].items()}
    answer = await desk.client.post(f"/signals/{name}", content=FIRING, headers=headers)  # type: ignore[arg-type]
    beside = await desk.client.post("/signals/nowhere/at-all", content=b"")
    assert answer.status_code == beside.status_code == 401
    assert answer.content == beside.content
    assert answer.headers["www-authenticate"] == beside.headers["www-authenticate"]
    assert await desk.rows() == 0


async def test_the_secret_may_stand_in_the_path(desk: Sender) -> None:
    body = sample("statuspage_incident")
    assert (await desk.post("statuspage", body, {}, f"/{SECRET}")).status_code == 202
    assert (await desk.post("statuspage", body, {}, f"/{OTHER}")).status_code == 401
    assert (await desk.post("signed", FIRING, {}, f"/{SECRET}")).status_code == 401


async def test_the_secret_of_one_source_opens_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_SECRET", OTHER)
    desk = await sender(database, second=source("gatus", secret_env="OTHER_SECRET"))
    assert (await desk.post("second", sample("gatus"))).status_code == 401
    desk.secret = OTHER
    assert (await desk.post("second", sample("gatus"))).status_code == 202


async def test_who_guesses_often_has_to_wait_and_silences_nobody(desk: Sender) -> None:
    for _number in range(MOST_WRONG):
        assert (await desk.post("nowhere", b"", {})).status_code == 401
    refused = await desk.post("alertmanager", FIRING, {})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert (await desk.post("alertmanager", FIRING)).status_code == 202


async def test_only_post_is_taken(desk: Sender) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = await desk.client.request(method, "/signals/alertmanager")
        assert answer.status_code == 405


# --- what is signed -----------------------------------------------------------------------------


async def test_a_signed_report_is_taken(desk: Sender) -> None:
    assert (await desk.sign("signed", FIRING)).status_code == 202
    assert (await desk.sign("signed", FIRING, 299)).status_code == 202
    assert (await desk.sign("signed", FIRING, -299)).status_code == 202


async def test_the_secret_itself_does_not_open_a_signed_source(desk: Sender) -> None:
    assert (await desk.post("signed", FIRING)).status_code == 401
    assert (await desk.sign("alertmanager", FIRING)).status_code == 401


@pytest.mark.parametrize("age", [301, -301, 10**9])
async def test_a_report_of_another_time_is_refused(desk: Sender, age: float) -> None:
    answer = await desk.sign("signed", FIRING, age)
    assert answer.status_code == 401
    assert "300 s" in answer.json()["error"]
    assert await desk.rows() == 0


async def test_the_window_is_the_configurations(database: Database) -> None:
    desk = await sender(database, strict=source("alertmanager", signed=True, replay_window="10s"))
    assert (await desk.sign("strict", FIRING, 11)).status_code == 401
    assert (await desk.sign("strict", FIRING, 9)).status_code == 202


async def test_neither_body_nor_time_of_a_signed_report_can_be_changed(desk: Sender) -> None:
    signed = desk.signature(FIRING)
    assert (await desk.post("signed", FIRING + b" ", signed)).status_code == 401
    later = signed | {"x-alertbot-timestamp": str(int(signed["x-alertbot-timestamp"]) + 1)}
    assert (await desk.post("signed", FIRING, later)).status_code == 401
    assert await desk.rows() == 0


async def test_a_signed_report_sent_again_is_answered_the_same_and_not_taken(desk: Sender) -> None:
    signed = desk.signature(FIRING)
    first = await desk.post("signed", FIRING, signed)
    kept = await desk.rows()
    for _number in range(3):
        again = await desk.post("signed", FIRING, signed)
        assert (again.status_code, again.content) == (202, first.content)
    assert await desk.rows() == kept


async def test_of_two_at_once_one_is_taken(desk: Sender) -> None:
    signed = desk.signature(FIRING)
    answers = await asyncio.gather(*(desk.post("signed", FIRING, signed) for _number in range(5)))
    assert {one.status_code for one in answers} == {202}
    assert {one.repeats for one in await desk.stored()} == {0}


async def test_a_signed_body_that_is_not_understood_is_kept_once(desk: Sender) -> None:
    signed = desk.signature(b"{}")
    for _number in range(3):
        assert (await desk.post("signed", b"{}", signed)).status_code == 422
    assert len(await desk.aside()) == 1


async def test_after_the_window_it_is_too_old(desk: Sender) -> None:
    signed = desk.signature(FIRING)
    assert (await desk.post("signed", FIRING, signed)).status_code == 202
    desk.team.clock.forward(seconds=301)
    assert (await desk.post("signed", FIRING, signed)).status_code == 401


async def test_what_was_not_stored_is_taken_when_it_comes_again(
    desk: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed = desk.signature(FIRING)
    with monkeypatch.context() as broken:
        broken.setattr(watching, "take", fails)
        assert (await desk.post("signed", FIRING, signed)).status_code == 503
    assert (await desk.post("signed", FIRING, signed)).status_code == 202
    assert len(await desk.stored()) == 2


# --- how much, how fast -------------------------------------------------------------------------


async def fails(*_: Any, **__: Any) -> Any:
    raise StoreFailed("the disk is full")


async def breaks(*_: Any, **__: Any) -> Any:
    raise RuntimeError("nobody thought of this")


@pytest.mark.parametrize("how", [fails, breaks])
@pytest.mark.parametrize("verb", ["take", "quarantine"])
async def test_what_cannot_be_stored_is_to_be_sent_again(
    desk: Sender, monkeypatch: pytest.MonkeyPatch, how: Any, verb: str
) -> None:
    monkeypatch.setattr(watching, verb, how)
    answer = await desk.post("alertmanager", FIRING if verb == "take" else b"{}")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0


async def test_too_much_is_refused_before_it_is_read(desk: Sender) -> None:
    answer = await desk.post("alertmanager", b" " * (LARGEST_BODY_BYTES + 1))
    assert answer.status_code == 413
    announced = {"authorization": f"Bearer {SECRET}", "content-length": "9" * 500}
    assert (await desk.post("alertmanager", b"", announced)).status_code == 413
    assert (len(await desk.stored()), len(await desk.aside())) == (0, 1)  # its begin, for people


async def test_too_much_that_was_not_announced_is_refused_too(desk: Sender) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    headers = {"authorization": f"Bearer {SECRET}"}
    answer = await desk.client.post("/signals/alertmanager", content=endless(), headers=headers)
    assert answer.status_code == 413


async def test_just_as_much_as_allowed_is_taken(desk: Sender) -> None:
    body = FIRING + b" " * (LARGEST_BODY_BYTES - len(FIRING))
    assert (await desk.post("alertmanager", body)).status_code == 202


async def test_a_body_that_does_not_come_is_not_waited_for(
    desk: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    monkeypatch.setattr(reading, "BODY_SECONDS", 0.01)
    headers = {"authorization": f"Bearer {SECRET}"}
    answer = await desk.client.post("/signals/alertmanager", content=never(), headers=headers)
    assert answer.status_code == 408
    assert (len(await desk.stored()), len(await desk.aside())) == (0, 1)


async def test_a_source_is_taken_so_often_in_a_minute(database: Database) -> None:
    desk = await sender(database, chatty=source("gatus", per_minute=3))
    assert (await desk.post("chatty", sample("gatus"), {})).status_code == 401  # costs it nothing
    codes = [(await desk.post("chatty", sample("gatus"))).status_code for _number in range(4)]
    assert codes == [202, 202, 202, 429]
    last = await desk.post("chatty", sample("gatus"))
    assert 0 < int(last.headers["retry-after"]) <= 20
    assert (await desk.post("gatus", sample("gatus"))).status_code == 202


# --- the configuration --------------------------------------------------------------------------


def test_only_sources_that_post_have_an_address() -> None:
    poll = {"url": "https://status.example.org/api/v2/summary.json"}
    asked = source("statuspage", secret_env=None, poll=poll)
    assert set(inlets({"asked": asked, "told": source("gatus")})) == {"told"}


def test_a_type_that_nobody_has_is_told() -> None:
    with pytest.raises(ConfigInvalid, match=r"sources\.odd\.type.*alertmanager"):
        inlets({"odd": source("nagios")})


def test_an_expression_that_is_none_is_told() -> None:
    with pytest.raises(ConfigInvalid, match=r"sources\.odd\.map\.state"):
        inlets({"odd": source("generic", map={"state": "a["})})


async def test_a_secret_that_is_missing_or_short_is_told(
    desk: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = inlets({"odd": source("gatus")})
    monkeypatch.setenv("SOURCE_SECRET", "tooshort")
    with pytest.raises(ConfigInvalid, match="16") as told:
        intake_of(desk.team.service, found)
    assert "tooshort" not in str(told.value)
    monkeypatch.delenv("SOURCE_SECRET")
    with pytest.raises(ConfigInvalid, match="SOURCE_SECRET"):
        intake_of(desk.team.service, found)


async def test_a_function_that_does_not_take_what_stands_there_finds_nothing(
    database: Database,
) -> None:
    mapped = {"service": "name", "state": "sum(values)", "title": "join(', ', name)"}
    desk = await sender(database, odd=source("generic", map=mapped))
    assert (await desk.post("odd", b'{"name": "portal", "values": "x"}')).status_code == 422
    assert (await desk.post("odd", b'{"name": "portal", "values": [1]}')).status_code == 202


async def test_nothing_secret_is_logged(desk: Sender, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "alertbot")
    await desk.post("alertmanager", FIRING)
    await desk.post("statuspage", b"{}", {}, f"/{SECRET}")
    await desk.post("statuspage", b"{}", {}, f"/{OTHER}")
    await desk.sign("signed", FIRING)
    assert "alertmanager" in caplog.text
    assert SECRET not in caplog.text
    assert OTHER not in caplog.text


async def test_an_answer_may_not_be_kept(desk: Sender) -> None:
    answer = await desk.post("alertmanager", FIRING)
    assert answer.headers["cache-control"] == "no-store"
