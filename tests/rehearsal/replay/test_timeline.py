"""A case as it is written: whatever may be left out, and one sentence for everything that is wrong."""

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alertbot.core.errors import Misuse
from alertbot.rehearsal.replay.timeline import read_case, said
from tests.rehearsal.replay.at_hand import SHARED, entries, shared, timeline


def test_a_whole_case() -> None:
    case = timeline(
        """
case: tried
title: {fr: Essai, en: Try}
timezone: Europe/Paris
operator: Operator
service: {fr: le 112, en: calls to 112}
note: left alone
entries:
- at: "2021-06-02T16:45:00+02:00"
  precision: approximate
  actor: SAMU 69
  channel: press
  state: Retracted_Partial
  summary: {fr: Oui, en: 'Yes'}
  source_url: https://www.example.org/
  also_source: https://www.example.org/2
  not_before: "2021-06-02T16:00"
  computed: true
  public: false
  numbers:
  - 22/samu
  - {action: stay, territory: 22, service: pompiers}
  - {departement_code: 35, service: police, zone: Rennes, number: 02 61 91 35 17, action: add}
"""
    )
    (entry,) = case.entries
    assert (case.case, case.operator, case.title["fr"], case.service["en"]) == (
        "tried", "Operator", "Essai", "calls to 112",
    )  # fmt: skip
    assert entry.at == datetime.fromisoformat("2021-06-02T14:45+00:00")
    assert (entry.state, entry.actor, entry.precision) == (
        "retracted-partial",
        "SAMU 69",
        "approximate",
    )
    assert (entry.computed, entry.public, entry.line) == (True, False, 9)
    assert entry.not_before == datetime.fromisoformat("2021-06-02T14:00+00:00")
    assert [(one.action, one.query) for one in entry.numbers] == [
        ("withdraw", "22/samu"),
        ("stay", "22/pompiers"),
        ("add", "35/police"),
    ]


def test_nearly_everything_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "timeline.yaml").write_text('entries:\n- {at: "2021-06-02T16:45", state: down}\n')
    case = read_case(tmp_path)
    assert (case.case, case.title) == (tmp_path.name, {"en": tmp_path.name})
    assert case.entries[0].at.isoformat() == "2021-06-02T16:45:00+00:00"
    assert read_case(tmp_path / "timeline.yaml").folder == tmp_path


@pytest.mark.parametrize(
    ("head", "region", "where"),
    [
        ("", "FR", "FR"),
        ("timezone: Europe/Paris", "FR", "FR"),
        ("timezone: Indian/Reunion", "FR", "974"),
        ("timezone: Europe/London", "GB", "GB"),
        ("timezone: Pacific/Honolulu", "US", "HI"),
        ("timezone: Australia/Hobart", "AU", "TAS"),
        ("timezone: Europe/London\nregion: gb\nwhere: [Wales]", "GB", "WLS"),
        ("region: NL", "NL", "NL"),
        ("timezone: Asia/Tokyo\nwhere: 69", "FR", "69"),
    ],
)
def test_where_it_happened(head: str, region: str, where: str) -> None:
    case = timeline(f"{head}\nentries: []")
    assert (case.region.code, case.where) == (region, where)


def test_a_region_may_be_asked_for(tmp_path: Path) -> None:
    (tmp_path / "timeline.yaml").write_text("region: GB\nentries: []\n", encoding="utf-8")
    assert read_case(tmp_path).region.code == "GB"
    assert read_case(tmp_path, "nl").region.code == "NL"
    with pytest.raises(Misuse, match="no country pack XX"):
        read_case(tmp_path, "XX")


@pytest.mark.parametrize("text", ["entries: []", "entries:", "case: tried\nentries:\n"])
def test_a_case_may_be_empty(text: str) -> None:
    assert timeline(text).entries == ()


def test_entries_are_put_in_order_and_those_of_one_moment_stay_as_written() -> None:
    case = entries("18:00 degraded B", "16:45 undetected A", "18:00 identified C", "03T00:30 audit D")
    assert [one.actor for one in case.entries] == ["A", "B", "C", "D"]


def test_a_moment_without_an_offset_is_local() -> None:
    early, late = timeline(
        'timezone: Pacific/Honolulu\nentries:\n- {at: 2018-01-13, state: audit}\n- {at: "2018-01-13 08:07", state: down}'
    ).entries
    assert early.at.isoformat() == "2018-01-13T00:00:00-10:00"
    assert late.at.isoformat() == "2018-01-13T08:07:00-10:00"


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    case = timeline('timezone: Europe/Paris\nentries:\n- {at: "2021-10-31T02:30", state: down}')
    assert case.entries[0].at.isoformat() == "2021-10-31T02:30:00+02:00"


