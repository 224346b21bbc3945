"""Tasks about rules approved in advance: proposed, about to expire, no longer valid."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alertbot.core.errors import AlertbotError
from alertbot.core.words import _
from alertbot.db.locks import AUDIT, take_lock
from alertbot.db.sql import Connection
from alertbot.people import store_tasks, tasks
from alertbot.people.tasks import NewTask
from alertbot.watch import store_preapprovals
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import sample
from alertbot.watch.preapproval.rules_ahead import Preapproval, Why, proposal
from alertbot.watch.preapproval.sample import RuleSample
from alertbot.watch.preapproval.validity import Validity, broken, clock, judge
from alertbot.watch.rules_rule import How, Rule

PROPOSED, ENDS, LOST = "rule-proposed", "rule-ends", "rule-lost"  # kinds of tasks
WARN_BEFORE = timedelta(days=3)
LOSSES = (Why.CHANGED, Why.HANDS, Why.FORBIDDEN, Why.BROKEN)

Made = dict[str, RuleSample | AlertbotError]  # by rule; the error where its alerts cannot be composed


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """The tasks to raise, and the keys of those that are settled."""

    chores: tuple[NewTask, ...] = ()
    settled: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.chores or self.settled)


async def look(service: WatchContext) -> RuleFindings:
    """Raise and close the tasks that are due. Only reads while there is nothing to do."""
    made = {rule.name: await _made(service, rule) for rule in _automatic(service)}

    async def work(conn: Connection) -> RuleFindings:
        await take_lock(
            conn, AUDIT
        )  # of two workers that look at once, the second sees what the first did
        found = await _findings(service, conn, made)
        for key in found.settled:
            await tasks.close(service, conn, key, _("It is settled, or the rule has changed."))
        await tasks.raise_all(service, conn, found.chores)
        return found

    if not await service.database.read(lambda conn: _findings(service, conn, made)):
        return RuleFindings()
    return await service.database.transact(work)


def proposed(service: WatchContext, row: Preapproval, by: str) -> NewTask:
    """The task that another approver must review the rule."""
    text = _(
        "{name} proposes that alerts of the rule {rule} go out by themselves. Another approver looks at them:"
        " alertbot rules show {rule}, and signs before {time}: alertbot rules preapprove {rule}"
    ).format(name=by, rule=row.rule, time=clock(service, row.expires_at))
    return NewTask(proposed_key(row), PROPOSED, text, due_at=row.expires_at)


def proposed_key(row: Preapproval) -> str:
    return f"{PROPOSED}:{row.id}"


def _automatic(service: WatchContext) -> Iterator[Rule]:
    return (rule for rule in service.watch.rules if rule.how is How.AUTO)


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
    known = await store_tasks.ever_raised(conn, wanted) if wanted else frozenset()
    open_ones = await store_tasks.open_tasks(conn, [PROPOSED, ENDS, LOST])
    return RuleFindings(
        tuple(chore for key, chore in wanted.items() if chore and key not in known),
        tuple(one.key for one in open_ones if one.key not in wanted),
    )


def _about(
    service: WatchContext, rule: Rule, made: RuleSample | AlertbotError, rows: Sequence[Preapproval]
) -> dict[str, NewTask | None]:
    """The tasks that should be open about a rule; None for one that is raised elsewhere."""
    found: dict[str, NewTask | None] = {}
    digest = made.digest if isinstance(made, RuleSample) else ""
    waiting = proposal(rows, digest, service.now)
    if waiting is not None:
        found[proposed_key(waiting)] = None
    where = _where(service, rule, made, rows)
    row = where.row or _approved(service, rows)
    if row is None:
        return found
    if where.why is Why.EXPIRED or (where.in_force and row.expires_at - service.now <= WARN_BEFORE):
        found |= _one(_ends(service, rule.name, row))
    if where.why in LOSSES:
        found |= _one(_lost(rule.name, row, where.sentence, digest))
    return found


def _where(
    service: WatchContext, rule: Rule, made: RuleSample | AlertbotError, rows: Sequence[Preapproval]
) -> Validity:
    if isinstance(made, RuleSample):
        return judge(service, rule, made.kind, made.digest, rows)
    return broken(made)


def _approved(service: WatchContext, rows: Sequence[Preapproval]) -> Preapproval | None:
    """The approval that would be in force if the rule had not changed."""
    return next((one for one in rows if one.approved_at and one.stands(service.now)), None)


def _one(chore: NewTask) -> dict[str, NewTask | None]:
    return {chore.key: chore}


def _ends(service: WatchContext, rule: str, row: Preapproval) -> NewTask:
    text = _(
        "The approval ahead of the rule {rule} ends at {time}; then its alerts wait for people. Look at it:"
        " alertbot rules show {rule}, and renew it: alertbot rules preapprove {rule}"
    ).format(rule=rule, time=clock(service, row.expires_at))
    return NewTask(f"{ENDS}:{row.id}", ENDS, text, due_at=row.expires_at)


def _lost(rule: str, row: Preapproval, why: str, digest: str) -> NewTask:
    text = _(
        "The rule {rule} no longer acts by itself: {why} Look at it: alertbot rules show {rule}, and approve it"
        " ahead anew: alertbot rules preapprove {rule}"
    ).format(rule=rule, why=why)
    return NewTask(f"{LOST}:{row.id}:{digest[:12]}", LOST, text)
