"""What an approval signs: SHA-256 over every message of every channel and language, the prepared retraction
included, and every target."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence

from alertbot.core.json import Json
from alertbot.core.model import Action, Message, Target

FORMAT = 2  # a change of what is covered is a new number, and an entry in `agrees`
FIRST_FORMAT = 1  # 0.1.0


def digest_of(
    kind: str,
    messages: Iterable[Message],
    targets: Mapping[str, Sequence[Target]],
    *,
    exercise: bool,
    retraction: Iterable[Message] = (),
) -> str:
    """64 hexadecimal digits. The order of messages and targets does not matter; everything that a reader
    or a recipient could notice does."""
    covered = {
        "format": FORMAT,
        "kind": kind,
        "exercise": exercise,
        "messages": sorted(map(_message, messages), key=_canonical),
        "retraction": sorted(map(_message, retraction), key=_canonical),
        "targets": _targets(targets),
    }
    return _sum(covered)


def agrees(
    signed: str,
    kind: str,
    messages: Collection[Message],
    targets: Mapping[str, Sequence[Target]],
    *,
    exercise: bool,
    retraction: Collection[Message] = (),
) -> bool:
    """Whether a digest, of this format or an earlier one, belongs to this content. An earlier format
    counts only if the content has nothing that it did not cover."""
    if signed == digest_of(kind, messages, targets, exercise=exercise, retraction=retraction):
        return True
    beyond = retraction or any(
        one.picture or one.alt or one.action is not Action.PUBLISH for one in messages
    )
    return not beyond and signed == _first(kind, messages, targets, exercise=exercise)


def _first(
    kind: str,
    messages: Iterable[Message],
    targets: Mapping[str, Sequence[Target]],
    *,
    exercise: bool,
) -> str:
    """The digest as 0.1.0 computed it, before pictures, actions and retractions existed."""
    covered = {
        "format": FIRST_FORMAT,
        "kind": kind,
        "exercise": exercise,
        "messages": sorted(map(_first_message, messages), key=_canonical),
        "targets": _targets(targets),
    }
    return _sum(covered)


def _first_message(message: Message) -> dict[str, Json]:
    return {
        "channel": message.channel,
        "type": message.type,
        "lang": message.lang,
        "part": message.part,
        "parts": message.parts,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
    }


def _message(message: Message) -> dict[str, Json]:
    return _first_message(message) | {
        "action": str(message.action),
        "picture": message.picture,
        "alt": message.alt,
    }


def _targets(targets: Mapping[str, Sequence[Target]]) -> dict[str, list[list[str | None]]]:
    return {channel: sorted(map(_target, each), key=_canonical) for channel, each in targets.items()}


def _target(target: Target) -> list[str | None]:
    return [target.address, target.lang]


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _sum(covered: object) -> str:
    return hashlib.sha256(_canonical(covered).encode()).hexdigest()
