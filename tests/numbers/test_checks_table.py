"""Each coincidence between rows, with what is just beside it and none; and coverage, territory by territory."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertbot.numbers.rules_checks import (
    CheckRule,
    CoverageLevel,
    Severity,
    check_rows,
    coverage,
)
from alertbot.numbers.rules_entry import NumberRow, Standing
from alertbot.regions.facts import find, free_territory, in_force

NOW = datetime(2021, 6, 2, 18, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROW = NumberRow(find("69"), "samu", "04 65 71 00 15", "15")
HAINAUT = free_territory("BE-WHT", {"fr": "Hainaut"})
PLACE: dict[str, Any] = {"number": "", "place": {"fr": "caserne"}}


@pytest.mark.parametrize(
    ("first", "second", "rules"),
    [
        ({}, {"service": "police"}, "two_services"),
        ({"number": "112"}, {"number": "112", "service": "police"}, ""),  # short: it serves everyone
        (PLACE, {**PLACE, "service": "police"}, ""),  # one place may serve several
        ({}, {"territory": find("42")}, "two_territories"),
        ({"number": "112"}, {"number": "112", "territory": find("42")}, ""),
        ({}, {"territory": find("42"), "service": "police"}, "two_services two_territories"),
        ({}, {"number": "04 65 71 00 16"}, "several_numbers"),
        ({}, {"number": "04 65 71 00 16", "service": "police"}, ""),
        ({}, {"number": "04 65 71 00 16", "zone": {"fr": "a"}}, ""),
        ({}, {"number": "04 65 71 00 16", "condition": {"fr": "a"}}, ""),
        ({}, {"number": "04 65 71 00 16", "territory": find("42")}, ""),
        ({}, PLACE, "several_numbers"),
        (PLACE, {"number": "", "place": {"fr": "mairie"}}, "several_numbers"),
        ({"zone": {"fr": "a"}}, {"zone": {"fr": "b"}}, "contradictory_zones"),
        ({"zone": {"fr": "a"}}, {}, "contradictory_zones"),
        ({"zone": {"fr": "a"}}, {"zone": {"fr": "b"}, "service": "police"}, "two_services"),
        ({"condition": {"fr": "a"}}, {"condition": {"fr": "b"}}, "contradictory_conditions"),
        ({"condition": {"fr": "a"}}, {}, "contradictory_conditions"),
        (
            {"zone": {"fr": "a"}},
            {"condition": {"fr": "b"}},
            "contradictory_zones contradictory_conditions",
        ),
        ({**PLACE, "zone": {"fr": "a"}}, PLACE, "contradictory_zones"),
        ({**PLACE, "zone": {"fr": "a"}}, {"number": "", "place": {"fr": "mairie"}}, ""),
    ],
)
def test_a_pair_of_rows(first: dict[str, Any], second: dict[str, Any], rules: str) -> None:
    rows = replace(ROW, **first), replace(ROW, **second)
    report = check_rows(rows)
    assert [one.rule for one in report.findings] == rules.split()
    assert all(one.rows == rows for one in report.findings)
    told = [*report.warnings, *report.information]
    assert sorted(one.rule for one in told) == sorted(rules.split())
    assert all(one.severity is Severity.WARNING for one in report.warnings)


@pytest.mark.parametrize(
    ("cells", "rules"),
    [
        ({}, ""),
        ({"replaces": ""}, ""),  # its service has a short number
        ({"service": "prefecture", "replaces": ""}, "no_service"),
        ({"service": "prefecture", "replaces": "17"}, ""),
        ({"number": "01 53 00 00 15"}, "foreign_prefix"),
        ({"number": "112"}, ""),
        (PLACE, ""),
    ],
)
def test_a_row_by_itself(cells: dict[str, Any], rules: str) -> None:
    row = replace(ROW, **cells)
    report = check_rows([row])
    assert [one.rule for one in report.findings] == rules.split()
    assert all(one.rows == (row,) for one in report.findings)


@pytest.mark.parametrize("rule", CheckRule)
def test_two_rules_inform_and_the_others_warn(rule: CheckRule) -> None:
    informs = rule in {"several_numbers", "no_service"}
    assert rule.severity is (Severity.INFORMATION if informs else Severity.WARNING)


def test_the_same_row_said_twice_is_no_coincidence() -> None:
    assert check_rows([ROW, replace(ROW, capacity=3)]).findings == ()


def test_a_sentence_names_each_service_once_and_territories_in_order() -> None:
    rows = [replace(ROW, territory=find(code), service=what) for code, what in
            (("974", "samu"), ("2A", "police"), ("01", "samu"))]  # fmt: skip
    services, territories, *_others = check_rows(rows).findings
    assert services.sentence.count(",") == 1
    assert "01, 2A, 974" in territories.sentence


GOOD = replace(ROW, verified_by="Bo", verified_at=NOW - HOUR)


@pytest.mark.parametrize(
    ("rows", "cover", "others"),
    [
        ([], CoverageLevel.NONE, {}),
        ([GOOD], CoverageLevel.WHOLE, {}),
        ([ROW], CoverageLevel.NONE, {Standing.UNVERIFIED: 1}),
        ([ROW, GOOD], CoverageLevel.WHOLE, {Standing.UNVERIFIED: 1}),
        ([replace(GOOD, zone={"fr": "a"})], CoverageLevel.PARTIAL, {}),
        ([replace(GOOD, condition={"fr": "a"})], CoverageLevel.PARTIAL, {}),
        (
            [replace(GOOD, zone={"fr": "a"}), replace(GOOD, condition={"fr": "a"})],
            CoverageLevel.PARTIAL,
            {},
        ),
        ([replace(GOOD, zone={"fr": "a"}), GOOD], CoverageLevel.WHOLE, {}),
        ([replace(GOOD, valid_until=NOW)], CoverageLevel.NONE, {Standing.EXPIRED: 1}),
        ([replace(GOOD, valid_from=NOW + HOUR)] * 2, CoverageLevel.NONE, {Standing.PLANNED: 2}),
        ([replace(GOOD, service="police")], CoverageLevel.NONE, {}),
        ([replace(GOOD, service="toutes-urgences")], CoverageLevel.WHOLE, {}),
        ([replace(GOOD, territory=find("42"))], CoverageLevel.NONE, {}),
        ([replace(GOOD, territory=find("FR"))], CoverageLevel.WHOLE, {}),
        ([replace(GOOD, territory=find("FR"), zone={"fr": "a"})], CoverageLevel.PARTIAL, {}),
    ],
)
def test_what_a_territory_has(
    rows: list[NumberRow], cover: CoverageLevel, others: dict[Standing, int]
) -> None:
    (found,) = coverage(rows, [find("69")], [("samu",)], now=NOW)
    assert (found.territory.code, found.services) == ("69", ("samu",))
    assert (found.cover, found.others) == (cover, others)
    assert bool(found.rows) is (cover is not CoverageLevel.NONE)


@pytest.mark.parametrize("service", ["police", "gendarmerie"])
def test_either_of_two_services_is_enough(service: str) -> None:
    found = coverage([replace(GOOD, service=service)], now=NOW)
    assert [one.services for one in found] == list(in_force().needed)
    assert [one.cover for one in found] == ["none", "none", "whole"]


def test_the_whole_country_ends_at_its_borders() -> None:
    rows = [replace(GOOD, territory=find("FR"), number="112")]
    (abroad,) = coverage(rows, [HAINAUT], [("samu",)], now=NOW)
    assert abroad.cover is CoverageLevel.NONE
    own = replace(GOOD, territory=HAINAUT, number="112")
    (abroad,) = coverage([*rows, own], [HAINAUT], [("samu",)], now=NOW)
    assert abroad.rows == (own,)
    (country,) = coverage(rows, [find("FR")], [("samu",)], now=NOW)
    assert country.rows == tuple(rows)  # once


def test_territories_come_in_the_order_of_the_directory_and_only_those_asked_for() -> None:
    rows = [replace(GOOD, territory=find(code)) for code in ("974", "2A", "01")]
    assert [one.territory.code for one in coverage(rows, None, [("samu",)], now=NOW)] == [
        "01",
        "2A",
        "974",
    ]
    assert coverage(rows, [], now=NOW) == ()
    asked = coverage(rows, [find("75"), find("01")], [("samu",)], now=NOW)
    assert [(one.territory.code, one.cover) for one in asked] == [("01", "whole"), ("75", "none")]


@pytest.mark.parametrize(("line", "named"), [({}, "04 65 71 00 15 (69 "), (PLACE, "caserne (69 ")])
def test_a_finding_names_the_line_as_people_know_it(line: dict[str, Any], named: str) -> None:
    """A warning that names no number sends nobody to the right row."""
    [finding] = check_rows([replace(ROW, **line, zone={"fr": "a"}), replace(ROW, **line)]).findings
    assert named in finding.sentence
    assert finding.severity is Severity.WARNING
