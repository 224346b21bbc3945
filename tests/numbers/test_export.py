"""What is exported reads back as the same rows, and no spreadsheet runs a cell of it."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from alertbot.numbers.reading import read_import, read_numbers
from alertbot.numbers.rules_digits import written
from alertbot.numbers.rules_entry import NumberRow
from alertbot.numbers.rules_rows import (
    COLUMNS,
    frozen_row,
    is_formula,
    local_iso,
    number_row,
    quoted,
    unquoted,
)
from alertbot.numbers.rules_sheet import template, to_csv, to_json
from alertbot.regions.facts import find, free_territory, in_force, services
from tests.effort import examples

NOW = datetime(2021, 6, 2, 18, 0, tzinfo=UTC)
HAINAUT = free_territory("BE-WHT", {"fr": "Hainaut", "nl": "Henegouwen"})

NASTY = (
    "=1+1",
    "'=1",
    "''=1",
    "-nuit",
    "+33 4",
    "'s-Hertogenbosch",
    "a, b; c | d",
    'dit "ici"',
    "{x}",
    "é’<&>",
    "＝1",
)
words = st.sampled_from(NASTY)
worded = st.dictionaries(st.sampled_from(["", "fr", "en", "gsw"]), words, max_size=3)
zones = st.sampled_from([UTC, timezone(timedelta(hours=4))])
later = st.datetimes(datetime(2021, 6, 4), datetime(2021, 6, 30), timezones=zones)
numbers = st.builds(
    lambda start, rest: written(f"{start}{rest:04}"),
    st.sampled_from(in_force().own.fiction),
    st.integers(0, 9999),
)
territories = st.sampled_from([*map(find, ("01", "2A", "69", "974", "FR")), HAINAUT])


@st.composite
def number_rows(draw: st.DrawFn) -> NumberRow:
    territory = draw(territories)
    number = "112" if territory is HAINAUT else draw(st.sampled_from(["", "112"]) | numbers)
    place = {} if number else draw(worded) or {"": "caserne"}
    return NumberRow(
        territory,
        draw(st.sampled_from(list(services()))),
        number,
        "" if territory is HAINAUT else draw(st.sampled_from(["", "15", "17/18"])),
        draw(worded),
        draw(worded),
        draw(st.none() | st.integers(1, 100_000)),
        draw(st.none() | st.just(NOW)),
        draw(st.none() | later),
        draw(st.none() | later),
        tuple(dict.fromkeys(draw(st.lists(words, max_size=3)))),
        draw(st.just("") | words),
        draw(st.just("") | words),
        draw(st.none() | st.just(NOW)),
        place,
        draw(st.sampled_from(["", "N1", "N12"])),
        draw(st.integers(0, 9)),
    )


def usual(row: NumberRow) -> bool:
    """A row without a replaced number of its own is read with the usual one of its service."""
    return row.number != services()[row.service].replaces


rows_of_a_register = st.lists(
    number_rows().filter(usual), min_size=1, max_size=4, unique_by=lambda row: row.identity
)


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.too_slow])
@given(rows_of_a_register)
def test_an_export_reads_back_as_the_same_rows(rows: list[NumberRow]) -> None:
    assert list(read_numbers(to_csv(rows)).rows) == rows
    assert list(read_numbers(to_json(rows)).rows) == rows
    assert [number_row(frozen_row(row), local_iso) for row in rows] == rows


@settings(max_examples=examples(50), suppress_health_check=[HealthCheck.too_slow])
@given(rows_of_a_register)
def test_no_spreadsheet_runs_a_cell_of_an_export(rows: list[NumberRow]) -> None:
    cells = [cell for line in csv.reader(io.StringIO(to_csv(rows), newline="")) for cell in line]
    assert not any(is_formula(cell) for cell in cells)


@given(st.text(st.sampled_from("'=+-@\t\r\n;| a1"), max_size=6))
@example("\r'\r=")
@example(" \r=")
@example("\n=1")
@example(";' ;=")
def test_a_quoted_cell_is_restored(cell: str) -> None:
    assert not is_formula(quoted(cell))
    assert unquoted(quoted(cell)) == cell


def test_an_apostrophe_of_its_own_stays() -> None:
    assert quoted("'s-Hertogenbosch") == unquoted("'s-Hertogenbosch") == "'s-Hertogenbosch"


def test_the_import_of_an_export_keeps_every_row() -> None:
    text = "territory,service,number,condition,source_url\n69,samu,0465710015,'=nuit,'=a\n21,samu,0353010015,,\n"
    reading = read_import(text.encode(), "a.csv", now=NOW)
    assert reading.rows[0].condition_in("fr") == "=nuit"
    assert read_import(to_csv(reading.rows).encode(), "b.csv", now=NOW).rows == reading.rows
    assert read_import(to_json(reading.rows).encode(), "b.json", now=NOW).rows == reading.rows


def test_the_template_has_every_column_and_reads() -> None:
    heading, example = csv.reader(io.StringIO(template(), newline=""))
    assert tuple(heading) == COLUMNS
    assert len(example) == len(heading)
    reading = read_import(template().encode(), "template.csv", now=datetime(2030, 6, 2, tzinfo=UTC))
    assert (reading.faults, reading.warnings, reading.report.findings) == ((), (), ())
    assert reading.rows[0].fictional


@pytest.mark.parametrize("words", [{"": "Nord"}, {"fr": "Nord", "en": "North"}])
def test_words_per_language_have_their_own_columns(words: dict[str, str]) -> None:
    (row,) = read_numbers(
        [{"territory": "69", "service": "samu", "number": "0465710015", "zone": words}]
    ).rows
    heading = to_csv([row]).partition("\r\n")[0].split(",")
    assert [column for column in heading if column.startswith("zone")] == (
        ["zone", "zone.en", "zone.fr"] if "fr" in words else ["zone"]
    )
