"""Prometheus Alertmanager, webhook version 4; Grafana 8 and later sends the same with extras.

The group's status is `firing` while any member is, so each alert's own status counts. A truncated list
(`truncatedAlerts`) does not prove that the rest is up: absence says nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from alertbot.watch.rules_signals import Observed, Signal
from alertbot.watch.sources.base import Body, UnknownShape, mapping, moment, no_later, rows, text

_BLIND = frozenset(
    {"DatasourceNoData", "DatasourceError"}
)  # Grafana sees nothing: no outage, and no end
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
    common = mapping(top.get("commonLabels"))
    return tuple(_signal(one, common, source, now, options) for one in alerts)


def _signal(
    alert: Body, common: Body, source: str, now: datetime, options: Mapping[str, Any]
) -> Signal:
    labels = {**common, **mapping(alert.get("labels"))}
    notes = mapping(alert.get("annotations"))
    status = text(alert.get("status"))
    firing = status == "firing"
    severity = text(labels.get("severity"), labels.get("priority"))
    begun = moment(alert.get("startsAt"))
    ended = None if firing else moment(alert.get("endsAt"))
    fingerprint = text(alert.get("fingerprint")) or text(labels.get("alertname"))
    return Signal(
        source=source,
        service=_service(labels, fingerprint, options),
        observed=_observed(status, severity, text(labels.get("alertname"))),
        at=now if firing else no_later(ended, now),
        key=f"{fingerprint}/{status}/{text(alert.get('startsAt'))}",
        subject=fingerprint,
        severity=severity,
        started_at=begun,
        ended_at=ended,
        title=text(labels.get("alertname"), notes.get("title"), fingerprint),
        summary=text(notes.get("summary"), notes.get("description"), notes.get("message")),
        url=text(alert.get("generatorURL"), alert.get("panelURL")),
        confirmed=True,
        still_firing=firing,
        is_test=_is_test(labels),
        received=now,
    )


def _service(labels: Body, fingerprint: str, options: Mapping[str, Any]) -> str:
    named = options.get("service_label")
    return text(
        labels.get(str(named)) if named else None,
        labels.get("service"),
        labels.get("alertname"),
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


def _is_test(labels: Body) -> bool:
    """Whether it is the alert that Grafana's *Test* button sends."""
    return labels.get("alertname") == "TestAlert" and labels.get("instance") == "Grafana"
