"""What a source said last counts: reports through HTTP, and what is decided about them."""

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alertbot.alerts import store_reading
from alertbot.db.database import Database
from alertbot.people import tasks
from alertbot.watch import incidents, watching
from alertbot.watch.context import MOST_UNNAMED, Watch
from alertbot.watch.rules_rule import Confirmation, Policy
from alertbot.watch.sources import base
from alertbot.watch.sources.base import MOST_SIGNALS
from alertbot.web.signals import LARGEST_BODY_BYTES
from tests.web.sender import SECRET, Sender, sender, source

PLAIN = Policy(confirm_up=Confirmation(), dwell=timedelta(), remind_every=None)
OPEN = "0001-01-01T00:00:00Z"


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_SECRET", SECRET)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Sender]:
    made = await sender(database)
    yield made
    await made.client.aclose()


async def tell(desk: Sender, name: str, body: object, **watch: Any) -> int:
    """Post a report, and decide; how many of its reports were new."""
    answer = await desk.post(name, json.dumps(body).encode())
    assert answer.status_code == 202, answer.text
    given = Watch(policy=watch.pop("policy", PLAIN), **watch)
    await watching.look(replace(desk.team.service, watch=given))
    desk.team.clock.forward(seconds=2)
    return int(answer.json()["new"])


async def stand(desk: Sender) -> dict[str | None, str | None]:
    """The state of the incident of each service; None for one that is closed."""
    found = await incidents.listing(desk.team.service)
    return {one.service: None if one.closed_at else one.condition for one in found}


async def said(desk: Sender) -> dict[str, str]:
    """What was last reported of each service."""
    return {one.signal.service: str(one.signal.observed) for one in reversed(await desk.stored())}


async def chores(desk: Sender) -> list[str]:
    return [one.text for one in await tasks.listing(desk.team.service)]


def at(desk: Sender, seconds: float = 0) -> str:
    return (desk.team.clock.now + timedelta(seconds=seconds)).isoformat()


def alert(status: str, begun: str, ended: str = OPEN, **more: Any) -> dict[str, Any]:
    """One alert of Alertmanager or Grafana: the number 112 of an SBC in Saint-Remy-en-Bouzemont."""
    labels = {"alertname": "AppelsPerdus", "service": "112"} | more.pop("labels", {})
    return {
        "status": status,
        "labels": labels,
        "annotations": more.pop("annotations", {}),
        "startsAt": begun,
        "endsAt": ended,
        "fingerprint": more.pop("fingerprint", "f1"),
    } | more


def group(*alerts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"version": "4", "orgId": 1, "status": "firing", "alerts": list(alerts), **more}


# --- Alertmanager -----------------------------------------------------------------------------------


async def test_an_alert_that_fires_again_with_the_same_start_is_news(desk: Sender) -> None:
    begun = at(desk, -180)
    seen = []
    for _round in range(3):
        seen.append(await tell(desk, "alertmanager", group(alert("firing", begun))))
        assert await stand(desk) == {"112": "down"}
        seen.append(await tell(desk, "alertmanager", group(alert("firing", begun))))
        seen.append(await tell(desk, "alertmanager", group(alert("resolved", begun, at(desk)))))
        assert await stand(desk) == {"112": None}
    assert seen == [1, 0, 1] * 3
    assert {one.repeats for one in await desk.stored()} == {0, 1}


async def test_an_end_before_the_report_arrived_is_an_end(desk: Sender) -> None:
    """The sender tried again after our own downtime, or its clock is behind."""
    begun = at(desk, -300)
    await tell(desk, "alertmanager", group(alert("firing", begun)))
    over = group(alert("resolved", begun, at(desk, -60)))
    assert await tell(desk, "alertmanager", over) == 1
    assert await tell(desk, "alertmanager", over) == 0  # its repeat_interval
    assert await stand(desk) == {"112": None}


