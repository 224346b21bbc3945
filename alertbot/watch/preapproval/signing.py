"""Rules approved in advance by people (R33): show, propose, sign, revoke, list; countdowns and stopping
them; and the views that `alertbot rules` prints."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches

from alertbot.alerts import alert_notices, store_reading, views
from alertbot.alerts.compose import sheet_of
from alertbot.alerts.rules_moves import state_word
from alertbot.alerts.store_reading import Alert
from alertbot.core import clock
from alertbot.core.errors import AlertbotError, Faulty, Misuse, Refused
from alertbot.core.json import as_document, as_json
from alertbot.core.model import AlertState, Approvals, Fault, Person
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.sql import Connection
from alertbot.people import rules, store_people, tasks
from alertbot.texts.views import preview_view
from alertbot.watch import store_preapprovals
from alertbot.watch.context import WatchContext
from alertbot.watch.preapproval import rules_ahead, sample, validity
from alertbot.watch.preapproval.rules_ahead import PROPOSAL_LASTS, Preapproval, proposal
from alertbot.watch.preapproval.sample import RuleSample, forbidden, template
from alertbot.watch.preapproval.validity import Validity, broken, judge
from alertbot.watch.rules_rule import Rule, RuleMode, Transition
from alertbot.watch.store_preapprovals import Planned
from alertbot.watch.views import (
    CountdownAborted,
    CountdownView,
    PreapprovalView,
    RuleRevoked,
    RuleSignature,
    RuleTexts,
    RuleView,
)

Rows = Sequence[Preapproval]


def line(service: WatchContext, rule: Rule, made: RuleSample | AlertbotError, rows: Rows) -> RuleView:
    """A rule as the list shows it, also one whose alerts cannot be composed (`made` says why)."""
    if isinstance(made, RuleSample):
        return rule_view(service, rule, made, rows)
    return _view(rule, None, broken(made))


def rule_view(service: WatchContext, rule: Rule, made: RuleSample, rows: Rows) -> RuleView:
    """A rule and its status according to its rows in the database (newest first)."""
    if rule.how is RuleMode.PROPOSE:
        return replace(_view(rule, made), why=_("its alerts wait for approval."))
    if rule.how is RuleMode.OFF:
        return replace(_view(rule, made), why=_("it is switched off."))
    found = judge(service, made, rows)
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
        faults=tuple(views.fault(one) for one in faults(made)) if made else (),
    )


def _signed(row: Preapproval | None) -> PreapprovalView | None:
    if row is None:
        return None
    return PreapprovalView(
        digest=row.digest,
        signed=tuple(RuleSignature(one.person.name, one.at) for one in row.signatures),
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
    """The faults that stop the rule's alerts, each once."""
    found = (fault for one in made.samples for fault in one.composed.composition.faults)
    return tuple(dict.fromkeys(found))


async def abort(service: WatchContext, by: str, alert_id: str) -> CountdownAborted:
    """Stop an alert's countdown: it then waits for people, as if the rule had only proposed it. `by`: a
    name for the audit; stopping needs no token. Raises `Refused` if no countdown is running."""

    async def work(conn: Connection) -> CountdownAborted:
        alert = await store_reading.get(conn, alert_id, lock=True)
        plan = await store_preapprovals.get_planned(conn, alert.id)
        if plan is None or alert.state is not AlertState.PENDING:
            raise Refused(_not_running(alert, plan))
        if not await stop(service, conn, alert, by=by, outcome=_stopped(by)):
            raise Refused(_not_running(alert, plan))
        return CountdownAborted(alert.id, alert.state, plan.rule, plan.goes_at, by)

    return await service.database.transact(work)


async def stop_all(
    service: WatchContext, conn: Connection, rule: str, *, by: str, reason: str
) -> list[str]:
    """Stop every countdown of a rule; returns the alerts."""
    stopped = []
    for plan in await store_preapprovals.running(conn, rule=rule, pending=True):
        alert = await store_reading.get(conn, plan.alert, lock=True)
        if await stop(service, conn, alert, by=by, outcome=reason):
            stopped.append(alert.id)
    return stopped


async def stop(service: WatchContext, conn: Connection, alert: Alert, *, by: str, outcome: str) -> bool:
    """Stop one countdown and tell the team; False if it had ended."""
    if not await store_preapprovals.settle(conn, alert.id, outcome=outcome, now=service.now):
        return False
    detail = {"state": str(alert.state), "outcome": outcome}
    await audit.append(
        conn, actor=by, verb="abort", at=service.now, alert=alert.id, digest=alert.digest, detail=detail
    )
    await alert_notices.countdown_stopped(service, conn, alert, by)
    return True


