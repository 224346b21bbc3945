"""What verbs about alerts answer: the JSON that commands print, tables and pages are made of these."""

from collections.abc import Mapping, Sequence
from dataclasses import field, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alertbot.alerts import rules_guidance, rules_policy, store_following, store_reading
from alertbot.alerts.chains import ONLY_THOSE_REACHED
from alertbot.alerts.store_reading import Alert, Record
from alertbot.core.frozen import dataclass
from alertbot.core.json import IF_SET, NOT_JSON
from alertbot.core.model import (
    OPEN_STATES,
    AlertState,
    Conflict,
    Cost,
    DeliveryState,
    Fault,
    Omission,
    RawValues,
    Relation,
)
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery.store_archive import ArchivedView
from alertbot.people import store_people
from alertbot.texts.kinds.kind_spec import Kind
from alertbot.texts.preview.phrases import Sheet, Verdict
from alertbot.texts.views import FaultView, ForecastView, MessageView


@dataclass(frozen=True, slots=True)
class OpenedAlert:
    """What a person edits by hand: the values of an alert, and the languages it is written in."""

    id: str
    kind: Kind
    values: RawValues
    languages: tuple[str, ...]
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertFaultView(FaultView):
    """A fault of a stored alert. `acceptable`: a person may accept it with a reason."""

    acceptable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureView:
    """One approval that counts, until when."""

    person: str
    at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalsView:
    """How many approvals an alert needs, and those it has."""

    needed: int
    author_may_approve: bool
    given: tuple[SignatureView, ...]

    @property
    def left(self) -> int:
        """How many are still to be given."""
        return self.needed - len(self.given)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakGlassView:
    """Who let an alert out alone, and why; `reason` None: its author approved what takes back another alert.
    `countersigned_by` None while nobody has looked at it."""

    by: str | None
    reason: str | None
    countersigned_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartView:
    """When the first call of an approved alert may start, in seconds from now, and whether a worker is
    there to make it."""

    worker_alive: bool
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """An approval request: to whom (None: the team's group), how and when, and whether it was sent.
    `trouble`: why it could not be sent so far."""

    alert: str
    way: str
    person: str | None
    deputy: bool
    at: datetime
    sent: bool
    trouble: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedNumberView:
    """A number of the register that an alert gives, or (`struck`) takes back, in the `version` that it carries.
    `standing` is today's. Of its verification: who read it back, when, how the test call went (`answered`,
    `no-answer`, `busy`, `wrong-service`, `not-called`); None where that version was not verified."""

    entry: str
    version: int
    row: str
    struck: bool
    standing: str
    entered_by: str
    verified_by: str | None
    verified_at: datetime | None
    call: str | None
    called_at: datetime | None
    note: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelProgress:
    """How far an alert has got on one channel: its deliveries by state, without zeros. `failed`: how many for which
    reason. `per_second`: how many go out just now; `seconds_left`: until the last one at that rate."""

    channel: str
    deliveries: Mapping[str, int]
    failed: Mapping[str, int] | None = field(default=None, metadata=IF_SET)
    per_second: float | None = field(default=None, metadata=IF_SET)
    seconds_left: float | None = field(default=None, metadata=IF_SET)

    @property
    def waiting(self) -> bool:
        """Whether any of them is still to be sent."""
        return self.left > 0

    @property
    def left(self) -> int:
        """How many are still to be sent."""
        return sum(self.deliveries.get(state, 0) for state in OPEN_STATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedView:
    """A post that was just recorded as made by hand."""

    channel: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """The state of an alert, without its texts. `accepted`: reasons by rule; times are in UTC. `start`:
    set by the approval that releases it; `verdict` and `asked`: how it stands and who was asked to approve
    it, by `show`, `submit` and `approve`; `assistant`: the program that worded it for its author; `delivered`: channel by channel, by `approve --wait`; `recorded`: by `record`; `unpublished`: by a withdrawal, the
    requested register entries that the public was never told."""

    id: str
    incident: str
    kind: str
    state: AlertState
    exercise: bool
    revision: int
    digest: str
    channels: tuple[str, ...]
    languages: tuple[str, ...]
    references: tuple[str, ...]
    relation: Relation | None
    original: str | None
    accepted: Mapping[str, str]
    faults: tuple[AlertFaultView, ...]
    warnings: tuple[AlertFaultView, ...]
    contradictions: tuple[Conflict, ...]
    omitted: tuple[Omission, ...]
    drafted_at: datetime
    composed_at: datetime
    submitted_at: datetime | None
    pending_until: datetime | None
    approved_at: datetime | None
    not_before: datetime | None
    reason: str | None
    author: str | None
    last_editor: str | None
    submitter: str | None
    approvals: ApprovalsView
    break_glass: BreakGlassView | None
    assistant: str | None = field(default=None, metadata=IF_SET)
    start: StartView | None = field(default=None, metadata=IF_SET)
    verdict: Verdict | None = field(default=None, metadata=IF_SET)
    asked: tuple[RequestView, ...] | None = field(default=None, metadata=IF_SET)
    delivered: tuple[ChannelProgress, ...] | None = field(default=None, metadata=IF_SET)
    recorded: RecordedView | None = field(default=None, metadata=IF_SET)
    unpublished: tuple[str, ...] | None = field(default=None, metadata=IF_SET)

    @property
    def written_by(self) -> str:
        """Its author, and what worded it for them, as everybody who decides has to know."""
        name = self.author or "alertbot"
        if self.assistant is None:
            return name
        return _(
            "{name}; worded by an assistant ({assistant}): read every word, number and time"
        ).format(name=name, assistant=self.assistant)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedView:
    """An alert that another follows, or is followed by."""

    id: str
    kind: str
    state: AlertState
    relation: Relation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedUponPost:
    """An earlier post that an alert may answer, edit or delete; `alert`: the one it was posted for. `address`:
    on the web, or the platform's id where it has none."""

    channel: str
    alert: str
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownAlertView(AlertView):
    """An alert with its texts and what became of them.

    `values`: field values, times resolved. `targets`: how many per channel. `reached_all_seconds`: for what
    takes back, how long after its approval the last of its posts was out; None while some is not. `numbers`:
    those of the register that it carries. `archived`: its deliveries that stand in files. `plain`: the copy for press and radio. `sheet` and `zone` (the
    organisation's) are for terminal and page.
    """

    values: Mapping[str, Any]
    messages: tuple[MessageView, ...]
    retraction: tuple[MessageView, ...]
    targets: Mapping[str, int]
    cost: Cost
    forecast: ForecastView
    posts: tuple[ActedUponPost, ...]
    records: tuple[Record, ...]
    numbers: tuple[CarriedNumberView, ...] = ()
    archived: tuple[ArchivedView, ...] | None = field(default=None, metadata=IF_SET)
    follows: tuple[RelatedView, ...]
    followed_by: tuple[RelatedView, ...]
    reached_all_seconds: float | None
    plain: str
    sheet: Sheet = field(metadata=NOT_JSON)
    zone: ZoneInfo = field(metadata=NOT_JSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledView:
    """A delivery after a person's word on it."""

    id: int
    alert: str | None
    state: DeliveryState
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltView:
    """What was halted, or goes on: an alert, a channel, or (both None) everything. `audited`: of a halt,
    whether the audit could be written; the halt holds in any case."""

    halted: bool
    alert: str | None
    channel: str | None
    audited: bool | None = field(default=None, metadata=IF_SET)


async def full(conn: Connection, alert: Alert, now: datetime) -> AlertView:
    """The state of an alert, without its texts."""
    names = {
        entry.person.id: entry.person.name for entry in await store_people.everybody(conn, now=now)
    }
    signed = rules_policy.standing(
        alert, await store_reading.approvals_of(conn, alert.id, now=now), now
    )
    return AlertView(
        id=alert.id,
        incident=alert.incident,
        kind=alert.kind,
        state=alert.state,
        exercise=alert.exercise,
        revision=alert.revision,
        digest=alert.digest,
        channels=alert.channels,
        languages=alert.languages,
        references=alert.references,
        relation=alert.relation,
        original=alert.original,
        accepted=alert.accepted,
        faults=tuple(map(fault, alert.faults)),
        warnings=tuple(map(fault, alert.warnings)),
        contradictions=rules_guidance.stored_contradictions(alert.guidance),
        omitted=alert.omitted,
        drafted_at=alert.drafted_at,
        composed_at=alert.composed_at,
        submitted_at=alert.submitted_at,
        pending_until=alert.pending_until,
        approved_at=alert.approved_at,
        not_before=alert.not_before,
        reason=alert.reason,
        author=names.get(alert.author_id or 0),
        last_editor=names.get(alert.last_editor_id or 0),
        submitter=names.get(alert.submitter_id or 0),
        approvals=_approvals(alert, signed),
        break_glass=_glass(alert, names),
        assistant=alert.assistant,
    )


def carried_over(view: AlertView) -> dict[str, Any]:
    """The fields of a view by name, for a view of the same alert that says more."""
    return {each.name: getattr(view, each.name) for each in fields(AlertView)}


def fault(one: Fault) -> AlertFaultView:
    return AlertFaultView(
        rule=one.rule,
        field=one.field,
        channel=one.channel,
        lang=one.lang,
        message=one.message,
        acceptable=one.acceptable,
    )


def _approvals(alert: Alert, signed: Sequence[rules_policy.Approval]) -> ApprovalsView:
    return ApprovalsView(
        needed=alert.approvals.approvers,
        author_may_approve=alert.approvals.author_may_approve,
        given=tuple(
            SignatureView(person=one.person.name, at=one.at, expires_at=one.expires_at)
            for one in signed
        ),
    )


def _glass(alert: Alert, names: Mapping[int, str]) -> BreakGlassView | None:
    if alert.break_glass_by is None:
        return None
    return BreakGlassView(
        by=names.get(alert.break_glass_by),
        reason=alert.break_glass_reason,
        countersigned_by=names.get(alert.countersigned_by or 0),
    )


async def followed(conn: Connection, alert: Alert) -> tuple[RelatedView, ...]:
    """The alerts that this one follows."""
    return tuple([_related(await store_reading.get(conn, one)) for one in alert.references])


async def followers(conn: Connection, alert: Alert) -> tuple[RelatedView, ...]:
    """The alerts that follow this one."""
    return tuple(map(_related, await store_following.followers(conn, alert.id)))


async def reached_all_seconds(conn: Connection, alert: Alert) -> float | None:
    """Seconds from approval until a correction (withdrawal, retraction, denial) was out everywhere."""
    if alert.relation not in ONLY_THOSE_REACHED or alert.approved_at is None:
        return None
    if await store_following.any_post(conn, alert.id, store_following.UNSETTLED):
        return None
    last = await store_following.last_reached(conn, alert.id)
    return None if last is None else round((last - alert.approved_at).total_seconds(), 3)


def _related(alert: Alert) -> RelatedView:
    return RelatedView(id=alert.id, kind=alert.kind, state=alert.state, relation=alert.relation)
