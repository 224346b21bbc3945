"""What happens to alerts, written down. Rules are `approval`'s; here a move is made, or is refused
because somebody else was faster.

Every change names the alert as its writer read it; where state or revision are no longer the same, it
is refused and nothing is changed. So of two people who act at once, one wins and the other is told.
Reading is in `reading`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from dataclasses import replace as replace_fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from alertbot.alerts.rules_moves import MOVES, move
from alertbot.alerts.rules_policy import Approval
from alertbot.alerts.store_reading import Alert, approvals_of, get
from alertbot.core.errors import Refused
from alertbot.core.model import (
    AlertState,
    Approvals,
    Composition,
    Fault,
    Person,
    Relation,
    Verb,
    WhenUncertain,
)
from alertbot.core.words import _
from alertbot.db import tables
from alertbot.db.locks import AUDIT, take_lock
from alertbot.db.tables import approval, record, shown
from alertbot.delivery import store_outbox


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What an alert is to say, apart from its texts. `approvals`: the effective ones."""

    kind: str
    exercise: bool
    languages: tuple[str, ...]
    channels: tuple[str, ...]
    given: Mapping[str, Any]
    raw: Mapping[str, Any]
    accepted: Mapping[str, str]
    approvals: Approvals
    priority: int
    ttl: timedelta
    when_uncertain: WhenUncertain
    not_before: datetime | None = None
    references: tuple[str, ...] = ()
    relation: Relation | None = None
    original: str | None = None
    guidance: Mapping[str, Any] | None = None


async def insert_draft(
    conn: AsyncConnection,
    draft: Draft,
    composition: Composition,
    *,
    incident: str,
    number: int,
    by: Person | None,
    now: datetime,
) -> Alert:
    """A new draft with its texts and targets. Its id is `INCIDENT-NUMBER`; `by` None or `MACHINE`: the
    program."""
    alert_id = f"{incident}-{number}"
    author = (by.id or None) if by else None
    await conn.execute(
        insert(tables.alert).values(
            id=alert_id,
            incident_id=incident,
            number=number,
            state=str(AlertState.DRAFT),
            revision=1,
            author_id=author,
            last_editor_id=author,
            drafted_at=now,
            composed_at=now,
            **_draft_columns(draft),
            **_composed_columns(composition),
        )
    )
    await store_outbox.write(conn, alert_id, 1, composition)
    return await get(conn, alert_id)


async def replace(
    conn: AsyncConnection,
    alert: Alert,
    draft: Draft,
    composition: Composition,
    *,
    by: Person,
    now: datetime,
) -> Alert:
    """An edit: a draft again, one revision on, with new texts; every approval is void.

    The texts before it stay in the database for the record. An approved alert's deliveries are for the
    caller to cancel, in the same transaction. Raises `Refused` where it cannot be edited any more.
    """
    await _move(
        conn,
        alert,
        Verb.EDIT,
        revision=alert.revision + 1,
        last_editor_id=by.id,
        composed_at=now,
        **_unapproved(),
        **_draft_columns(draft),
        **_composed_columns(composition),
    )
    await conn.execute(update(approval).where(approval.c.alert_id == alert.id).values(void=True))
    await store_outbox.write(conn, alert.id, alert.revision + 1, composition)
    return await get(conn, alert.id)


async def submit(conn: AsyncConnection, alert: Alert, *, by: Person, now: datetime) -> Alert:
    """Let it wait for approvers, as long as its approvals last."""
    return await _move(
        conn,
        alert,
        Verb.SUBMIT,
        submitter_id=by.id or None,
        submitted_at=now,
        pending_until=now + alert.approvals.expires_after,
        reason=None,
    )


async def sign(
    conn: AsyncConnection,
    alert: Alert,
    person: Person,
    *,
    now: datetime,
    so_far: tuple[Approval, ...] | None = None,
) -> tuple[Approval, ...]:
    """Write one approval down; gives all of them, those that others wrote at the same time too.

    `so_far`: those there are, where the caller has read them under the alert's lock. Until this transaction
    ends, nobody else changes the alert. Who may sign is `policy.may_approve`.
    """
    await _update(conn, alert, state=str(alert.state))
    fresh = Approval(person, alert.digest, now, now + alert.approvals.expires_after)
    await conn.execute(
        insert(approval).values(
            alert_id=alert.id,
            person_id=person.id,
            digest=fresh.digest,
            at=fresh.at,
            expires_at=fresh.expires_at,
            void=fresh.void,
        )
    )
    if so_far is None:
        return await approvals_of(conn, alert.id, now=now)
    return (*so_far, fresh)


async def approve(conn: AsyncConnection, alert: Alert, *, now: datetime) -> Alert:
    """Approvers enough have signed (`policy.approved_enough`), or the alert was approved ahead (R33)."""
    state = move(alert.state, Verb.APPROVE, alert=alert.id)
    await _update(conn, alert, state=str(state), approved_at=now)
    return replace_fields(alert, state=state, approved_at=now)


