"""The chain of earlier alerts that an alert follows: whom they reached, which posts to answer, edit,
delete or pin, and what they said (R20, R22)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from alertbot.alerts import rules_inherited, store_following, store_reading
from alertbot.alerts.store_following import ON_ITS_WAY, REACHED, StandingPost
from alertbot.alerts.store_reading import Alert, Record
from alertbot.core.frozen import dataclass
from alertbot.core.loops import in_thread
from alertbot.core.model import (
    Action,
    AlertState,
    Channel,
    Markup,
    Message,
    Omission,
    OnCancel,
    Relation,
    Target,
)
from alertbot.core.target_list import is_erased
from alertbot.core.words import _, ngettext
from alertbot.db.database import prepared
from alertbot.db.sql import Connection
from alertbot.delivery.store_outbox import NewDelivery
from alertbot.people.context import Context
from alertbot.texts.publisher import Publisher

ONLY_THOSE_REACHED = frozenset(
    {Relation.CORRECTION, Relation.WITHDRAWAL, Relation.RETRACTION, Relation.CANCEL}
)
KEEPS_NOTHING_OLD = frozenset(
    {Relation.CORRECTION, Relation.WITHDRAWAL}
)  # an edited post says what is true now
Targets = Mapping[str, Sequence[Target]]


def stopped_by(relation: Relation | None, references: tuple[str, ...]) -> tuple[str, ...]:
    """The alerts whose deliveries that have not begun are cancelled once one with this relation to them is approved."""
    return references if relation in ONLY_THOSE_REACHED else ()


@dataclass(frozen=True, slots=True)
class Chain:
    """What a new alert follows. `originals`: the alerts it names, first the one it replaces. `targets`:
    its recipients by channel. `lost`: channels that carried it and are no longer configured."""

    relation: Relation
    originals: tuple[Alert, ...]
    targets: Targets
    messages: tuple[Message, ...] = ()  # of the first original: what an edit takes the place of
    lost: tuple[Omission, ...] = ()

    @property
    def references(self) -> tuple[str, ...]:
        return tuple(one.id for one in self.originals)

    def channels(self, publisher: Publisher) -> tuple[Channel, ...]:
        """The channels to compose for, each with the chain's targets. Without edits where the team wants
        false posts kept or deleted."""
        return tuple(
            _able(replace(publisher.channels[name], targets=targets), self.relation)
            for name, targets in self.targets.items()
        )


OUT = (
    AlertState.APPROVED,
    AlertState.PUBLISHING,
    AlertState.PUBLISHED,
    AlertState.PARTLY_PUBLISHED,
)


async def told(service: Context, conn: Connection, incident: str) -> list[Alert]:
    """What of this incident the public was told or is about to be told, the latest first: nothing that is only for
    those who answer it, the press or the team."""
    out = await store_reading.listing(conn, incident=incident, states=OUT)
    return [one for one in out if service.publisher.is_for_the_public(one.kind)]


async def followed(
    service: Context, conn: Connection, incident: str, *, exercise: bool
) -> tuple[str, ...]:
    """The alert that a new one of this incident follows up: the last that was published or is on its
    way."""
    out = await told(service, conn, incident)
    return tuple(alert.id for alert in out if alert.exercise is exercise)[:1]


async def read(
    service: Context, conn: Connection, relation: Relation, originals: Sequence[Alert]
) -> Chain:
    """The chain of an alert with this relation to `originals`, as of now.

    Corrections and everything else that takes an alert back go to everyone whom the originals, or
    another alert in their chain, reached or may still reach, on every channel, even after the incident
    has ended (R22). Updates and ends also go to today's recipients. For a write transaction: the chain is read
    and built outside it (`prepared` says what is raised).
    """
    family = await members(conn, relation, originals)
    records = await store_reading.records_of(conn, *(each.id for each in family))
    # each alert as it is: who is reached changes when one is approved or settled, and a reader whom a delivery
    # missed meanwhile is left out at approval
    grounds = ([(one.id, one.state, one.revision) for one in family], originals, records)
    by_hand = _by_hand(service, records)
    look = partial(_look, service, relation, tuple(originals), [one.id for one in family], by_hand)
    return prepared(f"readers of the {relation} of {originals[0].id}", grounds, look)


async def _look(
    service: Context,
    relation: Relation,
    originals: tuple[Alert, ...],
    ids: Sequence[str],
    by_hand: tuple[Channel, ...],
) -> Chain:
    async def texts_and_posts(conn: Connection) -> tuple[dict[int, Message], tuple[StandingPost, ...]]:
        posts = await store_following.posts(conn, ids, (*REACHED, *ON_ITS_WAY))
        return await store_reading.messages_of(conn, originals[0].id), posts

    texts, posts = await service.database.read(texts_and_posts)
    messages = tuple(texts.values())
    return await in_thread(
        partial(_chain, service.publisher, relation, originals, messages, posts, by_hand)
    )


def _chain(
    publisher: Publisher,
    relation: Relation,
    originals: tuple[Alert, ...],
    messages: tuple[Message, ...],
    posts: Sequence[StandingPost],
    by_hand: tuple[Channel, ...],
) -> Chain:
    carried = _aims([one for one in posts if not is_erased(one.target)], publisher)
    for channel in by_hand:
        carried = _joined(carried, channel)
    if relation not in ONLY_THOSE_REACHED:
        for channel in _of_today(publisher, originals):
            carried = _joined(carried, channel)
    configured = publisher.channels
    return Chain(
        relation=relation,
        originals=originals,
        targets={name: carried[name] for name in configured if name in carried},
        messages=messages,
        lost=(
            *(
                Omission(name, None, _why_lost(publisher, name))
                for name in carried
                if name not in configured
            ),
            *_forgotten(posts),
        ),
    )


def _forgotten(posts: Iterable[StandingPost]) -> Iterable[Omission]:
    """Whom nobody can write to any more because their addresses were erased, by channel."""
    found: dict[str, set[str]] = {}
    for one in posts:
        if is_erased(one.target):
            found.setdefault(one.channel, set()).add(one.target)
    for name, each in found.items():
        sentence = ngettext(
            "the address of {n} recipient who was reached was erased since; they are not told",
            "the addresses of {n} recipients who were reached were erased since; they are not told",
            len(each),
        )
        yield Omission(name, None, sentence.format(n=len(each)))


def is_unusable(publisher: Publisher, channel: str) -> bool:
    """Whether its section was left out for a fault. False for a channel that is not configured."""
    return channel not in publisher.channels and not publisher.unusable.isdisjoint(
        ("channels", f"channels.{channel}")
    )


def _why_lost(publisher: Publisher, channel: str) -> str:
    if is_unusable(publisher, channel):
        sentence = _(
            "the settings of {channel}, or a file that they name, have a fault (`alertbot check`); nothing is sent there"
        )
    else:
        sentence = _("{channel} is no longer configured")
    return sentence.format(channel=channel)


async def members(
    conn: Connection, relation: Relation, originals: Sequence[Alert]
) -> tuple[Alert, ...]:
    """The alerts whose recipients are concerned: the chain, or for an end every alert of the incident."""
    if relation is Relation.END:
        return await store_reading.listing(conn, incident=originals[0].incident)
    return await store_following.chain(conn, originals)


def _by_hand(service: Context, records: Sequence[Record]) -> tuple[Channel, ...]:
    """The configured channels on which a person posted by hand; mail is left out, since nobody can reply
    there."""
    names = dict.fromkeys(one.channel for one in records)
    found = (service.publisher.channels.get(name) for name in names)
    return tuple(one for one in found if one is not None and not one.spec.per_recipient)


def _of_today(publisher: Publisher, originals: Sequence[Alert]) -> tuple[Channel, ...]:
    """The channels of the originals; and a public page that was added since: it is where people look what holds now."""
    names = dict.fromkeys(name for one in originals for name in one.channels)
    found = [publisher.channels[name] for name in names if name in publisher.channels]
    audiences = {one.audience for one in found}
    pages = (one for one in publisher.channels.values() if one.spec.markup is Markup.PAGE)
    return (*found, *(one for one in pages if one.name not in names and one.audience in audiences))


def _aims(posts: Iterable[StandingPost], publisher: Publisher) -> dict[str, Sequence[Target]]:
    """The targets that these posts reached, per channel and language. Each mail recipient appears once,
    in the language of the last mail."""
    found: dict[str, dict[tuple[str, str | None], Target]] = {}
    for one in posts:
        channel = publisher.channels.get(one.channel)
        single = channel is not None and channel.spec.per_recipient
        key = (one.target, None if single else one.lang)
        found.setdefault(one.channel, {})[key] = Target(one.target, one.lang)
    return {name: tuple(targets.values()) for name, targets in found.items()}


def _joined(carried: Mapping[str, Sequence[Target]], channel: Channel) -> dict[str, Sequence[Target]]:
    """The reached targets, plus the channel's own targets that are not among them. A place that gets every
    language of its channel gets those too that never reached it: they begin a thread of their own."""
    before = carried.get(channel.name, ())
    single = channel.spec.per_recipient
    whole = {one.address for one in channel.targets if one.lang is None and not single}
    kept = tuple(one for one in before if one.address not in whole)
    known = {(one.address, None if single else one.lang) for one in kept}
    fresh = (one for one in channel.targets if (one.address, None if single else one.lang) not in known)
    return {**carried, channel.name: (*kept, *fresh)}


def _able(channel: Channel, relation: Relation) -> Channel:
    if relation is Relation.CANCEL and channel.on_cancel is not OnCancel.STRIKE:
        return replace(channel, spec=replace(channel.spec, can_edit=False))
    return channel


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom the chain had reached at approval; it reaches nobody after that. `fallen`: alerts whose posts
    are deleted when it is cancelled, if the team chose that. `pictures`: those that are separate
    posts. `gave`: alerts that gave a number which must not be called from now on."""

    posts: tuple[StandingPost, ...]
    records: tuple[Record, ...] = ()
    fallen: frozenset[str] = frozenset()
    pictures: tuple[StandingPost, ...] = ()
    gave: frozenset[str] = frozenset()


