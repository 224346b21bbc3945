"""The context that every verb receives: the publisher, the database, and how approvers are asked."""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from alertbot.core.frozen import dataclass
from alertbot.core.words import told
from alertbot.texts.publisher import Publisher

if TYPE_CHECKING:
    from alertbot.db.database import Database
    from alertbot.people.rules import Duty


@dataclass(frozen=True)
class RequestSettings:
    """How approvers are asked. `groups`: for each way, where the whole team is asked at once. `secrets`: for each
    way, what reads the secret that its answers depend on, or raises `ConfigInvalid`."""

    ways: tuple[str, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    duty: "Duty | None" = None  # None: every approver is asked
    secrets: Mapping[str, Callable[[], str]] = field(default_factory=dict, repr=False)
    desk: str | None = None  # its address, where there is one
    wall: str | None = None  # of a rehearsal: where all that went out is seen


@dataclass(frozen=True)
class Context:
    """What every verb works with: the publisher, the database, and how approvers are asked.

    `publish_delay`: how long an approved alert waits before its first call. `warn_before`: how long
    before a number's end the team is told. `keep_addresses`: how long addresses of recipients stay; None: until
    somebody asks to be erased. `now` is the publisher's clock, aware, in UTC.
    """

    publisher: Publisher
    database: "Database"
    publish_delay: timedelta = timedelta()
    warn_before: timedelta = timedelta(minutes=30)  # the end of a number
    reach: RequestSettings = field(default_factory=RequestSettings)
    keep_addresses: timedelta | None = None

    @property
    def now(self) -> datetime:
        return self.publisher.clock()

    def clock(self, moment: datetime) -> str:
        """A time in a sentence for people: see `core.clock.told`."""
        return told(moment, self.publisher.zone)
