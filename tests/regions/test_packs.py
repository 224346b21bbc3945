"""The shipped country packs: sound, cross-checked with phonenumbers, and every kind composes with each of them
without a word of France."""

import csv
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from alertbot.alerts.compose import DraftRequest, look
from alertbot.config import region_pack
from alertbot.core.errors import ConfigInvalid
from alertbot.numbers import rules_words
from alertbot.numbers.rules_digits import InvalidNumber, foreign_block, is_fictional, written
from alertbot.regions import packs
from alertbot.regions.facts import in_force, using
from alertbot.regions.packs import by_start
from alertbot.regions.region import Region
from alertbot.texts.fields.findings import everywhere
from alertbot.texts.kinds import catalogue, layers
from alertbot.texts.publisher import unconfigured_publisher

CODES = ("AU", "BE", "CA", "DE", "ES", "FR", "GB", "IE", "NL", "US")
# What phonenumbers calls an emergency number and a pack does not have: no source was found that says so.
NOT_SOURCED = {"CA": {"112"}, "ES": {"085", "088"}, "NL": {"911"}, "US": {"112"}}
# What only France says. In French, words such as "pompiers" are also those of Belgium.
FRENCH_FACTS = re.compile(
    r"\b15(?:,| and| et| on| sur)\b|\bSAMU\b|\b114\b|Rh[ôo]ne|Loire|d[ée]partement|pr[ée]fecture|Paris|France|gendarmerie",
    re.IGNORECASE,
)
FRENCH_WORDS = re.compile(
    r"\b(?:le|la|les|des|sur|panne|marche|appelez|num[ée]ros?|sourds|pompiers|ou si|fixes)\b|«",
    re.IGNORECASE,
)


@pytest.fixture(params=CODES)
def pack(request: pytest.FixtureRequest) -> Iterator[Region]:
    region = packs.load(request.param)
    with using(region):
        yield region


def test_ten_packs_are_shipped() -> None:
    assert packs.shipped_codes() == CODES
    assert in_force().code == "FR"


def test_a_shipped_pack_is_sound(pack: Region) -> None:
    region_pack.check(pack.folder)
    assert pack.emergency
    assert all(ZoneInfo(place.zone) for place in pack.territories.values())
    assert len(pack.territories) > 5
    named = {name for one in pack.short.values() for name in one.sources}
    assert named <= pack.sources.keys()
    assert all(one.names.get("en") for one in pack.services.values())


def test_short_numbers_agree_with_phonenumbers(pack: Region) -> None:
    known = phonenumbers.PhoneMetadata.short_metadata_for_region(pack.code)
    assert known is not None
    assert known.emergency is not None
    exists = re.compile(
        f"{known.short_code.national_number_pattern}|{known.emergency.national_number_pattern}"
    )
    assert [number for number in pack.short if not exists.fullmatch(number)] == []
    called = re.compile(known.emergency.national_number_pattern)
    emergency = {number for number in (f"{one:03}" for one in range(1000)) if called.fullmatch(number)}
    assert emergency - pack.short.keys() == NOT_SOURCED.get(pack.code, set())


def test_every_kind_composes_everywhere_without_france(pack: Region) -> None:
    publisher = unconfigured_publisher()
    languages = ["en", *(["fr"] if "fr" in pack.languages else [])]
    for name in catalogue.kind_names():
        seen = look(publisher, DraftRequest(name, languages=tuple(languages)))
        assert [fault.message for fault in seen.composition.faults] == []
        for message in seen.composition.messages:
            if pack.code == "FR":
                continue
            assert not FRENCH_FACTS.search(message.text), message.text
            if message.lang == "en":
                assert not FRENCH_WORDS.search(message.text), message.text


def test_numbers_of_the_example_reach_nobody_and_are_written_as_at_home(pack: Region) -> None:
    for row in pack.example.numbers:
        if "number" in row:
            assert is_fictional(written(row["number"]))
            assert written(written(row["number"])) == written(row["number"])
        else:
            assert not pack.own.fiction


WRITTEN = [
    ("GB", "+44 1632 960001", "01632 960001"),
    ("GB", "02079460018", "020 7946 0018"),
    ("AU", "+61 3 5550 1001", "(03) 5550 1001"),
    ("US", "8025550101", "(802) 555-0101"),
    ("CA", "506-555-0102", "(506) 555-0102"),
    ("DE", "+49 40 66969001", "040 66969001"),
    ("BE", "+32 2 512 34 56", "02 512 34 56"),
    ("FR", "+33 1 99 00 00 15", "01 99 00 00 15"),
    ("GB", "999", "999"),
    ("AU", "000", "000"),
]


