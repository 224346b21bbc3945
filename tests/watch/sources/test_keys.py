"""What tells a repeat from news: the keys of bodies that are asked for, and of those that are sent."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources import directory
from alertbot.watch.sources.base import UnknownShape

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)


def parse(kind: str, body: object, minute: float = 0, **options: Any) -> tuple[Signal, ...]:
    now = NOW + timedelta(minutes=minute)
    return directory.parser(kind)(body, source=kind, now=now, options=options)


def component(status: str, changed: str = "2026-03-02T13:00:00Z", **more: object) -> dict[str, object]:
    return {"id": "c1", "name": "Voice", "status": status, "updated_at": changed, **more}


def summary(*components: dict[str, object]) -> dict[str, object]:
    return {"page": {}, "status": {"indicator": "none"}, "components": list(components)}


def keys(kind: str, body: object, minute: float = 0, **options: Any) -> list[str]:
    return [one.key for one in parse(kind, body, minute, **options)]


def test_a_summary_read_again_is_the_same_report() -> None:
    body = summary(component("major_outage"))
    assert keys("statuspage", body) == keys("statuspage", body, minute=600)


def test_a_second_outage_is_another() -> None:
    first = summary(component("major_outage", "2026-03-02T13:00:00Z"))
    second = summary(component("major_outage", "2026-03-02T13:20:00Z"))
    assert keys("statuspage", first) != keys("statuspage", second)


def test_a_second_outage_is_another_though_the_page_gives_no_time() -> None:
    body = summary(component("major_outage", ""))
    assert keys("statuspage", body) != keys("statuspage", body, minute=20)


def test_components_of_one_name_are_told_apart_by_their_heading() -> None:
    body = summary(
        {"id": "g1", "name": "Europe", "group": True},
        {"id": "g2", "name": "America", "group": True},
        component("major_outage", id="c1", name="API", group_id="g1"),
        component("operational", id="c2", name="API", group_id="g2"),
        component("operational", id="c3", name="Mail", group_id="g2"),
    )
    found = {one.service: one.observed for one in parse("statuspage", body)}
    assert found == {
        "Europe: API": Observed.DOWN,
        "America: API": Observed.UP,
        "Mail": Observed.UP,
    }


def test_trouble_and_its_end_under_one_id_are_two_reports() -> None:
    bodies = ({"service": "112", "state": state, "id": "a1"} for state in ("firing", "resolved"))
    first, second = (keys("generic", body, key="id") for body in bodies)
    assert first != second


def test_a_report_with_a_time_is_known_again_however_late() -> None:
    body = {"service": "112", "state": "down", "when": "2026-03-02T13:00:00Z"}
    assert keys("generic", body, at="when") == keys("generic", body, minute=90, at="when")
    later = {**body, "when": "2026-03-02T13:20:00Z"}
    assert keys("generic", body, at="when") != keys("generic", later, at="when")


def test_an_empty_list_says_nothing_and_is_understood() -> None:
    assert parse("generic", {"checks": []}, items="checks") == ()
    with pytest.raises(UnknownShape, match="finds no list"):
        parse("generic", {"checks": None}, items="checks")


def test_an_expression_that_does_not_fit_is_a_refusal() -> None:
    for options in ({"service": "length(state)"}, {"items": "sum(state)"}, {"state": "unheard_of(@)"}):
        with pytest.raises(UnknownShape):
            parse("generic", {"service": "112", "state": 1}, **options)
