"""What CAP is told of each kind: every public kind has its row, in words of every language, and a team can have its own."""

import re
from pathlib import Path

import pytest

from alertbot.config.yaml_reader import plain, read_written
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Relation
from alertbot.regions import packs
from alertbot.texts.kinds import catalogue
from alertbot.texts.kinds.cap_table import OTHER, CapTable

TABLE = catalogue.load_prepared().cap
SHIPPED = catalogue.load()
ROWS = plain(read_written(catalogue.shipped() / "cap.yaml"))["kinds"]
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "feeds.md"


def test_every_kind_for_the_public_has_its_row_and_no_other_has() -> None:
    public = {kind.name for kind in SHIPPED if not kind.audiences}
    assert ROWS.keys() == public | {OTHER, "retraction"}
    stages = {stage for _kind, stage in TABLE.rows if stage}
    field = SHIPPED.kind("status").field("stage")
    assert field is not None
    assert stages <= field.choices.keys()


def test_every_language_has_every_word() -> None:
    spoken = {lang for kind in SHIPPED for lang in kind.languages}
    assert TABLE.words.keys() == spoken
    assert len({frozenset(texts) for texts in TABLE.words.values()}) == 1
    assert all(
        not re.search(r"\s:|\s$", text)
        for texts in TABLE.words.values()
        for text in texts.values()
        if "\u00a0" not in text
    )


def test_only_the_end_and_what_was_false_is_all_clear() -> None:
    clear = {kind for (kind, _stage), row in TABLE.rows.items() if row and "AllClear" in row.responses}
    assert clear == {"end", "false_alert"}
    assert {kind for (kind, _stage), row in TABLE.rows.items() if row and row.takes_back} == {
        "false_alert",
        "retraction",
    }
    assert [kind for (kind, _stage), row in TABLE.rows.items() if row is None] == ["apology", "inquiry"]


def test_a_retraction_has_its_own_row_whatever_its_kind() -> None:
    assert TABLE.row("correction", Relation.RETRACTION) == TABLE.rows["retraction", ""]
    assert TABLE.row("apology", None) is None
    assert TABLE.row("flood", None, "rising") == TABLE.rows[OTHER, ""]
    stable = TABLE.row("status", Relation.UPDATE, "stabilised")
    assert stable is not None
    assert (stable.severity, stable.urgency) == ("Moderate", "Immediate")


@pytest.mark.parametrize(
    ("code", "lang", "tag"),
    [("FR", "fr", "fr-FR"), ("FR", "en", "en"), ("BE", "nl", "nl-BE"), ("GB", "en", "en-GB")],
)
def test_the_tag_of_a_language_names_the_country_where_it_is_at_home(
    code: str, lang: str, tag: str
) -> None:
    country = packs.load(code)
    said = TABLE.facts(TABLE.row("holding", None), lang, country, ())
    assert said is not None
    assert said.language == tag
    assert [one.territory for one in said.areas] == [code]
    assert said.areas[0].description == country.whole.name_in(lang)


def test_within_the_whole_country_no_part_is_named() -> None:
    country = packs.load("FR")
    places = [country.territories[code] for code in ("69", "FR", "69")]
    said = TABLE.facts(TABLE.row("holding", None), "fr", country, places)
    assert said is not None
    assert [one.territory for one in said.areas] == ["FR"]
    said = TABLE.facts(TABLE.row("holding", None), "fr", country, places[:1] * 2)
    assert said is not None
    assert [(one.territory, one.description) for one in said.areas] == [("69", "Rhône")]
    assert ("NUTS3", "FRK26") in [(code.name, code.value) for code in said.areas[0].geocodes]


def test_a_team_has_rows_and_words_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "cap.yaml").write_text(
        "kinds:\n  flood: {urgency: Expected, severity: Extreme, certainty: Likely, responses: [Evacuate], hours: 6, event: flood}\n"
        "  apology: {urgency: Past, severity: Minor, certainty: Observed, responses: [None], hours: 1}\n"
        "words:\n  fr: {flood: Crue}\n  pt: {outage: Falha, works: Obras, still_valid: 'Válidos:'}\n",
        "utf-8",
    )
    own: CapTable = catalogue.load_prepared(tmp_path).cap
    flood = own.facts(own.row("flood", None), "en", packs.load("FR"), ())
    assert flood is not None
    assert (flood.event, flood.severity) == ("Crue", "Extreme")
    assert own.row("apology", None) is not None
    assert own.row("holding", None) == TABLE.row("holding", None)
    assert own.words["fr"]["outage"] == TABLE.words["fr"]["outage"]
    assert own.words["pt"]["outage"] == "Falha"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kinds: {holding: {urgency: Soon, severity: Severe, certainty: Observed, responses: [Execute], hours: 1}}", "“Soon” is not known here"),
        ("kinds: {holding: {urgency: Past, severity: Severe, certainty: Observed, responses: [Execte], hours: 1}}", "did you mean “Execute”"),
        ("kinds: {holding: {urgency: Past, severity: Severe, certainty: Observed, responses: [Execute], hours: 9999}}", "from 1 to 336"),
        ("kinds: {holding: {urgency: Past, severity: Severe, certainty: Observed, responses: [Execute]}}", "“hours” is missing"),
        ("kinds: {holding: {urgency: Past, severity: Severe, certainty: Observed, responses: [Execute], hours: 1, event: fire}}", "for the event “fire”"),
        ("kinds: {holding: {urgency: Past, severity: Severe, certainty: Observed, responses: [Execute], hours: 1, stages: {late: {urgency: x}}}}", "“x” is not known here"),
        ("words: {french: {outage: Panne}}", "“french” is not a language code"),
        ("colours: {}", "“colours” is not known here"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "cap.yaml").write_text(text + "\n", "utf-8")
    with pytest.raises(ConfigInvalid) as refused:
        catalogue.load(tmp_path)
    (line,) = refused.value.lines
    assert told in line
    assert "cap.yaml" in line
    assert ":1" in line


def test_the_reference_shows_the_table() -> None:
    page = PAGE.read_text("utf-8")
    for (kind, stage), row in TABLE.rows.items():
        name = f"`{kind}`, `{stage}`" if stage else f"`{kind}`"
        said = "not in CAP | | | |"
        if row:
            responses = ", ".join(row.responses)
            said = f"{row.urgency} | {row.severity} | {row.certainty} | {responses} | {row.hours}"
        assert f"| {name} | {said} |\n" in page
