"""The table in SECURITY.md and the program say the same: every line names tests that exist, and here is what no other
test holds."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import update

from alertbot.db import tables
from tests.cli.desk import Desk
from tests.trust.test_audit_tables import direct, sound, verdict

ROOT = Path(__file__).parents[2]
WHO = (
    "An outsider",
    "The token of an author",
    "The token of an approver",
    "A program's token of the API",
    "A writing assistant (`alertbot mcp`)",
    "Another user of a laptop",
    "The token of an admin",
    "The shell of the service",
    "Write access to the database",
)
BOUNDLESS = "**Nothing here stops it.**"


def lines() -> list[list[str]]:
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    section = text.partition("## Who can do what alone\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text("utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(one.name for one in tree.body if isinstance(one, kinds))


def test_everybody_has_a_line() -> None:
    assert tuple(dict.fromkeys(row[0] for row in lines())) == WHO


@pytest.mark.parametrize("row", lines(), ids=lambda row: f"{row[0]}: {row[1][:30]}")
def test_each_line_is_held_by_tests_that_exist(row: list[str]) -> None:
    _who, can, stops, held = row
    assert can
    assert stops
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", held)
    assert named, "a claim without a test"
    assert re.sub(r"`[\w/]+\.py::\w+`", "", held).strip(" ,|") == ""
    for file, name in named:
        assert name in names_in(file), f"{file} has no test {name}"


def test_the_page_says_where_nothing_helps() -> None:
    """Those two are not claims that something is stopped, and the boundary follows from them."""
    assert [row[0] for row in lines() if BOUNDLESS in row[2]] == list(WHO[-2:])
    text = (ROOT / "SECURITY.md").read_text("utf-8")
    boundary = text.partition("**The boundary.**")[2].partition("\n\n")[0]
    assert "alertbot serve" in boundary
    assert "only the service opens the database" in " ".join(boundary.split())


def test_without_a_token_nothing_is_written(desk: Desk) -> None:
    alert = desk.shown()
    before = desk.run("audit", "head").out
    facts = desk.facts("holding")
    for words in (
        ("draft", "holding", "--vars", facts),
        ("edit", alert, "--set", "next_update=+1h"),
        ("submit", alert),
        ("approve", alert),
        ("return", alert, "--reason", "no"),
        ("reject", alert, "--reason", "no"),
        ("discard", alert),
        ("people", "add", "eve", "--role", "author"),
        ("people", "confirm", "ada"),
        ("people", "rotate", "bo"),
        ("people", "revoke", "bo"),
    ):
        answer = desk.run(*words)
        assert answer.code == 1, words
        assert "token" in answer.err, words
    assert desk.run("audit", "head").out == before
    assert desk.state(alert) == "pending"


def test_a_token_put_in_its_place_is_named(desk: Desk) -> None:
    """Somebody puts the hash of their own token into the row of an approver: who then acts is bo, and it shows."""
    engine = direct(desk)
    with engine.begin() as conn:
        mine = update(tables.person).where(tables.person.c.name == "bo")
        conn.execute(mine.values(token_hash="0" * 64))
    engine.dispose()
    (told,) = verdict(desk)["problems"]
    assert told.startswith("Table person, row 1 (bo): token_hash is ")
    assert "0000" not in told


def test_what_people_do_is_no_fault(desk: Desk) -> None:
    desk.add("dan", "approver", "author", by="bo")
    desk.does("people", "confirm", "dan", by="cy")
    desk.does("people", "rotate", "dan", by="dan")
    sound(desk)
