"""What an alert follows: the earlier alerts, whom they reached, and what was said then (R20, R22)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from alertbot.model import Channel, Message, Omission, OnCancel, Relation, Target
from alertbot.service.context import Context
from alertbot.service.voice import Voice
from alertbot.store import following, reading
from alertbot.store.connection import Connection
from alertbot.store.following import ON_ITS_WAY, REACHED, Standing
from alertbot.store.reading import Alert
from alertbot.words import _

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

    def channels(self, voice: Voice) -> tuple[Channel, ...]:
        """The channels to compose for, each with the targets of the chain. Where the team wants a false
        post kept or deleted, there is nothing to edit."""
        return tuple(
            _able(replace(voice.channels[name], targets=targets), self.relation)
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
    carried = _aims(await following.posts(conn, ids, (*REACHED, *ON_ITS_WAY)), service.voice)
    for channel in await _by_hand(service, conn, ids):
        carried = _joined(carried, channel)
    if relation not in ONLY_THOSE_REACHED:
        for channel in _of_today(service.voice, originals):
            carried = _joined(carried, channel)
    configured = service.voice.channels
    return Chain(
        relation=relation,
        originals=tuple(originals),
        targets={name: carried[name] for name in configured if name in carried},
        messages=tuple((await reading.messages_of(conn, originals[0].id)).values()),
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
        return await reading.listing(conn, incident=originals[0].incident)
    return await following.chain(conn, originals)


async def _by_hand(service: Context, conn: Connection, alerts: Sequence[str]) -> tuple[Channel, ...]:
    """The configured channels on which somebody posted by hand; mail is nobody's to answer there."""
    names = [one.channel for name in alerts for one in await reading.records_of(conn, name)]
    found = (service.voice.channels.get(name) for name in dict.fromkeys(names))
    return tuple(one for one in found if one is not None and not one.spec.per_recipient)


def _of_today(voice: Voice, originals: Iterable[Alert]) -> tuple[Channel, ...]:
    names = dict.fromkeys(name for one in originals for name in one.channels)
    return tuple(voice.channels[name] for name in names if name in voice.channels)


def _aims(posts: Iterable[Standing], voice: Voice) -> dict[str, tuple[Target, ...]]:
    """Whom these posts reached: each target of a channel in the languages it got, each reader once, in
    the language of the last mail."""
    found: dict[str, dict[tuple[str, str | None], Target]] = {}
    for one in posts:
        channel = voice.channels.get(one.channel)
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
