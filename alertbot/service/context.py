"""What every verb needs: the database, the kinds, who speaks, on which channels, and the time."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from alertbot.errors import Misuse
from alertbot.incident.grouping import Group
from alertbot.incident.policy import Policy
from alertbot.incident.rules import Rule
from alertbot.model import Audience, Channel, Organisation
from alertbot.service.inbox import Inbox
from alertbot.service.pulse import Pulse
from alertbot.words import _

if TYPE_CHECKING:
    from alertbot.approval.duty import Duty
    from alertbot.approval.policy import Override
    from alertbot.store.database import Database


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Voice:
    """Who speaks, where, and with which kinds: all that composing needs, no database."""

    organisation: Organisation
    channels: Mapping[str, Channel]
    folders: tuple[Path, ...]  # of kinds, later ones overlay earlier ones
    overrides: "Mapping[str, Override]" = field(default_factory=dict)  # approvals per kind
    clock: Callable[[], datetime] = utc_now

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.organisation.timezone)

    def local(self, moments: Iterable[datetime]) -> tuple[datetime, ...]:
        """The same moments in the organisation's zone, as people read them."""
        return tuple(moment.astimezone(self.zone) for moment in moments)

    def choose(self, names: tuple[str, ...], *, exercise: bool) -> tuple[Channel, ...]:
        """The channels named, else every channel of the audience at hand: `exercise` for an exercise,
        `live` for an alert. Raises `Misuse` for a name that is not configured."""
        if not names:
            wanted = Audience.EXERCISE if exercise else Audience.LIVE
            return tuple(c for c in self.channels.values() if c.audience is wanted)
        return tuple(self.channel(name) for name in dict.fromkeys(names))

    def channel(self, name: str) -> Channel:
        """Raises `Misuse` for a name that is not configured."""
        try:
            return self.channels[name]
        except KeyError:
            raise Misuse(
                _("There is no channel '{name}'; configured are: {known}.").format(
                    name=name, known=", ".join(self.channels) or "–"
                )
            ) from None


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
    inbox: Inbox = field(default_factory=Inbox)

    @property
    def now(self) -> datetime:
        return self.voice.clock()
