"""Decisions on a submitted alert: approve, break the glass, return, reject, countersign, and expiry of
what was not decided in time. Also what an approval changes in the alerts that it follows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from alertbot.alerts import (
    alert_notices,
    area,
    chains,
    progress,
    publishing,
    rules_policy,
    sealing,
    store_alerts,
    store_following,
    store_reading,
    verdicts,
    views,
)
from alertbot.alerts.chains import ONLY_THOSE_REACHED, Reached
from alertbot.alerts.lists import public_numbers
from alertbot.alerts.store_reading import Alert, StoredTexts
from alertbot.alerts.views import AlertView, StartView
from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.model import MACHINE, Action, Channel, Message, Person, Relation, Target
from alertbot.core.words import _
from alertbot.db import audit
from alertbot.db.database import Unsteady, prepared
from alertbot.db.sql import Connection
from alertbot.delivery import store_accounts, store_settle
from alertbot.delivery.store_outbox import NewDelivery, PackedDeliveries
from alertbot.people import rules, store_people, tasks
from alertbot.people.context import Context
from alertbot.people.rules import Verb
from alertbot.people.tasks import NewTask


def _require_somebody(alert: Alert, reached: Reached) -> None:
    if alert.relation in ONLY_THOSE_REACHED and not reached.posts and not reached.records:
        raise Refused(
            _("{original} reached no one after all. {alert} is not needed; discard it.").format(
                original=alert.original, alert=alert.id
            )
        )


async def _stop(service: Context, conn: Connection, original: Alert, by: Alert) -> None:
    """Cancel every delivery of a taken-back alert that has not begun. Calls in progress finish."""
    outcomes = await store_settle.cancel(conn, original.id, _reason(by))
    await progress.note_outcomes(service, conn, outcomes)
    await progress.advance(service, conn, original.id)


def _reason(by: Alert) -> str:
    words = {
        Relation.CORRECTION: _("Not sent: corrected by {alert}."),
        Relation.WITHDRAWAL: _("Not sent: its numbers are withdrawn by {alert}."),
        Relation.RETRACTION: _("Not sent: retracted by {alert}."),
        Relation.CANCEL: _("Not sent: denied by {alert}."),
    }
    return words[by.relation or Relation.CORRECTION].format(alert=by.id)


def _by_hand(alert: Alert, reached: Reached) -> list[NewTask]:
    """Raise one task for each post that a person published by hand, since only a person can take it
    back."""
    if alert.relation not in ONLY_THOSE_REACHED:
        return []
    sentence = _("{alert} takes back what was posted by hand on {channel}. Correct {url} there.")
    return [
        NewTask(
            key=f"by-hand:{alert.id}:{one.url}"[:200],
            kind="by_hand",
            text=sentence.format(alert=alert.id, channel=one.channel, url=one.url),
            alert=alert.id,
            incident=alert.incident,
        )
        for one in reached.records
    ]


@dataclass(frozen=True, slots=True)
class DecisionOrigin:
    """How a decision reached the program. `way` is recorded in the audit, and of the API which `token`. `precheck` runs
    first in the decision's transaction and may refuse (a link that has been used)."""

    way: str | None = None
    precheck: Callable[[Connection], Awaitable[None]] | None = None
    token: int | None = None


COMMAND_LINE = DecisionOrigin()


