"""`alertbot mcp`: a writing assistant over the real client of the protocol, on the program's stdin and stdout."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from alertbot.cli.assisting import assistant
from tests import program
from tests.cli import desk
from tests.cli.desk import Desk

HOLDING = {
    "what_fails": {"fr": "15, 17 et 18 sur mobile", "en": "15, 17 and 18 on mobiles"},
    "what_works": {"fr": "fixes", "en": "landlines"},
    "where": "69, 42",
    "what_to_do": {"fr": "Appelez d’un fixe.", "en": "Call from a landline."},
    "next_update": "+30m",
}
TOOLS = {"kinds", "preview", "draft", "status", "deliveries"}


@pytest.fixture
def team(tmp_path: Path) -> Desk:
    return desk.opened(tmp_path)


@asynccontextmanager
async def _assistant(team: Desk, by: str) -> AsyncIterator[Client]:
    started = StdioServerParameters(
        command=sys.executable,
        args=["-m", "alertbot", "mcp"],
        cwd=team.folder,
        env=program.surroundings(ALERTBOT_TOKEN=team.tokens[by]),
    )
    async with Client(started) as client:
        yield client


def _said(answer: Any) -> str:
    assert isinstance(answer, CallToolResult)
    (content,) = answer.content
    assert isinstance(content, TextContent)
    return content.text


async def test_an_assistant_drafts_and_those_who_approve_are_told(team: Desk) -> None:
    async with _assistant(team, "ada") as client:
        offered = (await client.list_tools()).tools
        assert {one.name for one in offered} == TOOLS
        kind = json.loads(_said(await client.call_tool("kinds", {"kind": "holding"})))
        assert {"kind", "fields", "example"} <= kind.keys()
        asked = {"kind": "holding", "values": HOLDING}
        seen = json.loads(_said(await client.call_tool("preview", asked)))
        assert any("15, 17 et 18 sur mobile" in one["text"] for one in seen["messages"])
        drafted = json.loads(_said(await client.call_tool("draft", asked | {"new_incident": True})))
        assert (drafted["state"], drafted["author"]) == ("draft", "ada")
        status = json.loads(_said(await client.call_tool("status", {})))
        assert [one["id"] for one in status["alerts"]] == [drafted["id"]]
        assert json.loads(_said(await client.call_tool("deliveries", {}))) == []
        refused = await client.call_tool("draft", {"kind": "holding", "values": {"wher": "69"}})
        assert refused.is_error
        assert "wher" in _said(refused)
        file = {"kind": "provisional_number", "values": {"numbers": "/etc/passwd"}}
        assert "a file cannot be read from here" in _said(await client.call_tool("preview", file))
        for absent in ("approve", "submit", "settle", "record", "numbers_add"):
            assert (await client.call_tool(absent, {"alert": drafted["id"]})).is_error
    alert, told = drafted["id"], drafted["assistant"]
    assert told.startswith("mcp")
    assert team.run("submit", alert, by="ada").code == 0
    assert f"worded by an assistant ({told})" in team.does("show", alert, by="bo")
    assert team.run("show", alert, "--json").json["assistant"] == told
    rows = team.run("audit", "export", "--json").json
    (row,) = [one for one in rows if one["verb"] == "draft" and one["alert"] == alert]
    assert row["detail"]["assistant"] == told
    assert (
        team.run("edit", alert, "--set", "next_update=+45m", "--json", by="ada").json["assistant"]
        == told
    )
    assert team.run("discard", alert, by="ada").code == 0
    again = team.run("draft", "--like", alert, "--new-incident", "--json", by="ada").json
    assert again["assistant"] == told
    assert team.run("audit", "verify").code == 0


def test_an_assistant_has_no_verb_that_decides() -> None:
    verbs = {name for name in vars(assistant.AssistantDesk) if not name.startswith("_")}
    assert verbs == TOOLS


def test_nobody_has_no_assistant(team: Desk) -> None:
    answer = team.run("mcp")
    assert answer.code == 1
    assert "say who you are" in answer.err


def test_without_its_library_it_says_so(team: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistant, "find_spec", lambda _name: None)
    answer = team.run("mcp", by="ada")
    assert answer.code == 2
    assert "alertbot[mcp]" in answer.err
