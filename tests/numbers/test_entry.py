"""A row of the register: its name, its end, what makes it the same as another, and its words per language."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.numbers.rules_entry import (
    Entry,
    NumberRow,
    Standing,
    entry_id,
    entry_name,
    row_standing,
    standing,
)
from alertbot.regions.facts import find

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROW = NumberRow(find("69"), "samu", "04 65 71 00 15")


@given(st.integers(1, 999_999_999))
def test_a_name_leads_back_to_its_entry(number: int) -> None:
    name = entry_name(number)
    assert name == f"N{number}"
    assert entry_id(name) == entry_id(f" {name.lower()}\n") == number


@pytest.mark.parametrize(
    "name",
    ["", "N", "N0", "N012", "12", "N1 2", "N-1", "N1a", "xN1", "N1.0", "N1234567890", "N١", "M1"],
)
def test_what_names_no_entry(name: str) -> None:
    assert entry_id(name) is None


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ({}, None),
        ({"valid_until": NOW}, NOW),
        ({"review_at": NOW}, NOW),
        ({"valid_until": NOW, "review_at": NOW + HOUR}, NOW),
        ({"valid_until": NOW + HOUR, "review_at": NOW}, NOW),
    ],
)
def test_the_first_end_counts(ends: dict[str, Any], expected: datetime | None) -> None:
    assert replace(ROW, **ends).ends_at == expected


@pytest.mark.parametrize(
    ("by", "at", "verified"),
    [("Bo", NOW, True), ("Bo", None, False), ("", NOW, False), ("", None, False)],
)
def test_verified_is_by_somebody_and_at_a_time(by: str, at: datetime | None, verified: bool) -> None:
    assert replace(ROW, verified_by=by, verified_at=at).verified is verified


VOUCHED = {"verified_by": "Bo", "verified_at": NOW - HOUR}
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (VOUCHED, Standing.IN_FORCE),
        (VOUCHED | {"valid_until": NOW + SECOND}, Standing.IN_FORCE),
        (VOUCHED | {"review_at": NOW + SECOND, "valid_until": NOW + HOUR}, Standing.IN_FORCE),
        (VOUCHED | {"review_at": NOW + HOUR, "valid_until": NOW}, Standing.EXPIRED),
        (VOUCHED | {"valid_from": NOW}, Standing.IN_FORCE),
        (VOUCHED | {"valid_from": NOW + SECOND}, Standing.PLANNED),
        (VOUCHED | {"valid_from": NOW + SECOND, "valid_until": NOW}, Standing.EXPIRED),
        ({"valid_until": NOW + HOUR}, Standing.UNVERIFIED),
        ({"valid_from": NOW + HOUR}, Standing.UNVERIFIED),
        ({"valid_until": NOW}, Standing.EXPIRED),
        ({"verified_by": "Bo"}, Standing.UNVERIFIED),
    ],
)
def test_where_a_row_stands_to_the_second(changes: dict[str, Any], expected: Standing) -> None:
    row = replace(ROW, **changes)
    assert row_standing(row, NOW) is expected
    kept = Entry(1, row, "Ada", NOW - HOUR)
    assert standing(kept, NOW) is expected
    assert standing(replace(kept, withdrawn_at=NOW), NOW) is Standing.WITHDRAWN


def test_what_makes_two_rows_different_entries() -> None:
    others = [
        {"territory": find("42")},
        {"service": "police"},
        {"number": "04 65 71 00 17"},
        {"zone": {"fr": "Lyon"}},
        {"zone": {"en": "Lyon"}},
        {"condition": {"fr": "Lyon"}},
        {"place": {"fr": "Lyon"}},
        {"zone": {"fr": "a", "en": "b"}},
        {"zone": {"fr": "a"}, "condition": {"en": "b"}},
    ]
    rows = [ROW, *(replace(ROW, **one) for one in others)]  # type: ignore[arg-type]
    for one, other in combinations(rows, 2):
        assert one.identity != other.identity


def test_what_makes_no_other_entry() -> None:
    same = replace(ROW, zone={"fr": "a", "en": "b"})
    for change in (
        {"zone": {"en": "b", "fr": "a"}},
        {"capacity": 3},
        {"valid_until": NOW},
        {"verified_by": "Bo"},
        {"sources": ("https://example.org",)},
        {"entry": "N1", "version": 2},
    ):
        assert replace(same, **change).identity == same.identity  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("worded", "lang", "text"),
    [
        ({}, "fr", ""),
        ({"fr": "Lyon", "en": "Lyons"}, "en", "Lyons"),
        ({"": "Lyon"}, "en", "Lyon"),  # for every language
        ({"": "Lyon", "en": "Lyons"}, "en", "Lyons"),
        ({"": "Lyon", "en": "Lyons"}, "fr", "Lyon"),
        ({"en": "Lyons"}, "fr", "Lyons"),  # better in another language than not at all
        ({"fr": "", "": "Lyon"}, "fr", "Lyon"),
    ],
)
def test_words_in_a_language(worded: dict[str, str], lang: str, text: str) -> None:
    row = replace(ROW, zone=worded, condition=worded, place=worded)
    assert (row.zone_in(lang), row.condition_in(lang), row.place_in(lang)) == (text, text, text)


def test_a_row_in_one_line() -> None:
    assert str(ROW) == "69 samu 04 65 71 00 15"
    place = replace(ROW, number="", zone={"fr": "Lyon"}, place={"fr": "caserne"})
    assert str(place) == "69 samu Lyon caserne"
    both = {"en": "Lyons", "fr": "Lyon"}
    assert (
        str(replace(ROW, number="", zone=both, condition=both, place=both)) == "69 samu Lyon Lyon Lyon"
    )
    assert (ROW.entry, ROW.version) == ("", 0)  # not from the register