class _Earlier:
    """The chain's posts on one channel, indexed by target in a single pass, so that cost grows linearly
    with the recipients."""

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
        """Whether this target has a post of the chain, sent by the program or by hand."""
        if self._single:
            return target.address in self._addresses
        return bool(self._by_hand) or (target.address, target.lang) in self._posts

    def answered(self, alert: Alert, row: NewDelivery) -> str | None:
        """The post to reply to: the first part of the first original for this target in this language,
        else of the latest other alert in the chain, else a post made by hand."""
        fitting = [one for one in self._posts.get((row.target, row.lang), ()) if one.remote_id]
        order = (*alert.references, *dict.fromkeys(one.alert for one in reversed(fitting)))
        for name in order:
            parts = sorted((one.part, one.remote_id) for one in fitting if one.alert == name)
            if parts:
                return parts[0][1]
        return self._by_hand[-1] if self._by_hand else None


def partition(
    channel: Channel, alert: Alert, targets: Sequence[Target], reached: Reached
) -> tuple[Sequence[Target], tuple[NewDelivery, ...]]:
    """Split the targets into those that receive the alert and those that never got what it takes back,
    each of the latter as a row with the reason."""
    if alert.relation not in ONLY_THOSE_REACHED:
        return tuple(targets), ()
    earlier = _Earlier(channel, reached)
    those: list[Target] = []
    others: list[Target] = []
    for one in targets:
        (those if earlier.reached(one) else others).append(one)
    reason = _("Never reached by {originals}; nothing to take back here.").format(
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
    """The alert's rows, with each first part replying to the post it follows, then the rows for the
    earlier posts: edits, deletions and the pin of the new one."""
    earlier = _Earlier(channel, reached)
    found = [_answer(channel, alert, row, earlier) for row in rows]
    found += _pins(channel, found)
    if alert.relation is Relation.CANCEL and channel.on_cancel is OnCancel.DELETE:
        gone = [one for one in (*reached.posts, *reached.pictures) if one.alert in reached.fallen]
        return found + _deletions(channel, found, gone)
    stale = _stale_pictures(channel, alert, reached)
    return found + _edits(channel, alert, texts, reached, found) + _deletions(channel, found, stale)


def _answer(channel: Channel, alert: Alert, row: NewDelivery, earlier: _Earlier) -> NewDelivery:
    opens = row.action is Action.PUBLISH and row.part == 1 and row.skipped is None
    if not opens or not channel.spec.can_reply:
        return row
    return replace(row, remote_ref=earlier.answered(alert, row))


def _pins(channel: Channel, rows: Sequence[NewDelivery]) -> list[NewDelivery]:
    if not channel.spec.can_pin:
        return []
    first = channel.languages[0] if channel.spec.one_pin else None
    return [
        NewDelivery(row.target, None, row.lang, row.part, place, action=Action.PIN)
        for place, row in enumerate(rows)
        if row.action is Action.PUBLISH and row.part == 1 and row.skipped is None
        if first in (None, row.lang)
    ]


def _edits(
    channel: Channel,
    alert: Alert,
    texts: Mapping[int, Message],
    reached: Reached,
    posts: Sequence[NewDelivery],
) -> list[NewDelivery]:
    """One row for each remaining part of the first original that gets a new text, after the new `posts`. Where nothing
    of the old text is kept, other posts that gave a number which is struck now get it too: they have other readers."""
    answered = {row.target for row in posts if row.action is Action.PUBLISH and row.skipped is None}
    fresh = {(one.lang, one.part): key for key, one in texts.items() if one.action is Action.EDIT}
    others = reached.gave if alert.relation in KEEPS_NOTHING_OLD else ()
    rows = []
    for post in reached.posts:
        if post.channel != channel.name or post.alert not in (alert.original, *others):
            continue
        key = fresh.get((str(post.lang), post.part if post.alert == alert.original else 1))
        if key is None:
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
                in_turn=post.target in answered and not channel.spec.per_recipient,
            )
        )
    return rows


