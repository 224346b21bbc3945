"""What the verbs about incidents, reports and rules return: plain values, which `--json` prints and tables
show."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Self

from alertbot.alerts.conflicts import CurrentAdvice
from alertbot.alerts.store_incidents import Incident
from alertbot.alerts.views import AlertFaultView
from alertbot.core.frozen import dataclass
from alertbot.core.json import IF_SET, NOT_JSON, Json
from alertbot.core.model import AlertState, Relation
from alertbot.texts.preview.phrases import Sheet
from alertbot.watch.preapproval.rules_ahead import PreapprovalReason
from alertbot.watch.rules_log import IncidentAction, Reason, State
from alertbot.watch.rules_rule import RuleMode, Transition
from alertbot.watch.rules_signals import Observed


@dataclass(frozen=True, slots=True)
class SignalView:
    """A report of a source. `action` and `reason`: what was decided when it came, or None. Texts are the
    source's own: for the team only."""

    id: int
    source: str
    service: str
    observed: Observed
    at: datetime
    received_at: datetime
    repeats: int
    incident: str | None
    action: str | None
    reason: str | None
    title: str
    summary: str
    url: str
    severity: str
    started_at: datetime | None
    ended_at: datetime | None
    confirms: bool
    test: bool
    history: bool
    key: str


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source of reports. `heard_at`: when it last said anything, None: never; `silent`: for longer than
    `silent_after` seconds, which its settings allow; `last`: its last report."""

    source: str
    heard_at: datetime | None
    silent_after: float | None
    silent: bool
    last: SignalView | None


@dataclass(frozen=True, slots=True)
class QuarantineView:
    """A body that no parser understood; `size` in bytes. `body` is its begin, where one was asked for, and
    `cut` whether there is more."""

    id: int
    source: str
    received_at: datetime
    why: str
    keys: tuple[str, ...]
    size: int
    body: str | None = field(default=None, metadata=IF_SET)
    cut: bool | None = field(default=None, metadata=IF_SET)


@dataclass(frozen=True, slots=True)
class DecisionView:
    """A decision that changed something. `before` and `state`: the incident's state before and after."""

    id: int
    at: datetime
    service: str
    incident: str
    action: IncidentAction
    reason: Reason
    before: str | None
    state: State
    announced: bool
    by: str
    note: str | None
    alert: str | None


# --- incidents ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An incident. `state` is `open` or `closed`; `condition` the state of its service (see `State`)."""

    id: str
    title: str | None
    service: str | None
    state: str
    condition: str | None
    confirmed_by: str | None
    opened_at: datetime
    opened_by: str | None
    closed_at: datetime | None

    @classmethod
    def of(cls, one: Incident, names: Mapping[int, str], **added: Any) -> Self:
        """An incident with the name of whoever opened it. `added`: what a view that says more has besides."""
        return cls(
            id=one.id,
            title=one.title,
            service=one.service,
            state="closed" if one.closed_at else "open",
            condition=one.state,
            confirmed_by=one.confirmed_by,
            opened_at=one.opened_at,
            opened_by=names.get(one.opened_by or 0),
            closed_at=one.closed_at,
            **added,
        )


@dataclass(frozen=True, slots=True)
class IncidentLine(IncidentView):
    """An incident in the list, with how many alerts it has in each state."""

    alerts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class IncidentDecision:
    """A line of an incident's log. `before` and `condition`: the state before and after."""

    at: datetime
    action: IncidentAction
    reason: Reason
    condition: State
    before: str | None
    by: str
    note: str | None
    alert: str | None


@dataclass(frozen=True, slots=True)
class PendingDecision:
    """What was last decided about a service, and when time may change it."""

    action: str | None
    reason: str | None
    look_again_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentAlert:
    """An alert of an incident; `references` names those that it follows."""

    id: str
    kind: str
    state: AlertState
    exercise: bool
    relation: Relation | None
    references: tuple[str, ...]
    drafted_at: datetime
    approved_at: datetime | None
    last_sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class NumberInForce:
    """A number that the public was told and still holds, and the alerts that told it."""

    entry: str
    row: str
    alerts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IncidentDetails(IncidentView):
    """An incident with its log and its alerts, oldest first, and what callers are told now."""

    decisions: tuple[IncidentDecision, ...]
    waiting: PendingDecision | None
    alerts: tuple[IncidentAlert, ...]
    guidance: tuple[CurrentAdvice, ...]
    numbers: tuple[NumberInForce, ...]


# --- rules ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleSignature:
    """Who signed a rule, and when."""

    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PreapprovalView:
    """What people signed of a rule. `until`: while people sign, until when they may. `lasts`: seconds, from
    the last signature."""

    digest: str
    signed: tuple[RuleSignature, ...]
    lasts: float
    until: datetime
    approved_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class CountdownView:
    """An alert that will be published automatically at `goes_at` unless someone stops it."""

    alert: str
    rule: str
    service: str
    goes_at: datetime


@dataclass(frozen=True, slots=True)
class RuleTexts:
    """What goes out on these transitions."""

    on: tuple[Transition, ...]
    sheet: Sheet


@dataclass(frozen=True, slots=True)
class RuleView:
    """A configured rule, and whether its alerts are automatic. `after`: the countdown in seconds.
    `digest` and `people`: what is signed in advance, and by how many; None if its alerts cannot be
    composed. `state` is None for a rule that leaves everything to people; `why` says it in a
    sentence. `approval`: the one that `why` is about, in force or not. `proposed`: whether this call
    proposed it. `samples`: its texts as in `preview --json`; `texts` are the same for people."""

    rule: str
    on: tuple[Transition, ...]
    services: tuple[str, ...]
    kind: str
    how: RuleMode
    after: float
    exercise: bool
    digest: str | None
    people: int | None
    state: PreapprovalReason | None
    automatic: bool
    why: str
    approval: PreapprovalView | None
    proposal: PreapprovalView | None
    faults: tuple[AlertFaultView, ...]
    countdowns: tuple[CountdownView, ...] | None = field(default=None, metadata=IF_SET)
    proposed: bool | None = field(default=None, metadata=IF_SET)
    samples: tuple[Mapping[str, Json], ...] | None = field(default=None, metadata=IF_SET)
    texts: tuple[RuleTexts, ...] = field(default=(), metadata=NOT_JSON)


@dataclass(frozen=True, slots=True)
class CountdownAborted:
    """A stopped countdown: the alert waits for people."""

    alert: str
    state: AlertState
    rule: str
    would_have_gone_at: datetime
    aborted_by: str


@dataclass(frozen=True, slots=True)
class RuleRevoked:
    """`stopped`: the alerts whose countdown ran."""

    rule: str
    revoked_by: str
    reason: str
    stopped: tuple[str, ...]
