"""The content of a preview as one value: the same for the terminal, the page and JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from alertbot.core.json import Json
from alertbot.core.model import (
    Action,
    Approvals,
    Channel,
    Composition,
    Cost,
    Fault,
    Forecast,
    Message,
    Picture,
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One alert as shown to a reader. `title` is the kind's, in the reader's language; `speaker` the
    organisation's name; `senders` the From lines of mail channels."""

    title: str
    composition: Composition
    channels: tuple[Channel, ...]
    approvals: Approvals
    cost: Cost
    forecast: Forecast
    speaker: str = ""
    senders: Mapping[str, str] = field(default_factory=dict)
    exercise: bool = False

    def channel(self, name: str) -> Channel | None:
        return next((channel for channel in self.channels if channel.name == name), None)


@dataclass(frozen=True, slots=True)
class ShownThread:
    """All parts of one channel in one language: what one reader sees. `action`: posts, or new texts of
    earlier ones."""

    channel: str
    type: str
    lang: str
    action: Action
    parts: tuple[Message, ...]

    @property
    def subject(self) -> str | None:
        return next((part.subject for part in self.parts if part.subject), None)


def threads(messages: tuple[Message, ...]) -> tuple[ShownThread, ...]:
    """The messages grouped by channel, language and action, in the order composed."""
    grouped: dict[tuple[str, str, str, Action], list[Message]] = {}
    for one in messages:
        grouped.setdefault((one.channel, one.type, one.lang, one.action), []).append(one)
    return tuple(
        ShownThread(*key, parts=tuple(sorted(parts, key=lambda part: part.part)))
        for key, parts in grouped.items()
    )


def readers(sheet: Sheet, thread: ShownThread) -> int:
    """The number of addresses this thread goes to: for a mail channel, those that read its language."""
    channel = sheet.channel(thread.channel)
    targets = sheet.composition.targets.get(thread.channel, ())
    if channel is None or not channel.spec.per_recipient:
        return len({target.address for target in targets})
    return sum(1 for target in targets if target.lang == thread.lang)


def address(sheet: Sheet, thread: ShownThread) -> str:
    """Where a channel posts (`@chat`), if that says more than the channel's name."""
    channel = sheet.channel(thread.channel)
    targets = sheet.composition.targets.get(thread.channel, ())
    if channel is None or channel.spec.per_recipient or len(targets) != 1:
        return ""
    return "" if targets[0].address == thread.channel else targets[0].address


def document(sheet: Sheet) -> dict[str, Json]:
    """The whole preview as JSON values. Durations are in seconds."""
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


def _message(message: Message) -> dict[str, Json]:
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


def _picture(picture: Picture) -> dict[str, Json]:
    """The facts about a picture; its bytes are only in the HTML preview."""
    return {
        "digest": picture.digest,
        "mime": picture.mime,
        "width": picture.width,
        "height": picture.height,
        "bytes": len(picture.content),
    }


def _fault(fault: Fault) -> dict[str, Json]:
    return {
        "rule": fault.rule,
        "field": fault.field,
        "channel": fault.channel,
        "lang": fault.lang,
        "message": fault.message,
    }


def _approvals(approvals: Approvals) -> dict[str, Json]:
    return {
        "approvers": approvals.approvers,
        "author_may_approve": approvals.author_may_approve,
        "expires_after": int(approvals.expires_after.total_seconds()),
    }