def _stale_pictures(channel: Channel, alert: Alert, reached: Reached) -> list[StandingPost]:
    """Rows that delete the pictures of taken-back texts. A picture cannot be struck through and would go
    on showing the wrong number; its text stays, with the error struck."""
    keeps = alert.relation is Relation.CANCEL and channel.on_cancel is OnCancel.KEEP
    if keeps or alert.relation not in ONLY_THOSE_REACHED or not channel.spec.can_delete:
        return []
    return [one for one in reached.pictures if one.alert in reached.gave.union(alert.references)]


def _deletions(
    channel: Channel, rows: Sequence[NewDelivery], gone: Sequence[StandingPost]
) -> list[NewDelivery]:
    """Rows that delete earlier posts after the new post is out (R21), so that a denial is never missing."""
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
    return _(
        "The platform's id for the post of {alert} is not known. Look for the post by hand."
    ).format(alert=post.alert)


async def last_word(conn: Connection, chain: Chain) -> Alert | None:
    """The alert that told the public last how things stand, if that was after the one that is corrected: a correction
    that said the old facts again would undo it. None for what is not a correction."""
    original = chain.originals[0]
    if chain.relation is not Relation.CORRECTION:
        return None
    for later in await store_reading.listing(conn, incident=original.incident, states=OUT):
        if later.id == original.id:
            return None
        followed = later.relation in (None, Relation.UPDATE) and later.exercise == original.exercise
        if followed and rules_inherited.facts(later.given):
            return later
    return None