def test_one_language_is_enough() -> None:
    case = timeline(
        'title: Panne\nentries:\n- {at: "2021-06-02T16:45", state: down, summary: {de: Ausfall}}'
    )
    assert said(case.title, "fr") == "Panne"
    assert said(case.entries[0].summary, "fr") == "Ausfall"
    assert said({}, "fr") == ""


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("- a\n- b", 1, "a case has keys"),
        ("", 1, "a case has keys"),
        ("case: tried", 1, "no `entries:`"),
        ("entries: {at: now}", 1, "a list is needed"),
        ("entries:\n- down", 2, "an entry has keys"),
        ("entries:\n- {state: down}", 2, "the entry has no `at:`"),
        ('entries:\n- {at: "2021-06-02T16:45"}', 2, "the entry has no `state:`"),
        ("entries:\n- state: down\n  at: yesterday", 3, "“yesterday” is not a date and time"),
        ("entries:\n- state: down\n  at: 9999-12-31T23:59-23:59", 3, "is not a date and time"),
        ("entries:\n- state: down\n  at: 1901-01-01T00:00", 3, "1901 is not plausible"),
        ("entries:\n- state: down\n  at: [1]", 3, "a single text is needed"),
        ("timezone: Paris\nentries: []", 1, "“Paris” is not a time zone"),
        ("timezone: ../../etc/passwd\nentries: []", 1, "is not a time zone"),
        ("timezone: Asia/Tokyo\nentries: []", 1, "France has no place in Asia/Tokyo"),
        ("timezone: Europe/Paris\nregion: GB\nentries: []", 1, "the United Kingdom has no place in Europe/Paris"),
        ("entries: []\nregion: Mars", 2, "no country pack MARS"),
        ("title: {français: x}\nentries: []", 1, "is not a language"),
        ("entries: []\nentries: []", 2, "given twice"),
        ("entries: &a\n- *a", 1, ""),
        ("entries: !!python/object:os.system []", 1, "tags"),
        ("entries: [", 1, ""),
        ('entries:\n- {at: "2021-06-02T16:45", state: down, public: perhaps}', 2, "neither true nor false"),
        ('entries:\n- {at: "2021-06-02T16:45", state: down, numbers: 22}', 2, "a list is needed"),
        ('entries:\n- {at: "2021-06-02T16:45", state: down, numbers: [[1]]}', 2, "an item of `numbers:`"),
        (
            'entries:\n- {at: "2021-06-02T16:45", state: down, numbers: [{service: samu}]}',
            2,
            "names no `territory:`",
        ),
        (
            'entries:\n- {at: "2021-06-02T16:45", state: down, numbers: [{territory: 22, action: burn}]}',
            2,
            "no action “burn”",
        ),
        ('entries:\n- {at: "2021-06-02T16:45", state: down, numbers: [22/doctor]}', 2, "no service “doctor”"),
        ("case: " + "x" * 2001 + "\nentries: []", 1, "longer than 2000"),
    ],
)  # fmt: skip
def test_one_sentence_with_its_line(text: str, line: int, sentence: str) -> None:
    with pytest.raises(Misuse) as raised:
        timeline(text)
    said_so = str(raised.value)
    assert said_so.startswith("timeline.yaml:")
    assert sentence in said_so
    if sentence:
        assert said_so.startswith(f"timeline.yaml:{line}:")
    assert "\n" not in said_so


def test_too_many_entries() -> None:
    with pytest.raises(Misuse, match="more than 5000"):
        timeline("entries:" + "\n- {at: 2021-06-02, state: down}" * 5001)


def test_what_is_no_case(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"timeline\.yaml is missing"):
        read_case(tmp_path)
    with pytest.raises(Misuse, match="contains no case"):
        read_case(tmp_path / "nowhere")
    (tmp_path / "timeline.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Misuse, match="UTF-8"):
        read_case(tmp_path)


def test_signs_that_no_terminal_should_get_are_taken_out() -> None:
    case = timeline('case: "a\\e[31mb\\u202E"\nentries: []')
    assert case.case == "a?[31mb?"


@settings(deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_a_case_or_a_sentence(text: str) -> None:
    try:
        timeline(text)
    except Misuse as error:
        assert str(error).startswith("timeline.yaml:")  # noqa: PT017 - either is right


def test_the_shared_cases_read_whole() -> None:
    counts = {
        "orange-2021-06-02": 41,
        "orange-2023-01-17": 6,
        "hawaii-false-alert-2018-01-13": 10,
    }
    for name, count in counts.items():
        assert len(read_case(shared(name)).entries) == count
    for folder in (one.parent for one in SHARED.glob("*/timeline.yaml")):
        assert read_case(folder).case == folder.name
