"""What people and attackers type at `alertbot preview`, in a folder with nothing in it."""

from pathlib import Path

import pytest

from tests.cli.desk import Desk, opened
from tests.program import Answer


@pytest.fixture
def empty(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def rules(answer: Answer) -> set[str]:
    return {fault["rule"] for fault in answer.json["faults"]}


def test_it_needs_nothing_and_leaves_nothing(empty: Desk) -> None:
    answer = empty.run("preview", "status", "--json")
    assert answer.code == 0
    assert {one["channel"] for one in answer.json["messages"]} == {"x", "telegram", "email"}
    assert {one["lang"] for one in answer.json["messages"]} == {"fr", "en"}
    assert list(empty.folder.iterdir()) == []


def test_one_language_of_the_example(empty: Desk) -> None:
    answer = empty.run("preview", "status", "--lang", "fr", "--json")
    assert {one["lang"] for one in answer.json["messages"]} == {"fr"}


def test_the_example_of_a_kind_is_ready_for_vars(empty: Desk) -> None:
    (empty.folder / "facts.yaml").write_text(
        empty.run("kinds", "status", "--example").out, encoding="utf-8"
    )
    answer = empty.run(
        "preview",
        "status",
        "--vars",
        "facts.yaml",
        "--set",
        "what_works.fr=les fixes",
        "--set",
        "what_works.en=landlines only",
        "--json",
    )
    assert answer.code == 0
    assert any(
        "landlines only" in one["text"] for one in answer.json["messages"] if one["lang"] == "en"
    )


def test_a_page_and_a_document_at_once(empty: Desk) -> None:
    answer = empty.run("preview", "status", "--html", "page.html", "--json")
    assert answer.json["kind"] == "status"
    assert (empty.folder / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")


HOSTILE = {
    "duplicate keys": (b"where: ['69']\nwhere: ['42']\n", "2"),
    "a tab": (b"where:\n\t- '69'\n", "2"),
    "a tag": (b"where: !!python/object/apply:os.system [id]\n", "1"),
    "aliases": (b"a: &a [x, x]\nb: [*a, *a]\n", "2"),
    "a merge": (b"a: &x {b: 1}\nc:\n  <<: *x\n", "3"),
    "binary": (bytes(range(256)), "UTF-8"),
    "a null byte": (b"what_fails: a\0b\n", "1"),
    "a list": (b"- 1\n", "fields"),
    "two documents": (b"a: 1\n---\nb: 2\n", "2"),
    "depth": (b"a: " + b"[" * 5000 + b"]" * 5000, "1"),
    "a lone surrogate": (b'what_fails: "\\uD800"\n', "1"),
    "size": (b"a: " + b"x" * 1_000_001, "1 MB"),
}


@pytest.mark.parametrize(("content", "told"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_of_values_is_one_sentence(empty: Desk, content: bytes, told: str) -> None:
    (empty.folder / "facts.yaml").write_bytes(content)
    answer = empty.run("preview", "status", "--vars", "facts.yaml")
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("alertbot: ")
    assert told in answer.err
    assert len(answer.err) < 500


@pytest.mark.parametrize("path", ["nowhere.yaml", ".", "/dev/zero"])
def test_no_file_of_values(empty: Desk, path: str) -> None:
    answer = empty.run("preview", "status", "--vars", path)
    assert answer.code == 2
    assert path in answer.err


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("what_fails=a\x07b", "control_characters"),
        ("what_fails=a\u202eb", "control_characters"),
        ("what_fails=\udcff\udcfe", "control_characters"),
        ("what_fails=appelez le 06 39 98 12 34", "digits_in_text"),
        ("what_fails=voir evil.example.com", "link_in_text"),
        ("what_fails=merci @prefet", "mention_in_text"),
        ("since=yesterday", "wrong_type"),
        ("since=99:99", "wrong_type"),
        ("since=+999999999999999999h", "wrong_type"),
        ("nothing=1", "unknown_field"),
        ("what_will_change=tout", "forbidden_field"),
    ],
)
def test_a_bad_value_is_a_fault_by_name(empty: Desk, value: str, rule: str) -> None:
    answer = empty.run("preview", "status", "--set", value, "--json")
    assert answer.code == 1
    assert rule in rules(answer)


def test_a_hundred_thousand_characters(empty: Desk) -> None:
    answer = empty.run("preview", "status", "--set", "what_fails=" + "é" * 100_000, "--json")
    assert answer.code == 1
    assert "too_long" in rules(answer)
    assert all(len(fault["message"]) < 1000 for fault in answer.json["faults"])


def test_markup_in_a_value_stays_text(empty: Desk) -> None:
    facts = empty.run("kinds", "status", "--example").out
    (empty.folder / "facts.yaml").write_text(facts, encoding="utf-8")
    answer = empty.run(
        "preview", "status", "--vars", "facts.yaml", "--set", "cause=<b>{{ 7*7 }}</b> **x**", "--json"
    )
    telegram = [one for one in answer.json["messages"] if one["type"] == "telegram"]
    assert telegram
    assert all("&lt;b&gt;{{ 7*7 }}" in one["html"] for one in telegram)
    assert all("<b>{{ 7*7 }}</b> **x**" in one["text"] for one in telegram)


def test_a_law_cannot_be_accepted(empty: Desk) -> None:
    answer = empty.run(
        "preview",
        "status",
        "--set",
        "what_fails=appelez le 06 39 98 12 34",
        "--accept",
        "digits_in_text=parce que",
        "--json",
    )
    assert answer.code == 1
    assert "digits_in_text" in rules(answer)


def test_where_the_page_cannot_be_written(empty: Desk) -> None:
    answer = empty.run("preview", "status", "--html", "nowhere/page.html")
    assert answer.code == 2
    assert "--html" in answer.err


def test_a_named_configuration_that_is_missing(empty: Desk) -> None:
    answer = empty.run("--config", "nowhere.yaml", "preview", "status")
    assert answer.code == 2
    assert "alertbot init" in answer.err


def test_a_broken_template_of_ones_own_is_named_with_its_line(empty: Desk) -> None:
    empty.configure(messages="ours")
    folder = empty.folder / "ours" / "status" / "fr"
    folder.mkdir(parents=True)
    (folder / "long.md.j2").write_text("Bonjour\n{% if %}\n", encoding="utf-8")
    answer = empty.run("preview", "status")
    assert answer.code in (1, 2)
    assert "long.md.j2:2" in answer.out + answer.err
    assert "long.md.j2:2" in (checked := empty.run("check")).out + checked.err
    assert checked.code == 2


def test_check_reads_templates_that_no_channel_uses(empty: Desk) -> None:
    empty.configure(messages="ours")
    folder = empty.folder / "ours" / "status" / "fr"
    folder.mkdir(parents=True)
    (folder / "short.md.j2").write_text("Bonjour\n{% if %}\n", encoding="utf-8")
    answer = empty.run("check", "--json")
    assert answer.code == 2
    assert any("short.md.j2:2" in problem for problem in answer.json["problems"])


def test_the_limit_of_a_service_of_apprise_is_told_before_approval(tmp_path: Path) -> None:
    """500 characters on Mastodon: judged in preview, as on X, not found out after the approval."""
    desk = opened(tmp_path)
    organisation = {"name": "Préfecture", "languages": ["fr", "en"], "timezone": "Europe/Paris"}
    masto = {"type": "apprise", "url_env": "MASTO"}
    desk.configure(organisation=organisation, channels={"masto": masto})
    address = {"MASTO": "mastodon://token@127.0.0.1:9"}
    facts = desk.facts("status")
    found = desk.run("preview", "status", "--vars", facts, "--json", **address).json
    assert {one["limit"] for one in found["messages"]} == {500}
    assert all(one["length"] <= 500 for one in found["messages"]) is found["publishable"]
    long = "une panne de tous les numéros d'urgence sur les mobiles et sur les fixes " * 8
    answer = desk.run(
        "preview", "status", "--vars", facts, "--set", f"what_fails.fr={long}", "--json", **address
    )
    assert answer.code == 1
    assert "too_long" in {one["rule"] for one in answer.json["faults"]}