async def approve(
    service: Context,
    actor: Person,
    reference: str,
    digest: str | None,
    origin: DecisionOrigin = COMMAND_LINE,
) -> AlertView:
    """Sign exactly the texts that were shown. The last approval needed creates the deliveries in the
    same transaction. Raises `Refused`, `Faulty` or `PastMoment` for the first rule that forbids it."""

    async def work(conn: Connection) -> tuple[str, timedelta | None]:
        now = service.now
        alert = await store_reading.get(conn, reference, lock=True)
        said = await sealing.signed(service, alert)  # first: it starts the transaction over
        if origin.precheck:
            await origin.precheck(conn)
        so_far = await store_reading.approvals_of(conn, alert.id, now=now)
        shown = await store_reading.shown_to(conn, actor.id, alert.id)
        crew = await store_people.persons(conn, now=now)
        read = verdicts.as_read(service, alert)
        rules_policy.may_approve(read, actor, so_far, digest=digest, shown=shown, now=now, people=crew)
        rows = await verdicts.require_unhindered(service, conn, alert, now)
        signed = await store_alerts.sign(conn, alert, actor, now=now, so_far=so_far)
        came = _proved(service, origin, alert, actor)
        await _note(service, conn, actor, "approve", alert, **came, **_vouched(rows))
        if not rules_policy.approved_enough(alert, signed, now):
            return alert.id, None
        alone = actor if rules_policy.by_one_hand(alert, signed, now) else None
        alert = await store_alerts.approve(conn, alert, now=now, alone=alone)
        if alone:
            await alert_notices.approved_alone(service, conn, alert, alone)
        return alert.id, await _let_go(service, conn, actor, alert, said)

    return await _after_decision(service, *await service.database.transact(work))


async def break_glass(
    service: Context, actor: Person, reference: str, digest: str | None, reason: str
) -> AlertView:
    """Publish on one approver's word: reported to every team channel, open until countersigned. Raises
    `Refused`, `Misuse`, `Faulty` or `PastMoment` as `may_break_glass` does."""

    async def work(conn: Connection) -> tuple[str, timedelta | None]:
        now = service.now
        alert = await store_reading.get(conn, reference, lock=True)
        said = await sealing.signed(service, alert)  # first: it starts the transaction over
        shown = await store_reading.shown_to(conn, actor.id, alert.id)
        why = rules_policy.may_break_glass(
            verdicts.as_read(service, alert), actor, digest=digest, shown=shown, reason=reason, now=now
        )
        await alert_notices.require_way(service, conn, alert)
        rows = await verdicts.require_unhindered(service, conn, alert, now)
        alert = await store_alerts.break_glass(conn, alert, by=actor, reason=why, now=now)
        await _note(service, conn, actor, "break-glass", alert, reason=why, **_vouched(rows))
        await alert_notices.glass_broken(service, conn, alert, actor, why)
        return alert.id, await _let_go(service, conn, actor, alert, said)

    return await _after_decision(service, *await service.database.transact(work))


async def approve_ahead(
    service: Context, conn: Connection, alert: Alert, **grounds: object
) -> timedelta:
    """Publish an alert of a rule approved in advance (R33), in the caller's transaction. Checks that it
    has no fault, contradicts nothing and is unchanged since it was drafted. `grounds` goes into the
    audit. Returns how long until the first call may start. Raises `Refused`, `Faulty` or
    `PastMoment`."""
    now = service.now
    rows = await verdicts.require_approvable(service, conn, alert, now, lasting=False)
    said = await sealing.signed_here(conn, alert)
    alert = await store_alerts.approve(conn, alert, now=now)
    await _note(service, conn, MACHINE, "approve", alert, **grounds, **_vouched(rows))
    return await _let_go(service, conn, MACHINE, alert, said, here=True)


async def _let_go(
    service: Context,
    conn: Connection,
    actor: Person,
    alert: Alert,
    said: StoredTexts,
    *,
    here: bool = False,
) -> timedelta:
    """Apply an approved alert to the alerts it follows and write its deliveries to the outbox. If it takes them
    back (R35), their unsent deliveries are cancelled; numbers that it strikes are withdrawn from the register.
    `here`: the alert was written in this transaction, so no other connection can read it yet."""
    originals = [await store_reading.get(conn, one) for one in alert.references if alert.relation]
    family = await chains.members(conn, alert.relation, originals) if alert.relation else ()
    chain = [one.id for one in family if one.id != alert.id]
    plan = None if here else await planned(service, conn, alert, said, chain)
    if alert.relation in ONLY_THOSE_REACHED:
        for original in originals:
            await _stop(service, conn, original, alert)
    if alert.relation is not None:
        await public_numbers.take_out(service, conn, actor, alert)
    plan = await at_once(service, conn, alert, said, chain, plan)
    if plan.reached is not None:
        _require_somebody(alert, plan.reached)
        await tasks.raise_all(service, conn, _by_hand(alert, plan.reached))
    return await publishing.enqueue(service, conn, alert, plan.rows)


