"""The numbers of June 2021 as they were published, and the same traps with rows of our own (R2, R4, R6)."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alertbot.numbers.reading import ImportReading, read_import
from alertbot.numbers.rules_changes import with_end
from alertbot.numbers.rules_checks import (
    CheckRule,
    CoverageLevel,
    Report,
    Severity,
    check_rows,
    coverage,
)
from alertbot.numbers.rules_entry import parse_query
from alertbot.regions.facts import find

CASE = Path(__file__).parents[3] / "shared/cases/orange-2021-06-02/provisional-numbers.csv"
NOW = datetime(2021, 6, 2, 18, 0, tzinfo=UTC)
HEADING = "territory,service,number,zone,condition,valid_until,verified_by,verified_at\n"


def imported(rows: str, heading: str = HEADING) -> ImportReading:
    return read_import((heading + rows).encode(), "numbers.csv", now=NOW)


def found(report: Report, rule: CheckRule) -> list[tuple[str, ...]]:
    """The rows of each finding of a rule, as `territory service number`."""
    return [
        tuple(f"{row.territory.code} {row.service} {row.number}" for row in one.rows)
        for one in report.findings
        if one.rule is rule
    ]


def territories(report: Report, rule: CheckRule) -> list[list[str]]:
    return [[row.territory.code for row in one.rows] for one in report.findings if one.rule is rule]


# --- the case itself --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def case() -> ImportReading:
    if not CASE.exists():
        pytest.skip("the case file is not beside this clone")
    return read_import(CASE.read_bytes(), CASE.name, now=NOW)


def test_the_case_reads_whole(case: ImportReading) -> None:
    assert (case.count, len(case.rows), case.faults) == (98, 73, ())
    assert len({row.number for row in case.rows}) == 65
    assert len({row.territory.code for row in case.rows}) == 19
    assert not any(row.verified for row in case.rows)


def test_the_case_trap_1_one_number_two_services(case: ImportReading) -> None:
    assert found(case.report, CheckRule.TWO_SERVICES) == [
        ("69 pompiers 08 00 71 18 69", "69 police 08 00 71 18 69")
    ]


def test_the_case_trap_2_one_number_two_territories(case: ImportReading) -> None:
    shared = [["971", "977", "978"]] * 3
    assert territories(case.report, CheckRule.TWO_TERRITORIES) == [["21", "58"], *shared]


def test_the_case_trap_3_several_numbers_for_one_service(case: ImportReading) -> None:
    several = [one.rows for one in case.report.findings if one.rule is CheckRule.SEVERAL_NUMBERS]
    assert {(rows[0].territory.code, rows[0].service): len(rows) for rows in several} == {
        ("03", "pompiers"): 2,
        ("15", "samu"): 2,
        ("22", "samu"): 3,
        ("30", "pompiers"): 2,
        ("58", "pompiers"): 2,
        ("85", "secours-en-mer"): 2,
        ("89", "gendarmerie"): 2,
        ("971", "samu"): 3,
        ("974", "samu"): 5,
        ("977", "samu"): 3,
        ("978", "samu"): 3,
    }


def test_the_case_trap_4_the_zone_of_police_15_is_lost_before_the_file(case: ImportReading) -> None:
    assert not found(case.report, CheckRule.CONTRADICTORY_ZONES)
    (police,) = (row for row in case.rows if (row.territory.code, row.service) == ("15", "police"))
    assert not police.zone


def test_the_case_traps_5_and_6_zones_and_conditions_stay(case: ImportReading) -> None:
    worded = {
        (row.territory.code, row.service, row.zone_in("fr"), row.condition_in("fr"))
        for row in case.rows
        if row.zone or row.condition
    }
    assert worded == {
        ("21", "toutes-urgences", "", "extrême urgence"),
        ("69", "police", "", "sans fixe ni mobile Orange"),
        ("85", "police", "La Roche-sur-Yon", ""),
        ("85", "police", "Les Sables-d'Olonne", ""),
        ("85", "secours-en-mer", "CROSS Étel", ""),
        ("89", "police", "Sens", ""),
        ("89", "police", "Auxerre", ""),
        ("972", "police", "Fort-de-France et Le Lamentin", ""),
        ("972", "gendarmerie", "", "autres communes"),
        ("973", "pompiers", "", "clients Orange"),
    }


def test_the_case_trap_7_no_service(case: ImportReading) -> None:
    assert found(case.report, CheckRule.NO_SERVICE) == [
        ("21 toutes-urgences 03 80 44 64 47",),
        ("71 prefecture 03 85 21 82 00",),
    ]


def test_the_case_trap_8_beginnings_from_elsewhere(case: ImportReading) -> None:
    assert found(case.report, CheckRule.FOREIGN_PREFIX) == [
        ("58 samu 03 80 40 28 29",),
        ("85 secours-en-mer 02 97 55 35 35",),
        ("85 secours-en-mer 02 90 74 32 49",),
    ]


def test_the_case_gives_nothing_else(case: ImportReading) -> None:
    assert Counter(one.rule for one in case.report.findings) == {
        CheckRule.TWO_SERVICES: 1,
        CheckRule.TWO_TERRITORIES: 4,
        CheckRule.FOREIGN_PREFIX: 3,
        CheckRule.SEVERAL_NUMBERS: 11,
        CheckRule.NO_SERVICE: 2,
    }
    assert len(case.report.warnings) == 8
    assert len(case.report.information) == 13
    assert [one.message for one in case.warnings] == [one.sentence for one in case.report.warnings]
    assert [one.message for one in case.information] == [
        one.sentence for one in case.report.information
    ]


# --- the same shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "rows", "concerned"),
    [
        (CheckRule.TWO_SERVICES, "69,pompiers,0465710015\n69,police,0465710015\n", [["69", "69"]]),
        (CheckRule.TWO_TERRITORIES, "21,samu,0353010015\n58,samu,0353010015\n", [["21", "58"]]),
        (CheckRule.SEVERAL_NUMBERS, "22,samu,0261910001\n22,samu,0261910002\n", [["22", "22"]]),
        (CheckRule.SEVERAL_NUMBERS, "85,police,0261910001,A\n85,police,0261910002,B\n", []),
        (CheckRule.SEVERAL_NUMBERS, "973,pompiers,0639980001\n973,pompiers,0639980002,,nuit\n", []),
        (
            CheckRule.CONTRADICTORY_ZONES,
            "15,police,0465710017,Aurillac\n15,police,0465710017\n",
            [["15", "15"]],
        ),
        (
            CheckRule.CONTRADICTORY_ZONES,
            "15,police,0465710017,Arpajon\n15,police,0465710017,Aurillac\n",
            [["15", "15"]],
        ),
        (
            CheckRule.CONTRADICTORY_CONDITIONS,
            "69,samu,0465710015,,la nuit\n69,samu,0465710015\n",
            [["69", "69"]],
        ),
        (
            CheckRule.NO_SERVICE,
            "21,toutes-urgences:extrême urgence,0353010001\n71,prefecture,0353010002\n",
            [["21"], ["71"]],
        ),
        (CheckRule.TWO_SERVICES, "49,samu,112\n49,police,112\n", []),
        (CheckRule.TWO_TERRITORIES, "49,samu,112\n85,samu,112\n", []),
        (CheckRule.FOREIGN_PREFIX, "49,samu,112\n85,samu,0261910015\n", []),
    ],
)
def test_a_trap_in_rows_of_our_own(rule: CheckRule, rows: str, concerned: list[list[str]]) -> None:
    reading = imported(rows)
    assert not reading.faults
    assert territories(reading.report, rule) == concerned
    informs = rule in {CheckRule.SEVERAL_NUMBERS, CheckRule.NO_SERVICE}
    assert rule.severity is (Severity.INFORMATION if informs else Severity.WARNING)


def test_a_foreign_beginning_is_told_with_its_home() -> None:
    reading = imported(
        "85,secours-en-mer,02 97 00 00 00\n56,secours-en-mer,02 97 00 00 00\n974,samu,04 65 00 00 00\n"
    )
    sentences = [
        one.sentence for one in reading.report.findings if one.rule is CheckRule.FOREIGN_PREFIX
    ]
    assert len(sentences) == 2
    assert "the prefix 0297 belongs to 56 Morbihan, not to 85 Vendée" in sentences[0]
    assert "974" in sentences[1]


@pytest.mark.parametrize("number", ["12", "122"])
def test_trap_9_a_misprint_of_112_is_refused(number: str) -> None:
    (fault,) = imported(f"69,samu,{number}\n").faults
    assert fault.row == 1
    assert "the European one is 112" in fault.message


def test_trap_9_a_date_of_the_wrong_month_is_refused() -> None:
    reading = imported(
        "69,samu,0465710015,,,2021-05-03T18:00\n69,police,0465710017,,,2021-06-03T18:00\n"
    )
    (fault,) = reading.faults
    assert (fault.row, fault.rule) == (1, "past_time")
    assert [row.service for row in reading.rows] == ["police"]


def test_a_date_of_the_wrong_year_or_month_is_doubted() -> None:
    heading = "territory,service,number,valid_from,valid_until\n"
    reading = imported("69,samu,0465710015,2021-05-03T18:00,2121-06-03T18:00\n", heading)
    assert [doubt.rule for doubt in reading.warnings] == ["doubtful_time", "doubtful_time"]


def test_an_end_before_the_beginning_is_refused() -> None:
    heading = "territory,service,number,valid_from,valid_until\n"
    reading = imported("69,samu,0465710015,2021-06-04T18:00,2021-06-03T18:00\n", heading)
    assert [fault.rule for fault in reading.faults] == ["past_time"]


def test_check_takes_any_rows() -> None:
    assert check_rows([]).findings == ()


# --- coverage ---------------------------------------------------------------------------------------

VOUCHED = "Bo,2021-06-02T18:00"
BRITTANY = "".join(
    f"{code},{service},02 61 91 {code} {short},,,,{VOUCHED}\n"
    for code in ("22", "29", "35", "56")
    for service, short in (("samu", "15"), ("police", "17"), ("pompiers", "18"))
)


def test_brittany_keeps_only_the_samu_of_22() -> None:
    rows = imported(BRITTANY).rows
    assert {one.cover for one in coverage(rows, now=NOW)} == {CoverageLevel.WHOLE}
    query = parse_query("22,29,35,56", but="22/samu")
    left = [row for row in rows if not query.matches(row)]
    assert [str(row) for row in left] == ["22 samu 02 61 91 22 15"]
    asked = [place for code in ("22", "29", "35", "56") if (place := find(code))]
    covers = coverage(left, asked, now=NOW)
    assert [one.cover for one in covers] == [CoverageLevel.WHOLE] + [CoverageLevel.NONE] * 11
    assert "22 Côtes-d'Armor: no number in force for Fire and rescue." in covers[1].sentence


@pytest.mark.parametrize(
    ("rows", "covers"),
    [
        (f"69,samu,0465710015,,,,{VOUCHED}\n", "whole none none"),
        ("69,samu,0465710015\n", "none none none"),
        (f"69,samu,0465710015,Lyon,,,{VOUCHED}\n", "partial none none"),
        (f"69,samu,0465710015,,la nuit,,{VOUCHED}\n", "partial none none"),
        (f"69,gendarmerie,0465710017,,,,{VOUCHED}\n", "none none whole"),
        (f"69,toutes-urgences,0465710010,,,,{VOUCHED}\n", "whole whole whole"),
        (f"69,prefecture,0465710010,,,,{VOUCHED}\n", "none none none"),
    ],
)
def test_a_service_left_without_a_number_is_seen(rows: str, covers: str) -> None:
    assert " ".join(one.cover for one in coverage(imported(rows).rows, now=NOW)) == covers


def test_coverage_counts_what_is_not_in_force() -> None:
    rows = imported("69,samu,0465710015\n").rows
    (cover,) = coverage(rows, None, [("samu",)], now=NOW)
    assert "(1 not verified)" in cover.sentence
    ended = [with_end(row, NOW) for row in imported(f"69,samu,0465710015,,,,{VOUCHED}\n").rows]
    (cover,) = coverage(ended, None, [("samu",)], now=NOW + timedelta(hours=24))
    assert (cover.cover, "(1 expired)" in cover.sentence) == (CoverageLevel.NONE, True)


def test_the_whole_country_covers_every_territory_of_the_directory() -> None:
    rows = imported(f"FR,samu,112,,,,{VOUCHED}\n").rows
    place = find("69")
    assert place
    assert [one.cover for one in coverage(rows, [place], [("samu",)], now=NOW)] == ["whole"]


def test_a_row_without_an_end_is_reviewed_after_a_day() -> None:
    (row,) = imported("69,samu,0465710015\n").rows
    assert with_end(row, NOW).review_at == NOW + timedelta(hours=24)
    (row,) = imported("69,samu,0465710015,,,2021-06-03T01:00\n").rows
    assert with_end(row, NOW) == row
