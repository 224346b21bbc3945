"""The deliveries of an alert, put together before the transaction that approves it and outside it: with many
readers that takes seconds, in which nobody else could write."""

from collections.abc import Mapping, Sequence
from functools import partial

from alertbot.alerts import chains, publishing, store_following, store_reading
from alertbot.alerts.chains import Reached
from alertbot.alerts.store_reading import Alert, StoredTexts
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.model import Action, Channel, Message, Relation, Target
from alertbot.db.database import Unsteady, prepared
from alertbot.db.sql import Connection
from alertbot.delivery.store_outbox import NewDelivery, PackedDeliveries
from alertbot.people.context import Context

FALLS_TOO = (None, Relation.UPDATE)  # relations of alerts that fall with the one they belong to


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
    return Reached(posts, records, fallen, pictures)


def _outgoing(
    service: Context, alert: Alert, said: StoredTexts, reached: Reached | None, grounds: object
) -> Outgoing:
    rows = {}
    for name in alert.channels:
        mine = {key: text for key, text in said.texts.items() if text.channel == name}
        channel, targets = service.publisher.channel(name), said.targets.get(name, ())
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
