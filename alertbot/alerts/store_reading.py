"""Reading alerts: the alert, its texts and targets, who approved, who saw what, what was posted by hand."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, exists, select

from alertbot.alerts.rules_policy import AlertFacts, Approval
from alertbot.core.errors import Misuse, NotThere
from alertbot.core.frozen import dataclass
from alertbot.core.model import (
    Action,
    AlertState,
    Approvals,
    DeliveryState,
    Fault,
    Measure,
    Message,
    Omission,
    Purpose,
    RawValues,
    Relation,
    Target,
    WhenUncertain,
)
from alertbot.core.target_list import TargetList
from alertbot.core.words import _, retold
from alertbot.db import facts
from alertbot.db.sql import AUDIT, Connection, take_lock
from alertbot.db.tables import (
    alert,
    approval,
    delivery,
    dispatch,
    message,
    person,
    record,
    shown,
    target,
)
from alertbot.people import store_people
from alertbot.texts.digest import Erasure

SHORTEST_BEGINNING = 4  # an incident's letters: a slip of the finger must not name an alert
_NAMED_MATCHES = 5
PAGE_ROWS = 2000  # of readers and their posts, of which there may be fifty thousand
TAKES_BACK = (Relation.CORRECTION, Relation.WITHDRAWAL, Relation.RETRACTION, Relation.CANCEL)
"""Relations of alerts whose author may approve them, where the kind says so and the original was sent."""

_original = alert.alias("original")
_ALERTS = select(
    alert,
    and_(
        alert.c.author_may_approve,
        alert.c.relation.in_([str(one) for one in TAKES_BACK]),
        exists().where(_original.c.id == alert.c.original, _original.c.approved_at.is_not(None)),
        exists().where(
            dispatch.c.alert_id == alert.c.original,
            dispatch.c.purpose == str(Purpose.PUBLICATION),
            delivery.c.dispatch_id == dispatch.c.id,
            delivery.c.state == str(DeliveryState.SENT),
        ),
    ).label("takes_back"),
)


@dataclass(frozen=True, kw_only=True)
class Alert(AlertFacts):
    """An alert without its texts. `given`: field values, times resolved; `raw`: the same as typed.

    `approvals`: as the kind asks for, but that its author may approve holds only for what takes back an alert
    that this program sent after approval.
    """

    incident: str
    number: int
    kind: str
    exercise: bool
    languages: tuple[str, ...]
    channels: tuple[str, ...]
    given: RawValues
    raw: RawValues
    accepted: dict[str, str]
    revision: int
    drafted_at: datetime
    composed_at: datetime
    submitted_at: datetime | None
    not_before: datetime | None
    priority: int
    ttl: timedelta
    when_uncertain: WhenUncertain
    warnings: tuple[Fault, ...]
    omitted: tuple[Omission, ...]
    references: tuple[str, ...]
    reason: str | None
    break_glass_reason: str | None
    countersigned_at: datetime | None
    relation: Relation | None = None  # how it follows `original`
    original: str | None = None
    guidance: Mapping[str, Any] | None = None  # see `rules_guidance.from_json`
    salt: str | None = None  # in the digest, since the submission
    terms: Mapping[str, Any] | None = None  # see `sealing`; None before it was submitted
    assistant: str | None = None  # that worded it for its author
    content: str | None = (
        None  # since an address of it was erased, as `named`: see `texts.digest.Erasure`
    )
    named: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A post made by hand."""

    channel: str
    url: str
    remote_id: str | None
    person_id: int
    at: datetime


async def get(conn: Connection, reference: str, *, lock: bool = False) -> Alert:
    """The alert with this id, in any case, or with a unique beginning of at least four letters. Raises
    `Misuse` if there is none.

    With `lock`, nobody else changes this alert until the transaction ends. The audit lock is taken
    first, as by every change, so that a person and a worker never deadlock.
    """
    if lock:
        await take_lock(conn, AUDIT)
    wanted = reference.strip().upper()
    row = await _row(conn, wanted, lock=lock)
    if row is None:
        row = await _row(conn, await _only_match(conn, wanted), lock=lock)
    if row is None:
        raise NotThere(_no_alert(reference.strip()))
    return _alert(row)


async def id_of(conn: Connection, reference: str) -> str:
    """The id that `get` would find, even in a database of another version. Raises `Misuse` if there is
    none."""
    wanted = reference.strip().upper()
    if await conn.scalar(select(alert.c.id).where(alert.c.id == wanted)) is not None:
        return wanted
    if found := await _only_match(conn, wanted):
        return found
    raise NotThere(_no_alert(reference.strip()))


async def listing(
    conn: Connection,
    *,
    states: Collection[AlertState] | None = None,
    incident: str | None = None,
    limit: int | None = None,
) -> tuple[Alert, ...]:
    """Alerts, newest first."""
    query = _ALERTS.order_by(alert.c.drafted_at.desc(), alert.c.number.desc()).limit(limit)
    if states is not None:
        query = query.where(alert.c.state.in_([str(state) for state in states]))
    if incident is not None:
        query = query.where(alert.c.incident_id == incident.strip().upper())
    return await _alerts(conn, query)


