"""Provisional numbers: reading, judging, merging (R1, R2, R4, R7; the nine traps of June 2021)."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.errors import AlertbotError, Misuse
from alertbot.numbers.reading import read_numbers
from alertbot.numbers.rules_digits import InvalidNumber, is_fictional, written
from alertbot.regions.facts import all_territories, find, in_force

HEADING = "territory,service,number,zone,condition,source_url,verified_by,verified_at\n"


@pytest.mark.parametrize(
    ("raw", "region", "text"),
    [
        ("04 65 71 00 15", "FR", "04 65 71 00 15"),
        ("04.65.71.00.15", "FR", "04 65 71 00 15"),
        ("+33 4 65 71 00 15", "FR", "04 65 71 00 15"),
        ("0033465710015", "FR", "04 65 71 00 15"),
        ("04 65 71-00-15", "FR", "04 65 71 00 15"),
        ("112", "FR", "112"),
        ("18", "YT", "18"),
    ],
)
def test_a_number_is_written_in_pairs(raw: str, region: str, text: str) -> None:
    assert written(raw, region) == text


@pytest.mark.parametrize(
    "raw",
    [
        "12",
        "122",
        "911",
        "",
        "04 65 71 00 1",
        "04 65 71 00 155",
        "abc",
        "٠٤٦٥٧١٠٠١٥",
        "00 00 00 00 00",
        "9" * 10,
    ],
)
def test_what_cannot_be_dialled_is_refused(raw: str) -> None:
    with pytest.raises(InvalidNumber):
        written(raw)


@given(st.sampled_from(in_force().own.fiction), st.integers(0, 9999))
def test_every_number_of_a_fiction_range_is_known_as_such(prefix: str, rest: int) -> None:
    number = written(f"{prefix}{rest:04}")
    assert is_fictional(number)
    assert written(number) == number


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_sentence(raw: str) -> None:
    with suppress(InvalidNumber):
        assert written(written(raw)) == written(raw)


def test_a_semicolon_file_with_a_byte_order_mark_reads(tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_bytes(
        b"\xef\xbb\xbfdepartement_code;departement;service;number\r\n69;Rh\xc3\xb4ne;samu;04 65 71 00 15\r\n"
    )
    reading = read_numbers(file)
    assert not reading.faults
    assert [(row.territory.code, row.number, row.replaces) for row in reading.rows] == [
        ("69", "04 65 71 00 15", "15")
    ]


def test_yaml_keeps_the_leading_zero(tmp_path: Path) -> None:
    file = tmp_path / "numbers.yaml"
    file.write_text("- {territory: 01, service: samu, number: 0465710015}\n", encoding="utf-8")
    (row,) = read_numbers(file).rows
    assert (row.territory.code, row.number) == ("01", "04 65 71 00 15")


def test_zone_and_condition_stay_with_the_number() -> None:
    text = "territory,service,number\n69,police:Sens,04 65 71 00 17\n69,pompiers:clients Exemple,04 65 71 00 18\n"
    police, fire = read_numbers(text).rows
    assert (police.zone_in("fr"), police.condition_in("fr")) == ("Sens", "")
    assert (fire.zone_in("en"), fire.condition_in("en")) == ("", "clients Exemple")


def test_zone_and_condition_are_worded_per_language() -> None:
    text = "territory,service,number,condition.fr,condition.en\n69,samu,0465710015,la nuit,at night\n"
    (row,) = read_numbers(text).rows
    assert (row.condition_in("fr"), row.condition_in("en")) == ("la nuit", "at night")


def test_the_same_entry_twice_is_one_row_with_two_sources() -> None:
    text = (
        HEADING
        + "69,samu,0465710015,,,https://a.example,,\n69,samu,04 65 71 00 15,,,https://b.example,,\n"
    )
    reading = read_numbers(text)
    assert reading.count == 2
    (row,) = reading.rows
    assert row.sources == ("https://a.example", "https://b.example")


def test_another_zone_is_another_row() -> None:
    text = HEADING + "69,police,0465710015,Sens,,,,\n69,police,0465710015,Auxerre,,,,\n"
    assert len(read_numbers(text).rows) == 2


def test_verified_needs_a_name_and_a_time() -> None:
    text = HEADING + (
        "69,samu,0465710015,,,,Watch,2021-06-02T18:00\n69,police,0465710017,,,,Watch,\n42,samu,0465710015,,,,,\n"
    )
    assert [row.verified for row in read_numbers(text).rows] == [True, False, False]


def test_bad_rows_are_named_one_by_one_and_good_ones_kept() -> None:
    text = HEADING + (
        "69,samu,122,,,,,\n99,samu,0465710015,,,,,\n69,nurse,0465710015,,,,,\n69,samu,0465710015,,,,,\n"
        "69,police,0465710015,see www.example.org,,,,\n69,police,0465710015,or 04 65 71 00 99,,,,\n"
    )
    reading = read_numbers(text)
    assert [fault.row for fault in reading.faults] == [1, 2, 3, 5, 6]
    assert [fault.rule for fault in reading.faults][-2:] == ["link_in_text", "digits_in_text"]
    assert "Row 1" in reading.faults[0].message
    assert "112" in reading.faults[0].message
    assert len(reading.rows) == 1


def test_coincidences_are_warnings() -> None:
    text = HEADING + (
        "69,samu,0465710015,,,,,\n69,pompiers,0465710015,,,,,\n42,samu,0465710015,,,,,\n75,samu,04 72 11 00 00,,,,,\n"
    )
    reading = read_numbers(text)
    assert [doubt.row for doubt in reading.warnings] == [3, 3, 4]
    assert not reading.faults


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"a,b,c\n1,2,3\n", b"", b"x" * 1_000_001],
)
def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "numbers.csv"
    file.write_bytes(content)
    with pytest.raises(Misuse, match=r"numbers\.csv"):
        read_numbers(file)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="cannot be read"):
        read_numbers(tmp_path / "none.csv")


@given(st.text(max_size=200))
def test_any_text_reads_or_is_refused_in_words(text: str) -> None:
    with suppress(AlertbotError):
        read_numbers(text)


def test_every_territory_has_a_zone_that_exists() -> None:
    from zoneinfo import ZoneInfo

    places = all_territories()
    assert len(places) == 1 + 96 + 11
    for place in places.values():
        assert ZoneInfo(place.zone)
        assert place.name_in("fr")
        assert place.name_in("en")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1", "01"),
        ("2a", "2A"),
        ("Réunion", "974"),
        ("cote d'or", None),
        ("Côte-d’Or", "21"),
        ("FR", "FR"),
    ],
)
def test_territories_are_found_by_code_or_name(text: str, code: str | None) -> None:
    place = find(text)
    assert (place.code if place else None) == code
