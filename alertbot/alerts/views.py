"""An alert as plain values: what the CLI prints as JSON, and what its tables are made of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from alertbot.alerts import rules_guidance, rules_policy, store_following, store_reading
from alertbot.alerts.chains import ONLY_THOSE_REACHED
from alertbot.alerts.store_reading import Alert
from alertbot.core.clock import iso
from alertbot.core.model import Fault, Message, Omission
from alertbot.db.sql import Connection
from alertbot.people import store_people

View = dict[str, Any]


def fault(one: Fault) -> View:
    return {
        "rule": one.rule,
        "field": one.field,
        "channel": one.channel,
        "lang": one.lang,
        "message": one.message,
        "acceptable": one.acceptable,
    }


def omission(one: Omission) -> View:
    return {"channel": one.channel, "lang": one.lang, "reason": one.reason}


def message(one: Message) -> View:
    return {
        "channel": one.channel,
        "type": one.type,
        "lang": one.lang,
        "part": one.part,
        "parts": one.parts,
        "text": one.text,
        "html": one.html,
        "subject": one.subject,
        "length": one.length,
        "limit": one.limit,
        "measure": str(one.measure),
        "action": str(one.action),
        "picture": one.picture,
        "alt": one.alt,
    }


async def full(conn: Connection, alert: Alert, now: datetime) -> View:
    """Where an alert stands, without its texts."""
    names = {
        entry.person.id: entry.person.name for entry in await store_people.everybody(conn, now=now)
    }
    signed = rules_policy.standing(
        alert, await store_reading.approvals_of(conn, alert.id, now=now), now
    )
    return {
        **_plain(alert),
        "author": names.get(alert.author_id or 0),
        "last_editor": names.get(alert.last_editor_id or 0),
        "submitter": names.get(alert.submitter_id or 0),
        "approvals": {
            "needed": alert.approvals.approvers,
            "author_may_approve": alert.approvals.author_may_approve,
            "given": [
                {"person": one.person.name, "at": iso(one.at), "expires_at": iso(one.expires_at)}
                for one in signed
            ],
        },
        "break_glass": _glass(alert, names),
    }


def _plain(alert: Alert) -> View:
    return {
        "id": alert.id,
        "incident": alert.incident,
        "kind": alert.kind,
        "state": str(alert.state),
        "exercise": alert.exercise,
        "revision": alert.revision,
        "digest": alert.digest,
        "channels": list(alert.channels),
        "languages": list(alert.languages),
        "references": list(alert.references),
        "relation": alert.relation and str(alert.relation),
        "original": alert.original,
        "accepted": alert.accepted,
        "faults": _faults(alert.faults),
        "warnings": _faults(alert.warnings),
        "contradictions": rules_guidance.stored_contradictions(alert.guidance),
        "omitted": [omission(one) for one in alert.omitted],
        "drafted_at": iso(alert.drafted_at),
        "composed_at": iso(alert.composed_at),
        "submitted_at": iso(alert.submitted_at),
        "pending_until": iso(alert.pending_until),
        "approved_at": iso(alert.approved_at),
        "not_before": iso(alert.not_before),
        "reason": alert.reason,
    }


def _faults(faults: Iterable[Fault]) -> list[View]:
    return [fault(one) for one in faults]


def _glass(alert: Alert, names: dict[int, str]) -> View | None:
    if alert.break_glass_by is None:
        return None
    return {
        "by": names.get(alert.break_glass_by),
        "reason": alert.break_glass_reason,
        "countersigned_by": names.get(alert.countersigned_by or 0),
    }


async def around(conn: Connection, alert: Alert) -> dict[str, Any]:
    """`follows`, `followed_by`, and for what takes back `reached_all_seconds`: how long after its approval
    the last of its posts was out (None while some is not)."""
    return {
        "follows": [_brief(await store_reading.get(conn, one)) for one in alert.references],
        "followed_by": [_brief(one) for one in await store_following.followers(conn, alert.id)],
        "reached_all_seconds": await reached_all_seconds(conn, alert),
    }


async def reached_all_seconds(conn: Connection, alert: Alert) -> float | None:
    """Seconds from approval until a correction (withdrawal, retraction, denial) was out everywhere."""
    if alert.relation not in ONLY_THOSE_REACHED or alert.approved_at is None:
        return None
    if await store_following.any_post(conn, alert.id, store_following.UNSETTLED):
        return None
    last = await store_following.last_reached(conn, alert.id)
    return None if last is None else round((last - alert.approved_at).total_seconds(), 3)


def _brief(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "kind": alert.kind,
        "state": str(alert.state),
        "relation": alert.relation and str(alert.relation),
    }