async def test_what_the_sender_left_out_is_a_task(desk: Sender) -> None:
    body = group(alert("firing", at(desk)), truncatedAlerts=37)
    await tell(desk, "alertmanager", body)
    (task,) = [one for one in await chores(desk) if "truncatedAlerts" in one]
    assert "37" in task
    assert 'alertbot_reports_unheeded_total{source="alertmanager",why="cut"} 1' in await metrics(desk)


async def metrics(desk: Sender) -> str:
    return (await desk.client.get("/metrics")).text


async def test_one_of_many_alerts_of_a_service_that_goes_on_keeps_it_in_trouble(desk: Sender) -> None:
    """More alerts than are looked at one by one, and the oldest is the one that still fires."""
    begun = at(desk)
    await tell(desk, "alertmanager", group(alert("firing", begun, fingerprint="old")))
    many = [alert("firing", begun, fingerprint=f"f{n}") for n in range(400)]
    assert await tell(desk, "alertmanager", group(*many)) == 400
    over = [alert("resolved", begun, at(desk), fingerprint=f"f{n}") for n in range(400)]
    await tell(desk, "alertmanager", group(*over))
    assert await stand(desk) == {"112": "down"}
    await tell(desk, "alertmanager", group(alert("resolved", begun, at(desk), fingerprint="old")))
    assert await stand(desk) == {"112": None}


# --- Grafana ----------------------------------------------------------------------------------------

REASONS = ["NoData", "Error", "MissingSeries", "Paused", "Updated", "RuleDeleted", "KeepLast",
           "NoData, KeepLast", "Error, KeepLast", "a reason of next year"]  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
async def test_an_end_without_a_recovery_is_no_recovery(desk: Sender, reason: str) -> None:
    begun, notes = at(desk, -60), {"grafana_state_reason": reason}
    await tell(desk, "grafana", group(alert("firing", begun)))
    await tell(desk, "grafana", group(alert("resolved", begun, at(desk), annotations=notes)))
    assert (await said(desk), await stand(desk)) == ({"112": "unknown"}, {"112": "down"})
    await tell(desk, "grafana", group(alert("firing", begun, annotations=notes)))
    await tell(desk, "grafana", group(alert("resolved", begun, at(desk))))
    assert (await said(desk), await stand(desk)) == ({"112": "up"}, {"112": None})


@pytest.mark.parametrize("reason", REASONS)
async def test_a_rule_that_sees_nothing_is_no_outage(desk: Sender, reason: str) -> None:
    notes = {"grafana_state_reason": reason}
    await tell(desk, "grafana", group(alert("firing", at(desk), annotations=notes)))
    common = group(alert("firing", at(desk), fingerprint="f2"), commonAnnotations=notes)
    await tell(desk, "grafana", common)
    assert (await said(desk), await stand(desk)) == ({"112": "unknown"}, {})


# --- Statuspage -------------------------------------------------------------------------------------


def page(status: str, impact: str, *components: tuple[str, str], **more: Any) -> dict[str, Any]:
    number, told = more.pop("id", "i1"), more.pop("told", None)
    touched = [
        {"code": name, "name": name, "old_status": "operational", "new_status": state}
        for name, state in components
    ]
    update = {"id": f"{number}/{status}", "status": status, "body": "x", "affected_components": touched}
    return {
        "page": {"id": "p"},
        "incident": {
            "id": number,
            "name": "Appels d'urgence en échec",
            "status": status,
            "impact": impact,
            "backfilled": False,
            "incident_updates": [update | ({"created_at": told} if told else {})],
        }
        | more,
    }


async def test_each_component_is_as_the_update_says(desk: Sender) -> None:
    trouble = page(
        "identified", "critical", ("Portal", "operational"), ("Voice", "major_outage"), ("SMS", "partial_outage")
    )  # fmt: skip
    assert await tell(desk, "statuspage", trouble) == 3
    assert await said(desk) == {"Portal": "up", "Voice": "down", "SMS": "degraded"}
    assert await stand(desk) == {"Voice": "down", "SMS": "degraded"}
    looking = page("investigating", "none", ("Billing", "operational"), id="i2")
    await tell(desk, "statuspage", looking)
    assert "Billing" not in await stand(desk)


