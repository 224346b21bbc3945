"""What each sender can write, and what it is taken for: every word for a state, odd types, missing keys."""

from datetime import UTC, datetime
from typing import Any

import pytest

from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources import directory
from alertbot.watch.sources.base import UnknownShape, looks_like

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
ODD: list[Any] = [None, True, False, [], ["firing"], {}, {"a": 1}, 1.5, -1, "", "  "]


def parse(kind: str, body: object, **options: Any) -> tuple[Signal, ...]:
    return directory.parser(kind)(body, source="s", now=NOW, options=options)


def only(kind: str, body: object, **options: Any) -> Signal:
    (one,) = parse(kind, body, **options)
    return one


# Alertmanager, and Grafana from version 8


def alert(status: object = "firing", **more: object) -> dict[str, Any]:
    labels = {"alertname": "SipDown", "service": "112"}
    return {
        "version": "4",
        "alerts": [{"status": status, "labels": labels, "fingerprint": "f1", **more}],
    }


@pytest.mark.parametrize("kind", ["alertmanager", "grafana"])
@pytest.mark.parametrize(
    ("status", "severity", "observed"),
    [
        ("firing", None, "down"),
        ("firing", "critical", "down"),
        ("firing", "page", "down"),
        ("firing", "warning", "degraded"),
        ("firing", "Warning", "degraded"),
        ("firing", "minor", "degraded"),
        ("firing", "info", "degraded"),
        ("firing", "none", "degraded"),
        ("firing", "low", "degraded"),
        ("resolved", "critical", "up"),
        ("resolved", "warning", "up"),
        ("Firing", None, "unknown"),
        ("suppressed", None, "unknown"),
        ("active", None, "unknown"),
        ("pending", None, "unknown"),
    ],
)
def test_alertmanager(kind: str, status: str, severity: str | None, observed: str) -> None:
    one = only(kind, alert(status, labels={"service": "112", "severity": severity}))
    assert one.observed == observed
    assert one.still_firing == (status == "firing")
    assert one.confirmed
    assert one.severity == (severity or "")


@pytest.mark.parametrize("status", ODD)
def test_alertmanager_with_a_status_of_another_type_says_nothing(status: object) -> None:
    assert only("alertmanager", alert(status)).observed is Observed.UNKNOWN


def test_alertmanager_without_a_status_anywhere_is_another_message() -> None:
    for alerts in ([], [{}], [{"labels": {"service": "112"}}], ["firing"], None, {"status": "firing"}):
        with pytest.raises(UnknownShape):
            parse("alertmanager", {"version": "4", "status": "firing", "alerts": alerts})
    two = parse("alertmanager", {"alerts": [{"status": "firing"}, {"labels": {}}]})
    assert [one.observed for one in two] == [Observed.DOWN, Observed.UNKNOWN]


def test_alertmanagers_service_is_the_label_asked_for_or_the_best_there_is() -> None:
    labels = {"alertname": "SipDown", "service": "112", "job": "sbc"}
    assert only("alertmanager", alert(labels=labels), service_label="job").service == "sbc"
    assert only("alertmanager", alert(labels=labels), service_label="host").service == "112"
    assert only("alertmanager", alert(labels=labels)).service == "112"
    assert only("alertmanager", alert(labels={"alertname": "SipDown"})).service == "SipDown"
    assert only("alertmanager", alert(labels={})).service == "f1"
    common = {**alert(labels={}), "commonLabels": {"service": "15", "severity": "low"}}
    assert (only("alertmanager", common).service, only("alertmanager", common).severity) == (
        "15",
        "low",
    )
    own = {**alert(), "commonLabels": {"service": "15"}}
    assert only("alertmanager", own).service == "112"  # its own label wins


def test_alertmanagers_times() -> None:
    begun, ended = "2026-03-02T13:00:00Z", "2026-03-02T13:30:00Z"
    firing = only("alertmanager", alert("firing", startsAt=begun, endsAt=ended))
    assert (firing.at, firing.started_at, firing.ended_at) == (NOW, NOW.replace(hour=13), None)
    over = only("alertmanager", alert("resolved", startsAt=begun, endsAt=ended))
    assert over.at == over.ended_at == datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
    ahead = only("alertmanager", alert("resolved", endsAt="2026-03-02T15:00:00Z"))
    assert ahead.at == NOW
    assert over.key != firing.key
    later = only("alertmanager", alert("firing", startsAt=ended))
    assert later.key != firing.key


@pytest.mark.parametrize(
    ("labels", "test"),
    [
        ({"alertname": "TestAlert", "instance": "Grafana"}, True),
        ({"alertname": "TestAlert", "instance": "sbc-1"}, False),
        ({"alertname": "SipDown", "instance": "Grafana"}, False),
    ],
)
def test_grafanas_button_is_a_test(labels: dict[str, str], test: bool) -> None:
    assert only("grafana", alert(labels=labels)).is_test is test


