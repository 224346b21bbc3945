"""Rows of one entry become one, cell by cell; what changes an entry, and what only adds a source."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertbot.numbers.rules_changes import bare, contradictions, merged, plan, updated, with_end
from alertbot.numbers.rules_entry import Entry, NumberRow
from alertbot.regions.facts import find, free_territory

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROW = NumberRow(find("69"), "samu", "04 65 71 00 15", "")
BELGIAN = free_territory("BE-WHT", {"fr": "Hainaut"})
ALSO_BELGIAN = free_territory("BE-WHT", {"fr": "Henegouwen"})


@pytest.mark.parametrize(
    ("cell", "one", "other", "kept"),
    [
        ("replaces", "", "15", "15"),
        ("replaces", "15", "", "15"),
        ("replaces", "15", "17", "15"),
        ("replaces", "", "", ""),
        ("capacity", None, 3, 3),
        ("capacity", 5, 3, 5),
        ("capacity", None, None, None),
        ("valid_from", NOW, NOW + HOUR, NOW + HOUR),  # the narrower validity counts
        ("valid_from", NOW + HOUR, NOW, NOW + HOUR),
        ("valid_from", None, NOW, NOW),
        ("valid_from", None, None, None),
        ("valid_until", NOW, NOW + HOUR, NOW),
        ("valid_until", NOW + HOUR, None, NOW + HOUR),
        ("review_at", NOW + HOUR, NOW, NOW),
        ("review_at", None, None, None),
        ("published_at", "", "monday", "monday"),
        ("published_at", "sunday", "monday", "sunday"),
        ("sources", ("a", "b"), ("b", "c"), ("a", "b", "c")),
    ],
)
def test_two_rows_become_one_cell_by_cell(cell: str, one: Any, other: Any, kept: Any) -> None:
    (row,) = merged([replace(ROW, **{cell: one}), replace(ROW, **{cell: other})])
    assert getattr(row, cell) == kept


def test_a_verification_of_any_of_them_counts_with_its_time() -> None:
    seen = replace(ROW, verified_by="Bo", verified_at=NOW)
    later = replace(ROW, verified_by="Cy", verified_at=NOW + HOUR)
    half = replace(ROW, verified_by="Dan")
    for rows in (
        [ROW, seen],
        [seen, ROW],
        [half, seen],
        [seen, half],
        [seen, later],
        [ROW, seen, later],
    ):
        (row,) = merged(rows)
        assert (row.verified_by, row.verified_at) == ("Bo", NOW)


def test_the_name_of_the_entry_stays_with_its_version() -> None:
    known = replace(ROW, entry="N7", version=3)
    other = replace(ROW, entry="N9", version=1)
    for rows in ([ROW, known], [known, ROW], [known, other], [replace(ROW, version=8), known]):
        (row,) = merged(rows)
        assert (row.entry, row.version) == ("N7", 3)


def test_rows_of_other_entries_stay_as_they_are_and_in_order() -> None:
    rows = [replace(ROW, number=f"04 65 71 00 {n}") for n in (15, 16, 17)]
    assert merged(rows) == tuple(rows)
    assert merged([rows[1], rows[0], rows[1]]) == (rows[1], rows[0])
    assert merged([]) == ()


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ({"capacity": 1}, {"capacity": 2}, "capacity"),
        ({"capacity": 1}, {"capacity": 1}, None),
        ({"capacity": 1}, {}, None),
        ({"replaces": "15"}, {"replaces": "17"}, "replaces"),
        ({"valid_from": NOW}, {"valid_from": NOW + HOUR}, "valid_from"),
        ({"valid_until": NOW}, {"valid_until": NOW + HOUR}, "2026-03-02T15:00:00+00:00"),
        ({"review_at": NOW}, {"review_at": NOW + HOUR}, "review_at"),
        ({"published_at": "a"}, {"published_at": "b"}, None),
        ({"condition": {"fr": "a"}}, {"condition": {"fr": "b"}}, "condition"),
        ({"condition": {"fr": "a"}}, {}, None),
        ({"condition": {"fr": "a"}}, {"condition": {"fr": "b"}, "zone": {"fr": "x"}}, None),
        ({"condition": {"fr": "a"}}, {"condition": {"fr": "b"}, "number": "112"}, None),
        ({"condition": {"fr": "a"}}, {"condition": {"fr": "b"}, "service": "police"}, None),
        ({"condition": {"fr": "a"}}, {"condition": {"fr": "b"}, "territory": find("42")}, None),
        ({"zone": {"fr": "a", "en": "b"}}, {"zone": {"fr": "a", "en": "c"}}, "zone"),
        ({"zone": {"fr": "a"}}, {"zone": {"fr": "a", "en": "b"}}, "zone"),
        ({"zone": {"fr": "a"}}, {"zone": {"fr": "b"}}, None),
        ({"zone": {"fr": "a"}}, {"zone": {"en": "a"}}, None),
        ({"territory": BELGIAN}, {"territory": ALSO_BELGIAN}, "BE-WHT"),
        ({"territory": BELGIAN}, {"territory": BELGIAN, "service": "police"}, None),
    ],
)
def test_what_contradicts(first: dict[str, Any], second: dict[str, Any], told: str | None) -> None:
    found = contradictions([(4, replace(ROW, **first)), (9, replace(ROW, **second))])
    if told is None:
        assert found == {}
        return
    assert set(found) == {4, 9}
    assert "row 9" in found[4]
    assert "row 4" in found[9]
    assert told in found[4]
    assert "{" not in found[4] + found[9]


def entry(**cells: Any) -> Entry:
    return Entry(7, replace(ROW, entry="N7", version=3, **cells), "Ada", NOW)


@pytest.mark.parametrize(
    ("known", "said", "what"),
    [
        ({}, {}, "same"),
        ({"capacity": 3}, {}, "same"),
        ({"capacity": 3}, {"capacity": 3}, "same"),
        ({}, {"capacity": 3}, "changed"),
        ({"replaces": "15"}, {"replaces": "15/112"}, "changed"),
        ({"replaces": "15"}, {"replaces": ""}, "same"),  # blank keeps what is known
        ({}, {"valid_from": NOW}, "changed"),
        ({"valid_from": NOW}, {}, "same"),
        ({"valid_until": NOW}, {"valid_until": NOW}, "same"),
        ({"valid_until": NOW}, {"valid_until": NOW + HOUR}, "changed"),
        ({"valid_until": NOW}, {"review_at": NOW}, "changed"),
        ({"valid_until": NOW, "review_at": NOW}, {"valid_until": NOW}, "changed"),
        ({"valid_until": NOW}, {}, "same"),
        ({"sources": ("a",)}, {"sources": ("a",)}, "same"),
        ({"sources": ("a", "b")}, {"sources": ("b",)}, "same"),
        ({"sources": ("a",)}, {"sources": ("b",)}, "sourced"),
        ({"sources": ("a",)}, {"sources": ("b",), "capacity": 2}, "changed"),
        ({}, {"verified_by": "Bo", "verified_at": NOW}, "same"),  # a file verifies nothing
        ({}, {"number": "04 65 71 00 16"}, "new"),
        ({}, {"number": "04 65 71 00 16", "entry": "N7", "version": 3}, "changed"),
        ({}, {"number": "04 65 71 00 16", "entry": "N7", "version": 2}, "new"),
        ({}, {"number": "04 65 71 00 16", "entry": "N8", "version": 3}, "new"),
        ({}, {"zone": {"fr": "x"}, "entry": "N7", "version": 3}, "changed"),
        ({}, {"service": "police", "entry": "N7", "version": 3}, "new"),
        ({}, {"territory": find("42"), "entry": "N7", "version": 3}, "new"),
    ],
)
def test_what_a_row_does_to_an_entry(known: dict[str, Any], said: dict[str, Any], what: str) -> None:
    decided = plan([entry(**known)], [replace(ROW, **said)], NOW)
    counts = {
        one: len(getattr(decided, one)) for one in ("new", "changed", "sourced", "same", "withdrawn")
    }
    assert {one for one, count in counts.items() if count} == {what}


def test_an_entry_is_changed_by_one_row_only_and_never_when_it_was_withdrawn() -> None:
    moved = [replace(ROW, number=f"04 65 71 00 {n}", entry="N7", version=3) for n in (16, 17)]
    decided = plan([entry()], moved, NOW)
    assert [after.number for _entry, after in decided.changed] == ["04 65 71 00 16"]
    assert [row.number for row in decided.new] == ["04 65 71 00 17"]
    gone = replace(entry(), withdrawn_at=NOW)
    assert len(plan([gone], moved[:1], NOW).new) == 1


def test_blank_keeps_and_an_end_replaces_both_ends() -> None:
    known = replace(
        ROW, replaces="15", capacity=3, valid_from=NOW, valid_until=NOW + HOUR, sources=("a",)
    )
    assert updated(known, ROW) == known
    said = replace(ROW, capacity=4, review_at=NOW, sources=("b", "a"))
    after = updated(known, said)
    assert (after.replaces, after.capacity, after.valid_from) == ("15", 4, NOW)
    assert (after.valid_until, after.review_at, after.sources) == (None, NOW, ("a", "b"))


def test_only_a_row_without_any_end_gets_a_review() -> None:
    at = NOW.replace(microsecond=999)
    assert with_end(ROW, at).review_at == NOW + timedelta(hours=24)
    for ends in ({"valid_until": NOW}, {"review_at": NOW + HOUR}):
        assert with_end(replace(ROW, **ends), at) == replace(ROW, **ends)


def test_bare_of_what_only_the_register_knows() -> None:
    known = replace(ROW, entry="N7", version=3, verified_by="Bo", verified_at=NOW, capacity=3)
    assert bare(known) == replace(ROW, capacity=3)
