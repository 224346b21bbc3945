"""Views with ordinary values, for tests of what shows them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.alerts.views import ApprovalsView, ShownAlertView
from alertbot.core.model import Action, AlertState, Cost, DeliveryState, Purpose
from alertbot.delivery.views import DeliveryView
from alertbot.texts.views import ForecastView
from tests.texts.preview import examples

DRAFTED = datetime(2021, 6, 2, 16, 0, tzinfo=UTC)


def held(number: str) -> str:
    """The number as texts show it: it never breaks across two lines."""
    return number.replace(" ", "\u00a0")


def alert_view(**changes: Any) -> ShownAlertView:
    """BKRT-2, which follows BKRT-1 and waits for two approvals, with these changes."""
    usual: dict[str, Any] = {
        "id": "BKRT-2",
        "incident": "BKRT",
        "kind": "status",
        "state": AlertState.PENDING,
        "exercise": False,
        "revision": 1,
        "digest": examples.DIGEST,
        "channels": ("x_main",),
        "languages": ("fr", "en"),
        "references": ("BKRT-1",),
        "relation": None,
        "original": None,
        "accepted": {},
        "faults": (),
        "warnings": (),
        "contradictions": (),
        "omitted": (),
        "drafted_at": DRAFTED,
        "composed_at": DRAFTED,
        "submitted_at": None,
        "pending_until": None,
        "approved_at": None,
        "not_before": None,
        "reason": None,
        "author": "Ana",
        "last_editor": None,
        "submitter": None,
        "approvals": ApprovalsView(needed=2, author_may_approve=False, given=()),
        "break_glass": None,
        "values": {},
        "messages": (),
        "retraction": (),
        "targets": {},
        "cost": Cost("USD", 0.4),
        "forecast": ForecastView(seconds=1.0),
        "posts": (),
        "records": (),
        "follows": (),
        "followed_by": (),
        "reached_all_seconds": None,
        "plain": "",
        "sheet": examples.sheet(),
        "zone": ZoneInfo("Europe/Paris"),
    }
    return ShownAlertView(**usual | changes)


def delivery_view(**changes: Any) -> DeliveryView:
    """A post of BKRT-2 on x_main that was sent, with these changes."""
    usual: dict[str, Any] = {
        "id": 7,
        "alert": "BKRT-2",
        "channel": "x_main",
        "purpose": Purpose.PUBLICATION,
        "target": "x_main",
        "lang": "fr",
        "part": 1,
        "parts": 1,
        "state": DeliveryState.SENT,
        "attempts": 1,
        "reason": None,
        "remote_id": None,
        "url": None,
        "note": None,
        "retry_at": None,
        "attempted_at": None,
        "settled_at": None,
        "action": Action.PUBLISH,
        "remote_ref": None,
        "read_back": None,
    }
    return DeliveryView(**usual | changes)
