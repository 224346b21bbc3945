"""Rules as plain values: what `alertbot rules` prints as JSON, and what its tables are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from alertbot.alerts import views
from alertbot.alerts.previewing import sheet_of
from alertbot.core import clock
from alertbot.core.errors import AlertbotError
from alertbot.core.model import Approvals, Fault
from alertbot.core.words import _
from alertbot.texts.preview.sheet import Sheet
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval.rules_ahead import PROPOSAL_LASTS, Preapproval, Why, proposal
from alertbot.watch.preapproval.sample import RuleSample
from alertbot.watch.preapproval.validity import broken, judge
from alertbot.watch.rules_rule import How, Rule, Transition

Document = dict[str, Any]
Rows = Sequence[Preapproval]


def line(service: WatchContext, rule: Rule, made: RuleSample | AlertbotError, rows: Rows) -> Document:
    if isinstance(made, RuleSample):
        return view(service, rule, made, rows)
    found = broken(made)
    return _facts(rule) | _standing(str(found.why), found.sentence, None, None)


def view(service: WatchContext, rule: Rule, made: RuleSample, rows: Rows) -> Document:
    facts = _facts(rule) | {"digest": made.digest, "people": made.people}
    if rule.how is How.PROPOSE:
        return facts | _standing(None, _("its alerts wait for people."), None, made)
    if rule.how is How.OFF:
        return facts | _standing(None, _("it is switched off."), None, made)
    found = judge(service, rule, made.kind, made.digest, rows)
    waiting = proposal(rows, made.digest, service.now)
    return (
        facts
        | _standing(str(found.why), found.sentence, found.row, made)
        | {"proposal": _signed(waiting)}
    )


def _facts(rule: Rule) -> Document:
    return {
        "rule": rule.name,
        "on": [str(one) for one in Transition if one in rule.on],
        "services": sorted(rule.services),
        "kind": rule.kind,
        "how": str(rule.how),
        "after": rule.after.total_seconds(),
        "exercise": rule.exercise,
        "digest": None,
        "people": None,
    }


def _standing(
    state: str | None, why: str, row: Preapproval | None, made: RuleSample | None
) -> Document:
    """`approval`: the one that `why` speaks of, in force or not."""
    return {
        "state": state,
        "automatic": state == Why.IN_FORCE,
        "why": why,
        "approval": _signed(row if row and row.approved_at else None),
        "proposal": None,
        "faults": [views.fault(one) for one in faults(made)] if made else [],
    }


def _signed(row: Preapproval | None) -> Document | None:
    """`until`: while people sign, until when they may. `lasts`: seconds, from the last signature."""
    if row is None:
        return None
    return {
        "digest": row.digest,
        "signed": [{"person": one.person.name, "at": clock.iso(one.at)} for one in row.signatures],
        "lasts": row.lasts.total_seconds(),
        "until": clock.iso(row.expires_at),
        "approved_at": clock.iso(row.approved_at),
        "revoked_at": clock.iso(row.revoked_at),
    }


def with_texts(service: WatchContext, made: RuleSample, found: Document) -> Document:
    return found | {"_samples": list(_sheets(service, made)), "_zone": service.publisher.zone}


def _sheets(service: WatchContext, made: RuleSample) -> Iterable[tuple[tuple[Transition, ...], Sheet]]:
    """The texts as in a preview, with the digest of the rule, and with who must sign that."""
    approvals = Approvals(made.people, True, PROPOSAL_LASTS)
    for one in made.samples:
        sheet = sheet_of(service.publisher, one.composed, made.rule.exercise)
        said = replace(sheet.composition, digest=made.digest)
        yield one.on, replace(sheet, composition=said, approvals=approvals)


def faults(made: RuleSample) -> tuple[Fault, ...]:
    """What stands in the way of the rule's alerts, each once."""
    found = (fault for one in made.samples for fault in one.composed.composition.faults)
    return tuple(dict.fromkeys(found))