# Grafana before version 8


@pytest.mark.parametrize(
    ("state", "observed"),
    [
        ("alerting", "down"),
        ("ok", "up"),
        ("no_data", "unknown"),
        ("paused", "unknown"),
        ("pending", "unknown"),
        ("execution_error", "unknown"),
        ("OK", "unknown"),
        *((odd, "unknown") for odd in ODD),
    ],
)
def test_grafana_of_old(state: object, observed: str) -> None:
    one = only("grafana", {"ruleName": "112", "ruleId": 4, "state": state, "evalMatches": []})
    assert one.observed == observed
    assert one.still_firing == (observed == "down")
    assert (one.service, one.is_test, one.confirmed) == ("112", False, True)


def test_grafana_of_old_in_pieces() -> None:
    assert only("grafana", {"ruleName": "112", "state": "ok"}).observed is Observed.UP
    assert only("grafana", {"evalMatches": [], "title": "[Alerting] 112"}).service == "[Alerting] 112"
    assert only("grafana", {"evalMatches": [], "ruleId": 9}).service == "9"
    assert only("grafana", {"evalMatches": [], "ruleName": "Test notification"}).is_test
    assert only("grafana", {"evalMatches": [], "ruleName": "112", "ruleId": 0}).is_test
    for short in ({"ruleName": "112"}, {"state": "alerting"}, {"alerts": "no list"}):
        with pytest.raises(UnknownShape):
            parse("grafana", short)


# Uptime Kuma


def beat(status: object = 0, **more: Any) -> dict[str, Any]:
    heartbeat = {"monitorID": 3, "status": status, "time": "2026-03-02 13:58:00", **more}
    return {"heartbeat": heartbeat, "monitor": {"id": 3, "name": "112"}, "msg": "down"}


@pytest.mark.parametrize(
    ("status", "observed"),
    [
        (0, "down"),
        (1, "up"),
        (2, "unknown"),  # pending
        (3, "maintenance"),
        (4, "unknown"),
        (-1, "unknown"),
        (False, "unknown"),  # not 0
        (True, "unknown"),  # not 1
        ("0", "unknown"),
        ("up", "unknown"),
        (1.0, "unknown"),
        (None, "unknown"),
        ([0], "unknown"),
    ],
)
def test_uptime_kuma(status: object, observed: str) -> None:
    one = only("uptime_kuma", beat(status))
    assert one.observed == observed
    assert (one.service, one.subject, one.at) == ("112", "3", datetime(2026, 3, 2, 13, 58, tzinfo=UTC))
    assert (one.confirmed, one.is_test, one.is_repeat) == (True, False, False)


@pytest.mark.parametrize(
    ("flag", "observed"), [(True, "maintenance"), (False, "down"), (None, "down"), ("yes", "down")]
)
def test_uptime_kumas_maintenance_is_a_plain_true(flag: object, observed: str) -> None:
    body = beat(0)
    body["monitor"]["maintenance"] = flag
    assert only("uptime_kuma", body).observed == observed


@pytest.mark.parametrize(
    ("important", "repeat"), [(False, True), (True, False), (None, False), (0, False)]
)
def test_uptime_kuma_says_what_is_a_repeat(important: object, repeat: bool) -> None:
    assert only("uptime_kuma", beat(0, important=important)).is_repeat is repeat


def test_uptime_kumas_notices_and_names() -> None:
    for part in ("heartbeat", "monitor"):
        notice = only("uptime_kuma", {**beat(1), part: None})
        assert notice.is_test
    assert only("uptime_kuma", {**beat(0), "heartbeat": None}).observed is Observed.UNKNOWN
    for part in ("heartbeat", "monitor", "msg"):
        with pytest.raises(UnknownShape):
            parse("uptime_kuma", {key: value for key, value in beat().items() if key != part})
    path = {**beat(), "monitor": {"id": 3, "name": "112", "pathName": "Paris / 112"}}
    assert only("uptime_kuma", path).service == "Paris / 112"
    assert only("uptime_kuma", {**beat(), "monitor": {"id": 3}}).service == "3"


# Statuspage


def change(status: object, **update: object) -> dict[str, Any]:
    return {
        "page": {},
        "component": {"name": "112"},
        "component_update": {"id": "u1", "component_id": "c1", "new_status": status, **update},
    }


def listed(status: object) -> dict[str, Any]:
    return {"status": {"indicator": "critical"}, "components": [{"name": "112", "status": status}]}


