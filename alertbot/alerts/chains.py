"""What an alert follows: the earlier alerts, whom they reached, and what was said then (R20, R22)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from alertbot.alerts import store_following, store_reading
from alertbot.alerts.store_following import ON_ITS_WAY, REACHED, StandingPost
from alertbot.alerts.store_reading import Alert, Record
from alertbot.core.model import Action, Channel, Message, Omission, OnCancel, Relation, Target
from alertbot.core.words import _
from alertbot.db.sql import Connection
from alertbot.delivery.store_outbox import NewDelivery
from alertbot.people.context import Context
from alertbot.texts.publisher import Publisher

ONLY_THOSE_REACHED = frozenset(
    {Relation.CORRECTION, Relation.WITHDRAWAL, Relation.RETRACTION, Relation.CANCEL}
)
Targets = Mapping[str, tuple[Target, ...]]


@dataclass(frozen=True, slots=True)
class Chain:
    """What a new alert follows. `originals`: the alerts that it names, the one it follows in place first.
    `targets`: whom it goes to, by channel. `lost`: channels that carried it and are configured no more."""

    relation: Relation
    originals: tuple[Alert, ...]
    targets: Targets
    messages: tuple[Message, ...] = ()  # of the first original: what an edit takes the place of
    lost: tuple[Omission, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(one.id for one in self.originals)

    def channels(self, publisher: Publisher) -> tuple[Channel, ...]:
        """The channels to compose for, each with the targets of the chain. Where the team wants a false
        post kept or deleted, there is nothing to edit."""
        return tuple(
            _able(replace(publisher.channels[name], targets=targets), self.relation)
            for name, targets in self.targets.items()
        )


async def read(
    service: Context, conn: Connection, relation: Relation, originals: Sequence[Alert]
) -> Chain:
    """The chain that an alert of this relation to `originals` stands in, as things are now.

    Corrections and all else that takes back go to whom the originals, or an alert in their chain,
    reached or may still reach, on every channel, whether the incident is over or not (R22). An update
    and an end go to the readers of today as well.
    """
    ids = [one.id for one in await members(conn, relation, originals)]
    carried = _aims(await store_following.posts(conn, ids, (*REACHED, *ON_ITS_WAY)), service.publisher)
    for channel in await _by_hand(service, conn, ids):
        carried = _joined(carried, channel)
    if relation not in ONLY_THOSE_REACHED:
        for channel in _of_today(service.publisher, originals):
            carried = _joined(carried, channel)
    configured = service.publisher.channels
    return Chain(
        relation=relation,
        originals=tuple(originals),
        targets={name: carried[name] for name in configured if name in carried},
        messages=tuple((await store_reading.messages_of(conn, originals[0].id)).values()),
        lost=tuple(
            Omission(name, None, _("{channel} is not configured any more").format(channel=name))
            for name in carried
            if name not in configured
        ),
    )


async def members(
    conn: Connection, relation: Relation, originals: Sequence[Alert]
) -> tuple[Alert, ...]:
    """The alerts whose readers are concerned: the chain, or for an end every alert of the incident."""
    if relation is Relation.END:
        return await store_reading.listing(conn, incident=originals[0].incident)
    return await store_following.chain(conn, originals)


async def _by_hand(service: Context, conn: Connection, alerts: Sequence[str]) -> tuple[Channel, ...]:
    """The configured channels on which somebody posted by hand; mail is nobody's to answer there."""
    names = [one.channel for name in alerts for one in await store_reading.records_of(conn, name)]
    found = (service.publisher.channels.get(name) for name in dict.fromkeys(names))
    return tuple(one for one in found if one is not None and not one.spec.per_recipient)


def _of_today(publisher: Publisher, originals: Iterable[Alert]) -> tuple[Channel, ...]:
    names = dict.fromkeys(name for one in originals for name in one.channels)
    return tuple(publisher.channels[name] for name in names if name in publisher.channels)


def _aims(posts: Iterable[StandingPost], publisher: Publisher) -> dict[str, tuple[Target, ...]]:
    """Whom these posts reached: each target of a channel in the languages it got, each reader once, in
    the language of the last mail."""
    found: dict[str, dict[tuple[str, str | None], Target]] = {}
    for one in posts:
        channel = publisher.channels.get(one.channel)
        single = channel is not None and channel.spec.per_recipient
        key = (one.target, None if single else one.lang)
        found.setdefault(one.channel, {})[key] = Target(one.target, one.lang)
    return {name: tuple(targets.values()) for name, targets in found.items()}


def _joined(
    carried: Mapping[str, tuple[Target, ...]], channel: Channel
) -> dict[str, tuple[Target, ...]]:
    """With the channel's own targets where they are not among those reached."""
    before = carried.get(channel.name, ())
    known = {one.address for one in before}
    fresh = tuple(one for one in channel.targets if one.address not in known)
    return {**carried, channel.name: (*before, *fresh)}


