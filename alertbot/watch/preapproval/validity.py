"""Whether alerts of a rule may be published automatically now, and why not (R33)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alertbot.alerts.compose import load_kind
from alertbot.alerts.store_reading import Alert
from alertbot.core.errors import AlertbotError, ConfigInvalid, Misuse
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.texts.kinds.kind_spec import Kind
from alertbot.texts.publisher import effective
from alertbot.watch import store_preapprovals
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval.rules_ahead import Preapproval, Why, people_needed, weigh
from alertbot.watch.preapproval.sample import beyond, forbidden, template, untitled
from alertbot.watch.rules_rule import Rule


@dataclass(frozen=True, slots=True)
class Validity:
    """`sentence`: for people and for the decision log. `row`: the approval it is about."""

    why: Why
    sentence: str
    row: Preapproval | None = None

    @property
    def in_force(self) -> bool:
        return self.why is Why.IN_FORCE


async def standing(
    service: WatchContext,
    conn: Connection,
    rule: Rule,
    digest: str,
    *,
    services: frozenset[str] | None = None,
) -> Validity:
    """Whether this rule may act automatically now. `digest`: of its current sample. `services`: those
    that the alert names, else the rule's own.

    Raises `Misuse` or `ConfigInvalid` if the kind cannot be read.
    """
    kind = load_kind(service.publisher, rule.kind)
    rows = await store_preapprovals.of_rule(conn, rule.name, now=service.now)
    return judge(service, rule, kind, digest, rows, services=services)


async def may_go(
    service: WatchContext, conn: Connection, rule: Rule, alert: Alert, services: frozenset[str]
) -> Validity:
    """Whether this alert of a rule may be published automatically now. `services`: those that it names.
    Does not raise for a rule that can no longer be composed: that is a reason too."""
    try:
        made = await template(service, rule)
    except (ConfigInvalid, Misuse) as error:
        return broken(error)
    rows = await store_preapprovals.of_rule(conn, rule.name, now=service.now)
    found = judge(service, rule, made.kind, made.digest, rows, services=services)
    if found.in_force and (more := beyond(made, alert)):
        return Validity(Why.FORBIDDEN, more, found.row)
    return found


def broken(error: AlertbotError) -> Validity:
    """The verdict for a rule whose alerts cannot be composed."""
    said = _("its alerts cannot be composed; people decide. {why}").format(why=error)
    return Validity(Why.BROKEN, said)


def judge(
    service: WatchContext,
    rule: Rule,
    kind: Kind,
    digest: str,
    rows: Sequence[Preapproval],
    *,
    services: frozenset[str] | None = None,
) -> Validity:
    """Whether this rule may act automatically now, given its rows in the database (newest first). Pure
    apart from composing. Raises `Misuse` or `ConfigInvalid` if the kind cannot be read."""
    never = forbidden(rule, kind) or untitled(rule, service.watch, services)
    if never:
        return Validity(Why.FORBIDDEN, never)
    why, row = weigh(rows, digest, service.now, needed(service, kind))
    return Validity(why, _sentence(service, why, row, rule.name, needed(service, kind)), row)


def needed(service: WatchContext, kind: Kind) -> int:
    """How many people must approve a rule of this kind in advance."""
    return people_needed(effective(kind.approvals, service.publisher.overrides.get(kind.name)))


def clock(service: WatchContext, moment: datetime) -> str:
    """A time as the team reads it, in the organisation's time zone."""
    return moment.astimezone(service.publisher.zone).strftime(_("%H:%M on %d/%m"))


def _sentence(service: WatchContext, why: Why, row: Preapproval | None, rule: str, people: int) -> str:
    if row is None:
        return _(
            "nobody has approved this rule ahead: alertbot rules preapprove {rule}; until then people decide."
        ).format(rule=rule)
    return _known(why).format(
        rule=rule,
        names=", ".join(row.names),
        time=clock(service, row.expires_at),
        left=max(0, people - len(row.hands)),
        by=row.revoked_by or "?",
        reason=row.reason or "–",
        gone=", ".join(_gone(row)),
    )


def _known(why: Why) -> str:
    words = {
        Why.IN_FORCE: _("approved ahead by {names}, until {time}."),
        Why.PROPOSED: _(
            "proposed by {names}, {left} more must sign before {time}; until then people decide."
        ),
        Why.LAPSED: _(
            "proposed by {names}, and not signed in time or before it changed; people decide."
        ),
        Why.EXPIRED: _("the approval ahead by {names} ended at {time}; people decide."),
        Why.CHANGED: _(
            "what {names} approved ahead has changed since (texts, values, channels, recipients or"
            " organisation); people decide."
        ),
        Why.REVOKED: _("{by} revoked it ({reason}); people decide."),
        Why.HANDS: _("{gone} signed it and is no approver any more; people decide."),
    }
    return words[why]


def _gone(row: Preapproval) -> list[str]:
    return [one.person.name for one in row.signatures if one.person.id not in row.hands]