async def start(conn: AsyncConnection, alert_id: str) -> str | None:
    """A first call is about to be made: the alert is being published. Its digest, or None where it was
    already. One statement, because the call waits for it."""
    await take_lock(conn, AUDIT)
    fitting = [str(state) for state, verb in MOVES if verb is Verb.START]
    begun = (
        update(tables.alert)
        .where(tables.alert.c.id == alert_id, tables.alert.c.state.in_(fitting))
        .values(state=str(AlertState.PUBLISHING))
        .returning(tables.alert.c.digest)
    )
    found = await conn.scalar(begun)
    return None if found is None else str(found)


async def break_glass(
    conn: AsyncConnection, alert: Alert, *, by: Person, reason: str, now: datetime
) -> Alert:
    """One person approves alone (`policy.may_break_glass`)."""
    return await _move(
        conn,
        alert,
        Verb.BREAK_GLASS,
        approved_at=now,
        break_glass_by=by.id,
        break_glass_reason=reason,
        countersigned_by=None,
        countersigned_at=None,
    )


async def countersign(conn: AsyncConnection, alert: Alert, *, by: Person, now: datetime) -> Alert:
    """Another approver has looked at what was published alone (`policy.may_countersign`)."""
    await _update(conn, alert, countersigned_by=by.id, countersigned_at=now)
    return await get(conn, alert.id)


async def advance(
    conn: AsyncConnection, alert: Alert, verb: Verb, *, reason: str | None = None
) -> Alert:
    """Any move that needs nothing but a reason: return, reject, discard, expire, start, complete, …
    Without a reason the last one stays."""
    return await _move(conn, alert, verb, **({} if reason is None else {"reason": reason}))


async def note_guidance(
    conn: AsyncConnection, alert: Alert, guidance: Mapping[str, Any], faults: Iterable[Fault]
) -> Alert:
    """What it tells callers was compared anew with the other alerts; its texts stay as they are."""
    await _update(conn, alert, guidance=dict(guidance), faults=[asdict(fault) for fault in faults])
    return await get(conn, alert.id)


async def note_shown(conn: AsyncConnection, person: Person, alert: Alert, *, now: datetime) -> None:
    """This person has now seen these texts."""
    mine = (shown.c.person_id == person.id) & (shown.c.alert_id == alert.id)
    await conn.execute(delete(shown).where(mine))
    await conn.execute(
        insert(shown).values(person_id=person.id, alert_id=alert.id, digest=alert.digest, at=now)
    )


async def note_record(
    conn: AsyncConnection,
    alert: Alert,
    *,
    channel: str,
    url: str,
    remote_id: str | None,
    by: Person,
    now: datetime,
) -> None:
    """Somebody posted it by hand."""
    await conn.execute(
        insert(record).values(
            alert_id=alert.id, channel=channel, url=url, remote_id=remote_id, person_id=by.id, at=now
        )
    )


async def _move(conn: AsyncConnection, alert: Alert, verb: Verb, **changes: Any) -> Alert:
    state = move(alert.state, verb, alert=alert.id)
    await _update(conn, alert, state=str(state), **changes)
    return await get(conn, alert.id)


async def _update(conn: AsyncConnection, alert: Alert, **changes: Any) -> None:
    """Only if the alert is still as it was read."""
    unchanged = (tables.alert.c.state == str(alert.state)) & (tables.alert.c.revision == alert.revision)
    result = await conn.execute(
        update(tables.alert).where(tables.alert.c.id == alert.id, unchanged).values(**changes)
    )
    if result.rowcount != 1:
        raise Refused(
            _(
                "Somebody else has just changed {alert}: look at it again with `alertbot show {alert}`."
            ).format(alert=alert.id)
        )


def _draft_columns(draft: Draft) -> dict[str, Any]:
    return {
        "kind": draft.kind,
        "exercise": draft.exercise,
        "languages": list(draft.languages),
        "channels": list(draft.channels),
        "given": dict(draft.given),
        "raw": dict(draft.raw),
        "accepted": dict(draft.accepted),
        "approvers": draft.approvals.approvers,
        "author_may_approve": draft.approvals.author_may_approve,
        "expires_after_seconds": draft.approvals.expires_after.total_seconds(),
        "priority": draft.priority,
        "ttl_seconds": draft.ttl.total_seconds(),
        "when_uncertain": str(draft.when_uncertain),
        "not_before": draft.not_before,
        "references": list(draft.references),
        "relation": draft.relation and str(draft.relation),
        "original": draft.original,
        "guidance": draft.guidance and dict(draft.guidance),
    }


def _composed_columns(composition: Composition) -> dict[str, Any]:
    return {
        "digest": composition.digest,
        "promised": [moment.timestamp() for moment in composition.promised],
        "faults": [asdict(fault) for fault in composition.faults],
        "warnings": [asdict(warning) for warning in composition.warnings],
        "omitted": [asdict(omission) for omission in composition.omitted],
    }


def _unapproved() -> dict[str, Any]:
    """What an edit takes back."""
    return dict.fromkeys(
        (
            "submitter_id",
            "submitted_at",
            "pending_until",
            "approved_at",
            "break_glass_by",
            "break_glass_reason",
            "countersigned_by",
            "countersigned_at",
        )
    )
