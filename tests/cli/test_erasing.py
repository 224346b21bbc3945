"""recipients erase and expire, db compact, and a backup put back in which the erased still stand."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli import desk
from tests.cli.desk import Desk

MAIL = {
    "type": "email", "host": "127.0.0.1", "port": 9, "security": "none", "sender": "a@example.org",
    "recipients": "readers.csv", "connect_within": "1s",
}  # fmt: skip


@pytest.fixture
def team(tmp_path: Path) -> Desk:
    opened = desk.opened(tmp_path)
    (tmp_path / "readers.csv").write_text("address\nDurand@example.org\nb@example.org\n")
    configure(opened)
    return opened


def configure(team: Desk, **more: object) -> None:
    team.configure(channels={"mail": MAIL, "team": {"type": "memory", "audience": "team"}}, **more)


def discarded(team: Desk) -> str:
    """An alert that is over, with both in it."""
    alert = team.draft("holding")
    team.does("discard", alert, by="ada")
    return alert


def held(team: Desk, name: str = "alertbot.db") -> bool:
    with sqlite3.connect(team.folder / name) as connection:
        rows = connection.execute("SELECT address FROM target").fetchall()
    connection.close()
    return any("durand" in row[0].lower() for row in rows)


def test_what_would_go_is_shown_and_then_goes(team: Desk) -> None:
    alert, still = discarded(team), team.draft("holding")
    shown = team.run("recipients", "erase", "durand@example.org", "--dry-run", "--json", by="bo")
    assert shown.json == {
        "dry_run": True, "asked": 1, "alerts": 1, "targets": 1, "deliveries": 0, "suppressed": 0,
        "stays": [{"alert": still, "rows": 1, "why": "it is not over"}], "before": None,
    }  # fmt: skip
    assert team.run("recipients", "list", "--json").json == []
    missing = team.run("recipients", "erase", "durand@example.org", by="bo")
    assert (missing.code, "--reason" in missing.err) == (2, True)
    said = team.does("recipients", "erase", "durand@example.org", "--reason", "a letter", by="bo")
    assert "Alerts: 1; recipients: 1; deliveries: 0; listed: 0." in said
    assert f"{still} still holds some (1): it is not over" in said
    assert "durand" not in said
    team.does("discard", still, by="ada")
    team.does("recipients", "erase", "DURAND@example.org", "--reason", "a letter", by="bo")
    assert not held(team)
    verdict = team.does("audit", "verify")
    assert "Of 2 alerts addresses were erased" in verdict
    assert "durand" not in team.does("audit", "export", "--json").lower()
    assert "Addresses erased" in team.does("show", alert, "--html", "page.html") + (
        team.folder / "page.html"
    ).read_text("utf-8")


def test_written_anew_the_file_holds_no_trace(team: Desk) -> None:
    discarded(team)
    team.does("recipients", "erase", "durand@example.org", "--reason", "a letter", by="bo")
    said = team.run("db", "compact", "--json")
    assert said.code == 0, said.err
    assert said.json["clean"]
    for file in team.folder.glob("alertbot.db*"):
        assert b"durand" not in file.read_bytes().lower()
    assert team.run("audit", "verify").code == 0


def test_it_is_not_written_anew_while_something_waits_or_on_postgresql(team: Desk) -> None:
    alert = team.shown("holding")
    team.does("approve", alert, by="bo")
    refused = team.run("db", "compact")
    assert (refused.code, "nothing was done" in refused.err) == (1, True)
    configure(team, database="postgresql://a@127.0.0.1:1/b")
    refused = team.run("db", "compact")
    assert (refused.code, "VACUUM FULL" in refused.err) == (1, True)


def test_what_is_older_than_a_day_goes(team: Desk) -> None:
    discarded(team)
    asked = team.run("recipients", "expire", by="bo")
    assert (asked.code, "How old" in asked.err) == (2, True)
    wrong = team.run("recipients", "expire", "--before", "yesterday", by="bo")
    assert (wrong.code, "is not a day" in wrong.err) == (2, True)
    none = team.run("recipients", "expire", "--before", "2026-01-01", "--json", by="bo")
    assert (none.json["targets"], held(team)) == (0, True)
    configure(team, retention={"addresses": "400d"})
    assert team.run("recipients", "expire", "--json", by="bo").json["targets"] == 0
    with sqlite3.connect(team.folder / "alertbot.db") as connection:
        connection.execute("UPDATE alert SET composed_at = composed_at - 401 * 86400.0")
    connection.close()
    assert team.run("recipients", "expire", "--json", by="bo").json["targets"] == 2
    assert not held(team)


@pytest.mark.parametrize("given", ["29d", "0s", 400, "400"])
def test_a_time_that_is_too_short_or_none_is_a_fault(team: Desk, given: object) -> None:
    configure(team, retention={"addresses": given})
    answer = team.run("check")
    assert answer.code == 2
    assert "retention.addresses" in answer.err + answer.out


def test_who_was_erased_after_a_backup_is_erased_again_from_it(team: Desk) -> None:
    discarded(team)
    team.does("db", "backup", "copy.db")
    team.does("recipients", "erase", "durand@example.org", "--reason", "a letter", by="bo")
    team.does("recipients", "suppress", "b@example.org", "--unsubscribed", by="ada")
    kept = team.run("recipients", "list", "--json").json
    said = team.does("db", "restore", "copy.db")
    assert "2 addresses that are not to be written to were taken over" in said
    assert held(team)
    assert {one["reason"] for one in team.run("recipients", "list", "--json").json} == {
        "erased", "unsubscribed",
    }  # fmt: skip
    assert team.run("audit", "verify").code == 0
    key = next(one["key"] for one in kept if one["reason"] == "erased")
    (team.folder / "keys.txt").write_text(f"{key}\n")
    team.does("recipients", "erase", "--keys", "keys.txt", "--reason", "restored", by="bo")
    assert not held(team)
    assert team.run("audit", "verify").code == 0


def test_without_the_database_that_stood_there_it_says_what_nobody_knows(team: Desk) -> None:
    discarded(team)
    team.does("db", "backup", "copy.db")
    team.does("recipients", "erase", "durand@example.org", "--reason", "a letter", by="bo")
    (team.folder / "kept.json").write_text(
        json.dumps(team.run("recipients", "list", "--json").json), encoding="utf-8"
    )
    for file in team.folder.glob("alertbot.db*"):
        file.unlink()
    said = team.does("db", "restore", "copy.db")
    assert "is NOT known in it" in said
    assert held(team)
    bad = team.run("recipients", "erase", "--keys", "none.json", "--reason", "x", by="bo")
    assert (bad.code, "none.json cannot be read" in bad.err) == (2, True)
    team.does("recipients", "erase", "--keys", "kept.json", "--reason", "restored", by="bo")
    assert not held(team)
    assert [one["reason"] for one in team.run("recipients", "list", "--json").json] == ["erased"]
