"""Writing alerts: drafts, edits, approvals, state changes, and what people were shown or posted by hand.
The rules are in `rules_policy` and `rules_moves`, reading is in `store_reading`.

Every change names the alert as it was read. If its state or revision has changed since, the change is
refused and nothing is written: of two people who act at once, one succeeds and the other is told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from dataclasses import replace as replace_fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, insert, null, update

from alertbot.alerts.rules_moves import MOVES, move
from alertbot.alerts.rules_policy import Approval
from alertbot.alerts.store_reading import Alert, approvals_of, get
from alertbot.core.errors import Refused
from alertbot.core.frozen import dataclass
from alertbot.core.model import (
    AlertState,
    Approvals,
    Composition,
    Fault,
    Person,
    Relation,
    WhenUncertain,
)
from alertbot.core.words import _
from alertbot.db import tables
from alertbot.db.database import drawn
from alertbot.db.sql import AUDIT, ColumnValues, Connection, take_lock
from alertbot.db.tables import approval, record, shown
from alertbot.delivery import store_outbox
from alertbot.people.rules import Verb
from alertbot.texts.digest import Terms, new_salt, salted


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The content of an alert, apart from its texts. `approvals`: the effective ones."""

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
    conn: Connection,
    draft: Draft,
    composition: Composition,
    *,
    incident: str,
    number: int,
    by: Person | None,
    now: datetime,
    originals: Iterable[Alert] = (),
    assistant: str | None = None,
) -> Alert:
    """Insert a new draft with its texts and targets. Its id is `INCIDENT-NUMBER`. `by` None or
    `MACHINE`: the program. `originals`: alerts whose words it takes over; where no second hand has approved
    those, their writers are writers of this one."""
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
            hands=sorted(_hands(by).union(*(one.hands for one in originals if not one.vouched))),
            assistant=assistant or next(filter(None, (one.assistant for one in originals)), None),
            drafted_at=now,
            composed_at=now,
            **_draft_columns(draft),
            **_composed_columns(composition),
        )
    )
    await store_outbox.write(conn, alert_id, 1, composition)
    return await get(conn, alert_id)


async def replace(
    conn: Connection,
    alert: Alert,
    draft: Draft,
    composition: Composition,
    *,
    by: Person,
    now: datetime,
) -> Alert:
    """Store an edit: a draft again, with a new revision and new texts; every approval becomes void.

    Earlier texts stay in the database. The caller cancels an approved alert's deliveries in the same
    transaction. Raises `Refused` if the alert can no longer be edited.
    """
    await _move(
        conn,
        alert,
        Verb.EDIT,
        revision=alert.revision + 1,
        last_editor_id=by.id,
        editors=sorted({*alert.editors, *filter(None, [alert.last_editor_id]), by.id}),
        hands=sorted(alert.hands | by.hands),
        composed_at=now,
        **_unapproved(),
        **_draft_columns(draft),
        **_composed_columns(composition),
    )
    await conn.execute(update(approval).where(approval.c.alert_id == alert.id).values(void=True))
    await store_outbox.write(conn, alert.id, alert.revision + 1, composition)
    return await get(conn, alert.id)


async def submit(
    conn: Connection, alert: Alert, *, by: Person, now: datetime, terms: Terms | None = None
) -> Alert:
    """Make a draft pending until its approval deadline, with a fresh salt and `terms` (see `sealing`) in its
    digest. Raises `Refused` if it has changed."""
    salt = drawn("salt", new_salt)
    return await _move(
        conn,
        alert,
        Verb.SUBMIT,
        salt=salt,
        terms=null() if terms is None else dict(terms),
        digest=salted(alert.digest, salt, terms),
        submitter_id=by.id or None,
        hands=sorted(alert.hands | by.hands),
        submitted_at=now,
        pending_until=now + alert.approvals.expires_after,
        reason=None,
    )


async def sign(
    conn: Connection,
    alert: Alert,
    person: Person,
    *,
    now: datetime,
    so_far: tuple[Approval, ...] | None = None,
) -> tuple[Approval, ...]:
    """Store an approval. Returns all approvals, including those that others have just stored.

    `so_far`: the existing approvals, if the caller read them under the alert's lock. Nobody else changes
    the alert until this transaction ends. `policy.may_approve` decides who may sign.
    """
    await _update(conn, alert, state=str(alert.state))
    ends = now + alert.approvals.expires_after
    fresh = Approval(person, alert.digest, now, ends, given_by=person.hands)
    await conn.execute(
        insert(approval).values(
            alert_id=alert.id,
            person_id=person.id,
            digest=fresh.digest,
            at=fresh.at,
            expires_at=fresh.expires_at,
            void=fresh.void,
            hands=sorted(person.hands),
        )
    )
    if so_far is None:
        return await approvals_of(conn, alert.id, now=now)
    return (*so_far, fresh)