async def overdue(conn: Connection, *, now: datetime) -> tuple[Alert, ...]:
    """Pending alerts whose approval deadline has passed."""
    query = _ALERTS.where(alert.c.state == str(AlertState.PENDING), alert.c.pending_until <= now)
    return await _alerts(conn, query.order_by(alert.c.id))


async def lapsing(conn: Connection, *, since: datetime) -> tuple[Alert, ...]:
    """Alerts whose approval may lapse (pending, or approved and not begun), and those that expired for want of
    one, if it was due at `since` or later."""
    waits = alert.c.state.in_([str(AlertState.PENDING), str(AlertState.APPROVED)])
    gone = (alert.c.state == str(AlertState.EXPIRED)) & (alert.c.pending_until >= since)
    return await _alerts(conn, _ALERTS.where(waits | gone).order_by(alert.c.id))


async def open_glass(conn: Connection) -> tuple[Alert, ...]:
    """Alerts that one person published alone and nobody has countersigned."""
    query = _ALERTS.where(alert.c.break_glass_by.is_not(None), alert.c.countersigned_by.is_(None))
    return await _alerts(conn, query.order_by(alert.c.id))


async def messages_of(
    conn: Connection,
    alert_id: str,
    purpose: Purpose = Purpose.PUBLICATION,
    revision: int | None = None,
) -> dict[int, Message]:
    """Texts by row id, in the order composed. For the publication and the prepared retraction only those of one
    `revision`, which is the current one unless given."""
    query = select(message).where(message.c.alert_id == alert_id, message.c.purpose == str(purpose))
    if purpose in (Purpose.PUBLICATION, Purpose.RETRACTION):
        present = select(alert.c.revision).where(alert.c.id == alert_id).scalar_subquery()
        query = query.where(message.c.revision == (present if revision is None else revision))
    rows = await conn.execute(query.order_by(message.c.id))
    return {row.id: _message(row) for row in rows}


@dataclass(frozen=True, slots=True)
class StoredTexts:
    """What an alert's digest covers: its texts and those of its prepared retraction by row id, and its targets.
    `erasure`: what stands in for the targets whose addresses were erased."""

    texts: Mapping[int, Message]
    targets: Mapping[str, Sequence[Target]]
    retraction: Mapping[int, Message]
    erasure: Erasure | None = None


async def stored_texts(conn: Connection, alert_id: str, channels: Iterable[str]) -> StoredTexts:
    """The texts of the alert's current revision, and the targets in its `channels`."""
    signed = (Purpose.PUBLICATION.value, Purpose.RETRACTION.value)
    mine = alert.c.id == alert_id
    present = select(alert.c.revision).where(mine).scalar_subquery()
    query = select(message).where(
        message.c.alert_id == alert_id, message.c.purpose.in_(signed), message.c.revision == present
    )
    found: dict[str, dict[int, Message]] = {name: {} for name in signed}
    for row in await conn.execute(query.order_by(message.c.id)):
        found[row.purpose][row.id] = _message(row)
    targets = await targets_of(conn, alert_id, channels)
    kept = (await conn.execute(select(alert.c.content, alert.c.named).where(mine))).one_or_none()
    erasure = None
    if kept is not None and kept.content is not None:
        key = await facts.pseudonym_key(conn, make=False)
        erasure = Erasure(kept.content, kept.named or "", with_pseudonyms(targets, key))
    return StoredTexts(found[signed[0]], targets, found[signed[1]], erasure)


def with_pseudonyms(targets: Mapping[str, Sequence[Target]], key: bytes) -> dict[str, Sequence[Target]]:
    """The targets, each with the pseudonym of its address in the place of it."""
    return {
        name: TargetList(Target(facts.pseudonym_of(key, one.address), one.lang) for one in group)
        for name, group in targets.items()
    }


async def targets_of(
    conn: Connection, alert_id: str, channels: Iterable[str] | None = None
) -> dict[str, Sequence[Target]]:
    """The targets of every channel of the alert, in order; empty for a channel without any. `channels`:
    those of the alert, if already known."""
    if channels is None:
        channels = await conn.scalar(select(alert.c.channels).where(alert.c.id == alert_id)) or ()
    found = {channel: TargetList() for channel in channels}
    mine = select(target).where(target.c.alert_id == alert_id).order_by(target.c.id).limit(PAGE_ROWS)
    after = 0
    while True:  # page by page: fifty thousand rows at once would hold up the event loop
        rows = (await conn.execute(mine.where(target.c.id > after))).all()
        for row in rows:
            one = Target(row.address, row.lang, tuple(row.topics))
            found.setdefault(row.channel, TargetList()).append(one)
        if len(rows) < PAGE_ROWS:
            return dict(found)
        after = rows[-1].id


