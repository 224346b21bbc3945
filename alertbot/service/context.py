"""What every verb needs besides the voice: the database, how approvers are reached, what is watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alertbot.incident.grouping import Group
from alertbot.incident.policy import Policy
from alertbot.incident.rules import Rule
from alertbot.service.pulse import Pulse
from alertbot.service.voice import Voice

if TYPE_CHECKING:
    from alertbot.approval.duty import Duty
    from alertbot.service.inbox import Inbox
    from alertbot.store.database import Database


@dataclass(frozen=True)
class Reach:
    """How approvers are asked. `groups`: by way, where the whole team is asked at once."""

    ways: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    duty: "Duty | None" = None  # None: every approver is asked


@dataclass(frozen=True)
class Watch:
    """What is watched, how sceptically, and what is written when a state changes.

    `titles`: what the public calls a service or group, by language; "" where one word serves all.
    `silent_after`: by source, how long it may be quiet before the team is told.
    """

    policy: Policy = field(default_factory=Policy)
    policies: Mapping[str, Policy] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    remind_before: timedelta = timedelta(minutes=10)
    silent_after: Mapping[str, timedelta] = field(default_factory=dict)

    def policy_of(self, service: str) -> Policy:
        return self.policies.get(service, self.policy)

    def group_of(self, service: str) -> str:
        """Under which name incidents of this service run: its group's, else its own."""
        found = (one.name for one in self.groups.values() if service in one.everybody)
        return next(found, service)

    def title(self, service: str, language: str) -> str:
        """What the public calls it; its own name where nobody gave it another."""
        given = self.titles.get(service, {})
        return given.get(language) or given.get("") or service


def _inbox() -> "Inbox":
    """Loaded with the first context: a preview has none, and need not wait for asyncio."""
    from alertbot.service.inbox import Inbox

    return Inbox()


@dataclass(frozen=True)
class Context:
    """A voice with a memory."""

    voice: Voice
    database: "Database"
    publish_delay: timedelta = timedelta()
    warn_before: timedelta = timedelta(minutes=30)  # the end of a number
    reach: Reach = field(default_factory=Reach)
    watch: Watch = field(default_factory=Watch)
    pulse: Pulse = field(default_factory=Pulse)
    inbox: "Inbox" = field(default_factory=_inbox)

    @property
    def now(self) -> datetime:
        return self.voice.clock()
