"""What the team is told of rules that were approved ahead: proposed, about to end, lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alertbot.approval.ahead import Preapproval, Why, proposal
from alertbot.errors import AlertbotError
from alertbot.incident.rules import How, Rule
from alertbot.service import specimen, tasks
from alertbot.service.context import Context
from alertbot.service.permitted import Standing, broken, clock, judge
from alertbot.service.specimen import Template
from alertbot.service.tasks import Chore
from alertbot.store import preapprovals
from alertbot.store import tasks as kept
from alertbot.store.connection import Connection
from alertbot.store.turns import AUDIT, take_turn
from alertbot.words import _

PROPOSED, ENDS, LOST = "rule-proposed", "rule-ends", "rule-lost"  # kinds of tasks
WARN_BEFORE = timedelta(days=3)
LOSSES = (Why.CHANGED, Why.HANDS, Why.FORBIDDEN, Why.BROKEN)

Made = dict[str, Template | AlertbotError]  # by rule; the error where its alerts cannot be composed


@dataclass(frozen=True, slots=True)
class Findings:
    """What is to be raised, and what is settled: keys of tasks."""

    chores: tuple[Chore, ...] = ()
    settled: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.chores or self.settled)


async def look(service: Context) -> Findings:
    """Raise and close what is to be raised and closed now. Only reads while there is nothing to do."""
    made = {rule.name: await _made(service, rule) for rule in _automatic(service)}

    async def work(conn: Connection) -> Findings:
        await take_turn(
            conn, AUDIT
        )  # of two workers that look at once, the second sees what the first did
        found = await _findings(service, conn, made)
        for key in found.settled:
            await tasks.close(service, conn, key, _("It is settled, or the rule has changed."))
        await tasks.raise_all(service, conn, found.chores)
        return found

    if not await service.database.read(lambda conn: _findings(service, conn, made)):
        return Findings()
    return await service.database.transact(work)


def proposed(service: Context, row: Preapproval, by: str) -> Chore:
    """Another approver must look."""
    text = _(
        "{name} proposes that alerts of the rule {rule} go out by themselves. Another approver looks at them:"
        " alertbot rules show {rule}, and signs before {time}: alertbot rules preapprove {rule}"
    ).format(name=by, rule=row.rule, time=clock(service, row.expires_at))
    return Chore(proposed_key(row), PROPOSED, text, due_at=row.expires_at)


def proposed_key(row: Preapproval) -> str:
    return f"{PROPOSED}:{row.id}"


def _automatic(service: Context) -> Iterator[Rule]:
    return (rule for rule in service.watch.rules if rule.how is How.AUTO)


async def _made(service: Context, rule: Rule) -> Template | AlertbotError:
    try:
        return await specimen.template(service, rule)
    except AlertbotError as error:  # a change that broke the rule is a change: told as lost
        return error


async def _findings(service: Context, conn: Connection, made: Made) -> Findings:
    rows = await preapprovals.listing(conn, now=service.now)
    wanted: dict[str, Chore | None] = {}
    for rule in _automatic(service):
        wanted |= _about(service, rule, made[rule.name], rows.get(rule.name, ()))
    known = await kept.ever_raised(conn, wanted) if wanted else frozenset()
    open_ones = await kept.open_tasks(conn, [PROPOSED, ENDS, LOST])
    return Findings(
        tuple(chore for key, chore in wanted.items() if chore and key not in known),
        tuple(one.key for one in open_ones if one.key not in wanted),
    )


def _about(
    service: Context, rule: Rule, made: Template | AlertbotError, rows: Sequence[Preapproval]
) -> dict[str, Chore | None]:
    """The tasks that are right to be open about a rule; None for one that is raised elsewhere."""
    found: dict[str, Chore | None] = {}
    digest = made.digest if isinstance(made, Template) else ""
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
    service: Context, rule: Rule, made: Template | AlertbotError, rows: Sequence[Preapproval]
) -> Standing:
    if isinstance(made, Template):
        return judge(service, rule, made.kind, made.digest, rows)
    return broken(made)


def _approved(service: Context, rows: Sequence[Preapproval]) -> Preapproval | None:
    """What would be in force, had the rule stayed what it was."""
    return next((one for one in rows if one.approved_at and one.stands(service.now)), None)


def _one(chore: Chore) -> dict[str, Chore | None]:
    return {chore.key: chore}


def _ends(service: Context, rule: str, row: Preapproval) -> Chore:
    text = _(
        "The approval ahead of the rule {rule} ends at {time}; then its alerts wait for people. Look at it:"
        " alertbot rules show {rule}, and renew it: alertbot rules preapprove {rule}"
    ).format(rule=rule, time=clock(service, row.expires_at))
    return Chore(f"{ENDS}:{row.id}", ENDS, text, due_at=row.expires_at)


def _lost(rule: str, row: Preapproval, why: str, digest: str) -> Chore:
    text = _(
        "The rule {rule} no longer acts by itself: {why} Look at it: alertbot rules show {rule}, and approve it"
        " ahead anew: alertbot rules preapprove {rule}"
    ).format(rule=rule, why=why)
    return Chore(f"{LOST}:{row.id}:{digest[:12]}", LOST, text)
