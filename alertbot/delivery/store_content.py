"""What a claimed delivery carries: the facts of its dispatch, its texts, and the earlier posts it
continues. Also what still has to be read back."""

from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, String, cast, exists, literal, or_, select, update

from alertbot.core.frozen import dataclass
from alertbot.core.model import Action, Message, Purpose, WhenUncertain
from alertbot.db.sql import NOW, Connection
from alertbot.db.tables import account, alert, delivery, dispatch, message

HELD_OR_OUT = ("sent", "sending")  # sending with an id: a person has it
NOTICE = "notice"  # what a notice about no alert is called in sentences and message ids


@dataclass(frozen=True, slots=True)
class DispatchFacts:
    """What the deliveries of one dispatch have in common."""

    dispatch: int
    alert: str
    channel: str
    account: int
    purpose: Purpose
    digest: str
    exercise: bool
    when_uncertain: WhenUncertain
    references: tuple[str, ...]  # earlier alerts that this one continues; it answers the last
    turn: int | None = None  # `halt.turn` at its last first call
    judged: bool = False  # it has begun, and nothing was resumed since


async def envelope(conn: Connection, dispatch_id: int) -> DispatchFacts:
    """The facts of a dispatch."""
    p = dispatch.c
    row = (
        await conn.execute(
            select(
                p.alert_id,
                account.c.name.label("channel"),
                p.account_id,
                p.purpose,
                p.digest,
                p.exercise,
                p.when_uncertain,
                p.turn,
                alert.c.references,
                alert.c.original,
            )
            .join_from(dispatch, account, account.c.id == p.account_id)
            .outerjoin(alert, alert.c.id == p.alert_id)
            .where(p.id == dispatch_id)
        )
    ).one()
    purpose, doubt = Purpose(row.purpose), WhenUncertain(row.when_uncertain)
    about, references = row.alert_id or NOTICE, _thread(row.references or (), row.original)
    return DispatchFacts(
        dispatch_id,
        about,
        row.channel,
        row.account_id,
        purpose,
        row.digest,
        row.exercise,
        doubt,
        references,
        row.turn,
    )


def _thread(references: Sequence[str], original: str | None) -> tuple[str, ...]:
    """The alerts that this one continues; the alert it corrects or takes back is last, because it
    replies to that one."""
    if original is None:
        return tuple(references)
    return (*(name for name in references if name != original), original)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the worker found before it sends a dispatch. `refusal`: why nothing of it may be sent.
    `texts`: the approved texts of its alert by row id, and `targets`: the approved addresses of its
    channel; where they are given, nothing else is sent, and to nobody else."""

    refusal: str | None = None
    texts: Mapping[int, Message] | None = None
    targets: Container[str] | None = None


@dataclass(frozen=True, slots=True)
class Words:
    """A message as it is sent."""

    lang: str
    parts: int
    text: str
    html: str | None
    subject: str | None
    picture: str | None = None  # its SHA-256
    alt: str | None = None
    document: str | None = None


def words_of(said: Message) -> Words:
    own = (said.picture, said.alt, said.document)
    return Words(said.lang, said.parts, said.text, said.html, said.subject, *own)


async def words(conn: Connection, ids: Sequence[int]) -> dict[int, Words]:
    """The texts of these messages."""
    m = message.c
    rows = await conn.execute(
        select(m.id, m.lang, m.parts, m.text, m.html, m.subject, m.picture, m.alt, m.document).where(
            m.id.in_(sorted(ids))
        )
    )
    return {number: Words(*said) for number, *said in rows}


async def acted_upon(conn: Connection, dispatch_id: int) -> frozenset[str]:
    """The platform's ids of the earlier posts that a dispatch answers, edits or deletes."""
    d = delivery.c
    found = await conn.scalars(
        select(d.remote_ref).where(d.dispatch_id == dispatch_id, d.remote_ref.is_not(None)).distinct()
    )
    return frozenset(found)


async def sent_by_us(
    conn: Connection, account_id: int, ids: Collection[str], alerts: Sequence[str]
) -> frozenset[str]:
    """Those of these posts that a worker published for these alerts on the account, as the platform's own
    answer said; not those whose address a person gave. The id of what a person posts by hand is the program's."""
    d = delivery.c
    ours = d.settled_by.is_(None) | (d.remote_id == literal("hand-").concat(cast(d.id, String)))
    found = await conn.scalars(
        select(d.remote_id)
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .where(dispatch.c.alert_id.in_(sorted(set(alerts))), dispatch.c.account_id == account_id)
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value, d.state.in_(HELD_OR_OUT))
        .where(d.remote_id.in_(sorted(ids)), ours)
    )
    return frozenset(found)


async def told(
    conn: Connection, alert_id: str, digest: str, priority: int
) -> frozenset[tuple[str, str]]:
    """The channels and targets for which a notice of this priority about these texts was queued, whatever became
    of it; not what was cancelled."""
    d = delivery.c
    found = await conn.execute(
        select(account.c.name, d.target)
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(dispatch.c.alert_id == alert_id, dispatch.c.digest == digest)
        .where(dispatch.c.purpose == Purpose.NOTICE.value, dispatch.c.priority == priority)
        .where(d.state != "cancelled")
        .distinct()
    )
    return frozenset((row.name, row.target) for row in found)


