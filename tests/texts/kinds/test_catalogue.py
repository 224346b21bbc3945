"""The catalogue: strict files, every fault with its line, kinds and languages added by files alone."""

from pathlib import Path

import pytest

from alertbot.core.errors import ConfigInvalid, Misuse
from alertbot.texts.kinds import catalogue, layers

GOOD = """\
title: {en: Water}
purpose: {en: Say that the water is unsafe.}
approvals: {approvers: 1, author_may_approve: false, expires_after: 30m}
priority: 30
time_to_live: 1h
when_uncertain: ask
final: false
fields:
  where: required
  taste: {type: choice, required: true, label: {en: Taste}, choices: {bad: {en: bad}}}
example:
  where: [69]
  taste: bad
"""


def folder(tmp_path: Path, kind: str = GOOD, *, forms: tuple[str, ...] = ("short", "long")) -> Path:
    (tmp_path / "water" / "en").mkdir(parents=True)
    (tmp_path / "water" / "kind.yaml").write_text(kind, encoding="utf-8")
    for form in forms:
        (tmp_path / "water" / "en" / f"{form}.md.j2").write_text("{{ taste }} {{ where|names }}")
    return tmp_path


def test_the_shipped_kinds_and_frame_load() -> None:
    found = catalogue.load()
    assert set(found.kinds) == {
        *("holding", "status", "provisional_number", "apology"),
        *("correction", "withdrawal", "denial", "end"),
        *("no_news", "false_alert", "inquiry", "planned_works"),
        *("press", "relay", "handover"),
    }
    assert set(found.frame.opening) == {"fr", "en", "nl", "de", "cy", "es"}
    assert [kind.name for kind in found][:4] == ["correction", "denial", "false_alert", "withdrawal"]


def test_a_kind_is_added_by_files_alone(tmp_path: Path) -> None:
    found = catalogue.load(folder(tmp_path))
    kind = found.kind("water")
    assert kind.languages == ("en",)
    assert kind.field("where").label["fr"] == "Où"  # type: ignore[union-attr]
    assert "status" in found.kinds
    assert catalogue.load_kind("water", tmp_path) == kind


def test_a_language_is_added_by_files_alone(tmp_path: Path) -> None:
    for form in ("short", "long"):
        file = tmp_path / "status" / "br" / f"{form}.md.j2"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{{ what_fails }}", encoding="utf-8")
    (tmp_path / "exercise_frame").mkdir()
    words = "opening: POELLADENN\nclosing: POELLADENN\nsubject: POELLADENN\nrefused: []\n"
    (tmp_path / "exercise_frame" / "br.yaml").write_text(words)
    kind = catalogue.load_kind("status", tmp_path)
    assert {"br", "en", "fr"} <= set(kind.languages)
    assert kind.template("br", "short").text == "{{ what_fails }}"  # type: ignore[union-attr]
    assert catalogue.load_frame(tmp_path).opening["br"] == "POELLADENN"