@pytest.mark.parametrize("shape", [change, listed])
@pytest.mark.parametrize(
    ("status", "observed"),
    [
        ("operational", "up"),
        ("degraded_performance", "degraded"),
        ("partial_outage", "degraded"),
        ("major_outage", "down"),
        ("under_maintenance", "maintenance"),
        ("Operational", "unknown"),
        ("full_outage", "unknown"),
        *((odd, "unknown") for odd in ODD),
    ],
)
def test_a_component_of_statuspage(shape: Any, status: object, observed: str) -> None:
    one = only("statuspage", shape(status))
    assert (one.service, one.observed) == ("112", observed)
    if shape is listed:
        assert one.still_firing == (status in ("partial_outage", "major_outage"))


@pytest.mark.parametrize(
    ("status", "impact", "observed"),
    [
        ("investigating", "critical", "down"),
        ("investigating", "major", "degraded"),
        ("investigating", "none", "unknown"),
        ("investigating", None, "degraded"),
        ("identified", "critical", "down"),
        ("identified", "minor", "degraded"),
        ("monitoring", "critical", "unknown"),
        ("resolved", "critical", "up"),
        ("postmortem", "critical", "up"),
        ("scheduled", "maintenance", "unknown"),
        ("in_progress", "maintenance", "maintenance"),
        ("verifying", "maintenance", "maintenance"),
        ("completed", "maintenance", "up"),
        ("Resolved", None, "unknown"),
        *((odd, "critical", "unknown") for odd in ODD),
    ],
)
def test_an_incident_of_statuspage(status: object, impact: object, observed: str) -> None:
    incident = {"id": "i1", "name": "112", "status": status, "impact": impact}
    assert only("statuspage", {"page": {}, "incident": incident}).observed == observed


def test_the_newest_update_of_an_incident_counts() -> None:
    incident: dict[str, Any] = {
        "id": "i1",
        "name": "Trouble",
        "status": "investigating",
        "impact": "critical",
        "created_at": "2026-03-02T12:00:00Z",
        "resolved_at": "2026-03-02T13:30:00Z",
        "components": [{"name": "15"}],
        "incident_updates": [
            {"id": "u2", "status": "resolved", "display_at": "2026-03-02T13:30:00Z"},
            {"id": "u1", "status": "investigating", "display_at": "2026-03-02T12:00:00Z"},
        ],
    }
    one = only("statuspage", {"page": {}, "incident": incident})
    assert (one.observed, one.key, one.service, one.history) == (Observed.UP, "u2/15/up", "15", False)
    assert one.at == one.ended_at == datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
    assert one.started_at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    incident["incident_updates"][0]["affected_components"] = [{"name": "112"}, {"name": "17"}]
    every = parse("statuspage", {"page": {}, "incident": incident})
    assert [one.service for one in every] == ["112", "17", "15"]
    bare = {**incident, "incident_updates": None, "components": None}
    told = only("statuspage", {"page": {}, "incident": bare})
    assert (told.service, told.key) == ("Trouble", "i1/investigating//down")
    assert told.at == datetime(2026, 3, 2, 12, tzinfo=UTC)
    over = only("statuspage", {"page": {}, "incident": {**bare, "status": "resolved"}})
    assert over.key == "i1/resolved//up"  # its end is no repeat of its beginning
    for flag, history in ((True, True), ("true", False), (None, False)):
        late = {"page": {}, "incident": {**incident, "backfilled": flag}}
        assert {one.history for one in parse("statuspage", late)} == {history}


def test_statuspage_in_pieces_is_another_message() -> None:
    whole = change("operational")
    for missing in ("component", "component_update"):
        with pytest.raises(UnknownShape):
            parse("statuspage", {key: value for key, value in whole.items() if key != missing})
    for body in ({"incident": {}}, {"page": {}}, {"components": []}, {"status": {}}):
        with pytest.raises(UnknownShape):
            parse("statuspage", body)
    assert parse("statuspage", {"components": "none", "status": {}}) == ()
    only_heading = {"status": {}, "components": [{"id": "g", "name": "Europe", "group": True}]}
    assert parse("statuspage", only_heading) == ()


# Gatus


@pytest.mark.parametrize(
    ("state", "observed"),
    [
        ("TRIGGERED", "down"),
        ("triggered", "down"),
        ("RESOLVED", "up"),
        ("Resolved", "up"),
        ("DOWN", "unknown"),
        *((odd, "unknown") for odd in ODD),
    ],
)
def test_gatus(state: object, observed: str) -> None:
    one = only("gatus", {"service": "112", "state": state})
    assert (one.service, one.observed, one.still_firing) == ("112", observed, observed == "down")
    assert one.confirmed


