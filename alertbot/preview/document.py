"""A preview as JSON: for scripts, for the desk, for a comparison in a review."""

from dataclasses import asdict
from typing import Any

from alertbot.model import Approvals, Fault, Message, Picture
from alertbot.preview.sheet import Sheet

Document = dict[str, Any]


def document(sheet: Sheet) -> Document:
    """The whole preview as plain values that `json` can write. Durations are in seconds."""
    shown = sheet.composition
    return {
        "kind": shown.kind,
        "digest": shown.digest,
        "messages": [_message(message) for message in shown.messages],
        "faults": [_fault(fault) for fault in shown.faults],
        "warnings": [_fault(warning) for warning in shown.warnings],
        "completeness": dict(shown.completeness),
        "cost": {"currency": sheet.cost.currency, "amount": sheet.cost.amount},
        "forecast": {"seconds": round(sheet.forecast.seconds, 3)},
        "approvals": _approvals(sheet.approvals),
        "omitted": [asdict(omission) for omission in shown.omitted],
        "accepted": [_fault(fault) for fault in shown.accepted],
        "publishable": shown.publishable,
        "retraction": [_message(message) for message in shown.retraction],
        "pictures": [_picture(picture) for picture in shown.pictures],
    }


def _message(message: Message) -> Document:
    return {
        "channel": message.channel,
        "type": message.type,
        "lang": message.lang,
        "part": message.part,
        "parts": message.parts,
        "text": message.text,
        "html": message.html,
        "subject": message.subject,
        "length": message.length,
        "limit": message.limit,
        "measure": str(message.measure),
        "action": str(message.action),
        "picture": message.picture,
        "alt": message.alt,
    }


def _picture(picture: Picture) -> Document:
    """What a picture is; its bytes stand in the HTML preview."""
    return {
        "digest": picture.digest,
        "mime": picture.mime,
        "width": picture.width,
        "height": picture.height,
        "bytes": len(picture.content),
    }


def _fault(fault: Fault) -> Document:
    return {
        "rule": fault.rule,
        "field": fault.field,
        "channel": fault.channel,
        "lang": fault.lang,
        "message": fault.message,
    }


def _approvals(approvals: Approvals) -> Document:
    return {
        "approvers": approvals.approvers,
        "author_may_approve": approvals.author_may_approve,
        "expires_after": int(approvals.expires_after.total_seconds()),
    }