def test_later_folders_lie_over_earlier_ones_and_a_channel_may_have_its_own_words(
    tmp_path: Path,
) -> None:
    file = tmp_path / "status" / "fr" / "telegram.md.j2"
    file.parent.mkdir(parents=True)
    file.write_text("own words", encoding="utf-8")
    kind = catalogue.load_kind("status", tmp_path)
    assert kind.template("fr", "long", "telegram").text == "own words"  # type: ignore[union-attr]
    assert kind.template("fr", "long", "email") == kind.templates["fr", "long"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("priority: 30", "priority: high", 4, "A number"),
        ("when_uncertain: ask", "when_uncertain: guess", 6, "guess"),
        ("final: false", "final: no", 7, "true or false"),
        ("time_to_live: 1h", "time_to_live: soon", 5, "duration"),
        ("approvers: 1,", "approvers: 0,", 3, "A number"),
        ("approvers: 1,", "aprovers: 1,", 3, "approvers"),
        ("  where: required", "  where: sometimes", 9, "required, optional"),
        ("  where: required", "  were: required", 9, "no type"),
        ("type: choice", "type: chioce", 10, "choice"),
        ("choices: {bad: {en: bad}}", "longest: 5", 10, "choices"),
        ("  taste: bad", "  tast: bad", 13, "taste"),
        ("priority: 30", "priorty: 30", 4, "priority"),
        ("title: {en: Water}", "title: Water", 1, "per language"),
        ("final: false", "final: false\nfinal: true", 8, "twice"),
        ("final: false", "final: *x", 7, "alias"),
        ("final: false", "final: !!bool no", 7, "tags"),
        ("final: false", "\tfinal: false", 7, ""),
        ("final: false", "forbidden: [where]", 7, "forbidden"),
        ("final: false", "one_of: [[nowhere]]", 7, "nowhere"),
    ],
)
def test_each_mistake_is_named_with_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    path = folder(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ConfigInvalid) as caught:
        catalogue.load(path)
    assert any(f"kind.yaml:{line}" in one and words in one for one in caught.value.lines), str(
        caught.value
    )


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    path = folder(tmp_path, GOOD.replace("30m", "x").replace("ask", "y"), forms=("short",))
    with pytest.raises(ConfigInvalid) as caught:
        catalogue.load_kind("water", path)
    assert len(caught.value.lines) == 3
    assert "long.md.j2" in str(caught.value)


def test_a_misplaced_template_is_told(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "water" / "english").mkdir()
    (path / "water" / "english" / "short.md.j2").write_text("x")
    with pytest.raises(ConfigInvalid, match="english"):
        catalogue.load(path)


def test_binary_and_missing_files_are_sentences(tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / "water" / "kind.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigInvalid, match="UTF-8"):
        catalogue.load(path)
    with pytest.raises(ConfigInvalid, match="does not exist"):
        catalogue.load(tmp_path / "none")


def test_the_nearest_kind_is_named() -> None:
    with pytest.raises(Misuse, match="status"):
        catalogue.load_kind("statuts")
    with pytest.raises(Misuse, match="holding"):
        catalogue.load().kind("holdng")


def test_loading_needs_no_heavy_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from alertbot.texts.kinds import catalogue; from alertbot.texts.fields import parse; catalogue.load();"
        "print([m for m in ('pydantic','sqlalchemy','phonenumbers','twitter_text','jinja2','babel') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


# --- what may go out by itself ------------------------------------------------------------------


def test_only_what_promises_and_takes_back_nothing_may_go_out_by_itself() -> None:
    assert {kind.name for kind in catalogue.load() if kind.automatic} == {
        "holding", "status", "no_news",
    }  # fmt: skip


def test_a_kind_of_ones_own_says_so_itself(tmp_path: Path) -> None:
    assert not catalogue.load_kind("water", folder(tmp_path / "a")).automatic
    spoken = folder(tmp_path / "b", GOOD + "automatic: true\n")
    assert catalogue.load_kind("water", spoken).automatic


@pytest.mark.parametrize("kind", ["apology", "end", "correction", "provisional_number"])
def test_some_kinds_never_do_whatever_their_file_says(tmp_path: Path, kind: str) -> None:
    text = (layers.shipped() / kind / "kind.yaml").read_text("utf-8")
    (tmp_path / kind).mkdir()
    (tmp_path / kind / "kind.yaml").write_text(f"{text}\nautomatic: true\n", encoding="utf-8")
    with pytest.raises(ConfigInvalid, match=f"{kind} never goes out by itself"):
        catalogue.load(tmp_path)


@pytest.mark.parametrize("field", ["numbers", "figures"])
def test_a_kind_that_needs_numbers_or_figures_never_does(tmp_path: Path, field: str) -> None:
    text = GOOD.replace("  where: required", f"  where: required\n  {field}: required")
    with pytest.raises(ConfigInvalid, match=field):
        catalogue.load(folder(tmp_path, text + "automatic: true\n"))
