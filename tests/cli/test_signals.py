"""What sources reported, at the command line."""

import asyncio
import json
from pathlib import Path

import pytest

from alertbot.watch.reports import ReportQuarantined, inlets, receive
from tests.cli.desk import Desk, opened
from tests.web.sender import source

SAMPLES = Path(__file__).parents[1] / "watch" / "sources" / "samples"
ODD = '{"hello": "\u202e\x1b[31mred", "world": 1}'.encode()


def reported(desk: Desk, name: str, body: bytes) -> None:
    """The body comes in as the configured source `name`."""
    from alertbot.app import build

    async def go() -> None:
        app = build(desk.folder / "config.yaml")
        try:
            await receive(await app.open(), inlets({name: source(name)})[name], body)
        except ReportQuarantined:
            pass
        finally:
            await app.close()

    asyncio.run(go())


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Reports of two sources, and two bodies that nobody understood."""
    desk = opened(tmp_path_factory.mktemp("watched"))
    for name in ("alertmanager", "uptime_kuma", "uptime_kuma"):
        reported(desk, name, (SAMPLES / f"{name}.json").read_bytes())
    reported(desk, "uptime_kuma", (SAMPLES / "uptime_kuma_test.json").read_bytes())
    reported(desk, "gatus", ODD)
    reported(desk, "gatus", b"\xff" + b"x" * 30_000)
    reported(desk, "gatus", b'{"hello": 1, "world": 2}')
    return desk


def test_the_latest_report_comes_first(watched: Desk) -> None:
    found = watched.run("signals", "--json").json
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)
    assert [one["source"] for one in found] == ["uptime_kuma"] * 2 + ["alertmanager"] * 2
    assert found[0]["test"]
    assert found[1]["repeats"] == 1
    assert found[1]["received_at"][10] == "T"


def test_only_so_many_and_only_one_service(watched: Desk) -> None:
    every = watched.run("signals", "--json").json
    assert watched.run("signals", "--limit", "1", "--json").json == every[:1]
    name = every[-1]["service"]
    only = watched.run("signals", "--service", name, "--json").json
    assert only == [one for one in every if one["service"] == name]
    assert watched.run("signals", "--service", "nothing", "--json").json == []


def test_the_table_says_what_was_reported(watched: Desk) -> None:
    answer = watched.run("signals")
    assert answer.code == 0
    assert "✗ out of order" in answer.out
    assert "a test" in answer.out
    assert "CET" in answer.out or "CEST" in answer.out


def test_one_report_in_full(watched: Desk) -> None:
    first = watched.run("signals", "--json").json[-1]
    assert watched.run("signals", str(first["id"]), "--json").json == first
    shown = watched.run("signals", str(first["id"]))
    assert first["url"] in shown.out
    assert first["key"] in shown.out


def test_what_nobody_understood(watched: Desk) -> None:
    strange, long, odd = watched.run("signals", "--quarantine", "--json").json
    assert strange["keys"] == ["hello", "world"]
    assert (odd["size"], odd["keys"]) == (len(ODD), [])
    assert long["size"] == 30_001
    assert "hello, world" in watched.run("signals", "--quarantine").out


def test_a_body_is_shown_and_never_obeyed(watched: Desk) -> None:
    _strange, long, odd = watched.run("signals", "--quarantine", "--json").json
    document = watched.run("signals", "--quarantine", str(odd["id"]), "--json").json
    assert json.loads(document["body"], strict=False)["world"] == 1
    assert not document["cut"]
    shown = watched.run("signals", "--quarantine", str(odd["id"])).out
    assert "<U+202E>" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    cut = watched.run("signals", "--quarantine", str(long["id"]), "--json").json
    assert cut["cut"]
    assert cut["body"].startswith("\\xffxxx")
    assert len(cut["body"]) < 25_000
    assert "too long to show in full" in watched.run("signals", "--quarantine", str(long["id"])).out


@pytest.mark.parametrize(
    "command",
    [
        "signals 999999",
        "signals --quarantine 999999",
        "signals 1 --service x",
        "signals --quarantine --service x",
        "signals 0",
        "signals 99999999999",
        "signals x",
        "signals --limit 0",
        "decisions XXXX",
    ],
)
def test_misuse_is_a_sentence(watched: Desk, command: str) -> None:
    answer = watched.run(*command.split(), "--json")
    assert answer.code == 2
    assert answer.json["error"]
    assert "Traceback" not in answer.err


def test_an_empty_desk_says_so(desk: Desk) -> None:
    for command in ("signals", "signals --quarantine", "decisions"):
        assert desk.run(*command.split()).out.strip().endswith(".")
        assert desk.run(*command.split(), "--json").json == []


def test_decisions_tell_what_changed_and_why(watched: Desk) -> None:
    from datetime import UTC, datetime

    from alertbot.alerts import store_incidents
    from alertbot.app import build
    from alertbot.db.sql import Connection
    from alertbot.watch import store_decisions
    from alertbot.watch.rules_log import IncidentAction, LogEntry, Reason, State

    entry = LogEntry(
        datetime(2026, 3, 2, tzinfo=UTC), IncidentAction.OPEN, Reason.CONFIRMED, State.DOWN
    )

    async def go() -> str:
        app = build(watched.folder / "config.yaml")
        service = await app.open()

        async def work(conn: Connection) -> str:
            made = await store_incidents.start(conn, by=None, now=entry.at)
            await store_decisions.append(conn, "portal", made.id, entry, before=None, by="alertbot")
            return made.id

        try:
            return await service.database.transact(work)
        finally:
            await app.close()

    name = asyncio.run(go())
    (only,) = watched.run("decisions", name, "--json").json
    assert (only["service"], only["action"], only["reason"]) == ("portal", "open", "confirmed")
    assert (only["before"], only["state"], only["by"]) == (None, "down", "alertbot")
    assert watched.run("decisions", "--json").json == [only]
    shown = watched.run("decisions", name).out
    assert "opened" in shown
    assert "trouble, confirmed" in shown
