"""From rows to posts: what an adapter gets. Pure."""

from collections.abc import Iterable, Mapping

from alertbot.model import Action, ExercisePost, Picture, Post
from alertbot.store.claiming import Claimed
from alertbot.store.contents import Envelope, Words
from alertbot.store.readback import Sent
from alertbot.store.settling import Doubt

_ACTIONS = {one.value: one for one in Action}  # a look-up is faster than the enumeration's own


def message_id(alert: str, delivery: int) -> str:
    """The same for every attempt, so that a mail that arrives twice is known for one. The channel adds
    its own domain."""
    return f"{alert}.{delivery}"


def post(
    row: Claimed | Doubt | Sent,
    envelope: Envelope,
    words: Words,
    references: tuple[str, ...] = (),
    picture: Picture | None = None,
) -> Post:
    """The finished post. An exercise becomes the type that live channels refuse."""
    kind = ExercisePost if envelope.exercise else Post
    claimed = isinstance(row, Claimed)
    return kind(
        alert=envelope.alert,
        delivery=row.id,
        attempt=row.attempts + 1 if claimed else row.attempts,
        target=row.target,
        lang=row.lang or words.lang,
        text=words.text,
        html=words.html,
        subject=words.subject,
        part=row.part,
        parts=words.parts,
        reply_to=row.reply_to,
        message_id=message_id(envelope.alert, row.id),
        references=references,
        uncertain_before=row.resent or not claimed,
        action=_ACTIONS[row.action],
        picture=picture,
        alt=words.alt,
    )


def threads(
    rows: Iterable[tuple[str, str, int, str | None]], order: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    """By target: the message ids of earlier mails, in the order of the alerts they belong to."""
    found: dict[str, list[tuple[int, str]]] = {}
    for target, alert, delivery, remote_id in rows:
        name = remote_id or message_id(alert, delivery)  # none where a person said that it was sent
        found.setdefault(target, []).append((order.index(alert), name))
    return {target: tuple(name for _place, name in sorted(ids)) for target, ids in found.items()}
