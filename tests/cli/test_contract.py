"""The contract of every command: one document with --json, the exit code, a token for what changes
something, and never a secret or a traceback."""

import json

import pytest

from tests.cli.desk import Desk

READING = [
    "incident list",
    "status",
    "deliveries",
    "task list",
    "task list --all",
    "rules list",
    "signals",
    "signals --quarantine",
    "decisions",
    "people list",
    "audit head",
    "audit verify",
    "audit export",
    "audit export --verb people-add --person bo --from 2026-01-01",
    "audit show 1",
    "kinds",
    "kinds status",
    "kinds status --example",
    "preview status",
    "preview status --lang fr",
    "check",
    "config schema",
    "db upgrade --dry-run",
    "run --once",
    "sandbox --list-faults",
]
MISUSED = [
    "shout",
    "submit",
    "correct",
    "incident",
    "incident show XXXX",
    "preview",
    "preview statu",
    "preview status --lang it",
    "preview status --channel nowhere",
    "preview status --set what_fails",
    "preview status --vars nowhere.yaml",
    "preview status --accept parity",
    "kinds nothing",
    "kinds --example",
    "settle x --sent",
    "settle 1",
    "settle 1 --sent --drop",
    "show XXXX-1",
    "deliveries --state lost",
    "deliveries --limit 0",
    "audit export --from yesterday",
    "audit export --csv --json",
    "audit show 99999",
    "deliveries --limit 99999999999999999999",
    "settle 99999999999999999999 --sent",
    "people add eve --role author --expires-days 99999999",
    "show \udcff",
    "halt XXXX-1",
    "halt --channel nowhere",
    "audit verify --head short",
    "status --watch",
    "init",
    "people",
    "task",
    "task done one",
    "rules",
    "rules show nothing",
    "rules abort XXXX-1",
    "rules preapprove nothing --for soon",
    "--config nowhere.yaml status",
    "--token-file nowhere submit XXXX-1",
]
CHANGING = [
    "update XXXX-1 --set next_update=+30m",
    "correct XXXX-1 --set what_was_wrong=x --wrong N1",
    "retract XXXX-1 --now",
    "withdraw XXXX-1",
    "withdraw --numbers 22,29 --but 22/samu",
    "cancel XXXX-1 --text x",
    "end XXXX",
    "incident open",
    "draft holding",
    "edit XXXX-1",
    "edit XXXX-1 --set what_fails=x",
    "submit XXXX-1",
    "approve XXXX-1",
    "approve XXXX-1 --break-glass --reason fire --digest 000000000000",
    "return XXXX-1 --reason why",
    "reject XXXX-1 --reason why",
    "discard XXXX-1",
    "countersign XXXX-1",
    "record XXXX-1 --channel public --url https://www.example.org/1",
    "test-send XXXX-1 --to team",
    "resume",
    "settle 1 --sent",
    "task done 1",
    "rules preapprove first_word",
    "rules revoke first_word --reason why",
    "people add eve --role author",
    "people confirm cy",
    "people revoke cy",
    "people rotate cy",
]


@pytest.mark.parametrize("command", READING)
def test_reading_needs_no_token_and_prints_one_document(desk: Desk, command: str) -> None:
    answer = desk.run(*command.split(), "--json")
    assert answer.code == 0
    json.loads(answer.out)


@pytest.mark.parametrize("command", MISUSED)
def test_misuse_is_a_sentence_and_one_document(desk: Desk, command: str) -> None:
    answer = desk.run(*command.split(), "--json")
    assert answer.code == 2
    assert answer.json["error"]
    assert answer.err.strip()
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("command", CHANGING)
def test_changing_without_a_token_is_refused(desk: Desk, command: str) -> None:
    before = desk.run("audit", "head").out
    answer = desk.run(*command.split(), "--json", EDITOR="false")
    assert answer.code == 1
    assert "ALERTBOT_TOKEN" in answer.json["error"]
    assert desk.run("audit", "head").out == before


@pytest.mark.parametrize("command", CHANGING)
def test_a_wrong_token_is_refused(desk: Desk, command: str) -> None:
    answer = desk.run(*command.split(), ALERTBOT_TOKEN="not-a-token", EDITOR="false")
    assert answer.code == 1
    assert "not known" in answer.err
    assert "not-a-token" not in answer.err


def test_faults_stand_in_the_document(desk: Desk) -> None:
    alert = desk.run("draft", "status", "--set", "what_fails=15", "--json", by="ada").json["id"]
    answer = desk.run("submit", alert, "--json", by="ada")
    assert answer.code == 1
    missing = {fault["field"] for fault in answer.json["faults"] if fault["rule"] == "missing"}
    assert missing == {"since", "where", "what_to_do", "next_update"}
    for name in missing:
        assert name in answer.err


def test_halting_needs_no_token_and_resuming_does(desk: Desk) -> None:
    assert desk.run("halt").code == 0
    assert "halted" in desk.run("status").out
    assert desk.run("resume").code == 1
    assert desk.run("resume", by="bo").code == 0
    assert "halted" not in desk.run("status").out


def test_a_token_file_may_end_in_newlines(desk: Desk) -> None:
    path = desk.folder / "bo.token"
    path.write_text(desk.tokens["bo"] + "\r\n\n")
    assert desk.run("resume", "--token-file", str(path)).code == 0
    assert desk.run("--token-file", str(path), "resume").code == 0


def test_a_configuration_elsewhere(desk: Desk, tmp_path: object) -> None:
    here = Desk(desk.folder.parent)
    assert here.run("status").code == 2
    assert here.run("--config", str(desk.folder / "config.yaml"), "status").code == 0
    assert here.run("status", ALERTBOT_CONFIG=str(desk.folder / "config.yaml")).code == 0


def test_moments_are_iso_8601(desk: Desk) -> None:
    for row in desk.run("people", "list", "--json").json:
        assert row["added_at"][10] == "T"


def test_no_token_was_ever_printed(desk: Desk) -> None:
    desk.run("people", "list", "--json")
    desk.run("audit", "export", "--json")
    everything = "\n".join(desk.printed)
    for token in desk.tokens.values():
        assert token not in everything
    for path in desk.folder.glob("alertbot.db*"):
        assert all(token.encode() not in path.read_bytes() for token in desk.tokens.values())