async def approvals_of(conn: Connection, alert_id: str, *, now: datetime) -> tuple[Approval, ...]:
    """Every approval, void ones too, oldest first, each with the person's current status."""
    a = approval.c
    query = (
        select(person, a.digest, a.at, a.expires_at, a.void, a.hands.label("given_by"))
        .join_from(approval, person, person.c.id == a.person_id)
        .where(a.alert_id == alert_id)
        .order_by(a.id)
    )
    return tuple(
        Approval(
            store_people.person_of(row, now),
            row.digest,
            row.at,
            row.expires_at,
            row.void,
            frozenset(row.given_by or ()),
        )
        for row in await conn.execute(query)
    )


async def shown_to(conn: Connection, person_id: int, alert_id: str) -> str | None:
    """The digest of the alert last shown to this person."""
    query = select(shown.c.digest)
    found = await conn.scalar(query.where(shown.c.person_id == person_id, shown.c.alert_id == alert_id))
    return None if found is None else str(found)


async def seen_revision(conn: Connection, person_id: int, alert_id: str) -> int | None:
    """The revision of the alert last shown to this person, as far as it was kept."""
    mine = (shown.c.person_id == person_id) & (shown.c.alert_id == alert_id)
    found = await conn.scalar(select(shown.c.revision).where(mine))
    return None if found is None else int(found)


async def records_of(conn: Connection, *alert_ids: str) -> tuple[Record, ...]:
    """Posts of these alerts that were made by hand, oldest first."""
    query = select(record).where(record.c.alert_id.in_(alert_ids)).order_by(record.c.id)
    return tuple(
        Record(row.channel, row.url, row.remote_id, row.person_id, row.at)
        for row in await conn.execute(query)
    )


async def recorded_for(
    conn: Connection, channel: str, url: str, remote_id: str | None = None
) -> str | None:
    """The alert for which a person recorded this post, by its address or its id; None if nobody did."""
    same = record.c.url == url
    if remote_id is not None:
        same = same | (record.c.remote_id == remote_id)
    mine = (record.c.channel == channel) & same
    found = await conn.scalar(select(record.c.alert_id).where(mine).limit(1))
    return None if found is None else str(found)


async def _row(conn: Connection, alert_id: str, *, lock: bool) -> Row[Any] | None:
    query = _ALERTS.where(alert.c.id == alert_id)
    return (await conn.execute(query.with_for_update(of=alert) if lock else query)).one_or_none()


async def _only_match(conn: Connection, beginning: str) -> str:
    if len(beginning) < SHORTEST_BEGINNING:
        raise NotThere(_no_alert(beginning))
    query = select(alert.c.id).where(alert.c.id.startswith(beginning, autoescape=True))
    ids = list(await conn.scalars(query.order_by(alert.c.number).limit(_NAMED_MATCHES)))
    if len(ids) > 1:
        raise Misuse(
            _("'{given}' could be any of {ids}. Write the whole id.").format(
                given=beginning, ids=", ".join(ids)
            )
        )
    return str(ids[0]) if ids else ""


def _no_alert(reference: str) -> str:
    return _("There is no alert '{id}'; `alertbot status` lists the alerts.").format(id=reference)


async def _alerts(conn: Connection, query: Select[Any]) -> tuple[Alert, ...]:
    return tuple(_alert(row) for row in await conn.execute(query))


def _fault(stored: Mapping[str, Any]) -> Fault:
    """A fault in the reader's language, whoever's the writer's was."""
    return Fault(**(dict(stored) | {"message": retold(str(stored["message"]))}))


def _alert(row: Row[Any]) -> Alert:
    values = dict(row._mapping)
    del values["author_may_approve"]
    approvals = Approvals(
        values.pop("approvers"),
        bool(values.pop("takes_back")),
        timedelta(seconds=values.pop("expires_after_seconds")),
    )
    promised = tuple(datetime.fromtimestamp(moment, UTC) for moment in values.pop("promised"))
    return Alert(
        state=AlertState(values.pop("state")),
        incident=values.pop("incident_id"),
        approvals=approvals,
        promised=promised,
        ttl=timedelta(seconds=values.pop("ttl_seconds")),
        when_uncertain=WhenUncertain(values.pop("when_uncertain")),
        faults=tuple(map(_fault, values.pop("faults"))),
        warnings=tuple(map(_fault, values.pop("warnings"))),
        omitted=tuple(Omission(**omission) for omission in values.pop("omitted")),
        editors=tuple(values.pop("editors") or ()),
        written_by=tuple(values.pop("hands") or ()),
        glass_by=tuple(values.pop("glass_hands") or ()),
        languages=tuple(values.pop("languages")),
        channels=tuple(values.pop("channels")),
        references=tuple(values.pop("references")),
        relation=Relation(word) if (word := values.pop("relation")) else None,
        **values,
    )


def _message(row: Row[Any]) -> Message:
    values = dict(row._mapping)
    for column in ("id", "alert_id", "revision", "purpose"):
        del values[column]
    measure, action = Measure(values.pop("measure")), Action(values.pop("action"))
    return Message(measure=measure, action=action, **values)
