"""What people are used to at a command line: grouped help, Tab, the last alert, a kept login, `alertbot` alone."""

import json
import sqlite3
import stat
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from alertbot.cli.commands import COMMANDS, SECTIONS
from tests import program
from tests.cli import desk
from tests.cli.desk import Desk
from tests.terminal import terminal


@pytest.fixture
def team(tmp_path: Path) -> Desk:
    return desk.opened(tmp_path)


def _home(team: Desk, name: str) -> dict[str, str]:
    """An account of its own for this person."""
    folder = str(team.folder / f"home-{name}")
    return {"XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder}


# --- help -----------------------------------------------------------------------------------------


def test_every_command_stands_in_one_section_of_the_help() -> None:
    named = Counter(name for section in SECTIONS for name in section.names)
    assert set(named.values()) == {1}
    assert named.keys() == COMMANDS.keys()
    shown = program.run("--help", COLUMNS="200").out
    assert shown.index("At 2 a.m. start here:") < shown.index("Options:") < shown.index("Write:")


def test_alone_in_a_pipe_is_the_help(team: Desk) -> None:
    answer = team.run()
    assert answer.code == 2
    assert "At 2 a.m. start here:" in answer.out


def test_alone_at_a_terminal_is_now(team: Desk) -> None:
    alert = team.shown()
    with terminal(team.folder, ALERTBOT_TOKEN=team.tokens["bo"], NO_COLOR="1") as seen:
        seen.until("Needs somebody now")
        assert "for you to approve" in seen.until(f"alertbot approve {alert}")
        seen.until("Latest alerts")
        assert seen.leave() == 0


def test_alone_at_a_terminal_where_nothing_is_set_up_is_the_help(tmp_path: Path) -> None:
    with terminal(tmp_path) as seen:
        seen.until("At 2 a.m. start here:")
        assert seen.leave() == 2


def test_now_says_what_waits_for_whom(team: Desk) -> None:
    alert = team.shown()
    mine = team.run("now", by="bo").out
    assert f"● {alert} " in mine
    assert "for you to approve" in mine
    assert "for you to approve" not in team.run("now", by="ada").out
    nobody = team.run("now")
    assert nobody.code == 0
    assert "alertbot login" in nobody.err
    waiting = team.run("now", "--json", by="bo").json["strip"]["waiting"]
    assert [(one["id"], one["mine"]) for one in waiting] == [(alert, True)]


def test_now_is_shown_to_somebody_whose_token_is_over(team: Desk) -> None:
    answer = team.run("now", ALERTBOT_TOKEN="of-yesterday")
    assert answer.code == 0
    assert "not known here" in answer.err
    assert "Open incidents" in answer.out


# --- Tab ------------------------------------------------------------------------------------------


def _offered(team: Desk, *typed: str, shell: str = "bash") -> list[str]:
    answer = team.run(*typed, _ALERTBOT_COMPLETE=shell)
    assert (answer.code, answer.err) == (0, "")
    return answer.out.splitlines()


def test_commands_and_options_are_completed(team: Desk) -> None:
    assert _offered(team, "sh") == ["show"]
    assert "verify" in _offered(team, "numbers", "")
    assert _offered(team, "approve", "--br") == ["--break-glass"]
    assert _offered(team, "preview", "hold") == ["holding"]
    assert _offered(team, "sh", shell="fish")[0].startswith("show\tShow an alert")
    assert _offered(team, "sh", shell="zsh")[0].startswith("show:Show an alert")


def test_ids_are_completed_while_somebody_writes(team: Desk) -> None:
    alert = team.draft()
    add = ("--set", "territory=69", "--set", "service=samu", "--set", "number=04 65 71 00 15")
    team.does("numbers", "add", *add, "--set", "source_url=https://www.example.org/69", by="ada")
    writer = sqlite3.connect(team.folder / "alertbot.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert _offered(team, "show", alert[:2]) == [alert]
        assert _offered(team, "end", "") == [alert.partition("-")[0]]
        assert _offered(team, "numbers", "show", "N") == ["N1"]
        assert _offered(team, "withdraw", "--numbers", "22,N") == ["22,N1"]
        assert _offered(team, "halt", "--channel", "p") == ["public"]
        assert _offered(team, "settle", "") == []
    finally:
        writer.execute("ROLLBACK")
        writer.close()


def test_tab_says_nothing_where_something_is_wrong(team: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("database: [", encoding="utf-8")
    for line in (["--config", "broken.yaml", "show", ""], ["--config", "none.yaml", "show", ""]):
        answer = team.run(*line, _ALERTBOT_COMPLETE="bash")
        assert (answer.out, answer.err) == ("", "")
    assert _offered(team, "shwo", "") == []
    empty = tmp_path / "empty"
    empty.mkdir()
    program.run("show", "", folder=empty, _ALERTBOT_COMPLETE="bash")
    assert list(empty.iterdir()) == []


def test_bash_completes_with_what_is_printed(team: Desk) -> None:
    alert = team.draft()
    script = (
        'source <(alertbot completion bash); COMP_WORDS=(alertbot show ""); COMP_CWORD=2;'
        ' _alertbot_completion alertbot; echo "${COMPREPLY[@]}"'
    )
    path = f"{Path(program.PROGRAM).parent}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=team.folder,
        env=program.surroundings(PATH=path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout.strip(), done.stderr) == (alert, "")
    assert program.run("completion", "tcsh").code == 2


# --- the last alert -------------------------------------------------------------------------------


def test_the_last_alert_is_the_default_where_nothing_goes_out(team: Desk) -> None:
    home = _home(team, "all")
    assert team.run("show", **home).code == 2  # none yet
    first = team.run("draft", "holding", "--vars", team.facts("holding"), "--json", by="ada", **home)
    alert = first.json["id"]
    shown = team.run("show", by="ada", **home)
    assert f"Alert {alert} (the last one you worked on)" in shown.err
    assert alert in shown.out
    assert team.run("edit", "--set", "next_update=+45m", "--json", by="ada", **home).json["id"] == alert
    assert team.run("submit", "--json", by="ada", **home).json["id"] == alert
    assert team.run("show", by="bo", **home).code == 2  # bo has worked on none
    kept = Path(home["XDG_STATE_HOME"]) / "alertbot" / "last.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert team.tokens["ada"] not in kept.read_text()
    for going_out in ("approve", "retract", "discard", "cancel", "test-send", "countersign"):
        answer = team.run(going_out, by="bo", **home)
        assert answer.code == 2, going_out
    kept.write_text("[]")
    assert team.run("show", by="ada", **home).code == 2


def test_an_account_without_a_home_works(team: Desk) -> None:
    nowhere = team.folder / "file"
    nowhere.write_text("")
    assert team.run("show", team.draft(), by="ada", XDG_STATE_HOME=str(nowhere)).code == 0


# --- login ----------------------------------------------------------------------------------------


def test_a_login_is_kept_for_its_owner_alone(team: Desk) -> None:
    home = _home(team, "ada")
    (team.folder / "t").write_text(team.tokens["ada"])
    (team.folder / "t").chmod(0o600)
    assert "login" in team.run("draft", "holding", "--vars", team.facts("holding"), **home).err
    assert "You are ada (author)" in team.run("login", "--token-file", "t", **home).out
    drafted = team.run("draft", "holding", "--vars", team.facts("holding"), "--json", **home)
    assert drafted.json["author"] == "ada"
    kept = Path(home["XDG_CONFIG_HOME"]) / "alertbot" / "logins.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert team.run("whoami", "--json", **home).json["person"]["name"] == "ada"
    assert team.run("whoami", "--json", by="bo", **home).json["token_from"] == "ALERTBOT_TOKEN"
    asked = team.run("whoami", "--token-file", "t", "--json", by="bo", **home).json
    assert (asked["person"]["name"], asked["token_from"]) == ("ada", "t")
    other = team.configure("other.yaml")
    assert team.run("--config", str(other), "whoami", **home).code == 1  # a login counts for one place
    kept.chmod(0o640)
    exposed = team.run("whoami", **home)
    assert exposed.code == 2
    assert "chmod 600" in exposed.err
    assert team.run("whoami", by="bo", **home).code == 0
    kept.chmod(0o600)
    assert "no longer ada" in team.run("logout", **home).out
    assert team.run("whoami", **home).code == 1
    assert "Nobody is logged in" in team.run("logout", **home).out


def test_a_token_that_does_not_count_is_not_kept(team: Desk) -> None:
    home = _home(team, "x")
    assert team.run("login", ALERTBOT_TOKEN="of-yesterday", **home).code == 1
    assert team.run("login", **home).code == 2  # no terminal to ask at
    assert not (Path(home["XDG_CONFIG_HOME"]) / "alertbot" / "logins.json").exists()


def test_a_file_of_logins_that_is_something_else_is_said(team: Desk) -> None:
    home = _home(team, "x")
    kept = Path(home["XDG_CONFIG_HOME"]) / "alertbot" / "logins.json"
    kept.parent.mkdir(parents=True)
    for content in ("", "[]", json.dumps({"logins": {"x": 3}})):
        kept.write_text(content)
        kept.chmod(0o600)
        answer = team.run("whoami", **home)
        assert answer.code == 2
        assert "Delete the file" in answer.err


def test_the_token_is_typed_without_being_shown(team: Desk) -> None:
    with terminal(team.folder, "login", **_home(team, "bo")) as seen:
        seen.until("Your token")
        seen.press(team.tokens["bo"] + "\r")
        assert team.tokens["bo"] not in seen.until("You are bo")
        assert seen.leave() == 0
