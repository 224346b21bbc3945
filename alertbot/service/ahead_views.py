"""Rules as plain values: what `alertbot rules` prints as JSON, and what its tables are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from alertbot.approval.ahead import PROPOSAL_LASTS, Preapproval, Why, proposal
from alertbot.errors import AlertbotError
from alertbot.incident.rules import How, Rule, Transition
from alertbot.model import Approvals, Fault
from alertbot.preview.sheet import Sheet
from alertbot.service import views
from alertbot.service.context import Context
from alertbot.service.permitted import broken, judge
from alertbot.service.previewing import sheet_of
from alertbot.service.specimen import Template
from alertbot.words import _

Document = dict[str, Any]
Rows = Sequence[Preapproval]


def line(service: Context, rule: Rule, made: Template | AlertbotError, rows: Rows) -> Document:
    if isinstance(made, Template):
        return view(service, rule, made, rows)
    found = broken(made)
    return _facts(rule) | _standing(str(found.why), found.sentence, None, None)


def view(service: Context, rule: Rule, made: Template, rows: Rows) -> Document:
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


def _standing(state: str | None, why: str, row: Preapproval | None, made: Template | None) -> Document:
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
        "signed": [{"person": one.person.name, "at": views.moment(one.at)} for one in row.signatures],
        "lasts": row.lasts.total_seconds(),
        "until": views.moment(row.expires_at),
        "approved_at": views.moment(row.approved_at),
        "revoked_at": views.moment(row.revoked_at),
    }


def with_texts(service: Context, made: Template, found: Document) -> Document:
    return found | {"_samples": list(_sheets(service, made)), "_zone": service.voice.zone}


def _sheets(service: Context, made: Template) -> Iterable[tuple[tuple[Transition, ...], Sheet]]:
    """The texts as in a preview, with the digest of the rule, and with who must sign that."""
    approvals = Approvals(made.people, True, PROPOSAL_LASTS)
    for one in made.samples:
        sheet = sheet_of(service.voice, one.composed, made.rule.exercise)
        said = replace(sheet.composition, digest=made.digest)
        yield one.on, replace(sheet, composition=said, approvals=approvals)


def faults(made: Template) -> tuple[Fault, ...]:
    """What stands in the way of the rule's alerts, each once."""
    found = (fault for one in made.samples for fault in one.composed.composition.faults)
    return tuple(dict.fromkeys(found))
