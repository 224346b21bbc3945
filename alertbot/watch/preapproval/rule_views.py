"""Rules as views: what `alertbot rules` prints as JSON, and what its tables are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from alertbot.alerts.previewing import sheet_of
from alertbot.core.errors import AlertbotError
from alertbot.core.json import as_document, as_json
from alertbot.core.model import Approvals, Fault
from alertbot.core.words import _
from alertbot.texts.views import preview_view
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval.rules_ahead import PROPOSAL_LASTS, Preapproval, proposal
from alertbot.watch.preapproval.sample import RuleSample
from alertbot.watch.preapproval.validity import Validity, broken, judge
from alertbot.watch.rules_rule import How, Rule, Transition
from alertbot.watch.views import PreapprovalView, RuleTexts, RuleView, SignatureView

Rows = Sequence[Preapproval]


def line(service: WatchContext, rule: Rule, made: RuleSample | AlertbotError, rows: Rows) -> RuleView:
    """A rule as the list shows it, also one whose alerts cannot be composed (`made` says why)."""
    if isinstance(made, RuleSample):
        return view(service, rule, made, rows)
    return _view(rule, None, broken(made))


def view(service: WatchContext, rule: Rule, made: RuleSample, rows: Rows) -> RuleView:
    """A rule, and where it stands by what the database holds of it (`rows`, the latest first)."""
    if rule.how is How.PROPOSE:
        return replace(_view(rule, made), why=_("its alerts wait for people."))
    if rule.how is How.OFF:
        return replace(_view(rule, made), why=_("it is switched off."))
    found = judge(service, rule, made.kind, made.digest, rows)
    waiting = proposal(rows, made.digest, service.now)
    return replace(_view(rule, made, found), proposal=_signed(waiting))


def _view(rule: Rule, made: RuleSample | None, found: Validity | None = None) -> RuleView:
    row = found.row if found else None
    return RuleView(
        rule=rule.name,
        on=tuple(one for one in Transition if one in rule.on),
        services=tuple(sorted(rule.services)),
        kind=rule.kind,
        how=rule.how,
        after=rule.after.total_seconds(),
        exercise=rule.exercise,
        digest=made.digest if made else None,
        people=made.people if made else None,
        state=found.why if found else None,
        automatic=found is not None and found.in_force,
        why=found.sentence if found else "",
        approval=_signed(row if row and row.approved_at else None),
        proposal=None,
        faults=faults(made) if made else (),
    )


def _signed(row: Preapproval | None) -> PreapprovalView | None:
    if row is None:
        return None
    return PreapprovalView(
        digest=row.digest,
        signed=tuple(SignatureView(one.person.name, one.at) for one in row.signatures),
        lasts=row.lasts.total_seconds(),
        until=row.expires_at,
        approved_at=row.approved_at,
        revoked_at=row.revoked_at,
    )


def with_texts(service: WatchContext, made: RuleSample, found: RuleView) -> RuleView:
    """The rule with what its alerts say."""
    texts = tuple(_texts(service, made))
    samples = tuple({"on": as_json(one.on), **as_document(preview_view(one.sheet))} for one in texts)
    return replace(found, texts=texts, samples=samples)


def _texts(service: WatchContext, made: RuleSample) -> Iterable[RuleTexts]:
    """The texts as in a preview, with the digest of the rule, and with who must sign that."""
    approvals = Approvals(made.people, True, PROPOSAL_LASTS)
    for one in made.samples:
        sheet = sheet_of(service.publisher, one.composed, made.rule.exercise)
        said = replace(sheet.composition, digest=made.digest)
        yield RuleTexts(one.on, replace(sheet, composition=said, approvals=approvals))


def faults(made: RuleSample) -> tuple[Fault, ...]:
    """What stands in the way of the rule's alerts, each once."""
    found = (fault for one in made.samples for fault in one.composed.composition.faults)
    return tuple(dict.fromkeys(found))