async def return_(
    service: Context, actor: Person, reference: str, reason: str, origin: DecisionOrigin = COMMAND_LINE
) -> AlertView:
    return await _send_away(service, actor, reference, Verb.RETURN, reason, origin)


async def reject(
    service: Context, actor: Person, reference: str, reason: str, origin: DecisionOrigin = COMMAND_LINE
) -> AlertView:
    return await _send_away(service, actor, reference, Verb.REJECT, reason, origin)


async def countersign(service: Context, actor: Person, reference: str) -> AlertView:
    async def work(conn: Connection) -> AlertView:
        alert = await store_reading.get(conn, reference, lock=True)
        rules_policy.may_countersign(alert, actor)
        alert = await store_alerts.countersign(conn, alert, by=actor, now=service.now)
        await _note(service, conn, actor, "countersign", alert)
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


async def expire_overdue(service: Context) -> int:
    """Expire pending alerts whose approval deadline has passed. Returns how many."""

    async def work(conn: Connection) -> int:
        late = await store_reading.overdue(conn, now=service.now)
        for alert in late:
            reason = _("Not approved in time.")
            gone = await store_alerts.advance(conn, alert, Verb.EXPIRE, reason=reason)
            await audit.append(
                conn, actor="alertbot", verb="expire", at=service.now, alert=gone.id, digest=gone.digest
            )
            await area.close_if_empty(service, conn, gone.incident)
        return len(late)

    if not await service.database.read(lambda conn: store_reading.overdue(conn, now=service.now)):
        return 0
    return await service.database.transact(work)


async def _send_away(
    service: Context, actor: Person, reference: str, verb: Verb, reason: str, origin: DecisionOrigin
) -> AlertView:
    await expire_overdue(service)

    async def work(conn: Connection) -> AlertView:
        rules.require_role(verb, actor)
        alert = await store_reading.get(conn, reference, lock=True)
        if origin.precheck:
            await origin.precheck(conn)
        why = rules.require_reason(verb, alert.id, reason)
        alert = await store_alerts.advance(conn, alert, verb, reason=why)
        await _note(service, conn, actor, str(verb), alert, reason=why, **_came(origin))
        await area.close_if_empty(service, conn, alert.incident)
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


def _came(origin: DecisionOrigin) -> dict[str, object]:
    token = {"token": origin.token} if origin.token is not None else {}
    return {"way": origin.way, **token} if origin.way else {}


def _proved(service: Context, origin: DecisionOrigin, alert: Alert, actor: Person) -> dict[str, object]:
    """On which way an approval came, and what shows the worker that its configuration asked for it."""
    proof = sealing.proof(service.reach, origin.way or "", alert.id, alert.digest, actor.name)
    return _came(origin) | ({"proof": proof} if proof else {})


async def _after_decision(service: Context, alert_id: str, wait: timedelta | None) -> AlertView:
    """The alert after the decision, and when its first call starts. Read after the decision has
    committed, so that the worker does not wait for it."""

    async def look(conn: Connection) -> AlertView:
        view = await views.full(conn, await store_reading.get(conn, alert_id), service.now)
        if wait is None:
            return view
        alive = await store_accounts.any_alive(conn)
        return replace(view, start=StartView(worker_alive=alive, seconds=wait.total_seconds()))

    return await service.database.read(look)


def _vouched(rows: dict[str, int]) -> dict[str, object]:
    """The entries and versions of the register that were approved, for the audit (R34)."""
    return {"numbers": rows} if rows else {}


async def _note(
    service: Context, conn: Connection, actor: Person, verb: str, alert: Alert, **detail: object
) -> None:
    await audit.append(
        conn,
        actor=actor.name,
        verb=verb,
        at=service.now,
        alert=alert.id,
        digest=alert.digest,
        detail={"state": str(alert.state), **detail},
    )


