"""A database in trouble, at the command line: a sentence, exit code 2, and the state as it was."""

import sqlite3
from pathlib import Path

import pytest

from tests.cli.desk import Desk, opened


@pytest.fixture
def troubled(tmp_path: Path) -> Desk:
    return opened(tmp_path)


def sql(desk: Desk, statement: str) -> None:
    with sqlite3.connect(desk.folder / "alertbot.db") as connection:
        connection.execute(statement)
    connection.close()


def test_a_database_newer_than_the_program(troubled: Desk) -> None:
    sql(troubled, "update alembic_version set version_num = '9999', oldest = '9998'")
    for command in ("status", "run --once", "db upgrade", "audit verify"):
        answer = troubled.run(*command.split(), "--json")
        assert answer.code == 2
        assert "newer" in answer.json["error"]


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.configure()
    (tmp_path / "alertbot.db").write_text("these are notes about something else\n" * 100)
    before = (tmp_path / "alertbot.db").read_bytes()
    answer = desk.run("status", "--json")
    assert answer.code == 2
    assert (tmp_path / "alertbot.db").read_bytes() == before


@pytest.mark.parametrize(
    "address", ["sqlite:////nowhere/at/all/a.db", "postgresql://nobody@127.0.0.1:1/nothing"]
)
def test_a_database_out_of_reach(tmp_path: Path, address: str) -> None:
    desk = Desk(tmp_path)
    desk.configure(database=address)
    for command in ("status", "db upgrade --dry-run"):
        answer = desk.run(*command.split(), "--json")
        assert answer.code == 2
        assert answer.json["error"]


def test_the_file_is_for_its_owner_alone(troubled: Desk) -> None:
    assert (troubled.folder / "alertbot.db").stat().st_mode & 0o777 == 0o600


def test_a_dry_run_creates_nothing(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.configure()
    assert desk.run("db", "upgrade", "--dry-run", "--json").json["pending"]
    assert not (tmp_path / "alertbot.db").exists()


@pytest.mark.parametrize(
    "tampering",
    [
        "update audit set actor = 'somebody else' where seq = 2",
        "update audit set detail = '{}' where seq = 2",
        "delete from audit where seq = 2",
        "update audit set seq = 99 where seq = 2",
    ],
)
def test_tampering_with_the_audit_shows(troubled: Desk, tampering: str) -> None:
    assert troubled.run("audit", "verify").code == 0
    sql(troubled, tampering)
    answer = troubled.run("audit", "verify", "--json")
    assert answer.code == 1
    assert answer.json["sound"] is False
    assert answer.json["problems"]


def test_an_audit_that_was_cut_shows_by_its_head(troubled: Desk) -> None:
    """Cut alone, it is at odds with the tables; with the tables put back too, only a kept head tells."""
    with sqlite3.connect(":memory:") as kept:
        with sqlite3.connect(troubled.folder / "alertbot.db") as connection:
            connection.backup(kept)
        troubled.shown()
        head = troubled.run("audit", "head", "--json").json["head"]
        assert troubled.run("audit", "verify", "--head", head).code == 0
        sql(troubled, "delete from audit where seq = (select max(seq) from audit)")
        assert troubled.run("audit", "verify").code == 1
        with sqlite3.connect(troubled.folder / "alertbot.db") as connection:
            kept.backup(connection)
    assert troubled.run("audit", "verify").code == 0
    assert troubled.run("audit", "verify", "--head", head).code == 1


def test_texts_changed_after_the_approval_are_not_sent(troubled: Desk) -> None:
    alert = troubled.shown()
    assert troubled.run("approve", alert, by="bo").code == 0
    sql(troubled, "update message set text = text || ' and more' where purpose = 'publication'")
    assert troubled.run("run", "--once").code == 3
    rows = troubled.run("deliveries", alert, "--json").json
    assert not [row for row in rows if row["purpose"] == "publication" and row["state"] == "sent"]
    assert "approved" in " ".join(row["reason"] or "" for row in rows)