async def is_known(conn: Connection, channel: str, remote_id: str, *, but: int) -> bool:
    """Whether another delivery of the channel than `but` has this remote id."""
    known = (
        select(delivery.c.id)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(account.c.name == channel, delivery.c.remote_id == remote_id, delivery.c.id != but)
    )
    return await conn.scalar(known.limit(1)) is not None


async def earlier(
    conn: Connection, account_id: int, alerts: Sequence[str], targets: Sequence[str]
) -> list[tuple[str, str, int, str | None]]:
    """(target, alert, delivery, remote id) of what these targets got of earlier alerts, oldest first."""
    rows = await conn.execute(
        select(delivery.c.target, dispatch.c.alert_id, delivery.c.id, delivery.c.remote_id)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(dispatch.c.alert_id.in_(alerts), dispatch.c.account_id == account_id)
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value)
        .where(delivery.c.target.in_(sorted(set(targets))), delivery.c.state == "sent")
        .order_by(delivery.c.id)
    )
    return [(row.target, row.alert_id, row.id, row.remote_id) for row in rows]


SHOWN = (Action.PUBLISH, Action.EDIT, Action.PICTURE)  # what leaves something to be seen
PUBLIC = (Purpose.PUBLICATION.value, Purpose.RETRACTION.value)
CHANGED = (Action.EDIT, Action.DELETE)
ON_ITS_WAY = ("sending", "sent", "uncertain")
AT_MOST = 50

_SPAN = 86_400.0  # a dispatch older than this is not looked at: it bounds the search
_LATER, _OTHER = delivery.alias("later"), dispatch.alias("other")


class Sent(NamedTuple):
    """A delivery that is out, as far as its worker knows. `age`: seconds since it was settled."""

    id: int
    dispatch: int
    message: int | None
    target: str
    lang: str | None
    part: int
    attempts: int
    resent: bool
    action: str
    alert: str
    channel: str
    remote_id: str
    age: float
    born: float | None = None
    reply_to: str | None = None


class ReadbackVerdict(NamedTuple):
    """The result of reading back. `words`: "same", "unknown", or the difference. `alert`, `channel`: for
    the audit."""

    id: int
    alert: str
    channel: str
    remote_id: str
    words: str
    differs: bool


async def unread(
    conn: Connection, names: Collection[str], *, worker: str, others_after: float, within: float
) -> list[Sent]:
    """What `worker` published on these channels and nobody has read back yet; of other workers only what
    is older than `others_after` seconds. Nothing older than `within` seconds, and nothing that a
    later edit or deletion has changed."""
    d = delivery.c
    wanted = (
        select(
            d.id,
            d.dispatch_id,
            d.message_id,
            d.target,
            d.lang,
            d.part,
            d.attempts,
            d.resent,
            d.action,
            dispatch.c.alert_id,
            account.c.name,
            d.remote_id,
            NOW - d.settled_at,
            d.born,
        )
        .join_from(dispatch, account, account.c.id == dispatch.c.account_id)
        .join(delivery, d.dispatch_id == dispatch.c.id)
        .where(account.c.name.in_(sorted(names)), account.c.paused.is_(None))
        .where(dispatch.c.purpose.in_(PUBLIC), dispatch.c.not_before > NOW - _SPAN)
        .where(d.state == "sent", d.read_back.is_(None), d.remote_id.is_not(None))
        .where(d.action.in_([one.value for one in SHOWN]), d.settled_at > NOW - within)
        .where(or_(d.worker == worker, d.settled_at < NOW - others_after))
        .where(~changed_since(d.id, d.remote_id, dispatch.c.account_id))
        .order_by(d.id)
        .limit(AT_MOST)
    )
    return [Sent(*tuple[Any, ...](row)) for row in await conn.execute(wanted)]


def changed_since(
    delivery_id: ColumnElement[int], remote_id: ColumnElement[Any], account_id: ColumnElement[int]
) -> ColumnElement[bool]:
    """Whether a later delivery of the account has edited or deleted this post, or is about to."""
    later = _LATER.c
    return (
        exists()
        .where(later.remote_ref == remote_id, later.remote_ref.is_not(None), later.id > delivery_id)
        .where(later.action.in_([one.value for one in CHANGED]), later.state.in_(ON_ITS_WAY))
        .where(_OTHER.c.id == later.dispatch_id, _OTHER.c.account_id == account_id)
    )


async def superseded(conn: Connection, delivery_id: int) -> bool:
    """Whether a later delivery has edited or deleted what this one would edit."""
    d = delivery.c
    older = (
        select(d.id)
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .where(d.id == delivery_id, changed_since(d.id, d.remote_ref, dispatch.c.account_id))
    )
    return await conn.scalar(older) is not None


async def write(conn: Connection, verdicts: Sequence[ReadbackVerdict]) -> list[ReadbackVerdict]:
    """Store the verdicts; returns those that nobody had stored before."""
    kept = []
    for one in verdicts:
        fresh = update(delivery).where(delivery.c.id == one.id, delivery.c.read_back.is_(None))
        if (await conn.execute(fresh.values(read_back=one.words))).rowcount:
            kept.append(one)
    return kept