def view(plan: Planned) -> CountdownView:
    """A countdown as it is shown."""
    return CountdownView(plan.alert, plan.rule, plan.service, plan.goes_at)


def _stopped(by: str) -> str:
    return _("Stopped by {name}.").format(name=by)


def _not_running(alert: Alert, plan: Planned | None) -> str:
    if plan is None:
        sentence = _(
            "{alert} was not going to go out by itself; there is no countdown to stop. To stop what is"
            " being sent: `alertbot halt {alert}`."
        )
        return sentence.format(alert=alert.id)
    return _(
        "The countdown of {alert} is already over: {outcome} To stop what is being sent: `alertbot halt {alert}`."
    ).format(alert=alert.id, outcome=plan.outcome or _decided(alert))


def _decided(alert: Alert) -> str:
    return _("it is {state}.").format(state=state_word(alert.state))


async def preapprove(
    service: WatchContext,
    actor: Person,
    rule_name: str,
    *,
    lasts: timedelta | None = None,
    digest: str | None = None,
) -> RuleView:
    """Propose that alerts of a rule are published automatically, or sign another approver's proposal.

    `lasts`: how long it is valid once enough people have signed, at most 90 days; the shortest counts.
    The signer was shown the rule, or gives its `digest`. Raises `Refused`, `Faulty` or `Misuse` for what
    forbids it.
    """
    rules.require_role("preapprove", actor)
    rule = named(service, rule_name)
    made = await template(service, rule)
    _require_possible(service, made)
    span = None if lasts is None else rules_ahead.require_length(lasts)

    async def work(conn: Connection) -> RuleView:
        await store_preapprovals.lock_rule(conn, rule.name)
        rows = await store_preapprovals.of_rule(conn, rule.name, now=service.now)
        waiting = rules_ahead.proposal(rows, made.digest, service.now)
        if waiting is None:
            await _propose(service, conn, actor, made, span or rules_ahead.USUALLY, digest)
        else:
            await _sign(service, conn, actor, made, waiting, span, digest)
        rows = await store_preapprovals.of_rule(conn, rule.name, now=service.now)
        return replace(rule_view(service, rule, made, rows), proposed=waiting is None)

    return with_texts(service, made, await service.database.transact(work))


async def revoke(service: WatchContext, actor: Person, rule_name: str, reason: str) -> RuleRevoked:
    """Revoke what is proposed or in force for a rule, even one no longer configured. Alerts with a
    running countdown wait for people. Raises `Refused` if there is nothing to revoke."""
    rules.require_role("revoke_rule", actor)
    why = rules.require_reason("rules revoke", rule_name, reason)

    async def work(conn: Connection) -> RuleRevoked:
        now = service.now
        await store_preapprovals.lock_rule(conn, rule_name)
        rows = await store_preapprovals.of_rule(conn, rule_name, now=now)
        if not rows:
            named(service, rule_name)
        if not await store_preapprovals.revoke(conn, rule_name, by=actor.name, reason=why, now=now):
            raise Refused(
                _("Nothing is proposed or in force for the rule {rule}.").format(rule=rule_name)
            )
        await _note(service, conn, actor, "rule-revoke", rule_name, None, reason=why)
        outcome = _("The preapproval of the rule {rule} was revoked.").format(rule=rule_name)
        stopped = await stop_all(service, conn, rule_name, by=actor.name, reason=outcome)
        for one in rows:
            await tasks.close(service, conn, validity.proposed_key(one), outcome)
        return RuleRevoked(rule_name, actor.name, why, tuple(stopped))

    return await service.database.transact(work)


async def show(service: WatchContext, rule_name: str, token: str | None) -> RuleView:
    """One rule, the texts of its alerts, and its status. With a token, the person is recorded as having
    seen it: `preapprove` then needs no digest."""
    rule = named(service, rule_name)
    made = await template(service, rule)

    async def see(conn: Connection) -> RuleView:
        return rule_view(
            service, rule, made, await store_preapprovals.of_rule(conn, rule.name, now=service.now)
        )

    async def see_and_note(conn: Connection) -> RuleView:
        person = await store_people.by_token(conn, token or "", now=service.now)
        await store_preapprovals.note_shown(conn, person, rule.name, made.digest, now=service.now)
        return await see(conn)

    seen = await service.database.transact(see_and_note) if token else await service.database.read(see)
    return with_texts(service, made, seen)