async def approve(
    conn: Connection, alert: Alert, *, now: datetime, alone: Person | None = None
) -> Alert:
    """Make the alert approved: enough people have signed, or it was approved in advance (R33). `alone`: who
    both wrote and approved it, where that is enough. Raises `Refused` if it has changed."""
    state = move(alert.state, Verb.APPROVE, alert=alert.id)
    one, hands = (alone.id, sorted(alone.hands)) if alone else (None, [])
    glass = {"break_glass_by": one, "glass_hands": hands}
    await _update(conn, alert, state=str(state), approved_at=now, **glass)
    return replace_fields(
        alert, state=state, approved_at=now, break_glass_by=one, glass_by=tuple(hands)
    )


async def start(conn: Connection, alert_id: str) -> str | None:
    """Mark the alert as publishing before its first call. Returns its digest, or None if it was
    publishing already. A single statement, because the call waits for it."""
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
    conn: Connection, alert: Alert, *, by: Person, reason: str, now: datetime
) -> Alert:
    """Store one person's approval as sufficient (`policy.may_break_glass`)."""
    return await _move(
        conn,
        alert,
        Verb.BREAK_GLASS,
        approved_at=now,
        break_glass_by=by.id,
        break_glass_reason=reason,
        glass_hands=sorted(by.hands),
        countersigned_by=None,
        countersigned_at=None,
    )


async def countersign(conn: Connection, alert: Alert, *, by: Person, now: datetime) -> Alert:
    """Store another approver's review of what was published alone (`policy.may_countersign`)."""
    await _update(conn, alert, countersigned_by=by.id, countersigned_at=now)
    return await get(conn, alert.id)


async def advance(conn: Connection, alert: Alert, verb: Verb, *, reason: str | None = None) -> Alert:
    """Make any state change that needs only a reason: return, reject, discard, expire, start, complete.
    Without a reason the last one is kept. Raises `Refused` if the alert has changed."""
    return await _move(conn, alert, verb, **({} if reason is None else {"reason": reason}))


async def note_guidance(
    conn: Connection, alert: Alert, guidance: Mapping[str, Any], faults: Iterable[Fault]
) -> Alert:
    """Store a new comparison with the other alerts; the texts stay as they are."""
    await _update(conn, alert, guidance=dict(guidance), faults=[asdict(fault) for fault in faults])
    return await get(conn, alert.id)


async def note_shown(conn: Connection, person: Person, alert: Alert, *, now: datetime) -> None:
    """Record that this person has seen these texts."""
    mine = (shown.c.person_id == person.id) & (shown.c.alert_id == alert.id)
    await conn.execute(delete(shown).where(mine))
    await conn.execute(
        insert(shown).values(
            person_id=person.id,
            alert_id=alert.id,
            digest=alert.digest,
            revision=alert.revision,
            at=now,
        )
    )


async def note_record(
    conn: Connection,
    alert: Alert,
    *,
    channel: str,
    url: str,
    remote_id: str | None,
    by: Person,
    now: datetime,
) -> None:
    """Record a post made by hand."""
    await conn.execute(
        insert(record).values(
            alert_id=alert.id, channel=channel, url=url, remote_id=remote_id, person_id=by.id, at=now
        )
    )


async def _move(conn: Connection, alert: Alert, verb: Verb, **changes: Any) -> Alert:
    state = move(alert.state, verb, alert=alert.id)
    await _update(conn, alert, state=str(state), **changes)
    return await get(conn, alert.id)


async def _update(conn: Connection, alert: Alert, **changes: Any) -> None:
    """Update the alert. Raises `Refused` if it is no longer as it was read."""
    unchanged = (tables.alert.c.state == str(alert.state)) & (tables.alert.c.revision == alert.revision)
    result = await conn.execute(
        update(tables.alert).where(tables.alert.c.id == alert.id, unchanged).values(**changes)
    )
    if result.rowcount != 1:
        raise Refused(
            _(
                "Someone else has just changed {alert}. Check it again with `alertbot show {alert}`."
            ).format(alert=alert.id)
        )


def _hands(by: Person | None) -> frozenset[int]:
    return by.hands if by else frozenset()


def _draft_columns(draft: Draft) -> ColumnValues:
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


def _composed_columns(composition: Composition) -> ColumnValues:
    return {
        "digest": composition.digest,
        "promised": [moment.timestamp() for moment in composition.promised],
        "faults": [asdict(fault) for fault in composition.faults],
        "warnings": [asdict(warning) for warning in composition.warnings],
        "omitted": [asdict(omission) for omission in composition.omitted],
    }


def _unapproved() -> ColumnValues:
    """The columns that an edit resets."""
    return {"terms": null()} | dict.fromkeys(
        (
            "salt",
            "submitter_id",
            "submitted_at",
            "pending_until",
            "approved_at",
            "break_glass_by",
            "break_glass_reason",
            "glass_hands",
            "countersigned_by",
            "countersigned_at",
            "content",
            "named",
        )
    )