FALLS_TOO = (None, Relation.UPDATE)  # relations of alerts that fall with the one they belong to


# --- the deliveries, put together before the transaction and outside it ---------------------------
# with many readers that takes seconds, in which nobody else could write


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What an approved alert sends, by channel. `reached`: whom the alerts it follows have reached; None
    if it follows none. `grounds`: everything this was computed from."""

    rows: Mapping[str, PackedDeliveries]
    reached: Reached | None
    grounds: object


async def planned(
    service: Context, conn: Connection, alert: Alert, said: StoredTexts, chain: Sequence[str]
) -> Outgoing | None:
    """The deliveries as things stand, for a write transaction that does not wait for it; `chain`: the alerts
    that it follows. None where what those reach changes faster than it can be put together: then `at_once`."""
    grounds = await _grounds(conn, alert, chain)

    async def look() -> Outgoing:
        reached = await service.database.read(partial(_reached, alert=alert, chain=chain))
        return await in_thread(partial(_outgoing, service, alert, said, reached, grounds))

    try:
        return prepared(f"deliveries of {alert.id}", grounds, look, tries=2)
    except Unsteady:
        return None


async def at_once(
    service: Context,
    conn: Connection,
    alert: Alert,
    said: StoredTexts,
    chain: Sequence[str],
    before: Outgoing | None,
) -> Outgoing:
    """`before`, if nothing has changed since; otherwise the same computed now, in this transaction."""
    grounds = await _grounds(conn, alert, chain)
    if before is not None and before.grounds == grounds:
        return before
    return _outgoing(service, alert, said, await _reached(conn, alert, chain), grounds)


async def _grounds(conn: Connection, alert: Alert, chain: Sequence[str]) -> object:
    """What a post reached it never loses; so their numbers say whether anything has changed."""
    counts = await store_following.reached_counts(conn, chain)
    records = await store_reading.records_of(conn, *chain)
    return (alert.revision, alert.digest, alert.omitted, tuple(chain), counts, records)


async def _reached(conn: Connection, alert: Alert, chain: Sequence[str]) -> Reached | None:
    if alert.relation is None:
        return None
    records = await store_reading.records_of(conn, *chain)
    posts = await store_following.posts(conn, chain)
    pictures = await store_following.posts(conn, chain, action=Action.PICTURE)
    found = [await store_reading.get(conn, name) for name in sorted({one.alert for one in posts})]
    fallen = frozenset(one.id for one in found if one.relation in FALLS_TOO)
    gave = await public_numbers.givers(conn, alert, chain)
    return Reached(posts, records, fallen, pictures, gave)


def _outgoing(
    service: Context, alert: Alert, said: StoredTexts, reached: Reached | None, grounds: object
) -> Outgoing:
    rows = {}
    for name in alert.channels:
        mine = {key: text for key, text in said.texts.items() if text.channel == name}
        channel, targets = service.publisher.channel(name), said.targets.get(name, ())
        if publishing.later(channel, mine, targets) and alert.relation not in ONLY_THOSE_REACHED:
            skipped = publishing.entries(channel, {}, (), alert.omitted)
            rows[name] = PackedDeliveries.of(skipped, later=len(targets))
        else:
            rows[name] = PackedDeliveries.of(_rows(channel, alert, mine, targets, reached))
    return Outgoing(rows, reached, grounds)


def _rows(
    channel: Channel,
    alert: Alert,
    texts: dict[int, Message],
    targets: Sequence[Target],
    reached: Reached | None,
) -> list[NewDelivery]:
    posts = {key: one for key, one in texts.items() if one.action is Action.PUBLISH}
    if reached is None:
        return publishing.entries(channel, posts, targets, alert.omitted)
    those, never = chains.partition(channel, alert, targets, reached)
    rows = [*publishing.entries(channel, posts, those, alert.omitted), *never]
    return chains.answering(channel, alert, rows, texts, reached)