async def test_a_component_works_when_the_last_of_its_matters_is_over(desk: Sender) -> None:
    first = page("identified", "major", ("Voice", "major_outage"), id="i1", told=at(desk))
    second = page("identified", "major", ("Voice", "major_outage"), id="i2", told=at(desk, 1))
    await tell(desk, "statuspage", first)
    await tell(desk, "statuspage", second)
    await tell(
        desk, "statuspage", page("resolved", "major", ("Voice", "operational"), id="i1", told=at(desk))
    )
    assert await stand(desk) == {"Voice": "down"}
    await tell(
        desk, "statuspage", page("resolved", "major", ("Voice", "operational"), id="i2", told=at(desk))
    )
    assert await stand(desk) == {"Voice": None}


async def test_a_matter_that_ends_while_its_component_is_still_down_ends_nothing(desk: Sender) -> None:
    await tell(
        desk, "statuspage", page("identified", "critical", ("Voice", "major_outage"), told=at(desk))
    )
    await tell(
        desk, "statuspage", page("resolved", "critical", ("Voice", "major_outage"), told=at(desk))
    )
    assert await stand(desk) == {"Voice": "down"}
    works = {
        "page": {"id": "p"},
        "component_update": {"id": "c1", "component_id": "Voice", "created_at": at(desk), "new_status": "operational"},
        "component": {"id": "Voice", "name": "Voice", "status": "operational"},
    }  # fmt: skip
    await tell(desk, "statuspage", works)
    assert await stand(desk) == {"Voice": None}


@pytest.mark.parametrize("status", ["scheduled", "in_progress", "verifying"])
async def test_works_hide_no_outage(desk: Sender, status: str) -> None:
    patient = replace(PLAIN, confirm_down=Confirmation(1, timedelta(seconds=8)))
    down = {
        "page": {"id": "p"},
        "component_update": {"id": "c1", "component_id": "v", "created_at": at(desk), "new_status": "major_outage"},
        "component": {"id": "v", "name": "Voice", "status": "major_outage"},
    }  # fmt: skip
    await tell(desk, "statuspage", down, policy=patient)
    works = page(status, "maintenance", ("v", "operational"), id="m1", scheduled_for=at(desk, 604_800))
    works["incident"]["incident_updates"][0]["affected_components"][0]["name"] = "Voice"
    await tell(desk, "statuspage", works, policy=patient)
    desk.team.clock.forward(seconds=20)
    await watching.look(replace(desk.team.service, watch=Watch(policy=patient)))
    assert await stand(desk) == {"Voice": "down"}


async def test_an_incident_told_afterwards_is_no_news(desk: Sender) -> None:
    past = page("resolved", "critical", ("Voice", "operational"), backfilled=True)
    during = page("identified", "critical", ("Voice", "major_outage"), backfilled=True, id="i2")
    await tell(desk, "statuspage", past)
    await tell(desk, "statuspage", during)
    assert await tell(desk, "statuspage", during) == 0
    assert await stand(desk) == {}


async def test_a_post_mortem_of_one_incident_does_not_end_the_next(desk: Sender) -> None:
    for status in ("identified", "resolved"):
        state = "major_outage" if status == "identified" else "operational"
        await tell(desk, "statuspage", page(status, "critical", ("Voice", state), told=at(desk)))
    again = page("identified", "critical", ("Voice", "major_outage"), id="i2", told=at(desk))
    await tell(desk, "statuspage", again)
    await tell(
        desk, "statuspage", page("postmortem", "critical", ("Voice", "major_outage"), told=at(desk))
    )
    assert await stand(desk) == {"Voice": "down"}