def _able(channel: Channel, relation: Relation) -> Channel:
    if relation is Relation.CANCEL and channel.on_cancel is not OnCancel.STRIKE:
        return replace(channel, spec=replace(channel.spec, can_edit=False))
    return channel


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom the chain reached, at approval: nobody is reached by it after that. `fallen`: the alerts whose
    posts go when it is cancelled and the team wants false posts deleted. `pictures`: those that are posts
    of their own."""

    posts: tuple[StandingPost, ...]
    records: tuple[Record, ...] = ()
    fallen: frozenset[str] = frozenset()
    pictures: tuple[StandingPost, ...] = ()


class _Earlier:
    """What one channel carried of the chain, found by target: one look over all posts, however many readers
    there are."""

    def __init__(self, channel: Channel, reached: Reached) -> None:
        self._single = channel.spec.per_recipient
        self._by_hand = [one.remote_id for one in reached.records if one.channel == channel.name]
        self._posts: dict[tuple[str, str | None], list[StandingPost]] = defaultdict(list)
        self._addresses = set()
        for one in reached.posts:
            if one.channel == channel.name:
                self._posts[one.target, one.lang].append(one)
                self._addresses.add(one.target)

    def reached(self, target: Target) -> bool:
        """Whether this target has something of the chain, by the program's hand or by a person's."""
        if self._single:
            return target.address in self._addresses
        return bool(self._by_hand) or (target.address, target.lang) in self._posts

    def answered(self, alert: Alert, row: NewDelivery) -> str | None:
        """The post to answer: the first part of the first original for this target in this language, else
        of another alert in the chain, the latest first, else what somebody posted by hand."""
        fitting = [one for one in self._posts.get((row.target, row.lang), ()) if one.remote_id]
        order = (*alert.references, *dict.fromkeys(one.alert for one in reversed(fitting)))
        for name in order:
            parts = sorted((one.part, one.remote_id) for one in fitting if one.alert == name)
            if parts:
                return parts[0][1]
        return self._by_hand[-1] if self._by_hand else None


def partition(
    channel: Channel, alert: Alert, targets: Sequence[Target], reached: Reached
) -> tuple[tuple[Target, ...], tuple[NewDelivery, ...]]:
    """The targets that get it, and a row with the reason for each that never got what is taken back."""
    if alert.relation not in ONLY_THOSE_REACHED:
        return tuple(targets), ()
    earlier = _Earlier(channel, reached)
    those: list[Target] = []
    others: list[Target] = []
    for one in targets:
        (those if earlier.reached(one) else others).append(one)
    reason = _("Never reached by {originals}: there is nothing to take back here.").format(
        originals=", ".join(alert.references)
    )
    return tuple(those), tuple(
        NewDelivery(one.address, None, one.lang, skipped=reason) for one in others
    )


def answering(
    channel: Channel,
    alert: Alert,
    rows: Sequence[NewDelivery],
    texts: Mapping[int, Message],
    reached: Reached,
) -> list[NewDelivery]:
    """The rows of an alert, each first part as an answer to the post it follows, then what becomes of
    the earlier posts: edited, deleted, and the new one pinned."""
    earlier = _Earlier(channel, reached)
    found = [_answer(channel, alert, row, earlier) for row in rows]
    found += _pins(channel, found)
    if alert.relation is Relation.CANCEL and channel.on_cancel is OnCancel.DELETE:
        gone = [one for one in (*reached.posts, *reached.pictures) if one.alert in reached.fallen]
        return found + _deletions(channel, found, gone)
    stale = _stale_pictures(channel, alert, reached)
    return found + _edits(channel, alert, texts, reached) + _deletions(channel, found, stale)


def _answer(channel: Channel, alert: Alert, row: NewDelivery, earlier: _Earlier) -> NewDelivery:
    opens = row.action is Action.PUBLISH and row.part == 1 and row.skipped is None
    if not opens or not channel.spec.can_reply:
        return row
    return replace(row, remote_ref=earlier.answered(alert, row))


def _pins(channel: Channel, rows: Sequence[NewDelivery]) -> list[NewDelivery]:
    if not channel.spec.can_pin:
        return []
    return [
        NewDelivery(row.target, None, row.lang, row.part, place, action=Action.PIN)
        for place, row in enumerate(rows)
        if row.action is Action.PUBLISH and row.part == 1 and row.skipped is None
    ]


def _edits(
    channel: Channel, alert: Alert, texts: Mapping[int, Message], reached: Reached
) -> list[NewDelivery]:
    """One row for each standing part of the first original that has a new text."""
    fresh = {(one.lang, one.part): key for key, one in texts.items() if one.action is Action.EDIT}
    rows = []
    for post in reached.posts:
        key = fresh.get((str(post.lang), post.part))
        if key is None or post.channel != channel.name or post.alert != alert.original:
            continue
        unknown = None if post.remote_id else _unknown(post)
        rows.append(
            NewDelivery(
                post.target,
                key,
                post.lang,
                post.part,
                skipped=unknown,
                action=Action.EDIT,
                remote_ref=post.remote_id,
            )
        )
    return rows


def _stale_pictures(channel: Channel, alert: Alert, reached: Reached) -> list[StandingPost]:
    """A picture cannot be struck out: beside a text that is taken back it would go on telling the wrong
    number, so it goes. The text stays, with what is wrong struck out."""
    keeps = alert.relation is Relation.CANCEL and channel.on_cancel is OnCancel.KEEP
    if keeps or alert.relation not in ONLY_THOSE_REACHED or not channel.spec.can_delete:
        return []
    return [one for one in reached.pictures if one.alert in alert.references]


def _deletions(
    channel: Channel, rows: Sequence[NewDelivery], gone: Sequence[StandingPost]
) -> list[NewDelivery]:
    """What is taken away once the new post stands (R21): silence is no denial."""
    after = {
        (row.target, row.lang): place
        for place, row in enumerate(rows)
        if row.action is Action.PUBLISH and row.part == 1 and row.skipped is None
    }
    return [
        NewDelivery(
            post.target,
            None,
            post.lang,
            post.part,
            after.get((post.target, post.lang), next(iter(after.values()), None)),
            skipped=None if post.remote_id else _unknown(post),
            action=Action.DELETE,
            remote_ref=post.remote_id,
        )
        for post in gone
        if post.channel == channel.name
    ]


def _unknown(post: StandingPost) -> str:
    return _("Nobody knows what the platform calls the post of {alert}: look for it by hand.").format(
        alert=post.alert
    )