@pytest.mark.parametrize(
    ("state", "observed"),
    [
        ("alarm", "down"),
        ("ALARM", "down"),
        ("fin", "up"),
        ("TRIGGERED", "unknown"),
        ("RESOLVED", "unknown"),
    ],
)
def test_gatus_with_words_of_its_own(state: str, observed: str) -> None:
    body = {"service": "112", "state": state}
    assert only("gatus", body, triggered="Alarm", resolved="Fin").observed == observed


@pytest.mark.parametrize(("resolved", "observed"), [(True, "up"), (False, "down")])
def test_gatus_by_n8n(resolved: bool, observed: str) -> None:
    body = {
        "endpoint_name": "112",
        "endpoint_group": "paris",
        "endpoint_url": "https://a.example",
        "alert_description": "three failures",
        "resolved": resolved,
    }
    one = only("gatus", body)
    assert (one.service, one.observed) == ("paris/112", observed)
    assert (one.summary, one.url) == ("three failures", "https://a.example")


@pytest.mark.parametrize("resolved", [None, 0, 1, "true", "false", [], {}])
def test_gatus_by_n8n_says_true_or_false_and_nothing_like_them(resolved: object) -> None:
    with pytest.raises(UnknownShape):
        parse("gatus", {"endpoint_name": "112", "resolved": resolved})


def test_gatus_in_pieces() -> None:
    for body in (
        {"service": "112"},
        {"state": "TRIGGERED"},
        {"endpoint_name": "112"},
        {"resolved": True},
    ):
        with pytest.raises(UnknownShape):
            parse("gatus", body)
    grouped = only("gatus", {"name": "112", "group": "paris", "service": "x", "state": "RESOLVED"})
    assert grouped.service == "paris/112"


# Any JSON


@pytest.mark.parametrize(
    ("state", "observed"),
    [
        ("down", "down"),
        ("alerting", "down"),
        ("firing", "down"),
        ("DOWN", "down"),
        ("up", "up"),
        ("ok", "up"),
        ("resolved", "up"),
        ("OK", "up"),
        ("degraded", "unknown"),
        ("0", "unknown"),
        (0, "unknown"),
        (1, "unknown"),
    ],
)
def test_generic(state: object, observed: str) -> None:
    one = only("generic", {"service": "112", "state": state})
    assert (one.observed, one.confirmed, one.is_test) == (observed, False, False)


@pytest.mark.parametrize("observed", Observed)
def test_generic_with_words_of_its_own(observed: Observed) -> None:
    states = {one.value: [f"is-{one.value}", 7] for one in [observed]}
    for word in (f"is-{observed}", f"IS-{observed}".upper(), 7, "7"):
        assert only("generic", {"service": "a", "state": word}, states=states).observed is observed
    assert (
        only("generic", {"service": "a", "state": "down"}, states=states).observed is Observed.UNKNOWN
    )


@pytest.mark.parametrize("bad", [None, "", "  ", [], {}, True, False])
def test_generic_without_a_service_or_a_state_is_refused(bad: object) -> None:
    for body in ({"service": bad, "state": "down"}, {"service": "112", "state": bad}):
        with pytest.raises(UnknownShape, match="no service or no state"):
            parse("generic", body)


@pytest.mark.parametrize(("given", "counts"), [(True, True), ("yes", False), (1, False), (None, False)])
def test_generic_takes_only_a_plain_true(given: object, counts: bool) -> None:
    body = {"service": "112", "state": "down", "probe": given}
    assert only("generic", body, test="probe").is_test is counts
    assert only("generic", body, confirmed=given).confirmed is counts


# Which sender it is


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"component_update": {}}, "statuspage"),
        ({"incident": {}, "page": {}}, "statuspage"),
        ({"incident": {}}, None),
        ({"page": {}}, None),
        ({"alerts": [], "version": "4"}, "alertmanager"),
        ({"alerts": [], "version": 4}, None),
        ({"alerts": {}, "version": "4"}, None),
        ({"alerts": [], "version": "1"}, "grafana"),
        ({"alerts": [], "orgId": 1}, "grafana"),
        ({"alerts": {}, "orgId": 1}, None),
        ({"evalMatches": []}, "grafana"),
        ({"ruleName": "", "state": ""}, "grafana"),
        ({"ruleName": ""}, None),
        ({"heartbeat": 1, "monitor": 1, "msg": 1}, "uptime_kuma"),
        ({"heartbeat": 1, "monitor": 1}, None),
        ({"endpoint_name": "", "resolved": 1}, "gatus"),
        ({"endpoint_name": ""}, None),
        ({"source": "gatus"}, "gatus"),
        ({"source": "Gatus"}, None),
        ({}, None),
        ([], None),
        (None, None),
        ("alerts", None),
    ],
)
def test_who_sent_a_body(body: object, kind: str | None) -> None:
    assert looks_like(body) == kind