async def test_a_post_mortem_opens_nothing(desk: Sender) -> None:
    await tell(
        desk, "statuspage", page("postmortem", "critical", ("Voice", "major_outage"), told=at(desk))
    )
    assert await stand(desk) == {}


# --- reports that arrive in another order -------------------------------------------------------------


async def test_a_heartbeat_held_up_on_the_way_does_not_count_over_a_later_one(desk: Sender) -> None:
    def beat(status: int, told: datetime) -> dict[str, Any]:
        heart = {
            "monitorID": 7,
            "status": status,
            "time": f"{told:%Y-%m-%d %H:%M:%S}.000",
            "important": True,
        }
        return {"heartbeat": heart, "monitor": {"id": 7, "name": "SBC"}, "msg": "x"}

    now = desk.team.clock.now
    await tell(desk, "uptime_kuma", beat(0, now - timedelta(seconds=120)))
    await tell(desk, "uptime_kuma", beat(1, now - timedelta(seconds=30)))
    await tell(desk, "uptime_kuma", beat(2, now - timedelta(seconds=60)))
    await tell(desk, "uptime_kuma", beat(0, now - timedelta(seconds=60)))
    assert await stand(desk) == {"SBC": None}
    await tell(desk, "uptime_kuma", beat(0, now))
    assert await stand(desk) == {"SBC": "down"}


async def test_gatus_that_changes_its_mind_within_a_minute(desk: Sender) -> None:
    seen = [
        await tell(desk, "gatus", {"service": "SBC", "state": state})
        for state in ("TRIGGERED", "RESOLVED", "TRIGGERED", "TRIGGERED", "RESOLVED")
    ]
    assert (seen, await stand(desk)) == ([1, 1, 1, 0, 1], {"SBC": None})


# --- what is too much ---------------------------------------------------------------------------------


async def test_every_alert_of_a_storm_is_stored(desk: Sender) -> None:
    many = [
        alert("firing", at(desk), fingerprint=f"f{n}", annotations={"description": "x" * 900})
        for n in range(1200)
    ]
    body = json.dumps(group(*many)).encode()
    assert len(body) > 1_000_000
    answer = await desk.post("alertmanager", body)
    assert (answer.status_code, answer.json()) == (202, {"stored": 1200, "new": 1200})


async def test_a_body_that_is_too_large_is_kept_and_told(desk: Sender) -> None:
    answer = await desk.post("alertmanager", b'{"alerts": "' + b"x" * LARGEST_BODY_BYTES)
    assert answer.status_code == 413
    (task,) = await chores(desk)
    assert "alertmanager" in task
    (aside,) = await desk.aside()
    assert aside.size > 10_000
    assert 'alertbot_reports_unheeded_total{source="alertmanager",why="too_large"} 1' in await metrics(
        desk
    )
    for _round in range(5):  # and however often it comes, it is one task
        await desk.post("alertmanager", b"x" * (LARGEST_BODY_BYTES + 1))
    assert len(await chores(desk)) == 1
    assert 'why="too_large"} 6' in await metrics(desk)


async def test_more_reports_than_a_body_may_hold_are_refused_whole(desk: Sender) -> None:
    body = json.dumps({"alerts": [{"status": "firing"}] * (MOST_SIGNALS + 1)}).encode()
    answer = await desk.post("alertmanager", body)
    assert (answer.status_code, len(await desk.aside()), len(await desk.stored())) == (422, 1, 0)


async def test_a_source_that_sends_too_often_is_told_to_the_team(database: Database) -> None:
    desk = await sender(database, checks=source("gatus", per_minute=1))
    codes = [
        (await desk.post("checks", b'{"service": "a", "state": "TRIGGERED"}')).status_code
        for _n in range(3)
    ]
    assert codes == [202, 429, 429]
    assert len([one for one in await chores(desk) if "checks" in one]) == 1
    assert 'alertbot_reports_unheeded_total{source="checks",why="too_many"} 2' in await metrics(desk)


