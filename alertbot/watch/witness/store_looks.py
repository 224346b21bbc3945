"""What the public was seen to see: one row per delivery that is looked at. Times are epoch seconds by the database's
clock, like those of the outbox."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import exists, func, or_, select, update

from alertbot.core.model import Action, Purpose
from alertbot.db.sql import NOW, Connection, upsert
from alertbot.db.tables import account, delivery, dispatch, message
from alertbot.db.tables_watch import sighting
from alertbot.delivery.store_content import changed_since
from alertbot.delivery.store_deliveries import FOLLOWED
from alertbot.watch.witness.rules_looks import Found, LookVerdict

SPAN = 86_400.0  # what was sent longer ago is not looked at any more
AT_MOST = 100
LEASE = 120.0  # another worker looks if this one died over it
SHOWN = (Action.PUBLISH.value, Action.EDIT.value)


class Pulse(NamedTuple):
    """What tells whether there may be something to look at."""

    newest: int
    going: int


class Unlooked(NamedTuple):
    """A delivery that nobody has looked at yet. `age`: seconds since it was settled."""

    id: int
    channel: str
    age: float


class Due(NamedTuple):
    """A delivery to look at now."""

    id: int
    alert: str
    channel: str
    state: str
    action: str
    attempts: int
    followed: bool
    text: str
    document: str | None
    remote_id: str | None
    url: str | None
    target: str
    attempted_at: float | None
    settled_at: float
    looks: int
    last: str | None
    verdict: str
    told: bool
    next_at: float
    changed: bool
    age: float


class Looked(NamedTuple):
    """The outcome of a look. `said`: how what is shown differs, or why nobody could look."""

    delivery: int
    found: Found
    verdict: LookVerdict
    pause: float | None
    said: str | None
    url: str | None
    told: bool


async def pulse(conn: Connection, channels: Collection[str]) -> Pulse:
    """Asked all the time: two reads by an index."""
    newest = await conn.scalar(select(func.max(dispatch.c.id)))
    still = (
        select(func.count())
        .select_from(dispatch)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(account.c.name.in_(sorted(channels)), ~dispatch.c.closed)
    )
    return Pulse(int(newest or 0), int(await conn.scalar(still) or 0))


async def unlooked(conn: Connection, channels: Mapping[str, str | None]) -> list[Unlooked]:
    """Deliveries of these channels that the public should see, and that nobody looks at yet; where a recipient is
    given, only theirs."""
    d, p = delivery.c, dispatch.c
    single = [
        (account.c.name == name) & (d.target == target) for name, target in channels.items() if target
    ]
    whole = account.c.name.in_(sorted(name for name, target in channels.items() if not target))
    wanted = (
        select(d.id, account.c.name, NOW - d.settled_at)
        .join_from(dispatch, account, account.c.id == p.account_id)
        .join(delivery, d.dispatch_id == p.id)
        .where(or_(whole, *single), p.not_before > NOW - SPAN)
        .where(p.purpose == Purpose.PUBLICATION.value, d.action.in_(SHOWN))
        .where(d.state.in_(["sent", "uncertain"]), d.settled_at > NOW - SPAN)
        .where(~exists().where(sighting.c.delivery_id == d.id))
        .order_by(d.id)
        .limit(AT_MOST)
    )
    return [Unlooked(*row) for row in await conn.execute(wanted)]


async def enlist(conn: Connection, first: Mapping[int, float]) -> None:
    """Look at these deliveries after so many seconds."""
    for number, wait in first.items():
        row = upsert(conn, sighting).values(
            delivery_id=number,
            verdict=LookVerdict.LOOKING.value,
            looks=0,
            told=False,
            next_at=NOW + wait,
        )
        await conn.execute(row.on_conflict_do_nothing(index_elements=[sighting.c.delivery_id]))


async def due(conn: Connection, channels: Collection[str]) -> list[Due]:
    """What is to be looked at now."""
    d, p, s = delivery.c, dispatch.c, sighting.c
    wanted = (
        select(d.id, p.alert_id, account.c.name, d.state, d.action, d.attempts, FOLLOWED)
        .add_columns(message.c.text, message.c.document)
        .add_columns(d.remote_id, d.url, d.target, d.attempted_at, d.settled_at)
        .add_columns(s.looks, s.last, s.verdict, s.told, s.next_at)
        .add_columns(changed_since(d.id, d.remote_id, p.account_id), NOW - d.settled_at)
        .join_from(sighting, delivery, d.id == s.delivery_id)
        .join(dispatch, p.id == d.dispatch_id)
        .join(account, account.c.id == p.account_id)
        .join(message, message.c.id == d.message_id)
        .where(account.c.name.in_(sorted(channels)), s.next_at <= NOW)
        .order_by(s.next_at)
        .limit(AT_MOST)
    )
    return [Due(*tuple[Any, ...](row)) for row in await conn.execute(wanted)]


async def next_due(conn: Connection) -> float | None:
    """Seconds until the next look; None if nothing is looked at."""
    left = await conn.scalar(select(func.min(sighting.c.next_at) - NOW))
    return None if left is None else float(left)


async def take(conn: Connection, one: Due) -> bool:
    """Whether this worker is the one to look now."""
    mine = (sighting.c.delivery_id == one.id) & (sighting.c.next_at == one.next_at)
    taken = await conn.execute(update(sighting).where(mine).values(next_at=NOW + LEASE))
    return taken.rowcount == 1


async def write(conn: Connection, one: Looked) -> float:
    """Store a look; returns when it was."""
    now = float(await conn.scalar(select(NOW)) or 0.0)
    seen = {"seen_at": now} if one.verdict is LookVerdict.SEEN else {}
    row = update(sighting).where(sighting.c.delivery_id == one.delivery)
    await conn.execute(
        row.values(
            verdict=one.verdict.value,
            last=one.found.value,
            looks=sighting.c.looks + 1,
            looked_at=now,
            next_at=None if one.pause is None else now + one.pause,
            said=one.said,
            told=one.told,
            **seen,
        )
    )
    return now


async def leave(conn: Connection, delivery_id: int) -> None:
    """Look no more: something later took its place."""
    row = update(sighting).where(sighting.c.delivery_id == delivery_id)
    await conn.execute(row.values(verdict=LookVerdict.CHANGED.value, next_at=None))


async def others(conn: Connection, alert: str, channel: str) -> Sequence[tuple[str, bool]]:
    """The other channels that have sent this alert, each with whether it was seen there."""
    d, p = delivery.c, dispatch.c
    seen = func.max(func.coalesce(sighting.c.seen_at, 0.0)) > 0.0
    found = (
        select(account.c.name, seen)
        .join_from(dispatch, account, account.c.id == p.account_id)
        .join(delivery, d.dispatch_id == p.id)
        .outerjoin(sighting, sighting.c.delivery_id == d.id)
        .where(p.alert_id == alert, p.purpose == Purpose.PUBLICATION.value)
        .where(d.state == "sent", account.c.name != channel)
        .group_by(account.c.name)
        .order_by(account.c.name)
    )
    return [(row[0], bool(row[1])) for row in await conn.execute(found)]


class Sight(NamedTuple):
    """What was seen of an alert on one channel. `since`: epoch seconds when all of it could be read; None while some
    of it was not seen. `verdict`: the worst of its deliveries."""

    alert: str
    channel: str
    verdict: str
    since: float | None


WORST_FIRST = (
    LookVerdict.OTHER,
    LookVerdict.UNSEEN,
    LookVerdict.BLIND,
    LookVerdict.LOOKING,
    LookVerdict.SEEN,
    LookVerdict.CHANGED,
)


async def sights(conn: Connection, alerts: Collection[str]) -> list[Sight]:
    """What was seen of these alerts, channel by channel."""
    p, s = dispatch.c, sighting.c
    wanted = (
        select(p.alert_id, account.c.name, s.verdict, s.seen_at)
        .join_from(dispatch, account, account.c.id == p.account_id)
        .join(delivery, delivery.c.dispatch_id == p.id)
        .join(sighting, s.delivery_id == delivery.c.id)
        .where(p.alert_id.in_(sorted(alerts)))
    )
    rows: dict[tuple[str, str], list[tuple[LookVerdict, float | None]]] = {}
    for row in await conn.execute(wanted):
        rows.setdefault((row.alert_id, row.name), []).append((LookVerdict(row.verdict), row.seen_at))
    found = []
    for (alert, channel), seen in sorted(rows.items()):
        worst = min((verdict for verdict, _at in seen), key=WORST_FIRST.index)
        moments = [at for _verdict, at in seen if at is not None]
        since = max(moments) if worst in (LookVerdict.SEEN, LookVerdict.CHANGED) and moments else None
        found.append(Sight(alert, channel, worst.value, since))
    return found


async def totals(conn: Connection) -> dict[tuple[str, str], int]:
    """How many deliveries were seen, or not, by channel and verdict."""
    counted = (
        select(account.c.name, sighting.c.verdict, func.count())
        .join_from(sighting, delivery, delivery.c.id == sighting.c.delivery_id)
        .join(dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .group_by(account.c.name, sighting.c.verdict)
    )
    return {(row[0], row[1]): row[2] for row in await conn.execute(counted)}


async def delays(conn: Connection) -> dict[str, float]:
    """By channel: how many seconds after it was accepted the last delivery was first seen."""
    last = (
        select(func.max(sighting.c.delivery_id))
        .join_from(sighting, delivery, delivery.c.id == sighting.c.delivery_id)
        .join(dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(sighting.c.seen_at.is_not(None))
        .group_by(dispatch.c.account_id)
    )
    found = (
        select(account.c.name, sighting.c.seen_at - delivery.c.settled_at)
        .join_from(sighting, delivery, delivery.c.id == sighting.c.delivery_id)
        .join(dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(sighting.c.delivery_id.in_(last))
    )
    return {row[0]: max(0.0, float(row[1])) for row in await conn.execute(found)}
