"""Prometheus Alertmanager, webhook version 4; Grafana 8 and later sends the same with extras.

The group's status is `firing` while any member is, so each alert's own status counts. A truncated list
(`truncatedAlerts`) does not prove that the rest is up: absence says nothing. Grafana says in an annotation
why an alert has its state (`grafana_state_reason`): one that fires or ends for want of data, or because
the rule was paused, edited or deleted, says nothing about the service.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.core.frozen import dataclass
from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import Body, UnknownShape, mapping, moment, no_later, rows, text

_BLIND = frozenset(
    {"DatasourceNoData", "DatasourceError"}
)  # Grafana sees nothing: no outage, and no end
REASON = (
    "grafana_state_reason"  # any of its reasons (NoData, Error, MissingSeries, Paused …): not evaluated
)
_DEGRADED = frozenset({"warning", "minor", "info", "none", "low"})


def parse(
    body: object, *, source: str, now: datetime, options: Mapping[str, Any]
) -> tuple[Signal, ...]:
    """One signal per alert. The service is the label named by the option `service_label` (else
    `service`, else `alertname`, else the fingerprint). Raises `UnknownShape` for another body."""
    top = mapping(body)
    alerts = rows(top.get("alerts"))
    if not alerts or not any("status" in one for one in alerts):
        raise UnknownShape(source, body)
    common = Common(mapping(top.get("commonLabels")), mapping(top.get("commonAnnotations")))
    return tuple(_signal(one, common, source, now, options) for one in alerts)


def left_out(body: object) -> int:
    """How many alerts of the group the sender left out of this body (`max_alerts`)."""
    count = mapping(body).get("truncatedAlerts")
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 0


@dataclass(frozen=True, slots=True)
class Common:
    """What the alerts of a group have in common. Looked up, never merged: a merge for each alert would
    take a time that grows with the square of the body."""

    labels: Body
    annotations: Body

    def label(self, alert: Body, name: str) -> object:
        own = mapping(alert.get("labels"))
        return own[name] if name in own else self.labels.get(name)

    def annotation(self, alert: Body, name: str) -> object:
        own = mapping(alert.get("annotations"))
        return own[name] if name in own else self.annotations.get(name)


def _signal(
    alert: Body, common: Common, source: str, now: datetime, options: Mapping[str, Any]
) -> Signal:
    notes, reason = mapping(alert.get("annotations")), text(common.annotation(alert, REASON))
    status, name = text(alert.get("status")), text(common.label(alert, "alertname"))
    firing = status == "firing"
    severity = text(common.label(alert, "severity"), common.label(alert, "priority"))
    begun, ended = moment(alert.get("startsAt")), None if firing else moment(alert.get("endsAt"))
    fingerprint = text(alert.get("fingerprint")) or name
    return Signal(
        source=source,
        service=_service(alert, common, fingerprint, options),
        observed=Observed.UNKNOWN if reason else _observed(status, severity, name),
        at=now if firing else no_later(ended, now),
        key=f"{fingerprint}/{status}/{text(alert.get('startsAt'))}" + (f"/{reason}" if reason else ""),
        subject=fingerprint,
        severity=severity,
        started_at=begun,
        ended_at=ended,
        title=text(name, notes.get("title"), fingerprint),
        summary=text(reason, notes.get("summary"), notes.get("description"), notes.get("message")),
        url=text(alert.get("generatorURL"), alert.get("panelURL")),
        confirmed=True,
        still_firing=firing and not reason,
        is_test=_is_test(alert, common),
        received=now,
    )


def _service(alert: Body, common: Common, fingerprint: str, options: Mapping[str, Any]) -> str:
    named = options.get("service_label")
    return text(
        common.label(alert, str(named)) if named else None,
        common.label(alert, "service"),
        common.label(alert, "alertname"),
        fingerprint,
    )


def _observed(status: str, severity: str, name: str) -> Observed:
    if name in _BLIND:
        return Observed.UNKNOWN
    if status == "resolved":
        return Observed.UP
    if status != "firing":
        return Observed.UNKNOWN
    return Observed.DEGRADED if severity.casefold() in _DEGRADED else Observed.DOWN


def _is_test(alert: Body, common: Common) -> bool:
    """Whether it is the alert that Grafana's *Test* button sends."""
    name, instance = common.label(alert, "alertname"), common.label(alert, "instance")
    return name == "TestAlert" and instance == "Grafana"