def named(count: int, desk: Sender) -> dict[str, Any]:
    zones = [f"zone-{n:03}" for n in range(count)]
    return group(
        *(alert("firing", at(desk), fingerprint=one, labels={"service": one}) for one in zones)
    )


async def test_many_unknown_services_in_one_report_are_one_task(desk: Sender) -> None:
    await tell(desk, "alertmanager", named(60, desk))
    assert await stand(desk) == {}
    assert await desk.team.service.database.read(store_reading.listing) == ()
    (task,) = await chores(desk)
    assert "60" in task
    assert {one.reason for one in await desk.stored()} == {"unnamed"}
    desk.team.clock.forward(minutes=20)
    await tell(
        desk,
        "alertmanager",
        group(alert("firing", at(desk), fingerprint="x", labels={"service": "15"})),
    )
    assert await stand(desk) == {"15": "down"}


async def test_a_few_unknown_services_are_taken_as_before(desk: Sender) -> None:
    await tell(desk, "alertmanager", named(MOST_UNNAMED, desk))
    assert len(await stand(desk)) == MOST_UNNAMED


async def test_a_configured_service_comes_before_a_storm_of_others(desk: Sender) -> None:
    """A few are decided about at a time, and then whoever is due is looked at anew."""
    zones = frozenset(f"zone-{n:03}" for n in range(30))
    settings = Watch(policy=PLAIN, named=zones | {"112"})
    service = replace(desk.team.service, watch=settings)
    taking = replace(desk.team, service=service)
    from_storm = [
        alert("firing", at(desk), fingerprint=one, labels={"service": one}) for one in sorted(zones)
    ]
    other = Sender(taking, desk.client)
    await other.post("alertmanager", json.dumps(group(*from_storm)).encode())
    desk.team.clock.forward(seconds=1)
    await other.post("gatus", json.dumps({"service": "112", "state": "TRIGGERED"}).encode())
    await watching._decide_due(service, watching.Backoff())
    found = await stand(desk)
    assert "112" in found
    assert len(found) <= watching.AT_ONCE


# --- what would take minutes --------------------------------------------------------------------------


def hostile_forms() -> list[tuple[bytes, str]]:
    kind = "multipart/form-data; boundary=b"
    head = b"--b\r\n" + b"content-disposition:" * 8_000 + b"\r\n\r\n{}\r\n--b--"
    names = b"--b\r\ncontent-disposition: form-data" + b"; name=" * 20_000 + b"\r\n\r\n{}\r\n--b--"
    return [
        (head, kind),
        (names, kind),
        (b"--b\r\n" * 30_000, kind),
        (b"b" * 160_000, "multipart/form-data; boundary=b"),
    ]


@pytest.mark.parametrize("place", range(4))
def test_a_hostile_form_takes_no_longer_than_its_length(place: int) -> None:
    body, kind = hostile_forms()[place]
    begun = time.process_time()
    with pytest.raises(base.UnknownShape):
        base.read("s", body, kind)
    assert time.process_time() - begun < 5  # it took forty seconds


async def test_common_labels_are_not_copied_for_every_alert(desk: Sender) -> None:
    common = {f"l{n}": "x" for n in range(20_000)}
    body = group(
        *([{"status": "firing", "fingerprint": "f"}] * 8_000), commonLabels=common | {"service": "112"}
    )
    begun = time.process_time()
    answer = await desk.post("alertmanager", json.dumps(body).encode())
    assert answer.json() == {"stored": 8_000, "new": 1}
    assert time.process_time() - begun < 30  # it took minutes


# --- addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/a-secret-that-stands-in-the-path/"])
async def test_a_slash_at_the_end_leads_nowhere_else(desk: Sender, path: str) -> None:
    headers = {"host": "evil.example.net", "authorization": f"Bearer {SECRET}"}
    answer = await desk.client.post(f"/signals/gatus{path}", content=b"{}", headers=headers)
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert (await desk.client.get("/readyz/", headers=headers)).status_code == 404
