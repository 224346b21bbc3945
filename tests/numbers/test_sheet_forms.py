"""Every form in which a file of rows arrives: dialects of CSV, headings, blank cells, JSON and YAML; and leaves."""

import codecs
import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from alertbot.core.errors import Misuse
from alertbot.numbers.rules_entry import NumberRow
from alertbot.numbers.rules_rows import COLUMNS, FORMULA, SURPLUS, local_iso, number_row
from alertbot.numbers.rules_sheet import (
    RowSheet,
    column_name,
    decoded,
    nearest_column,
    read_sheet,
    renamed,
    template,
    to_csv,
    to_json,
)
from alertbot.regions.facts import find

ROW = {"territory": "69", "service": "samu", "number": "0465710015"}


def csv(text: str, most: int = 10) -> RowSheet:
    return read_sheet(text, "n.csv", ".csv", most=most)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r\n\r\n"])
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("named", ["", "sep={}\n", "SEP={}\r\n", " sep={} \n"])
def test_a_dialect(named: str, delimiter: str, quote: str, ending: str) -> None:
    lines = [delimiter.join(f"{quote}{cell}{quote}" for cell in cells) for cells in (ROW, ROW.values())]
    sheet = csv(named.format(delimiter) + ending.join(lines) + ending)
    assert [row for _number, row in sheet.rows] == [ROW]
    assert sheet.strange == ()


def test_the_delimiter_is_the_one_that_gives_known_columns() -> None:
    sheet = csv("territory;service;number;what, who | when\n69;samu;1;a,b|c\n")
    assert sheet.rows == ((1, {**ROW, "number": "1", "what, who | when": "a,b|c"}),)
    assert sheet.strange == ("what, who | when",)
    named = csv("sep=|\nterritory|service|number|zone,place,name,condition,x\n69|samu|1|a\n")
    assert named.strange == ("zone,place,name,condition,x",)  # a name counts more than the heading
    with pytest.raises(Misuse, match="service"):  # a delimiter that is none of ours names nothing
        csv("sep=/\nterritory/service/number\n69/samu/1\n")


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("69,samu,1\n", [(1, "1")]),
        ("\n69,samu,1\n", [(2, "1")]),
        ("69,samu,1\n,,\n  , ,\n69,samu,2\n", [(1, "1"), (4, "2")]),
        ("69,samu,1", [(1, "1")]),
        ('69,samu,"1\n2"\n69,samu,3\n', [(1, "1\n2"), (2, "3")]),
    ],
)
def test_rows_keep_their_number(text: str, rows: list[tuple[int, str]]) -> None:
    sheet = csv("territory,service,number\n" + text)
    assert [(count, row["number"]) for count, row in sheet.rows] == rows


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        ("69,samu,1,", {"number": "1", "replaces": ""}),  # blank says that it replaces nothing
        ("69,samu,,15", {"replaces": "15"}),  # blank elsewhere says nothing
        ("69,samu,1", {"number": "1"}),  # a cell that is not there says nothing either
        ("69,samu,'=1,15", {"number": "=1", "replaces": "15"}),
        ("69,samu,''=1,15", {"number": "'=1", "replaces": "15"}),
        ("69,samu,  1 ,15", {"number": "1", "replaces": "15"}),
        ("69,samu,1,15,,", {"number": "1", "replaces": "15"}),  # blank cells too many are nothing
    ],
)
def test_cells(cells: str, row: dict[str, str]) -> None:
    ((_count, found),) = csv(f"territory,service,number,replaces\n{cells}\n").rows
    assert found == {"territory": "69", "service": "samu", **row}


def test_faults_of_form_are_noted_in_the_row() -> None:
    heading = "territory,service,number\n"
    ((_one, surplus), (_two, formula), (_three, both)) = csv(
        f"{heading}69,samu,1,x\n69,samu,=1+1\n69,samu,=1,x\n"
    ).rows
    assert SURPLUS in surplus
    assert FORMULA not in surplus
    assert "=1+1" in formula[FORMULA]
    assert set(both) == {*ROW, SURPLUS}
    ((_four, under_nothing),) = csv("territory,service,number,\n69,samu,1,x\n").rows
    assert SURPLUS in under_nothing


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        ("service,number", "territory"),
        ("territory,number", "service"),
        ("territory,service", "number"),
        ("number", "territory, service"),
        ("territory,service,number,service", "service"),
        ("territory,service,number,Number ", "number"),
    ],
)
def test_a_heading_that_cannot_be_used(heading: str, told: str) -> None:
    with pytest.raises(Misuse, match=rf"n\.csv:1: the column {told} "):
        csv(f"{heading}\n69\n")


@pytest.mark.parametrize("column", ["place", "place.fr", "number"])
def test_a_number_or_a_place_is_enough(column: str) -> None:
    assert csv(f"territory,service,{column}\n69,samu,x\n").rows[0][1][column] == "x"


def test_the_line_of_the_heading_and_what_is_strange_in_it() -> None:
    sheet = csv("\n\nterritory,service,number,zonne,\n69,samu,1,x,\n")
    assert (sheet.heading_line, sheet.strange) == (3, ("zonne",))


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" Territory ", "territory"),
        ("DEPARTEMENT_CODE", "territory"),
        ("departement", "name"),
        ("x", "x"),
    ],
)
def test_the_name_of_a_column(typed: str, name: str) -> None:
    assert column_name(typed) == name
    assert renamed({typed: 3}) == {name: 3}


