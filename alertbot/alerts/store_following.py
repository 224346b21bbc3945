"""Chains of alerts: what follows what, which posts remain, and who has taken something back or is about
to. Read only."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, select

from alertbot.alerts import store_reading
from alertbot.alerts.store_reading import Alert
from alertbot.core.frozen import dataclass
from alertbot.core.model import Action, AlertState, DeliveryState, Purpose, Relation
from alertbot.db.sql import Connection
from alertbot.db.tables import account, alert, delivery, dispatch, record
from alertbot.db.tables_register import alert_number

REACHED = (DeliveryState.SENT, DeliveryState.UNCERTAIN, DeliveryState.SENDING)
ON_ITS_WAY = (DeliveryState.PENDING, DeliveryState.CLAIMED)
UNSETTLED = (*ON_ITS_WAY, DeliveryState.SENDING)
UNDER_WAY = (  # from the moment it is asked for until it is refused, thrown away or has failed
    AlertState.PENDING,
    AlertState.APPROVED,
    AlertState.PUBLISHING,
    AlertState.PUBLISHED,
    AlertState.PARTLY_PUBLISHED,
)
TAKEN_BACK = (Relation.CORRECTION, Relation.RETRACTION, Relation.CANCEL)


@dataclass(frozen=True, slots=True)
class StandingPost:
    """A part of an earlier alert that reached someone, or perhaps did. `remote_id` None: the platform's
    id is unknown."""

    alert: str
    channel: str
    target: str
    lang: str | None
    part: int
    state: DeliveryState
    remote_id: str | None


def _post(row: Any) -> StandingPost:
    state = DeliveryState(row.state)
    return StandingPost(row.alert, row.channel, row.target, row.lang, row.part, state, row.remote_id)


async def posts(
    conn: Connection,
    alerts: Sequence[str],
    states: Collection[DeliveryState] = REACHED,
    action: Action = Action.PUBLISH,
) -> tuple[StandingPost, ...]:
    """Every post and mail of these alerts in one of `states`, in the order written. `action` is PICTURE
    for pictures that are separate posts."""
    d = delivery.c
    query = (
        select(
            dispatch.c.alert_id.label("alert"),
            account.c.name.label("channel"),
            d.target,
            d.lang,
            d.part,
            d.state,
            d.remote_id,
            d.id,
        )
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(dispatch.c.alert_id.in_(sorted(set(alerts))))
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value, d.action == action.value)
        .where(d.state.in_([state.value for state in states]))
        .order_by(d.id)
        .limit(store_reading.PAGE_ROWS)
    )
    found: list[StandingPost] = []
    after = 0
    while True:  # page by page: a hundred thousand rows at once would hold up the event loop
        rows = (await conn.execute(query.where(d.id > after))).all()
        found += [_post(row) for row in rows]
        if len(rows) < store_reading.PAGE_ROWS:
            return tuple(found)
        after = rows[-1].id


class KnownPost(NamedTuple):
    """A post whose id is known. `url`: where a person gave its address, else ""."""

    channel: str
    remote_id: str
    alert: str
    url: str


async def known_posts(
    conn: Connection, alerts: Sequence[str], channels: Sequence[str]
) -> tuple[KnownPost, ...]:
    """The posts of these alerts on these channels, pictures and posts made by hand included, in order."""
    d, family = delivery.c, sorted(set(alerts))
    sent = (
        select(account.c.name, d.remote_id, dispatch.c.alert_id, d.url, d.settled_by)
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(dispatch.c.alert_id.in_(family), account.c.name.in_(sorted(channels)))
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value, d.remote_id.is_not(None))
        .where(d.action.in_([Action.PUBLISH.value, Action.PICTURE.value]))
        .where(d.state.in_([state.value for state in REACHED]))
    )
    r = record.c
    by_hand = select(r.channel, r.remote_id, r.alert_id, r.url).where(
        r.alert_id.in_(family), r.channel.in_(sorted(channels)), r.remote_id.is_not(None)
    )
    posts = [
        KnownPost(row.name, row.remote_id, row.alert_id, (row.url or "") if row.settled_by else "")
        for row in await conn.execute(sent)
    ]
    posts += [KnownPost(*row) for row in await conn.execute(by_hand)]
    return tuple(sorted(set(posts)))


async def urls(
    conn: Connection, alerts: Sequence[str], channels: Sequence[str]
) -> dict[tuple[str, str], str]:
    """The addresses of the posts of these alerts on these channels, by channel and the platform's id, where the
    platform or a person gave one."""
    d = delivery.c
    found = await conn.execute(
        select(account.c.name, d.remote_id, d.url)
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .join(account, account.c.id == dispatch.c.account_id)
        .where(dispatch.c.alert_id.in_(sorted(set(alerts))), account.c.name.in_(sorted(set(channels))))
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value)
        .where(d.remote_id.is_not(None), d.url.is_not(None))
    )
    return {(row.name, row.remote_id): row.url for row in found}


async def reached_counts(conn: Connection, alerts: Sequence[str]) -> dict[str, int]:
    """The number of deliveries of these alerts, by state, that reached someone or perhaps did."""
    d = delivery.c
    query = (
        select(d.state, func.count())
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .where(dispatch.c.alert_id.in_(sorted(set(alerts))))
        .where(dispatch.c.purpose == Purpose.PUBLICATION.value)
        .where(d.state.in_([state.value for state in REACHED]))
        .group_by(d.state)
    )
    return {row[0]: row[1] for row in await conn.execute(query)}


async def any_post(
    conn: Connection, alert_id: str, states: Collection[DeliveryState] = REACHED
) -> bool:
    """Whether a post or mail of this alert is in one of `states`."""
    d = delivery.c
    query = (
        select(d.id)
        .join_from(delivery, dispatch, dispatch.c.id == d.dispatch_id)
        .where(dispatch.c.alert_id == alert_id, dispatch.c.purpose == Purpose.PUBLICATION.value)
        .where(d.action == Action.PUBLISH.value, d.state.in_([state.value for state in states]))
    )
    return await conn.scalar(query.limit(1)) is not None


async def chain(conn: Connection, starts: Iterable[Alert]) -> tuple[Alert, ...]:
    """These alerts, all that they follow and all that follow them by a relation, oldest first."""
    wanted = {one.id: one for one in starts}
    incidents = sorted({one.incident for one in wanted.values()})
    known = [one for name in incidents for one in await store_reading.listing(conn, incident=name)]
    while grown := [one for one in known if one.id not in wanted and _touches(one, wanted.values())]:
        wanted |= {one.id: one for one in grown}
    return tuple(sorted(wanted.values(), key=lambda one: (one.drafted_at, one.number)))


def _touches(one: Alert, others: Iterable[Alert]) -> bool:
    return any(one.original == other.id or other.original == one.id for other in others)


async def followers(conn: Connection, alert_id: str) -> tuple[Alert, ...]:
    """The alerts that follow this one, newest first."""
    found = await conn.scalars(
        select(alert.c.id).where(alert.c.original == alert_id).order_by(alert.c.drafted_at.desc())
    )
    return tuple([await store_reading.get(conn, one) for one in found.all()])


async def taken_back_by(conn: Connection, alert_id: str, *, but: str = "") -> Alert | None:
    """The alert that takes this one back, or is about to (only one can, see `uq_alert_taken_back`)."""
    states = [state.value for state in UNDER_WAY]
    query = select(alert.c.id).where(
        alert.c.original == alert_id,
        alert.c.id != but,
        alert.c.relation.in_([one.value for one in TAKEN_BACK]),
        alert.c.state.in_(states),
    )
    found = await conn.scalar(query.order_by(alert.c.submitted_at).limit(1))
    return None if found is None else await store_reading.get(conn, str(found))


async def ending(conn: Connection, incident: str, *, but: str = "") -> Alert | None:
    """The alert that ends this incident, or is about to."""
    query = select(alert.c.id).where(
        alert.c.incident_id == incident,
        alert.c.id != but,
        alert.c.relation == Relation.END.value,
        alert.c.state.in_([state.value for state in UNDER_WAY]),
    )
    found = await conn.scalar(query.order_by(alert.c.submitted_at).limit(1))
    return None if found is None else await store_reading.get(conn, str(found))


async def struck_by(conn: Connection, entries: Sequence[int]) -> tuple[str, ...]:
    """The published or pending alerts that tell the public not to call these entries, newest first."""
    query = (
        select(alert.c.id, alert.c.drafted_at)
        .join_from(alert_number, alert, alert.c.id == alert_number.c.alert_id)
        .where(alert_number.c.number_id.in_(sorted(set(entries))), alert_number.c.struck)
        .where(alert.c.state.in_([state.value for state in UNDER_WAY]))
        .distinct()
        .order_by(alert.c.drafted_at.desc())
    )
    return tuple(row.id for row in await conn.execute(query))


async def last_reached(conn: Connection, alert_id: str) -> datetime | None:
    """When the last delivered post of the alert was sent, by the database's clock."""
    return await _reached(conn, alert_id, func.max(delivery.c.settled_at))


async def first_reached(conn: Connection, alert_id: str) -> datetime | None:
    """When the first delivered post of the alert was sent, by the database's clock."""
    return await _reached(conn, alert_id, func.min(delivery.c.settled_at))


async def _reached(conn: Connection, alert_id: str, when: ColumnElement[float]) -> datetime | None:
    query = (
        select(when)
        .join_from(delivery, dispatch, dispatch.c.id == delivery.c.dispatch_id)
        .where(dispatch.c.alert_id == alert_id, dispatch.c.purpose == Purpose.PUBLICATION.value)
        .where(delivery.c.state == DeliveryState.SENT.value)
    )
    found = await conn.scalar(query)
    return None if found is None else datetime.fromtimestamp(found, UTC)