@pytest.mark.parametrize(("code", "given", "as_written"), WRITTEN)
def test_numbers_are_written_as_in_their_country(code: str, given: str, as_written: str) -> None:
    with using(packs.load(code)):
        assert written(given) == as_written


@pytest.mark.parametrize(
    ("code", "given"), [("GB", "15"), ("GB", "0465710015"), ("US", "999"), ("FR", "999"), ("NL", "101")]
)
def test_numbers_of_elsewhere_are_refused(code: str, given: str) -> None:
    with using(packs.load(code)), pytest.raises(InvalidNumber):
        written(given)


@pytest.mark.parametrize(
    ("code", "text", "typed"),
    [
        ("GB", "Call 999.", False),
        ("GB", "Call 999 again.", False),
        ("GB", "Call 911.", True),
        ("FR", "Call 999.", True),
        ("FR", "Call 999 again.", True),
        ("FR", "Appelez le 15, 17 ou 18.", False),
        ("AU", "Ring 000 or 112 from a mobile.", False),
        ("US", "Dial 911 first.", False),
        ("US", "Dial 112 first.", True),
        ("BE", "Appelez le 101.", False),
    ],
)
def test_known_short_numbers_are_the_countrys(code: str, text: str, typed: bool) -> None:
    with using(packs.load(code)):
        assert bool(next(rules_words.dialled(text), None)) is typed


def test_the_whole_country_is_said_in_its_own_words() -> None:
    with using(packs.load("GB")):
        assert list(everywhere("It fails across the United Kingdom.")) == ["across the United Kingdom"]
        assert list(everywhere("all over France")) == []
        assert not foreign_block("01632 960001", in_force().territories["KEN"])


def test_places_are_found_by_code_and_name() -> None:
    wales = packs.load("GB").find("gb-wls")
    assert wales is not None
    assert (wales.name_in("cy"), wales.name_in("fr")) == ("Cymru", "Wales")
    liege = packs.load("BE").find("Lüttich")
    assert liege is not None
    assert liege.name_in("fr") == "Liège"
    assert packs.load("AU").territories["WA"].zone == "Australia/Perth"
    free = packs.load("GB").free_territory("GB-PADDINGTON", {"en": "Paddington"})
    assert free is not None
    assert (free.free, free.zone) == (True, "Europe/London")


def test_the_country_is_found_by_its_name() -> None:
    for code, name in [
        ("FR", "France"),
        ("GB", "United Kingdom"),
        ("NL", "the netherlands"),
        ("GB", "y Deyrnas Unedig"),
    ]:
        found = packs.load(code).find(name)
        assert found is not None, name
        assert found.code == code
    for code in packs.codes():
        pack = packs.load(code)
        assert [
            pack.find(name)
            for one in pack.territories.values()
            for name in one.names.values()
            if not pack.find(name)
        ] == []


def test_the_relay_line_is_left_out_where_none_is_known() -> None:
    assert packs.load("ES").relay is None
    relay = packs.load("GB").relay
    assert relay is not None
    assert relay.spoken("fr") is None
    assert relay.spoken("en") is not None


def test_a_kinds_fingerprint_changes_with_the_pack() -> None:
    found = set()
    for code in CODES:
        with using(packs.load(code)):
            found.add(layers.fingerprint("holding"))
    assert len(found) == len(CODES)


def test_tables_have_the_columns_that_the_page_names() -> None:
    for code in CODES:
        with (packs.shipped() / code / packs.TERRITORIES).open(encoding="utf-8") as lines:
            codes = [row["code"] for row in csv.DictReader(lines)]
        assert len(codes) == len(set(codes)) == len(packs.load(code).territories) - 1


def test_france_is_as_it_was_before_there_were_packs() -> None:
    """What was in the code: an old configuration must find all of it."""
    france = in_force()
    assert {key: one.replaces for key, one in france.services.items()} == {
        "samu": "15",
        "police": "17",
        "gendarmerie": "17",
        "pompiers": "18",
        "secours-en-mer": "196",
        "toutes-urgences": "",
        "prefecture": "",
    }
    assert set(france.short) == {
        *("15", "17", "18", "112", "114", "115", "119", "191", "196", "197"),
        *("3114", "3919", "116000", "116006", "116117"),
    }
    assert france.needed == (("samu",), ("pompiers",), ("police", "gendarmerie"))
    assert france.own.fiction == ("019900", "026191", "035301", "046571", "053649", "063998")
    assert france.habits.misprints.keys() == {"12", "122"}
    assert (france.whole.code, france.whole.name_in("en")) == ("FR", "the whole of France")
    assert [place.code for place in france.territories.values()][:3] == ["FR", "01", "02"]
    assert not france.covers("974")
    assert france.covers("69")
    assert france.relay is not None
    assert france.relay.number == "114"
    assert packs.trusted(france)
    assert not packs.trusted(packs.load("GB"))


