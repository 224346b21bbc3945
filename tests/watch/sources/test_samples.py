"""Real shapes with values of our own, and the signals they must give (`golden.json`)."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertbot.watch.rules_signals import Observed
from alertbot.watch.sources import directory
from alertbot.watch.sources.base import UnknownShape, moment, no_later, text

HERE = Path(__file__).parent
NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
OPTIONS: dict[str, dict[str, Any]] = {
    "generic": {
        "service": "check.name",
        "state": "check.status",
        "at": "when",
        "states": {"down": ["critical"], "up": ["ok"]},
    }
}
SAMPLES = sorted(path.stem for path in (HERE / "samples").glob("*.json"))
GOLDEN = HERE / "golden.json"


def kind_of(sample: str) -> str:
    return next(name for name in directory.SHIPPED if sample.startswith(name))


def signals(sample: str) -> list[dict[str, Any]]:
    body = json.loads((HERE / "samples" / f"{sample}.json").read_text(encoding="utf-8"))
    kind = kind_of(sample)
    found = directory.parser(kind)(body, source=kind, now=NOW, options=OPTIONS.get(kind, {}))
    return json.loads(json.dumps([asdict(one) for one in found], default=str))  # type: ignore[no-any-return]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_gives_its_signals(sample: str) -> None:
    assert signals(sample) == json.loads(GOLDEN.read_text(encoding="utf-8"))[sample]


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("kind", [one for one in directory.SHIPPED if one != "grafana"])
def test_no_source_takes_anothers_message(sample: str, kind: str) -> None:
    ours = kind_of(sample)
    alike = {("grafana", "alertmanager")}  # one shape, with extras
    if kind == ours or (ours, kind) in alike:
        return
    body = json.loads((HERE / "samples" / f"{sample}.json").read_text(encoding="utf-8"))
    try:
        found = directory.parser(kind)(body, source=kind, now=NOW, options=OPTIONS.get(kind, {}))
    except UnknownShape:
        return
    assert all(one.observed is not Observed.UP for one in found)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["alerts", "status", "labels", "version", "heartbeat", "monitor", "msg", "incident", "page",
             "component", "component_update", "components", "state", "service", "ruleName", "resolved",
             "endpoint_name", "incident_updates", "startsAt", "time", "truncatedAlerts", "name"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip


@pytest.mark.parametrize("kind", directory.SHIPPED)
@given(body=json_values)
def test_any_body_gives_signals_or_a_refusal(kind: str, body: object) -> None:
    try:
        found = directory.parser(kind)(body, source=kind, now=NOW, options={})
    except UnknownShape:
        return
    for one in found:
        assert one.at <= NOW
        assert len(one.summary) <= 500
        assert one.title.isprintable()


@pytest.mark.parametrize("state", ["", "exploded", "unknown", "paused", "2", "pending", "no_data"])
def test_an_unknown_state_is_never_down(state: str) -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("alertmanager", {"version": "4", "alerts": [{"status": state, "labels": {"service": "a"}}]}),
        ("grafana", {"ruleName": "a", "state": state, "evalMatches": []}),
        ("uptime_kuma", {"heartbeat": {"status": state}, "monitor": {"id": 1}, "msg": ""}),
        (
            "statuspage",
            {
                "page": {},
                "component": {"name": "a"},
                "component_update": {"new_status": state},
            },
        ),
        ("gatus", {"service": "a", "state": state}),
    ]
    for kind, body in bodies:
        found = directory.parser(kind)(body, source=kind, now=NOW, options={})
        assert [one.observed for one in found] == [Observed.UNKNOWN], kind


@pytest.mark.parametrize("kind", directory.SHIPPED)
def test_a_refusal_names_the_source_and_what_was_seen(kind: str) -> None:
    with pytest.raises(UnknownShape, match=rf"{kind}.*hello, world") as refused:
        directory.parser(kind)({"world": 1, "hello": 2}, source=kind, now=NOW, options={})
    assert refused.value.keys == ["hello", "world"]


def test_moments() -> None:
    assert moment("0001-01-01T00:00:00Z") is None
    assert moment("2026-03-02T13:58:00.123456789Z") == datetime(2026, 3, 2, 13, 58, 0, 123456, UTC)
    assert moment("2026-03-02 13:58:00") == datetime(2026, 3, 2, 13, 58, tzinfo=UTC)
    assert moment(17) is None
    assert no_later(datetime(2030, 1, 1, tzinfo=UTC), NOW) == NOW


def test_texts_are_one_bounded_line() -> None:
    assert text(None, "  ", "a\n\tb\x00c") == "a b c"
    assert len(text("x" * 10_000)) == 500
    assert text(True, 7) == "7"


@pytest.mark.parametrize("name", ["DatasourceNoData", "DatasourceError"])
@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_a_grafana_that_sees_nothing_says_nothing(name: str, status: str) -> None:
    """It fires an alert of its own then, under the labels of the rule."""
    body = {"alerts": [{"status": status, "labels": {"alertname": name, "service": "portal"}}]}
    (only,) = directory.parser("grafana")(body, source="g", now=NOW, options={})
    assert (only.service, only.observed) == ("portal", Observed.UNKNOWN)
