"""Whether alerts of a rule may be published automatically now, and why not (R33); and the tasks about
it: proposed, about to expire, no longer valid."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import AlertbotError, ConfigInvalid, Misuse, one_line
from alertbot.core.frozen import dataclass
from alertbot.core.words import _
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.people import store_tasks, tasks
from alertbot.people.tasks import NewTask
from alertbot.texts.kinds.kind_spec import Kind
from alertbot.texts.kinds.layers import seen_once
from alertbot.texts.publisher import effective
from alertbot.watch import store_preapprovals
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import sample
from alertbot.watch.preapproval.rules_ahead import (
    Accounts,
    Preapproval,
    PreapprovalReason,
    known,
    moved,
    people_needed,
    proposal,
    weigh,
)
from alertbot.watch.preapproval.sample import RuleSample, beyond, forbidden, template, untitled
from alertbot.watch.rules_rule import Rule, RuleMode


@dataclass(frozen=True, slots=True)
class Validity:
    """`sentence`: for people and for the decision log. `row`: the approval it is about."""

    why: PreapprovalReason
    sentence: str
    row: Preapproval | None = None

    @property
    def in_force(self) -> bool:
        return self.why is PreapprovalReason.IN_FORCE


async def standing(
    service: WatchContext,
    conn: Connection,
    made: RuleSample,
    *,
    services: frozenset[str] | None = None,
) -> Validity:
    """Whether the rule of this sample may act automatically now. `services`: those that the alert names, else
    the rule's own."""
    rows = await store_preapprovals.of_rule(conn, made.rule.name, now=service.now)
    return judge(service, made, rows, services=services)


async def objection(
    service: WatchContext, conn: Connection, alert: Alert, rule_name: str
) -> str | None:
    """Why an alert that went through under this rule may not be published by itself now; None if it may."""
    rule = next((one for one in service.watch.rules if one.name == rule_name), None)
    if rule is None or rule.how is not RuleMode.AUTO:
        return _("the rule {rule} publishes nothing by itself here").format(rule=rule_name)
    found = await may_go(service, conn, rule, alert)
    return None if found.in_force else found.sentence


async def may_go(
    service: WatchContext,
    conn: Connection,
    rule: Rule,
    alert: Alert,
    services: frozenset[str] | None = None,
) -> Validity:
    """Whether this alert of a rule may be published automatically now. `services`: those that it names,
    else the rule's own. Does not raise for a rule that can no longer be composed: that is a reason too."""
    try:
        made = await template(service, rule)
    except (ConfigInvalid, Misuse) as error:
        return broken(error)
    found = await standing(service, conn, made, services=services)
    if found.in_force and (more := beyond(made, alert)):
        return Validity(PreapprovalReason.FORBIDDEN, more, found.row)
    return found


def broken(error: AlertbotError) -> Validity:
    """The verdict for a rule whose alerts cannot be composed."""
    said = _("its alerts cannot be composed, so they wait for approval. {why}").format(why=error)
    return Validity(PreapprovalReason.BROKEN, said)


def judge(
    service: WatchContext,
    made: RuleSample,
    rows: Sequence[Preapproval],
    *,
    services: frozenset[str] | None = None,
) -> Validity:
    """Whether the rule of this sample may act automatically now, given its rows in the database (newest first)."""
    rule, kind = made.rule, made.kind
    never = forbidden(rule, kind) or untitled(rule, service.watch, services)
    if never:
        return Validity(PreapprovalReason.FORBIDDEN, never)
    why, row = weigh(rows, made.digest, service.now, needed(service, kind))
    in_force = row if why is PreapprovalReason.IN_FORCE else None
    if in_force and (other := moved(in_force.accounts or {}, made.accounts)):
        said = _("{why}; its alerts wait for approval.").format(why=other)
        return Validity(PreapprovalReason.CHANGED, said, row)
    return Validity(why, _sentence(service, why, row, rule.name, needed(service, kind)), row)


def needed(service: WatchContext, kind: Kind) -> int:
    """How many people must approve a rule of this kind in advance."""
    return people_needed(effective(kind.approvals, service.publisher.overrides.get(kind.name)))


