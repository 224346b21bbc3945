"""Files as people save them: encodings, delimiters, columns, formulas, size, contradictions."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.errors import AlertbotError, Misuse
from alertbot.numbers import reading
from alertbot.numbers.reading import ImportReading, read_import, read_numbers

NOW = datetime(2021, 6, 2, 18, 0, tzinfo=UTC)
ROWS = (
    ("territory", "name", "service", "number", "condition"),
    ("69", "Rhône", "samu", "04 65 71 00 15", "la nuit, partout; sauf fête"),
    ("21", "Côte-d'Or", "pompiers", "03 53 01 00 18", ""),
)


def read(data: bytes | str, name: str = "numbers.csv") -> ImportReading:
    return read_import(data if isinstance(data, bytes) else data.encode(), name, now=NOW)


def table(delimiter: str, rows: tuple[tuple[str, ...], ...] = ROWS) -> str:
    return "".join(delimiter.join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)


def rules(reading: ImportReading) -> list[tuple[int, str]]:
    return [(fault.row, fault.rule) for fault in reading.faults]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"])
def test_any_delimiter_and_encoding(delimiter: str, encoding: str) -> None:
    reading = read(table(delimiter).encode(encoding))
    assert not reading.faults
    assert [row.number for row in reading.rows] == ["04 65 71 00 15", "03 53 01 00 18"]
    assert reading.rows[0].condition_in("fr") == "la nuit, partout; sauf fête"
    assert [one.rule for one in reading.warnings] == (
        [] if encoding.startswith("utf-8") else ["encoding"]
    )


def test_the_assumed_encoding_is_said() -> None:
    (warning,) = read(table(",").encode("latin-1")).warnings
    assert warning.row == 0
    assert "numbers.csv is not UTF-8 and was read as Windows-1252" in warning.message


def test_a_spreadsheet_may_name_its_delimiter() -> None:
    assert len(read("sep=;\n" + table(";")).rows) == 2


def test_yaml_and_json_are_read_too() -> None:
    yaml = "- {territory: 01, service: samu, number: 0465710015, zone: {fr: Nord, en: North}}\n"
    assert read(yaml, "numbers.yaml").rows[0].zone_in("en") == "North"
    json = (
        '[{"territory": "01", "service": "samu", "number": "0465710015", "capacity": 4, "zone": null}]'
    )
    assert read(json, "numbers.json").rows[0].capacity == 4


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("a.csv", "territory,number\n69,0465710015\n", "a.csv:1: the column service is missing"),
        ("a.csv", "\n\nterritory,service\n69,samu\n", "a.csv:3: the column number is missing"),
        ("a.csv", "territory,service,number,number\n", "the column number appears twice"),
        ("a.csv", "departement_code,territory,service,number\n", "the column territory appears twice"),
        ("a.csv", "territory,service,number\n", "contains no rows"),
        ("a.csv", "", "is missing"),
        (
            "a.csv",
            'territory,service,number\n69,samu,"0465710015\n',
            "a.csv:2: is not CSV|a.csv:2 is not CSV",
        ),
        ("a.csv", b"PK\x03\x04rest", "is a workbook"),
        ("a.csv", b"a\0b", "is not text"),
        ("a.yaml", "territory: 69\n", "must hold a list of rows"),
        ("a.yaml", "- {territory: 69\n", "a.yaml:2"),
        ("a.json", "{", "is not JSON"),
        ("a.json", "[" * 100_000, "is not JSON"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(name: str, data: bytes | str, told: str) -> None:
    with pytest.raises(Misuse, match=told):
        read(data, name)


def test_a_strange_column_stops_the_file_and_is_left_out_with_the_valid_rows_kept() -> None:
    reading = read("territory,service,number,conditions,remark\n69,samu,0465710015,la nuit,x\n")
    assert rules(reading) == [(0, "unknown_column")] * 2
    assert (
        "numbers.csv:1: there is no column “conditions”; did you mean “condition”?"
        in reading.faults[0].message
    )
    assert [row.condition for row in reading.rows] == [{}]


def test_rows_keep_their_number_in_the_file() -> None:
    reading = read(
        "territory,service,number\n69,samu,0465710015\n\n,,\n69,samu,12\n69,samu,0465710016,x\n"
    )
    assert rules(reading) == [(4, "invalid_number"), (5, "wrong_type")]
    assert "Row 4 (69 samu 12)" in reading.faults[0].message


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "  =1", "＝1"])
def test_a_formula_is_told_row_by_row(cell: str) -> None:
    rows = (*ROWS, ("69", "Rhône", "police", "04 65 71 00 17", cell))
    reading = read(table(",", rows))
    assert rules(reading) == [(3, "formula")]
    assert len(reading.rows) == 2


@pytest.mark.parametrize(
    "number", ["+33465710015", "+33 4 65 71 00 15", "+33 (0)4 65 71 00 15", "0033465710015"]
)
def test_a_number_with_a_plus_is_no_formula(number: str) -> None:
    reading = read(f"territory,service,number\n69,samu,{number}\n")
    assert [row.number for row in reading.rows] == ["04 65 71 00 15"]


def test_a_number_whose_zero_a_spreadsheet_dropped_is_told() -> None:
    (fault,) = read("territory,service,number\n69,samu,465710015\n").faults
    assert "has lost its first 0" in fault.message


def test_a_day_without_a_time_is_refused() -> None:
    (fault,) = read("territory,service,number,valid_until\n69,samu,0465710015,2021-06-03\n").faults
    assert (fault.row, fault.rule) == (1, "wrong_type")


def test_a_code_and_a_name_that_disagree_are_refused() -> None:
    (fault,) = read("territory,name,service,number\n75,Rhône,samu,0465710015\n").faults
    assert "belongs to 75 Paris, the name to 69 Rhône" in fault.message


# --- contradictions -------------------------------------------------------------------------------

WIDE = "territory,service,number,zone.fr,zone.en,condition,capacity,valid_until,replaces\n"
BASE = "69,samu,0465710015"


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (",,,,2021-06-03T12:00,", ",,,,2021-06-03T18:00,", "valid_until differs"),
        (",,,15,,", ",,,60,,", "capacity differs: 15 / 60"),
        (",,,,,15", ",,,,,15/112", "replaces differs"),
        (",,la nuit,,,", ",,le jour,,,", "with another condition"),
        ("Nord,North,,,,", "Nord,Northern part,,,,", "writes the same zone differently"),
        ("Nord,North,,,,", "Nord,,,,,", "writes the same zone differently"),
    ],
)
def test_rows_that_contradict_each_other_are_both_told(first: str, second: str, told: str) -> None:
    reading = read(f"{WIDE}{BASE},{first}\n69,police,0465710017,,,,,,\n{BASE},{second}\n")
    assert rules(reading) == [(1, "contradiction"), (3, "contradiction")]
    assert "row 3" in reading.faults[0].message
    assert "row 1" in reading.faults[1].message
    assert all(told in fault.message for fault in reading.faults)
    assert [row.service for row in reading.rows] == ["police"]


def test_what_one_source_leaves_open_is_no_contradiction() -> None:
    reading = read(f"{WIDE}{BASE},,,,15,2021-06-03T12:00,15\n{BASE},,,,,,\n")
    assert not reading.faults
    (row,) = reading.rows
    assert (row.capacity, row.replaces) == (15, "15")


def test_words_with_braces_are_told_as_they_are() -> None:
    reading = read("territory,name,service,number\nBE-X,{a},samu,112\nBE-X,{0.b},samu,112\n")
    assert rules(reading) == [(1, "contradiction"), (2, "contradiction")]


# --- size -------------------------------------------------------------------------------------------


def test_a_file_of_many_rows_is_read_where_the_field_of_an_alert_is_not() -> None:
    rows = "".join(
        f"69,samu,04 65 71 {n // 100:02} {n % 100:02},Zone {i}\n" for i in range(6) for n in range(1000)
    )
    text = "territory,service,number,zone\n" + rows
    assert len(read(text).rows) == 6000
    with pytest.raises(Misuse, match="more than 5000 rows"):
        read_numbers(text)


def test_the_bounds_of_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reading.MOST_IMPORTED == 100_000
    monkeypatch.setattr(reading, "MOST_IMPORTED", 1)
    with pytest.raises(Misuse, match="more than 1 rows"):
        read(table(","))
    monkeypatch.setattr(reading, "LARGEST_IMPORT", 10)
    with pytest.raises(Misuse, match="larger than"):
        read(table(","))


@given(st.binary(max_size=300), st.sampled_from(["a.csv", "a.yaml", "a.json", "a"]))
def test_any_bytes_read_or_are_refused_in_words(data: bytes, name: str) -> None:
    with suppress(AlertbotError):
        read(data, name)


@given(st.lists(st.lists(st.text(max_size=12), max_size=6), max_size=6), st.sampled_from(",;\t|"))
def test_any_table_reads_or_is_refused_in_words(rows: list[list[str]], delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in [["territory", "service", "number", "zone"], *rows]]
    with suppress(AlertbotError):
        read("\n".join(lines))