async def listing(service: WatchContext) -> list[RuleView]:
    """Every configured rule, in order: how its alerts are published, and why not automatically."""
    made = {rule.name: await _made(service, rule) for rule in service.watch.rules}

    async def see(conn: Connection) -> list[RuleView]:
        rows = await store_preapprovals.listing(conn, now=service.now)
        running = await store_preapprovals.running(conn, pending=True)
        return [
            replace(
                line(service, rule, made[rule.name], rows.get(rule.name, ())),
                countdowns=tuple(view(one) for one in running if one.rule == rule.name),
            )
            for rule in service.watch.rules
        ]

    return await service.database.read(see)


def named(service: WatchContext, name: str) -> Rule:
    """The rule with this name. Raises `Misuse`, suggesting the nearest name."""
    known = {rule.name: rule for rule in service.watch.rules}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, 1)
    if near:
        sentence = _("There is no rule '{name}'; did you mean {near}?")
        raise Misuse(sentence.format(name=name, near=near[0]))
    raise Misuse(
        _("There is no rule '{name}'; the rules under `rules:` are: {known}.").format(
            name=name, known=", ".join(known) or "–"
        )
    )


# --- signing --------------------------------------------------------------------------------------


async def _propose(
    service: WatchContext,
    conn: Connection,
    actor: Person,
    made: RuleSample,
    lasts: timedelta,
    digest: str | None,
) -> None:
    rule = made.rule.name
    if digest is not None:
        rules_ahead.require_digest(rule, made.digest, digest)
    number = await store_preapprovals.propose(
        conn, rule, made.digest, by=actor, lasts=lasts, now=service.now
    )
    await store_preapprovals.note_accounts(conn, number, made.accounts)
    (row, *_older) = await store_preapprovals.of_rule(conn, rule, now=service.now)
    await _note(service, conn, actor, "rule-propose", rule, made.digest, seconds=lasts.total_seconds())
    await tasks.raise_(service, conn, validity.proposed(service, row, actor.name))


async def _sign(
    service: WatchContext,
    conn: Connection,
    actor: Person,
    made: RuleSample,
    waiting: Preapproval,
    lasts: timedelta | None,
    digest: str | None,
) -> None:
    rule, now = made.rule.name, service.now
    rules_ahead.require_other(waiting, actor)
    rules_ahead.require_same(waiting, made.accounts)
    shown = await store_preapprovals.shown_to(conn, actor, rule)
    rules_ahead.require_seen(rule, made.digest, actor, given=digest, shown=shown)
    span = min(waiting.lasts, lasts or waiting.lasts)
    await store_preapprovals.sign(conn, waiting.id, by=actor, now=now, lasts=span)
    accounts = rules_ahead.known(waiting.accounts, made.accounts)
    await store_preapprovals.note_accounts(conn, waiting.id, accounts)
    await _note(service, conn, actor, "rule-sign", rule, made.digest, seconds=span.total_seconds())
    rows = await store_preapprovals.of_rule(conn, rule, now=now)
    signed = next(one for one in rows if one.id == waiting.id)
    if len(signed.hands) < made.people:
        return
    await store_preapprovals.approve(conn, signed, now=now)
    until = clock.iso(now + signed.lasts)
    await _note(
        service, conn, actor, "rule-approve", rule, made.digest, names=list(signed.names), until=until
    )
    await tasks.close(service, conn, validity.proposed_key(signed), _("It was preapproved."))


def _require_possible(service: WatchContext, made: RuleSample) -> None:
    """Raises `Refused` for a rule that is never automatic, `Faulty` for one whose alerts have faults."""
    rule = made.rule
    if rule.how is not RuleMode.AUTO:
        raise Refused(
            _(
                "The rule {rule} always waits for approval. First set `policy: auto` or `auto_after:`."
            ).format(rule=rule.name)
        )
    if never := forbidden(rule, made.kind) or sample.untitled(rule, service.watch):
        raise Refused(_("The rule {rule}: {why}").format(rule=rule.name, why=never))
    if found := faults(made):
        raise Faulty(
            _("The alerts of the rule {rule} could not go out. Fix the rule first.").format(
                rule=rule.name
            ),
            found,
        )


async def _note(
    service: WatchContext,
    conn: Connection,
    actor: Person,
    verb: str,
    rule: str,
    digest: str | None,
    **detail: object,
) -> None:
    await audit.append(
        conn,
        actor=actor.name,
        verb=verb,
        at=service.now,
        digest=digest,
        detail={"rule": rule, **detail},
    )


async def _made(service: WatchContext, rule: Rule) -> RuleSample | AlertbotError:
    try:
        return await template(service, rule)
    except AlertbotError as error:  # told in its place in the list
        return error
