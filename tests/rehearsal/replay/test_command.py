"""`alertbot replay` as people call it: no configuration, one document or one story, a sentence for every slip."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console

from alertbot.cli.tables import show_rehearsal
from alertbot.core.words import spoken
from tests.cli.desk import Desk
from tests.rehearsal.replay.stories import played

CASE = """
case: tried
title: {fr: Essai <1>, en: Try <1>}
timezone: Europe/Paris
entries:
- {at: "2026-03-02T10:00", actor: Op, channel: none, state: undetected}
- at: "2026-03-02T10:02"
  actor: SAMU 69
  channel: press
  state: degraded
  summary: {fr: "Peu d'appels <script>alert(1)</script>", en: "Few calls <script>alert(1)</script>"}
- {at: "2026-03-02T10:20", actor: X, state: kaputt}
- {at: "2026-03-20T10:20", actor: Y, state: audit}
"""
SHORT = "watch: {policy: {watch: 10m, remind_every: 0s}}\nrules: {first: {when: [open], kind: holding, policy: 'off'}}\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A folder with a case in it, and no configuration."""
    (tmp_path / "case").mkdir()
    (tmp_path / "case" / "timeline.yaml").write_text(CASE, encoding="utf-8")
    return Desk(tmp_path)


def test_one_document(desk: Desk) -> None:
    answer = desk.run("replay", "case", "--json", "--html", "story.html")
    assert answer.code == 0, answer.err
    document = answer.json
    assert document["case"] == "tried"
    assert document["fault_at"] == "2026-03-02T10:00:00+01:00"
    assert document["first_public_post"] == {
        "at": "2026-03-02T10:02:00+01:00",
        "delay_seconds": 120.0,
        "signal_delay_seconds": 0.0,
        "real_delay_seconds": 120.0,
    }
    assert [one["approval"] for one in document["posts"][:2]] == ["auto", "auto"]
    assert {one["lang"] for one in document["posts"]} == {"fr", "en"}
    assert [one["reason"] for one in document["decisions"] if one["signal"]] == [
        "not_known_yet",
        "confirmed",
        "unknown_state",
        "history",
    ]
    assert "story.html" in answer.err
    assert sorted(one.name for one in desk.folder.iterdir()) == ["case", "story.html"]
    _require_page((desk.folder / "story.html").read_text("utf-8"))


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [name for name, _value in attrs if name in ("src", "href", "onload", "onclick")]


def _require_page(text: str) -> None:
    page = _Page()
    page.feed(text)
    assert "script" not in page.tags
    assert not page.loaded
    assert page.tags.count("svg") == page.tags.count("figure")
    assert re.search(
        r'<svg [^>]*role="img" aria-labelledby="picture-1"><title id="picture-1">[^<]+', text
    )
    assert '<html lang="en">' in text
    assert "Try &lt;1&gt;" in text
    assert "Few calls &lt;script&gt;" in text
    assert '<blockquote class="text" lang="fr">' in text
    assert text.index("<blockquote") < text.index("<svg")  # the words before the pictures
    assert '<p class="side">What happened</p>' in text


def test_the_story_in_a_pipe(desk: Desk) -> None:
    answer = desk.run("replay", "case", "--approver-delay", "1m30s")
    assert (answer.code, answer.err) == (0, "")
    for told in (
        "Try <1>",
        "Few calls",
        "First public message from alertbot",
        "there is no state “kaputt”",
    ):
        assert told in answer.out
    assert max(map(len, answer.out.splitlines())) <= 140


@pytest.mark.parametrize(("lang", "told"), [("en", ("Few", "Holding")), ("fr", ("Peu", "10:02"))])
def test_the_story_is_readable_in_eighty_columns(desk: Desk, lang: str, told: tuple[str, ...]) -> None:
    story = played(desk.folder / "case").replay
    printed = io.StringIO()
    with spoken(lang):
        show_rehearsal.show_replay(Console(file=printed, width=80), story)
    lines = printed.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert all(one in printed.getvalue() for one in told)


def test_rules_of_a_file(desk: Desk) -> None:
    (desk.folder / "rules.yaml").write_text(SHORT, encoding="utf-8")
    document = desk.run("replay", "case", "--policy", "rules.yaml", "--json").json
    assert document["posts"] == []
    assert document["first_public_post"]["at"] is None


def test_a_whole_configuration_serves_as_a_policy(desk: Desk) -> None:
    desk.configure(rules={"first": {"when": ["open"], "kind": "holding", "policy": "off"}})
    answer = desk.run("replay", "case/timeline.yaml", "--policy", "config.yaml", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["posts"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "contains no case"),
        (("case", "--approver-delay", "soon"), "is not a duration"),
        (("case", "--approver-delay", "-3m"), "is not a duration"),
        (("case", "--approver-delay", "8d"), "longer than 7 days"),
        (("case", "--policy", "nowhere.yaml"), "nowhere.yaml cannot be read"),
        (("case", "--policy", "bad.yaml"), "bad.yaml:2:20 rules.first.when[0]"),
        (("case", "--policy", "list.yaml"), "must contain keys"),
        (("case", "--policy", "bytes.yaml"), "UTF-8"),
        (("bad",), "timeline.yaml:2: “soon” is not a date and time"),
        (("case", "--html", "case"), "case cannot be written"),
        ((), "CASE_DIR"),
    ],
)
def test_a_slip_is_one_sentence(desk: Desk, arguments: tuple[str, ...], said: str) -> None:
    (desk.folder / "bad.yaml").write_text("rules:\n    first: {when: [opened], kind: holding}\n")
    (desk.folder / "list.yaml").write_text("- a\n")
    (desk.folder / "bytes.yaml").write_bytes(b"\xff\xfe")
    (desk.folder / "bad").mkdir()
    (desk.folder / "bad" / "timeline.yaml").write_text("entries:\n- {at: soon, state: down}\n")
    answer = desk.run("replay", *arguments, "--json")
    assert answer.code == 2
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert said.split()[0] in json.loads(answer.out)["error"] or not arguments


def test_nothing_is_written_but_the_page(desk: Desk) -> None:
    desk.run("replay", "case", "--json")
    assert [one.name for one in desk.folder.iterdir()] == ["case"]
