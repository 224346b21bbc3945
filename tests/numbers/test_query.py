"""Which entries a query means (R6)."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.core.errors import Misuse
from alertbot.numbers.rules_entry import Entry, NumberRow, Standing, entry_id, parse_query, standing
from alertbot.numbers.rules_rows import frozen_row, local_iso, number_row
from alertbot.regions.facts import find, services

NOW = datetime(2021, 6, 2, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(code: str, service: str = "samu", number: str = "02 61 91 22 15", entry: str = "") -> NumberRow:
    territory = find(code)
    assert territory
    return NumberRow(territory, service, number, services()[service].replaces, entry=entry)


BRITTANY = [
    row(code, service)
    for code in ("22", "29", "35", "56")
    for service in ("samu", "police", "pompiers")
]


def names(rows: list[NumberRow]) -> list[str]:
    return [f"{one.territory.code}/{one.service}" for one in rows]


def test_brittany_loses_all_its_numbers_but_one() -> None:
    query = parse_query("22,29,35,56", but="22/samu")
    assert names([one for one in BRITTANY if not query.matches(one)]) == ["22/samu"]


@pytest.mark.parametrize(
    ("text", "stands_for"),
    [
        ("22/samu", ["22/samu"]),
        (" 22 / SAMU , 29/15 ", ["22/samu", "29/samu"]),
        ("Côtes-d’Armor/17", ["22/police"]),
        ("fr/18", ["22/pompiers", "29/pompiers", "35/pompiers", "56/pompiers"]),
        ("1", []),
    ],
)
def test_a_part_is_a_territory_with_or_without_a_service(text: str, stands_for: list[str]) -> None:
    query = parse_query(text)
    assert names([one for one in BRITTANY if query.matches(one)]) == stands_for


def test_an_entry_is_named_by_its_number() -> None:
    query = parse_query("n12, N7")
    assert query.matches(row("22", entry="N12"))
    assert query.matches(row("22", entry="N7"))
    assert not query.matches(row("22", entry="N1"))
    assert not query.matches(row("22"))


def test_17_means_police_and_gendarmerie() -> None:
    query = parse_query("22/17")
    assert query.matches(row("22", "police"))
    assert query.matches(row("22", "gendarmerie"))
    assert not query.matches(row("22", "samu"))


def test_what_matches_nothing_is_told() -> None:
    query = parse_query("22,69", but="29/samu,75")
    assert [part.text for part in query.idle(BRITTANY)] == ["69", "75"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "No number was asked for"),
        (" , ", "No number was asked for"),
        ("Finisterre", "did you mean 29 Finistère"),
        ("99", "no territory “99”"),
        ("22/smur", "did you mean samu"),
        ("22/", "no service “”"),
        ("22/nurse", "the services are samu"),
        ("N0", "no territory"),
    ],
)
def test_what_is_not_understood_is_a_sentence(text: str, told: str) -> None:
    with pytest.raises(Misuse, match=told):
        parse_query(text)


def test_a_territory_outside_the_directory_is_known_when_the_register_has_it() -> None:
    place = replace(row("22").territory, code="BE-WHT", names={"fr": "Hainaut"})
    with pytest.raises(Misuse):
        parse_query("be-wht")
    assert parse_query("be-wht", free=[place]).matches(replace(row("22"), territory=place))
    with pytest.raises(Misuse, match="did you mean BE-WHT Hainaut"):
        parse_query("hainau", free=[place])


@given(st.text(max_size=40), st.text(max_size=20))
def test_any_text_is_a_query_or_a_sentence(text: str, but: str) -> None:
    with suppress(Misuse):
        parse_query(text, but=but)


# --- entries ---------------------------------------------------------------------------------------


def entry(**cells: datetime | str) -> Entry:
    return Entry(12, replace(row("22", entry="N12"), version=1, **cells), "Ada", NOW)  # type: ignore[arg-type]


VERIFIED = {"verified_by": "Bo", "verified_at": NOW - HOUR}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (entry(), Standing.UNVERIFIED),
        (entry(verified_by="Bo"), Standing.UNVERIFIED),
        (entry(**VERIFIED), Standing.IN_FORCE),
        (entry(**VERIFIED, valid_from=NOW + HOUR), Standing.PLANNED),
        (entry(**VERIFIED, valid_from=NOW), Standing.IN_FORCE),
        (entry(**VERIFIED, valid_until=NOW), Standing.EXPIRED),
        (entry(**VERIFIED, review_at=NOW, valid_until=NOW + HOUR), Standing.EXPIRED),
        (entry(review_at=NOW - HOUR), Standing.EXPIRED),
        (replace(entry(**VERIFIED, valid_until=NOW), withdrawn_at=NOW), Standing.WITHDRAWN),
    ],
)
def test_where_an_entry_stands(one: Entry, expected: Standing) -> None:
    assert standing(one, NOW) is expected


def test_an_entry_has_a_name() -> None:
    assert entry().name == "N12"
    assert [entry_id(text) for text in ("N12", " n1 ", "N0", "N", "12", "N1x")] == [
        12,
        1,
        None,
        None,
        None,
        None,
    ]


def test_a_frozen_row_is_the_same_row() -> None:
    whole = replace(
        row("974", number="06 39 98 74 15"),
        zone={"fr": "Nord", "en": "North"},
        condition={"": "la nuit"},
        capacity=15,
        valid_from=NOW,
        valid_until=NOW + HOUR,
        review_at=NOW + HOUR,
        sources=("https://a.example", "https://b.example"),
        published_at="2021-06",
        verified_by="Bo",
        verified_at=NOW,
        entry="N12",
        version=3,
    )
    assert number_row(frozen_row(whole), local_iso) == whole
    place = replace(row("22", number=""), place={"fr": "à la caserne", "en": "at the fire station"})
    assert number_row(frozen_row(place), local_iso) == place
    assert "entry" not in frozen_row(place)


def test_a_row_outside_the_register_has_the_same_identity_as_its_entry() -> None:
    assert replace(row("22"), entry="N12", version=3).identity == row("22").identity


def test_two_places_are_two_entries() -> None:
    first, second = ({"fr": name} for name in ("caserne de Lannion", "caserne de Guingamp"))
    nowhere = row("22", number="")
    assert replace(nowhere, place=first).identity != replace(nowhere, place=second).identity