def clock(service: WatchContext, moment: datetime) -> str:
    """A time as the team reads it, in the organisation's time zone."""
    return service.clock(moment)


def _sentence(
    service: WatchContext, why: PreapprovalReason, row: Preapproval | None, rule: str, people: int
) -> str:
    if row is None:
        return _(
            "this rule is not preapproved: alertbot rules preapprove {rule}. Until then its alerts"
            " wait for approval."
        ).format(rule=rule)
    return _known(why).format(
        rule=rule,
        names=", ".join(row.names),
        time=clock(service, row.expires_at),
        left=max(0, people - len(row.hands)),
        by=row.revoked_by or "?",
        reason=one_line(row.reason or "–"),
        gone=", ".join(_former_approvers(row)),
    )


def _known(why: PreapprovalReason) -> str:
    words = {
        PreapprovalReason.IN_FORCE: _("preapproved by {names}, until {time}."),
        PreapprovalReason.PROPOSED: _(
            "proposed by {names}; {left} more must sign before {time}. Until then its alerts wait for approval."
        ),
        PreapprovalReason.LAPSED: _(
            "proposed by {names}, but not signed in time, or changed before it was signed; its alerts"
            " wait for approval."
        ),
        PreapprovalReason.EXPIRED: _(
            "the preapproval by {names} ended at {time}; its alerts wait for approval."
        ),
        PreapprovalReason.CHANGED: _(
            "what {names} preapproved has changed since (texts, values, channels, recipients or"
            " organisation); its alerts wait for approval."
        ),
        PreapprovalReason.REVOKED: _("{by} revoked it ({reason}); its alerts wait for approval."),
        PreapprovalReason.HANDS: _(
            "{gone} signed it but is no longer an approver; its alerts wait for approval."
        ),
    }
    return words[why]


def _former_approvers(row: Preapproval) -> list[str]:
    return [one.person.name for one in row.signatures if one.person.id not in row.hands]


PROPOSED, ENDS, LOST = "rule-proposed", "rule-ends", "rule-lost"  # kinds of tasks
WARN_BEFORE = timedelta(days=3)
LOSSES = (
    PreapprovalReason.CHANGED,
    PreapprovalReason.HANDS,
    PreapprovalReason.FORBIDDEN,
    PreapprovalReason.BROKEN,
)

Made = dict[str, RuleSample | AlertbotError]  # by rule; the error where its alerts cannot be composed


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """The tasks to raise, and the keys of those that are settled. `accounts`: of each preapproval in force, what
    is known here and was not known to those who signed: a secret that only the service can read."""

    chores: tuple[NewTask, ...] = ()
    settled: tuple[str, ...] = ()
    accounts: tuple[tuple[int, Accounts], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.chores or self.settled or self.accounts)


async def look(service: WatchContext) -> RuleFindings:
    """Raise and close the tasks that are due. Only reads while there is nothing to do."""
    with seen_once():  # many rules are of the same kind
        made = {rule.name: await _made(service, rule) for rule in _automatic(service)}

    async def work(conn: Connection) -> RuleFindings:
        await take_lock(
            conn, AUDIT
        )  # of two workers that look at once, the second sees what the first did
        found = await _findings(service, conn, made)
        for key in found.settled:
            await tasks.close(service, conn, key, _("It is settled, or the rule has changed."))
        await tasks.raise_all(service, conn, found.chores)
        for number, accounts in found.accounts:
            await store_preapprovals.note_accounts(conn, number, accounts)
        return found

    if not await service.database.read(lambda conn: _findings(service, conn, made)):
        return RuleFindings()
    return await service.database.transact(work)


def proposed(service: WatchContext, row: Preapproval, by: str) -> NewTask:
    """The task that another approver must review the rule."""
    text = _(
        "{name} proposes that alerts of the rule {rule} go out by themselves. Another approver checks"
        " them: alertbot rules show {rule}, and signs before {time}: alertbot rules preapprove {rule}"
    ).format(name=by, rule=row.rule, time=clock(service, row.expires_at))
    return NewTask(proposed_key(row), PROPOSED, text, due_at=row.expires_at)


