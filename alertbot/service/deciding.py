"""Deciding on what others wrote: approve, break the glass, return, reject, countersign."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from alertbot.approval import policy
from alertbot.approval.moves import Verb
from alertbot.errors import Refused
from alertbot.model import MACHINE, Person
from alertbot.service import guidance, notices, publishing, rivals, taking_back, views, vouching
from alertbot.service.context import Context
from alertbot.store import alerts, audit, reading, workers
from alertbot.store.connection import Connection
from alertbot.store.reading import Alert
from alertbot.words import _


async def _nothing(conn: Connection) -> None:
    """What a decision at the command line needs besides."""


@dataclass(frozen=True, slots=True)
class Through:
    """The way a decision came. `way` stands in the audit; `besides` runs in the decision's own
    transaction, before anything is decided, and may refuse (a link that has been used up)."""

    way: str | None = None
    besides: Callable[[Connection], Awaitable[None]] = _nothing


AT_THE_DESK = Through()


async def approve(
    service: Context,
    actor: Person,
    reference: str,
    digest: str | None,
    through: Through = AT_THE_DESK,
) -> dict[str, Any]:
    """Sign exactly what was shown. The last approval needed creates the deliveries in the same
    transaction. Raises `Refused`, `Faulty` or `PastMoment` with the rule that stands against it."""

    async def work(conn: Connection) -> tuple[str, timedelta | None]:
        now = service.now
        alert = await reading.get(conn, reference, lock=True)
        await through.besides(conn)
        so_far = await reading.approvals_of(conn, alert.id, now=now)
        shown = None if digest else await reading.shown_to(conn, actor.id, alert.id)
        policy.may_approve(as_read(service, alert), actor, so_far, digest=digest, shown=shown, now=now)
        await rivals.require_free(conn, alert)
        await guidance.require_agreement(conn, alert, now)
        said = await _unchanged(conn, alert)
        rows = await vouching.require_in_force(conn, service, alert)
        signed = await alerts.sign(conn, alert, actor, now=now, so_far=so_far)
        await _note(service, conn, actor, "approve", alert, **_came(through), **_vouched(rows))
        if not policy.approved_enough(alert, signed, now):
            return alert.id, None
        alert = await alerts.approve(conn, alert, now=now)
        return alert.id, await _let_go(service, conn, actor, alert, said)

    return await _told(service, *await service.database.transact(work))


async def break_glass(
    service: Context, actor: Person, reference: str, digest: str | None, reason: str
) -> dict[str, Any]:
    """One person publishes alone: loud, told to every approver, open until countersigned."""

    async def work(conn: Connection) -> tuple[str, timedelta | None]:
        now = service.now
        alert = await reading.get(conn, reference, lock=True)
        why = policy.may_break_glass(
            as_read(service, alert), actor, digest=digest, reason=reason, now=now
        )
        await rivals.require_free(conn, alert)
        await guidance.require_agreement(conn, alert, now)
        said = await _unchanged(conn, alert)
        rows = await vouching.require_in_force(conn, service, alert)
        alert = await alerts.break_glass(conn, alert, by=actor, reason=why, now=now)
        await _note(service, conn, actor, "break-glass", alert, reason=why, **_vouched(rows))
        await notices.glass_broken(service, conn, alert, actor, why)
        return alert.id, await _let_go(service, conn, actor, alert, said)

    return await _told(service, *await service.database.transact(work))


async def approve_ahead(
    service: Context, conn: Connection, alert: Alert, **grounds: object
) -> timedelta:
    """Approve what people approved ahead (R33), in the caller's transaction: sound, in agreement with what
    callers are told, unchanged since it was written. `grounds`: for the audit. Answers how long until the
    first call may start; raises as `approve` does."""
    now = service.now
    policy.require_sound(as_read(service, alert), now)
    await rivals.require_free(conn, alert)
    await guidance.require_agreement(conn, alert, now)
    said = await _unchanged(conn, alert)
    rows = await vouching.require_in_force(conn, service, alert)
    alert = await alerts.approve(conn, alert, now=now)
    await _note(service, conn, MACHINE, "approve", alert, **grounds, **_vouched(rows))
    return await _let_go(service, conn, MACHINE, alert, said)


async def _let_go(
    service: Context, conn: Connection, actor: Person, alert: Alert, said: publishing.Stored
) -> timedelta:
    """An approved alert takes effect on what it follows, and goes to the outbox."""
    reached = await taking_back.take_effect(service, conn, actor, alert)
    return await publishing.enqueue(service, conn, alert, said, reached)


async def return_(
    service: Context, actor: Person, reference: str, reason: str, through: Through = AT_THE_DESK
) -> dict[str, Any]:
    return await _send_away(service, actor, reference, Verb.RETURN, reason, through)


async def reject(
    service: Context, actor: Person, reference: str, reason: str, through: Through = AT_THE_DESK
) -> dict[str, Any]:
    return await _send_away(service, actor, reference, Verb.REJECT, reason, through)


async def countersign(service: Context, actor: Person, reference: str) -> dict[str, Any]:
    async def work(conn: Connection) -> dict[str, Any]:
        alert = await reading.get(conn, reference, lock=True)
        policy.may_countersign(alert, actor)
        alert = await alerts.countersign(conn, alert, by=actor, now=service.now)
        await _note(service, conn, actor, "countersign", alert)
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


async def expire_overdue(service: Context) -> int:
    """Pending alerts whose time to be approved is over become expired. Answers how many."""

    async def work(conn: Connection) -> int:
        late = await reading.overdue(conn, now=service.now)
        for alert in late:
            reason = _("Nobody approved it in time.")
            gone = await alerts.advance(conn, alert, Verb.EXPIRE, reason=reason)
            await audit.append(
                conn, actor="alertbot", verb="expire", at=service.now, alert=gone.id, digest=gone.digest
            )
        return len(late)

    if not await service.database.read(lambda conn: reading.overdue(conn, now=service.now)):
        return 0
    return await service.database.transact(work)


async def _send_away(
    service: Context, actor: Person, reference: str, verb: Verb, reason: str, through: Through
) -> dict[str, Any]:
    await expire_overdue(service)

    async def work(conn: Connection) -> dict[str, Any]:
        policy.require_role(verb, actor)
        alert = await reading.get(conn, reference, lock=True)
        await through.besides(conn)
        why = policy.require_reason(verb, alert.id, reason)
        alert = await alerts.advance(conn, alert, verb, reason=why)
        await _note(service, conn, actor, str(verb), alert, reason=why, **_came(through))
        return await views.full(conn, alert, service.now)

    return await service.database.transact(work)


def _came(through: Through) -> dict[str, str]:
    return {"way": through.way} if through.way else {}


async def _told(service: Context, alert_id: str, wait: timedelta | None) -> dict[str, Any]:
    """The alert after the decision, and when its first call starts. Read once the decision has committed:
    the worker need not wait for what is only shown."""

    async def look(conn: Connection) -> dict[str, Any]:
        view = await views.full(conn, await reading.get(conn, alert_id), service.now)
        if wait is None:
            return view
        alive = await workers.any_alive(conn)
        return view | {"start": {"worker_alive": alive, "seconds": wait.total_seconds()}}

    return await service.database.read(look)


def as_read(service: Context, alert: Alert) -> Alert:
    """The alert with its promised times in the organisation's zone, for sentences to people."""
    return replace(alert, promised=service.voice.local(alert.promised))


async def _unchanged(conn: Connection, alert: Alert) -> publishing.Stored:
    """The stored texts, which still make the digest that is signed (promise 2). Raises `Refused`."""
    said = await publishing.stored(conn, alert)
    if broken := publishing.disagreement(alert, said, alert.digest):
        raise Refused(broken)
    return said


def _vouched(rows: dict[str, int]) -> dict[str, object]:
    """Which form of which entries was approved, for the audit (R34)."""
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
