"""Territories, countries and beginnings of numbers."""

from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.numbers.reading import read_numbers
from alertbot.numbers.rules_digits import InvalidNumber, is_fictional, written
from alertbot.regions.facts import all_territories, find, free_territory, in_force


@pytest.mark.parametrize(
    ("raw", "region", "text"),
    [
        ("+44 1632 960123", "GB", "+44 1632 960123"),
        ("01632 960 123", "GB", "+44 1632 960123"),
        ("999", "GB", "999"),
        ("1722", "BE", "1722"),
        ("091", "ES", "091"),
        ("16", "NC", "16"),
        ("0639980001", "YT", "06 39 98 00 01"),
    ],
)
def test_a_number_of_another_country(raw: str, region: str, text: str) -> None:
    assert written(raw, region) == text
    assert written(text, region) == text


@pytest.mark.parametrize(
    ("raw", "region"),
    [
        ("999", "FR"),
        ("+44 1632 960123", "FR"),
        ("+44 1632 960123", "BE"),
        ("15", "BE"),
        ("12", "LU"),
        ("122", "ES"),
        ("+", "DE"),
        ("9" * 300, "IT"),
    ],
)
def test_a_number_of_the_wrong_country_is_refused(raw: str, region: str) -> None:
    with pytest.raises(InvalidNumber):
        written(raw, region)


def test_ranges_for_fiction_are_known_per_country() -> None:
    assert is_fictional("+44 7700 900123")
    assert not is_fictional("07 70 09 00 12")
    assert not is_fictional("112")


@given(st.integers(100_000_000, 999_999_999))
def test_the_judgement_is_that_of_phonenumbers(national: int) -> None:
    text = f"0{national}"
    codes = (33, 262, 590, 594, 596)
    known = any(
        phonenumbers.is_valid_number(phonenumbers.PhoneNumber(code, national)) for code in codes
    )
    try:
        exists = bool(written(text))
    except InvalidNumber:
        exists = False
    assert exists == known or is_fictional(text)


def test_every_country_is_one_that_phonenumbers_knows() -> None:
    for country in in_force().countries.values():
        assert country.code in phonenumbers.SUPPORTED_REGIONS
        assert ZoneInfo(country.zone)
    assert {place.region for place in all_territories().values()} <= in_force().countries.keys()


def test_every_block_lies_in_the_region_of_its_first_two_digits() -> None:
    places = all_territories()
    for block, codes in in_force().blocks.items():
        assert codes
        assert all(block[:2] in places[code].prefixes for code in codes)


def test_every_departement_lies_in_a_region() -> None:
    departements = [place for place in all_territories().values() if place.areas]
    assert len(departements) == 96
    assert len({place.area_in("fr") for place in departements}) == 13
    brittany = [place.code for place in departements if place.area_in("en") == "Brittany"]
    assert brittany == ["22", "29", "35", "56"]
    place = find("974")
    assert place
    assert place.area_in("fr") == "La Réunion"


def test_a_territory_outside_the_directory_brings_its_name() -> None:
    text = "territory,name,name.nl,timezone,service,number\nbe-wht,Hainaut,Henegouwen,,samu,112\n"
    (row,) = read_numbers(text).rows
    place = row.territory
    assert (place.code, place.name_in("fr"), place.name_in("nl")) == ("BE-WHT", "Hainaut", "Henegouwen")
    assert (place.zone, place.region, place.free) == ("Europe/Brussels", "BE", True)


@pytest.mark.parametrize(
    "cells",
    [
        "BE-WHT,,",
        "US-CA,California,",
        "WHT,Hainaut,",
        "99,Nulle part,",
        "Finistere,Finistère,",
        "BE-WHT,Hainaut,Mars/Olympus",
        "BE-WHT,Hainaut,../x",
    ],
)
def test_the_directory_stays_strict(cells: str) -> None:
    reading = read_numbers(f"territory,name,timezone,service,number\n{cells},samu,112\n")
    assert [fault.row for fault in reading.faults] == [1]


def test_a_code_of_iso_3166_2_is_that_of_the_directory() -> None:
    assert find("FR-69") == find("69")
    assert free_territory("FR-NORD", {"": "Nord"}) is not None


# --- what stands in place of a number (R7) -------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "replaces"),
    [("976,samu,18,15", "15"), ("49,samu,112,", ""), ("49,pompiers,112,18", "18")],
)
def test_a_short_number_may_stand_for_another(cells: str, replaces: str) -> None:
    (row,) = read_numbers(f"territory,service,number,replaces\n{cells}\n").rows
    assert row.replaces == replaces


@pytest.mark.parametrize("cells", ["69,samu,15,", "69,pompiers,112,18/112", "69,samu,15,15"])
def test_a_short_number_cannot_stand_for_itself(cells: str) -> None:
    (fault,) = read_numbers(f"territory,service,number,replaces\n{cells}\n").faults
    assert "as its own replacement" in fault.message


def test_a_place_may_stand_for_a_number() -> None:
    text = "territory,service,number,place.fr,place.en\n22,pompiers,,à la caserne,at the fire station\n"
    (row,) = read_numbers(text).rows
    assert (row.number, row.place_in("fr"), row.place_in("en")) == (
        "",
        "à la caserne",
        "at the fire station",
    )
    assert not row.fictional
    both = "territory,service,number,place\n22,pompiers,0261912218,à la caserne\n"
    (fault,) = read_numbers(both).faults
    assert "its own row" in fault.message