def proposed_key(row: Preapproval) -> str:
    return f"{PROPOSED}:{row.id}"


def _automatic(service: WatchContext) -> Iterator[Rule]:
    return (rule for rule in service.watch.rules if rule.how is RuleMode.AUTO)


async def _made(service: WatchContext, rule: Rule) -> RuleSample | AlertbotError:
    try:
        return await sample.template(service, rule)
    except AlertbotError as error:  # a change that broke the rule is a change: told as lost
        return error


async def _findings(service: WatchContext, conn: Connection, made: Made) -> RuleFindings:
    rows = await store_preapprovals.listing(conn, now=service.now)
    wanted: dict[str, NewTask | None] = {}
    for rule in _automatic(service):
        wanted |= _about(service, rule, made[rule.name], rows.get(rule.name, ()))
    before = await store_tasks.ever_raised(conn, wanted) if wanted else frozenset()
    open_ones = await store_tasks.open_tasks(conn, [PROPOSED, ENDS, LOST])
    return RuleFindings(
        tuple(chore for key, chore in wanted.items() if chore and key not in before),
        tuple(one.key for one in open_ones if one.key not in wanted),
        tuple(_more_known(service, made, rows)),
    )


def _more_known(
    service: WatchContext, made: Made, rows: Mapping[str, tuple[Preapproval, ...]]
) -> Iterator[tuple[int, Accounts]]:
    for name, one in made.items():
        if not isinstance(one, RuleSample):
            continue
        found = judge(service, one, rows.get(name, ()))
        if not found.in_force or found.row is None:
            continue
        accounts = known(found.row.accounts, one.accounts)
        if accounts != found.row.accounts:
            yield found.row.id, accounts


def _about(
    service: WatchContext, rule: Rule, made: RuleSample | AlertbotError, rows: Sequence[Preapproval]
) -> dict[str, NewTask | None]:
    """The tasks that should be open about a rule; None for one that is raised elsewhere."""
    found: dict[str, NewTask | None] = {}
    digest = made.digest if isinstance(made, RuleSample) else ""
    waiting = proposal(rows, digest, service.now)
    if waiting is not None:
        found[proposed_key(waiting)] = None
    where = _where(service, made, rows)
    row = where.row or _approved(service, rows)
    if row is None:
        return found
    if where.why is PreapprovalReason.EXPIRED or (
        where.in_force and row.expires_at - service.now <= WARN_BEFORE
    ):
        found |= _one(_ends(service, rule.name, row))
    if where.why in LOSSES:
        found |= _one(_lost(rule.name, row, where.sentence, digest))
    return found


def _where(
    service: WatchContext, made: RuleSample | AlertbotError, rows: Sequence[Preapproval]
) -> Validity:
    if isinstance(made, RuleSample):
        return judge(service, made, rows)
    return broken(made)


def _approved(service: WatchContext, rows: Sequence[Preapproval]) -> Preapproval | None:
    """The approval that would be in force if the rule had not changed."""
    return next((one for one in rows if one.approved_at and one.stands(service.now)), None)


def _one(chore: NewTask) -> dict[str, NewTask | None]:
    return {chore.key: chore}


def _ends(service: WatchContext, rule: str, row: Preapproval) -> NewTask:
    text = _(
        "The preapproval of the rule {rule} ends at {time}; after that its alerts wait for approval."
        " Check it: alertbot rules show {rule}, and renew it: alertbot rules preapprove {rule}"
    ).format(rule=rule, time=clock(service, row.expires_at))
    return NewTask(f"{ENDS}:{row.id}", ENDS, text, due_at=row.expires_at)


def _lost(rule: str, row: Preapproval, why: str, digest: str) -> NewTask:
    text = _(
        "The rule {rule} no longer publishes by itself: {why} Check it: alertbot rules show {rule},"
        " and preapprove it again: alertbot rules preapprove {rule}"
    ).format(rule=rule, why=why)
    now = sha256(f"{digest} {why}".encode()).hexdigest()
    return NewTask(f"{LOST}:{row.id}:{now[:12]}", LOST, text)
