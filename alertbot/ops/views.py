"""What looking at the whole answers: how everything stands, the audit, a check, what a worker did."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime

from alertbot.alerts.views import RequestView
from alertbot.core.frozen import dataclass
from alertbot.core.json import NOT_JSON
from alertbot.core.model import AlertState, Audience, DeliveryState, Omission
from alertbot.core.words import _, ngettext
from alertbot.people.views import TaskView


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchersView:
    """Which process watches, polls and reminds (None: none does), and which stand by to take it over, each by host
    and process id."""

    by: str | None = None
    standing_by: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The same as a sentence; empty while one process does everything."""
        if not self.standing_by:
            return ""
        others = ", ".join(self.standing_by)
        if self.by is None:
            sentence = _("Nobody watches at the moment; {others} will take over.")
            return sentence.format(others=others)
        sentence = ngettext(
            "{host} watches; {others} stands by.",
            "{host} watches; {others} stand by.",
            len(self.standing_by),
        )
        return sentence.format(host=self.by, others=others)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerView:
    """Whether any worker is there, and who watches."""

    alive: bool
    watching: WatchersView = WatchersView()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """How many deliveries of an alert on a channel are in a state, for one reason."""

    channel: str
    state: DeliveryState
    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SightView:
    """What a stranger saw of an alert on one channel: `witness` as of a delivery, the worst of them; `visible_since`:
    when all of it could be read."""

    channel: str
    witness: str
    visible_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLineView:
    """One alert at a glance. `since`: when it was approved, else submitted, else drafted. `deliveries`: of
    its publication, by state. `reached_all_seconds`: as of `ShownAlertView`. `sights`: channels that are looked at."""

    id: str
    kind: str
    state: AlertState
    exercise: bool
    since: datetime
    reason: str | None
    reached_all_seconds: float | None
    deliveries: Mapping[str, int]
    reasons: tuple[ReasonView, ...]
    omitted: tuple[Omission, ...]
    sights: tuple[SightView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelView:
    """One channel: what holds it back (each None where it does not), and how many deliveries wait on it.
    `failing`: a reason, where everything that waits has failed before."""

    name: str
    type: str
    audience: Audience
    halted: bool
    paused: str | None
    blocked: str | None
    failing: str | None
    blocked_seconds: float
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedView:
    """One thing that needs a person, in a sentence."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """Everything at a glance. `oldest_waiting_seconds`: of the oldest due delivery; `asked`: requests to
    approve what waits; `open`: what needs a person, loudest first; `tasks`: the open ones."""

    now: datetime
    halted: bool
    halted_alerts: tuple[str, ...]
    worker: WorkerView
    oldest_waiting_seconds: float | None
    alerts: tuple[AlertLineView, ...]
    channels: tuple[ChannelView, ...]
    asked: tuple[RequestView, ...]
    open: tuple[NeedView, ...]
    tasks: tuple[TaskView, ...]


@dataclass(frozen=True, slots=True)
class AuditHeadView:
    """How many rows the audit has, and the hash of the last."""

    count: int
    head: str


@dataclass(frozen=True, slots=True)
class AuditVerdictView:
    """Whether the chain of the audit is whole and the tables are as it says. `reason`: the `problems` in one
    line. `before`: rows that are older than what the audit is told of rows, and could not be compared. `erased`: alerts
    of which addresses were erased, so that their digests are compared by what was recorded then."""

    sound: bool
    count: int
    head: str
    reason: str
    problems: tuple[str, ...]
    before: int
    erased: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityView:
    """Who a channel says that it is, or why it does not answer; the other of the two is empty."""

    identity: str
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigCheckView:
    """What was found without sending anything. `sound` is False where something must be mended; `online`:
    by channel, where the channels were asked; `lines`: all of it for people."""

    sound: bool
    config: str
    channels: tuple[str, ...]
    problems: tuple[str, ...]
    missing_secrets: tuple[str, ...]
    warnings: tuple[str, ...]
    online: Mapping[str, IdentityView]
    lines: tuple[str, ...] = field(default=(), metadata=NOT_JSON)


@dataclass(frozen=True, slots=True)
class StoppedView:
    """A worker that was stopped and has nothing under way."""

    stopped: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedView(StoppedView):
    """The same of a worker with pages; `address`: where they were."""

    address: str