@pytest.mark.parametrize(("typed", "meant"), [("zonne", "zone"), ("numbr", "number"), ("remark", "")])
def test_the_column_that_was_meant(typed: str, meant: str) -> None:
    assert nearest_column(typed) == meant


@pytest.mark.parametrize(
    ("data", "text", "assumed"),
    [
        ("é".encode(), "é", ""),
        (codecs.BOM_UTF8 + "é".encode(), "é", ""),
        ("é".encode("cp1252"), "é", "cp1252"),
        ("€".encode("cp1252"), "€", "cp1252"),
        (b"\x81\xe9", "\x81é", "latin-1"),
        (codecs.BOM_UTF16_LE + "é".encode("utf-16-le"), "é", "utf-16"),
        (codecs.BOM_UTF16_BE + "é".encode("utf-16-be"), "é", "utf-16"),
        (b"", "", ""),
    ],
)
def test_an_encoding(data: bytes, text: str, assumed: str) -> None:
    assert decoded(data, "n") == (text, assumed)


@pytest.mark.parametrize("data", [b"PK\x03\x04", b"a\0b", codecs.BOM_UTF16_LE + b"a", b"\xe9\0"])
def test_what_is_no_text(data: bytes) -> None:
    with pytest.raises(Misuse, match="CSV UTF-8"):
        decoded(data, "n")


@pytest.mark.parametrize("suffix", ["", ".yaml", ".yml"])
def test_yaml_by_its_name_or_its_beginning(suffix: str) -> None:
    for text in ("- {territory: 01, number: 04}\n", "  [{territory: 01, number: 04}]"):
        sheet = read_sheet(text, "n", suffix, most=1)
        assert sheet.rows == ((1, {"territory": "01", "number": "04"}),)
        assert sheet.heading_line == 1


@pytest.mark.parametrize("first", ["-", "[x]"])
def test_a_name_counts_more_than_the_beginning(first: str) -> None:
    sheet = csv(f"{first},territory,service,number\na,69,samu,1\n")
    assert sheet.strange == (first,)
    assert sheet.rows[0][1]["number"] == "1"


def test_json_keeps_numbers_as_they_were_written() -> None:
    text = '[{"Territory": "69", "number": 0.50, "capacity": 10, "x": null, "y": true, "z": NaN}, {}]'
    sheet = read_sheet(text, "n", ".json", most=2)
    cells = {"territory": "69", "number": "0.50", "capacity": "10", "x": None, "y": True, "z": "NaN"}
    assert sheet.rows == ((1, cells), (2, {}))


@pytest.mark.parametrize(
    ("text", "suffix"),
    [("{}", ".json"), ('["a"]', ".json"), ("[[]]", ".json"), ("null", ".json"), ("- a\n", ".yaml")],
)
def test_what_is_no_list_of_rows(text: str, suffix: str) -> None:
    with pytest.raises(Misuse, match="must hold a list of rows"):
        read_sheet(text, "n", suffix, most=5)


@pytest.mark.parametrize("suffix", [".csv", ".json", ".yaml"])
def test_one_row_more_than_allowed_is_too_many(suffix: str) -> None:
    def text(count: int) -> str:
        if suffix == ".csv":
            return "territory,service,number\n" + "69,samu,1\n" * count
        return json.dumps([{"territory": "69"}] * count)

    assert len(read_sheet(text(3), "n", suffix, most=3).rows) == 3
    with pytest.raises(Misuse, match="more than 3 rows"):
        read_sheet(text(4), "n", suffix, most=3)


def test_a_template_has_every_column_and_one_row() -> None:
    sheet = csv(template())
    assert template().splitlines()[0] == ",".join(COLUMNS)
    ((count, row),) = sheet.rows
    assert (count, row["territory"], row["name"], row["number"]) == (1, "69", "Rhône", "04 65 71 69 18")
    checked = number_row(row, local_iso)  # it can be imported as it is
    assert (checked.capacity, checked.sources) == (15, ("https://www.example.org/69",))
    assert checked.valid_until == datetime(2030, 6, 3, 18, 0, tzinfo=ZoneInfo("Europe/Paris"))


SENS = NumberRow(
    find("69"), "police", "04 65 71 00 17", "17", zone={"": "Sens"}, condition={"fr": "=nuit"}
)


def test_what_is_written_as_csv() -> None:
    lines = to_csv([SENS]).split("\r\n")
    heading, cells = lines[0].split(","), lines[1].split(",")
    assert len(lines) == 3
    assert heading[: heading.index("condition") + 2].count("condition.fr") == 1
    written = {column: text for column, text in zip(heading, cells, strict=True) if text}
    assert written == {
        "territory": "69",
        "name": "Rhône",
        "service": "police",
        "replaces": "17",
        "number": "04 65 71 00 17",
        "zone": "Sens",
        "condition.fr": "'=nuit",
    }


def test_what_is_written_as_json() -> None:
    text = to_json([SENS])
    assert text.endswith("]\n")
    assert "Rhône" in text
    assert json.loads(text) == [
        {
            "territory": "69",
            "name": "Rhône",
            "service": "police",
            "replaces": "17",
            "number": "04 65 71 00 17",
            "zone": "Sens",
            "condition": {"fr": "=nuit"},
        }
    ]
