"""With which entry each number comes in, and what `--policy` may hold."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alertbot.core.errors import ConfigInvalid, Misuse
from alertbot.numbers.reading import read_numbers
from alertbot.numbers.rules_entry import NumberRow
from alertbot.rehearsal.replay.signals_of import HOLDS, gate, known_from, steps_of, supply, with_end
from alertbot.rehearsal.replay.stage import read_playbook
from tests.rehearsal.replay.at_hand import entries, moment

PARIS = ZoneInfo("Europe/Paris")
LINES = (
    "16:45 undetected Op",
    "16:50 degraded X",
    "18:00 workaround Y",
    "19:00 degraded X",
    "03T00:00 stabilised Op",
    "03T08:00 degraded X",
    "03T10:00 resolved Z",
)


def row(published_at: str, number: str = "04 65 71 69 15") -> NumberRow:
    (read,) = read_numbers([{"territory": "69", "service": "samu", "number": number}]).rows
    return replace(read, published_at=published_at)


@pytest.mark.parametrize(
    ("published_at", "comes_in"),
    [
        ("", "18:00"),
        ("2026-03", "18:00"),
        ("yesterday", "18:00"),
        ("2026-03-01", "18:00"),
        ("2026-03-02", "18:00"),
        ("2026-03-02T18:30", "19:00"),
        ("2026-03-02T18:30:00+01:00", "19:00"),
        ("2026-03-03", "03T08:00"),
        ("2026-13-45", "18:00"),
        ("2026-03-04", None),
    ],
)
def test_a_row_comes_in_with_the_first_trouble_from_its_day_on(
    published_at: str, comes_in: str | None
) -> None:
    steps = steps_of(entries(*LINES))
    found = supply([row(published_at)], steps, PARIS)
    assert [step.entry.at for step, _rows in found.by_step] == ([moment(comes_in)] if comes_in else [])
    assert bool(found.late) is (comes_in is None)


def test_without_a_workaround_the_first_trouble_is_the_gate() -> None:
    steps = steps_of(entries("16:45 undetected Op", "16:50 degraded X"))
    assert (door := gate(steps)) is not None
    assert door.entry.at == moment("16:50")
    assert len(supply([row("")], steps, PARIS).at(door)) == 1


def test_without_trouble_no_number_comes_in() -> None:
    steps = steps_of(entries("16:45 undetected Op", "18:00 resolved X"))
    assert gate(steps) is None
    assert supply([row("")], steps, PARIS).late == (row(""),)


def test_when_a_source_was_published() -> None:
    assert known_from("2021-06", PARIS) is None
    assert known_from("2021-06-03", PARIS) == datetime(2021, 6, 3, tzinfo=PARIS)


def test_a_row_without_an_end_holds_for_a_week() -> None:
    now = moment("18:00")
    held = with_end(row(""), now)
    assert held.review_at == now + HOLDS
    assert with_end(held, now + HOLDS) is held


# --- what a case is played with ---------------------------------------------------------------------


def test_the_shipped_rules_let_out_the_first_word_and_nothing_new_alone() -> None:
    playbook = read_playbook(None)
    rules = playbook.sections["rules"]
    assert playbook.automatic
    assert {rules[name]["kind"] for name in playbook.automatic} == {"holding", "no_news"}
    assert set(playbook.by_hand) >= {"provisional_number", "withdrawal", "correction", "denial"}


def test_what_a_file_leaves_out_of_by_hand_is_as_shipped(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("by_hand: {denial: {what_is_right: x}}\n", encoding="utf-8")
    playbook = read_playbook(path)
    assert playbook.by_hand["denial"] == {"what_is_right": "x"}
    assert playbook.by_hand["correction"] == read_playbook(None).by_hand["correction"]
    assert playbook.automatic == ()


@pytest.mark.parametrize("text", ["", "# nothing\n", "channels: {x: {type: memory}}\nduty: 3\n"])
def test_a_file_may_hold_nothing_of_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    assert read_playbook(path).sections == {}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rulez: {}\n", ":1:1 rulez: is not a key here"),
        ("watch: {policy: {watch: soon}}\n", ":1:25 watch.policy.watch: must be a duration"),
        ("rules:\n  a: {when: [open]}\n", ":2:3 rules.a.kind: is missing"),
        ("by_hand: {holding: {}}\n", "by_hand"),
        ("rules: [\n", ":2:1"),
        ("rules: {}\nrules: {}\n", "is given twice"),
        ("3\n", "must contain keys"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigInvalid) as raised:
        read_playbook(path)
    assert sentence in str(raised.value)
    assert str(raised.value).startswith(f"{path} has ")


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("#" * 1_000_001, encoding="utf-8")
    with pytest.raises(Misuse, match="larger than 1 MB"):
        read_playbook(path)
