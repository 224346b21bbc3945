"""An alert as plain values: what the CLI prints as JSON, and what its tables are made of."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from alertbot.approval import policy
from alertbot.model import Fault, Message, Omission
from alertbot.service import guidance
from alertbot.store import people, reading
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert

View = dict[str, Any]


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return None if value is None else value.isoformat(timespec="seconds")


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
    names = {entry.person.id: entry.person.name for entry in await people.everybody(conn, now=now)}
    signed = policy.standing(alert, await reading.approvals_of(conn, alert.id, now=now), now)
    return {
        **_plain(alert),
        "author": names.get(alert.author_id or 0),
        "last_editor": names.get(alert.last_editor_id or 0),
        "submitter": names.get(alert.submitter_id or 0),
        "approvals": {
            "needed": alert.approvals.approvers,
            "author_may_approve": alert.approvals.author_may_approve,
            "given": [
                {"person": one.person.name, "at": moment(one.at), "expires_at": moment(one.expires_at)}
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
        "contradictions": guidance.stored(alert),
        "omitted": [omission(one) for one in alert.omitted],
        "drafted_at": moment(alert.drafted_at),
        "composed_at": moment(alert.composed_at),
        "submitted_at": moment(alert.submitted_at),
        "pending_until": moment(alert.pending_until),
        "approved_at": moment(alert.approved_at),
        "not_before": moment(alert.not_before),
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
