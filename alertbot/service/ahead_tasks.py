"""What the team is told of rules that were approved ahead: proposed, about to end, lost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from alertbot.approval.ahead import Preapproval, Why, proposal
from alertbot.errors import AlertbotError
from alertbot.incident.rules import How, Rule
from alertbot.service import specimen, tasks
from alertbot.service.context import Context
from alertbot.service.permitted import Standing, clock, judge
from alertbot.service.specimen import Template
from alertbot.service.tasks import Chore
from alertbot.store import preapprovals
from alertbot.store import tasks as kept
from alertbot.store.connection import Connection
from alertbot.store.turns import AUDIT, take_turn
from alertbot.words import _

PROPOSED, ENDS, LOST = "rule-proposed", "rule-ends", "rule-lost"  # kinds of tasks
WARN_BEFORE = timedelta(days=3)

Made = dict[str, Template | None]  # by rule; None where its alerts cannot be composed at all


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


async def _made(service: Context, rule: Rule) -> Template | None:
    try:
        return await specimen.template(service, rule)
    except AlertbotError:  # a change that broke the rule is a change: what was approved is lost
        return None


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
    service: Context, rule: Rule, made: Template | None, rows: Sequence[Preapproval]
) -> dict[str, Chore | None]:
    """The tasks that are right to be open about a rule; None for one that is raised elsewhere."""
    found: dict[str, Chore | None] = {}
    digest = made.digest if made else ""
    waiting = proposal(rows, digest, service.now)
    if waiting is not None:
        found[proposed_key(waiting)] = None
    where = _where(service, rule, made, rows)
    if where.row is None:
        return found
    if where.why is Why.EXPIRED or (
        where.in_force and where.row.expires_at - service.now <= WARN_BEFORE
    ):
        found |= _one(_ends(service, rule.name, where))
    if where.why in (Why.CHANGED, Why.HANDS):
        found |= _one(_lost(rule.name, where, digest))
    return found


def _where(
    service: Context, rule: Rule, made: Template | None, rows: Sequence[Preapproval]
) -> Standing:
    """Where a rule stands. Whatever was in force is lost as well with a kind that must not go out by itself
    any more, and with alerts that can no longer be composed."""
    why = _("its alerts can no longer be composed; people decide.")
    if made is not None:
        found = judge(service, rule, made.kind, made.digest, rows)
        if found.why is not Why.FORBIDDEN:
            return found
        why = found.sentence
    row = next((one for one in rows if one.approved_at and one.stands(service.now)), None)
    return Standing(Why.CHANGED, why, row)


def _one(chore: Chore) -> dict[str, Chore | None]:
    return {chore.key: chore}


def _ends(service: Context, rule: str, where: Standing) -> Chore:
    assert where.row is not None
    text = _(
        "The approval ahead of the rule {rule} ends at {time}; then its alerts wait for people. Look at it:"
        " alertbot rules show {rule}, and renew it: alertbot rules preapprove {rule}"
    ).format(rule=rule, time=clock(service, where.row.expires_at))
    return Chore(f"{ENDS}:{where.row.id}", ENDS, text, due_at=where.row.expires_at)


def _lost(rule: str, where: Standing, digest: str) -> Chore:
    assert where.row is not None
    text = _(
        "The rule {rule} no longer acts by itself: {why} Look at it: alertbot rules show {rule}, and approve it"
        " ahead anew: alertbot rules preapprove {rule}"
    ).format(rule=rule, why=where.sentence)
    return Chore(f"{LOST}:{where.row.id}:{digest[:12]}", LOST, text)