def test_every_code_of_another_list_has_a_source_and_a_place(pack: Region) -> None:
    lists = {name for place in pack.territories.values() for name, _code in place.geocodes}
    assert lists == pack.geocodes.keys()
    assert {"ISO3166-1", "ISO3166-2"} <= lists
    assert {key for keys in pack.geocodes.values() for key in keys} <= pack.sources.keys()
    named = [pair for place in pack.territories.values() if not place.whole for pair in place.geocodes]
    twice = {pair for pair in named if named.count(pair) > 1}
    # one Spanish province may be a whole autonomous community; nothing else is two places
    assert {name for name, _code in twice} <= ({"NUTS2", "NUTS3"} if pack.code == "ES" else set())


@pytest.mark.parametrize(
    ("code", "territory", "geocodes"),
    [
        ("FR", "69", {"FR-69", "FR-69M", "69", "FRK26"}),  # Rhône, with the Métropole de Lyon
        ("FR", "29", {"FR-29", "29", "FRH02"}),
        ("FR", "2A", {"FR-2A", "2A", "FRM01"}),
        ("FR", "975", {"FR-PM", "975"}),
        ("GB", "KEN", {"GB-KEN"}),
        ("GB", "GB", {"GB", "GB-ENG", "GB-NIR", "GB-SCT", "GB-WLS"}),
        ("BE", "VAN", {"BE-VAN", "BE21"}),
        ("BE", "BRU", {"BE-BRU", "BE1", "BE10"}),
        ("US", "AL", {"US-AL", "001000"}),
    ],
)
def test_codes_of_known_places(code: str, territory: str, geocodes: set[str]) -> None:
    found = packs.load(code).territories[territory].geocodes
    assert {value for _name, value in found} == geocodes


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("code,NUTS3\n69,FRK26\n", "the list “NUTS3” is not among the geocodes"),
        ("code,ISO3166-2\nXX,FR-XX\n", "there is no territory XX"),
        ("ISO3166-2,code\nFR-69,69\n", "needs “code” as its first column"),
        ("code,ISO3166-2\n69\n", "more or fewer cells"),
    ],
)
def test_a_fault_among_codes_is_named(tmp_path: Path, text: str, told: str) -> None:
    folder = tmp_path / "FR"
    shutil.copytree(packs.shipped() / "FR", folder)
    facts = (folder / "region.yaml").read_text("utf-8").replace('  "NUTS3": {source: eurostat}\n', "")
    (folder / "region.yaml").write_text(facts, "utf-8")
    (folder / "geocodes.csv").write_text(text, "utf-8")
    with pytest.raises(ConfigInvalid) as refused:
        region_pack.check(folder)
    assert any(told in line for line in refused.value.lines)


def test_the_postcodes_of_france_lead_to_every_departement_they_are_in() -> None:
    pack = packs.load("FR")
    groups = [group for each in by_start(pack).values() for group in each]
    found = {code: group.territories for group in groups for code in group.postcodes}
    assert len(found) == 6310 - 1  # without Clipperton, where nobody lives
    assert sum(len(where) > 1 for where in found.values()) == 16
    assert found["69001"] == ("69",)
    assert found["05110"] == ("04", "05")
    assert found["94390"] == ("91",)  # in spite of its first two digits
    assert found["20000"] == ("2A",)
    assert {code for where in found.values() for code in where} <= pack.territories.keys()
    assert set(pack.postcodes) <= pack.sources.keys()
    assert not by_start(packs.load("GB"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("territory,postcodes\nXX,69001\n", "there is no territory XX"),
        ("code,postcodes\n69,69001\n", "needs the columns territory and postcodes"),
    ],
)
def test_a_fault_among_postcodes_is_named(tmp_path: Path, text: str, told: str) -> None:
    folder = tmp_path / "FR"
    shutil.copytree(packs.shipped() / "FR", folder)
    (folder / "postcodes.csv").write_text(text, "utf-8")
    with pytest.raises(ConfigInvalid) as refused:
        region_pack.check(folder)
    assert any(told in line for line in refused.value.lines)
