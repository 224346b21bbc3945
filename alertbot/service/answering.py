"""The rows of the outbox for an alert that follows others: answers to the posts that stand, and what becomes
of those. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alertbot.model import Action, Channel, Message, OnCancel, Relation, Target
from alertbot.service.chains import ONLY_THOSE_REACHED
from alertbot.store.following import Standing
from alertbot.store.outbox import Entry
from alertbot.store.reading import Alert, Record
from alertbot.words import _


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom the chain reached, at approval: nobody is reached by it after that. `fallen`: the alerts whose
    posts go when it is cancelled and the team wants false posts deleted. `pictures`: those that are posts
    of their own."""

    posts: tuple[Standing, ...]
    records: tuple[Record, ...] = ()
    fallen: frozenset[str] = frozenset()
    pictures: tuple[Standing, ...] = ()


class _Earlier:
    """What one channel carried of the chain, found by target: one look over all posts, however many readers
    there are."""

    def __init__(self, channel: Channel, reached: Reached) -> None:
        self._single = channel.spec.per_recipient
        self._by_hand = [one.remote_id for one in reached.records if one.channel == channel.name]
        self._posts: dict[tuple[str, str | None], list[Standing]] = defaultdict(list)
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

    def answered(self, alert: Alert, row: Entry) -> str | None:
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
) -> tuple[tuple[Target, ...], tuple[Entry, ...]]:
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
    return tuple(those), tuple(Entry(one.address, None, one.lang, skipped=reason) for one in others)


def answering(
    channel: Channel,
    alert: Alert,
    rows: Sequence[Entry],
    texts: Mapping[int, Message],
    reached: Reached,
) -> list[Entry]:
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


def _answer(channel: Channel, alert: Alert, row: Entry, earlier: _Earlier) -> Entry:
    opens = row.action is Action.PUBLISH and row.part == 1 and row.skipped is None
    if not opens or not channel.spec.can_reply:
        return row
    return replace(row, remote_ref=earlier.answered(alert, row))


def _pins(channel: Channel, rows: Sequence[Entry]) -> list[Entry]:
    if not channel.spec.can_pin:
        return []
    return [
        Entry(row.target, None, row.lang, row.part, place, action=Action.PIN)
        for place, row in enumerate(rows)
        if row.action is Action.PUBLISH and row.part == 1 and row.skipped is None
    ]


def _edits(
    channel: Channel, alert: Alert, texts: Mapping[int, Message], reached: Reached
) -> list[Entry]:
    """One row for each standing part of the first original that has a new text."""
    fresh = {(one.lang, one.part): key for key, one in texts.items() if one.action is Action.EDIT}
    rows = []
    for post in reached.posts:
        key = fresh.get((str(post.lang), post.part))
        if key is None or post.channel != channel.name or post.alert != alert.original:
            continue
        unknown = None if post.remote_id else _unknown(post)
        rows.append(
            Entry(
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


def _stale_pictures(channel: Channel, alert: Alert, reached: Reached) -> list[Standing]:
    """A picture cannot be struck out: beside a text that is taken back it would go on telling the wrong
    number, so it goes. The text stays, with what is wrong struck out."""
    keeps = alert.relation is Relation.CANCEL and channel.on_cancel is OnCancel.KEEP
    if keeps or alert.relation not in ONLY_THOSE_REACHED or not channel.spec.can_delete:
        return []
    return [one for one in reached.pictures if one.alert in alert.references]


def _deletions(channel: Channel, rows: Sequence[Entry], gone: Sequence[Standing]) -> list[Entry]:
    """What is taken away once the new post stands (R21): silence is no denial."""
    after = {
        (row.target, row.lang): place
        for place, row in enumerate(rows)
        if row.action is Action.PUBLISH and row.part == 1 and row.skipped is None
    }
    return [
        Entry(
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


def _unknown(post: Standing) -> str:
    return _("Nobody knows what the platform calls the post of {alert}: look for it by hand.").format(
        alert=post.alert
    )
