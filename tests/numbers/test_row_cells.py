"""Each cell of a row and each rule about it: what is taken, what is refused and under which rule."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alertbot.numbers.rules_rows import (
    COLUMNS,
    BadRow,
    capacity,
    cell,
    frozen_row,
    is_formula,
    kept_row,
    known_column,
    local_iso,
    number_row,
    quoted,
    sources,
    unquoted,
    version,
    worded,
    wording,
)

PARIS = ZoneInfo("Europe/Paris")
ROW: dict[str, Any] = {"territory": "69", "service": "samu", "number": "04 65 71 00 15"}


def refused(**cells: Any) -> tuple[str, str]:
    """The rule and the sentence under which the usual row with these cells is refused."""
    with pytest.raises(BadRow) as fault:
        number_row({**ROW, **cells}, local_iso)
    return fault.value.rule, str(fault.value)


@pytest.mark.parametrize(
    ("given", "text"), [(None, ""), ("", ""), ("  a ", "a"), (0, "0"), (15, "15"), (-3, "-3")]
)
def test_a_cell_is_text(given: object, text: str) -> None:
    assert cell({"capacity": given}, "capacity") == text
    assert cell({}, "capacity") == ""


@pytest.mark.parametrize("given", [True, False, 1.5, [], {}, b"a", datetime(2021, 6, 3)])
def test_a_cell_that_is_no_text_is_refused(given: object) -> None:
    with pytest.raises(BadRow, match="capacity") as fault:
        cell({"capacity": given}, "capacity")
    assert fault.value.rule == "wrong_type"


def test_a_number_is_never_taken_from_an_integer() -> None:
    """Its first zero would be gone."""
    assert refused(number=465710015)[0] == "wrong_type"
    assert len(refused(capacity=1.5, condition="")[1]) < 200


@pytest.mark.parametrize(
    ("text", "calls"),
    [("", None), ("1", 1), ("015", 15), ("100000", 100_000), ("0000001", 1), ("0" * 5000 + "7", 7)],
)
def test_a_capacity(text: str, calls: int | None) -> None:
    assert capacity(text) == calls


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0000",
        "-1",
        "1.5",
        "100001",
        "9999999",
        "0000019999999",
        "9" * 5000,
        "1e3",
        "²",
        "١٥",
        "many",
        "+1",
    ],
)
def test_what_is_no_capacity(text: str) -> None:
    with pytest.raises(BadRow, match="capacity") as fault:
        capacity(text)
    assert fault.value.rule == "wrong_type"


@pytest.mark.parametrize(("text", "number"), [("", 0), ("0", 0), ("7", 7), ("999999999", 999_999_999)])
def test_a_version(text: str, number: int) -> None:
    assert version(text) == number


@pytest.mark.parametrize("text", ["-1", "1.0", "v1", "1234567890", "²", "١"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(BadRow, match="version") as fault:
        version(text)
    assert fault.value.rule == "wrong_type"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  la   nuit\n seulement ", "la nuit seulement"),
        ("x" * 80, "x" * 80),
        ("rue du 11 novembre 1918", "rue du 11 novembre 1918"),
        ("12345 habitants", "12345 habitants"),
        ("Sens. Auxerre", "Sens. Auxerre"),
        ("a @ b # c", "a @ b # c"),
        ("commune", "commune"),  # not .com
        ("", ""),
    ],
)
def test_words_that_are_taken(text: str, kept: str) -> None:
    assert worded(text) == kept


@pytest.mark.parametrize(
    ("text", "rule", "verbatim_too"),
    [
        ("x" * 81, "too_long", True),
        ("a\u202eb", "control_characters", True),
        ("a\u200bb", "control_characters", True),
        ("a\ue000b", "control_characters", True),
        ("a\ud800b", "control_characters", True),
        ("a\x7fb", "control_characters", True),
        ("see http:a", "link_in_text", False),
        ("HTTPS:a", "link_in_text", False),
        ("www.a", "link_in_text", False),
        ("sos.fr", "link_in_text", False),
        ("sos.FR ici", "link_in_text", False),
        ("a.org", "link_in_text", False),
        ("a.net", "link_in_text", False),
        ("a.info", "link_in_text", False),
        ("@samu", "link_in_text", False),
        ("#samu", "link_in_text", False),
        ("123456", "digits_in_text", False),
        ("04 65 71", "digits_in_text", False),
        ("04.65.71", "digits_in_text", False),
        ("04-65-71", "digits_in_text", False),
    ],
)
def test_words_that_are_refused(text: str, rule: str, verbatim_too: bool) -> None:
    with pytest.raises(BadRow) as fault:
        worded(text)
    assert fault.value.rule == rule
    if verbatim_too:
        with pytest.raises(BadRow):
            worded(text, verbatim=True)
    else:
        assert worded(text, verbatim=True) == text


def test_words_per_language_come_from_columns_or_a_mapping() -> None:
    raw = {
        "zone": " Nord ",
        "zone.en": "North",
        "zone.de": "",
        "zones": "x",
        "condition": {"fr": "nuit"},
    }
    assert wording(raw, "zone") == {"": "Nord", "en": "North"}
    assert wording(raw, "condition") == {"fr": "nuit"}
    assert wording(raw, "place") == {}
    assert wording({"zone": {"fr": " ", "en": None}}, "zone") == {}


def test_sources_are_lines_each_once_and_in_order() -> None:
    assert sources({"source_url": "b\n\n  \n a  c \nb"}) == ("b", "a c")
    assert sources({"source_url": ["b", "", "a", "b", None]}) == ("b", "a")
    assert sources({}) == ()
    assert sources({"source_url": ["x" * 3000]}) == ("x" * 2000,)
    with pytest.raises(BadRow):
        sources({"source_url": "a\u202eb"})


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        *(((sign + "1"), True) for sign in "=-@＋－＝＠"),
        ("+a", True),
        ("+33 4 65", False),
        (" +33-4.(65) ", False),
        ("+", True),
        ("\t1", True),
        ("\r1", True),
        (" =1", True),
        ("a=1", False),
        ("", False),
        ("'=1", False),
    ],
)
def test_what_a_spreadsheet_would_run(text: str, formula: bool) -> None:
    assert is_formula(text) is formula
    assert quoted(text).startswith("'") is (formula or text == "'=1")
    assert not is_formula(quoted(text))
    assert unquoted(quoted(text)) == text


def test_an_apostrophe_that_quotes_nothing_stays() -> None:
    assert quoted("'s-Hertogenbosch") == unquoted("'s-Hertogenbosch") == "'s-Hertogenbosch"


@pytest.mark.parametrize("column", [*COLUMNS, "name.fr", "zone.gsw", "condition.en", "place.de"])
def test_a_column_that_is_known(column: str) -> None:
    assert known_column(column)


@pytest.mark.parametrize(
    "column", ["", "zones", "zone.", "zone.f", "zone.fren", "zone.FR", "number.fr", "zone.fr.x", "Zone"]
)
def test_a_column_that_is_not(column: str) -> None:
    assert not known_column(column)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2021-06-03T18:00", datetime(2021, 6, 3, 18, 0, tzinfo=PARIS)),
        (" 2021-06-03 18:00 ", datetime(2021, 6, 3, 18, 0, tzinfo=PARIS)),
        ("20210603T18", datetime(2021, 6, 3, 18, 0, tzinfo=PARIS)),
        ("2021-06-03T18:00Z", datetime(2021, 6, 3, 18, 0, tzinfo=UTC)),
        (datetime(2021, 6, 3, 18, 0), datetime(2021, 6, 3, 18, 0, tzinfo=PARIS)),
        (datetime(2021, 6, 3, 18, 0, tzinfo=UTC), datetime(2021, 6, 3, 18, 0, tzinfo=UTC)),
    ],
)
def test_a_time_is_local_unless_it_says_otherwise(given: object, at: datetime) -> None:
    assert local_iso(given, PARIS) == at


@pytest.mark.parametrize(
    "given", ["2021-06-03", "20210603", "18:00", "tomorrow", "", 17, "2021-13-03T18:00"]
)
def test_what_is_no_time(given: object) -> None:
    with pytest.raises(BadRow) as fault:
        local_iso(given, PARIS)
    assert fault.value.rule == "wrong_type"


@pytest.mark.parametrize(
    ("cells", "rule", "told"),
    [
        ({"=": "it is a formula"}, "formula", "it is a formula"),
        ({"": "too many cells"}, "wrong_type", "too many cells"),
        ({"remark": "x"}, "wrong_type", "“remark”"),
        ({"territory": "99"}, "invalid_number", "“99”"),
        ({"territory": ""}, "invalid_number", "“”"),
        ({"territory": "75", "name": "Rhône"}, "invalid_number", "75 Paris"),
        ({"territory": "BE-WHT"}, "invalid_number", "BE-WHT"),  # without a name
        ({"territory": "BE-WHT", "name": "H", "timezone": "Mars/Base"}, "wrong_type", "Mars/Base"),
        ({"territory": "BE-WHT", "name": "H", "timezone": "../etc"}, "wrong_type", "../etc"),
        ({"service": "nurse"}, "invalid_number", "“nurse”"),
        ({"service": ""}, "invalid_number", "“”"),
        ({"number": ""}, "invalid_number", "number is missing"),
        ({"place": "caserne"}, "invalid_number", "both a number and a place"),
        ({"number": "04 65 71 00 1"}, "invalid_number", ""),
        ({"replaces": "19"}, "invalid_number", "19"),
        ({"replaces": "15/"}, "invalid_number", "15/"),
        ({"replaces": "15,17"}, "invalid_number", "15,17"),
        ({"number": "15"}, "invalid_number", "its own replacement"),
        ({"number": "112", "replaces": "18/112"}, "invalid_number", "its own replacement"),
        ({"entry": "12"}, "invalid_number", "“12”"),
        ({"entry": "N0"}, "invalid_number", "“N0”"),
        ({"valid_from": "2021-06-03"}, "wrong_type", "valid_from: "),
        ({"valid_until": "soon"}, "wrong_type", "valid_until: "),
        ({"review_at": "soon"}, "wrong_type", "review_at: "),
        ({"verified_at": "soon"}, "wrong_type", "verified_at: "),
        (
            {"valid_from": "2021-06-03T18:00", "valid_until": "2021-06-03T18:00"},
            "past_time",
            "2021-06-03 18:00",
        ),
        ({"verified_by": "x" * 81}, "too_long", "80"),
        ({"zone": "sos.fr"}, "link_in_text", "sos.fr"),
        ({"service": "samu: 04 65 71"}, "digits_in_text", "04 65 71"),
    ],
)
def test_a_row_that_is_refused(cells: dict[str, Any], rule: str, told: str) -> None:
    found, sentence = refused(**cells)
    assert found == rule
    assert told in sentence


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({}, {"replaces": "15", "service": "samu", "entry": "", "version": 0}),
        ({"replaces": ""}, {"replaces": ""}),  # a blank cell says that it replaces nothing
        ({"replaces": "15/112"}, {"replaces": "15/112"}),
        ({"number": "15", "replaces": "112"}, {"number": "15", "replaces": "112"}),
        ({"service": " SAMU "}, {"service": "samu"}),
        ({"service": "samu:Sens"}, {"zone": {"": "Sens"}, "condition": {}}),
        ({"service": "samu: la nuit"}, {"zone": {}, "condition": {"": "la nuit"}}),
        ({"service": "samu:Sens", "zone": "Auxerre"}, {"zone": {"": "Auxerre"}, "condition": {}}),
        ({"number": "", "place": "caserne"}, {"number": "", "place": {"": "caserne"}}),
        ({"entry": " n12 ", "version": "3"}, {"entry": "N12", "version": 3}),
        ({"valid_from": "2021-06-03T18:00Z"}, {"valid_from": datetime(2021, 6, 3, 18, 0, tzinfo=UTC)}),
        ({"valid_until": "2021-06-03T18:00Z"}, {"valid_from": None}),
        ({"published_at": "x" * 50}, {"published_at": "x" * 40}),
        ({"verified_by": "https://a.fr"}, {"verified_by": "https://a.fr"}),
        (
            {"territory": "974", "number": "112", "valid_until": "2021-06-03T18:00"},
            {"valid_until": datetime(2021, 6, 3, 14, 0, tzinfo=UTC)},
        ),
    ],
)
def test_a_row_that_is_taken(cells: dict[str, Any], expected: dict[str, Any]) -> None:
    row = number_row({**ROW, **cells}, local_iso)
    assert {name: getattr(row, name) for name in expected} == expected


FULL = {
    **ROW,
    "replaces": "15/112",
    "zone": {"fr": "Nord", "en": "North"},
    "condition": "la nuit",
    "capacity": "15",
    "valid_from": "2021-06-02T18:00:00+00:00",
    "valid_until": "2021-06-03T18:00:00+00:00",
    "review_at": "2021-06-03T12:00:00+00:00",
    "source_url": ["https://a.example", "https://b.example"],
    "published_at": "2021-06-02",
    "verified_by": "Bo",
    "verified_at": "2021-06-02T17:00:00+00:00",
    "entry": "N12",
    "version": "3",
}


def test_the_frozen_form_of_a_row_is_stored_and_keeps_its_shape() -> None:
    row = number_row(FULL, local_iso)
    assert frozen_row(row) == {**FULL, "condition": {"": "la nuit"}, "version": 3}
    assert number_row(frozen_row(row), local_iso) == row


def test_a_frozen_row_has_no_empty_cells_but_that_it_replaces_nothing() -> None:
    row = number_row({**ROW, "replaces": ""}, local_iso)
    assert frozen_row(row) == {**ROW, "replaces": ""}


@pytest.mark.parametrize(
    "cells",
    [
        FULL,
        ROW,
        {**ROW, "replaces": ""},
        {**ROW, "number": "", "place": "caserne"},
        {"territory": "BE-WHT", "name": "Hainaut", "service": "samu", "number": "112", "replaces": ""},
        {
            "territory": "BE-WHT",
            "name": "Hainaut",
            "timezone": "Europe/Brussels",
            "service": "samu",
            "number": "112",
            "replaces": "",
        },
    ],
)
def test_a_row_that_was_kept_is_the_row_that_was_checked(cells: dict[str, Any]) -> None:
    row = number_row(cells, local_iso)
    known = {
        "entry": row.entry,
        "version": row.version,
        "verified_by": row.verified_by,
        "verified_at": row.verified_at,
    }
    assert kept_row(frozen_row(row), **known) == row
    bare = kept_row(frozen_row(row))
    assert (bare.entry, bare.version, bare.verified_by, bare.verified_at) == ("", 0, "", None)
