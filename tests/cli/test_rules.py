"""`alertbot rules`: what may go out by itself, at the command line."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertbot.app import build
from alertbot.db.sql import Connection
from alertbot.watch import store_preapprovals
from tests.cli.desk import Desk, opened

VALUES = {
    "what_fails": {"fr": "{service}", "en": "{service}"},
    "what_works": {"fr": "les fixes", "en": "landlines"},
    "where": [69],
    "what_to_do": {"fr": "appelez d'un fixe.", "en": "call from a landline."},
    "next_update": "+30m",
}
RULES: dict[str, Any] = {
    "first_word": {
        "when": ["open"],
        "services": ["sip"],
        "kind": "holding",
        "auto_after": "90s",
        "set": VALUES,
    },
    "news": {"when": ["update"], "kind": "status", "set": {"what_works": {"fr": "x", "en": "x"}}},
}
WATCH = {"services": {"sip": {"title": {"fr": "le 15", "en": "15"}}}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = opened(tmp_path)
    desk.configure(watch=WATCH, rules=RULES)
    return desk


def planned(desk: Desk, alert: str) -> None:
    """As the watcher does."""

    async def go() -> None:
        app = build(desk.folder / "config.yaml")
        service = await app.open()

        async def plan(conn: Connection) -> None:
            at = service.now + timedelta(hours=1)
            await store_preapprovals.plan(conn, alert, service="sip", rule="first_word", goes_at=at)

        try:
            await service.database.transact(plan)
        finally:
            await app.close()

    asyncio.run(go())


def test_two_approve_ahead_and_one_revokes(desk: Desk) -> None:
    listed = desk.run("rules", "list").out
    assert "this rule is not preapproved" in listed
    assert "by itself, after 1 min 30 s" in listed
    proposed = desk.run("rules", "preapprove", "first_word", "--for", "10d", by="bo")
    assert proposed.code == 0
    assert "On open:" in proposed.out
    assert "failing, {service}" in proposed.out
    assert "1 more approver must sign" in proposed.out
    alone = desk.run("rules", "preapprove", "first_word", by="bo")
    assert (alone.code, "another approver" in alone.err) == (1, True)
    unseen = desk.run("rules", "preapprove", "first_word", by="cy")
    assert (unseen.code, "has not seen" in unseen.err) == (1, True)
    shown = desk.run("rules", "show", "first_word", by="cy").out
    assert "proposed by bo" in shown
    done = desk.run("rules", "preapprove", "first_word", by="cy")
    assert (done.code, "go out by themselves until" in done.out) == (0, True)
    assert "✓ preapproved by bo, cy" in desk.run("rules", "list").out
    revoked = desk.run("rules", "revoke", "first_word", "--reason", "works on the line", by="ada")
    assert revoked.code == 0
    assert "ada revoked it (works on the line)" in desk.run("rules", "list").out


def test_by_digest_and_as_json(desk: Desk) -> None:
    shown = desk.run("rules", "show", "first_word", "--json").json
    (sample,) = shown["samples"]
    assert (sample["on"], sample["digest"]) == (["open"], shown["digest"])
    assert {message["lang"] for message in sample["messages"]} == {"fr", "en"}
    digest = shown["digest"]
    first = desk.run("rules", "preapprove", "first_word", "--digest", digest, "--json", by="cy")
    assert (first.json["proposed"], first.json["state"]) == (True, "proposed")
    short = desk.run("rules", "preapprove", "first_word", "--digest", digest[:12], by="bo")
    assert (short.code, "32" in short.err) == (1, True)  # nobody showed it to bo
    second = desk.run("rules", "preapprove", "first_word", "--digest", digest, "--json", by="bo")
    assert (second.json["proposed"], second.json["state"]) == (False, "in_force")
    rows = desk.run("rules", "list", "--json").json
    assert [(row["rule"], row["automatic"]) for row in rows] == [("first_word", True), ("news", False)]
    assert rows[0]["approval"]["digest"] == shown["digest"]


def test_a_changed_text_is_no_longer_approved(desk: Desk) -> None:
    for name in ("bo", "cy"):
        desk.run("rules", "show", "first_word", by=name)
        assert desk.run("rules", "preapprove", "first_word", by=name).code == 0
    rules = RULES | {"first_word": RULES["first_word"] | {"set": VALUES | {"where": [69, 42]}}}
    desk.configure(watch=WATCH, rules=rules)
    assert "has changed since" in desk.run("rules", "list").out
    checked = desk.run("check")
    assert (checked.code, "rules.first_word: what bo, cy preapproved" in checked.out) == (0, True)


def test_a_countdown_is_stopped_with_or_without_a_token(desk: Desk) -> None:
    alerts = [desk.shown() for _ in range(3)]
    for alert in alerts:
        planned(desk, alert)
    assert f"alertbot rules abort {alerts[0]}" in desk.run("status").out
    assert f"alertbot rules abort {alerts[0]}" in desk.run("rules", "list").out
    assert desk.run("rules", "abort", alerts[0], "--json").json["aborted_by"] == "anybody"
    assert desk.run("rules", "abort", alerts[1], "--json", by="ada").json["aborted_by"] == "ada"
    wrong = desk.run("rules", "abort", alerts[2], "--json", ALERTBOT_TOKEN="nonsense")
    assert (wrong.code, wrong.json["aborted_by"]) == (0, "anybody")
    assert "stopped anyway" in wrong.err
    assert desk.state(alerts[0]) == "pending"
    assert desk.run("approve", alerts[0], by="bo").code == 0
    again = desk.run("rules", "abort", alerts[0])
    assert (again.code, "already over" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("rules preapprove first_word --for 91d", "at most 90 days"),
        ("rules preapprove first_word --for soon", "--for"),
        ("rules preapprove first_word --for 0m", "--for"),
        ("rules preapprove frist_word", "did you mean first_word"),
        ("rules show nothing", "are: first_word, news"),
        ("rules revoke first_word", "--reason"),
        ("rules abort ZZZZ-1", "no alert"),
        ("rules", ""),
    ],
)
def test_misuse_is_one_sentence(desk: Desk, command: str, words: str) -> None:
    answer = desk.run(*command.split(), by="bo")
    assert answer.code == 2
    assert words in answer.err
    assert "Traceback" not in answer.err


def test_what_people_decide_is_not_approved_ahead(desk: Desk) -> None:
    answer = desk.run("rules", "preapprove", "news", by="bo")
    assert (answer.code, "policy: auto" in answer.err) == (1, True)


def test_check_names_what_is_wrong_with_a_rule_and_where(desk: Desk) -> None:
    rules = {
        "kindless": {"when": ["open"], "kind": "holdin"},
        "over": {"when": ["resolve"], "kind": "end", "policy": "auto"},
        "fieldless": RULES["first_word"] | {"set": VALUES | {"what_fail": "x"}},
        "later": {"when": ["open"], "kind": "holding", "set": {"where": ["Atlantis"]}},
        "asks": {"when": ["open"], "kind": "provisional_number", "set": {"territories": [22]}},
        "italian": {"when": ["open"], "kind": "holding", "languages": ["it"]},
    }
    path = desk.configure(watch=WATCH, rules=rules)
    answer = desk.run("check", "--json")
    assert answer.code == 2
    problems = "\n".join(answer.json["problems"])
    lines = path.read_text("utf-8").splitlines()
    for keys, words in {
        "rules.kindless.kind": "did you mean",
        "rules.over.policy": "never goes out by itself",
        "rules.fieldless.set.what_fail": "what_fails",
        "rules.later.set.where": "Atlantis",
        "rules.italian.languages": "'it'",
    }.items():
        (told,) = [line for line in problems.splitlines() if f" {keys}: " in line]
        assert words in told
        number = int(told.split(":")[1])
        assert keys.rpartition(".")[2] in "".join(lines[number - 2 : number])
    assert "rules.asks" not in problems
    assert any("rules.later.set: to be filled in by hand" in one for one in answer.json["warnings"])


def test_the_how_to_works_as_it_is_printed(desk: Desk) -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "post-by-itself.md").read_text("utf-8")
    printed = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])
    desk.configure(**printed)
    assert desk.run("check").code == 0
    for name in ("bo", "cy"):
        assert desk.run("rules", "show", "first_word", by=name).code == 0
        done = desk.run("rules", "preapprove", "first_word", "--json", by=name)
        assert done.code == 0, done.err
    assert done.json["automatic"]
