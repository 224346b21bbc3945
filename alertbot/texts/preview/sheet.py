"""The content of a preview as one value: the same for the terminal, the page and JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alertbot.core.model import (
    Action,
    Approvals,
    Channel,
    Composition,
    Cost,
    Forecast,
    Message,
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
